//! A program of which some steps run on the host path and all others on a GPU.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Session, check_inputs};
use crate::layer::Model;
use crate::memory::Memory;
use crate::program::{Port, Program, Source, Step};
use wgpool::backend::Backend;
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

const OP: &str = "split";

/// A program of which the steps that the caller names run on the host path, and all others on a GPU.
///
/// Neighbouring steps of one place are a [`Session`] each, and one submission a run; values that a session has from another go through
/// the host's memory, and waiting for them is part of a run. So it is for what a GPU cannot compute, as an operator of the app's own that is
/// no shader, and not for speed. A step that a GPU refuses and that is not named stays an error.
///
/// ```no_run
/// use wgpool_net::{Graph, SplitSession};
/// use wgpool::{Activation, Engine, Tensor, TensorDesc};
/// # async fn split(engine: &Engine) -> Result<(), wgpool::Error> {
/// let mut graph = Graph::new("two places");
/// let x = graph.input("x", TensorDesc::f32([4]));
/// let bent = graph.at("bent").one(Activation::Tanh, &[x])?;
/// let cut = graph.at("cut").one(Activation::Relu, &[bent])?;
/// graph.output("y", cut);
/// let session = SplitSession::compile_async(engine, graph.finish()?, |step| step.name == "cut").await?;
/// let x = Tensor::from_f32(&[4], vec![-1., 0., 1., 2.])?;
/// assert_eq!(session.run_all_async(&[&x]).await?[0].as_f32()?[0], 0.);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SplitSession {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Where the outputs come from.
    results: Vec<Wire>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    session: Session,
    inputs: Vec<Wire>,
}

/// Where a tensor comes from that a part reads or the program gives.
#[derive(Clone, Debug)]
enum Wire {
    Input(usize),
    /// An output of a part.
    Part {
        part: usize,
        output: usize,
    },
    Weight(Arc<Tensor>),
}

impl SplitSession {
    /// Makes a program ready to run, the steps on the host path that `on_host` says so of. The program may be optimised or not: steps
    /// that were joined have joined names ([`Step::name`]).
    ///
    /// # Errors
    /// Those of [`Session::compile_async`] of each part.
    pub async fn compile_async(
        engine: &Engine,
        program: Program,
        on_host: impl FnMut(&Step) -> bool,
    ) -> Result<SplitSession> {
        let (cuts, results) = cut(&program, on_host);
        let mut parts = Vec::with_capacity(cuts.len());
        for Cut { on_host, program, inputs } in cuts {
            let session = match on_host {
                true => Session::on_cpu(&Backend::Host, program)?,
                false => Session::compile_in_async(engine, program, &Memory::default()).await?,
            };
            parts.push(Part { session, inputs });
        }
        let Program { name, inputs, outputs, .. } = program;
        Ok(SplitSession { name, inputs, outputs, results, parts })
    }

    /// What goes in.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// The sessions that it consists of, in order.
    pub fn parts(&self) -> impl Iterator<Item = &Session> {
        self.parts.iter().map(|part| &part.session)
    }

    /// Computes all outputs for all inputs, one part after the other: those on a GPU without ever blocking, those on the host path while
    /// the future is polled.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] if `inputs` are not what it was made for; those of its parts.
    pub async fn run_all_async(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        check_inputs(OP, &self.name, &self.inputs, inputs)?;
        let mut made: Vec<Vec<Tensor>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let given = part.inputs.iter().map(|wire| at(wire, inputs, &made));
            let given = given.collect::<Result<Vec<&Tensor>>>()?;
            let outputs = part.session.run_all_async(&given).await?;
            made.push(outputs);
        }
        let results = self.results.iter().zip(&self.outputs);
        results.map(|(wire, port)| at(wire, inputs, &made)?.clone().reshaped(&port.desc.shape)).collect()
    }
}

fn at<'a>(wire: &'a Wire, inputs: &[&'a Tensor], made: &'a [Vec<Tensor>]) -> Result<&'a Tensor> {
    let found = match wire {
        Wire::Input(input) => inputs.get(*input).copied(),
        Wire::Part { part, output } => made.get(*part).and_then(|outputs| outputs.get(*output)),
        Wire::Weight(weight) => Some(weight.as_ref()),
    };
    // A program that names what is not there was not made by this crate.
    found.ok_or_else(|| {
        Error::parameter(OP, "source", wire, "it must be an input, or an output of a step before")
    })
}

