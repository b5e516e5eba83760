//! Operators that move elements, or give them another shape or type.

use super::call::Call;
use super::gather;
use super::items::Item;
use crate::graph::Value;
use crate::onnx::ElementType;
use crate::onnx::fold::{HostTensor, fold_shape, shape_of};
use wgpool::error::{Refusal, Result};
use wgpool::spec::{AsStrided, BinaryFunction, Concat, ElementStep, Elementwise, Operand, Pad, PadMode};

/// The most pieces that a gathered tensor is put together of.
const MOST_PIECES: usize = 256;

/// What is computed of known values alone, and was not.
pub(super) fn unfolded<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    Err(call.node.refused(Refusal::Unsupported, "its inputs must be known before the program runs"))
}

pub(super) fn identity<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let x = call.any(0)?;
    call.one_of(x)
}

/// Nothing outside training.
pub(super) fn dropout<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 3)?;
    let training = call.has(2) && call.known(2)?.i64s().is_some_and(|list| list.iter().any(|&on| on != 0));
    if training {
        return Err(call.node.refused(Refusal::Unsupported, "dropout in training"));
    }
    let x = call.any(0)?;
    let mut items = call.one_of(x)?;
    if call.node.outputs().nth(1).is_some_and(|name| !name.is_empty()) {
        // All elements are kept.
        let shape = call.shape(0)?;
        let mask = vec![1; shape.iter().product()];
        items.push(Item::known(HostTensor::new(shape, ElementType::Bool, mask)?));
    }
    Ok(items)
}

/// Between types that are stored alike.
pub(super) fn cast<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let from = call.element_type(0)?;
    let code = call.node.int("to")?;
    let to = ElementType::of(code, || call.node.label())?;
    let x = call.any(0)?;
    match (from, to) {
        (ElementType::F32, ElementType::Bool) => {
            let zero = Operand::Number(0.0);
            let steps = vec![
                ElementStep::Binary(BinaryFunction::Equal, Operand::Input(0), zero),
                ElementStep::Binary(BinaryFunction::Equal, Operand::Step(0), zero),
            ];
            let value = call.graph().one(Elementwise { inputs: 1, steps }, &[x])?;
            Ok(vec![Item::Run(value, to)])
        }
        (ElementType::Bool, ElementType::F32) | (ElementType::I32, ElementType::I64) => {
            Ok(vec![Item::Run(x, to)])
        }
        (ElementType::I64, ElementType::I32) => Ok(vec![Item::Run(x, to)]),
        _ if from == to => Ok(vec![Item::Run(x, to)]),
        _ => {
            let reason = format!("from {from} to {to} when the program runs");
            Err(call.node.refused(Refusal::Unsupported, reason))
        }
    }
}

/// The shape, or how many elements there are, which are known where these are not.
pub(super) fn of_shape<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let made = fold_shape(&call.node, &call.shape(0)?)?;
    Ok(made.map(Item::known).into_iter().collect())
}

/// The same elements in another shape.
pub(super) fn reshape<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 2)?;
    let second = if call.has(1) { Some(call.known(1)?) } else { None };
    let inputs = [None, second.as_deref().map(|constant| &constant.tensor)];
    let shape = shape_of(&call.node, &inputs, call.opset(), &call.shape(0)?)?;
    call.reshaped(shape)
}

/// Elements in another order of axes; nothing moves where only axes of length 1 do.
fn transposed(call: &mut Call<'_, '_>, x: Value, shape: &[usize], order: &[usize]) -> Result<Value> {
    let moved: Vec<usize> = order.iter().copied().filter(|&axis| shape[axis] != 1).collect();
    let lengths = order.iter().map(|&axis| shape[axis]).collect::<Vec<_>>();
    match moved.is_sorted() {
        true => call.graph().reshape(x, lengths),
        false => call.graph().one(AsStrided::transpose(shape, order)?, &[x]),
    }
}

pub(super) fn transpose<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let shape = call.shape(0)?;
    let order = match call.node.ints("perm")? {
        Some(order) => call.node.axes(&order, shape.len())?,
        None => (0..shape.len()).rev().collect(),
    };
    if order.len() != shape.len() {
        let reason = format!("{order:?} must name each axis of {shape:?} once");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let x = call.any(0)?;
    let value = transposed(call, x, &shape, &order)?;
    call.one_of(value)
}

/// Elements that lie in a shape, in another order of axes, under a third shape.
fn through<'a>(call: &mut Call<'_, 'a>, shapes: [Vec<usize>; 2], order: &[usize]) -> Result<Vec<Item<'a>>> {
    let [between, last] = shapes;
    let x = call.any(0)?;
    let x = call.graph().reshape(x, between.clone())?;
    let moved = transposed(call, x, &between, order)?;
    let value = call.graph().reshape(moved, last)?;
    call.one_of(value)
}

