//! Operators that change the shape alone: the elements stay where they are.

use super::call::Call;
use super::host_tensor::{HostTensor, count};
use wgpool::error::Result;

/// `Reshape`.
pub(super) fn reshape<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let wanted = call.required("shape", call.list("shape", 5, 1)?)?;
    let shape = resolved(call, &wanted, input.shape())?;
    Ok(input.reshaped(shape))
}

/// A list of lengths as the shape of a tensor: 0 is the length there, -1 what is left.
fn resolved(call: &Call<'_, '_>, wanted: &[i64], from: &[usize]) -> Result<Vec<usize>> {
    let zero_is_a_length = call.node.int_or("allowzero", 0)? != 0;
    let wrong = || call.shape_error(format!("the shape {from:?} cannot become {wanted:?}"));
    let mut shape = Vec::new();
    let mut left = None;
    for (at, &length) in wanted.iter().enumerate() {
        shape.push(match length {
            0 if !zero_is_a_length => *from.get(at).ok_or_else(wrong)?,
            -1 if left.replace(at).is_some() => return Err(wrong()),
            -1 => 1,
            length => call.length(length)?,
        });
    }
    let elements = count(from).unwrap_or_default();
    if let Some(length) = left.and_then(|at| shape.get_mut(at)) {
        *length = 0;
        let others: Vec<usize> =
            wanted.iter().zip(&shape).filter(|(w, _)| **w != -1).map(|(_, &l)| l).collect();
        let others = count(&others)
            .filter(|&others| others > 0 && elements.is_multiple_of(others))
            .ok_or_else(wrong)?;
        if let Some(length) = left.and_then(|at| shape.get_mut(at)) {
            *length = elements / others;
        }
    }
    call.rank(shape.len())?;
    if count(&shape) == Some(elements) { Ok(shape) } else { Err(wrong()) }
}

/// `Squeeze`.
pub(super) fn squeeze<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let named = match call.list("axes", 13, 1)? {
        Some(axes) => call.axes(&axes, input.shape().len())?,
        None => input.shape().iter().map(|&length| length == 1).collect(),
    };
    let mut shape = Vec::new();
    for (&length, named) in input.shape().iter().zip(named) {
        match (named, length) {
            (true, 1) => {}
            (true, length) => return Err(call.shape_error(format!("an axis of length {length} cannot go"))),
            (false, length) => shape.push(length),
        }
    }
    Ok(input.reshaped(shape))
}

/// `Unsqueeze`.
pub(super) fn unsqueeze<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let axes = call.required("axes", call.list("axes", 13, 1)?)?;
    call.rank(input.shape().len() + axes.len())?;
    let named = call.axes(&axes, input.shape().len() + axes.len())?;
    let mut lengths = input.shape().iter();
    let shape: Vec<usize> =
        named.iter().filter_map(|named| if *named { Some(1) } else { lengths.next().copied() }).collect();
    Ok(input.reshaped(shape))
}

/// `Flatten`.
pub(super) fn flatten<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    // The axis may be behind the last one too.
    let at = match call.node.int_or("axis", 1)? {
        axis if axis == input.shape().len() as i64 => input.shape().len(),
        axis => call.axis(axis, input.shape().len())?,
    };
    let (rows, columns) = input.shape().split_at_checked(at).unwrap_or((input.shape(), &[]));
    match (count(rows), count(columns)) {
        (Some(rows), Some(columns)) => Ok(input.reshaped(vec![rows, columns])),
        _ => Err(call.shape_error(format!("the shape {:?} has too long rows or columns", input.shape()))),
    }
}
