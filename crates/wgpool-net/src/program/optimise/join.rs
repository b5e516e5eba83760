//! What joins a convolution or a dense layer.

use super::{Joined, Pair, inputs, weight, weight_at};
use wgpool::error::Result;
use wgpool::spec::{Activation, Conv, ConvPool, ElementStep, Op, Operand, Pad, PadMode, Padding};

/// An activation behind an operation that has none yet.
pub(super) fn activation(pair: &Pair<'_>) -> Result<Option<Joined>> {
    let Some(activation) = activation_of(&pair.step.op).filter(|_| pair.is_first()) else { return Ok(None) };
    let mut op = pair.before.op.clone();
    let Some(free) = free_activation(&mut op) else { return Ok(None) };
    *free = activation;
    Ok(Some(Joined { op, inputs: inputs(pair.before) }))
}

/// The activation that an operation is, without a slope of its own.
pub(super) fn activation_of(op: &Op) -> Option<Activation> {
    let found = match op {
        Op::Activation(activation) => *activation,
        Op::Elementwise(formula) => match formula.steps.as_slice() {
            [ElementStep::Activation(activation, Operand::Input(0))] => *activation,
            _ => return None,
        },
        _ => return None,
    };
    (found != Activation::PRelu).then_some(found)
}

/// PReLU behind an operation without activation, whose slope is one number or one for each channel.
pub(super) fn slope(pair: &Pair<'_>) -> Result<Option<Joined>> {
    let mut op = pair.before.op.clone();
    let (Op::Activation(Activation::PRelu), Some(slope), true) =
        (&pair.step.op, weight_at(pair.step, 1), pair.is_first())
    else {
        return Ok(None);
    };
    let Some(free) = free_activation(&mut op) else { return Ok(None) };
    *free = Activation::PRelu;
    let channels = match (&op, pair.step.problem.inputs.as_slice()) {
        (Op::Dense(_), [x, _]) => x.shape.len() - 1,
        _ => 1,
    };
    let elements = slope.data().len();
    if elements != 1 && slope.shape().get(channels) != Some(&elements) {
        return Ok(None);
    }
    let mut inputs = inputs(pair.before);
    inputs.push(weight(slope.clone().reshaped(&[elements])?));
    Ok(Some(Joined { op, inputs }))
}

/// Zeros around the image of a convolution without padding of its own, or with numbers of it.
pub(super) fn padding(pair: &Pair<'_>) -> Result<Option<Joined>> {
    let (Op::Pad(Pad { before, after, mode: PadMode::Constant(0.0) }), Op::Conv(spec), true) =
        (&pair.before.op, &pair.step.op, pair.is_first())
    else {
        return Ok(None);
    };
    let rank = before.len().saturating_sub(2);
    let lengths = |pads: &[isize]| -> Option<Vec<usize>> {
        let (outer, space) = pads.split_at_checked(2)?;
        if outer != [0, 0] {
            return None;
        }
        space.iter().map(|&n| usize::try_from(n).ok()).collect()
    };
    let (Some(before), Some(after)) = (lengths(before), lengths(after)) else { return Ok(None) };
    let each = |list: &[usize]| if let &[one] = list { vec![one; rank] } else { list.to_vec() };
    let (own_before, own_after) = match &spec.padding {
        Padding::Valid => (vec![0; rank], vec![0; rank]),
        Padding::Explicit { before, after } => (each(before), each(after)),
        _ => return Ok(None),
    };
    let sum = |a: Vec<usize>, b: Vec<usize>| a.into_iter().zip(b).map(|(a, b)| a.saturating_add(b)).collect();
    let padding = Padding::Explicit { before: sum(own_before, before), after: sum(own_after, after) };
    let mut both = inputs(pair.step);
    both.splice(..1, inputs(pair.before));
    Ok(Some(Joined { op: Op::from(Conv { padding, ..spec.clone() }), inputs: both }))
}

/// Pooling of windows that do not overlap, behind a convolution.
pub(super) fn pooling(pair: &Pair<'_>) -> Result<Option<Joined>> {
    let (Op::Conv(conv), Op::Pool(pool), true) = (&pair.before.op, &pair.step.op, pair.is_first()) else {
        return Ok(None);
    };
    let apart = pool.window.iter().zip(pool.stride.iter().cycle()).all(|(window, stride)| stride >= window);
    if !apart || pool.indices.is_some() {
        return Ok(None);
    }
    let op = Op::from(ConvPool::new(conv.clone(), pool.clone()));
    Ok(Some(Joined { op, inputs: inputs(pair.before) }))
}

/// The activation of an operation that has one to set and has not set it.
pub(crate) fn free_activation(op: &mut Op) -> Option<&mut Activation> {
    let activation = match op {
        Op::Conv(spec) => &mut spec.activation,
        Op::ConvTranspose(spec) => &mut spec.activation,
        Op::Dense(spec) => &mut spec.activation,
        _ => return None,
    };
    (*activation == Activation::None).then_some(activation)
}
