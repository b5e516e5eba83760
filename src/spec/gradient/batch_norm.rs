//! Batch normalisation in training: what it is made of, forwards and backwards.

use crate::spec::{BinaryFunction, ElementStep, Elementwise, Operand, Reduce, ReduceKind, UnaryFunction};

/// Which variance the running one takes in, and how much of the old one stays is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RunningVariance {
    /// That of the batch as a sample, divided by one element less: PyTorch.
    Unbiased,
    /// That by which the batch is normalised: Keras and ONNX.
    Biased,
}

/// Batch normalisation in training, in operations on tensors whose statistics have axes of one element beside the channels:
///
/// 1. [`mean`](Self::mean) of the input; [`centred_squares`](Self::centred_squares) of input and mean, and again the mean: the
///    variance, which has no cancellation; [`scale`](Self::scale) of the variance, `1 / sqrt(variance + epsilon)`.
/// 2. [`normalised`](Self::normalised) of input, mean and scale; [`output`](Self::output) of it, gamma and beta.
/// 3. Backwards: [`sum`](Self::sum) of the gradient is beta's; that of its product with the normalised input is gamma's; and
///    [`gradient`](Self::gradient) of the gradient, of what is [`taken`](Self::taken) of it, and of the product of gamma and scale
///    is the input's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct BatchNormTraining {
    /// The axis of the channels.
    pub axis: usize,
    /// Axes of the input.
    pub rank: usize,
    /// Added to the variance.
    pub epsilon: f32,
}

fn formula(inputs: usize, steps: impl Into<Vec<ElementStep>>) -> Elementwise {
    Elementwise { inputs, steps: steps.into() }
}

const fn binary(function: BinaryFunction, a: Operand, b: Operand) -> ElementStep {
    ElementStep::Binary(function, a, b)
}

impl BatchNormTraining {
    fn reduce(&self, kind: ReduceKind) -> Reduce {
        let others = (0..self.rank).filter(|&axis| axis != self.axis).map(|axis| axis as isize);
        Reduce::new(kind, others.collect::<Vec<_>>()).keepdims(true)
    }

    /// Means of channels, with axes of one element.
    pub fn mean(&self) -> Reduce {
        self.reduce(ReduceKind::Mean)
    }

    /// Sums of channels, with axes of one element.
    pub fn sum(&self) -> Reduce {
        self.reduce(ReduceKind::Sum)
    }

    /// `(x - mean)^2` of input and mean.
    pub fn centred_squares(&self) -> Elementwise {
        let [x, mean, centred] = [Operand::Input(0), Operand::Input(1), Operand::Step(0)];
        let steps =
            [binary(BinaryFunction::Subtract, x, mean), binary(BinaryFunction::Multiply, centred, centred)];
        formula(2, steps)
    }

    /// `1 / sqrt(variance + epsilon)` of the variance.
    pub fn scale(&self) -> Elementwise {
        let steps = [
            binary(BinaryFunction::Add, Operand::Input(0), Operand::Number(self.epsilon)),
            ElementStep::Unary(UnaryFunction::Sqrt, Operand::Step(0)),
            binary(BinaryFunction::Divide, Operand::Number(1.0), Operand::Step(1)),
        ];
        formula(1, steps)
    }

    /// `(x - mean) * scale` of input, mean and scale.
    pub fn normalised(&self) -> Elementwise {
        let steps = [
            binary(BinaryFunction::Subtract, Operand::Input(0), Operand::Input(1)),
            binary(BinaryFunction::Multiply, Operand::Step(0), Operand::Input(2)),
        ];
        formula(3, steps)
    }

    /// `normalised * gamma + beta` of these three.
    pub fn output(&self) -> Elementwise {
        let steps = [
            binary(BinaryFunction::Multiply, Operand::Input(0), Operand::Input(1)),
            binary(BinaryFunction::Add, Operand::Step(0), Operand::Input(2)),
        ];
        formula(3, steps)
    }

    /// A running statistic, of the one before and the batch's: `momentum` is the batch's share (PyTorch's meaning of it; Keras'
    /// and ONNX' is 1 less that), `factor` what the batch's is multiplied by: see [`variance_factor`](Self::variance_factor).
    pub fn running(&self, momentum: f64, factor: f64) -> Elementwise {
        let times = |operand, by: f64| binary(BinaryFunction::Multiply, operand, Operand::Number(by as f32));
        let steps = [
            times(Operand::Input(0), 1.0 - momentum),
            times(Operand::Input(1), momentum * factor),
            binary(BinaryFunction::Add, Operand::Step(0), Operand::Step(1)),
        ];
        formula(2, steps)
    }

    /// What the batch's variance is multiplied by for the running one, where a channel has `elements`.
    pub fn variance_factor(&self, rule: RunningVariance, elements: usize) -> f64 {
        match rule {
            RunningVariance::Biased => 1.0,
            RunningVariance::Unbiased => elements as f64 / (elements as f64 - 1.0),
        }
    }

    /// What the statistics take of the gradient: `sum(g) / n + normalised * sum(g * normalised) / n` of the normalised input and the
    /// two sums, over the `elements` of a channel.
    pub fn taken(&self, elements: usize) -> Elementwise {
        let share = Operand::Number((1.0 / elements as f64) as f32);
        let [normalised, by_beta, by_gamma] = [0, 1, 2].map(Operand::Input);
        let steps = [
            binary(BinaryFunction::Multiply, by_beta, share),
            binary(BinaryFunction::Multiply, by_gamma, share),
            binary(BinaryFunction::Multiply, normalised, Operand::Step(1)),
            binary(BinaryFunction::Add, Operand::Step(0), Operand::Step(2)),
        ];
        formula(3, steps)
    }

    /// The gradient by the input: `(g - taken) * (gamma * scale)`, of the gradient `g`, what is taken of it, and the product of gamma and
    /// scale. In three formulas, since devices may bind four buffers alone.
    pub fn gradient(&self) -> Elementwise {
        let steps = [
            binary(BinaryFunction::Subtract, Operand::Input(0), Operand::Input(1)),
            binary(BinaryFunction::Multiply, Operand::Step(0), Operand::Input(2)),
        ];
        formula(3, steps)
    }
}