/// Neighbouring steps of one place.
struct Cut {
    on_host: bool,
    program: Program,
    inputs: Vec<Wire>,
}

/// The parts of a program and where its outputs come from.
fn cut(program: &Program, on_host: impl FnMut(&Step) -> bool) -> (Vec<Cut>, Vec<Wire>) {
    let places: Vec<bool> = program.steps.iter().map(on_host).collect();
    // Of each step its part, and its place there.
    let mut where_to: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    let mut cuts: Vec<Cut> = Vec::new();
    for (i, &on_host) in places.iter().enumerate() {
        if i == 0 || places.get(i - 1) != Some(&on_host) {
            cuts.push(Cut { on_host, program: empty(&program.name), inputs: Vec::new() });
        }
        let part = cuts.len() - 1;
        let before = where_to.iter().rev().take_while(|(other, _)| *other == part).count();
        where_to.push((part, before));
    }
    let mut wires = Wires { program, where_to, known: BTreeMap::new() };
    for (i, step) in program.steps.iter().enumerate() {
        let Some(&(part, _)) = wires.where_to.get(i) else { continue };
        let mut step = step.clone();
        for source in &mut step.inputs {
            wires.read_in_part(source, part, &mut cuts);
        }
        if let Some(cut) = cuts.get_mut(part) {
            cut.program.steps.push(step);
        }
    }
    let results = program.results.iter().map(|source| wires.out_of(source, &mut cuts)).collect();
    (cuts, results)
}

fn empty(name: &str) -> Program {
    Program {
        name: name.to_owned(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        results: Vec::new(),
        steps: Vec::new(),
        fusions: Vec::new(),
        model: Model::new(name, Vec::new()),
        initializers: BTreeMap::new(),
    }
}

/// What goes from part to part.
struct Wires<'a> {
    program: &'a Program,
    where_to: Vec<(usize, usize)>,
    /// Which output of its part a step's output is.
    known: BTreeMap<(usize, usize), usize>,
}

impl Wires<'_> {
    /// Makes of what a step reads what it reads in its part.
    fn read_in_part(&mut self, source: &mut Source, part: usize, cuts: &mut [Cut]) {
        if let Source::Step { step, .. } = source
            && let Some(&(from, place)) = self.where_to.get(*step)
            && from == part
        {
            *step = place;
            return;
        }
        let desc = match &*source {
            Source::Input(input) => self.program.inputs.get(*input).map(|port| port.desc.clone()),
            Source::Step { step, output } => {
                let step = self.program.steps.get(*step);
                step.and_then(|step| step.output_descs().get(*output).cloned())
            }
            Source::Weight(_) => None,
        };
        let Some(desc) = desc else { return };
        let wire = self.out_of(source, cuts);
        let Some(cut) = cuts.get_mut(part) else { return };
        let same = |other: &Wire| match (other, &wire) {
            (Wire::Input(a), Wire::Input(b)) => a == b,
            (Wire::Part { part: a, output: i }, Wire::Part { part: b, output: j }) => (a, i) == (b, j),
            _ => false,
        };
        let input = cut.inputs.iter().position(same).unwrap_or(cut.inputs.len());
        if input == cut.inputs.len() {
            cut.program.inputs.push(Port::new(format!("from {input}"), desc));
            cut.inputs.push(wire);
        }
        *source = Source::Input(input);
    }

    /// Makes a value an output of its part.
    fn out_of(&mut self, source: &Source, cuts: &mut [Cut]) -> Wire {
        let (step, output) = match source {
            Source::Input(input) => return Wire::Input(*input),
            Source::Weight(weight) => return Wire::Weight(weight.clone()),
            Source::Step { step, output } => (*step, *output),
        };
        let (part, place) = self.where_to.get(step).copied().unwrap_or_default();
        let number = *self.known.entry((step, output)).or_insert_with(|| {
            let desc = self.program.steps.get(step).and_then(|step| step.output_descs().get(output));
            let (Some(cut), Some(desc)) = (cuts.get_mut(part), desc) else { return 0 };
            let number = cut.program.outputs.len();
            cut.program.outputs.push(Port::new(format!("to {number}"), desc.clone()));
            cut.program.results.push(Source::Step { step: place, output });
            number
        });
        Wire::Part { part, output: number }
    }
}
