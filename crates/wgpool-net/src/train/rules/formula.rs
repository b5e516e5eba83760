//! The derivative of a formula by one of its inputs, as a formula.

use wgpool::spec::{
    Activation, BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction,
};

const ZERO: Operand = Operand::Number(0.0);
const ONE: Operand = Operand::Number(1.0);

/// What the gradient by an input is.
#[derive(Debug, PartialEq)]
pub(super) enum Derivative {
    /// The input has none: it only decides, or is rounded.
    Zero,
    /// The gradient of the result, as it is.
    Same,
    /// A formula of these inputs; the one behind the formula's own is the gradient of the result.
    Formula(Vec<usize>, Elementwise),
    /// It is too long for a formula, or has a function whose derivative is an operation of its own.
    InParts,
}

/// Steps of a formula under construction. Products with 0 and 1, and sums with 0, are not written.
struct Steps(Vec<ElementStep>);

fn is(operand: Operand, number: f32) -> bool {
    matches!(operand, Operand::Number(n) if n == number)
}

impl Steps {
    fn push(&mut self, step: ElementStep) -> Operand {
        self.0.push(step);
        Operand::Step(self.0.len() - 1)
    }

    fn unary(&mut self, function: UnaryFunction, a: Operand) -> Operand {
        self.push(ElementStep::Unary(function, a))
    }

