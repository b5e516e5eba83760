//! Operators that move elements, whatever their type.

use super::call::Call;
use super::elementwise::broadcast;
use super::host_tensor::HostTensor;
use super::walk::{Walk, strides};
use wgpool::error::{Refusal, Result};

/// The elements of the input that a walk from `begin` comes by, as a tensor of the shape.
fn walked<'a>(
    call: &Call<'_, 'a>,
    input: &HostTensor<'a>,
    begin: isize,
    shape: Vec<usize>,
    steps: &[isize],
) -> Result<HostTensor<'a>> {
    let mut bytes = call.room(&shape, input.elements())?;
    for at in Walk::new(begin, call.elements(&shape)?, &shape, steps) {
        bytes.extend(input.run(at, 1));
    }
    HostTensor::new(shape, input.elements(), bytes)
}

/// `Transpose`.
pub(super) fn transpose<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let rank = input.shape().len();
    let order = call.node.ints("perm")?.unwrap_or_else(|| (0..rank as i64).rev().collect());
    if order.len() != rank {
        return Err(call.shape_error(format!("its perm is {order:?}, but its input has {rank} axes")));
    }
    call.axes(&order, rank)?;
    let own = strides(input.shape());
    let mut moved = (Vec::new(), Vec::new());
    for &axis in &order {
        let axis = call.node.axis(axis, rank)?;
        moved.0.extend(input.shape().get(axis));
        moved.1.extend(own.get(axis));
    }
    walked(call, input, 0, moved.0, &moved.1)
}

/// `Expand`.
pub(super) fn expand<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let wanted = call.lengths(&call.required("a shape", call.ints(1)?)?)?;
    let shape = broadcast(call, &[input.shape(), &wanted])?;
    let mut bytes = call.room(&shape, input.elements())?;
    for at in Walk::broadcast(input.shape(), call.elements(&shape)?, &shape) {
        bytes.extend(input.run(at, 1));
    }
    HostTensor::new(shape, input.elements(), bytes)
}

/// `Tile`, as it is from opset 6 on.
pub(super) fn tile<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let repeats = call.lengths(&call.required("repeats", call.ints(1)?)?)?;
    if repeats.len() != input.shape().len() {
        return Err(call.shape_error(format!("it repeats {repeats:?} the shape {:?}", input.shape())));
    }
    // Each axis is two: the repetitions, which go nowhere, and itself.
    let own = strides(input.shape());
    let lengths = repeats.iter().zip(input.shape());
    let (mut axes, mut steps, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    for ((&times, &length), &stride) in lengths.zip(&own) {
        axes.extend([times, length]);
        steps.extend([0, stride]);
        let reason = || call.node.refused(Refusal::Limit, format!("{times} times {length} overflows"));
        shape.push(times.checked_mul(length).ok_or_else(reason)?);
    }
    let mut bytes = call.room(&shape, input.elements())?;
    for at in Walk::new(0, call.elements(&shape)?, &axes, &steps) {
        bytes.extend(input.run(at, 1));
    }
    HostTensor::new(shape, input.elements(), bytes)
}

/// `Slice`.
pub(super) fn slice<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let starts = call.required("starts", call.list("starts", 10, 1)?)?;
    let ends = call.required("ends", call.list("ends", 10, 2)?)?;
    let axes = call.list("axes", 10, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = if call.opset < 10 { None } else { call.ints(4)? };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        let reason =
            format!("starts {starts:?}, ends {ends:?}, axes {axes:?} and steps {steps:?} differ in number");
        return Err(call.shape_error(reason));
    }
    call.axes(&axes, input.shape().len())?;
    let (mut shape, mut strides, mut begin) = (input.shape().to_vec(), strides(input.shape()), 0isize);
    for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = call.node.axis(axis, input.shape().len())?;
        let (Some(length), Some(stride)) = (shape.get_mut(axis), strides.get_mut(axis)) else { continue };
        let most = *length as i64;
        let from_begin = |at: i64| if at < 0 { at.saturating_add(most) } else { at };
        let (start, end) = (from_begin(start), from_begin(end));
        let (start, left) = match step {
            0 => return Err(call.shape_error("a step is 0")),
            _ if most == 0 => (0, 0),
            1.. => (start.clamp(0, most), end.clamp(0, most) - start.clamp(0, most)),
            _ => (start.clamp(0, most - 1), start.clamp(0, most - 1) - end.clamp(-1, most - 1)),
        };
        let kept = u64::try_from(left).unwrap_or_default().div_ceil(step.unsigned_abs());
        *length = kept as usize;
        if kept > 0 {
            begin = begin.wrapping_add(stride.wrapping_mul(start as isize));
        }
        *stride = stride.wrapping_mul(step as isize);
    }
    walked(call, input, begin, shape, &strides)
}

/// The lengths before an axis, along it and behind it, multiplied.
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let product = |lengths: &[usize]| lengths.iter().fold(1usize, |n, &length| n.saturating_mul(length));
    let (before, rest) = shape.split_at_checked(axis).unwrap_or((shape, &[]));
    let (along, behind) = rest.split_first().map_or((1, rest), |(&along, behind)| (along, behind));
    (product(before), along, product(behind))
}

