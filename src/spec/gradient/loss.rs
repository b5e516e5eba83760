//! Losses, forwards and backwards.

use super::setters;
use crate::spec::{Activation, BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};

/// Cross-entropy of the softmax of logits along an axis, summed over all other axes, or its mean over them.
///
/// Inputs: logits, f32, and labels, i32, of their shape without the axis; or, with `probabilities`, what each class should have,
/// f32, of the logits' shape. Output: the loss, `[1]`.
///
/// ```
/// use wgpool::spec::gradient::{CrossEntropy, CrossEntropyGradient};
/// use wgpool::{host, Data, Op, Tensor};
/// let logits = Tensor::from_f32(&[2, 2], vec![0., 0., 1., 1.])?;
/// let labels = Tensor::new(&[2], Data::I32(vec![0, 1]))?;
/// let loss = CrossEntropy::new(1);
/// let value = host::run(&Op::from(loss), &[&logits, &labels])?.remove(0);
/// assert!((value.as_f32()?[0] - 2f32.ln()).abs() < 1e-6);
/// let one = Tensor::from_f32(&[1], vec![1.])?;
/// let backward = Op::from(CrossEntropyGradient { of: loss });
/// assert_eq!(host::run(&backward, &[&one, &logits, &labels])?[0].as_f32()?, [-0.25, 0.25, 0.25, -0.25]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CrossEntropy {
    /// The axis of the classes; negative ones count from the last.
    pub axis: isize,
    /// Whether the target has a probability for each class, instead of a label.
    pub probabilities: bool,
    /// Whether it is the sum, instead of the mean over all positions.
    pub sum: bool,
}

impl CrossEntropy {
    /// The mean, of labels.
    pub fn new(axis: isize) -> Self {
        CrossEntropy { axis, probabilities: false, sum: false }
    }

    setters! {
        /// Sets whether the target has a probability for each class.
        probabilities: bool,
        /// Sets whether it is the sum.
        sum: bool,
    }
}

/// The gradient of [`CrossEntropy`] by its logits: softmax less target, times the loss's gradient.
///
/// Inputs: the gradient of the loss, `[1]`, and the inputs of the forward pass. Output: of the logits' shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CrossEntropyGradient {
    /// The forward pass.
    pub of: CrossEntropy,
}

/// Binary cross-entropy of each element with a target from 0 to 1; the loss is the sum or mean of what
/// [`elements`](Self::elements) gives.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BinaryCrossEntropy {
    /// Of logits, whose sigmoid is the probability.
    Logits,
    /// Of probabilities, by PyTorch's rule: logarithms are at least -100, and gradients are divided by `max(p (1 - p), 1e-12)`.
    Probabilities,
    /// Of probabilities that are taken from `low` to `high`, by Keras' rule; outside the gradient is 0.
    Clipped {
        /// The least; Keras' is 1e-7 as f32.
        low: f32,
        /// The most; Keras' is 1 - 1e-7 as f32.
        high: f32,
    },
}

const X: Operand = Operand::Input(0);
const TARGET: Operand = Operand::Input(1);
const ONE: Operand = Operand::Number(1.0);

/// Steps of a formula, of which the last is the value.
struct Steps(Vec<ElementStep>);

impl Steps {
    fn add(&mut self, step: ElementStep) -> Operand {
        self.0.push(step);
        Operand::Step(self.0.len() - 1)
    }

    fn binary(&mut self, function: BinaryFunction, a: Operand, b: Operand) -> Operand {
        self.add(ElementStep::Binary(function, a, b))
    }

    fn clipped(&mut self, low: f32, high: f32) -> Operand {
        let least = self.binary(BinaryFunction::Maximum, X, Operand::Number(low));
        self.binary(BinaryFunction::Minimum, least, Operand::Number(high))
    }

    /// `log(p)`, at least `least`.
    fn log(&mut self, p: Operand, least: f32) -> Operand {
        let log = self.add(ElementStep::Unary(UnaryFunction::Log, p));
        self.binary(BinaryFunction::Maximum, log, Operand::Number(least))
    }

    /// `-(t log(p) + (1 - t) log(1 - p))`.
    fn entropy(&mut self, p: Operand, least: f32) {
        use BinaryFunction::{Add, Multiply, Subtract};
        let yes = self.log(p, least);
        let rest = self.binary(Subtract, ONE, p);
        let no = self.log(rest, least);
        let others = self.binary(Subtract, ONE, TARGET);
        let [yes, no] = [self.binary(Multiply, TARGET, yes), self.binary(Multiply, others, no)];
        let sum = self.binary(Add, yes, no);
        self.add(ElementStep::Unary(UnaryFunction::Negate, sum));
    }
}

impl BinaryCrossEntropy {
    /// The loss of each element, of elements and targets.
    pub fn elements(&self) -> Elementwise {
        let mut steps = Steps(Vec::new());
        match *self {
            BinaryCrossEntropy::Logits => {
                let soft = steps.add(ElementStep::Activation(Activation::Softplus, X));
                let product = steps.binary(BinaryFunction::Multiply, X, TARGET);
                steps.binary(BinaryFunction::Subtract, soft, product);
            }
            BinaryCrossEntropy::Probabilities => steps.entropy(X, -100.0),
            BinaryCrossEntropy::Clipped { low, high } => {
                let p = steps.clipped(low, high);
                steps.entropy(p, -100.0);
            }
        }
        Elementwise { inputs: 2, steps: steps.0 }
    }

    /// The gradient by the elements, of elements, targets and the loss's gradient, which is multiplied by `share`: 1 where the loss
    /// is a sum, and `1 / n` where it is the mean of `n` elements.
    pub fn gradient(&self, share: f64) -> Elementwise {
        use BinaryFunction::{And, Divide, GreaterOrEqual, LessOrEqual, Maximum, Multiply, Subtract};
        let mut steps = Steps(Vec::new());
        // The difference from the target, divided by the slope of the logits.
        let quotient = |steps: &mut Steps, p: Operand, least: f32| {
            let difference = steps.binary(Subtract, p, TARGET);
            let rest = steps.binary(Subtract, ONE, p);
            let slope = steps.binary(Multiply, p, rest);
            let slope = steps.binary(Maximum, slope, Operand::Number(least));
            steps.binary(Divide, difference, slope)
        };
        let by = match *self {
            BinaryCrossEntropy::Logits => {
                let p = steps.add(ElementStep::Activation(Activation::Sigmoid, X));
                steps.binary(Subtract, p, TARGET)
            }
            BinaryCrossEntropy::Probabilities => quotient(&mut steps, X, 1e-12),
            BinaryCrossEntropy::Clipped { low, high } => {
                let p = steps.clipped(low, high);
                let quotient = quotient(&mut steps, p, 0.0);
                let above = steps.binary(GreaterOrEqual, X, Operand::Number(low));
                let below = steps.binary(LessOrEqual, X, Operand::Number(high));
                let condition = steps.binary(And, above, below);
                steps.add(ElementStep::Select { condition, yes: quotient, no: Operand::Number(0.0) })
            }
        };
        let scaled = steps.binary(Multiply, Operand::Input(2), Operand::Number(share as f32));
        steps.binary(Multiply, by, scaled);
        Elementwise { inputs: 3, steps: steps.0 }
    }
}
