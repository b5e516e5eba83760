//! Operators that make elements: constants, ranges, shapes, positions.

use super::super::element_type::ElementType;
use super::super::messages::Node;
use super::call::Call;
use super::host_tensor::{HostTensor, Number, push};
use wgpool::error::{Refusal, Result};

/// `Constant`.
pub(super) fn constant<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let node = call.node;
    if let Some(tensor) = node.tensor("value")? {
        return HostTensor::of(&tensor);
    }
    let floats = match node.float("value_float")? {
        Some(float) => Some((vec![], vec![float])),
        None => node.floats("value_floats")?.map(|floats| (vec![floats.len()], floats)),
    };
    if let Some((shape, floats)) = floats {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        return HostTensor::new(shape, ElementType::F32, bytes);
    }
    if let Some(int) = node.int("value_int")? {
        return Ok(HostTensor::from_i64s(&[int]).reshaped(vec![]));
    }
    match node.ints("value_ints")? {
        Some(ints) => Ok(HostTensor::from_i64s(&ints)),
        None => Err(node.refused(Refusal::Unsupported, "it has no value that is a dense tensor of numbers")),
    }
}

/// `ConstantOfShape`.
pub(super) fn constant_of_shape<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let shape = call.lengths(&call.required("a shape", call.ints(0)?)?)?;
    let value = match call.node.tensor("value")? {
        Some(value) => HostTensor::of(&value)?,
        None => HostTensor::new([1], ElementType::F32, vec![0; 4])?,
    };
    if value.count() != 1 {
        return Err(call.shape_error(format!("its value has the shape {:?}, not one element", value.shape())));
    }
    let mut bytes = call.room(&shape, value.elements())?;
    for _ in 0..call.elements(&shape)? {
        bytes.extend(value.bytes());
    }
    HostTensor::new(shape, value.elements(), bytes)
}

/// `Range`.
pub(super) fn range<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let inputs = [call.input(0)?, call.input(1)?, call.input(2)?];
    let ty = call.same_type(&inputs)?;
    if inputs.iter().any(|input| input.count() != 1) {
        return Err(call.shape_error("its start, limit and delta must be one number each"));
    }
    let zero = "its delta is 0 or no number";
    let many = || call.node.refused(Refusal::Limit, format!("it makes more than {} elements", call.limit));
    let numbers = inputs.map(|input| input.number(0));
    let elements = match numbers {
        [Number::Int(start), Number::Int(limit), Number::Int(delta)] => {
            let span = if delta < 0 { start - limit } else { limit - start };
            let step = i128::try_from(delta.unsigned_abs()).unwrap_or(i128::MAX);
            if step == 0 {
                return Err(call.shape_error(zero));
            }
            usize::try_from((span.max(0) + step - 1) / step).map_err(|_| many())?
        }
        [Number::Float(start), Number::Float(limit), Number::Float(delta)] => {
            let elements = ((limit - start) / delta).ceil();
            if delta == 0.0 || elements.is_nan() {
                return Err(call.shape_error(zero));
            }
            // Too many stay too many.
            elements.max(0.0) as usize
        }
        _ => return Err(call.type_error("it takes numbers of one type")),
    };
    let mut bytes = call.room(&[elements], ty)?;
    for i in 0..elements {
        let number = match numbers {
            [Number::Int(start), _, Number::Int(delta)] => Number::Int(start + i as i128 * delta),
            [Number::Float(start), _, Number::Float(delta)] => Number::Float(start + i as f64 * delta),
            [start, ..] => start,
        };
        push(&mut bytes, ty, number);
    }
    HostTensor::new([elements], ty, bytes)
}

/// What `Shape` and `Size` make of a value whose shape is known, if `node` is one of them: its elements need not be.
///
/// # Errors
/// [`Error::Network`](wgpool::Error::Network) if `start` or `end` is no number.
pub fn fold_shape<'a>(node: &Node<'_>, shape: &[usize]) -> Result<Option<HostTensor<'a>>> {
    let rank = shape.len() as i64;
    let axis = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
    let lengths: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
    match (node.domain(), node.op_type()) {
        ("", "Shape") => {
            let (start, end) = (axis(node.int_or("start", 0)?), axis(node.int_or("end", rank)?));
            Ok(Some(HostTensor::from_i64s(lengths.get(start..end).unwrap_or_default())))
        }
        ("", "Size") => {
            let count = lengths.iter().fold(1i64, |n, &length| n.saturating_mul(length));
            Ok(Some(HostTensor::from_i64s(&[count]).reshaped(vec![])))
        }
        _ => Ok(None),
    }
}

/// `NonZero`: the places of what is not zero, a column each.
pub(super) fn non_zero<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let is_zero = |at| matches!(input.number(at), Number::Int(0)) || input.number(at) == Number::Float(0.0);
    let rank = input.shape().len();
    let found = (0..input.count()).filter(|&at| !is_zero(at));
    let shape = [rank, found.clone().count()];
    let mut bytes = call.room(&shape, ElementType::I64)?;
    let mut behind = input.count();
    for &length in input.shape() {
        behind = behind.checked_div(length).unwrap_or_default();
        for at in found.clone() {
            let index = at.checked_div(behind).and_then(|at| at.checked_rem(length)).unwrap_or_default();
            bytes.extend((index as i64).to_le_bytes());
        }
    }
    HostTensor::new(shape, ElementType::I64, bytes)
}
