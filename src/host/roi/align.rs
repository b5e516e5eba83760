//! Bilinear samples of bins, averaged or their largest.

use rayon::prelude::*;

use super::each_bin;
use crate::error::{Error, Result};
use crate::problem::{Neighbours, RoiAlignWork, RoiAxis};
use crate::spec::RoiMode;
use crate::tensor::Data;

/// The most samples of a bin along one axis that are visited.
const SAMPLES: usize = 1 << 20;

/// Where the samples of one bin lie along one axis.
struct Bin {
    /// The neighbours of the samples that lie inside the image.
    inside: Vec<Neighbours>,
    /// Whether there are samples, and whether some lie outside the image.
    any: bool,
    outside: bool,
    /// The positions that they touch, from `first` on, each with the sum of its weights.
    first: usize,
    weights: Vec<f64>,
}

impl Bin {
    fn new(work: &RoiAlignWork, axis: &RoiAxis, bin: usize, length: usize) -> Result<Bin> {
        // A region far larger than the image has more samples than could be visited, but few of them lie in it,
        // one behind the other: the first and the last are found by halving.
        let at = |i: usize| axis.sample(bin, i);
        let (first, end) = if axis.bin >= 0.0 {
            let first = partition(0, axis.samples, |i| at(i) < -1.0);
            (first, partition(first, axis.samples, |i| at(i) <= length as f32))
        } else {
            let first = partition(0, axis.samples, |i| at(i) > length as f32);
            (first, partition(first, axis.samples, |i| at(i) >= -1.0))
        };
        // Only numbers so large that many samples are rounded to one place come near this.
        if end - first > SAMPLES {
            return Err(Error::TooLarge {
                what: "region",
                values: format!("{} samples of a bin of {axis:?}", end - first),
                rule: "no axis of a bin may have more than 2^20 samples inside the image's",
            });
        }
        let inside: Vec<Neighbours> =
            (first..end).filter_map(|i| work.neighbours(axis, bin, i, length)).collect();
        let first = inside.iter().map(|n| n.low).min().unwrap_or(0);
        let last = inside.iter().map(|n| n.high).max().unwrap_or(0);
        let mut weights = vec![0.0; if inside.is_empty() { 0 } else { last - first + 1 }];
        for n in &inside {
            weights[n.low - first] += 1.0 - f64::from(n.weight);
            weights[n.high - first] += f64::from(n.weight);
        }
        Ok(Bin { any: axis.samples > 0, outside: inside.len() < axis.samples, inside, first, weights })
    }
}

