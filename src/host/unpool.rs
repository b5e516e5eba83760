//! Max unpooling: values written where their indices say, the last of equal ones last.

use rayon::prelude::*;

use super::output::{Scattered, WORTH_SHARING, fill};
use crate::dtype::{Data, of_any};
use crate::error::{Error, Result};
use crate::geometry::MAX_SPATIAL;
use crate::problem::UnpoolWork;
use crate::spec::IndexNumbering;

/// Channels of a task where they lie last.
const CHANNELS: usize = 16;

pub(super) fn unpool(work: &UnpoolWork, x: &Data, indices: &Data) -> Result<Data> {
    let wrong = |tensor, data: &Data| {
        let rule = format!("the problem was made for values of {} and i32 indices", work.dtype);
        Error::dtype("max unpooling", tensor, data.dtype(), rule)
    };
    let Data::I32(indices) = indices else { return Err(wrong("the indices", indices)) };
    if x.dtype() != work.dtype {
        return Err(wrong("the values", x));
    }
    of_any!(x, x => Ok(scatter(work, x, indices)?.into()))
}

fn scatter<T: Copy + Default + Send + Sync>(work: &UnpoolWork, x: &[T], indices: &[i32]) -> Result<Vec<T>> {
    let (len, plane) = (work.batch * work.output.n, work.output.n / work.channels);
    let pixels: usize = work.in_space.iter().product();
    let place = Place::new(work);
    // Planes lie apart where channels come first.
    if work.output.space[MAX_SPATIAL - 1] == 1 {
        let batch = WORTH_SHARING.div_ceil(pixels + plane);
        return fill(len, plane, batch, |i, out: &mut [T]| {
            let (n, c) = (i / work.channels, i % work.channels);
            let from = i * pixels..(i + 1) * pixels;
            for (&value, &index) in x[from.clone()].iter().zip(&indices[from]) {
                // Every index lies in its plane, as was checked before.
                if let Some(slot) = place.of(index, n, c).and_then(|at| out.get_mut(at)) {
                    *slot = value;
                }
            }
        });
    }
    let out = Scattered::zeroed(len)?;
    let blocks = work.channels.div_ceil(CHANNELS);
    (0..work.batch * blocks).into_par_iter().for_each(|i| {
        let (n, first) = (i / blocks, i % blocks * CHANNELS);
        let last = work.channels.min(first + CHANNELS);
        for p in 0..pixels {
            let from = (n * pixels + p) * work.channels;
            for c in first..last {
                if let Some(at) = place.of(indices[from + c], n, c) {
                    let to = n * work.output.n + at * work.channels + c;
                    // SAFETY: each channel of each image is written by one task alone.
                    unsafe { out.write(to, &x[from + c..=from + c]) };
                }
            }
        }
    });
    // SAFETY: `zeroed` has written all elements.
    Ok(unsafe { out.finish() })
}

/// Where indices lie in the output's plane.
pub(super) struct Place<'a> {
    work: &'a UnpoolWork,
    /// Whether an index, less its plane's first, is the place.
    same: bool,
    plane: usize,
}

impl<'a> Place<'a> {
    pub fn new(work: &'a UnpoolWork) -> Place<'a> {
        let same = work.indexed == work.out_space && work.numbering != IndexNumbering::WholeColumnMajor;
        Place { work, same, plane: work.out_space.iter().product() }
    }

    pub fn of(&self, index: i32, n: usize, c: usize) -> Option<usize> {
        let work = self.work;
        if self.same {
            let first = match work.numbering {
                IndexNumbering::PerPlane => 0,
                _ => (n * work.channels + c) * self.plane,
            };
            return usize::try_from(index).ok()?.checked_sub(first).filter(|&at| at < self.plane);
        }
        let [d, h, w]: [usize; MAX_SPATIAL] = work.position(i64::from(index), n, c)?;
        let [_, height, width] = work.out_space;
        Some((d * height + h) * width + w)
    }
}