fn blocks(call: &Call<'_, '_>) -> Result<([usize; 4], usize)> {
    call.arity(1, 1)?;
    let shape = call.shape(0)?;
    let block =
        call.node.int("blocksize")?.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0);
    match (<[usize; 4]>::try_from(shape.as_slice()), block) {
        (Ok(shape), Some(block)) => Ok((shape, block)),
        (_, None) => Err(call.node.refused(Refusal::Structure, "attribute blocksize must be positive")),
        _ => Err(call.node.refused(Refusal::Shape, format!("{shape:?} must be images"))),
    }
}

fn divided(call: &Call<'_, '_>, length: usize, by: usize) -> Result<usize> {
    match length % by {
        0 => Ok(length / by),
        _ => Err(call.node.refused(Refusal::Shape, format!("{by} does not divide the length {length}"))),
    }
}

pub(super) fn depth_to_space<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let ([n, c, h, w], b) = blocks(call)?;
    let of = divided(call, c, b * b)?;
    let last = vec![n, of, h * b, w * b];
    match call.word("mode", "DCR", &["DCR", "CRD"])? {
        "CRD" => through(call, [vec![n, of, b, b, h, w], last], &[0, 1, 4, 2, 5, 3]),
        _ => through(call, [vec![n, b, b, of, h, w], last], &[0, 3, 4, 1, 5, 2]),
    }
}

pub(super) fn space_to_depth<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let ([n, c, h, w], b) = blocks(call)?;
    let (rows, columns) = (divided(call, h, b)?, divided(call, w, b)?);
    let between = vec![n, c, rows, b, columns, b];
    let last = vec![n, c * b * b, rows, columns];
    match call.word("mode", "DCR", &["DCR", "CRD"])? {
        "CRD" => through(call, [between, last], &[0, 1, 3, 5, 2, 4]),
        _ => through(call, [between, last], &[0, 3, 5, 1, 2, 4]),
    }
}

/// A number as large as an axis may be counted: files write the largest integer for "to the end".
fn counted(number: i64) -> isize {
    number.clamp(-(1 << 62), 1 << 62) as isize
}

pub(super) fn slice<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 5)?;
    let shape = call.shape(0)?;
    let (Some(starts), Some(ends)) = (call.list("starts", 1)?, call.list("ends", 2)?) else {
        return Err(call.node.refused(Refusal::Structure, "starts or ends are missing"));
    };
    let axes = match call.list("axes", 3)? {
        Some(axes) => call.node.axes(&axes, shape.len())?,
        None => (0..starts.len()).collect(),
    };
    let steps = if call.has(4) { call.integers(4)? } else { vec![1; starts.len()] };
    let lengths = [starts.len(), ends.len(), axes.len(), steps.len()];
    if lengths != [axes.len(); 4] || axes.len() > shape.len() {
        let reason =
            format!("starts, ends, axes and steps have {lengths:?} numbers for {} axes", shape.len());
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let (mut from, mut to, mut by) =
        (vec![0; shape.len()], vec![isize::MAX; shape.len()], vec![1; shape.len()]);
    for (at, &axis) in axes.iter().enumerate() {
        (from[axis], to[axis], by[axis]) = (counted(starts[at]), counted(ends[at]), counted(steps[at]));
    }
    let x = call.any(0)?;
    let op = AsStrided::slice(&shape, &from, &to, &by)?;
    if op.shape == shape && by.iter().all(|&step| step > 0) {
        return call.one_of(x);
    }
    call.one(op, &[x])
}

pub(super) fn split<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 2)?;
    let (shape, count) = (call.shape(0)?, call.node.outputs().count());
    let axis = call.node.axis(call.node.int_or("axis", 0)?, shape.len())?;
    let length = shape[axis];
    let parts = match call.list("split", 1)? {
        Some(parts) => call.lengths("split", &parts)?,
        None => {
            // The last one is shorter where they do not divide the axis.
            let part = length.div_ceil(count.max(1));
            (0..count).map(|at| part.min(length.saturating_sub(at * part))).collect()
        }
    };
    let total = parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part));
    if parts.len() != count || total != Some(length) {
        let reason = format!("parts {parts:?} are not {count} of an axis of {length}");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let (x, ty) = (call.any(0)?, call.element_type(0)?);
    let mut items = Vec::with_capacity(count);
    let mut start = 0;
    for part in parts {
        let value = part_of(call, x, &shape, axis, [start, start + part])?;
        items.push(Item::Run(value, ty));
        start += part;
    }
    Ok(items)
}

/// From one element of an axis to before another.
fn part_of(
    call: &mut Call<'_, '_>,
    x: Value,
    shape: &[usize],
    axis: usize,
    [from, to]: [usize; 2],
) -> Result<Value> {
    if from == 0 && to == shape[axis] {
        return Ok(x);
    }
    let (mut starts, mut ends) = (vec![0; shape.len()], vec![isize::MAX; shape.len()]);
    (starts[axis], ends[axis]) = (from as isize, to as isize);
    call.graph().one(AsStrided::slice(shape, &starts, &ends, &vec![1; shape.len()])?, &[x])
}

