//! Reverse mode: gradients of a value by others, as further operations of the same graph.

use super::prepare::prepare;
use super::rules::{Context, backward};
use crate::graph::{Graph, Value};
use crate::program::Source;
use wgpool::error::Result;
use wgpool::spec::Elementwise;
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// What is known of each input and of each output of a step, in lists that grow with the graph.
struct Table<T> {
    inputs: Vec<T>,
    steps: Vec<Vec<T>>,
}

impl<T: Clone + Default> Table<T> {
    fn new(graph: &Graph) -> Table<T> {
        let of_step = |step: &crate::program::Step| vec![T::default(); step.output_descs().len()];
        Table {
            inputs: vec![T::default(); graph.input_count()],
            steps: graph.steps().iter().map(of_step).collect(),
        }
    }

    fn get(&self, source: &Source) -> Option<&T> {
        match source {
            Source::Input(input) => self.inputs.get(*input),
            Source::Step { step, output } => self.steps.get(*step)?.get(*output),
            Source::Weight(_) => None,
        }
    }

    fn get_mut(&mut self, source: &Source) -> Option<&mut T> {
        match source {
            Source::Input(input) => self.inputs.get_mut(*input),
            Source::Step { step, output } => self.steps.get_mut(*step)?.get_mut(*output),
            Source::Weight(_) => None,
        }
    }
}

fn is_float(desc: &TensorDesc) -> bool {
    matches!(desc.dtype, DType::F32 | DType::F16 | DType::BF16)
}

/// Which values depend on those of `of`.
fn depending(graph: &Graph, of: &[Source]) -> Table<bool> {
    let mut depends = Table::new(graph);
    for source in of {
        if let Some(place) = depends.get_mut(source) {
            *place = true;
        }
    }
    for (at, step) in graph.steps().iter().enumerate() {
        let reads = step.inputs.iter().any(|source| depends.get(source) == Some(&true));
        for (output, desc) in step.output_descs().iter().enumerate() {
            if reads
                && is_float(desc)
                && let Some(place) = depends.get_mut(&Source::Step { step: at, output })
            {
                *place = true;
            }
        }
    }
    depends
}

/// The steps between: those that depend on what gradients are asked of, and that the seeds depend on.
fn active(graph: &Graph, depends: &Table<bool>, seeds: &[Source]) -> Vec<bool> {
    let mut is_read: Table<bool> = Table::new(graph);
    for source in seeds {
        if let Some(place) = is_read.get_mut(source) {
            *place = true;
        }
    }
    let mut active = vec![false; graph.steps().len()];
    for (at, step) in graph.steps().iter().enumerate().rev() {
        let has = |table: &Table<bool>| table.steps.get(at).is_some_and(|outputs| outputs.contains(&true));
        if !has(&is_read) || !has(depends) {
            continue;
        }
        if let Some(place) = active.get_mut(at) {
            *place = true;
        }
        for source in &step.inputs {
            if let Some(place) = is_read.get_mut(source) {
                *place = true;
            }
        }
    }
    active
}

/// The gradients of `loss`, a value of one element, by each value of `of`: operations added to the graph, in a fixed order,
/// so that results have the same bits in every run. Where the loss does not depend on a value its gradient is 0.
///
/// Nothing is computed for what no gradient is asked of. The forward pass changes where it must: maxima store where they
/// were found, and activations whose slope their value does not tell become steps of their own.
///
/// # Errors
/// [`Error::Layer`](wgpool::Error::Layer), with node and operation, for an operation without a gradient, a loss of more elements
/// than one, a constant among `of` (make it an input), and a value of another graph; those of the operations that are added.
///
/// ```
/// use wgpool::{Backend, Elementwise, Reduce, ReduceKind, Tensor, TensorDesc};
/// use wgpool_net::{Graph, train};
/// let mut g = Graph::new("product");
/// let [a, b] = ["a", "b"].map(|name| g.input(name, TensorDesc::f32([2])));
/// let product = g.one(Elementwise::multiply(), &[a, b])?;
/// let loss = g.one(Reduce::new(ReduceKind::Sum, [0]), &[product])?;
/// let by_a = train::gradients(&mut g, loss, &[a])?[0];
/// g.output("loss", loss);
/// g.output("by a", by_a);
/// let [a, b] = [vec![1., 2.], vec![3., 4.]].map(|values| Tensor::from_f32(&[2], values));
/// let outputs = g.finish()?.run_all(&Backend::Host, &[&a?, &b?])?;
/// assert_eq!((outputs[0].as_f32()?, outputs[1].as_f32()?), ([11.].as_slice(), [3., 4.].as_slice()));
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn gradients(graph: &mut Graph, loss: Value, of: &[Value]) -> Result<Vec<Value>> {
    let desc = graph.desc(loss)?.clone();
    if desc.elements() != 1 || desc.dtype != DType::F32 {
        let node = graph.node().to_owned();
        return Err(graph.refusal(&node, format!("the loss is {desc}: it must have one element of f32")));
    }
    let one = graph.constant(Tensor::from_f32(&desc.shape, vec![1.0])?);
    gradients_from(graph, &[(loss, one)], of)
}

