//! Operators of each element by itself.

use super::super::element_type::ElementType;
use super::call::Call;
use super::host_tensor::{HostTensor, Number, push};
use super::walk::Walk;
use wgpool::error::{Refusal, Result};

use Number::{Float, Int};

/// What an operator makes of an element of each input, or why it cannot.
type Each<'f> = &'f dyn Fn(&[Number]) -> Result<Number, &'static str>;

/// The shape that all shapes are repeated to.
pub(super) fn broadcast(call: &Call<'_, '_>, shapes: &[&[usize]]) -> Result<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or_default();
    let mut common = vec![1; rank];
    for shape in shapes {
        for (to, &length) in common.iter_mut().rev().zip(shape.iter().rev()) {
            match (*to, length) {
                (1, length) => *to = length,
                (_, 1) => {}
                (to, length) if to == length => {}
                _ => return Err(call.shape_error(format!("the shapes {shapes:?} do not broadcast"))),
            }
        }
    }
    Ok(common)
}

/// Computes each element; inputs are repeated to the same shape. `made` is the type of the result.
fn computed<'a>(
    call: &Call<'_, 'a>,
    inputs: &[&HostTensor<'a>],
    made: ElementType,
    each: Each<'_>,
) -> Result<HostTensor<'a>> {
    let mut shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.shape().to_vec()).collect();
    if let (..7, [a, b], 1) = (call.opset, shapes.as_mut_slice(), call.node.int_or("broadcast", 0)?) {
        // Before opset 7 the second shape lies in the first from an axis on.
        let from_end = a.len().saturating_sub(b.len());
        let axis = call.node.int("axis")?.map_or(Ok(from_end), |axis| call.node.axis(axis, a.len()))?;
        b.resize(a.len().saturating_sub(axis).max(b.len()), 1);
    }
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let shape = broadcast(call, &shapes)?;
    let (mut bytes, elements) = (call.room(&shape, made)?, call.elements(&shape)?);
    let mut walks: Vec<Walk> = shapes.iter().map(|from| Walk::broadcast(from, elements, &shape)).collect();
    let mut numbers = Vec::with_capacity(inputs.len());
    for _ in 0..elements {
        numbers.clear();
        let places = walks.iter_mut().zip(inputs);
        numbers.extend(places.filter_map(|(walk, input)| Some(input.number(walk.next()?))));
        push(&mut bytes, made, each(&numbers).map_err(|rule| call.node.refused(Refusal::Type, rule))?);
    }
    HostTensor::new(shape, made, bytes)
}

/// An operator of two numbers of one type, or why it cannot compute them.
pub(super) type Two = fn(Number, Number) -> Result<Number, &'static str>;

fn either(
    a: Number,
    b: Number,
    ints: fn(i128, i128) -> Option<i128>,
    floats: fn(f64, f64) -> f64,
) -> Result<Number, &'static str> {
    match (a, b) {
        (Int(a), Int(b)) => ints(a, b).map(Int).ok_or("an integer is divided by zero"),
        (Float(a), Float(b)) => Ok(Float(floats(a, b))),
        _ => Err("its inputs have two types"),
    }
}

/// The rest of a division that rounds down.
fn floor_mod(a: i128, b: i128) -> Option<i128> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

fn is_nan(number: Number) -> bool {
    matches!(number, Float(float) if float.is_nan())
}

/// What an operator computes of pairs. NaN goes through `Min` and `Max`.
pub(super) fn of_pairs(op: &str) -> Two {
    match op {
        "Add" | "Sum" => |a, b| either(a, b, |a, b| Some(a.wrapping_add(b)), |a, b| a + b),
        "Sub" => |a, b| either(a, b, |a, b| Some(a.wrapping_sub(b)), |a, b| a - b),
        "Mul" | "Prod" => |a, b| either(a, b, |a, b| Some(a.wrapping_mul(b)), |a, b| a * b),
        "Div" => |a, b| either(a, b, i128::checked_div, |a, b| a / b),
        "Mod" => |a, b| either(a, b, floor_mod, |a, b| a % b),
        "fmod" => |a, b| either(a, b, i128::checked_rem, |a, b| a % b),
        "Min" => |a, b| Ok(if is_nan(b) || b < a { b } else { a }),
        "Max" => |a, b| Ok(if is_nan(b) || b > a { b } else { a }),
        _ => |_, _| Err("it does not compute pairs"),
    }
}

