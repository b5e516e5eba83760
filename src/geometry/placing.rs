//! Placing windows on an axis: its padding and output length, and what is refused.

use std::fmt;

use super::{Axis, MAX_LENGTH};
use crate::error::{Error, Result};

/// The parameters of one axis before its padding and output length are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AxisSpec {
    pub input: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
}

/// Padding of one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AxisPadding {
    Same { upper: bool },
    Explicit { before: usize, after: usize },
}

impl fmt::Display for AxisPadding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisPadding::Same { upper: true } => f.write_str("same upper"),
            AxisPadding::Same { upper: false } => f.write_str("same lower"),
            AxisPadding::Explicit { before, after } => write!(f, "{before} + {after}"),
        }
    }
}

impl Axis {
    /// Places windows on axis number `index` of `op`.
    pub(crate) fn sliding(
        op: &'static str,
        index: usize,
        spec: AxisSpec,
        padding: AxisPadding,
        ceil_mode: bool,
    ) -> Result<Axis> {
        let AxisSpec { input, kernel, stride, dilation } = spec;
        let lengths = [("input", input), ("window", kernel), ("stride", stride), ("dilation", dilation)];
        check_lengths(op, index, &lengths)?;
        let too_large = |what| {
            let rule = "spans and padded lengths must stay below 2^31";
            let values = format!(
                "{op}, axis {index}: input {input}, window {kernel}, stride {stride}, dilation {dilation}, \
                 padding {padding}"
            );
            Error::too_large(what, values, rule)
        };
        let span = (kernel - 1)
            .checked_mul(dilation)
            .and_then(|s| s.checked_add(1))
            .filter(|&s| s <= MAX_LENGTH)
            .ok_or_else(|| too_large("window"))?;

        let (pad_before, pad_after, same_output) = match padding {
            AxisPadding::Explicit { before, after } => (before, after, None),
            AxisPadding::Same { upper } => {
                let output = input.div_ceil(stride);
                let total = (output.saturating_sub(1) * stride + span).saturating_sub(input);
                let (small, large) = (total / 2, total - total / 2);
                let (before, after) = if upper { (small, large) } else { (large, small) };
                (before, after, Some(output))
            }
        };
        let padded = input
            .checked_add(pad_before)
            .and_then(|l| l.checked_add(pad_after))
            .filter(|&l| l <= MAX_LENGTH)
            .ok_or_else(|| too_large("padded input"))?;
        // In ceil mode a window may overhang the end by less than a stride; it is then the only one.
        let overhang = span.saturating_sub(padded);
        if overhang > 0 && !(ceil_mode && overhang < stride) {
            return Err(Error::Window {
                op,
                axis: index,
                window: span,
                kernel,
                dilation,
                padded,
                input,
                before: pad_before,
                after: pad_after,
            });
        }
        let output = same_output.unwrap_or_else(|| {
            output_length(input, pad_before, padded.saturating_sub(span), stride, ceil_mode)
        });
        // The last window may overhang the padding in ceil mode: its far end must be addressable too.
        if (output - 1).checked_mul(stride).is_none_or(|s| s > MAX_LENGTH - span) {
            return Err(too_large("last window"));
        }
        Ok(Axis { input, kernel, stride, dilation, pad_before, pad_after, output, adaptive: false })
    }

    /// `output` windows that cover the input: number `o` goes from `floor(o * input / output)` to
    /// `ceil((o + 1) * input / output)`, as PyTorch's adaptive pooling. There may be more windows than elements.
    pub(crate) fn adaptive(op: &'static str, index: usize, input: usize, output: usize) -> Result<Axis> {
        check_lengths(op, index, &[("input", input), ("output size", output)])?;
        let longest = input.div_ceil(output) + usize::from(!input.is_multiple_of(output));
        Ok(Axis { input, kernel: longest.min(input), output, adaptive: true, ..Axis::UNIT })
    }
}

/// Refuses lengths on axis number `index` of `op` that are 0, or too large for positions.
pub(crate) fn check_lengths(op: &'static str, index: usize, lengths: &[(&'static str, usize)]) -> Result<()> {
    match lengths.iter().find(|(_, length)| !(1..=MAX_LENGTH).contains(length)) {
        None => Ok(()),
        Some(&(name, length)) => {
            let rule = format!("on axis {index} it must be from 1 to {MAX_LENGTH}");
            Err(Error::parameter(op, name, length, rule))
        }
    }
}

/// Windows that fit, where `room` is the padded length less the window's span.
fn output_length(input: usize, pad_before: usize, room: usize, stride: usize, ceil: bool) -> usize {
    if !ceil {
        return room / stride + 1;
    }
    let output = room.div_ceil(stride) + 1;
    // A last window that would start in the padding after the input is dropped, once.
    if (output - 1) * stride >= input + pad_before { output - 1 } else { output }
}
