//! Formulas of broadcast tensors: what NumPy's functions of elements and ONNX' operators of them compute.

use super::Activation;
pub use crate::elementwise::{BinaryFunction, UnaryFunction};

/// What a step of a formula is computed of.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Operand {
    /// An input, by its number.
    Input(usize),
    /// The result of an earlier step, by its number.
    Step(usize),
    /// A number.
    Number(f32),
}

/// One function of a formula; each rounds its result to f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ElementStep {
    /// A function of one operand.
    Unary(UnaryFunction, Operand),
    /// A function of two.
    Binary(BinaryFunction, Operand, Operand),
    /// `yes` where the condition is not 0 (NaN is not), else `no`.
    Select {
        /// Decides.
        condition: Operand,
        /// Taken where it is not 0.
        yes: Operand,
        /// Taken where it is 0.
        no: Operand,
    },
    /// An activation, but for [`PRelu`](Activation::PRelu), whose slope no step has.
    Activation(Activation, Operand),
}

/// A formula of tensors that are broadcast as NumPy does it: shapes are aligned at the last axis, and what is 1 long there or
/// has no such axis is repeated. The whole formula is one kernel.
///
/// Inputs: 1 to 6 of the same type, of up to eight axes; the formula uses each of them. The output has the shape that they are
/// broadcast to. Whatever the type, steps compute in f32, and the result is rounded to the type. NaN and infinity come out
/// of each step as IEEE 754 has it; a result that is too large for f32 is infinite.
///
/// ```
/// use wgpool::{Activation, BinaryFunction, Elementwise, Op, Operand, Tensor, host};
/// // relu(x * scale + shift), a scale and a shift for each channel.
/// let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2)).then_activation(Activation::Relu);
/// let x = Tensor::from_f32(&[1, 2, 2], vec![1., -2., 3., 4.])?;
/// let scale = Tensor::from_f32(&[2, 1], vec![2., 10.])?;
/// let shift = Tensor::from_f32(&[2, 1], vec![1., -35.])?;
/// assert_eq!(host::run(&Op::from(formula), &[&x, &scale, &shift])?[0].as_f32()?, [3., 0., 0., 5.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Elementwise {
    /// Tensors that it is a formula of.
    pub inputs: usize,
    /// At most 32 steps, in order; the result of the last is the output.
    pub steps: Vec<ElementStep>,
}

impl Elementwise {
    /// The largest number of inputs.
    pub const MOST_INPUTS: usize = 6;
    /// The largest number of steps.
    pub const MOST_STEPS: usize = 32;

    /// A function of one input.
    ///
    /// ```
    /// use wgpool::{Elementwise, Op, Tensor, UnaryFunction, host};
    /// let x = Tensor::from_f32(&[3], vec![1., 4., -1.])?;
    /// let root = host::run(&Op::from(Elementwise::unary(UnaryFunction::Sqrt)), &[&x])?;
    /// assert_eq!(root[0].as_f32()?[..2], [1., 2.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn unary(function: UnaryFunction) -> Self {
        Self { inputs: 1, steps: vec![ElementStep::Unary(function, Operand::Input(0))] }
    }

    /// A function of two inputs.
    pub fn binary(function: BinaryFunction) -> Self {
        let step = ElementStep::Binary(function, Operand::Input(0), Operand::Input(1));
        Self { inputs: 2, steps: vec![step] }
    }

    /// The sum of two inputs.
    pub fn add() -> Self {
        Self::binary(BinaryFunction::Add)
    }

    /// The first input less the second.
    pub fn subtract() -> Self {
        Self::binary(BinaryFunction::Subtract)
    }

    /// The product of two inputs.
    pub fn multiply() -> Self {
        Self::binary(BinaryFunction::Multiply)
    }

    /// The first input by the second.
    pub fn divide() -> Self {
        Self::binary(BinaryFunction::Divide)
    }

    /// The smaller of two inputs.
    pub fn minimum() -> Self {
        Self::binary(BinaryFunction::Minimum)
    }

    /// The larger of two inputs.
    pub fn maximum() -> Self {
        Self::binary(BinaryFunction::Maximum)
    }

    /// The second input where the first is not 0, else the third.
    pub fn select() -> Self {
        let [condition, yes, no] = [0, 1, 2].map(Operand::Input);
        Self { inputs: 3, steps: vec![ElementStep::Select { condition, yes, no }] }
    }

    /// One input, at least `min` and at most `max`; `max` where they contradict each other.
    ///
    /// ```
    /// use wgpool::{Elementwise, Op, Tensor, host};
    /// let x = Tensor::from_f32(&[3], vec![-2., 0.5, 7.])?;
    /// assert_eq!(host::run(&Op::from(Elementwise::clip(-1.0, 1.0)), &[&x])?[0].as_f32()?, [-1., 0.5, 1.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn clip(min: f32, max: f32) -> Self {
        let at_least = ElementStep::Binary(BinaryFunction::Maximum, Operand::Input(0), Operand::Number(min));
        Self { inputs: 1, steps: vec![at_least] }.then(BinaryFunction::Minimum, Operand::Number(max))
    }

    /// The function of one or two inputs with this name, such as `sqrt` or `add`; what
    /// [`names`](Self::names) lists.
    pub fn named(name: &str) -> Option<Self> {
        let unary = || UnaryFunction::ALL.iter().find(|f| f.name() == name).map(|&f| Self::unary(f));
        let binary = || BinaryFunction::ALL.iter().find(|f| f.name() == name).map(|&f| Self::binary(f));
        unary().or_else(binary)
    }

    /// The names of all functions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let unary = UnaryFunction::ALL.iter().map(|f| f.name());
        unary.chain(BinaryFunction::ALL.iter().map(|f| f.name()))
    }

    /// Goes on with a function of the result so far and of `operand`.
    pub fn then(self, function: BinaryFunction, operand: Operand) -> Self {
        let inputs =
            if let Operand::Input(i) = operand { self.inputs.max(i.saturating_add(1)) } else { self.inputs };
        Self { inputs, ..self }.and(|last| ElementStep::Binary(function, last, operand))
    }

    /// Goes on with a function of the result so far.
    pub fn then_unary(self, function: UnaryFunction) -> Self {
        self.and(|last| ElementStep::Unary(function, last))
    }

    /// Goes on with an activation of the result so far.
    pub fn then_activation(self, activation: Activation) -> Self {
        self.and(|last| ElementStep::Activation(activation, last))
    }

    fn and(mut self, step: impl FnOnce(Operand) -> ElementStep) -> Self {
        let last = self.steps.len().checked_sub(1).map_or(Operand::Input(0), Operand::Step);
        self.steps.push(step(last));
        self
    }
}

impl ElementStep {
    /// What it is computed of.
    pub fn operands(&self) -> Vec<Operand> {
        match *self {
            ElementStep::Unary(_, a) | ElementStep::Activation(_, a) => vec![a],
            ElementStep::Binary(_, a, b) => vec![a, b],
            ElementStep::Select { condition, yes, no } => vec![condition, yes, no],
        }
    }
}
