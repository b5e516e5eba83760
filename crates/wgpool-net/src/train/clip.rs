//! Gradients that are too large.

use super::settings::Clip;
use crate::graph::{Graph, Value};
use wgpool::error::Result;
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Operand, Reduce, ReduceKind, UnaryFunction};

/// The sum of squares of a tensor, `[1]`.
fn square(graph: &mut Graph, gradient: Value) -> Result<Value> {
    let rank = graph.desc(gradient)?.shape.len() as isize;
    let sum = graph.one(Reduce::new(ReduceKind::SumSquare, (0..rank).collect::<Vec<_>>()), &[gradient])?;
    graph.reshape(sum, [1])
}

/// A gradient times `limit / max(root of the square, limit)`.
fn scaled(limit: f32) -> Elementwise {
    let steps = vec![
        ElementStep::Unary(UnaryFunction::Sqrt, Operand::Input(1)),
        ElementStep::Binary(BinaryFunction::Maximum, Operand::Step(0), Operand::Number(limit)),
        ElementStep::Binary(BinaryFunction::Divide, Operand::Number(limit), Operand::Step(1)),
        ElementStep::Binary(BinaryFunction::Multiply, Operand::Input(0), Operand::Step(2)),
    ];
    Elementwise { inputs: 2, steps }
}

/// The gradients as they are applied.
pub(super) fn clipped(graph: &mut Graph, clip: Clip, gradients: &[Value]) -> Result<Vec<Value>> {
    let mut clipped = Vec::with_capacity(gradients.len());
    let mut all: Option<Value> = None;
    if let Clip::GlobalNorm(_) = clip {
        for &gradient in gradients {
            let own = square(graph, gradient)?;
            all = Some(match all {
                Some(sum) => graph.one(Elementwise::add(), &[sum, own])?,
                None => own,
            });
        }
    }
    for &gradient in gradients {
        clipped.push(match (clip, all) {
            (Clip::Value(limit), _) => {
                let formula = Elementwise { inputs: 1, steps: vec![] }
                    .then(BinaryFunction::Maximum, Operand::Number(-limit))
                    .then(BinaryFunction::Minimum, Operand::Number(limit));
                graph.one(formula, &[gradient])?
            }
            (Clip::Norm(limit), _) => {
                let own = square(graph, gradient)?;
                graph.one(scaled(limit), &[gradient, own])?
            }
            (Clip::GlobalNorm(limit), Some(all)) => graph.one(scaled(limit), &[gradient, all])?,
            (Clip::GlobalNorm(_), None) => gradient,
        });
    }
    Ok(clipped)
}
