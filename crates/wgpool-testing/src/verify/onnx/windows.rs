//! Attributes of windows, which several operators have.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::OP;
use wgpool::error::{Error, Result};
use wgpool::spec::{Conv, Padding};

/// `auto_pad` and `pads`: all begins, then all ends.
pub(super) fn padding(attributes: Attributes<'_>) -> Result<Padding> {
    match attributes.word(&["auto_pad"]) {
        Some("SAME_UPPER") => Ok(Padding::SameUpper),
        Some("SAME_LOWER") => Ok(Padding::SameLower),
        Some("VALID") => Ok(Padding::Valid),
        None | Some("NOTSET" | "") => {
            let Some(pads) = attributes.lengths(&["pads"])? else { return Ok(Padding::Valid) };
            if pads.len() % 2 != 0 {
                return Err(Error::parameter(OP, "pads", pads, "it must be begins, then as many ends"));
            }
            let (before, after) = pads.split_at(pads.len() / 2);
            Ok(Padding::Explicit { before: before.to_vec(), after: after.to_vec() })
        }
        Some(other) => {
            Err(Error::parameter(OP, "auto_pad", other, "it must be NOTSET, SAME_UPPER, SAME_LOWER or VALID"))
        }
    }
}

pub(super) fn ones(attributes: Attributes<'_>, name: &'static str) -> Result<Vec<usize>> {
    Ok(attributes.lengths(&[name])?.unwrap_or_else(|| vec![1]))
}

/// The attribute repeats what the kernel's shape says.
pub(super) fn check_kernel_shape(attributes: Attributes<'_>, weight: &Array) -> Result<()> {
    match attributes.lengths(&["kernel_shape"])? {
        Some(window) if weight.shape.get(2..) != Some(window.as_slice()) => {
            let rule = format!("the kernel has the shape {:?}", weight.shape);
            Err(Error::parameter(OP, "kernel_shape", window, rule))
        }
        _ => Ok(()),
    }
}

pub(super) fn group(attributes: Attributes<'_>) -> Result<usize> {
    let group = attributes.int(&["group"])?.unwrap_or(1);
    usize::try_from(group).map_err(|_| Error::parameter(OP, "group", group, "it must be positive"))
}

pub(super) fn conv(attributes: Attributes<'_>) -> Result<Conv> {
    Ok(Conv {
        stride: ones(attributes, "strides")?,
        dilation: ones(attributes, "dilations")?,
        padding: padding(attributes)?,
        groups: group(attributes)?,
        ..Conv::new()
    })
}
