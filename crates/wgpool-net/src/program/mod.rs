//! A lowered model: operations that read inputs, weights and each other's outputs.

mod check;
mod initializers;
mod lifetimes;
mod optimise;
mod run;
mod step;
mod unread;

pub use check::Wrong;
pub(super) use initializers::Settable;
pub(super) use lifetimes::{Lifetime, lifetimes, peak};
pub use optimise::Fusion;
pub(super) use run::{check_descs, check_inputs, only_output};
pub use step::Step;
pub(super) use step::Task;
pub(super) use unread::remove_unread;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use half::f16;

use super::layer::Model;
use wgpool::error::{Error, Result};
use wgpool::spec::{AsStrided, Op};
use wgpool::tensor::{DType, Data, Tensor, TensorDesc, checked_elements};

/// Where an operation's input comes from, or an output of a [`Program`].
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An input of the program, by its place among them.
    Input(usize),
    /// An output of an earlier step.
    Step {
        /// The step's place.
        step: usize,
        /// The output's place among those of the step.
        output: usize,
    },
    /// Numbers that stay from run to run; steps and programs may share them.
    Weight(Arc<Tensor>),
}

impl Source {
    /// The only output of a step.
    pub fn step(step: usize) -> Source {
        Source::Step { step, output: 0 }
    }

    /// Its numbers, if they are known.
    fn known(&self) -> Option<&Tensor> {
        match self {
            Source::Weight(tensor) => Some(tensor),
            Source::Input(_) | Source::Step { .. } => None,
        }
    }
}

/// An input or output of a [`Program`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Port {
    /// Its name, unique among the inputs or the outputs.
    pub name: String,
    /// Its shape and type.
    pub desc: TensorDesc,
}

impl Port {
    /// With a name.
    pub fn new(name: impl Into<String>, desc: TensorDesc) -> Port {
        Port { name: name.into(), desc }
    }
}

/// A model lowered for given shapes: plain data that anything which runs operations can run.
///
/// ```
/// use wgpool_net::{LayerKind, Model};
/// use wgpool::{Backend, Layout, Pool, Tensor};
/// let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
/// let model = Model::new("tiny", [2, 2, 1]).layer("pool", LayerKind::Pool(pool));
/// let program = model.program(1)?;
/// assert_eq!(program.output()?.shape, [1, 1, 1, 1]);
/// let x = Tensor::from_f32(&[1, 2, 2, 1], vec![1., 4., 2., 3.])?;
/// assert_eq!(program.run(&Backend::Host, &x)?.as_f32()?, [4.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Program {
    /// The model's name.
    pub name: String,
    /// What goes in.
    pub inputs: Vec<Port>,
    /// What comes out.
    pub outputs: Vec<Port>,
    /// Where each output comes from: as many elements in the same order.
    pub results: Vec<Source>,
    /// What is computed, in order: a step reads those before it alone.
    pub steps: Vec<Step>,
    /// What [`Program::optimised`] joined, and what it did not, in order.
    pub fusions: Vec<Fusion>,
    /// The layers that it was lowered from; none if it is of a graph.
    pub(super) model: Model,
    /// The initializers of the file that it was lowered from, by name.
    pub(super) initializers: BTreeMap<String, Initializer>,
}

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "onnx"), allow(dead_code, reason = "only ONNX files have some"))]
pub(super) struct Initializer {
    /// As operations read it; none where the file's numbers were computed with when it was lowered.
    pub tensor: Option<Arc<Tensor>>,
    /// How many inputs of operations it was then.
    pub uses: usize,
}

impl Program {
    /// The only input.
    ///
    /// # Errors
    /// [`Error::Arity`] if there are none or several.
    pub fn input(&self) -> Result<&TensorDesc> {
        only("a program's inputs", "one input", &self.inputs)
    }

    /// The only output.
    ///
    /// # Errors
    /// [`Error::Arity`] if there are none or several.
    pub fn output(&self) -> Result<&TensorDesc> {
        only("a program's outputs", "one output", &self.outputs)
    }

