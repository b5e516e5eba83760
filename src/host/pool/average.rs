//! Averages: sums divided by the number of taps that the specification counts.

use super::frame::{Frame, Windows};
use super::reduce::Sum;
use super::{halves, same};
use crate::error::Result;
use crate::geometry::{Axis, MAX_SPATIAL};
use crate::host::element::Plain;
use crate::memory;
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
}

/// The divisor of each window: the product of one number for each axis.
pub(super) struct Counts([Vec<f32>; MAX_SPATIAL]);

impl Counts {
    /// Those of windows on `axes`, in the order of the frame's axes, which may have lost taps that count.
    pub fn new(frame: &Frame, axes: &[Axis; MAX_SPATIAL], divisor: Divisor) -> Result<Counts> {
        let of = |a: &Axis| memory::collected((0..a.output).map(|o| divisor.count(a, o) as f32));
        let [a, b, c] = axes;
        let mut counts = [of(a)?, of(b)?, of(c)?];
        for _ in 0..frame.joined {
            // Axes that are joined have one window each.
            let [a, b, c] = counts;
            counts = [vec![1.0], a, vec![b.iter().chain(&c).product()]];
        }
        if let Some(fixed) = divisor.fixed {
            counts[0].fill(fixed as f32);
        }
        Ok(Counts(counts))
    }

    /// Divides the sums of `windows`.
    pub fn divide(&self, frame: &Frame, windows: &Windows, sums: &mut [f32]) {
        let [d, h, w]: [&[f32]; MAX_SPATIAL] = std::array::from_fn(|i| &self.0[i][windows[i].clone()]);
        let outer = d.iter().flat_map(|d| h.iter().map(move |h| d * h));
        for (outer, sums) in outer.zip(sums.chunks_exact_mut(w.len() * frame.inner)) {
            wide!(|_| {
                if frame.inner == 1 {
                    for (sum, &w) in sums.iter_mut().zip(w) {
                        *sum /= outer * w;
                    }
                } else {
                    for (sums, &w) in sums.chunks_exact_mut(frame.inner).zip(w) {
                        sums.iter_mut().for_each(|sum| *sum /= outer * w);
                    }
                }
            });
        }
    }
}

/// Averages of the windows of `work`, whose taps count on `axes`.
pub(super) fn pool(work: &PoolWork, axes: &[Axis; MAX_SPATIAL], x: &Data, divisor: Divisor) -> Result<Data> {
    let counts = Counts::new(&Frame::joined(work), axes, divisor)?;
    let finish = |frame: &Frame, windows: &Windows, sums: &mut [f32]| counts.divide(frame, windows, sums);
    match x {
        Data::F32(x) => Ok(same::<Sum<f32>>(work, &Plain(x), finish)?.into()),
        _ => halves::<Sum<f32>>(work, x, finish),
    }
}
