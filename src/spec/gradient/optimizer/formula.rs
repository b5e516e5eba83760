//! Formulas of parameters, gradients, states and numbers, written step by step.

use crate::spec::{BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};

/// What a formula of an optimiser is computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptimizerInput {
    /// The parameter before the step.
    Parameter,
    /// Its gradient.
    Gradient,
    /// A state: in a state's formula itself before the step, zeros at first; in the parameter's the one after it.
    State(usize),
    /// One of the numbers that change from step to step, `[1]`: [`Optimizer::numbers`](super::Optimizer::numbers) has them in order.
    Number(usize),
}

/// A formula, and what its inputs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerFormula {
    /// The inputs, in order.
    pub inputs: Vec<OptimizerInput>,
    /// The formula of them.
    pub formula: Elementwise,
}

pub(super) const PARAMETER: Operand = Operand::Input(0);
pub(super) const GRADIENT: Operand = Operand::Input(1);
const STATES: usize = 2;
/// Behind the states that an optimiser has at most.
const NUMBERS: usize = STATES + 2;

pub(super) const fn state(at: usize) -> Operand {
    Operand::Input(STATES + at)
}

pub(super) const fn number(at: usize) -> Operand {
    Operand::Input(NUMBERS + at)
}

/// A formula that is written step by step, of parameter, gradient, states and numbers.
#[derive(Default)]
pub(super) struct Formula(Vec<ElementStep>);

impl Formula {
    pub fn binary(&mut self, function: BinaryFunction, a: Operand, b: Operand) -> Operand {
        self.0.push(ElementStep::Binary(function, a, b));
        Operand::Step(self.0.len() - 1)
    }

    pub fn product(&mut self, a: Operand, b: Operand) -> Operand {
        self.binary(BinaryFunction::Multiply, a, b)
    }

    pub fn sum(&mut self, a: Operand, b: Operand) -> Operand {
        self.binary(BinaryFunction::Add, a, b)
    }

    pub fn times(&mut self, a: Operand, by: f64) -> Operand {
        if by == 1.0 { a } else { self.product(a, Operand::Number(by as f32)) }
    }

    /// `a + by * b`.
    pub fn plus(&mut self, a: Operand, by: f64, b: Operand) -> Operand {
        if by == 0.0 {
            return a;
        }
        let product = self.times(b, by);
        self.sum(a, product)
    }

    /// `a + by * b` with one of the numbers.
    pub fn plus_by(&mut self, a: Operand, by: Operand, b: Operand) -> Operand {
        let product = self.product(b, by);
        self.sum(a, product)
    }

    /// `a * x + b * y`.
    pub fn blend(&mut self, a: f64, x: Operand, b: f64, y: Operand) -> Operand {
        let kept = self.times(x, a);
        self.plus(kept, b, y)
    }

    pub fn root(&mut self, a: Operand) -> Operand {
        self.0.push(ElementStep::Unary(UnaryFunction::Sqrt, a));
        Operand::Step(self.0.len() - 1)
    }

    /// The parameter, without its share where decay is apart.
    pub fn kept(&mut self, decays: bool, share: Operand) -> Operand {
        if decays { self.product(PARAMETER, share) } else { PARAMETER }
    }

    /// `kept + by * mean / (root + epsilon)`.
    pub fn update(&mut self, kept: Operand, root: Operand, epsilon: f64, by: Operand) -> Operand {
        let under = self.sum(root, Operand::Number(epsilon as f32));
        let quotient = self.binary(BinaryFunction::Divide, state(0), under);
        self.plus_by(kept, by, quotient)
    }

    /// The formula, whose value is that of `last`, of the inputs that it uses.
    pub fn of(mut self, last: Operand) -> OptimizerFormula {
        if !matches!(last, Operand::Step(step) if step + 1 == self.0.len()) {
            self.product(last, Operand::Number(1.0));
        }
        let mut used: Vec<usize> = Vec::new();
        for operand in self.0.iter().flat_map(ElementStep::operands) {
            if let Operand::Input(i) = operand
                && !used.contains(&i)
            {
                used.push(i);
            }
        }
        let numbered = |operand: Operand| match operand {
            Operand::Input(i) => Operand::Input(used.iter().position(|&known| known == i).unwrap_or(0)),
            other => other,
        };
        let steps = self.0.iter().map(|step| mapped(step, numbered)).collect();
        let formula = Elementwise { inputs: used.len(), steps };
        let named = used.iter().map(|&i| match i {
            0 => OptimizerInput::Parameter,
            1 => OptimizerInput::Gradient,
            i if i < NUMBERS => OptimizerInput::State(i - STATES),
            i => OptimizerInput::Number(i - NUMBERS),
        });
        OptimizerFormula { inputs: named.collect(), formula }
    }
}

/// A step of other operands.
fn mapped(step: &ElementStep, operand: impl Fn(Operand) -> Operand) -> ElementStep {
    match *step {
        ElementStep::Unary(function, a) => ElementStep::Unary(function, operand(a)),
        ElementStep::Binary(function, a, b) => ElementStep::Binary(function, operand(a), operand(b)),
        other => other,
    }
}

impl OptimizerFormula {
    /// With the numbers in it.
    pub(super) fn with(self, numbers: &[f64]) -> OptimizerFormula {
        let is_number = |input: &OptimizerInput| matches!(input, OptimizerInput::Number(_));
        let operand = |operand: Operand| match operand {
            Operand::Input(i) => match self.inputs.get(i) {
                Some(OptimizerInput::Number(at)) => {
                    Operand::Number(numbers.get(*at).copied().unwrap_or(f64::NAN) as f32)
                }
                _ => {
                    let before = self.inputs.iter().take(i);
                    Operand::Input(before.filter(|input| !is_number(input)).count())
                }
            },
            other => other,
        };
        let steps: Vec<ElementStep> = self.formula.steps.iter().map(|step| mapped(step, operand)).collect();
        let inputs: Vec<OptimizerInput> =
            self.inputs.iter().copied().filter(|input| !is_number(input)).collect();
        OptimizerFormula { formula: Elementwise { inputs: inputs.len(), steps }, inputs }
    }
}
