//! Causal convolution: the sequences of state and input, and their convolution.

use super::output::{WORTH_SHARING, fill};
use super::{conv, element};
use crate::error::{Error, Result};
use crate::problem::{CausalWork, Epilogue};
use crate::tensor::{Data, Tensor};

pub(super) fn causal(work: &CausalWork, inputs: &[&Tensor]) -> Result<Vec<Data>> {
    let all = inputs.iter().map(|tensor| element::floats(tensor)).collect::<Result<Vec<_>>>()?;
    let (state, weights) = match (work.state, all.as_slice()) {
        (true, [_, state, weights @ ..]) => (Some(state), weights),
        (false, [_, weights @ ..]) => (None, weights),
        _ => (None, &[][..]),
    };
    let ([x, ..], [w, rest @ ..]) = (all.as_slice(), weights) else {
        let expected = "as many as the problem was made for";
        return Err(Error::arity("causal convolution", expected, inputs.len()));
    };
    let (kept, length) = (work.kept, work.length);
    let whole = kept + length;
    let rows = work.conv.batch * work.conv.out_channels();
    let batch = WORTH_SHARING.div_ceil(whole);
    let sequence = fill(rows * whole, whole, batch, |row, out: &mut [f32]| {
        let (before, now) = out.split_at_mut(kept);
        if let Some(state) = state {
            before.copy_from_slice(&state[row * kept..][..kept]);
        }
        now.copy_from_slice(&x[row * length..][..length]);
    })?;
    let present = match kept {
        0 => vec![],
        _ => fill(rows * kept, kept, WORTH_SHARING.div_ceil(kept), |row, out: &mut [f32]| {
            out.copy_from_slice(&sequence[row * whole + length..][..kept]);
        })?,
    };
    let packed = conv::pack(&work.conv, w, false)?;
    let y = conv::conv(&work.conv, &sequence, w, Epilogue::of(&work.conv, rest), packed.as_ref())?;
    [y, present].into_iter().map(|floats| element::stored(work.conv.dtype, floats)).collect()
}
