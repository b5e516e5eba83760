//! Normalisations.

use super::call::Call;
use super::items::Item;
use crate::graph::Value;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{
    BinaryFunction, ElementStep, Elementwise, Operand, Padding, Pool, PoolKind, Reduce, ReduceKind,
    UnaryFunction,
};

const X: Operand = Operand::Input(0);

/// With stored statistics: a scale and shift of each channel.
pub(super) fn batch<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(5, 5)?;
    let training = call.node.int_or("training_mode", 0)? != 0;
    if training || call.node.int_or("spatial", 1)? == 0 {
        let reason =
            if training { "batch normalisation in training" } else { "statistics of each place (spatial 0)" };
        return Err(call.node.refused(Refusal::Unsupported, reason));
    }
    let epsilon = f64::from(call.node.float_or("epsilon", 1e-5)?);
    let shape = call.shape(0)?;
    let &[_, channels, ..] = shape.as_slice() else {
        return Err(call.node.refused(Refusal::Shape, format!("{shape:?} has no channels")));
    };
    let mut parts = Vec::new();
    for at in 1..5 {
        match Some(call.known(at)?.f64s()).filter(|numbers| numbers.len() == channels) {
            Some(numbers) => parts.push(numbers),
            None => {
                let reason = format!(
                    "input {at} is {:?}, but must be a float for each of {channels} channels",
                    call.shape(at)?
                );
                return Err(call.node.refused(Refusal::Shape, reason));
            }
        }
    }
    let [scale, shift, mean, variance] = parts.as_slice() else { return Ok(Vec::new()) };
    let scales: Vec<f64> = scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
    let shifts = shift.iter().zip(mean).zip(&scales).map(|((b, m), s)| b - m * s).collect();
    let mut each = vec![channels];
    each.resize(shape.len() - 1, 1);
    let x = call.value(0)?;
    let inputs = [x, call.constant(x, &each, scales)?, call.constant(x, &each, shifts)?];
    call.one(Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2)), &inputs)
}

fn reduced(call: &mut Call<'_, '_>, kind: ReduceKind, x: Value, axes: &[usize]) -> Result<Value> {
    let axes = axes.iter().map(|&axis| axis as isize).collect();
    call.graph().one(Reduce { kind, axes, keepdims: true }, &[x])
}

/// The deviation of each element from the mean over axes, and their variance.
fn deviation(call: &mut Call<'_, '_>, x: Value, axes: &[usize]) -> Result<[Value; 2]> {
    let mean = reduced(call, ReduceKind::Mean, x, axes)?;
    let deviation = call.graph().one(Elementwise::subtract(), &[x, mean])?;
    let square = Elementwise { inputs: 1, steps: vec![ElementStep::Binary(BinaryFunction::Multiply, X, X)] };
    let squares = call.graph().one(square, &[deviation])?;
    Ok([deviation, reduced(call, ReduceKind::Mean, squares, axes)?])
}

/// `(x - mean) / sqrt(variance + epsilon)` over axes, times a scale, plus a shift.
fn normalised(
    call: &mut Call<'_, '_>,
    x: Value,
    axes: &[usize],
    affine: Option<(Value, Option<Value>)>,
) -> Result<Value> {
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let [deviation, variance] = deviation(call, x, axes)?;
    let mut formula = Elementwise {
        inputs: 2,
        steps: vec![
            ElementStep::Binary(BinaryFunction::Add, Operand::Input(1), Operand::Number(epsilon)),
            ElementStep::Unary(UnaryFunction::Sqrt, Operand::Step(0)),
            ElementStep::Binary(BinaryFunction::Divide, X, Operand::Step(1)),
        ],
    };
    let mut inputs = vec![deviation, variance];
    if let Some((scale, shift)) = affine {
        formula = formula.then(BinaryFunction::Multiply, Operand::Input(2));
        inputs.push(scale);
        if let Some(shift) = shift {
            formula = formula.then(BinaryFunction::Add, Operand::Input(3));
            inputs.push(shift);
        }
    }
    call.graph().one(formula, &inputs)
}

/// A number for each channel, along the second axis.
fn each_channel(call: &mut Call<'_, '_>, at: usize, rank: usize) -> Result<Value> {
    let (value, mut shape) = (call.value(at)?, call.shape(at)?);
    shape.resize(rank.saturating_sub(1), 1);
    call.graph().reshape(value, shape)
}

pub(super) fn instance<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(3, 3)?;
    let rank = call.rank(0)?;
    if rank < 3 {
        return Err(call
            .node
            .refused(Refusal::Shape, format!("it has {rank} axes, but must have 3 at least")));
    }
    let x = call.value(0)?;
    let (scale, shift) = (each_channel(call, 1, rank)?, each_channel(call, 2, rank)?);
    let axes: Vec<usize> = (2..rank).collect();
    let value = normalised(call, x, &axes, Some((scale, Some(shift))))?;
    call.one_of(value)
}

