//! Whether a result is what the corpus says.

use super::array::{Array, Element, Values};
use super::manifest::Expectation;
use wgpool::text::escaped;

/// The worst element of an output.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Worst {
    /// Which output.
    pub output: String,
    /// Its position on each axis.
    pub at: Vec<usize>,
    /// What it must be.
    pub expected: f64,
    /// What it is.
    pub got: f64,
    /// The allowed distance.
    pub bound: f64,
    /// How many elements are wrong.
    pub count: usize,
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Worst { output, at, expected, got, bound, count } = self;
        let output = escaped(output);
        write!(f, "{output}{at:?}: expected {expected:?}, got {got:?}, allowed distance {bound:e}")?;
        if *count > 1 { write!(f, " ({count} elements differ)") } else { Ok(()) }
    }
}

/// What the comparison depends on beside the values.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The case's tolerance.
    pub expectation: Expectation,
    /// Whether subnormal numbers may have become zero, as on GPUs.
    pub flushes: bool,
}

/// Compares an output called `name`. A result of another shape is described in words.
///
/// Where the output holds indices, `values` are the values that were expected with them. `scale` is that of a backward case's
/// elements; without it they are exact.
pub fn compare(
    rules: Rules,
    name: &str,
    values: Option<&Array>,
    scale: Option<&Array>,
    expected: &Array,
    got: &Array,
) -> Result<Option<Worst>, String> {
    if expected.shape != got.shape || expected.values.len() != got.values.len() {
        return Err(format!("{name} has the shape {:?}, expected {:?}", got.shape, expected.shape));
    }
    if let (Values::Int(e), Values::Int(g)) = (&expected.values, &got.values) {
        let wrong =
            e.iter().zip(g).enumerate().map(|(i, (&e, &g))| match e == g || no_element(values, i, g) {
                true => 0.0,
                // The nearest float of the distance is enough to find the worst.
                false => e.abs_diff(g) as f64,
            });
        return Ok(worst(name, expected, got, wrong.map(|excess| (excess, 0.0))));
    }
    let (Values::Float(e), Values::Float(g)) = (&expected.values, &got.values) else {
        return Err(format!("{name} is {}, expected {}", got.element, expected.element));
    };
    let judged = e.iter().zip(g).enumerate().map(|(i, (&e, &g))| {
        let scale = scale.and_then(|scale| scale.get(i));
        let bound = bound(rules, expected.element, e, scale);
        // What is copied, as maxima are, keeps the sign of zero.
        let copied = rules.expectation == Expectation::Exact && e == 0.0 && g == 0.0;
        match copied && e.is_sign_negative() != g.is_sign_negative() {
            true => (f64::INFINITY, bound),
            false => (excess(e, g, bound), bound),
        }
    });
    Ok(worst(name, expected, got, judged))
}

/// Puts the corpus's value in place of the result's where either is NaN and both are right: see
/// [`Exact::or_nan`](wgpool::reference::Exact::or_nan). That the result is one of the two, the reference has checked.
pub fn accept_nan(or_nan: &[bool], expected: &Array, got: &mut Array) {
    let (Values::Float(e), Values::Float(g)) = (&expected.values, &mut got.values) else { return };
    for ((&e, g), _) in e.iter().zip(g).zip(or_nan).filter(|(_, or_nan)| **or_nan) {
        if e.is_nan() || g.is_nan() {
            *g = e;
        }
    }
}

/// Whether index number `i` is that of a window without any element, which is -1. PyTorch gives such windows a number
/// that means nothing and may lie outside the plane, so there the value alone tells: it is the least there is.
fn no_element(values: Option<&Array>, i: usize, got: i64) -> bool {
    let least = |values: &Array| match &values.values {
        Values::Float(v) => v.get(i) == Some(&f64::NEG_INFINITY),
        Values::Int(v) => v.get(i) == Some(&values.element.least()),
    };
    got == -1 && values.is_some_and(least)
}

/// The allowed distance from `expected`.
fn bound(rules: Rules, element: Element, expected: f64, scale: Option<f64>) -> f64 {
    let flush = if rules.flushes { element.smallest_normal() } else { 0.0 };
    let (relative, near_zero) = element.rounding();
    let store = relative * expected.abs() + near_zero;
    match rules.expectation {
        // Only a subnormal number may turn into zero; every other one must be what it is.
        Expectation::Exact | Expectation::Refusal => {
            if expected.abs() < element.smallest_normal() {
                flush
            } else {
                0.0
            }
        }
        Expectation::Scaled => match scale {
            Some(scale) => 8.0 * f64::from(f32::EPSILON) * scale + flush + store,
            None if expected.abs() < element.smallest_normal() => flush,
            None => 0.0,
        },
        // Results of 64-bit cases are computed in 32 bits.
        Expectation::Sum { unit } if element == Element::F64 => 8.0 * unit * 2f64.powi(29) + flush,
        Expectation::Sum { unit } => 8.0 * unit + flush + store,
        Expectation::Near { absolute, relative } => absolute + relative * expected.abs() + flush + store,
    }
}

/// By how much a value is outside its bound; not positive inside. NaN matches NaN, infinities themselves.
fn excess(expected: f64, got: f64, bound: f64) -> f64 {
    if expected == got || expected.is_nan() && got.is_nan() {
        return 0.0;
    }
    if !expected.is_finite() || !got.is_finite() {
        return f64::INFINITY;
    }
    (expected - got).abs() - bound
}

fn worst(
    name: &str,
    expected: &Array,
    got: &Array,
    judged: impl Iterator<Item = (f64, f64)>,
) -> Option<Worst> {
    let mut found: Option<(f64, f64, usize)> = None;
    let mut count = 0;
    for (i, (excess, bound)) in judged.enumerate().filter(|(_, (excess, _))| *excess > 0.0) {
        count += 1;
        if found.is_none_or(|(most, _, _)| excess > most) {
            found = Some((excess, bound, i));
        }
    }
    found.map(|(_, bound, i)| Worst {
        output: name.to_owned(),
        at: expected.position(i),
        expected: expected.get(i).unwrap_or(f64::NAN),
        got: got.get(i).unwrap_or(f64::NAN),
        bound,
        count,
    })
}
