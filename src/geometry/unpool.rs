//! Lengths before max pooling.

use super::per_axis;
use crate::error::{Error, Result};

/// Lengths that max pooling may have had before: see [`MaxUnpool::output_of`](crate::MaxUnpool::output_of).
pub(crate) fn unpooled_lengths(
    input: &[usize],
    window: &[usize],
    stride: &[usize],
    padding: &[usize],
) -> Result<Vec<usize>> {
    let op = "max unpooling";
    let rank = input.len();
    let window = per_axis(op, "window", window, rank)?;
    let stride = per_axis(op, "stride", stride, rank)?;
    let padding = per_axis(op, "padding", padding, rank)?;
    (0..rank)
        .map(|i| {
            let length = |()| {
                let reach = input[i].checked_sub(1)?.checked_mul(stride[i])?.checked_add(window[i])?;
                reach.checked_sub(padding[i].checked_mul(2)?).filter(|&l| l > 0)
            };
            length(()).ok_or_else(|| {
                let rule = format!("(L - 1) * stride - 2 * padding + window must be positive on axis {i}");
                let [l, s, p, k] = [input[i], stride[i], padding[i], window[i]];
                Error::parameter(op, "output length", format_args!("({l} - 1) * {s} - 2 * {p} + {k}"), rule)
            })
        })
        .collect()
}

/// Refuses lengths that max pooling cannot have had before: see
/// [`MaxUnpool::check_output`](crate::MaxUnpool::check_output).
pub(crate) fn check_unpooled(
    input: &[usize],
    [window, stride, padding]: [&[usize]; 3],
    output: &[usize],
) -> Result<()> {
    let op = "max unpooling";
    let rank = input.len();
    let window = per_axis(op, "window", window, rank)?;
    let stride = per_axis(op, "stride", stride, rank)?;
    let padding = per_axis(op, "padding", padding, rank)?;
    let output = per_axis(op, "output", output, rank)?;
    for i in 0..rank {
        let [l, k, s, p, o] = [input[i], window[i], stride[i], padding[i], output[i]].map(|n| n as i128);
        let usual = (l - 1).saturating_mul(s).saturating_sub(2 * p).saturating_add(k);
        if (o - usual).abs() >= s {
            let rule = format!(
                "on axis {i} it must differ by less than the stride {s} from {usual}, which {l} windows of {k} span"
            );
            return Err(Error::parameter(op, "output", output, rule));
        }
    }
    Ok(())
}
