//! Axes made one value.

use super::context::{ByInput, Context};
use crate::graph::Value;
use wgpool::error::Result;
use wgpool::spec::{
    AsStrided, BinaryFunction, ElementStep, Elementwise, Operand, Reduce, ReduceKind, UnaryFunction,
};

const X: Operand = Operand::Input(0);
const Y: Operand = Operand::Input(1);
const G: Operand = Operand::Input(2);

const fn binary(function: BinaryFunction, a: Operand, b: Operand) -> ElementStep {
    ElementStep::Binary(function, a, b)
}

/// The formula of input, value and gradient, but for sums, means and extremes; none where there is no good one.
fn slope(kind: ReduceKind) -> Option<Vec<ElementStep>> {
    use BinaryFunction::{Divide, Multiply, Subtract};
    let last = Operand::Step(0);
    Some(match kind {
        ReduceKind::L1 => vec![ElementStep::Unary(UnaryFunction::Sign, X), binary(Multiply, G, last)],
        // Where the root is 0 all elements are: the slope there is taken as 0.
        ReduceKind::L2 => vec![
            binary(Divide, X, Y),
            binary(Multiply, G, last),
            ElementStep::Select { condition: Y, yes: Operand::Step(1), no: Operand::Number(0.0) },
        ],
        ReduceKind::SumSquare => {
            vec![binary(Multiply, X, Operand::Number(2.0)), binary(Multiply, G, last)]
        }
        // The value is the logarithm of the sum.
        ReduceKind::LogSum => {
            vec![ElementStep::Unary(UnaryFunction::Exp, Y), binary(Divide, G, last)]
        }
        ReduceKind::LogSumExp => vec![
            binary(Subtract, X, Y),
            ElementStep::Unary(UnaryFunction::Exp, last),
            binary(Multiply, G, Operand::Step(1)),
        ],
        _ => return None,
    })
}

/// A formula of input, value and gradient, of those that it uses.
fn of_used(context: &mut Context<'_>, steps: Vec<ElementStep>, all: [Value; 3]) -> Result<Value> {
    let mut used: Vec<usize> = Vec::new();
    let mut numbered = |operand: Operand| match operand {
        Operand::Input(input) => {
            let place = used.iter().position(|&known| known == input);
            Operand::Input(place.unwrap_or_else(|| {
                used.push(input);
                used.len() - 1
            }))
        }
        other => other,
    };
    let steps = steps.iter().map(|step| super::formula::mapped(step, &mut numbered)).collect();
    let inputs: Vec<Value> = used.iter().filter_map(|&at| all.get(at).copied()).collect();
    context.one(Elementwise { inputs: inputs.len(), steps }, &inputs)
}

pub(super) fn reduce(context: &mut Context<'_>, spec: &Reduce) -> Result<ByInput> {
    let shape = context.shape(0)?;
    let rank = shape.len() as isize;
    let axis = |&axis: &isize| usize::try_from(if axis < 0 { axis + rank } else { axis }).unwrap_or(0);
    let axes: Vec<usize> = spec.axes.iter().map(axis).collect();
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect();
    let gradient = context.graph.reshape(context.gradient, kept.clone())?;
    let elements: usize = axes.iter().filter_map(|&axis| shape.get(axis)).product();
    if kept.contains(&0) || elements == 0 {
        return Err(context.refuse("it has no elements"));
    }
    let by_x = match spec.kind {
        ReduceKind::Sum => context.one(AsStrided::expand(&kept, &shape)?, &[gradient])?,
        ReduceKind::Mean => {
            let share = Elementwise { inputs: 1, steps: vec![] }
                .then(BinaryFunction::Multiply, Operand::Number((1.0 / elements as f64) as f32));
            let shared = context.one(share, &[gradient])?;
            context.one(AsStrided::expand(&kept, &shape)?, &[shared])?
        }
        ReduceKind::Max | ReduceKind::Min => {
            // Equal ones share it.
            let (x, y) = (context.input(0)?, context.output(0)?);
            let y = context.graph.reshape(y, kept)?;
            let is_extreme = context.one(Elementwise::binary(BinaryFunction::Equal), &[x, y])?;
            let sum = Reduce::new(ReduceKind::Sum, spec.axes.clone()).keepdims(true);
            let count = context.one(sum, &[is_extreme])?;
            let each = context.one(Elementwise::divide(), &[gradient, count])?;
            context.one(Elementwise::multiply(), &[is_extreme, each])?
        }
        kind => {
            let Some(steps) = slope(kind) else {
                return Err(context.refuse("a product's would be divided by elements that may be 0"));
            };
            let (x, y) = (context.input(0)?, context.output(0)?);
            let y = context.graph.reshape(y, kept)?;
            let each = of_used(context, steps, [x, y, gradient])?;
            match context.graph.desc(each)?.shape == shape {
                true => each,
                false => {
                    let from = context.graph.desc(each)?.shape.clone();
                    context.one(AsStrided::expand(&from, &shape)?, &[each])?
                }
            }
        }
    };
    Ok(context.only(by_x))
}
