//! Formulas by their definition, with a bound that is carried from step to step.

use super::Exact;
use super::tolerance::EPS;
use crate::dtype::DType;
use crate::elementwise::Function;
use crate::problem::ElementwiseWork;
use crate::spec::{Activation, BinaryFunction, ElementStep, Operand};

const LARGEST: f64 = f32::MAX as f64;
const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// A number, and how far that of a correct implementation may be from it. Infinities and NaN are exact; with an infinite
/// error it may be anything, NaN too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounded {
    value: f64,
    error: f64,
}

impl Bounded {
    const ANYTHING: Bounded = Bounded { value: 0.0, error: f64::INFINITY };

    fn exact(value: f64) -> Bounded {
        Bounded { value, error: 0.0 }
    }

    fn is_anything(self) -> bool {
        self.error.is_infinite()
    }

    /// Where subnormal numbers may be taken for zero.
    fn flushed(self) -> Bounded {
        let subnormal = self.value.abs() < SMALLEST_NORMAL;
        Bounded { error: if subnormal { self.error.max(self.value.abs()) } else { self.error }, ..self }
    }

    /// The result of a step as f32 holds it: what is too large is infinite, what is subnormal may be zero.
    fn stored(self) -> Bounded {
        let Bounded { value, error } = self;
        let size = value.abs();
        if !value.is_finite() || self.is_anything() {
            return self;
        }
        if size - error > LARGEST * (1.0 + EPS) {
            return Bounded::exact(value.signum() * f64::INFINITY);
        }
        if size + error > LARGEST {
            return Bounded::ANYTHING;
        }
        let may_flush = size - error < SMALLEST_NORMAL && size + error > 0.0;
        Bounded { value, error: if may_flush { error + SMALLEST_NORMAL } else { error } }
    }

    /// Numbers between which functions are monotone: the ends, the middle, and zero.
    fn places(self) -> impl Iterator<Item = f64> + Clone {
        let Bounded { value, error } = self;
        let ends = if error > 0.0 { [value, value - error, value + error] } else { [value; 3] };
        let count = if error > 0.0 { 3 } else { 1 };
        let zero = (value.abs() < error).then_some(0.0);
        ends.into_iter().take(count).chain(zero)
    }

    /// One of two, it is not known which.
    fn either(self, other: Bounded) -> Bounded {
        if same(self.value, other.value) && self.error == other.error {
            return self;
        }
        if !self.value.is_finite() || !other.value.is_finite() {
            return Bounded::ANYTHING;
        }
        Bounded { error: self.error.max((self.value - other.value).abs() + other.error), ..self }
    }
}

fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// A function of two numbers, the second of which those of one leave out.
///
/// All are monotone in each operand on each side of zero, so that the farthest values are those of the operands' places.
fn apply(function: &Function, a: Bounded, b: Bounded) -> Bounded {
    if a.is_anything() || b.is_anything() {
        return Bounded::ANYTHING;
    }
    let [a, b] = [a, b].map(|operand| if function.by_bits { operand } else { operand.flushed() });
    let value = (function.exact)(a.value, b.value);
    let mut error = 0f64;
    for (a, b) in a.places().flat_map(|a| b.places().map(move |b| (a, b))) {
        let other = (function.exact)(a, b);
        if !value.is_finite() || !other.is_finite() {
            if same(value, other) {
                continue;
            }
            return Bounded::ANYTHING;
        }
        error = error.max((other - value).abs() + (function.rounding)(a, b, other));
    }
    // One unit at most is correct rounding, which leaves what f32 holds as it is.
    let correct = a.error == 0.0 && b.error == 0.0 && error <= EPS * value.abs();
    if correct && f64::from(value as f32) == value {
        return Bounded::exact(value);
    }
    Bounded { value, error }
}

fn binary(function: BinaryFunction, a: Bounded, b: Bounded) -> Bounded {
    let off = a.error + b.error;
    let result = apply(function.function(), a, b);
    if function == BinaryFunction::Equal && off > 0.0 && (a.value - b.value).abs() <= off {
        return Bounded { error: 1.0, ..result };
    }
    result
}

fn activation(activation: Activation, x: Bounded) -> Bounded {
    if x.value.is_nan() || x.is_anything() {
        return x;
    }
    let (function, parameters) = activation.with_slope(0.0);
    let x = x.flushed();
    let value = (function.exact)(x.value, parameters);
    // The function's own error is that at the value; a few units of how far the argument is off make it that of all.
    let error = (function.bound)(x.value, x.error * (1.0 + 32.0 * EPS), parameters);
    // Of infinity it is what it tends to, whose bound may have infinite terms.
    Bounded { value, error: if value.is_finite() && error.is_finite() { error } else { 0.0 } }
}

fn select(condition: Bounded, yes: Bounded, no: Bounded) -> Bounded {
    match condition {
        Bounded { value, error } if error > 0.0 && value.abs() <= error => yes.either(no),
        Bounded { value: 0.0, .. } => no,
        _ => yes,
    }
}

pub(super) fn elementwise(work: &ElementwiseWork, inputs: &[Vec<f64>], y: &mut Exact) {
    let mut steps: Vec<Bounded> = Vec::with_capacity(work.formula.steps.len());
    for at in 0..work.elements() {
        let of_input = |i: usize| {
            let (mut rest, mut place) = (at, 0);
            for axis in work.axes.iter().rev() {
                place += rest % axis.length * axis.strides[i];
                rest /= axis.length;
            }
            Bounded::exact(inputs[i][place])
        };
        steps.clear();
        for step in &work.formula.steps {
            let of = |operand: Operand| match operand {
                Operand::Input(i) => of_input(i),
                Operand::Step(i) => steps[i],
                Operand::Number(number) => Bounded::exact(f64::from(number)),
            };
            let result = match *step {
                ElementStep::Unary(function, a) => apply(function.function(), of(a), Bounded::exact(0.0)),
                ElementStep::Binary(function, a, b) => binary(function, of(a), of(b)),
                ElementStep::Select { condition, yes, no } => select(of(condition), of(yes), of(no)),
                ElementStep::Activation(function, a) => activation(function, of(a)),
            };
            steps.push(result.stored());
        }
        let Some(&Bounded { value, error }) = steps.last() else { return };
        // Where it is exact in f32, a narrower type rounds it all the same.
        let narrower = work.dtype != DType::F32;
        (y.values[at], y.bound[at]) = (value, if narrower { error.max(f64::MIN_POSITIVE) } else { error });
    }
}
