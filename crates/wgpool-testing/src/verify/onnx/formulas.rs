//! Functions of elements, and batch normalization.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::required;
use wgpool::error::Result;
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};

/// The operators that are one function, in this library's words.
const FUNCTIONS: [(&str, &str); 16] = [
    ("Add", "add"),
    ("Sub", "subtract"),
    ("Mul", "multiply"),
    ("Div", "divide"),
    ("Pow", "power"),
    ("Neg", "negate"),
    ("Abs", "absolute"),
    ("Exp", "exp"),
    ("Log", "log"),
    ("Sqrt", "sqrt"),
    ("Reciprocal", "reciprocal"),
    ("Floor", "floor"),
    ("Ceil", "ceil"),
    ("Round", "round"),
    ("Sign", "sign"),
    ("Erf", "erf"),
];

/// Those of any number of inputs, and the function that joins them.
fn of_many(op: &str) -> Option<BinaryFunction> {
    match op {
        "Sum" | "Mean" => Some(BinaryFunction::Add),
        "Min" => Some(BinaryFunction::Minimum),
        "Max" => Some(BinaryFunction::Maximum),
        _ => None,
    }
}

fn of_one(op: &str) -> Option<Elementwise> {
    FUNCTIONS.iter().find(|(onnx, _)| *onnx == op).and_then(|(_, name)| Elementwise::named(name))
}

/// Whether it is one of these operators.
pub fn known(op: &str) -> bool {
    of_one(op).is_some() || of_many(op).is_some() || matches!(op, "Clip" | "BatchNormalization")
}

/// The call of one of these operators; nothing for others.
pub fn call(op: &str, attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Option<Call>, Refusal> {
    let all: Vec<Array> = inputs.iter().flatten().cloned().collect();
    let of = |formula: Elementwise, tensors: Vec<Array>| {
        Ok(Some(Call::new(formula, tensors.into_iter().map(|tensor| (Role::Data, tensor)).collect())))
    };
    if let Some(formula) = of_one(op) {
        return of(formula, all);
    }
    if let Some(join) = of_many(op) {
        let inputs = all.len();
        let first = Elementwise { inputs: 1, steps: Vec::new() };
        let joined = (1..inputs).fold(first.clone(), |formula, i| formula.then(join, Operand::Input(i)));
        let count = Operand::Number(inputs as f32);
        return match (op, inputs) {
            // Of one, it is the same: the larger of it and itself.
            (_, 1) => of(first.then(BinaryFunction::Maximum, Operand::Input(0)), all),
            ("Mean", _) => of(joined.then(BinaryFunction::Divide, count), all),
            _ => of(joined, all),
        };
    }
    match op {
        "Clip" => {
            let bound = |i: usize, name: &'static str, usual: f32| -> Result<f32> {
                match inputs.get(i).and_then(Option::as_ref) {
                    Some(given) => {
                        given.get(0).map(|number| number as f32).ok_or_else(|| attributes.missing(name))
                    }
                    None => Ok(attributes.float(&[name])?.map_or(usual, |number| number as f32)),
                }
            };
            let (min, max) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
            of(Elementwise::clip(min, max), vec![required(inputs, 0)?.clone()])
        }
        "BatchNormalization" => {
            let rank = required(inputs, 0)?.shape.len();
            let mut tensors = Vec::with_capacity(5);
            for i in 0..5 {
                let mut tensor = required(inputs, i)?.clone();
                if let (1.., [channels]) = (i, tensor.shape.as_slice()) {
                    tensor.shape = [&[*channels], vec![1; rank.saturating_sub(2)].as_slice()].concat();
                }
                tensors.push(tensor);
            }
            of(normalized(attributes.float(&["epsilon"])?.unwrap_or(1e-5) as f32), tensors)
        }
        _ => Ok(None),
    }
}

/// `(x - mean) / sqrt(variance + epsilon) * scale + shift` of x, scale, shift, mean and variance.
fn normalized(epsilon: f32) -> Elementwise {
    use BinaryFunction::{Add, Divide, Multiply, Subtract};
    let [x, scale, shift, mean, variance] = [0, 1, 2, 3, 4].map(Operand::Input);
    let steps = vec![
        ElementStep::Binary(Add, variance, Operand::Number(epsilon)),
        ElementStep::Unary(UnaryFunction::Sqrt, Operand::Step(0)),
        ElementStep::Binary(Subtract, x, mean),
        ElementStep::Binary(Divide, Operand::Step(2), Operand::Step(1)),
        ElementStep::Binary(Multiply, Operand::Step(3), scale),
        ElementStep::Binary(Add, Operand::Step(4), shift),
    ];
    Elementwise { inputs: 5, steps }
}
