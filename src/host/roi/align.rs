//! Bilinear samples of bins, averaged or their largest.

use std::ops::Range;

use rayon::prelude::*;

use super::each_bin;
use crate::error::{Error, Result};
use crate::host::kept::with_kept;
use crate::memory;
use crate::problem::{Neighbours, RoiAlignWork, RoiAxis};
use crate::spec::RoiMode;
use crate::tensor::Data;

/// The most samples of a bin along one axis that are visited.
const SAMPLES: usize = 1 << 20;

/// Numbers that are kept of regions at a time, about.
const KEPT: usize = 1 << 16;

/// Where the samples of one bin lie along one axis.
pub(in crate::host) struct Bin {
    /// The samples that lie inside the image: neighbours, or nearly.
    samples: Range<usize>,
    /// Whether there are samples, and whether some lie inside the image, and some outside.
    any: bool,
    inside: bool,
    outside: bool,
    /// The positions that they touch, from `first` on, each with the sum of its weights.
    first: usize,
    weights: Vec<f64>,
}

impl Bin {
    pub fn new(work: &RoiAlignWork, axis: &RoiAxis, bin: usize, length: usize) -> Result<Bin> {
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
            return Err(Error::too_large(
                "region",
                format!("{} samples of bins of {} from {} on", end - first, axis.bin, axis.start),
                "no axis of a bin may have more than 2^20 samples inside the image's",
            ));
        }
        let samples = first..end;
        let inside = || samples.clone().filter_map(|i| work.neighbours(axis, bin, i, length));
        let (mut count, mut first, mut last) = (0, usize::MAX, 0);
        for n in inside() {
            (count, first, last) = (count + 1, first.min(n.low), last.max(n.high));
        }
        let first = first.min(last);
        let mut weights = memory::filled(0.0, if count == 0 { 0 } else { last - first + 1 })?;
        for n in inside() {
            weights[n.low - first] += 1.0 - f64::from(n.weight);
            weights[n.high - first] += f64::from(n.weight);
        }
        let (any, outside) = (axis.samples > 0, count < axis.samples);
        Ok(Bin { any, inside: count > 0, outside, samples, first, weights })
    }

    /// The positions that samples touch, each with the sum of its weights.
    #[cfg(feature = "gradients")]
    pub fn pixels(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        self.weights.iter().enumerate().map(|(i, &weight)| (self.first + i, weight))
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

/// The bins of a region along one axis.
struct Bins {
    axis: RoiAxis,
    /// Of the image.
    length: usize,
    bins: Vec<Bin>,
}

impl Bins {
    fn new(work: &RoiAlignWork, axis: usize, from: f32, to: f32) -> Result<Bins> {
        let (length, count) = (work.shape.space[axis], work.shape.bins[axis]);
        let axis = work.axis(axis, from, to);
        let mut bins = memory::room(count)?;
        for bin in 0..count {
            bins.push(Bin::new(work, &axis, bin, length)?);
        }
        Ok(Bins { axis, length, bins })
    }

    /// The samples of a bin that lie inside the image.
    fn inside<'a>(&'a self, work: &'a RoiAlignWork, bin: usize) -> impl Iterator<Item = Neighbours> + 'a {
        let neighbours = move |i| work.neighbours(&self.axis, bin, i, self.length);
        self.bins[bin].samples.clone().filter_map(neighbours)
    }
}

/// A region's bins along both axes.
struct Region {
    image: usize,
    rows: Bins,
    columns: Bins,
    /// Samples of a bin, at least 1.
    count: f64,
}

/// A bin of a region, by its row and column.
struct Place<'a> {
    work: &'a RoiAlignWork,
    region: &'a Region,
    row: usize,
    column: usize,
}