pub(super) fn layer<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 3)?;
    let rank = call.rank(0)?;
    let axis = call.node.axis(call.node.int_or("axis", -1)?, rank)?;
    let (x, scale, shift) = (call.value(0)?, call.value(1)?, call.optional(2)?);
    let axes: Vec<usize> = (axis..rank).collect();
    let value = normalised(call, x, &axes, Some((scale, shift)))?;
    call.one_of(value)
}

/// Scale and shift are those of each group before version 21, then those of each channel.
pub(super) fn group<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(3, 3)?;
    let shape = call.shape(0)?;
    let groups = call.node.int("num_groups")?.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
    let (Some(groups), &[n, channels, ..]) = (groups, shape.as_slice()) else {
        return Err(call.node.refused(Refusal::Shape, format!("{shape:?} has no groups of channels")));
    };
    if channels % groups != 0 {
        let reason = format!("{groups} groups do not divide {channels} channels");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let each = shape.iter().skip(2).product::<usize>() * (channels / groups);
    let x = call.value(0)?;
    let x = call.graph().reshape(x, [n, groups, each])?;
    let value = if call.opset() < 21 {
        let (scale, shift) = (each_channel(call, 1, 3)?, each_channel(call, 2, 3)?);
        let value = normalised(call, x, &[2], Some((scale, Some(shift))))?;
        call.graph().reshape(value, shape)?
    } else {
        let value = normalised(call, x, &[2], None)?;
        let value = call.graph().reshape(value, shape.clone())?;
        let (scale, shift) = (each_channel(call, 1, shape.len())?, each_channel(call, 2, shape.len())?);
        let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2));
        call.graph().one(formula, &[value, scale, shift])?
    };
    call.one_of(value)
}

/// `(x - mean) / (deviation + 1e-9)`.
pub(super) fn mean_variance<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let rank = call.rank(0)?;
    let axes = call.node.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = call.node.axes(&axes, rank)?;
    let x = call.value(0)?;
    let [deviation, variance] = deviation(call, x, &axes)?;
    let formula = Elementwise {
        inputs: 2,
        steps: vec![
            ElementStep::Unary(UnaryFunction::Sqrt, Operand::Input(1)),
            ElementStep::Binary(BinaryFunction::Add, Operand::Step(0), Operand::Number(1e-9)),
            ElementStep::Binary(BinaryFunction::Divide, X, Operand::Step(1)),
        ],
    };
    call.one(formula, &[deviation, variance])
}

/// `x / (bias + alpha * mean of the squares of neighbouring channels)^beta`.
pub(super) fn local_response<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let node = call.node;
    let size = node.int("size")?.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
    let shape = call.shape(0)?;
    let (Some(size), &[n, channels, ref space @ ..]) = (size, shape.as_slice()) else {
        return Err(node.refused(Refusal::Shape, format!("{shape:?} needs channels, and the attribute size")));
    };
    let [alpha, beta, bias] =
        [("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)].map(|(name, usual)| node.float_or(name, usual));
    let x = call.value(0)?;
    let square = Elementwise { inputs: 1, steps: vec![ElementStep::Binary(BinaryFunction::Multiply, X, X)] };
    let squares = call.graph().one(square, &[x])?;
    let planes = call.graph().reshape(squares, [n, 1, channels, space.iter().product()])?;
    let padding = Padding::Explicit { before: vec![(size - 1) / 2, 0], after: vec![size / 2, 0] };
    // The sum is divided by the whole size at the ends too.
    let kind = PoolKind::Average { count_include_pad: true, divisor: None };
    let pool = Pool::new(kind, [size, 1]).stride([1, 1]).padding(padding);
    let means = call.graph().one(pool, &[planes])?;
    let means = call.graph().reshape(means, shape.clone())?;
    let formula = Elementwise {
        inputs: 2,
        steps: vec![
            ElementStep::Binary(BinaryFunction::Multiply, Operand::Input(1), Operand::Number(alpha?)),
            ElementStep::Binary(BinaryFunction::Add, Operand::Step(0), Operand::Number(bias?)),
            ElementStep::Binary(BinaryFunction::Power, Operand::Step(1), Operand::Number(beta?)),
            ElementStep::Binary(BinaryFunction::Divide, X, Operand::Step(2)),
        ],
    };
    call.one(formula, &[x, means])
}

pub(super) fn lp<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let axis = call.node.axis(call.node.int_or("axis", -1)?, call.rank(0)?)?;
    let kind = match call.node.int_or("p", 2)? {
        1 => ReduceKind::L1,
        2 => ReduceKind::L2,
        p => return Err(call.node.refused(Refusal::Structure, format!("p is {p}, but must be 1 or 2"))),
    };
    let x = call.value(0)?;
    let norm = reduced(call, kind, x, &[axis])?;
    // Nothing but zeros stays that.
    let steps = vec![
        ElementStep::Binary(BinaryFunction::Divide, X, Operand::Input(1)),
        ElementStep::Select { condition: Operand::Input(1), yes: Operand::Step(0), no: Operand::Number(0.0) },
    ];
    call.one(Elementwise { inputs: 2, steps }, &[x, norm])
}
