//! The gradient of region pooling by its definition.

use crate::geometry::positions;
use crate::problem::RoiAlignWork;
use crate::reference::Exact;
use crate::reference::roi::{Reach, farthest};
use crate::reference::tolerance::{EPS, SUM};

pub(super) fn align(work: &RoiAlignWork, g: &[f64], regions: &[f64], images: &[f64], y: &mut Exact) {
    let shape = &work.shape;
    let [height, width] = shape.space;
    for r in 0..shape.regions {
        let region = [0, 1, 2, 3].map(|i| regions[4 * r + i] as f32);
        let [x1, y1, x2, y2] = region;
        let (rows, columns) = (work.axis(0, y1, y2), work.axis(1, x1, x2));
        let image = images[r] as usize;
        // As of the forward pass: coordinates may be off by so much, which moves each sample.
        let error = 16.0 * EPS * farthest(shape, region);
        let count = (rows.samples * columns.samples).max(1) as f64;
        for [by, bx] in positions([1, shape.bins[0], shape.bins[1]]).map(|[_, by, bx]| [by, bx]) {
            for (iy, ix) in (0..rows.samples).flat_map(|iy| (0..columns.samples).map(move |ix| (iy, ix))) {
                let along = Reach::of(rows.sample(by, iy), error, height);
                let across = Reach::of(columns.sample(bx, ix), error, width);
                let open = along.open || across.open;
                let (v, h) =
                    (work.neighbours(&rows, by, iy, height), work.neighbours(&columns, bx, ix, width));
                for c in 0..shape.channels {
                    let share = g[shape.output.at(r, c, [0, by, bx])] / count;
                    // A weight is no steeper than 1 along either axis; of a sample that counts or does not it is any.
                    let moved = if open { 1.0 } else { 4.0 * error };
                    for row in along.pixels.clone() {
                        for column in across.pixels.clone() {
                            y.bound[shape.input.at(image, c, [0, row, column])] += moved * share.abs();
                        }
                    }
                    let (Some(v), Some(h)) = (v, h) else { continue };
                    let (ly, lx) = (f64::from(v.weight), f64::from(h.weight));
                    let corners = [
                        (v.low, h.low, (1.0 - ly) * (1.0 - lx)),
                        (v.low, h.high, (1.0 - ly) * lx),
                        (v.high, h.low, ly * (1.0 - lx)),
                        (v.high, h.high, ly * lx),
                    ];
                    for (row, column, weight) in corners {
                        let at = shape.input.at(image, c, [0, row, column]);
                        y.values[at] += weight * share;
                        y.bound[at] += SUM * (weight * share).abs();
                    }
                }
            }
        }
    }
}
