//! The rows. What takes more than a line is in `numbers.rs` and `shaders/lib`.

use super::{Function, numbers};
use crate::host::{exp, log, zip};
use crate::reference::EPS;

/// The function of kernels, from files of `shaders/lib` and the lines of its body.
macro_rules! wgsl {
    ($name:literal, $operands:literal, [$($file:literal),*], $lines:literal) => {
        concat!(
            $(include_str!(concat!("../../shaders/lib/", $file)), "\n",)*
            "fn ", $name, "_of(", $operands, ") -> f32 {\n    ", $lines, "\n}\n"
        )
    };
}

/// A row of a function of one operand; `rounding` is of the operand and the value.
macro_rules! unary {
    ($name:literal, [$($file:literal),*] $lines:literal, |$x:ident| $exact:expr, $rounding:expr, |$h:ident| $host:expr) => {
        Function {
            name: $name,
            wgsl: wgsl!($name, "x: f32", [$($file),*], $lines),
            exact: |$x, _| $exact,
            rounding: |x, _, value| {
                let rounding: fn(f64, f64) -> f64 = $rounding;
                rounding(x, value)
            },
            by_bits: false,
            host: |a, b, out| zip(a, b, out, #[inline(always)] |$h: f32, _, _| $host),
        }
    };
}

/// A row of a function of two operands; `rounding` is of these and the value.
macro_rules! binary {
    ($name:literal, [$($file:literal),*] $lines:literal, |$x:ident, $y:ident| $exact:expr, $rounding:expr,
        |$a:ident, $b:ident| $host:expr) => {
        Function {
            name: $name,
            wgsl: wgsl!($name, "a: f32, b: f32", [$($file),*], $lines),
            exact: |$x, $y| $exact,
            rounding: $rounding,
            by_bits: false,
            host: |a, b, out| zip(a, b, out, #[inline(always)] |$a: f32, $b: f32, _| $host),
        }
    };
}

/// A row of a function that selects or compares, the same in 32 and in 64 bits.
macro_rules! selecting {
    ($name:literal, $lines:literal, |$a:ident, $b:ident| $value:expr) => {
        Function {
            by_bits: true,
            ..binary!($name, [] $lines, |$a, $b| $value, |_, _, _| 0.0, |$a, $b| $value)
        }
    };
}

/// The same of a condition, whose value is 0 or 1.
macro_rules! condition {
    ($name:literal, $lines:literal, |$a:ident, $b:ident| $holds:expr) => {
        selecting!($name, $lines, |$a, $b| if $holds { 1.0 } else { 0.0 })
    };
}

functions! {
    /// A function of one operand.
    UnaryFunction {
        /// `-x`.
        Negate => unary!("negate", [] "return -x;", |x| -x, |_, _| 0.0, |x| -x);

        /// `|x|`.
        Absolute => unary!("absolute", [] "return abs(x);", |x| x.abs(), |_, _| 0.0, |x| x.abs());

        /// `e^x`.
        Exp => unary!(
            "exp",
            [] "return select(exp(x), x, is_nan(x));",
            |x| x.exp(),
            |x, value| if value > 0.0 { (3.0 + 2.0 * x.abs()) * EPS * value } else { 0.0 },
            |x| exp(x)
        );

        /// The natural logarithm; of 0 it is minus infinity, of what is negative NaN.
        Log => unary!(
            "log",
            ["log.wgsl"] "return natural_log(x);",
            |x| x.ln(),
            |_, value| numbers::LOG * value.abs(),
            |x| log(x)
        );

        /// The square root; of what is negative NaN.
        Sqrt => unary!(
            "sqrt",
            [] "return select(sqrt(x), bitcast<f32>(params.nan), order(x) < 0);",
            |x| x.sqrt(),
            // WGSL has it as the reciprocal of the inverse square root: 2 and 2.5 units.
            |_, value| 5.0 * EPS * value,
            |x| x.sqrt()
        );

        /// `1 / x`.
        Reciprocal => unary!(
            "reciprocal",
            ["quotient.wgsl"] "return quotient(1.0, x);",
            |x| 1.0 / x,
            |_, value| 3.0 * EPS * value.abs(),
            |x| 1.0 / x
        );

        /// The largest whole number that is not larger.
        Floor => unary!(
            "floor", [] "return select(floor(x), x, is_special(x));", |x| x.floor(), |_, _| 0.0, |x| x.floor()
        );

        /// The smallest whole number that is not smaller.
        Ceil => unary!(
            "ceil", [] "return select(ceil(x), x, is_special(x));", |x| x.ceil(), |_, _| 0.0, |x| x.ceil()
        );

        /// The nearest whole number, of two the even one.
        Round => unary!(
            "round",
            [] "return select(round(x), x, is_special(x));",
            |x| x.round_ties_even(),
            |_, _| 0.0,
            |x| x.round_ties_even()
        );

        /// -1, 0 or 1; NaN of NaN.
        Sign => unary!(
            "sign",
            [] "return select(select(1.0, -1.0, order(x) < 0), x, is_zero(x) | is_nan(x));",
            |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x },
            |_, _| 0.0,
            |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x }
        );

        /// The error function.
        Erf => unary!(
            "erf",
            ["erfc.wgsl", "erf.wgsl"] "return error_function(x);",
            |x| libm::erf(x),
            |_, value| 16.0 * EPS * value.abs(),
            |x| numbers::erf(x)
        );
    }
}

