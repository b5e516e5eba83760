//! Causal convolution problems.

use super::conv::{ConvWork, resolved};
use super::{Problem, Work, require_dtype, require_shape};
use crate::error::{Error, Result};
use crate::spec::{CausalConv, Conv};
use crate::tensor::{TensorDesc, checked_elements};

/// Causal convolution with every length known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CausalWork {
    /// Whether there is a state.
    pub state: bool,
    /// Elements of a channel's state: one fewer than the kernel has taps.
    pub kept: usize,
    /// Elements of a channel's input.
    pub length: usize,
    /// The convolution of the sequences, without padding.
    pub conv: ConvWork,
    /// State and input of each channel, one behind the other: `[N, C, kept + length]`.
    pub sequence: TensorDesc,
}

pub(super) fn causal(spec: &CausalConv, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "causal convolution";
    let expected = match spec.state {
        false => "two (input, kernel) or three (bias)",
        true => "three (input, state, kernel) or four (bias)",
    };
    let (x, state, w, b) = match (spec.state, inputs) {
        (false, [x, w]) => (x, None, w, None),
        (false, [x, w, b]) => (x, None, w, Some(b)),
        (true, [x, state, w]) => (x, Some(state), w, None),
        (true, [x, state, w, b]) => (x, Some(state), w, Some(b)),
        _ => return Err(Error::arity(op, expected, inputs.len())),
    };
    for (name, desc) in [("the state", state), ("the kernel", Some(w)), ("the bias", b)] {
        desc.map_or(Ok(()), |desc| require_dtype(op, name, desc.dtype, &[x.dtype]))?;
    }
    let &[batch, channels, length] = x.shape.as_slice() else {
        return Err(Error::rank(op, "the input", &x.shape, "it must be batch, channels and length"));
    };
    if channels == 0 || length == 0 {
        return Err(Error::shape(op, "the input", &x.shape, "only the batch may be 0"));
    }
    let taps = match w.shape.as_slice() {
        &[c, 1, taps] if c == channels && taps > 0 => taps,
        _ => {
            let rule = format!("it must be [{channels}, 1, taps], with at least one tap");
            return Err(Error::shape(op, "the kernel", &w.shape, rule));
        }
    };
    let kept = taps - 1;
    let present = TensorDesc { shape: vec![batch, channels, kept], dtype: x.dtype };
    state.map_or(Ok(()), |state| require_shape(op, "the state", state, &present.shape, ""))?;
    let sequence = TensorDesc { shape: vec![batch, channels, kept.saturating_add(length)], dtype: x.dtype };
    checked_elements("sequence", &sequence.shape)?;
    let conv = Conv::new().groups(channels).activation(spec.activation);
    let (conv, output) = resolved(op, &conv, x.dtype, &sequence, w, b)?;
    let work = CausalWork { state: state.is_some(), kept, length, conv, sequence };
    let outputs = vec![output, present];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Causal(Box::new(work)) })
}
