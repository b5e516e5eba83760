//! Operations that move elements: the gradient goes back to where each came from.

use super::context::{ByInput, Context};
use crate::graph::Value;
use wgpool::error::Result;
use wgpool::spec::{
    AsStrided, Concat, NearestRounding, Pad, PadMode, Reduce, ReduceKind, Resize, ResizeCoordinates,
    ResizeMode,
};

/// Elements at the end of the last axis, as many that it has `length`.
fn padded_to(context: &mut Context<'_>, value: Value, length: usize) -> Result<Value> {
    let shape = context.graph.desc(value)?.shape.clone();
    let more = length as isize - shape.last().copied().unwrap_or(1) as isize;
    if more == 0 {
        return Ok(value);
    }
    let mut after = vec![0; shape.len()];
    if let Some(last) = after.last_mut() {
        *last = more;
    }
    context.one(Pad::new(vec![0; shape.len()], after), &[value])
}

/// Elements that were read several times sum up; the others are put apart by their strides, from the innermost axis on.
pub(super) fn strided(context: &mut Context<'_>, spec: &AsStrided) -> Result<ByInput> {
    let input = context.shape(0)?;
    let elements: usize = input.iter().product();
    if elements == 0 || spec.shape.contains(&0) {
        return Err(context.refuse("it has no elements"));
    }
    // Repeated axes are summed; axes of one element vanish.
    let mut gradient = context.gradient;
    let axes = spec.shape.iter().zip(&spec.strides).enumerate();
    let repeated: Vec<isize> =
        axes.clone().filter(|(_, (n, s))| **s == 0 && **n > 1).map(|(axis, _)| axis as isize).collect();
    if !repeated.is_empty() {
        gradient = context.one(Reduce::new(ReduceKind::Sum, repeated).keepdims(true), &[gradient])?;
    }
    let mut moving: Vec<(usize, isize)> =
        axes.filter(|(_, (n, s))| **s != 0 && **n > 1).map(|(_, (&n, &s))| (n, s)).collect();
    let lengths: Vec<usize> = moving.iter().map(|axis| axis.0).collect();
    gradient = context.graph.reshape(gradient, lengths.clone())?;
    // Backwards where the stride is, and the farthest first.
    let mut own = vec![1isize; lengths.len()];
    for axis in (1..lengths.len()).rev() {
        own[axis - 1] = own[axis] * lengths[axis] as isize;
    }
    let mut order: Vec<usize> = (0..moving.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(moving[axis].1.unsigned_abs()));
    let is_turned = |axis: usize| moving[axis].1 < 0;
    let mut least = spec.offset as isize;
    let mut sorted = AsStrided { shape: vec![], strides: vec![], offset: 0 };
    for &axis in &order {
        let (length, stride) = moving[axis];
        sorted.shape.push(length);
        sorted.strides.push(if is_turned(axis) { -own[axis] } else { own[axis] });
        if is_turned(axis) {
            sorted.offset += (length - 1) * own[axis].unsigned_abs();
            least += stride * (length as isize - 1);
        }
    }
    if order.iter().enumerate().any(|(at, &axis)| at != axis) || (0..moving.len()).any(is_turned) {
        gradient = context.one(sorted, &[gradient])?;
    }
    moving = order.iter().map(|&axis| moving[axis]).collect();
    // How far apart the first and last of what is put together are, and how long it is with what is behind them.
    let (mut span, mut length) = (1usize, 1usize);
    gradient = context.graph.reshape(gradient, [lengths_of(&moving), vec![1]].concat())?;
    while let Some((n, stride)) = moving.pop() {
        let stride = stride.unsigned_abs();
        if stride < span {
            return Err(context.refuse("it reads elements several times, by strides that overlap"));
        }
        gradient = padded_to(context, gradient, stride)?;
        length = n * stride;
        span += (n - 1) * stride;
        gradient = context.graph.reshape(gradient, [lengths_of(&moving), vec![length]].concat())?;
    }
    let after = elements as isize - least - length as isize;
    if least != 0 || after != 0 {
        gradient = context.one(Pad::new([least], [after]), &[gradient])?;
    }
    let by_x = context.graph.reshape(gradient, input)?;
    Ok(context.only(by_x))
}

fn lengths_of(axes: &[(usize, isize)]) -> Vec<usize> {
    axes.iter().map(|axis| axis.0).collect()
}

pub(super) fn concat(context: &mut Context<'_>, spec: Concat) -> Result<ByInput> {
    let whole = context.graph.desc(context.gradient)?.shape.clone();
    let rank = whole.len();
    let axis = if spec.axis < 0 { spec.axis + rank as isize } else { spec.axis }.unsigned_abs();
    let mut all = context.none();
    let mut start = 0isize;
    for input in 0..context.step.inputs.len() {
        let length = context.shape(input)?.get(axis).copied().unwrap_or(0) as isize;
        if context.needs(input) {
            let (mut starts, mut ends) = (vec![0; rank], vec![isize::MAX; rank]);
            if let (Some(from), Some(to)) = (starts.get_mut(axis), ends.get_mut(axis)) {
                (*from, *to) = (start, start + length);
            }
            let slice = AsStrided::slice(&whole, &starts, &ends, &vec![1; rank])?;
            let part = context.one(slice, &[context.gradient])?;
            if let Some(place) = all.get_mut(input) {
                *place = Some(part);
            }
        }
        start += length;
    }
    Ok(all)
}

pub(super) fn pad(context: &mut Context<'_>, spec: &Pad) -> Result<ByInput> {
    let PadMode::Constant(_) = spec.mode else {
        return Err(context.refuse("its padding repeats elements"));
    };
    let turned = |edges: &[isize]| edges.iter().map(|edge| -edge).collect::<Vec<_>>();
    let back = Pad::new(turned(&spec.before), turned(&spec.after));
    let by_x = context.one(back, &[context.gradient])?;
    Ok(context.only(by_x))
}

/// Each element so many times: the sum of its copies.
pub(super) fn resize(context: &mut Context<'_>, spec: &Resize) -> Result<ByInput> {
    let (from, to) = (context.shape(0)?, context.graph.desc(context.gradient)?.shape.clone());
    let whole = from.len() == to.len() && from.iter().zip(&to).all(|(&a, &b)| a > 0 && b.is_multiple_of(a));
    let factor = |(&a, &b): (&usize, &usize)| b as f32 / a.max(1) as f32;
    let scaled =
        spec.scales.as_ref().is_none_or(|scales| from.iter().zip(&to).map(factor).eq(scales.iter().copied()));
    let copies = matches!(
        (spec.coordinates, spec.mode),
        (
            ResizeCoordinates::HalfPixel | ResizeCoordinates::HalfPixelSymmetric,
            ResizeMode::Nearest(NearestRounding::RoundPreferCeil | NearestRounding::RoundPreferFloor),
        ) | (ResizeCoordinates::Asymmetric, ResizeMode::Nearest(NearestRounding::Floor))
    );
    if !whole || !scaled || !copies {
        return Err(context.refuse("it does not repeat each element as often"));
    }
    let (mut shape, mut axes) = (Vec::new(), Vec::new());
    for (&a, &b) in from.iter().zip(&to) {
        shape.push(a);
        if a != b {
            axes.push(shape.len() as isize);
            shape.push(b / a);
        }
    }
    let parted = context.graph.reshape(context.gradient, shape)?;
    let summed = match axes.is_empty() {
        true => parted,
        false => context.one(Reduce::new(ReduceKind::Sum, axes), &[parted])?,
    };
    let by_x = context.graph.reshape(summed, from)?;
    Ok(context.only(by_x))
}
