//! Operations in a row on the host path.

use std::hint::black_box;
use std::time::Instant;

use super::measure::{Sample, Timed};
use crate::error::{Error, Result};
use crate::host;
use crate::problem::Problem;
use crate::spec::Op;
use crate::tensor::{Tensor, TensorDesc};

/// Operations of which each reads the output of the one before it.
#[derive(Debug)]
pub struct HostRun<'a> {
    problems: Vec<Problem>,
    inputs: &'a [Tensor],
}

impl<'a> HostRun<'a> {
    /// Checks `ops` on `inputs` (those of the first; the others take one).
    ///
    /// # Errors
    /// Those of [`Problem::new`].
    pub fn new(ops: &[Op], inputs: &'a [Tensor]) -> Result<HostRun<'a>> {
        let mut descs: Vec<TensorDesc> = inputs.iter().map(Tensor::desc).collect();
        let mut problems = Vec::with_capacity(ops.len());
        for op in ops {
            let problem = Problem::new(op, &descs)?;
            descs = problem.outputs.clone();
            problems.push(problem);
        }
        Ok(HostRun { problems, inputs })
    }

    /// The output of the last operation.
    ///
    /// # Errors
    /// Those of [`host::compute`].
    pub fn run(&self) -> Result<Tensor> {
        let mut current: Vec<Tensor> = Vec::new();
        for (i, problem) in self.problems.iter().enumerate() {
            let inputs = if i == 0 { self.inputs } else { current.as_slice() };
            current = host::compute(problem, &inputs.iter().collect::<Vec<_>>())?;
        }
        let none = Error::Arity { op: "bench", expected: "at least one operation", got: 0 };
        current.into_iter().next().ok_or(none)
    }
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
