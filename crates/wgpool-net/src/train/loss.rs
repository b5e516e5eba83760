//! Losses of a network's output, and their gradients.

use super::settings::Loss;
use crate::graph::{Graph, Value};
use crate::program::Source;
use wgpool::error::Result;
use wgpool::spec::gradient::{BinaryCrossEntropy, CrossEntropy, CrossEntropyGradient};
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Op, Operand, Reduce, ReduceKind, Softmax};
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// The loss of a batch.
pub(super) struct Losses {
    /// The mean, `[1]`.
    pub loss: Value,
    /// What is compared with the targets: probabilities, logits or values.
    pub result: Value,
    /// The input that the targets are.
    pub targets: Value,
    /// The value that the loss is computed of, and its gradient.
    pub seeded: Value,
    pub gradient: Value,
}

/// The mean of all elements.
fn mean(graph: &mut Graph, value: Value) -> Result<Value> {
    let rank = graph.desc(value)?.shape.len() as isize;
    let mean = graph.one(Reduce::new(ReduceKind::Mean, (0..rank).collect::<Vec<_>>()), &[value])?;
    graph.reshape(mean, [1])
}

/// What softmax was computed of, if the value is one along the last axis.
fn logits(graph: &mut Graph, value: Value) -> Result<Value> {
    let desc = graph.desc(value)?.clone();
    let last = desc.shape.len() as isize - 1;
    if let Source::Step { step, output: 0 } = graph.source(value)?.clone()
        && let Some(step) = graph.steps().get(step)
        && let Some(Op::Softmax(Softmax { axis })) = step.op()
        && (*axis == -1 || *axis == last)
        && let Some(source) = step.inputs.first().cloned()
    {
        return Ok(graph.value_of(source, desc));
    }
    Ok(value)
}

/// Adds a loss of the network's output to its graph.
pub(super) fn losses(graph: &mut Graph, loss: Loss, output: Value) -> Result<Losses> {
    graph.at("loss");
    let desc = graph.desc(output)?.clone();
    let share = 1.0 / desc.elements().max(1) as f64;
    let one = Tensor::from_f32(&[1], vec![1.0])?;
    let entropy = |graph: &mut Graph, of: BinaryCrossEntropy| -> Result<Losses> {
        let targets = graph.input("targets", desc.clone());
        let elements = graph.one(of.elements(), &[output, targets])?;
        let (loss, one) = (mean(graph, elements)?, graph.constant(one.clone()));
        let gradient = graph.at("gradient of loss").one(of.gradient(share), &[output, targets, one])?;
        Ok(Losses { loss, result: output, targets, seeded: output, gradient })
    };
    match loss {
        // Keras' numbers, as f32.
        Loss::BinaryCrossEntropy => {
            entropy(graph, BinaryCrossEntropy::Clipped { low: 1e-7, high: 1.0 - 1e-7 })
        }
        Loss::BinaryCrossEntropyLogits => entropy(graph, BinaryCrossEntropy::Logits),
        Loss::SoftmaxCrossEntropy | Loss::SoftmaxCrossEntropyProbabilities => {
            let probabilities = loss == Loss::SoftmaxCrossEntropyProbabilities;
            let logits = logits(graph, output)?;
            let desc = graph.desc(logits)?.clone();
            let positions = desc.shape.get(..desc.shape.len().saturating_sub(1)).unwrap_or_default();
            let of_targets = match probabilities {
                true => desc.clone(),
                false => TensorDesc { shape: positions.to_vec(), dtype: DType::I32 },
            };
            let targets = graph.input("targets", of_targets);
            let of = CrossEntropy::new(-1).probabilities(probabilities);
            let loss = graph.one(of, &[logits, targets])?;
            let one = graph.constant(one);
            let gradient =
                graph.at("gradient of loss").one(CrossEntropyGradient { of }, &[one, logits, targets])?;
            Ok(Losses { loss, result: logits, targets, seeded: logits, gradient })
        }
        Loss::MeanSquaredError => {
            let targets = graph.input("targets", desc);
            let [a, b, difference] = [Operand::Input(0), Operand::Input(1), Operand::Step(0)];
            let less = ElementStep::Binary(BinaryFunction::Subtract, a, b);
            let times = |by| ElementStep::Binary(BinaryFunction::Multiply, difference, by);
            let formula = |by| Elementwise { inputs: 2, steps: vec![less, times(by)] };
            let squares = graph.one(formula(difference), &[output, targets])?;
            let loss = mean(graph, squares)?;
            let slope = formula(Operand::Number((2.0 * share) as f32));
            let gradient = graph.at("gradient of loss").one(slope, &[output, targets])?;
            Ok(Losses { loss, result: output, targets, seeded: output, gradient })
        }
    }
}