pub(in crate::host) fn align(
    work: &RoiAlignWork,
    x: &[f32],
    regions: &[f32],
    images: &Data,
) -> Result<Vec<f32>> {
    let shape = &work.shape;
    let ([height, width], [bins_h, bins_w]) = (shape.space, shape.bins);
    // There must be memory for the result before anything is found out for it.
    drop(memory::room::<f32>(shape.regions * shape.output.n)?);
    // What is kept of a region: bins lie side by side, so that they touch each position once, and those at their ends twice.
    let each = height + width + 12 * (bins_h + bins_w);
    let together = (KEPT / each).max(1);
    let mut y = Vec::new();
    for (first, some) in (0..).step_by(together).zip(regions.chunks(4 * together)) {
        let kept = (some.par_chunks_exact(4).enumerate())
            .map(|(r, region)| {
                let rows = Bins::new(work, 0, region[1], region[3])?;
                let columns = Bins::new(work, 1, region[0], region[2])?;
                let count = (rows.axis.samples as f64 * columns.axis.samples as f64).max(1.0);
                Ok(Region { image: images.get(first + r).unwrap_or(0.0) as usize, rows, columns, count })
            })
            .collect::<Result<Vec<_>>>()?;
        let part = some_regions(work, x, &kept)?;
        if kept.len() == shape.regions {
            return Ok(part);
        }
        let missing = shape.regions * shape.output.n - y.len();
        memory::reserve(&mut y, missing)?;
        y.extend_from_slice(&part);
    }
    Ok(y)
}

fn some_regions(work: &RoiAlignWork, x: &[f32], regions: &[Region]) -> Result<Vec<f32>> {
    let shape = &work.shape;
    each_bin(shape, regions.len(), |r, channels, bins, out| {
        let region = &regions[r];
        let columns = 0..shape.bins[1];
        let bins = bins.flat_map(|row| columns.clone().map(move |column| (row, column)));
        let mut sums = memory::filled(0f64, channels.len())?;
        for ((row, column), out) in bins.zip(out.chunks_exact_mut(channels.len())) {
            let (rows, columns) = (&region.rows.bins[row], &region.columns.bins[column]);
            let place = Place { work, region, row, column };
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
                    sample_by_sample(&place, &pixel, &mut sums)?;
                }
                RoiMode::Max => largest(rows, columns, &place, &pixel, &mut sums)?,
            }
            let count = if work.mode == RoiMode::Average { region.count } else { 1.0 };
            out.iter_mut().zip(&sums).for_each(|(y, s)| *y = (s / count) as f32);
        }
        Ok(())
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
    place: &Place,
    pixel: &impl Fn(usize, usize) -> &'x [f32],
    sums: &mut [f64],
) -> Result<()> {
    for (c, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| !sum.is_finite()) {
        *sum = 0.0;
        place.corners(|row, column, weight| *sum += weight * f64::from(pixel(row, column)[c]))?;
    }
    Ok(())
}

/// The largest weighted corner of all samples; those outside the image are 0.
fn largest<'x>(
    rows: &Bin,
    columns: &Bin,
    place: &Place,
    pixel: &impl Fn(usize, usize) -> &'x [f32],
    sums: &mut [f64],
) -> Result<()> {
    let any = rows.any && columns.any;
    if !any || !rows.inside || !columns.inside {
        sums.fill(0.0);
        return Ok(());
    }
    sums.fill(if rows.outside || columns.outside { 0.0 } else { f64::NEG_INFINITY });
    place.corners(|row, column, weight| {
        for (max, &v) in sums.iter_mut().zip(pixel(row, column)) {
            let v = weight * f64::from(v);
            if v > *max || v.is_nan() {
                *max = v;
            }
        }
    })
}

impl Place<'_> {
    /// Calls `each` with row, column and weight of all corners of all samples inside the image.
    fn corners(&self, mut each: impl FnMut(usize, usize, f64)) -> Result<()> {
        let Region { rows, columns, .. } = self.region;
        with_kept(|across: &mut Vec<Neighbours>| {
            across.clear();
            memory::extend(across, columns.inside(self.work, self.column))?;
            for v in rows.inside(self.work, self.row) {
                for h in across.iter() {
                    let (ly, lx) = (f64::from(v.weight), f64::from(h.weight));
                    each(v.low, h.low, (1.0 - ly) * (1.0 - lx));
                    each(v.low, h.high, (1.0 - ly) * lx);
                    each(v.high, h.low, ly * (1.0 - lx));
                    each(v.high, h.high, ly * lx);
                }
            }
            Ok(())
        })
    }
}
