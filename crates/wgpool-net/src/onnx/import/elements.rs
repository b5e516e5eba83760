//! Functions of elements.

use super::call::Call;
use super::integers;
use super::items::Item;
use crate::graph::Value;
use crate::onnx::ElementType;
use crate::onnx::refused::quoted;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{Activation, BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};

pub(super) fn unary<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let function = match call.node.op_type() {
        "Abs" => UnaryFunction::Absolute,
        "Ceil" => UnaryFunction::Ceil,
        "Erf" => UnaryFunction::Erf,
        "Exp" => UnaryFunction::Exp,
        "Floor" => UnaryFunction::Floor,
        "Log" => UnaryFunction::Log,
        "Neg" => UnaryFunction::Negate,
        "Reciprocal" => UnaryFunction::Reciprocal,
        "Round" => UnaryFunction::Round,
        "Sign" => UnaryFunction::Sign,
        _ => UnaryFunction::Sqrt,
    };
    let x = call.value(0)?;
    call.one(Elementwise::unary(function), &[x])
}

pub(super) fn activation<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let node = call.node;
    let activation = match node.op_type() {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu { alpha: node.float_or("alpha", 0.01)? },
        "Elu" => Activation::Elu { alpha: node.float_or("alpha", 1.0)? },
        "Sigmoid" => Activation::Sigmoid,
        "HardSigmoid" => {
            Activation::HardSigmoid { alpha: node.float_or("alpha", 0.2)?, beta: node.float_or("beta", 0.5)? }
        }
        "Tanh" => Activation::Tanh,
        "HardSwish" => Activation::HardSwish,
        "Mish" => Activation::Mish,
        "Softplus" => Activation::Softplus,
        _ => match call.word("approximate", "none", &["none", "tanh"])? {
            "tanh" => Activation::GeluTanh,
            _ => Activation::Gelu,
        },
    };
    let x = call.value(0)?;
    call.one(activation, &[x])
}

fn formula<'a>(call: &mut Call<'_, 'a>, steps: Vec<ElementStep>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let x = call.value(0)?;
    call.one(Elementwise { inputs: 1, steps }, &[x])
}

const X: Operand = Operand::Input(0);

/// `gamma * elu(x)`.
pub(super) fn selu<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let alpha = call.node.float_or("alpha", 1.673_263_2)?;
    let gamma = call.node.float_or("gamma", 1.050_701)?;
    let steps = vec![
        ElementStep::Activation(Activation::Elu { alpha }, X),
        ElementStep::Binary(BinaryFunction::Multiply, Operand::Step(0), Operand::Number(gamma)),
    ];
    formula(call, steps)
}

/// `x` where it is not negative, else `alpha * (e^(x / alpha) - 1)`.
pub(super) fn celu<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let alpha = call.node.float_or("alpha", 1.0)?;
    let steps = vec![
        ElementStep::Binary(BinaryFunction::Divide, X, Operand::Number(alpha)),
        ElementStep::Activation(Activation::Elu { alpha: 1.0 }, Operand::Step(0)),
        ElementStep::Binary(BinaryFunction::Multiply, Operand::Step(1), Operand::Number(alpha)),
        ElementStep::Binary(BinaryFunction::Less, X, Operand::Number(0.0)),
        ElementStep::Select { condition: Operand::Step(3), yes: Operand::Step(2), no: X },
    ];
    formula(call, steps)
}

/// `x / (1 + |x|)`.
pub(super) fn softsign<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let steps = vec![
        ElementStep::Unary(UnaryFunction::Absolute, X),
        ElementStep::Binary(BinaryFunction::Add, Operand::Step(0), Operand::Number(1.0)),
        ElementStep::Binary(BinaryFunction::Divide, X, Operand::Step(1)),
    ];
    formula(call, steps)
}

