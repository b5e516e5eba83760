//! Steps of optimisers, as formulas of parameters, gradients and states.

mod formula;

use formula::{Formula, GRADIENT, PARAMETER, number, state};
pub use formula::{OptimizerFormula, OptimizerInput};

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

/// The formulas of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerStep {
    /// Of each state.
    pub states: Vec<OptimizerFormula>,
    /// Of the parameter, after the states.
    pub parameter: OptimizerFormula,
}

/// The mean of gradients and that of their squares, the gradient with a share of the parameter.
fn means([beta1, beta2]: [f64; 2], decay: f64) -> Vec<OptimizerFormula> {
    let mut first = Formula::default();
    let gradient = first.plus(GRADIENT, decay, PARAMETER);
    let mean = first.blend(beta1, state(0), 1.0 - beta1, gradient);
    let mut second = Formula::default();
    let gradient = second.plus(GRADIENT, decay, PARAMETER);
    let square = second.product(gradient, gradient);
    let mean_of_squares = second.blend(beta2, state(1), 1.0 - beta2, square);
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

    /// The formulas of step number `step`, counted from 1, with this rate: [`formulas`](Self::formulas) with their
    /// [`numbers`](Self::numbers).
    pub fn step(&self, step: u32, rate: f64) -> OptimizerStep {
        let numbers = self.numbers(step, rate);
        let OptimizerStep { states, parameter } = self.formulas();
        OptimizerStep {
            states: states.into_iter().map(|state| state.with(&numbers)).collect(),
            parameter: parameter.with(&numbers),
        }
    }

    /// The numbers of step number `step`, counted from 1, with this rate: [`formulas`](Self::formulas) take each, rounded to f32.
    pub fn numbers(&self, step: u32, rate: f64) -> Vec<f64> {
        let corrections = |betas: [f64; 2]| betas.map(|beta| 1.0 - beta.powi(step as i32));
        let share = |decay: f64| (decay != 0.0).then_some(1.0 - rate * decay);
        let numbers = match *self {
            Optimizer::SgdTorch { momentum, dampening, .. } => {
                // The first gradient is not dampened.
                let own = if step <= 1 { 1.0 } else { 1.0 - dampening };
                [Some(-rate), (momentum != 0.0).then_some(own), None]
            }
            Optimizer::SgdKeras { weight_decay, .. } => [Some(-rate), share(weight_decay), None],
            Optimizer::AdamTorch { betas, weight_decay, decoupled, .. } => {
                let [first, second] = corrections(betas);
                let apart = if decoupled { weight_decay } else { 0.0 };
                [Some(-rate / first), Some(1.0 / second.sqrt()), share(apart)]
            }
            Optimizer::AdamKeras { betas, weight_decay, .. } => {
                let [first, second] = corrections(betas);
                [Some(-rate * second.sqrt() / first), share(weight_decay), None]
            }
        };
        numbers.into_iter().flatten().collect()
    }

    /// The formulas of every step, which take the numbers that change as inputs: one program serves all steps.
    ///
    /// ```
    /// use wgpool::spec::gradient::{Optimizer, OptimizerInput};
    /// let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    /// let inputs = [OptimizerInput::Gradient, OptimizerInput::Number(0), OptimizerInput::Parameter];
    /// assert_eq!(sgd.formulas().parameter.inputs, inputs);
    /// assert_eq!(sgd.numbers(7, 0.25), [-0.25]);
    /// ```
    pub fn formulas(&self) -> OptimizerStep {
        match *self {
            Optimizer::SgdTorch { momentum, nesterov, weight_decay, .. } => {
                sgd_torch([momentum, weight_decay], nesterov)
            }
            Optimizer::SgdKeras { momentum, nesterov, weight_decay } => {
                sgd_keras([momentum, weight_decay], nesterov)
            }
            Optimizer::AdamTorch { betas, epsilon, weight_decay, decoupled } => {
                let in_gradient = if decoupled { 0.0 } else { weight_decay };
                let mut formula = Formula::default();
                let kept = formula.kept(decoupled && weight_decay != 0.0, number(2));
                let root = formula.root(state(1));
                let root = formula.product(root, number(1));
                let step = formula.update(kept, root, epsilon, number(0));
                OptimizerStep { states: means(betas, in_gradient), parameter: formula.of(step) }
            }
            Optimizer::AdamKeras { betas, epsilon, weight_decay } => {
                let mut formula = Formula::default();
                let kept = formula.kept(weight_decay != 0.0, number(1));
                let root = formula.root(state(1));
                let step = formula.update(kept, root, epsilon, number(0));
                OptimizerStep { states: means(betas, 0.0), parameter: formula.of(step) }
            }
        }
    }
}

fn sgd_torch([momentum, decay]: [f64; 2], nesterov: bool) -> OptimizerStep {
    let mut formula = Formula::default();
    if momentum == 0.0 {
        let gradient = formula.plus(GRADIENT, decay, PARAMETER);
        let after = formula.plus_by(PARAMETER, number(0), gradient);
        return OptimizerStep { states: vec![], parameter: formula.of(after) };
    }
    let mut gathering = Formula::default();
    let own = gathering.plus(GRADIENT, decay, PARAMETER);
    let kept = gathering.times(state(0), momentum);
    let gathered = gathering.plus_by(kept, number(1), own);
    let applied = match nesterov {
        true => {
            let gradient = formula.plus(GRADIENT, decay, PARAMETER);
            formula.plus(gradient, momentum, state(0))
        }
        false => state(0),
    };
    let after = formula.plus_by(PARAMETER, number(0), applied);
    OptimizerStep { states: vec![gathering.of(gathered)], parameter: formula.of(after) }
}

fn sgd_keras([momentum, decay]: [f64; 2], nesterov: bool) -> OptimizerStep {
    let mut formula = Formula::default();
    let kept = formula.kept(decay != 0.0, number(1));
    if momentum == 0.0 {
        let after = formula.plus_by(kept, number(0), GRADIENT);
        return OptimizerStep { states: vec![], parameter: formula.of(after) };
    }
    let mut gathering = Formula::default();
    let before = gathering.times(state(0), momentum);
    let velocity = gathering.plus_by(before, number(0), GRADIENT);
    let after = match nesterov {
        true => {
            let ahead = formula.plus(kept, momentum, state(0));
            formula.plus_by(ahead, number(0), GRADIENT)
        }
        false => formula.plus(kept, 1.0, state(0)),
    };
    OptimizerStep { states: vec![gathering.of(velocity)], parameter: formula.of(after) }
}
