//! What joins a convolution or a dense layer.

use super::{Pair, Trial, channel_axis, inputs, weight, weight_at};
use wgpool::error::Result;
use wgpool::spec::{
    Activation, BinaryFunction, Conv, ConvPool, ElementStep, Op, Operand, Pad, PadMode, Padding,
};

/// Why a step stays apart that reads more than what the other makes, or in another shape.
pub(super) const NOT_FIRST: &str = "it reads what the first makes in another shape, or more than once";

/// What a rule says that sets an activation, where [`free_activation`] finds none.
pub(super) fn taken(op: &Op) -> Trial {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Dense(_) => {
            Trial::Apart("the operation before it has an activation")
        }
        _ => Trial::Foreign,
    }
}

/// An activation behind an operation that has none yet.
pub(super) fn activation(pair: &Pair<'_>) -> Result<Trial> {
    let Some(activation) = activation_of(pair.step.op) else { return Ok(Trial::Foreign) };
    let mut op = pair.before.op.clone();
    let Some(free) = free_activation(&mut op) else { return Ok(taken(pair.before.op)) };
    if !pair.is_first() {
        return Ok(Trial::Apart(NOT_FIRST));
    }
    *free = activation;
    Ok(Trial::joined(op, inputs(pair.before)))
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
pub(super) fn slope(pair: &Pair<'_>) -> Result<Trial> {
    let mut op = pair.before.op.clone();
    if *pair.step.op != Op::Activation(Activation::PRelu) {
        return Ok(Trial::Foreign);
    }
    let Some(free) = free_activation(&mut op) else { return Ok(taken(pair.before.op)) };
    let Some(slope) = weight_at(pair.step, 1) else { return Ok(Trial::Apart("its slope is computed")) };
    if !pair.is_first() {
        return Ok(Trial::Apart(NOT_FIRST));
    }
    *free = Activation::PRelu;
    let rank = pair.step.problem.inputs.first().map_or(0, |x| x.shape.len());
    // The slope's axes are the last ones.
    let channels = (channel_axis(&op, rank) + slope.shape().len()).checked_sub(rank);
    let elements = slope.data().len();
    if elements != 1 && channels.and_then(|axis| slope.shape().get(axis)) != Some(&elements) {
        return Ok(Trial::Apart("its slope is not one number, or one for each channel"));
    }
    let mut inputs = inputs(pair.before);
    // A residual stays the last.
    let at = inputs.len().saturating_sub(usize::from(has_residual(&op)));
    inputs.insert(at, weight(slope.clone().reshaped(&[elements])?));
    Ok(Trial::joined(op, inputs))
}

/// Whether the operation's last input is added before its activation.
pub(super) fn has_residual(op: &Op) -> bool {
    matches!(op, Op::Conv(spec) if spec.residual)
}

/// The sum of a convolution's result, which has no activation yet, and another tensor of its shape.
pub(super) fn residual(pair: &Pair<'_>) -> Result<Trial> {
    let (Op::Conv(conv), Op::Elementwise(formula)) = (pair.before.op, pair.step.op) else {
        return Ok(Trial::Foreign);
    };
    let sum = match formula.steps.as_slice() {
        [ElementStep::Binary(BinaryFunction::Add, Operand::Input(a), Operand::Input(b))] => Some((*a, *b)),
        _ => None,
    };
    let Some((a, b)) = sum.filter(|(a, b)| a != b) else { return Ok(Trial::Foreign) };
    if conv.residual {
        return Ok(Trial::Apart("the convolution before it adds another tensor already"));
    }
    if conv.activation != Activation::None {
        return Ok(Trial::Apart("the operation before it has an activation"));
    }
    let made = pair.before.problem.outputs.first();
    let mut step = inputs(pair.step);
    let other = if pair.input == a { b } else { a };
    if other >= step.len() || step.first().map(|(source, _)| source) == step.get(1).map(|(source, _)| source)
    {
        return Ok(Trial::Apart("it reads what the first makes twice"));
    }
    if step.iter().any(|(_, desc)| Some(desc) != made) {
        return Ok(Trial::Apart("its inputs are not both of the convolution's shape"));
    }
    let mut all = inputs(pair.before);
    all.push(step.swap_remove(other));
    Ok(Trial::joined(Op::from(conv.clone().residual(true)), all))
}

/// Zeros around the image of a convolution without padding of its own, or with numbers of it.
pub(super) fn padding(pair: &Pair<'_>) -> Result<Trial> {
    let (Op::Pad(Pad { before, after, mode }), Op::Conv(spec)) = (pair.before.op, pair.step.op) else {
        return Ok(Trial::Foreign);
    };
    if *mode != PadMode::Constant(0.0) {
        return Ok(Trial::Apart("it pads by something else than zeros"));
    }
    if !pair.is_first() {
        return Ok(Trial::Apart(NOT_FIRST));
    }
    let rank = before.len().saturating_sub(2);
    let channels = channel_axis(pair.step.op, before.len());
    let lengths = |pads: &[isize]| -> Option<Vec<usize>> {
        if pads.first() != Some(&0) || pads.get(channels) != Some(&0) {
            return None;
        }
        let space = pads.iter().enumerate().filter(|(axis, _)| *axis != 0 && *axis != channels);
        space.map(|(_, &n)| usize::try_from(n).ok()).collect()
    };
    let (Some(before), Some(after)) = (lengths(before), lengths(after)) else {
        return Ok(Trial::Apart("it pads batch or channels, or takes elements away"));
    };
    let each = |list: &[usize]| if let &[one] = list { vec![one; rank] } else { list.to_vec() };
    let (own_before, own_after) = match &spec.padding {
        Padding::Valid => (vec![0; rank], vec![0; rank]),
        Padding::Explicit { before, after } => (each(before), each(after)),
        _ => return Ok(Trial::Apart("the convolution's padding follows from the size of its input")),
    };
    let sum = |a: Vec<usize>, b: Vec<usize>| a.into_iter().zip(b).map(|(a, b)| a.saturating_add(b)).collect();
    let padding = Padding::Explicit { before: sum(own_before, before), after: sum(own_after, after) };
    let mut both = inputs(pair.step);
    both.splice(..1, inputs(pair.before));
    Ok(Trial::joined(Op::from(Conv { padding, ..spec.clone() }), both))
}

/// Pooling of windows that do not overlap, behind a convolution.
pub(super) fn pooling(pair: &Pair<'_>) -> Result<Trial> {
    let (Op::Conv(conv), Op::Pool(pool)) = (pair.before.op, pair.step.op) else {
        return Ok(Trial::Foreign);
    };
    if !pair.is_first() {
        return Ok(Trial::Apart(NOT_FIRST));
    }
    let apart = pool.window.iter().zip(pool.stride.iter().cycle()).all(|(window, stride)| stride >= window);
    if !apart || pool.indices.is_some() {
        return Ok(Trial::Apart("its windows overlap, or it gives indices"));
    }
    let op = Op::from(ConvPool::new(conv.clone(), pool.clone()));
    Ok(Trial::joined(op, inputs(pair.before)))
}

/// The activation of an operation that has one to set and has not set it.
pub(super) fn free_activation(op: &mut Op) -> Option<&mut Activation> {
    let activation = match op {
        Op::Conv(spec) => &mut spec.activation,
        Op::ConvTranspose(spec) => &mut spec.activation,
        Op::Dense(spec) => &mut spec.activation,
        _ => return None,
    };
    (*activation == Activation::None).then_some(activation)
}
