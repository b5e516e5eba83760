//! Masks of dropout, and the random numbers that they are made of.

use super::{GradientWork, problem};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::problem::{Problem, Work, require_dtype, require_shape};
use crate::spec::gradient::DropoutMask;
use crate::tensor::TensorDesc;

/// A mask with every length known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DropoutWork {
    /// Words below it drop.
    pub dropped: u32,
    /// What other elements are.
    pub kept: f32,
    /// Elements of the mask.
    pub elements: usize,
}

pub(super) fn mask(spec: &DropoutMask, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "dropout mask";
    let [state] = inputs else { return Err(Error::arity(op, "one (state)", inputs.len())) };
    require_dtype(op, "the state", state.dtype, &[DType::I32])?;
    require_shape(op, "the state", state, &[4], ": two words of the seed, step and mask")?;
    let output = TensorDesc::f32(spec.shape.clone());
    crate::tensor::checked_elements("output", &output.shape)?;
    let work = DropoutWork { dropped: spec.dropped, kept: spec.kept(), elements: output.elements() };
    Ok(problem(op, inputs, output, Work::Gradient(GradientWork::Dropout(work))))
}

impl DropoutWork {
    /// Elements `4 * block` to `4 * block + 3` for a state.
    pub(crate) fn four(&self, block: usize, [low, high, step, mask]: [u32; 4]) -> [f32; 4] {
        let words = philox([block as u32, 0, step, mask], [low, high]);
        words.map(|word| if word < self.dropped { 0.0 } else { self.kept })
    }
}

/// Philox 4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let halves = |a: u32, b: u32| {
        let product = u64::from(a) * u64::from(b);
        [(product >> 32) as u32, product as u32]
    };
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let ([high_a, low_a], [high_c, low_c]) = (halves(0xd251_1f53, a), halves(0xcd9e_8d57, c));
        counter = [high_c ^ b ^ key[0], low_c, high_a ^ d ^ key[1], low_a];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' library Random123.
    #[test]
    fn words_are_those_of_random123() {
        for (counter, key, words) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), words);
        }
    }
}
