//! Region pooling by its definition.

use super::Exact;
use super::pool::has_no_subnormals;
use super::tolerance::{EPS, SUM};
use crate::error::Result;
use crate::geometry::positions;
use crate::memory;
use crate::problem::{MaxRoiWork, RoiAlignWork, RoiShape};
use crate::spec::RoiMode;

/// What the rounding of its coordinate leaves open of a sample along one axis.
pub(super) struct Reach {
    /// The pixels that it may touch: none if it is outside for sure.
    pub pixels: std::ops::Range<usize>,
    /// Whether it may be on either side of the border.
    pub open: bool,
}

impl Reach {
    /// Of a sample that lies within `error` of `at`.
    pub fn of(at: f32, error: f64, length: usize) -> Reach {
        let (from, to, end) = (f64::from(at) - error, f64::from(at) + error, length as f64);
        if to < -1.0 || from > end {
            return Reach { pixels: 0..0, open: false };
        }
        let pixel = |at: f64| (at.max(0.0) as usize).min(length - 1);
        Reach { pixels: pixel(from)..(pixel(to) + 2).min(length), open: from < -1.0 || to > end }
    }
}

/// How large numbers become that coordinates are computed with.
pub(super) fn farthest(shape: &RoiShape, region: [f32; 4]) -> f64 {
    let largest = region.into_iter().fold(0f32, |largest, at| largest.max(at.abs()));
    let [height, width] = shape.space;
    f64::from(largest) * f64::from(shape.spatial_scale) + (height + width) as f64
}

pub(super) fn align(
    work: &RoiAlignWork,
    x: &[f64],
    regions: &[f64],
    images: &[f64],
    y: &mut Exact,
) -> Result<()> {
    let shape = &work.shape;
    let [height, width] = shape.space;
    for r in 0..shape.regions {
        let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|i| regions[4 * r + i] as f32);
        let (rows, columns) = (work.axis(0, y1, y2), work.axis(1, x1, x2));
        let image = images[r] as usize;
        // Coordinates may be off by a few units in the last place (WGSL's divisions are), which moves each sample.
        let error = 16.0 * EPS * farthest(shape, [x1, y1, x2, y2]);
        for [c, by, bx] in positions([shape.channels, shape.bins[0], shape.bins[1]]) {
            let mut sum = 0.0;
            let mut magnitude = 0.0;
            let mut largest: Option<f64> = None;
            let mut steepest: f64 = 0.0;
            // Of samples that count or do not, as they are rounded.
            let mut open = 0.0;
            // Samples outside for sure touch nothing, and are 0.
            let across = (0..columns.samples)
                .map(|ix| (ix, Reach::of(columns.sample(bx, ix), error, width)))
                .filter(|(_, reach)| !reach.pixels.is_empty());
            let across = memory::collected(across)?;
            for iy in 0..rows.samples {
                let along = Reach::of(rows.sample(by, iy), error, height);
                let touching = if along.pixels.is_empty() { &[][..] } else { &across[..] };
                if touching.len() < columns.samples {
                    largest = Some(max_of(largest, 0.0));
                }
                for (ix, across) in touching {
                    let ix = *ix;
                    let most = (along.pixels.clone())
                        .flat_map(|row| across.pixels.clone().map(move |column| [0, row, column]))
                        .fold(0.0, |most: f64, p| most.max(x[shape.input.at(image, c, p)].abs()));
                    steepest = steepest.max(most);
                    if along.open || across.open {
                        open += most;
                    }
                    let (Some(v), Some(h)) =
                        (work.neighbours(&rows, by, iy, height), work.neighbours(&columns, bx, ix, width))
                    else {
                        largest = Some(max_of(largest, 0.0));
                        continue;
                    };
                    let (ly, lx) = (f64::from(v.weight), f64::from(h.weight));
                    let corners = [
                        (v.low, h.low, (1.0 - ly) * (1.0 - lx)),
                        (v.low, h.high, (1.0 - ly) * lx),
                        (v.high, h.low, ly * (1.0 - lx)),
                        (v.high, h.high, ly * lx),
                    ];
                    for (row, column, weight) in corners {
                        let value = x[shape.input.at(image, c, [0, row, column])];
                        sum += weight * value;
                        magnitude += (weight * value).abs();
                        largest = Some(max_of(largest, weight * value));
                    }
                }
            }
            let count = (rows.samples * columns.samples).max(1) as f64;
            let at = shape.output.at(r, c, [0, by, bx]);
            let moved = error * 4.0 * steepest;
            (y.values[at], y.bound[at]) = match work.mode {
                RoiMode::Average => (sum / count, SUM * magnitude / count + moved + open / count),
                RoiMode::Max => {
                    let open = if open > 0.0 { steepest } else { 0.0 };
                    (largest.unwrap_or(0.0), SUM * steepest + moved + open)
                }
            };
        }
    }
    Ok(())
}

/// The larger, or NaN if one is.
fn max_of(a: Option<f64>, b: f64) -> f64 {
    match a {
        Some(a) if a.is_nan() || a >= b => a,
        _ => b,
    }
}

pub(super) fn max(work: &MaxRoiWork, x: &[f64], regions: &[f64], y: &mut Exact) -> Result<()> {
    let shape = &work.shape;
    for r in 0..shape.regions {
        let [image, x1, y1, x2, y2] = [0, 1, 2, 3, 4].map(|i| regions[5 * r + i] as f32);
        for [c, by, bx] in positions([shape.channels, shape.bins[0], shape.bins[1]]) {
            let columns = work.bin(1, bx, x1, x2);
            let bin =
                (work.bin(0, by, y1, y2)).flat_map(|row| columns.clone().map(move |column| [0, row, column]));
            let value = |&p: &[usize; 3]| x[shape.input.at(image as usize, c, p)];
            let largest = bin.clone().fold(None, |largest, p| Some(max_of(largest, value(&p))));
            let at = shape.output.at(r, c, [0, by, bx]);
            y.values[at] = largest.unwrap_or(0.0);
            if largest == Some(0.0) && has_no_subnormals(y.desc.dtype, bin, value) {
                y.mark_signed_zero(at)?;
            }
        }
    }
    Ok(())
}
