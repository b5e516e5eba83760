//! Of what moves, changes, joins or interpolates elements.

use wgpool_testing::support::mutant;
use wgpool_testing::verify::random::Family::*;

use crate::Mutant;

pub const MUTANTS: &[Mutant] = &[
    mutant!(AsStrided, "no strides", "at += position * axis.y;", "at += position;"),
    mutant!(AsStrided, "axes of each other's length", "rest /= axis.x;", "rest /= max(axis.x, 2u) - 1u;"),
    mutant!(AsStrided, "the first element of a word", "Unit(shift_of(at))", "Unit(0u)"),
    mutant!(AsStrided, "words of one element", "element < params.total", "element + 1u < lane"),
    mutant!(Concat, "runs too near", "params.run * params.pitch", "params.run * params.run"),
    mutant!(Concat, "all from the beginning", "params.to + number", "number"),
    mutant!(Concat, "the rest of a word lost", "~(mask() << shift_of(at))", "0u"),
    mutant!(Pad, "mirrored at one end", "abs(length - 1 - abs(i))", "abs(length - 1 - i)"),
    mutant!(Pad, "no edge", "clamp(i, 0, length - 1)", "clamp(i, 0, length)"),
    mutant!(Pad, "wrapped at one end", "select(rest, length - 1 - rest, i < 0)", "rest"),
    mutant!(Pad, "zeros for the constant", "Unit(params.constant) & mask()", "Unit(0u)"),
    mutant!(Reduce, "elements of one axis alone", "at = place_of(i, params.length, params.stride);", ""),
    mutant!(Reduce, "places of each other's axes", "second % length.y", "second % length.x"),
    mutant!(
        Reduce,
        "another output's elements",
        "min(number, params.total - 1u)",
        "min(number + 1u, params.total - 1u)"
    ),
    mutant!(Reduce, "elements skipped", "i < params.count; i += SHARE", "i < params.count; i += SHARE + 1u"),
    mutant!(Reduce, "the largest for the smallest", "select(value, -value, KIND == MIN)", "value"),
    mutant!(Reduce, "powers of two lost", "a.power + b.power", "a.power"),
    mutant!(Reduce, "signs lost", "((a.marks ^ b.marks) & NEGATIVE)", "0u"),
    mutant!(Reduce, "zeros lost", "negative | ZERO);", "negative);"),
    mutant!(
        Reduce,
        "squares of large numbers",
        "lp_term(abs(value), scale, 2.0)",
        "lp_term(abs(value), 1.0, 2.0)"
    ),
    mutant!(Reduce, "the largest not subtracted", "exp(value - scale)", "exp(value)"),
    mutant!(Reduce, "the logarithm of zero", "return params.lowest;", "return 0.0;"),
    mutant!(ArgReduce, "the first of equal ones", "== LAST;", "== false;"),
    mutant!(ArgReduce, "NaN is lost", "0xffffffffu, is_nan(value)", "1u, is_nan(value)"),
    mutant!(ArgReduce, "the largest for the smallest", "select(value, -value, MIN)", "value"),
    mutant!(ArgReduce, "one invocation's index", "shared_index[local + half]", "shared_index[local]"),
    mutant!(
        ArgReduce,
        "elements of the first row",
        "row / params.inner * params.length * params.inner",
        "0u"
    ),
    mutant!(Resize, "positions of the output", "let whole_scale = i * scale.z;", "let whole_scale = i;"),
    mutant!(Resize, "positions cut off", "let carry = u32(low + shift.x < low);", "let carry = 0u;"),
    mutant!(Resize, "the nearest is the first", "i32(is_next)", "0"),
    mutant!(Resize, "behind the end", "u32(clamp(index, 0, along.last))", "u32(max(index, 0))"),
    mutant!(
        Resize,
        "weights of the other",
        "select(1.0 - part, part, tap == 1u)",
        "select(1.0 - part, part, tap == 0u)"
    ),
    mutant!(Resize, "another coefficient", "let a = params.coefficient;", "let a = -0.6;"),
    mutant!(Resize, "weights not made up for", "value /= weights;", ""),
    mutant!(Resize, "outside as inside", "!EXCLUDE_OUTSIDE || is_inside", "true"),
    mutant!(Resize, "one axis", "weight *= weight_of", "weight = weight_of"),
    mutant!(Softmax, "largest not subtracted", "exp(element(at) - largest)", "exp(element(at))"),
    mutant!(Softmax, "wrong axis", "+ row % params.inner", ""),
    mutant!(Softmax, "bf16 rounded to zero", "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u", "bits >> 16u"),
    mutant!(Activation, "ReLU6 without its top", "clamp(x, 0.0, 6.0)", "max(x, 0.0)"),
    mutant!(Activation, "imprecise error function", "t * 0.17087277", "t * 0.1708"),
    mutant!(Activation, "NaN turns into zero", "if (is_nan(x)) {", "if (false) {"),
    mutant!(Activation, "ELU without digits near 0", "series, x > -0.25", "series, false"),
    mutant!(Activation, "hard sigmoid without its bottom", "0.0, line < 0.0", "line, line < 0.0"),
    mutant!(Activation, "hard sigmoid's other parameter", "+ alpha_beta.y", "+ alpha_beta.x"),
    mutant!(Activation, "Mish by sigmoid", "above + 2.0 * select", "above + select"),
    mutant!(
        Activation,
        "PReLU as leaky ReLU of no slope",
        "select(alpha_beta.x * x, x, x > 0.0)",
        "max(x, 0.0)"
    ),
    mutant!(Activation, "the first bf16 of each word", "unpack(load_input(at), 0u)", "load_input(at & ~1u)"),
    mutant!(Activation, "PReLU's slope of another run", "at / max(params.run, 1u)", "at"),
    mutant!(
        Elementwise,
        "NaN is lost in minima",
        "is_nan(b) | (!is_nan(a) & exceeds(a, b))",
        "exceeds(a, b)"
    ),
    mutant!(Elementwise, "NaN is larger", "exceeds(a, b) & !is_nan(a) & !is_nan(b)", "exceeds(a, b)"),
    mutant!(Elementwise, "the other side of a condition", ", !is_zero(", ", is_zero("),
    mutant!(Elementwise, "rows not counted", "rest % params.axes[2].x", "rest"),
    mutant!(Elementwise, "strides of another axis", "c_0 * params.axes[0].y", "c_0 * params.axes[1].y"),
    mutant!(Elementwise, "strides of another input", "params.axes[2].z", "params.axes[2].y"),
    mutant!(Elementwise, "a neighbour's place", "(y_x, y_y, y_z, y_w)", "(y_x, y_y, y_w, y_z)"),
    mutant!(Elementwise, "another number", "params.numbers[0].y", "params.numbers[0].x"),
    mutant!(Elementwise, "an imprecise logarithm", "0.14285714 + s * 0.11111111", "0.0"),
    mutant!(Elementwise, "error function without digits near 0", "near, abs(x) < 0.5)", "near, false)"),
    mutant!(Elementwise, "odd powers without a sign", "odd && bitcast<i32>(a) < 0", "false"),
    mutant!(
        Elementwise,
        "roots of what is negative",
        "bitcast<f32>(params.nan), order(x) < 0",
        "x, order(x) < 0"
    ),
    mutant!(Activation, "softplus without its last terms", "(0.090909091 + s * 0.076923077)", "0.0"),
];
