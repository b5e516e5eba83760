//! Masks of dropout.

use super::super::output::{WORTH_SHARING, fill};
use crate::error::Result;
use crate::problem::DropoutWork;

/// Elements of a task, a multiple of four.
const CHUNK: usize = 1 << 12;

pub(super) fn mask(work: &DropoutWork, state: &[i32]) -> Result<Vec<f32>> {
    let word = |i: usize| state.get(i).map_or(0, |&word| word as u32);
    let state = [word(0), word(1), word(2), word(3)];
    fill(work.elements, CHUNK, WORTH_SHARING / CHUNK / 8, |chunk, out: &mut [f32]| {
        for (block, out) in (chunk * CHUNK / 4..).zip(out.chunks_mut(4)) {
            out.iter_mut().zip(work.four(block, state)).for_each(|(out, element)| *out = element);
        }
    })
}
