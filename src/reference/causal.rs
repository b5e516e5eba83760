//! Causal convolution by its definition.

use super::Exact;
use super::tolerance::SUM;
use crate::problem::{CausalWork, Epilogue};

/// `tensors` are the input, the state if there is one, the kernel, and what its epilogue has.
pub(super) fn causal(work: &CausalWork, tensors: &[Vec<f64>], y: &mut Exact, present: &mut Exact) {
    let (state, weights) = tensors[1..].split_at(usize::from(work.state));
    let (x, kept, length) = (&tensors[0], work.kept, work.length);
    let epilogue = Epilogue::of(&work.conv, &weights[1..]);
    let channels = work.conv.out_channels();
    for row in 0..work.conv.batch * channels {
        let c = row % channels;
        let element = |at: usize| match at.checked_sub(kept) {
            Some(at) => x[row * length + at],
            None => state.first().map_or(0.0, |state| state[row * kept + at]),
        };
        for t in 0..length {
            let mut sum = epilogue.bias_of(c);
            let mut magnitude = sum.abs();
            for k in 0..=kept {
                let product = weights[0][c * (kept + 1) + k] * element(t + k);
                sum += product;
                magnitude += product.abs();
            }
            let at = row * length + t;
            (y.values[at], y.bound[at]) = epilogue.activated(c, (sum, SUM * magnitude));
        }
        for i in 0..kept {
            present.values[row * kept + i] = element(length + i);
        }
    }
}
