//! Operations in a row on the host path.

use std::hint::black_box;
use std::time::Instant;

use super::measure::{Sample, Timed};
use wgpool::error::{Error, Result};
use wgpool::host::Prepared;
use wgpool::problem::Problem;
use wgpool::spec::Op;
use wgpool::tensor::{Tensor, TensorDesc};

/// Operations of which each reads the output of the one before it, with weights packed before.
#[derive(Debug)]
pub struct HostRun<'a> {
    operations: Vec<Prepared>,
    /// What the first reads beside its weights: the data, and perhaps a residual.
    inputs: Vec<&'a Tensor>,
}

impl<'a> HostRun<'a> {
    /// Checks `ops` on `inputs` (data and weights of the first; the others take one input).
    ///
    /// # Errors
    /// Those of [`Problem::new`] and [`Prepared::new`].
    pub fn new(ops: &[Op], inputs: &'a [Tensor]) -> Result<HostRun<'a>> {
        let (input, weights) = inputs.split_first().ok_or_else(|| nothing("at least one input"))?;
        let residuals = usize::from(matches!(ops.first(), Some(Op::Conv(conv)) if conv.residual));
        let (weights, residual) = weights.split_at(weights.len().saturating_sub(residuals));
        let mut weights = weights.to_vec();
        let mut descs: Vec<TensorDesc> = inputs.iter().map(Tensor::desc).collect();
        let mut operations = Vec::with_capacity(ops.len());
        for op in ops {
            let problem = Problem::new(op, &descs)?;
            descs = problem.outputs.clone();
            operations.push(Prepared::new(problem, std::mem::take(&mut weights))?);
        }
        Ok(HostRun { operations, inputs: std::iter::once(input).chain(residual).collect() })
    }

    /// The output of the last operation.
    ///
    /// # Errors
    /// Those of [`Prepared::run`].
    pub fn run(&self) -> Result<Tensor> {
        let mut current: Option<Tensor> = None;
        for operation in &self.operations {
            let outputs = match &current {
                Some(current) => operation.run(&[current])?,
                None => operation.run(&self.inputs)?,
            };
            current = outputs.into_iter().next();
        }
        current.ok_or_else(|| nothing("at least one operation"))
    }
}

fn nothing(expected: &'static str) -> Error {
    Error::Arity { op: "bench", expected, got: 0 }
}

impl Timed for HostRun<'_> {
    fn time(&self, count: usize) -> Result<Sample> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.run()?);
        }
        Ok(Sample { wall: start.elapsed().as_secs_f64() / count.max(1) as f64, device: None })
    }
}
