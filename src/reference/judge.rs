//! Inputs to measure on, and whether results are right before anything is timed.

use super::{Exact, compare, compare_sample, evaluate, sample::can_sample};
use crate::dtype::DType;
use crate::error::Result;
use crate::problem::Problem;
use crate::tensor::{Data, Tensor, TensorDesc};

/// Arithmetic up to which whole results are compared: about a second's.
const WHOLE: u64 = 60_000_000;
/// Arithmetic of a sample, and its elements at least and at most.
const SAMPLE: u64 = 20_000_000;
const FEWEST: u64 = 1024;
const MOST: u64 = 65536;
/// What the sample is drawn by.
pub const SEED: u64 = 1;

/// What results of a problem are compared with: the reference, or a sample of it where all would take too long.
#[derive(Debug)]
pub struct Judge<'a> {
    problem: &'a Problem,
    /// What the results are computed of.
    pub inputs: Vec<&'a Tensor>,
    exact: Vec<Exact>,
    /// Elements of the first output that are drawn, if not all are compared.
    pub drawn: Option<usize>,
}

impl<'a> Judge<'a> {
    /// # Errors
    /// Those of [`evaluate`].
    pub fn new(problem: &'a Problem, inputs: &'a [Tensor]) -> Result<Judge<'a>> {
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let flops = problem.flops().unwrap_or(0);
        let elements = problem.outputs.first().map_or(1, |desc| desc.elements().max(1));
        let each = (flops / elements as u64).max(1);
        let drawn =
            (flops > WHOLE && can_sample(problem)).then_some((SAMPLE / each).clamp(FEWEST, MOST) as usize);
        let exact = if drawn.is_some() { Vec::new() } else { evaluate(problem, &inputs)? };
        Ok(Judge { problem, inputs, exact, drawn })
    }

    /// What is wrong with results, in words.
    ///
    /// # Errors
    /// Those of [`compare`] and [`compare_sample`].
    pub fn fault(&self, outputs: &[Tensor]) -> Result<Option<String>> {
        if let (Some(drawn), Some(output)) = (self.drawn, outputs.first()) {
            let found = compare_sample(self.problem, &self.inputs, output, drawn, SEED)?;
            return Ok(found.flatten().map(|mismatch| mismatch.to_string()));
        }
        for (exact, output) in self.exact.iter().zip(outputs) {
            if let Some(mismatch) = compare(exact, output)? {
                return Ok(Some(mismatch.to_string()));
            }
        }
        Ok(None)
    }
}

/// Pseudo-random values: floats from -1 to 1, all bytes, and small integers.
///
/// # Errors
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub fn values(desc: &TensorDesc, seed: u64) -> Result<Tensor> {
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