functions! {
    /// A function of two operands. Conditions are 1 where they hold and 0 elsewhere; what is not 0 is true.
    BinaryFunction {
        /// `a + b`.
        Add => binary!("add", [] "return a + b;", |a, b| a + b, |_, _, value| EPS * value.abs(), |a, b| a + b);

        /// `a - b`.
        Subtract => binary!(
            "subtract", [] "return a - b;", |a, b| a - b, |_, _, value| EPS * value.abs(), |a, b| a - b
        );

        /// `a * b`.
        Multiply => binary!(
            "multiply", [] "return a * b;", |a, b| a * b, |_, _, value| EPS * value.abs(), |a, b| a * b
        );

        /// `a / b`.
        Divide => binary!(
            "divide",
            ["quotient.wgsl"] "return quotient(a, b);",
            |a, b| a / b,
            |_, _, value| 3.0 * EPS * value.abs(),
            |a, b| a / b
        );

        /// The smaller of both, the first of equal ones; NaN if one is.
        Minimum => selecting!(
            "minimum",
            "return select(a, b, is_nan(b) | (!is_nan(a) & exceeds(a, b)));",
            |a, b| if b < a || b.is_nan() { b } else { a }
        );

        /// The larger of both, the first of equal ones; NaN if one is.
        Maximum => selecting!(
            "maximum", "return larger(a, b);", |a, b| if b > a || b.is_nan() { b } else { a }
        );

        /// `a^b` as in C: of what is negative, and not to a whole number, NaN; `x^0` and `1^x` are 1 even of NaN.
        Power => binary!(
            "power",
            ["log.wgsl", "power.wgsl"] "return power_of_both(a, b);",
            |a, b| a.powf(b),
            |a, b, value| numbers::power_rounding(a, b) * value.abs(),
            |a, b| numbers::power(a, b)
        );

        /// `a = b`; NaN equals nothing.
        Equal => condition!(
            "equal",
            "return select(0.0, 1.0, order(a) == order(b) && !is_nan(a) && !is_nan(b));",
            |a, b| a == b
        );

        /// `a < b`.
        Less => condition!(
            "less", "return select(0.0, 1.0, exceeds(b, a) & !is_nan(a) & !is_nan(b));", |a, b| a < b
        );

        /// `a <= b`.
        LessOrEqual => condition!(
            "less_or_equal", "return select(0.0, 1.0, !exceeds(a, b) & !is_nan(a) & !is_nan(b));", |a, b| a <= b
        );

        /// `a > b`.
        Greater => condition!(
            "greater", "return select(0.0, 1.0, exceeds(a, b) & !is_nan(a) & !is_nan(b));", |a, b| a > b
        );

        /// `a >= b`.
        GreaterOrEqual => condition!(
            "greater_or_equal", "return select(0.0, 1.0, !exceeds(b, a) & !is_nan(a) & !is_nan(b));", |a, b| a >= b
        );

        /// Both are true.
        And => condition!(
            "and", "return select(0.0, 1.0, !is_zero(a) & !is_zero(b));", |a, b| a != 0.0 && b != 0.0
        );

        /// One of both is true.
        Or => condition!(
            "or", "return select(0.0, 1.0, !is_zero(a) | !is_zero(b));", |a, b| a != 0.0 || b != 0.0
        );
    }
}
