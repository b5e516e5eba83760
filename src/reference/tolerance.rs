//! How far a correct implementation may be from the reference, stated once for tests, `verify` and the demo.

use super::Exact;
use crate::error::{Error, Result};
use crate::tensor::{Tensor, TensorDesc};

/// The spacing of 32-bit floats at 1.
pub(crate) const EPS: f64 = f32::EPSILON as f64;

/// The bound of a sum of products, per unit of the sum of their absolute values: `C * eps` with C = 8.
pub(super) const SUM: f64 = 8.0 * EPS;

/// Half the spacing of 32-bit floats at 1: a rounding's error, relative to its result.
pub(super) const UNIT: f64 = EPS / 2.0;

/// The bound of a sum of that many products, and of a bias, that are added up in any order: see
/// [`Accuracy::Chain`](crate::Accuracy::Chain). `magnitude` is the sum of their absolute values.
pub(super) fn of_chain(terms: usize, magnitude: f64) -> f64 {
    let roundings = terms as f64 + 1.0;
    let relative = roundings * UNIT;
    relative / (1.0 - relative) * magnitude + 2.0 * roundings * f64::from(f32::MIN_POSITIVE)
}

/// Adds the rounding of the store to bounds that are not exact.
///
/// To 16 bits it is half a unit in the last place, as hardware rounds: to the nearest. WGSL would permit either neighbour,
/// and so a whole unit; a device that makes use of that is reported.
pub(crate) fn add_store_rounding(output: &mut Exact) {
    let Some(float) = &output.desc.dtype.row().float else { return };
    for (value, bound) in output.values.iter().zip(&mut output.bound) {
        // What is infinite or NaN in 64 bits comes from such an input, and is so in 32 bits too.
        if !value.is_finite() {
            *bound = 0.0;
            continue;
        }
        if *bound > 0.0 {
            *bound += float.store * value.abs();
        }
        // GPUs may flush subnormal numbers to zero, so a smallest normal number's distance is always allowed.
        *bound += float.smallest_normal;
    }
}

/// The element of an output that is farthest outside its bound.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Its flat position.
    pub at: usize,
    /// The reference's value.
    pub expected: f64,
    /// The implementation's value.
    pub got: f64,
    /// The allowed distance.
    pub bound: f64,
    /// How many elements are outside their bound.
    pub count: usize,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} elements outside their bound; the worst, [{}], is {:e}, expected {:e} within {:e}",
            self.count, self.at, self.got, self.expected, self.bound
        )
    }
}

/// Compares an implementation's output with the reference.
///
/// NaN matches NaN alone, or where [`Exact::or_nan`] permits it; infinities match themselves; every other element must lie
/// within its bound, and a zero have its sign where [`Exact::signed_zero`] says so.
/// A reference value beyond the largest number of the output's type matches that type's infinity.
///
/// # Errors
/// [`Error::Shape`] if shapes or types differ; a difference in values is a result, not an error.
pub fn compare(exact: &Exact, got: &Tensor) -> Result<Option<Mismatch>> {
    check_desc(&exact.desc, got)?;
    Ok(worst(exact, |at| got.data().get(at).unwrap_or(f64::NAN)))
}

/// Refuses an output of another shape or type than the reference's.
pub(super) fn check_desc(desc: &TensorDesc, got: &Tensor) -> Result<()> {
    if got.desc() == *desc {
        return Ok(());
    }
    let rule = format!("the reference has {desc}, this is {}", got.dtype());
    Err(Error::shape("comparison", "the output", got.shape(), rule))
}

/// The element of `got` that is farthest outside its bound.
pub(super) fn worst(exact: &Exact, got: impl Fn(usize) -> f64) -> Option<Mismatch> {
    let largest = exact.desc.dtype.row().float.as_ref().map_or(f64::MAX, |float| float.largest);
    let mut worst: Option<(f64, Mismatch)> = None;
    let mut count = 0;
    for (at, (&expected, &bound)) in exact.values.iter().zip(&exact.bound).enumerate() {
        let value = got(at);
        let may_be_nan = exact.or_nan.get(at) == Some(&true);
        let must_have_sign = exact.signed_zero.get(at) == Some(&true);
        let excess =
            match must_have_sign && value == 0.0 && value.is_sign_negative() != expected.is_sign_negative() {
                true => f64::INFINITY,
                false => excess(expected, value, bound, largest),
            };
        if excess <= 0.0 || (may_be_nan && value.is_nan()) {
            continue;
        }
        count += 1;
        if worst.as_ref().is_none_or(|(most, _)| excess > *most) {
            worst = Some((excess, Mismatch { at, expected, got: value, bound, count: 0 }));
        }
    }
    worst.map(|(_, mismatch)| Mismatch { count, ..mismatch })
}

/// By how much a value is outside its bound; not positive if it is inside.
fn excess(expected: f64, value: f64, bound: f64, largest: f64) -> f64 {
    if bound == f64::INFINITY {
        return 0.0;
    }
    if expected.is_nan() || value.is_nan() {
        return if expected.is_nan() && value.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if expected == value {
        return 0.0;
    }
    // Near the end of the type's range, rounding may reach infinity or stop short of it.
    let overflows = expected.abs() + bound.max(expected.abs() * EPS) > largest;
    if value.is_infinite() {
        let same_sign = value.is_sign_positive() == expected.is_sign_positive();
        return if overflows && same_sign { 0.0 } else { f64::INFINITY };
    }
    if expected.is_infinite() {
        return f64::INFINITY;
    }
    (expected - value).abs() - bound
}
