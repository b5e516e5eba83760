//! A lowered model: operations in a row.

use half::f16;

use super::axes::space;
use super::sequential::Sequential;
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::Op;
use wgpool::tensor::{DType, Data, Tensor, TensorDesc, checked_elements};

/// One operation of a [`Program`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The layer it comes from; layers that were fused are joined by `+`.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// The shape that the previous output (or the input) takes on: as many elements in the same order.
    pub input_shape: Vec<usize>,
    /// Kernel and bias of a convolution or dense layer.
    pub weights: Vec<Tensor>,
    /// The operation with every shape known; its inputs are `input_shape` and the weights, its output is one.
    pub problem: Problem,
}

/// A model lowered for one batch size: plain data that anything which runs operations can run.
///
/// Each step reads the output of the one before it.
///
/// ```
/// use wgpool_net::{LayerKind, Sequential};
/// use wgpool::{Backend, Layout, Pool, Tensor};
/// let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
/// let model = Sequential::new("tiny", [2, 2, 1]).layer("pool", LayerKind::Pool(pool));
/// let program = model.program(1)?;
/// assert_eq!(program.output.shape, [1, 1, 1, 1]);
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
    pub input: TensorDesc,
    /// What comes out: the last step's output under the model's output shape.
    pub output: TensorDesc,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// What it was lowered from.
    pub(super) model: Sequential,
}

impl Program {
    /// Computes the model's output, operation by operation: on a GPU without ever blocking, elsewhere while the future is
    /// polled.
    ///
    /// # Errors
    /// [`Error::Shape`] if `input` is not what the program was made for; those of the backend, with model and layer.
    pub async fn run_async(&self, backend: &Backend, input: &Tensor) -> Result<Tensor> {
        let mut x = self.checked(input)?;
        for step in &self.steps {
            let inputs = step.inputs(&self.name, x)?;
            let inputs: Vec<&Tensor> = inputs.iter().chain(&step.weights).collect();
            x = step.output(&self.name, backend.run_async(&step.op, &inputs).await)?;
        }
        x.reshaped(&self.output.shape)
    }

    /// The same program on 16-bit floats: input, weights, output and what lies between the operations; sums stay 32-bit floats.
    ///
    /// On a GPU it needs the feature `SHADER_F16`.
    ///
    /// # Errors
    /// [`Error::Layer`] for a weight that is finite and no finite 16-bit float; those of operations, with model and layer.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Sequential};
    /// use wgpool::{DType, Pool};
    /// let model = Sequential::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// assert_eq!(model.program(1)?.in_f16()?.output.dtype, DType::F16);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn in_f16(mut self) -> Result<Program> {
        let half = |desc: &TensorDesc| match desc.dtype {
            DType::F32 => TensorDesc { dtype: DType::F16, ..desc.clone() },
            _ => desc.clone(),
        };
        for step in &mut self.steps {
            // Regions keep their 32 bits.
            let weights = if step.depends_on_batch() { 0 } else { step.weights.len() };
            let mut inputs = step.problem.inputs.clone();
            inputs.iter_mut().take(1 + weights).for_each(|desc| *desc = half(desc));
            step.problem =
                Problem::new(&step.op, &inputs).map_err(|error| error.in_layer(&self.name, &step.name))?;
            for weight in step.weights.iter_mut().take(weights) {
                if let Data::F32(values) = weight.data() {
                    let narrowed: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
                    let lost =
                        values.iter().zip(&narrowed).find(|(v, half)| v.is_finite() && !half.is_finite());
                    if let Some((value, _)) = lost {
                        let reason =
                            format!("its weight {value:e} is beyond the largest 16-bit float, 65504");
                        return Err(Error::layer(&self.name, &step.name, reason));
                    }
                    *weight = Tensor::new(weight.shape(), narrowed)?;
                }
            }
        }
        (self.input, self.output) = (half(&self.input), half(&self.output));
        Ok(self)
    }

    /// The same program for another batch size, with a copy of the weights.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is one of batch 0, which does not say how its operations divide others; those of the
    /// operations, with model and layer.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Sequential};
    /// use wgpool::Pool;
    /// let model = Sequential::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// assert_eq!(model.program(1)?.with_batch(8)?, model.program(8)?);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn with_batch(&self, batch: usize) -> Result<Program> {
        let from = self.input.shape.first().copied().unwrap_or(0);
        if from == 0 {
            return Err(Error::parameter("program", "batch", from, "it must be positive to be made another"));
        }
        // Every step has the batch, or a multiple of it, as its first axis.
        let scaled = |shape: &[usize]| -> Result<Vec<usize>> {
            let mut shape = shape.to_vec();
            if let Some(first) = shape.first_mut() {
                *first = (*first / from).saturating_mul(batch);
            }
            checked_elements("model", &shape).map(|_| shape)
        };
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let in_layer = |error: Error| error.in_layer(&self.name, &step.name);
            let mut step = Step { input_shape: scaled(&step.input_shape)?, ..step.clone() };
            let mut inputs = step.problem.inputs.clone();
            if let Op::RoiAlign(spec) = &step.op
                && let &[height, width] = space(spec.layout, &step.input_shape)
            {
                step.weights = whole_images(batch, [height, width])?.into();
                inputs.splice(1.., step.weights.iter().map(Tensor::desc));
            }
            if let Some(input) = inputs.first_mut() {
                input.shape.clone_from(&step.input_shape);
            }
            step.problem = Problem::new(&step.op, &inputs).map_err(in_layer)?;
            steps.push(step);
        }
        let desc = |desc: &TensorDesc| -> Result<TensorDesc> {
            Ok(TensorDesc { shape: scaled(&desc.shape)?, dtype: desc.dtype })
        };
        let (name, model) = (self.name.clone(), self.model.clone());
        Ok(Program { name, input: desc(&self.input)?, output: desc(&self.output)?, steps, model })
    }

    pub(super) fn checked(&self, input: &Tensor) -> Result<Tensor> {
        check_input("model", &self.name, &self.input, input).map(|()| input.clone())
    }
}

