//! `DeformConv`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::windows::{check_kernel_shape, conv};
use super::{OP, required};
use wgpool::error::Error;
use wgpool::spec::DeformConv;

/// Inputs: x, w, offsets, and perhaps a bias and a mask.
pub(super) fn deform_conv(attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let (x, w, offsets) = (required(inputs, 0)?, required(inputs, 1)?, required(inputs, 2)?);
    check_kernel_shape(attributes, w)?;
    let groups = attributes.int(&["offset_group"])?.unwrap_or(1);
    let offset_groups = usize::try_from(groups)
        .map_err(|_| Error::parameter(OP, "offset_group", groups, "it must be positive"))?;
    let given = |i: usize| inputs.get(i).and_then(Option::as_ref);
    let (bias, mask) = (given(3), given(4));
    let op = DeformConv { conv: conv(attributes)?, offset_groups, mask: mask.is_some() };
    let tensors = [Some(x), Some(offsets), mask, Some(w), bias];
    let tensors = tensors.into_iter().flatten().map(|t| (Role::Data, t.clone())).collect();
    Ok(Call::new(op, tensors))
}