/// The places that an input of indices names along an axis of so many.
fn places(call: &Call<'_, '_>, length: usize) -> Result<Vec<usize>> {
    let indices = call.input(1)?;
    let ints = indices.i64s().filter(|_| matches!(indices.size(), 4 | 8)).ok_or_else(|| {
        call.type_error(format!("its indices are {}, but must be int32 or int64", indices.elements()))
    })?;
    ints.into_iter().map(|index| call.node.axis(index, length)).collect()
}

/// `Gather`.
pub(super) fn gather<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let (input, indices) = (call.input(0)?, call.input(1)?);
    let axis = call.node.axis(call.node.int_or("axis", 0)?, input.shape().len())?;
    let (before, along, behind) = around(input.shape(), axis);
    let mut shape = input.shape().to_vec();
    shape.splice(axis..=axis, indices.shape().iter().copied());
    let mut bytes = call.room(&shape, input.elements())?;
    let places = places(call, along)?;
    if call.elements(&shape)? > 0 {
        for row in 0..before {
            for place in &places {
                bytes.extend(input.run((row * along + place) * behind, behind));
            }
        }
    }
    HostTensor::new(shape, input.elements(), bytes)
}

/// `GatherElements`.
pub(super) fn gather_elements<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let (input, indices) = (call.input(0)?, call.input(1)?);
    let rank = input.shape().len();
    let axis = call.node.axis(call.node.int_or("axis", 0)?, rank)?;
    let inside = indices.shape().iter().zip(input.shape()).enumerate();
    if indices.shape().len() != rank || inside.into_iter().any(|(at, (i, x))| at != axis && i > x) {
        let reason = format!("its indices {:?} do not lie in the shape {:?}", indices.shape(), input.shape());
        return Err(call.shape_error(reason));
    }
    let mut steps = strides(input.shape());
    let along = std::mem::take(&mut steps[axis]);
    let mut bytes = call.room(indices.shape(), input.elements())?;
    let places = places(call, input.shape()[axis])?;
    let walk = Walk::new(0, call.elements(indices.shape())?, indices.shape(), &steps);
    for (at, place) in walk.zip(places) {
        bytes.extend(input.run(at + place * along as usize, 1));
    }
    HostTensor::new(indices.shape(), input.elements(), bytes)
}

/// `Concat`.
pub(super) fn concat<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let inputs = call.all()?;
    let ty = call.same_type(&inputs)?;
    let mut shape = inputs.first().map(|input| input.shape().to_vec()).unwrap_or_default();
    let axis = match call.node.int("axis")? {
        None if call.opset < 4 => 1,
        axis => call.required("axis", axis)?,
    };
    let axis = call.node.axis(axis, shape.len())?;
    let mut joined = 0usize;
    for input in &inputs {
        let mut others = input.shape().to_vec();
        if others.len() == shape.len() {
            joined = joined.saturating_add(others[axis]);
            others[axis] = shape[axis];
        }
        if others != shape {
            let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
            return Err(call.shape_error(format!("it joins the shapes {shapes:?} along axis {axis}")));
        }
    }
    shape[axis] = joined;
    let mut bytes = call.room(&shape, ty)?;
    let (before, _, behind) = around(&shape, axis);
    if call.elements(&shape)? > 0 {
        for row in 0..before {
            for input in &inputs {
                let run = input.shape()[axis] * behind;
                bytes.extend(input.run(row * run, run));
            }
        }
    }
    HostTensor::new(shape, ty, bytes)
}

/// `Split`.
pub(super) fn split<'a>(call: &Call<'_, 'a>) -> Result<Vec<HostTensor<'a>>> {
    let input = call.input(0)?;
    let axis = call.node.axis(call.node.int_or("axis", 0)?, input.shape().len())?;
    let length = input.shape()[axis];
    let parts = call.node.outputs().count();
    let lengths = match (call.list("split", 13, 1)?, call.node.int("num_outputs")?) {
        (Some(lengths), None) => call.lengths(&lengths)?,
        (None, Some(wanted)) if wanted != parts as i64 => {
            return Err(call.shape_error(format!("its num_outputs is {wanted}, but it has {parts} outputs")));
        }
        (None, None) if parts == 0 || !length.is_multiple_of(parts) => {
            return Err(call.shape_error(format!("{length} cannot be split into {parts} equal parts")));
        }
        (None, _) => {
            // All but the last are equal.
            let each = length.div_ceil(parts.max(1));
            (0..parts).map(|part| length.saturating_sub(part * each).min(each)).collect()
        }
        (Some(_), Some(_)) => return Err(call.shape_error("it has both split and num_outputs")),
    };
    let sum = lengths.iter().try_fold(0usize, |sum, &part| sum.checked_add(part));
    if lengths.len() != parts || sum != Some(length) {
        let reason = format!("{length} cannot be split into {lengths:?} for {parts} outputs");
        return Err(call.shape_error(reason));
    }
    call.elements(input.shape())?;
    let own = strides(input.shape());
    let mut begin = 0isize;
    let parts = lengths.into_iter().map(|part| {
        let mut shape = input.shape().to_vec();
        shape[axis] = part;
        let made = walked(call, input, begin, shape, &own);
        begin = begin.wrapping_add(own[axis].wrapping_mul(part as isize));
        made
    });
    parts.collect()
}
