//! Operators that change the shape alone: the elements stay where they are, so that these need not be known.

use super::call::Call;
use super::host_tensor::count;
use wgpool::error::Result;

/// `Reshape`.
///
/// A length of 0 is the one there, -1 what is left.
pub(super) fn reshape(call: &Call<'_, '_>, from: &[usize]) -> Result<Vec<usize>> {
    let wanted = call.required("shape", call.list("shape", 5, 1)?)?;
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
pub(super) fn squeeze(call: &Call<'_, '_>, from: &[usize]) -> Result<Vec<usize>> {
    let named = match call.list("axes", 13, 1)? {
        Some(axes) => call.axes(&axes, from.len())?,
        None => from.iter().map(|&length| length == 1).collect(),
    };
    let mut shape = Vec::new();
    for (&length, named) in from.iter().zip(named) {
        match (named, length) {
            (true, 1) => {}
            (true, length) => return Err(call.shape_error(format!("an axis of length {length} cannot go"))),
            (false, length) => shape.push(length),
        }
    }
    Ok(shape)
}

/// `Unsqueeze`.
pub(super) fn unsqueeze(call: &Call<'_, '_>, from: &[usize]) -> Result<Vec<usize>> {
    let axes = call.required("axes", call.list("axes", 13, 1)?)?;
    call.rank(from.len() + axes.len())?;
    let named = call.axes(&axes, from.len() + axes.len())?;
    let mut lengths = from.iter();
    Ok(named.iter().filter_map(|named| if *named { Some(1) } else { lengths.next().copied() }).collect())
}

/// `Flatten`.
pub(super) fn flatten(call: &Call<'_, '_>, from: &[usize]) -> Result<Vec<usize>> {
    // The axis may be behind the last one too.
    let at = match call.node.int_or("axis", 1)? {
        axis if axis == from.len() as i64 => from.len(),
        axis => call.node.axis(axis, from.len())?,
    };
    let (rows, columns) = from.split_at_checked(at).unwrap_or((from, &[]));
    match (count(rows), count(columns)) {
        (Some(rows), Some(columns)) => Ok(vec![rows, columns]),
        _ => Err(call.shape_error(format!("the shape {:?} has too long rows or columns", from))),
    }
}