    /// The same program on 16-bit floats: input, weights, output and what lies between the operations; sums stay 32-bit floats.
    ///
    /// On a GPU it needs the feature `SHADER_F16`.
    ///
    /// # Errors
    /// [`Error::Layer`] for a weight that is finite and no finite 16-bit float; those of operations, with model and layer.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Model};
    /// use wgpool::{DType, Pool};
    /// let model = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// assert_eq!(model.program(1)?.in_f16()?.output()?.dtype, DType::F16);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn in_f16(mut self) -> Result<Program> {
        let half = |desc: &TensorDesc| match desc.dtype {
            DType::F32 => TensorDesc { dtype: DType::F16, ..desc.clone() },
            _ => desc.clone(),
        };
        for step in &mut self.steps {
            let inputs: Vec<TensorDesc> = step.input_descs().iter().map(half).collect();
            for input in &mut step.inputs {
                if let Source::Weight(weight) = input
                    && let Data::F32(values) = weight.data()
                {
                    let narrowed: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
                    let lost =
                        values.iter().zip(&narrowed).find(|(v, half)| v.is_finite() && !half.is_finite());
                    if let Some((value, _)) = lost {
                        let reason =
                            format!("its weight {value:e} is beyond the largest 16-bit float, 65504");
                        return Err(Error::layer(&self.name, &step.name, reason));
                    }
                    *weight = Arc::new(Tensor::new(weight.shape(), narrowed)?);
                }
            }
            let task = step.task.on(inputs, &step.inputs);
            step.task = task.map_err(|error| error.in_layer(&self.name, &step.name))?;
        }
        for port in self.inputs.iter_mut().chain(&mut self.outputs) {
            port.desc = half(&port.desc);
        }
        Ok(self)
    }

    /// The same program for another batch size, on the same weights.
    ///
    /// Every operation must have the batch as its first axis, or a multiple of it, as those of [`Model`](crate::Model) have.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is one of batch 0, which does not say how its operations divide others; those of the
    /// operations, with model and layer.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Model};
    /// use wgpool::Pool;
    /// let model = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// assert_eq!(model.program(1)?.with_batch(8)?, model.program(8)?);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn with_batch(&self, batch: usize) -> Result<Program> {
        let first = self.inputs.first().and_then(|input| input.desc.shape.first());
        let from = first.copied().unwrap_or(0);
        if from == 0 {
            return Err(Error::parameter("program", "batch", from, "it must be positive to be made another"));
        }
        let scaled = |desc: &TensorDesc| -> Result<TensorDesc> {
            let mut desc = desc.clone();
            if let Some(first) = desc.shape.first_mut() {
                *first = (*first / from).saturating_mul(batch);
            }
            checked_elements("model", &desc.shape).map(|_| desc)
        };
        let mut program = self.clone();
        for step in &mut program.steps {
            let mut inputs = Vec::with_capacity(step.inputs.len());
            for (source, desc) in step.inputs.iter().zip(step.input_descs()) {
                inputs.push(if let Source::Weight(_) = source { desc.clone() } else { scaled(desc)? });
            }
            let in_layer = |error: Error| error.in_layer(&self.name, &step.name);
            // Of these the shape is a part.
            let x = step.input_descs().first().map_or_else(Vec::new, |desc| desc.shape.clone());
            let first = match &mut step.task {
                Task::Op { op: Op::AsStrided(op), .. } if goes_by_first(op, &x) => op.shape.first_mut(),
                Task::Op { op: Op::Resize(op), .. } if op.shape.first() == x.first() => op.shape.first_mut(),
                Task::Op { op: Op::AsStrided(_) | Op::Resize(_), .. } => {
                    let rule = "the first axis of what it reads must be that of what it makes";
                    return Err(in_layer(Error::parameter("program", "batch", batch, rule)));
                }
                _ => None,
            };
            if let Some(first) = first {
                *first = (*first / from).saturating_mul(batch);
            }
            let task = step.task.on(inputs, &step.inputs);
            step.task = task.map_err(|error| error.in_layer(&self.name, &step.name))?;
        }
        for port in program.inputs.iter_mut().chain(&mut program.outputs) {
            port.desc = scaled(&port.desc)?;
        }
        Ok(program)
    }
}

impl Program {
    /// Bytes of the weights, each counted once.
    pub(super) fn weight_bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        let inputs = self.steps.iter().flat_map(|step| step.inputs.iter().zip(step.input_descs()));
        let bytes = inputs.map(|(source, desc)| match source {
            Source::Weight(weight) if seen.insert(Arc::as_ptr(weight)) => desc.buffer_size(),
            _ => 0,
        });
        bytes.sum()
    }

    /// Lets go of the weights, which lie on a device. Which steps share one can still be seen.
    pub(super) fn release_weights(&mut self) -> Result<()> {
        let mut released: HashMap<*const Tensor, Arc<Tensor>> = HashMap::new();
        for input in self.steps.iter_mut().flat_map(|step| &mut step.inputs) {
            if let Source::Weight(weight) = input {
                let none = match released.get(&Arc::as_ptr(weight)) {
                    Some(none) => none.clone(),
                    None => Arc::new(Tensor::zeros(&[0], DType::F32)?),
                };
                let held = std::mem::replace(weight, none.clone());
                released.insert(Arc::as_ptr(&held), none);
            }
        }
        Ok(())
    }
}

fn only<'a>(op: &'static str, expected: &'static str, ports: &'a [Port]) -> Result<&'a TensorDesc> {
    match ports {
        [port] => Ok(&port.desc),
        ports => Err(Error::Arity { op, expected, got: ports.len() }),
    }
}

/// Whether the first axis of a tensor stays the first one, and the whole.
fn goes_by_first(op: &AsStrided, x: &[usize]) -> bool {
    let each: usize = x.iter().skip(1).product();
    op.shape.first() == x.first()
        && op.strides.first().is_some_and(|&stride| usize::try_from(stride) == Ok(each))
}
