//! Each step of a program beside the reference, on the inputs that it gets there.

use std::fmt;

use super::{Program, Step};
use wgpool::error::{Error, Result};
use wgpool::reference::{self, Mismatch};
use wgpool::tensor::Tensor;

/// An output of a step that is not right. Printed, it is a sentence with the worst element.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Wrong<'a> {
    /// The step.
    pub step: &'a Step,
    /// Which of its outputs.
    pub output: usize,
    /// The worst element, and how many are outside their bounds.
    pub mismatch: Mismatch,
}

impl Wrong<'_> {
    /// The position of the worst element along each axis.
    pub fn index(&self) -> Vec<usize> {
        index(self.mismatch.at, self.shape())
    }

    fn shape(&self) -> &[usize] {
        self.step.output_descs().get(self.output).map_or(&[], |desc| &desc.shape)
    }
}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { got, expected, bound, count, .. } = self.mismatch;
        let (name, op, shape) = (&self.step.name, self.step.kind(), self.shape());
        let output = if self.output == 0 { String::new() } else { format!(" of output {}", self.output) };
        write!(f, "{name} ({op}): {count} elements{output} are outside their bounds; the worst, ")?;
        write!(f, "{:?} of {shape:?}, is {got:e}, expected {expected:e} within {bound:e}", self.index())
    }
}

/// The position of an element along each axis.
fn index(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&length| {
            let along = at % length.max(1);
            at /= length.max(1);
            along
        })
        .collect();
    index.reverse();
    index
}

/// Why a run ends early.
enum Stop<'a> {
    Wrong(Wrong<'a>),
    Failed(Error),
}

impl From<Error> for Stop<'_> {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl Program {
    /// Compares every step with the reference, on the inputs that it gets there, and gives the first of which an element is
    /// outside its bound; nothing if all are right. `compute` is what is tried, such as [`Step::run`] on a backend; each step gets what those before
    /// it computed, right or not. Operators of the app's own are compared with their own references.
    ///
    /// # Errors
    /// Those of [`Program::run_with`], of `compute` and of the reference, with model and layer.
    ///
    /// ```
    /// use wgpool::{Backend, Pool, Tensor};
    /// use wgpool_net::{LayerKind, Model};
    /// let program = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2]))).program(1)?;
    /// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 4., 2., 3.])?;
    /// let wrong = program.check(&[&x], |step, inputs| step.run(&Backend::Host, inputs))?;
    /// assert!(wrong.is_none());
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn check(
        &self,
        inputs: &[&Tensor],
        compute: impl Fn(&Step, &[&Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Option<Wrong<'_>>> {
        let run = self.run_with(inputs, |step, inputs| {
            let in_layer = |error: Error| error.in_layer(&self.name, &step.name);
            let outputs = compute(step, inputs).map_err(in_layer)?;
            let exact = step.exact(inputs).map_err(in_layer)?;
            for (output, (exact, got)) in exact.iter().zip(&outputs).enumerate() {
                if let Some(mismatch) = reference::compare(exact, got).map_err(in_layer)? {
                    return Err(Stop::Wrong(Wrong { step, output, mismatch }));
                }
            }
            Ok(outputs)
        });
        match run {
            Ok(_) => Ok(None),
            Err(Stop::Wrong(wrong)) => Ok(Some(wrong)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_follow_the_shape() {
        assert_eq!(index(23, &[2, 3, 4]), [1, 2, 3]);
        assert_eq!(index(0, &[]), [0; 0]);
    }
}