/// The gradients by `of` where those by other values, the seeds, are known.
pub(super) fn gradients_from(
    graph: &mut Graph,
    seeds: &[(Value, Value)],
    of: &[Value],
) -> Result<Vec<Value>> {
    let node = graph.node().to_owned();
    let gradients = walk(graph, seeds, of);
    graph.at(node);
    gradients
}

fn walk(graph: &mut Graph, seeds: &[(Value, Value)], of: &[Value]) -> Result<Vec<Value>> {
    let sources = |graph: &Graph, values: &mut dyn Iterator<Item = Value>| -> Result<Vec<Source>> {
        values.map(|value| graph.source(value).cloned()).collect()
    };
    for &value in of {
        if graph.known(value).is_some() || !is_float(graph.desc(value)?) {
            let node = graph.node().to_owned();
            return Err(
                graph.refusal(&node, "gradients are asked of a value that is a constant or no floats")
            );
        }
    }
    let wanted = sources(graph, &mut of.iter().copied())?;
    let from = sources(graph, &mut seeds.iter().map(|seed| seed.0))?;
    let before = depending(graph, &wanted);
    let active_before = active(graph, &before, &from);
    prepare(graph, &active_before)?;
    // Steps may have been put in between.
    let wanted = sources(graph, &mut of.iter().copied())?;
    let from = sources(graph, &mut seeds.iter().map(|seed| seed.0))?;
    let depends = depending(graph, &wanted);
    let is_active = active(graph, &depends, &from);
    let mut found: Table<Option<Value>> = Table::new(graph);
    for (source, &(_, gradient)) in from.iter().zip(seeds) {
        add(graph, &mut found, source, gradient)?;
    }
    for at in (0..is_active.len()).rev().filter(|&at| is_active.get(at) == Some(&true)) {
        let Some(step) = graph.steps().get(at).cloned() else { continue };
        let Some(&Some(gradient)) = found.get(&Source::step(at)) else { continue };
        let needs = step.inputs.iter().map(|source| depends.get(source) == Some(&true)).collect();
        let inputs = step.inputs.clone();
        graph.at(format!("gradient of {}", step.name));
        let by_input = backward(&mut Context { graph, step, at, gradient, needs })?;
        for (source, gradient) in inputs.iter().zip(by_input) {
            if let (Some(gradient), Some(true)) = (gradient, depends.get(source)) {
                add(graph, &mut found, source, gradient)?;
            }
        }
    }
    let mut gradients = Vec::with_capacity(of.len());
    for (source, &value) in wanted.iter().zip(of) {
        let desc = graph.desc(value)?.clone();
        gradients.push(match found.get(source) {
            Some(&Some(gradient)) => graph.reshape(gradient, desc.shape)?,
            _ => graph.constant(Tensor::zeros(&desc.shape, desc.dtype)?),
        });
    }
    Ok(gradients)
}

/// Adds a gradient to what has been found of a source, in the source's own shape.
fn add(graph: &mut Graph, found: &mut Table<Option<Value>>, source: &Source, gradient: Value) -> Result<()> {
    let shape = match source {
        Source::Input(input) => graph.input_desc(*input).map(|desc| desc.shape.clone()),
        Source::Step { step, output } => graph
            .steps()
            .get(*step)
            .and_then(|step| step.output_descs().get(*output))
            .map(|d| d.shape.clone()),
        Source::Weight(_) => None,
    };
    let (Some(shape), Some(place)) = (shape, found.get_mut(source)) else { return Ok(()) };
    let gradient = graph.reshape(gradient, shape)?;
    *place = Some(match *place {
        None => gradient,
        Some(before) => graph.one(Elementwise::add(), &[before, gradient])?,
    });
    Ok(())
}
