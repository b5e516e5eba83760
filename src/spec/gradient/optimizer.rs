//! Steps of optimisers, as formulas of parameters, gradients and states.

use crate::spec::{BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};

/// An optimiser by PyTorch's or Keras' definition; where these differ, its name says whose it is.
///
/// Numbers are computed in 64 bits and rounded to the formulas' 32 once: `1 - beta2` of a rounded `beta2` would be off by
/// some `1e-5`.
///
/// ```
/// use wgpool::spec::gradient::Optimizer;
/// use wgpool::{host, Op, Tensor};
/// let sgd = Optimizer::SgdKeras { momentum: 0.5, nesterov: false, weight_decay: 0.0 };
/// let of = |x| Tensor::from_f32(&[1], vec![x]);
/// let (parameter, gradient, zero) = (of(3.)?, of(2.)?, of(0.)?);
/// let step = sgd.step(1, 0.25);
/// // Of the gradient and the state before.
/// let velocity = host::run(&Op::from(step.states[0].formula.clone()), &[&zero, &gradient])?.remove(0);
/// assert_eq!(velocity.as_f32()?, [-0.5]);
/// let after = host::run(&Op::from(step.parameter.formula), &[&parameter, &velocity])?.remove(0);
/// assert_eq!(after.as_f32()?, [2.5]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Optimizer {
    /// `torch.optim.SGD`: the rate is multiplied with what the momentum has gathered, and decay is a part of the gradient.
    SgdTorch {
        /// What is kept of the state in a step.
        momentum: f64,
        /// What the gradient lacks in the state, from the second step on.
        dampening: f64,
        /// Whether the gradient is added to the state that is applied.
        nesterov: bool,
        /// Of the parameter, added to the gradient.
        weight_decay: f64,
    },
    /// `keras.optimizers.SGD`: the state holds rates, and decay is apart.
    SgdKeras {
        /// What is kept of the state in a step.
        momentum: f64,
        /// Whether the gradient is added to the state that is applied.
        nesterov: bool,
        /// Of the parameter, times the rate, taken from it.
        weight_decay: f64,
    },
    /// `torch.optim.Adam` and `AdamW`: epsilon is added to the corrected root.
    AdamTorch {
        /// What the mean of gradients and that of their squares keep in a step.
        betas: [f64; 2],
        /// Added to the root.
        epsilon: f64,
        /// Of the parameter.
        weight_decay: f64,
        /// Whether decay, times the rate, is taken from the parameter (`AdamW`), and is no part of the gradient.
        decoupled: bool,
    },
    /// `keras.optimizers.Adam` and `AdamW`, which are the same: epsilon is added before the correction, and decay is apart.
    AdamKeras {
        /// What the mean of gradients and that of their squares keep in a step.
        betas: [f64; 2],
        /// Added to the root.
        epsilon: f64,
        /// Of the parameter, times the rate, taken from it.
        weight_decay: f64,
    },
}

/// What a formula of an optimiser is computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptimizerInput {
    /// The parameter before the step.
    Parameter,
    /// Its gradient.
    Gradient,
    /// A state: in a state's formula itself before the step, zeros at first; in the parameter's the one after it.
    State(usize),
}

/// A formula, and what its inputs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerFormula {
    /// The inputs, in order.
    pub inputs: Vec<OptimizerInput>,
    /// The formula of them.
    pub formula: Elementwise,
}

/// The formulas of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerStep {
    /// Of each state.
    pub states: Vec<OptimizerFormula>,
    /// Of the parameter, after the states.
    pub parameter: OptimizerFormula,
}

const PARAMETER: Operand = Operand::Input(0);
const GRADIENT: Operand = Operand::Input(1);

/// A formula that is written step by step, of parameter, gradient and states.
#[derive(Default)]
struct Formula(Vec<ElementStep>);

impl Formula {
    fn binary(&mut self, function: BinaryFunction, a: Operand, b: Operand) -> Operand {
        self.0.push(ElementStep::Binary(function, a, b));
        Operand::Step(self.0.len() - 1)
    }

    fn times(&mut self, a: Operand, by: f64) -> Operand {
        if by == 1.0 { a } else { self.binary(BinaryFunction::Multiply, a, Operand::Number(by as f32)) }
    }

    /// `a + by * b`.
    fn plus(&mut self, a: Operand, by: f64, b: Operand) -> Operand {
        if by == 0.0 {
            return a;
        }
        let product = self.times(b, by);
        self.binary(BinaryFunction::Add, a, product)
    }

    /// `a * x + b * y`.
    fn blend(&mut self, a: f64, x: Operand, b: f64, y: Operand) -> Operand {
        let kept = self.times(x, a);
        self.plus(kept, b, y)
    }

    fn root(&mut self, a: Operand) -> Operand {
        self.0.push(ElementStep::Unary(UnaryFunction::Sqrt, a));
        Operand::Step(self.0.len() - 1)
    }