/// `Add`, `Sub`, `Mul`, `Div`, `Mod`, and `Min`, `Max` and `Sum` of any number of inputs.
pub(super) fn arithmetic<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let inputs = call.all()?;
    if inputs.len() != 2 && !matches!(call.node.op_type(), "Min" | "Max" | "Sum") {
        return Err(call.node.refused(Refusal::Structure, format!("it has {} inputs, not 2", inputs.len())));
    }
    let ty = numbers(call, &inputs)?;
    let is_float = matches!(inputs.first().map(|input| input.number(0)), Some(Float(_)));
    let two = match (call.node.op_type(), call.node.int_or("fmod", 0)?) {
        ("Mod", 0) if is_float => return Err(call.type_error("Mod of floats needs fmod = 1")),
        ("Mod", 1) => of_pairs("fmod"),
        (op, _) => of_pairs(op),
    };
    computed(call, &inputs, ty, &|numbers| {
        let mut numbers = numbers.iter().copied();
        let first = numbers.next().ok_or("it has no inputs")?;
        numbers.try_fold(first, two)
    })
}

/// The one type of inputs that are numbers.
pub(super) fn numbers(call: &Call<'_, '_>, inputs: &[&HostTensor<'_>]) -> Result<ElementType> {
    match call.same_type(inputs)? {
        ElementType::Bool => Err(call.type_error("it computes numbers, not bools")),
        ty => Ok(ty),
    }
}

/// Comparisons: `holds` says for which order of two numbers.
pub(super) fn comparison<'a>(
    call: &Call<'_, 'a>,
    holds: fn(std::cmp::Ordering) -> bool,
) -> Result<HostTensor<'a>> {
    let inputs = [call.input(0)?, call.input(1)?];
    call.same_type(&inputs)?;
    computed(call, &inputs, ElementType::Bool, &|numbers| match numbers {
        // NaN has no order.
        [a, b] => Ok(Int(a.partial_cmp(b).is_some_and(holds).into())),
        _ => Err("it compares two inputs"),
    })
}

/// `And`, `Or` and `Xor`; `Not` differs from true.
pub(super) fn logic<'a>(call: &Call<'_, 'a>, of: fn(bool, bool) -> bool) -> Result<HostTensor<'a>> {
    let one = HostTensor::new([], ElementType::Bool, vec![1])?;
    let inputs = [call.input(0)?, if call.node.op_type() == "Not" { &one } else { call.input(1)? }];
    match call.same_type(&inputs)? {
        ElementType::Bool => {}
        other => return Err(call.type_error(format!("its inputs are {other}, but must be bool"))),
    }
    computed(call, &inputs, ElementType::Bool, &|numbers| match numbers {
        [Int(a), Int(b)] => Ok(Int(of(*a != 0, *b != 0).into())),
        _ => Err("it has two inputs"),
    })
}

/// `Neg` and `Abs` of all numbers, `Floor`, `Ceil` and `Sqrt` of floats.
pub(super) fn unary<'a>(
    call: &Call<'_, 'a>,
    ints: Option<fn(i128) -> i128>,
    floats: fn(f64) -> f64,
) -> Result<HostTensor<'a>> {
    let input = call.input(0)?;
    let ty = numbers(call, &[input])?;
    computed(call, &[input], ty, &|numbers| match (numbers, ints) {
        ([Float(float)], _) => Ok(Float(floats(*float))),
        ([Int(int)], Some(ints)) => Ok(Int(ints(*int))),
        _ => Err("it computes floats alone"),
    })
}

/// `Cast` to a type, and `CastLike`.
pub(super) fn cast<'a>(call: &Call<'_, 'a>, to: ElementType) -> Result<HostTensor<'a>> {
    if to.size().is_none() {
        return Err(call.node.refused(Refusal::Unsupported, format!("casts to {to} are not computed")));
    }
    let input = call.input(0)?;
    if input.elements() == to {
        return Ok(input.clone());
    }
    computed(call, &[input], to, &|numbers| numbers.first().copied().ok_or("it has no input"))
}

/// `Where`.
pub(super) fn choice<'a>(call: &Call<'_, 'a>) -> Result<HostTensor<'a>> {
    let inputs = [call.input(0)?, call.input(1)?, call.input(2)?];
    let ty = call.same_type(&inputs[1..])?;
    if inputs[0].elements() != ElementType::Bool {
        return Err(call.type_error(format!("its condition is {}, but must be bool", inputs[0].elements())));
    }
    computed(call, &inputs, ty, &|numbers| match *numbers {
        [Int(condition), yes, no] => Ok(if condition != 0 { yes } else { no }),
        _ => Err("it has three inputs"),
    })
}
