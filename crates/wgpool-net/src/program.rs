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
    /// Computes the model's output, operation by operation.
    ///
    /// # Errors
    /// [`Error::Shape`] if `input` is not what the program was made for; those of the backend, with model and layer.
    pub fn run(&self, backend: &Backend, input: &Tensor) -> Result<Tensor> {
        if input.desc() != self.input {
            return Err(Error::Shape {
                op: "model",
                tensor: "the input",
                got: input.shape().to_vec(),
                rule: format!(
                    "{} takes {:?} of {}, this is {}",
                    self.name,
                    self.input.shape,
                    self.input.dtype,
                    input.dtype()
                ),
            });
        }
        let mut x = input.clone();
        for step in &self.steps {
            x = step.run(backend, x).map_err(|error| error.in_layer(&self.name, &step.name))?;
        }
        x.reshaped(&self.output.shape)
    }
}

impl Step {
    fn run(&self, backend: &Backend, x: Tensor) -> Result<Tensor> {
        let x = x.reshaped(&self.input_shape)?;
        let inputs: Vec<&Tensor> = std::iter::once(&x).chain(&self.weights).collect();
        let outputs = backend.run(&self.op, &inputs)?;
        let got = outputs.len();
        outputs.into_iter().next().ok_or(Error::Arity { op: self.problem.op, expected: "one output", got })
    }
}
