//! `Col2Im`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::windows::{ones, padding};
use super::{OP, required};
use wgpool::error::{Error, Result};
use wgpool::spec::Col2Im;

/// Inputs: the columns, the image's lengths, and the window's.
pub(super) fn col2im(attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let op = Col2Im {
        image: lengths(required(inputs, 1)?, "image_shape")?,
        window: lengths(required(inputs, 2)?, "block_shape")?,
        stride: ones(attributes, "strides")?,
        dilation: ones(attributes, "dilations")?,
        padding: padding(attributes)?,
    };
    Ok(Call::new(op, vec![(Role::Data, required(inputs, 0)?.clone())]))
}

/// The elements of a tensor as lengths.
fn lengths(array: &Array, name: &'static str) -> Result<Vec<usize>> {
    let list = array.integers().unwrap_or_default();
    let lengths: Option<Vec<usize>> = list.iter().map(|&l| usize::try_from(l).ok()).collect();
    lengths.ok_or_else(|| Error::parameter(OP, name, list, "no length may be negative"))
}
