//! Inputs to measure on, and whether results are right.

use crate::dtype::DType;
use crate::error::Result;
use crate::problem::Problem;
use crate::reference::{self, Exact, sample::can_sample};
use crate::tensor::{Data, Tensor, TensorDesc};

/// Where the definition takes more operations, so many elements of a result are compared with the reference.
const WHOLE: u64 = 100_000_000;
const SAMPLE: usize = 500;

/// How results are judged.
pub(super) struct Judge<'a> {
    problem: &'a Problem,
    pub inputs: Vec<&'a Tensor>,
    exact: Vec<Exact>,
}

impl<'a> Judge<'a> {
    pub fn new(problem: &'a Problem, inputs: &'a [Tensor]) -> Result<Judge<'a>> {
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let large = problem.flops().is_some_and(|flops| flops > WHOLE) && can_sample(problem);
        let exact = if large { Vec::new() } else { reference::evaluate(problem, &inputs)? };
        Ok(Judge { problem, inputs, exact })
    }

    /// What is wrong with results, in words.
    pub fn fault(&self, outputs: &[Tensor]) -> Result<Option<String>> {
        if let (true, Some(output)) = (self.exact.is_empty(), outputs.first()) {
            let found = reference::compare_sample(self.problem, &self.inputs, output, SAMPLE, 1)?;
            return Ok(found.flatten().map(|mismatch| mismatch.to_string()));
        }
        for (exact, output) in self.exact.iter().zip(outputs) {
            if let Some(mismatch) = reference::compare(exact, output)? {
                return Ok(Some(mismatch.to_string()));
            }
        }
        Ok(None)
    }
}

/// Pseudo-random values: floats from -1 to 1, all bytes, and small integers.
pub(super) fn values(desc: &TensorDesc, seed: u64) -> Result<Tensor> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    let mut float = || random() as f32 / (1u32 << 31) as f32 - 1.0;
    let count = 0..desc.elements();
    let (scale, middle) = match desc.dtype {
        dtype if dtype.is_float() => (1.0, 0.0),
        DType::U8 => (127.0, 127.0),
        _ => (100.0, 0.0),
    };
    Tensor::new(&desc.shape, Data::nearest(desc.dtype, count.map(|_| f64::from(float() * scale + middle)))?)
}
