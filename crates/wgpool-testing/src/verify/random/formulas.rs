//! Random formulas of broadcast tensors.

use super::{Rng, float};
use wgpool::spec::{ActivationKind, BinaryFunction, ElementStep, Elementwise, Op, Operand, UnaryFunction};
use wgpool::tensor::TensorDesc;

pub(super) fn elementwise(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let formula = formula(rng);
    let dtype = float(rng, f16);
    let shapes = shapes(rng, formula.inputs);
    (formula.into(), shapes.into_iter().map(|shape| TensorDesc { shape, dtype }).collect())
}

/// One to nine steps, the last of which adds up what no step has used.
pub fn formula(rng: &mut Rng) -> Elementwise {
    let inputs = if rng.one_in(8) { rng.between(4, 6) } else { rng.between(1, 3) };
    let mut formula = Elementwise { inputs, steps: Vec::new() };
    let mut unused: Vec<usize> = (0..inputs).collect();
    for _ in 0..rng.between(1, 6) {
        let mut operand = || match (rng.between(0, 9), formula.steps.len()) {
            (0, _) => {
                Operand::Number([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 3.0, 1e-3, 7e4][rng.between(0, 9)])
            }
            (1..=4, 1..) => Operand::Step(formula.steps.len() - 1),
            (5, steps @ 1..) => Operand::Step(rng.between(0, steps - 1)),
            _ if !unused.is_empty() => Operand::Input(unused.remove(0)),
            _ => Operand::Input(rng.between(0, inputs - 1)),
        };
        let (a, b, c) = (operand(), operand(), operand());
        // Operands that the step leaves out are to be used by another.
        let step = match rng.between(0, 9) {
            0..=2 => ElementStep::Unary(pick(rng, UnaryFunction::ALL), a),
            3 => {
                let kinds: Vec<_> =
                    ActivationKind::ALL.into_iter().filter(|&kind| kind != ActivationKind::PRelu).collect();
                ElementStep::Activation(pick(rng, &kinds).with([0.3, 0.6]), a)
            }
            4 => ElementStep::Select { condition: a, yes: b, no: c },
            _ => ElementStep::Binary(pick(rng, BinaryFunction::ALL), a, b),
        };
        let used = step.operands();
        for operand in [a, b, c] {
            if let (Operand::Input(i), false) = (operand, used.contains(&operand))
                && !uses(&formula, i)
            {
                unused.push(i);
            }
        }
        formula.steps.push(step);
    }
    for input in 0..inputs {
        if !uses(&formula, input) {
            formula = formula.then(BinaryFunction::Add, Operand::Input(input));
        }
    }
    formula
}

fn uses(formula: &Elementwise, input: usize) -> bool {
    formula.steps.iter().any(|step| step.operands().contains(&Operand::Input(input)))
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.between(0, from.len() - 1)]
}

/// Shapes that are broadcast to one: rows of a few elements or of thousands, of vectors or not, in up to eight axes.
fn shapes(rng: &mut Rng, inputs: usize) -> Vec<Vec<usize>> {
    let rank = if rng.one_in(6) { rng.between(5, 8) } else { rng.between(0, 4) };
    let longest = [1, 3000, 60, 16, 8, 5, 3, 3, 2][rank];
    let mut shape: Vec<usize> = (0..rank).map(|_| rng.between(1, longest)).collect();
    if let Some(last) = shape.last_mut().filter(|_| rng.one_in(3)) {
        *last = last.next_multiple_of(4);
    }
    if rng.one_in(30) && rank > 0 {
        shape[rng.between(0, rank - 1)] = 0;
    }
    // The first one often has them all.
    let whole = !rng.one_in(4);
    let repeated = rng.between(2, 6);
    let of = |i: usize| {
        if i == 0 && whole || rng.one_in(4) {
            return shape.clone();
        }
        let axes = shape.iter().map(|&length| if rng.one_in(repeated) { 1 } else { length });
        let axes: Vec<usize> = axes.collect();
        let missing = if rng.one_in(2) { rng.between(0, rank) } else { 0 };
        axes[missing..].to_vec()
    };
    (0..inputs).map(of).collect()
}