pub(super) fn concat<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let count = call.inputs.len();
    call.arity(1, count.max(1))?;
    let Some(axis) = call.node.int("axis")? else {
        return Err(call.node.refused(Refusal::Structure, "attribute axis is missing"));
    };
    let axis = call.node.axis(axis, call.rank(0)?)? as isize;
    let mut inputs = Vec::with_capacity(count);
    for at in 0..count {
        let (first, own) = (call.element_type(0)?, call.element_type(at)?);
        if first != own {
            let reason = format!("input {at} is {own}, but the first is {first}");
            return Err(call.node.refused(Refusal::Type, reason));
        }
        inputs.push(call.any(at)?);
    }
    match inputs.as_slice() {
        &[one] => call.one_of(one),
        all => call.one(Concat { axis }, all),
    }
}

pub(super) fn expand<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 2)?;
    let to = call.lengths("shape", &call.integers(1)?)?;
    let op = AsStrided::expand(&call.shape(0)?, &to)?;
    let x = call.any(0)?;
    call.one(op, &[x])
}

pub(super) fn tile<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 2)?;
    let shape = call.shape(0)?;
    let times = call.lengths("repeats", &call.integers(1)?)?;
    if times.len() != shape.len() {
        let reason = format!("repeats {times:?} must have a number for each axis of {shape:?}");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    // Each axis with one in front that is repeated.
    let doubled: Vec<usize> = shape.iter().flat_map(|&length| [1, length]).collect();
    let to: Vec<usize> = times.iter().zip(&shape).flat_map(|(&times, &length)| [times, length]).collect();
    let mut op = AsStrided::expand(&doubled, &to)?;
    // Expanding never makes an axis shorter, but none at all is no element.
    op.shape.clone_from(&to);
    let x = call.any(0)?;
    let x = call.graph().reshape(x, doubled)?;
    let tiled = call.graph().one(op, &[x])?;
    let last: Option<Vec<usize>> =
        times.iter().zip(&shape).map(|(&times, &length)| times.checked_mul(length)).collect();
    let Some(last) = last else {
        return Err(call.node.refused(Refusal::Limit, format!("{times:?} times {shape:?} overflows")));
    };
    let value = call.graph().reshape(tiled, last)?;
    call.one_of(value)
}

/// With known indices: runs of them are slices, put one behind the other.
pub(super) fn gather<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 2)?;
    let shape = call.shape(0)?;
    let axis = call.node.axis(call.node.int_or("axis", 0)?, shape.len())?;
    let length = shape[axis];
    let of = call.shape(1)?;
    if !call.is_known(1)? {
        return gather::gather(call, axis);
    }
    let indices = call.integers(1)?;
    let indices =
        indices.iter().map(|&index| call.node.axis(index, length)).collect::<Result<Vec<usize>>>()?;
    let mut runs: Vec<[usize; 2]> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some([_, end]) if *end == index => *end += 1,
            _ => runs.push([index, index + 1]),
        }
    }
    if runs.len() > MOST_PIECES {
        return gather::gather(call, axis);
    }
    let x = call.any(0)?;
    let mut pieces = Vec::with_capacity(runs.len().max(1));
    for run in runs {
        pieces.push(part_of(call, x, &shape, axis, run)?);
    }
    if pieces.is_empty() {
        pieces.push(part_of(call, x, &shape, axis, [0, 0])?);
    }
    let value = match pieces.as_slice() {
        &[one] => one,
        all => call.graph().one(Concat { axis: axis as isize }, all)?,
    };
    let last = [&shape[..axis], &of, &shape[axis + 1..]].concat();
    let value = call.graph().reshape(value, last)?;
    call.one_of(value)
}

pub(super) fn pad<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 4)?;
    let attribute = if call.node.has("paddings") { "paddings" } else { "pads" };
    let Some(pads) = call.list(attribute, 1)? else {
        return Err(call.node.refused(Refusal::Structure, "the pads are missing"));
    };
    let shape = call.shape(0)?;
    let axes = if call.has(3) {
        call.node.axes(&call.integers(3)?, shape.len())?
    } else {
        (0..shape.len()).collect()
    };
    if pads.len() != 2 * axes.len() {
        let reason = format!("pads {pads:?} must have two numbers for each of {} axes", axes.len());
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    let (starts, ends) = pads.split_at(axes.len());
    for ((&axis, &start), &end) in axes.iter().zip(starts).zip(ends) {
        (before[axis], after[axis]) = (counted(start), counted(end));
    }
    let constant = if call.has(2) { call.scalar(2)? } else { call.node.float_or("value", 0.0)? };
    let mode = match call.word("mode", "constant", &["constant", "reflect", "edge", "wrap"])? {
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        _ => PadMode::Constant(constant),
    };
    let x = call.any(0)?;
    if before.iter().chain(&after).all(|&n| n == 0) {
        return call.one_of(x);
    }
    call.one(Pad { before, after, mode }, &[x])
}
