//! Lp norms of large exponents, window by window: powers are taken of elements over the window's largest, so that they stay
//! in the range of 64-bit floats when the norm does.

use super::wrong_type;
use crate::dtype::{Data, Element, of_any};
use crate::error::Result;
use crate::geometry::{MAX_SPATIAL, taps_inside};
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::PoolWork;

/// Norms with exponent `p`; `signed` are the taps of a whole window where they are PyTorch's, as in [`lp`](super::lp).
pub(super) fn pool(work: &PoolWork, signed: Option<f64>, x: &Data, p: f32) -> Result<Data> {
    if !x.dtype().is_float() {
        return Err(wrong_type(work, x));
    }
    of_any!(x, x => Ok(norms(work, signed, x, p)?.into()))
}

fn norms<E: Element>(work: &PoolWork, signed: Option<f64>, x: &[E], p: f32) -> Result<Vec<E>> {
    let [depth, height, width] = work.axes.map(|a| a.output);
    let len = work.batch * work.channels * depth * height * width;
    // The output is written in its own order: what its strides say of a place is counted back.
    let channels_last = work.output.c == 1 && work.channels > 1;
    let place = move |at: usize| -> (usize, usize, [usize; MAX_SPATIAL]) {
        let (outer, c) = if channels_last { (at / work.channels, at % work.channels) } else { (at, 0) };
        let position = [outer / width / height % depth, outer / width % height, outer % width];
        let outer = outer / width / height / depth;
        if channels_last {
            (outer, c, position)
        } else {
            (outer / work.channels, outer % work.channels, position)
        }
    };
    fill(len, 1, WORTH_SHARING / 64, |at, out: &mut [E]| {
        let (n, c, position) = place(at);
        let value = |at: [usize; MAX_SPATIAL]| x[work.input.at(n, c, at)].into();
        out.fill(E::rounded(norm(work, position, f64::from(p), signed, value)));
    })
}

fn norm(
    work: &PoolWork,
    at: [usize; MAX_SPATIAL],
    p: f64,
    signed: Option<f64>,
    value: impl Fn([usize; MAX_SPATIAL]) -> f64,
) -> f64 {
    let mut largest = 0f64;
    let places = taps_inside(&work.axes, at).map(|(_, place)| place);
    places.clone().for_each(|place| largest = largest.max(value(place).abs()));
    let unit = if largest > 0.0 && largest.is_finite() { largest } else { 1.0 };
    let mut sum = 0.0;
    let mut inside = 0.0;
    places.for_each(|place| {
        let x = value(place);
        inside += 1.0;
        // Beside what is infinite no number counts.
        if !(largest.is_infinite() && x.is_finite()) {
            sum += (if signed.is_some() { x } else { x.abs() } / unit).powf(p);
        }
    });
    if let Some(taps) = signed {
        sum *= taps / inside;
    }
    unit * sum.powf(1.0 / p)
}