    fn binary(&mut self, function: BinaryFunction, a: Operand, b: Operand) -> Operand {
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

    fn select(&mut self, condition: Operand, yes: Operand, no: Operand) -> Operand {
        self.push(ElementStep::Select { condition, yes, no })
    }

    /// The gradient by the operand of a function, of that of its value `y`; none where it is 0 everywhere.
    fn by_unary(&mut self, function: UnaryFunction, x: Operand, y: Operand, g: Operand) -> Option<Operand> {
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
    fn by_binary(
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
    fn by_extreme(
        &mut self,
        wins: BinaryFunction,
        [a, b]: [Operand; 2],
        g: Operand,
        first: bool,
    ) -> Operand {
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

    fn by_activation(&mut self, of: Activation, x: Operand, y: Operand, g: Operand) -> Option<Operand> {
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

/// The operands of a step through which a gradient goes.
fn passing(step: &ElementStep) -> Vec<Operand> {
    match *step {
        ElementStep::Select { yes, no, .. } => vec![yes, no],
        _ => step.operands(),
    }
}

/// The gradient of a formula by its input `by`.
pub(super) fn derivative(formula: &Elementwise, by: usize) -> Derivative {
    let of_input = |operand: &Operand| matches!(operand, Operand::Input(i) if *i == by);
    // Which steps the input goes into.
    let mut depends: Vec<bool> = Vec::with_capacity(formula.steps.len());
    for step in &formula.steps {
        let reads = |operand: &Operand| match operand {
            Operand::Step(at) => depends.get(*at) == Some(&true),
            operand => of_input(operand),
        };
        let depends_too = passing(step).iter().any(reads);
        depends.push(depends_too);
    }
    let leads = |operand: Operand| match operand {
        Operand::Step(at) => depends.get(at) == Some(&true),
        operand => of_input(&operand),
    };
    if depends.last() != Some(&true) {
        return Derivative::Zero;
    }
    let mut steps = Steps(formula.steps.clone());
    let mut adjoints: Vec<Option<Operand>> = vec![None; formula.steps.len()];
    if let Some(last) = adjoints.last_mut() {
        *last = Some(Operand::Input(formula.inputs));
    }
    let mut found: Option<Operand> = None;
    for at in (0..formula.steps.len()).rev() {
        let (Some(step), Some(&Some(g))) = (formula.steps.get(at), adjoints.get(at)) else { continue };
        let y = Operand::Step(at);
        let mut contributions: Vec<(Operand, Option<Operand>)> = Vec::new();
        match *step {
            ElementStep::Unary(function, a) if leads(a) => {
                contributions.push((a, steps.by_unary(function, a, y, g)));
            }
            ElementStep::Binary(function, a, b) => {
                for (operand, first) in [(a, true), (b, false)] {
                    if leads(operand) {
                        contributions.push((operand, steps.by_binary(function, [a, b], y, g, first)));
                    }
                }
            }
            ElementStep::Select { condition, yes, no } => {
                if leads(yes) {
                    contributions.push((yes, Some(steps.select(condition, g, ZERO))));
                }
                if leads(no) {
                    contributions.push((no, Some(steps.select(condition, ZERO, g))));
                }
            }
            ElementStep::Activation(of, a) if leads(a) => {
                let Some(by) = steps.by_activation(of, a, y, g) else { return Derivative::InParts };
                contributions.push((a, Some(by)));
            }
            _ => {}
        }
        for (operand, contribution) in contributions {
            let Some(contribution) = contribution else { continue };
            let place = match operand {
                Operand::Step(at) => adjoints.get_mut(at),
                _ => Some(&mut found),
            };
            if let Some(place) = place {
                *place = Some(match *place {
                    Some(before) => steps.binary(BinaryFunction::Add, before, contribution),
                    None => contribution,
                });
            }
        }
    }
    let Some(found) = found else { return Derivative::Zero };
    match found {
        Operand::Input(input) if input == formula.inputs => Derivative::Same,
        // It is a number, times the gradient of nothing: as a formula it needs a step.
        found => whole(steps, found, formula.inputs),
    }
}

/// The steps that a value is computed of, as a formula.
fn whole(mut steps: Steps, value: Operand, gradient: usize) -> Derivative {
    let last = match value {
        Operand::Step(at) => at,
        other => {
            steps.0.push(ElementStep::Binary(BinaryFunction::Multiply, other, ONE));
            steps.0.len() - 1
        }
    };
    let mut is_used = vec![false; steps.0.len()];
    if let Some(last) = is_used.get_mut(last) {
        *last = true;
    }
    for (at, step) in steps.0.iter().enumerate().rev() {
        if is_used.get(at) == Some(&true) {
            for operand in step.operands() {
                if let Operand::Step(read) = operand
                    && let Some(read) = is_used.get_mut(read)
                {
                    *read = true;
                }
            }
        }
    }
    let mut inputs: Vec<usize> = Vec::new();
    let mut kept: Vec<ElementStep> = Vec::new();
    let mut places: Vec<usize> = Vec::with_capacity(steps.0.len());
    for (at, step) in steps.0.iter().enumerate() {
        places.push(kept.len());
        if is_used.get(at) != Some(&true) {
            continue;
        }
        let mut moved = |operand: Operand| match operand {
            Operand::Input(input) => {
                let place = inputs.iter().position(|&known| known == input);
                Operand::Input(place.unwrap_or_else(|| {
                    inputs.push(input);
                    inputs.len() - 1
                }))
            }
            Operand::Step(read) => Operand::Step(places.get(read).copied().unwrap_or(0)),
            number => number,
        };
        kept.push(mapped(step, &mut moved));
    }
    // The gradient's shape is that of the result, which is that of the derivative too.
    let fits = inputs.contains(&gradient)
        && inputs.len() <= Elementwise::MOST_INPUTS
        && kept.len() <= Elementwise::MOST_STEPS;
    match fits {
        true => Derivative::Formula(inputs.clone(), Elementwise { inputs: inputs.len(), steps: kept }),
        false => Derivative::InParts,
    }
}

/// A step of other operands.
pub(super) fn mapped(step: &ElementStep, operand: &mut impl FnMut(Operand) -> Operand) -> ElementStep {
    match *step {
        ElementStep::Unary(function, a) => ElementStep::Unary(function, operand(a)),
        ElementStep::Binary(function, a, b) => {
            let (a, b) = (operand(a), operand(b));
            ElementStep::Binary(function, a, b)
        }
        ElementStep::Select { condition, yes, no } => {
            let (condition, yes, no) = (operand(condition), operand(yes), operand(no));
            ElementStep::Select { condition, yes, no }
        }
        ElementStep::Activation(of, a) => ElementStep::Activation(of, operand(a)),
        other => other,
    }
}
