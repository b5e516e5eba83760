//! Averages: sums divided by the number of taps that the specification counts.

use super::frame::{Frame, Windows};
use super::reduce::Sum;
use super::{narrowed, same, wrong_type};
use crate::error::Result;
use crate::geometry::Axis;
use crate::host::element::{Plain, Widened, narrow};
use crate::host::simd::wide;
use crate::problem::PoolWork;
use crate::tensor::Data;

/// What sums are divided by.
#[derive(Clone, Copy)]
pub(super) struct Divisor {
    pub count_include_pad: bool,
    /// Instead of any count.
    pub fixed: Option<u32>,
}

impl Divisor {
    /// Taps of window `o` that count.
    fn count(self, a: &Axis, o: usize) -> usize {
        match self.fixed {
            Some(_) => 1,
            None if self.count_include_pad => a.taps_padded(o),
            None => a.taps_inside(o).len(),
        }
    }

    /// Divides the sums of `windows`.
    fn divide(self, frame: &Frame, windows: &Windows, sums: &mut [f32]) {
        let [a0, a1, a2] = &frame.axes;
        let counts = |a: &Axis, i: usize| windows[i].clone().map(|o| self.count(a, o)).collect::<Vec<_>>();
        let (d, h, w) = (counts(a0, 0), counts(a1, 1), counts(a2, 2));
        let length = w.len() * frame.inner;
        let outer = d.iter().flat_map(|d| h.iter().map(move |h| d * h));
        // Most rows have the same divisors as the row before.
        let (mut last, mut divisors) = (None, Vec::new());
        for (outer, sums) in outer.zip(sums.chunks_exact_mut(length)) {
            if last != Some(outer) {
                last = Some(outer);
                divisors.clear();
                let all = w.iter().map(|w| self.fixed.map_or((outer * w) as f32, |fixed| fixed as f32));
                divisors.extend(all.flat_map(|count| std::iter::repeat_n(count, frame.inner)));
            }
            divide(sums, &divisors);
        }
    }
}

fn divide(sums: &mut [f32], divisors: &[f32]) {
    wide(
        #[inline(always)]
        |_| {
            for (sum, &divisor) in sums.iter_mut().zip(divisors) {
                *sum /= divisor;
            }
        },
    );
}

pub(super) fn pool(work: &PoolWork, x: &Data, divisor: Divisor) -> Result<Data> {
    let finish = |frame: &Frame, windows: &Windows, sums: &mut [f32]| divisor.divide(frame, windows, sums);
    Ok(match x {
        Data::F32(x) => Data::F32(same::<Sum<f32>>(work, &Plain(x), finish)?),
        Data::F16(x) => Data::F16(narrowed::<Sum<f32>, _>(work, &Widened(x), finish, narrow)?),
        _ => return Err(wrong_type(work, x)),
    })
}