/// `x` where it is larger than alpha, else 0.
pub(super) fn thresholded<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let alpha = call.node.float_or("alpha", 1.0)?;
    let steps = vec![
        ElementStep::Binary(BinaryFunction::Greater, X, Operand::Number(alpha)),
        ElementStep::Select { condition: Operand::Step(0), yes: X, no: Operand::Number(0.0) },
    ];
    formula(call, steps)
}

/// At least min, then at most max; attributes before version 11, inputs from there on.
pub(super) fn clip<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 3)?;
    let mut ends = [None, None];
    for (end, (attribute, input)) in ends.iter_mut().zip([("min", 1), ("max", 2)]) {
        *end = match call.has(input) {
            true => Some(call.scalar(input)?),
            false => call.node.float(attribute)?,
        };
    }
    let x = call.value(0)?;
    let relu6 = ends == [Some(0.0), Some(6.0)];
    if relu6 || ends == [Some(0.0), None] {
        return call.one(if relu6 { Activation::Relu6 } else { Activation::Relu }, &[x]);
    }
    let functions = [BinaryFunction::Maximum, BinaryFunction::Minimum].into_iter().zip(ends);
    let mut steps = Vec::new();
    for (function, end) in functions.filter_map(|(function, end)| Some((function, end?))) {
        let last = steps.len().checked_sub(1).map_or(X, Operand::Step);
        steps.push(ElementStep::Binary(function, last, Operand::Number(end)));
    }
    if steps.is_empty() {
        return call.one_of(x);
    }
    call.one(Elementwise { inputs: 1, steps }, &[x])
}

/// The slope's axes are the last ones of the input's.
pub(super) fn prelu<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 2)?;
    let (x, slope) = (call.value(0)?, call.value(1)?);
    let (rank, shape) = (call.rank(0)?, call.shape(1)?);
    let mut aligned = vec![1; rank.saturating_sub(shape.len())];
    // Version 6 has a number for each channel too.
    match (call.opset() < 7, shape.as_slice()) {
        (true, &[channels]) if rank > 2 => {
            aligned = vec![1, channels];
            aligned.resize(rank, 1);
        }
        _ => aligned.extend(&shape),
    }
    let slope = call.graph().reshape(slope, aligned)?;
    call.one(Activation::PRelu, &[x, slope])
}

pub(super) fn binary<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let function = match call.node.op_type() {
        "Add" => BinaryFunction::Add,
        "Sub" => BinaryFunction::Subtract,
        "Mul" => BinaryFunction::Multiply,
        "Div" => BinaryFunction::Divide,
        _ => BinaryFunction::Power,
    };
    let exponent = call.element_type(1)?;
    if function == BinaryFunction::Power && exponent != call.element_type(0)? {
        // An exponent may be of another type.
        let numbers = call.known(1)?.f64s();
        let x = call.value(0)?;
        let inputs = [x, call.constant(x, &call.shape(1)?, numbers)?];
        return call.one(Elementwise::binary(function), &inputs);
    }
    let [a, b] = pair(call, Call::value)?;
    call.one(Elementwise::binary(function), &[a, b])
}

/// Both inputs. Before version 7 the second is broadcast from an axis on.
fn pair<'i, 'a>(
    call: &mut Call<'i, 'a>,
    value: fn(&mut Call<'i, 'a>, usize) -> Result<Value>,
) -> Result<[Value; 2]> {
    call.arity(2, 2)?;
    let (a, mut b) = (value(call, 0)?, value(call, 1)?);
    if call.opset() < 7 && call.node.int_or("broadcast", 0)? != 0 {
        let (rank, mut shape) = (call.rank(0)?, call.shape(1)?);
        if let Some(axis) = call.node.int("axis")? {
            let axis = call.node.axis(axis, rank)?;
            shape.resize(rank.saturating_sub(axis).max(shape.len()), 1);
            b = call.graph().reshape(b, shape)?;
        }
    }
    Ok([a, b])
}

