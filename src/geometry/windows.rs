//! Windows on all axes, in the frameworks' terms.

use super::Axis;
use super::placing::{AxisPadding, AxisSpec};
use crate::error::{Error, Result};
use crate::spec::Padding;

/// How windows slide, in the frameworks' terms: one number for each spatial axis, or one for all.
pub(crate) struct Windows<'a> {
    pub stride: &'a [usize],
    pub dilation: &'a [usize],
    pub padding: &'a Padding,
}

impl Windows<'_> {
    /// Places windows of `window` taps on axes of the given lengths.
    pub(crate) fn over(
        &self,
        op: &'static str,
        lengths: &[usize],
        window: &[usize],
        ceil_mode: bool,
    ) -> Result<Vec<Axis>> {
        let rank = lengths.len();
        let stride = per_axis(op, "stride", self.stride, rank)?;
        let dilation = per_axis(op, "dilation", self.dilation, rank)?;
        let paddings = axis_paddings(op, self.padding, rank)?;
        (0..rank)
            .map(|i| {
                let (kernel, stride, dilation) = (window[i], stride[i], dilation[i]);
                let spec = AxisSpec { input: lengths[i], kernel, stride, dilation };
                Axis::sliding(op, i, spec, paddings[i], ceil_mode)
            })
            .collect()
    }
}

/// One value for each of `rank` axes; a single value stands for all of them.
pub(crate) fn per_axis(
    op: &'static str,
    name: &'static str,
    values: &[usize],
    rank: usize,
) -> Result<Vec<usize>> {
    match values {
        [one] => Ok(vec![*one; rank]),
        _ if values.len() == rank => Ok(values.to_vec()),
        _ => Err(Error::parameter(
            op,
            name,
            values,
            format!("it must hold one number, or one for each of the {rank} spatial axes"),
        )),
    }
}

/// The padding of each axis.
pub(crate) fn axis_paddings(op: &'static str, padding: &Padding, rank: usize) -> Result<Vec<AxisPadding>> {
    Ok(match padding {
        Padding::Valid => vec![AxisPadding::Explicit { before: 0, after: 0 }; rank],
        Padding::SameUpper => vec![AxisPadding::Same { upper: true }; rank],
        Padding::SameLower => vec![AxisPadding::Same { upper: false }; rank],
        Padding::Explicit { before, after } => {
            let before = per_axis(op, "padding before", before, rank)?;
            let after = per_axis(op, "padding after", after, rank)?;
            before
                .into_iter()
                .zip(after)
                .map(|(before, after)| AxisPadding::Explicit { before, after })
                .collect()
        }
    })
}
