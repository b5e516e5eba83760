//! Sums, products and extremes along axes.

use super::super::element_type::ElementType;
use super::call::Call;
use super::elementwise::{numbers, of_pairs};
use super::host_tensor::{HostTensor, Number, push};
use super::walk::{Walk, strides};
use wgpool::error::{Refusal, Result};

/// Puts the elements along axes together by an operator of pairs, beginning with `first` for integers or for floats. `since` is the
/// opset in which the axes became an input.
pub(super) fn reduced<'a>(
    call: &Call<'_, 'a>,
    op: &str,
    first: (i128, f64),
    since: i64,
) -> Result<HostTensor<'a>> {
    let (input, two) = (call.input(0)?, of_pairs(op));
    // Bools have a least and a largest.
    let ty = match (op, input.elements()) {
        ("Min" | "Max", ElementType::Bool) => ElementType::Bool,
        _ => numbers(call, &[input])?,
    };
    let axes = call.list("axes", since, 1)?.unwrap_or_default();
    let mut along = call.axes(&axes, input.shape().len())?;
    if axes.is_empty() {
        if call.node.int_or("noop_with_empty_axes", 0)? != 0 {
            return Ok(input.clone());
        }
        along.fill(true);
    }
    let one_each: Vec<usize> =
        input.shape().iter().zip(&along).map(|(&length, &along)| if along { 1 } else { length }).collect();
    let elements = call.elements(&one_each)?;
    let first = match input.number(0) {
        Number::Int(_) if ty == ElementType::Bool => Number::Int(first.0.clamp(0, 1)),
        Number::Int(_) => Number::Int(first.0),
        Number::Float(_) => Number::Float(first.1),
    };
    let mut results = Vec::new();
    if results.try_reserve_exact(elements).is_err() {
        return Err(call.node.refused(Refusal::Limit, format!("there is no memory for {elements} elements")));
    }
    results.resize(elements, first);
    let own =
        strides(&one_each).into_iter().zip(&along).map(|(stride, &along)| if along { 0 } else { stride });
    let walk = Walk::new(0, input.count(), input.shape(), &own.collect::<Vec<_>>());
    for (at, to) in walk.enumerate() {
        if let Some(result) = results.get_mut(to) {
            *result = two(*result, input.number(at)).map_err(|rule| call.type_error(rule))?;
        }
    }
    if results.iter().any(|result| matches!(result, Number::Int(i128::MIN | i128::MAX))) {
        return Err(call.type_error(format!("there is no extreme of no elements of {ty}")));
    }
    let mut bytes = call.room(&one_each, ty)?;
    results.iter().for_each(|&result| push(&mut bytes, ty, result));
    let shape = match call.node.int_or("keepdims", 1)? {
        0 => input
            .shape()
            .iter()
            .zip(&along)
            .filter(|(_, along)| !**along)
            .map(|(&length, _)| length)
            .collect(),
        _ => one_each,
    };
    HostTensor::new(shape, ty, bytes)
}