/// Refuses an input that `name` does not take.
pub(super) fn check_input(op: &'static str, name: &str, expected: &TensorDesc, input: &Tensor) -> Result<()> {
    let got = input.desc();
    if got == *expected {
        return Ok(());
    }
    let rule = format!("{name} takes {:?} of {}, this is {}", expected.shape, expected.dtype, got.dtype);
    Err(Error::shape(op, "the input", &got.shape, rule))
}

/// The one output of an operation.
pub(super) fn only_output(op: &'static str, outputs: Vec<Tensor>) -> Result<Tensor> {
    let got = outputs.len();
    outputs.into_iter().next().ok_or(Error::Arity { op, expected: "one output", got })
}

impl Step {
    /// Whether its other inputs are made for a batch size, and are no weights.
    pub(super) fn depends_on_batch(&self) -> bool {
        matches!(self.op, Op::RoiAlign(_))
    }

    /// What comes before the weights.
    pub(super) fn inputs(&self, model: &str, x: Tensor) -> Result<[Tensor; 1]> {
        Ok([x.reshaped(&self.input_shape).map_err(|error| error.in_layer(model, &self.name))?])
    }

    /// The one output, or the error with model and layer.
    pub(super) fn output(&self, model: &str, outputs: Result<Vec<Tensor>>) -> Result<Tensor> {
        let one = outputs.and_then(|outputs| only_output(self.problem.op, outputs));
        one.map_err(|error| error.in_layer(model, &self.name))
    }
}

/// What `RoiAlign` reads to take each image whole: its region, and its number.
pub(crate) fn whole_images(batch: usize, [height, width]: [usize; 2]) -> Result<[Tensor; 2]> {
    let mut regions = Tensor::zeros(&[batch, 4], DType::F32)?.into_data();
    let mut images = Tensor::zeros(&[batch], DType::I32)?.into_data();
    if let (Data::F32(regions), Data::I32(images)) = (&mut regions, &mut images) {
        regions
            .chunks_exact_mut(4)
            .for_each(|region| region.copy_from_slice(&[0.0, 0.0, width as f32, height as f32]));
        images.iter_mut().zip(0..).for_each(|(image, number)| *image = number);
    }
    Ok([Tensor::new(&[batch, 4], regions)?, Tensor::new(&[batch], images)?])
}
