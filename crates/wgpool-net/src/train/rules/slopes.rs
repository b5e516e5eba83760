//! The derivative of each function of a formula.

use wgpool::spec::{Activation, BinaryFunction, ElementStep, Operand, UnaryFunction};

pub(super) const ZERO: Operand = Operand::Number(0.0);
pub(super) const ONE: Operand = Operand::Number(1.0);

/// Steps of a formula under construction. Products with 0 and 1, and sums with 0, are not written.
pub(super) struct Steps(pub Vec<ElementStep>);

fn is(operand: Operand, number: f32) -> bool {
    matches!(operand, Operand::Number(n) if n == number)
}

impl Steps {
    pub fn push(&mut self, step: ElementStep) -> Operand {
        self.0.push(step);
        Operand::Step(self.0.len() - 1)
    }

    fn unary(&mut self, function: UnaryFunction, a: Operand) -> Operand {
        self.push(ElementStep::Unary(function, a))
    }

    pub fn binary(&mut self, function: BinaryFunction, a: Operand, b: Operand) -> Operand {
        self.push(ElementStep::Binary(function, a, b))
    }

    fn product(&mut self, a: Operand, b: Operand) -> Operand {
        if is(a, 1.0) {
            b
        } else if is(b, 1.0) {
            a
        } else {
            self.binary(BinaryFunction::Multiply, a, b)
        }
    }

    fn quotient(&mut self, a: Operand, b: Operand) -> Operand {
        if is(b, 1.0) { a } else { self.binary(BinaryFunction::Divide, a, b) }
    }

    fn less(&mut self, a: Operand, b: Operand) -> Operand {
        if is(b, 0.0) { a } else { self.binary(BinaryFunction::Subtract, a, b) }
    }

    fn negated(&mut self, a: Operand) -> Operand {
        self.unary(UnaryFunction::Negate, a)
    }

    pub fn select(&mut self, condition: Operand, yes: Operand, no: Operand) -> Operand {
        self.push(ElementStep::Select { condition, yes, no })
    }

    /// The gradient by the operand of a function, of that of its value `y`; none where it is 0 everywhere.
    pub fn by_unary(
        &mut self,
        function: UnaryFunction,
        x: Operand,
        y: Operand,
        g: Operand,
    ) -> Option<Operand> {
        Some(match function {
            UnaryFunction::Negate => self.negated(g),
            UnaryFunction::Absolute => {
                let sign = self.unary(UnaryFunction::Sign, x);
                self.product(g, sign)
            }
            UnaryFunction::Exp => self.product(g, y),
            UnaryFunction::Log => self.quotient(g, x),
            UnaryFunction::Sqrt => {
                let half = self.product(g, Operand::Number(0.5));
                self.quotient(half, y)
            }
            UnaryFunction::Reciprocal => {
                let square = self.product(y, y);
                let product = self.product(g, square);
                self.negated(product)
            }
            UnaryFunction::Erf => {
                let square = self.product(x, x);
                let square = self.negated(square);
                let bell = self.unary(UnaryFunction::Exp, square);
                let slope = self.product(bell, Operand::Number(std::f32::consts::FRAC_2_SQRT_PI));
                self.product(g, slope)
            }
            // Steps are flat wherever they have a slope.
            _ => return None,
        })
    }

    /// The gradient by the first operand of a function, or by the second.
    pub fn by_binary(
        &mut self,
        function: BinaryFunction,
        [a, b]: [Operand; 2],
        y: Operand,
        g: Operand,
        first: bool,
    ) -> Option<Operand> {
        Some(match (function, first) {
            (BinaryFunction::Add, _) | (BinaryFunction::Subtract, true) => g,
            (BinaryFunction::Subtract, false) => self.negated(g),
            (BinaryFunction::Multiply, true) => self.product(g, b),
            (BinaryFunction::Multiply, false) => self.product(g, a),
            (BinaryFunction::Divide, true) => self.quotient(g, b),
            (BinaryFunction::Divide, false) => {
                let share = self.quotient(y, b);
                let product = self.product(g, share);
                self.negated(product)
            }
            (BinaryFunction::Maximum, _) => self.by_extreme(BinaryFunction::Greater, [a, b], g, first),
            (BinaryFunction::Minimum, _) => self.by_extreme(BinaryFunction::Less, [a, b], g, first),
            (BinaryFunction::Power, true) => {
                let less = self.less(b, ONE);
                let power = self.binary(BinaryFunction::Power, a, less);
                let slope = self.product(b, power);
                let product = self.product(g, slope);
                // The power 0 is 1 wherever it is.
                let flat = self.binary(BinaryFunction::Equal, b, ZERO);
                self.select(flat, ZERO, product)
            }
            (BinaryFunction::Power, false) => {
                let log = self.unary(UnaryFunction::Log, a);
                let slope = self.product(y, log);
                let product = self.product(g, slope);
                let zero = self.binary(BinaryFunction::Equal, a, ZERO);
                self.select(zero, ZERO, product)
            }
            _ => return None,
        })
    }

    /// The larger or smaller operand has it, of two equal ones each half. A number has none: one equal to it has all, as where PyTorch
    /// clamps.
    fn by_extreme(&mut self, wins: BinaryFunction, [a, b]: [Operand; 2], g: Operand, first: bool) -> Operand {
        let (own, other) = if first { (a, b) } else { (b, a) };
        let equal = self.binary(BinaryFunction::Equal, own, other);
        let shared = match other {
            Operand::Number(_) => g,
            _ => self.product(g, Operand::Number(0.5)),
        };
        let wins = self.binary(wins, own, other);
        let else_ = self.select(equal, shared, ZERO);
        self.select(wins, g, else_)
    }

    pub fn by_activation(&mut self, of: Activation, x: Operand, y: Operand, g: Operand) -> Option<Operand> {
        let positive = |steps: &mut Self| steps.binary(BinaryFunction::Greater, x, ZERO);
        Some(match of {
            Activation::None => g,
            Activation::Relu => {
                let positive = positive(self);
                self.select(positive, g, ZERO)
            }
            Activation::LeakyRelu { alpha } => {
                let (positive, below) = (positive(self), self.product(g, Operand::Number(alpha)));
                self.select(positive, g, below)
            }
            Activation::Sigmoid => {
                let rest = self.less(ONE, y);
                let slope = self.product(rest, y);
                self.product(g, slope)
            }
            Activation::Tanh => {
                let square = self.product(y, y);
                let slope = self.less(ONE, square);
                self.product(g, slope)
            }
            Activation::Softplus => {
                let slope = self.push(ElementStep::Activation(Activation::Sigmoid, x));
                self.product(g, slope)
            }
            _ => return None,
        })
    }
}

/// Whether this file has the derivative of an activation.
pub(super) fn has(activation: Activation) -> bool {
    let zero = ZERO;
    Steps(Vec::new()).by_activation(activation, zero, zero, zero).is_some()
}
