//! Problems whose weights are read once and used many times.

use super::conv::{self, Weights};
use super::{compute_with, element};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::plan::Explanation;
use crate::problem::{ConvWork, Problem, Work};
use crate::tensor::Tensor;
use crate::threads;
use std::sync::Arc;

/// A problem with the weights that every run uses, brought into the order in which the loops read them.
///
/// It holds the weights beside those in their new order: `Arc<Tensor>` shares them with whoever else has them.
#[derive(Clone, Debug)]
pub struct Prepared {
    problem: Problem,
    weights: Vec<Arc<Tensor>>,
    packed: Option<Weights>,
}

impl Prepared {
    /// Prepares `problem`, whose last inputs are `weights`; there may be none. A residual is no weight: it comes behind them.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] if `weights` are not what the problem was made for.
    ///
    /// ```
    /// use wgpool::{Conv, Problem, Tensor, host::Prepared};
    /// let x = Tensor::from_f32(&[1, 1, 1, 3], vec![1., 2., 3.])?;
    /// let w = Tensor::from_f32(&[1, 1, 1, 2], vec![1., 10.])?;
    /// let problem = Problem::new(&Conv::new().into(), &[x.desc(), w.desc()])?;
    /// let prepared = Prepared::new(problem, vec![w])?;
    /// assert_eq!(prepared.run(&[&x])?[0].as_f32()?, [21., 32.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn new<W: Into<Arc<Tensor>>>(problem: Problem, weights: Vec<W>) -> Result<Prepared> {
        let weights: Vec<Arc<Tensor>> = weights.into_iter().map(W::into).collect();
        let behind = usize::from(problem.residual().is_some());
        let Some(first) = problem.inputs.len().checked_sub(weights.len() + behind) else {
            let expected = "no more weights than inputs";
            return Err(Error::arity(problem.op, expected, weights.len()));
        };
        for (i, (weight, desc)) in (first..).zip(weights.iter().zip(&problem.inputs[first..])) {
            problem.check_desc(i, weight, desc)?;
        }
        // A convolution's kernel is its second input.
        let kernel = 1usize.checked_sub(first).and_then(|at| weights.get(at));
        let packed = kernel.map(|w| pack(&problem, w, true)).transpose()?.flatten();
        Ok(Prepared { problem, weights, packed })
    }

    /// What is computed.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The weights as they were given.
    pub fn weights(&self) -> &[Arc<Tensor>] {
        &self.weights
    }

    /// How it is computed and what that costs.
    ///
    /// ```
    /// use wgpool::{Accuracy, Conv, Problem, Tensor, host::Prepared};
    /// let x = Tensor::from_f32(&[1, 64, 28, 28], vec![1.0; 64 * 28 * 28])?;
    /// let w = Tensor::from_f32(&[64, 64, 3, 3], vec![0.5; 64 * 64 * 9])?;
    /// let conv = Conv::new().accuracy(Accuracy::Tile);
    /// let problem = Problem::new(&conv.into(), &[x.desc(), w.desc()])?;
    /// let explanation = Prepared::new(problem, vec![w])?.explain();
    /// assert!(explanation.steps[0].why.contains("Winograd"));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn explain(&self) -> Explanation {
        let why = match &self.packed {
            Some(Weights::Transformed(weights)) => conv::winograd::why(weights.form),
            _ => Backend::Host.path(),
        };
        Explanation::on_cpu(&self.problem, why)
    }

    /// Computes the outputs for the inputs that are not weights, in their order: a residual is the last.
    ///
    /// # Errors
    /// Those of [`compute`](super::compute).
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let behind = usize::from(self.problem.residual().is_some());
        let (before, behind) = inputs.split_at(inputs.len().saturating_sub(behind));
        let weights = self.weights.iter().map(Arc::as_ref);
        let inputs: Vec<&Tensor> =
            before.iter().copied().chain(weights).chain(behind.iter().copied()).collect();
        match &self.packed {
            Some(packed) => {
                self.problem.check(&inputs)?;
                compute_with(&self.problem, &inputs, Some(packed))
            }
            None => super::compute(&self.problem, &inputs),
        }
    }
}

/// The kernel of a convolution, packed if that is how it is read; `kept` says whether for many runs.
pub(super) fn pack(problem: &Problem, kernel: &Tensor, kept: bool) -> Result<Option<Weights>> {
    let work: &ConvWork = match &problem.work {
        Work::Conv(work) => work,
        Work::ConvPool(work) => &work.conv,
        _ => return Ok(None),
    };
    if problem.outputs.iter().all(|o| o.elements() == 0) {
        return Ok(None);
    }
    threads::started()?;
    conv::pack(work, &element::floats(kernel)?, kept)
}