fn as_bool(items: Vec<Item<'_>>) -> Vec<Item<'_>> {
    let retyped = |item| match item {
        Item::Run(value, _) => Item::Run(value, ElementType::Bool),
        known => known,
    };
    items.into_iter().map(retyped).collect()
}

pub(super) fn comparison<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let function = match call.node.op_type() {
        "Equal" => BinaryFunction::Equal,
        "Greater" => BinaryFunction::Greater,
        "GreaterOrEqual" => BinaryFunction::GreaterOrEqual,
        "Less" => BinaryFunction::Less,
        _ => BinaryFunction::LessOrEqual,
    };
    let types = [call.element_type(0)?, call.element_type(1)?];
    if types[0] == types[1] && integers::is_integer(types[0]) {
        let inputs = pair(call, Call::any)?;
        return integers::compare(call, inputs);
    }
    let inputs =
        if types == [ElementType::Bool; 2] { pair(call, Call::any)? } else { pair(call, Call::value)? };
    call.one(Elementwise::binary(function), &inputs).map(as_bool)
}

fn condition(call: &mut Call<'_, '_>, at: usize) -> Result<Value> {
    match call.element_type(at)? {
        ElementType::Bool => call.any(at),
        other => Err(call.node.refused(Refusal::Type, format!("input {at} is {other}, but must be bool"))),
    }
}

pub(super) fn logical<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let inputs = pair(call, condition)?;
    let formula = match call.node.op_type() {
        "And" => Elementwise::binary(BinaryFunction::And),
        "Or" => Elementwise::binary(BinaryFunction::Or),
        // Each is 0 or 1.
        _ => Elementwise::binary(BinaryFunction::Equal).then(BinaryFunction::Equal, Operand::Number(0.0)),
    };
    call.one(formula, &inputs)
}

pub(super) fn not<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let x = condition(call, 0)?;
    let is_zero = ElementStep::Binary(BinaryFunction::Equal, X, Operand::Number(0.0));
    call.one(Elementwise { inputs: 1, steps: vec![is_zero] }, &[x])
}

pub(super) fn select<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(3, 3)?;
    let ty = call.element_type(1)?;
    let inputs = [condition(call, 0)?, call.value(1)?, call.value(2)?];
    let value = call.graph().one(Elementwise::select(), &inputs)?;
    Ok(vec![Item::Run(value, ty)])
}

/// Sum, mean, minimum and maximum of any number of inputs.
pub(super) fn variadic<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let count = call.inputs.len();
    call.arity(1, count.max(1))?;
    let mean = call.node.op_type() == "Mean";
    let function = match call.node.op_type() {
        "Max" => BinaryFunction::Maximum,
        "Min" => BinaryFunction::Minimum,
        "Sum" | "Mean" => BinaryFunction::Add,
        other => {
            let reason = format!("{} is no function of many inputs", quoted(other));
            return Err(call.node.refused(Refusal::Unsupported, reason));
        }
    };
    let inputs = (0..count).map(|at| call.value(at)).collect::<Result<Vec<Value>>>()?;
    let mut inputs = inputs.into_iter();
    let Some(mut total) = inputs.next() else { return Ok(Vec::new()) };
    let rest: Vec<Value> = inputs.collect();
    // As many at a time as a formula takes.
    for part in rest.chunks(Elementwise::MOST_INPUTS - 1) {
        let steps = (1..=part.len()).map(|i| {
            let last = if i == 1 { X } else { Operand::Step(i - 2) };
            ElementStep::Binary(function, last, Operand::Input(i))
        });
        let formula = Elementwise { inputs: part.len() + 1, steps: steps.collect() };
        let all: Vec<Value> = [&[total], part].concat();
        total = call.graph().one(formula, &all)?;
    }
    if mean && count > 1 {
        let by = Elementwise {
            inputs: 1,
            steps: vec![ElementStep::Binary(BinaryFunction::Divide, X, Operand::Number(count as f32))],
        };
        total = call.graph().one(by, &[total])?;
    }
    call.one_of(total)
}