/// The first of `from..to` for which `before` is false, if it is so for all behind it.
fn partition(mut from: usize, mut to: usize, before: impl Fn(usize) -> bool) -> usize {
    while from < to {
        let middle = from + (to - from) / 2;
        if before(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

/// A region's bins along both axes.
struct Region {
    image: usize,
    rows: Vec<Bin>,
    columns: Vec<Bin>,
    /// Samples of a bin, at least 1.
    count: f64,
}

pub(in crate::host) fn align(work: &RoiAlignWork, x: &[f32], regions: &[f32], images: &Data) -> Result<Data> {
    let shape = &work.shape;
    let [height, width] = shape.space;
    let regions: Vec<Region> = (regions.par_chunks_exact(4).enumerate())
        .map(|(r, region)| {
            let rows = work.axis(0, region[1], region[3]);
            let columns = work.axis(1, region[0], region[2]);
            Ok(Region {
                image: images.get(r).unwrap_or(0.0) as usize,
                rows: (0..shape.bins[0])
                    .map(|bin| Bin::new(work, &rows, bin, height))
                    .collect::<Result<_>>()?,
                columns: (0..shape.bins[1])
                    .map(|bin| Bin::new(work, &columns, bin, width))
                    .collect::<Result<_>>()?,
                count: (rows.samples as f64 * columns.samples as f64).max(1.0),
            })
        })
        .collect::<Result<_>>()?;
    each_bin(shape, |r, channels, bins, out| {
        let region = &regions[r];
        let bins = (region.rows[bins].iter())
            .flat_map(|rows| region.columns.iter().map(move |columns| (rows, columns)));
        let mut sums = vec![0f64; channels.len()];
        for ((rows, columns), out) in bins.zip(out.chunks_exact_mut(channels.len())) {
            // Channels of a task lie together.
            let at = |row, column| shape.input.at(region.image, channels.start, [0, row, column]);
            let pixel = |row: usize, column: usize| &x[at(row, column)..][..channels.len()];
            match work.mode {
                RoiMode::Average => {
                    if let [sum] = sums.as_mut_slice() {
                        let row = |row| x[at(row, columns.first)..].iter().step_by(shape.input.space[2]);
                        *sum = of_one_channel(rows, columns, row);
                    } else {
                        of_channels(rows, columns, &pixel, &mut sums);
                    }
                    sample_by_sample(rows, columns, &pixel, &mut sums);
                }
                RoiMode::Max => largest(rows, columns, &pixel, &mut sums),
            }
            let count = if work.mode == RoiMode::Average { region.count } else { 1.0 };
            out.iter_mut().zip(&sums).for_each(|(y, s)| *y = (s / count) as f32);
        }
    })
}

/// The sum of all samples, of which weights are products of those along both axes.
fn of_channels<'x>(rows: &Bin, columns: &Bin, pixel: &impl Fn(usize, usize) -> &'x [f32], sums: &mut [f64]) {
    sums.fill(0.0);
    for (row, wy) in (rows.first..).zip(&rows.weights) {
        for (column, wx) in (columns.first..).zip(&columns.weights) {
            let weight = wy * wx;
            sums.iter_mut().zip(pixel(row, column)).for_each(|(s, &v)| *s += weight * f64::from(v));
        }
    }
}

/// The same of a single channel, of which `row` gives a row's elements from the first column on.
fn of_one_channel<'x, I: Iterator<Item = &'x f32>>(
    rows: &Bin,
    columns: &Bin,
    row: impl Fn(usize) -> I,
) -> f64 {
    if columns.weights.is_empty() {
        return 0.0;
    }
    let along = |at| columns.weights.iter().zip(row(at)).map(|(wx, &v)| wx * f64::from(v)).sum::<f64>();
    (rows.first..).zip(&rows.weights).map(|(at, wy)| wy * along(at)).sum()
}

/// Corrects sums that are not finite: infinities and NaN make a difference even where their weight is 0, which
/// comes out right sample by sample.
fn sample_by_sample<'x>(
    rows: &Bin,
    columns: &Bin,
    pixel: &impl Fn(usize, usize) -> &'x [f32],
    sums: &mut [f64],
) {
    for (c, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| !sum.is_finite()) {
        *sum = 0.0;
        corners(rows, columns, |row, column, weight| *sum += weight * f64::from(pixel(row, column)[c]));
    }
}

/// The largest weighted corner of all samples; those outside the image are 0.
fn largest<'x>(rows: &Bin, columns: &Bin, pixel: &impl Fn(usize, usize) -> &'x [f32], sums: &mut [f64]) {
    let any = rows.any && columns.any;
    if !any || rows.inside.is_empty() || columns.inside.is_empty() {
        sums.fill(0.0);
        return;
    }
    sums.fill(if rows.outside || columns.outside { 0.0 } else { f64::NEG_INFINITY });
    corners(rows, columns, |row, column, weight| {
        for (max, &v) in sums.iter_mut().zip(pixel(row, column)) {
            let v = weight * f64::from(v);
            if v > *max || v.is_nan() {
                *max = v;
            }
        }
    });
}

/// Calls `each` with row, column and weight of all corners of all samples inside the image.
fn corners(rows: &Bin, columns: &Bin, mut each: impl FnMut(usize, usize, f64)) {
    for v in &rows.inside {
        for h in &columns.inside {
            let (ly, lx) = (f64::from(v.weight), f64::from(h.weight));
            each(v.low, h.low, (1.0 - ly) * (1.0 - lx));
            each(v.low, h.high, (1.0 - ly) * lx);
            each(v.high, h.low, ly * (1.0 - lx));
            each(v.high, h.high, ly * lx);
        }
    }
}
