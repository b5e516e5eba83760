//! Lp norms, summed in 64-bit floats because powers leave the range of 32-bit ones.

use super::frame::{Frame, Windows};
use super::reduce::Sum;
use super::{narrowed, scaled_lp, wrong_type};
use crate::dtype::{Data, Element, of_any};
use crate::error::Result;
use crate::host::element::Powers;
use crate::problem::PoolWork;

/// The largest exponent whose powers of any 16- or 32-bit float, and sums of many of them, 64-bit floats hold: their
/// exponents go to 1,023, those of subnormal 32-bit floats to -149.
const LARGEST_EXPONENT: f32 = 6.0;

pub(super) fn pool(work: &PoolWork, x: &Data, p: f32) -> Result<Data> {
    powers(work, None, x, p, |_, _, _| {})
}

/// PyTorch's: powers keep their sign, and a window of which a part lies outside counts as if it were whole.
/// It has `taps`.
pub(super) fn torch(work: &PoolWork, taps: f64, x: &Data, p: f32) -> Result<Data> {
    powers(work, Some(taps), x, p, |frame: &Frame, windows: &Windows, sums: &mut [f64]| {
        let mut sums = sums.chunks_exact_mut(frame.inner);
        for d in windows[0].clone() {
            for h in windows[1].clone() {
                for w in windows[2].clone() {
                    let inside: usize =
                        frame.axes.iter().zip([d, h, w]).map(|(a, o)| a.taps_inside(o).len()).product();
                    let scale = taps / inside as f64;
                    sums.next().into_iter().flatten().for_each(|s| *s *= scale);
                }
            }
        }
    })
}

/// The root of the sum of powers, after `finish`. `signed` are the taps of a whole window where powers keep their sign.
fn powers(
    work: &PoolWork,
    signed: Option<f64>,
    x: &Data,
    p: f32,
    finish: impl Fn(&Frame, &Windows, &mut [f64]) + Sync + Send,
) -> Result<Data> {
    if p > LARGEST_EXPONENT {
        return scaled_lp::pool(work, signed, x, p);
    }
    if !x.dtype().is_float() {
        return Err(wrong_type(work, x));
    }
    let (p, signed) = (f64::from(p), signed.is_some());
    of_any!(x, x => Ok(norms(work, &Powers { elements: x, p, signed }, finish)?.into()))
}

fn norms<E: Element>(
    work: &PoolWork,
    powers: &Powers<E>,
    finish: impl Fn(&Frame, &Windows, &mut [f64]) + Sync + Send,
) -> Result<Vec<E>> {
    let root = |sum: f64| match powers.p {
        1.0 => sum,
        2.0 => sum.sqrt(),
        p => sum.powf(1.0 / p),
    };
    let narrow = |sums: &[f64], out: &mut [E]| {
        out.iter_mut().zip(sums).for_each(|(y, &s)| *y = E::rounded(root(s)));
    };
    narrowed::<Sum<f64>, E>(work, powers, finish, narrow)
}
