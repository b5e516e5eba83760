//! Masks of dropout by their definition: exact.

use crate::problem::DropoutWork;
use crate::reference::Exact;

pub(super) fn mask(work: &DropoutWork, state: &[f64], y: &mut Exact) {
    let word = |i: usize| state.get(i).map_or(0, |&word| word as i32 as u32);
    let state = [word(0), word(1), word(2), word(3)];
    for (block, values) in y.values.chunks_mut(4).enumerate() {
        for (value, element) in values.iter_mut().zip(work.four(block, state)) {
            *value = f64::from(element);
        }
    }
}