    /// The formula, whose value is that of `last`, of the inputs that it uses.
    fn of(mut self, last: Operand) -> OptimizerFormula {
        if !matches!(last, Operand::Step(step) if step + 1 == self.0.len()) {
            self.binary(BinaryFunction::Multiply, last, Operand::Number(1.0));
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
        let steps = self.0.iter().map(|step| match *step {
            ElementStep::Unary(function, a) => ElementStep::Unary(function, numbered(a)),
            ElementStep::Binary(function, a, b) => ElementStep::Binary(function, numbered(a), numbered(b)),
            other => other,
        });
        let formula = Elementwise { inputs: used.len(), steps: steps.collect() };
        let named = used.iter().map(|&i| match i {
            0 => OptimizerInput::Parameter,
            1 => OptimizerInput::Gradient,
            i => OptimizerInput::State(i - 2),
        });
        OptimizerFormula { inputs: named.collect(), formula }
    }
}

/// The mean of gradients and that of their squares, the gradient with a share of the parameter.
fn means([beta1, beta2]: [f64; 2], decay: f64) -> Vec<OptimizerFormula> {
    let [mean_before, squares_before] = [Operand::Input(2), Operand::Input(3)];
    let mut first = Formula::default();
    let gradient = first.plus(GRADIENT, decay, PARAMETER);
    let mean = first.blend(beta1, mean_before, 1.0 - beta1, gradient);
    let mut second = Formula::default();
    let gradient = second.plus(GRADIENT, decay, PARAMETER);
    let square = second.binary(BinaryFunction::Multiply, gradient, gradient);
    let mean_of_squares = second.blend(beta2, squares_before, 1.0 - beta2, square);
    vec![first.of(mean), second.of(mean_of_squares)]
}

impl Optimizer {
    /// States of each parameter, of its shape.
    pub fn states(&self) -> usize {
        match self {
            Optimizer::SgdTorch { momentum, .. } | Optimizer::SgdKeras { momentum, .. } => {
                usize::from(*momentum != 0.0)
            }
            Optimizer::AdamTorch { .. } | Optimizer::AdamKeras { .. } => 2,
        }
    }

    /// The formulas of step number `step`, counted from 1, with this rate.
    pub fn step(&self, step: u32, rate: f64) -> OptimizerStep {
        match *self {
            Optimizer::SgdTorch { momentum, dampening, nesterov, weight_decay } => {
                sgd_torch(step, rate, [momentum, dampening, weight_decay], nesterov)
            }
            Optimizer::SgdKeras { momentum, nesterov, weight_decay } => {
                sgd_keras(rate, [momentum, weight_decay], nesterov)
            }
            Optimizer::AdamTorch { betas, epsilon, weight_decay, decoupled } => {
                let [in_gradient, apart] = if decoupled { [0.0, weight_decay] } else { [weight_decay, 0.0] };
                let [first, second] = betas.map(|beta| 1.0 - beta.powi(step as i32));
                let mut formula = Formula::default();
                let kept = formula.times(PARAMETER, 1.0 - rate * apart);
                let root = formula.root(Operand::Input(3));
                let root = formula.times(root, 1.0 / second.sqrt());
                let step = update(&mut formula, kept, root, epsilon, rate / first);
                OptimizerStep { states: means(betas, in_gradient), parameter: formula.of(step) }
            }
            Optimizer::AdamKeras { betas, epsilon, weight_decay } => {
                let [first, second] = betas.map(|beta| 1.0 - beta.powi(step as i32));
                let mut formula = Formula::default();
                let kept = formula.times(PARAMETER, 1.0 - rate * weight_decay);
                let root = formula.root(Operand::Input(3));
                let step = update(&mut formula, kept, root, epsilon, rate * second.sqrt() / first);
                OptimizerStep { states: means(betas, 0.0), parameter: formula.of(step) }
            }
        }
    }
}

/// `kept - rate * mean / (root + epsilon)`.
fn update(formula: &mut Formula, kept: Operand, root: Operand, epsilon: f64, rate: f64) -> Operand {
    let under = formula.binary(BinaryFunction::Add, root, Operand::Number(epsilon as f32));
    let quotient = formula.binary(BinaryFunction::Divide, Operand::Input(2), under);
    formula.plus(kept, -rate, quotient)
}

fn sgd_torch(step: u32, rate: f64, [momentum, dampening, decay]: [f64; 3], nesterov: bool) -> OptimizerStep {
    let mut formula = Formula::default();
    let gradient = formula.plus(GRADIENT, decay, PARAMETER);
    if momentum == 0.0 {
        let after = formula.plus(PARAMETER, -rate, gradient);
        return OptimizerStep { states: vec![], parameter: formula.of(after) };
    }
    let mut state = Formula::default();
    let own = state.plus(GRADIENT, decay, PARAMETER);
    let gathered = match step {
        0 | 1 => own,
        _ => state.blend(momentum, Operand::Input(2), 1.0 - dampening, own),
    };
    let applied = match nesterov {
        true => formula.plus(gradient, momentum, Operand::Input(2)),
        false => Operand::Input(2),
    };
    let after = formula.plus(PARAMETER, -rate, applied);
    OptimizerStep { states: vec![state.of(gathered)], parameter: formula.of(after) }
}

fn sgd_keras(rate: f64, [momentum, decay]: [f64; 2], nesterov: bool) -> OptimizerStep {
    let mut formula = Formula::default();
    let kept = formula.times(PARAMETER, 1.0 - rate * decay);
    if momentum == 0.0 {
        let after = formula.plus(kept, -rate, GRADIENT);
        return OptimizerStep { states: vec![], parameter: formula.of(after) };
    }
    let mut state = Formula::default();
    let velocity = state.blend(momentum, Operand::Input(2), -rate, GRADIENT);
    let after = match nesterov {
        true => {
            let ahead = formula.plus(kept, momentum, Operand::Input(2));
            formula.plus(ahead, -rate, GRADIENT)
        }
        false => formula.plus(kept, 1.0, Operand::Input(2)),
    };
    OptimizerStep { states: vec![state.of(velocity)], parameter: formula.of(after) }
}
