//! A lowered model: operations in a row.

use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::Op;
use wgpool::tensor::{Tensor, TensorDesc};

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
