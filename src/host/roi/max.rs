//! Maxima of bins with whole-numbered bounds.

use rayon::prelude::*;

use super::each_bin;
use crate::error::Result;
use crate::problem::MaxRoiWork;
use crate::tensor::Data;

pub(in crate::host) fn max(work: &MaxRoiWork, x: &[f32], regions: &[f32]) -> Result<Data> {
    let shape = &work.shape;
    let [bins_h, bins_w] = shape.bins;
    // Rows and columns of every bin are the same for all channels.
    let bounds: Vec<_> = (regions.par_chunks_exact(5))
        .map(|region| {
            let rows = (0..bins_h).map(|bin| work.bin(0, bin, region[2], region[4]));
            let columns = (0..bins_w).map(|bin| work.bin(1, bin, region[1], region[3]));
            (region[0] as usize, rows.collect::<Vec<_>>(), columns.collect::<Vec<_>>())
        })
        .collect();
    each_bin(shape, |region, channels, bins, out| {
        let (image, rows, columns) = &bounds[region];
        let bins = rows[bins].iter().flat_map(|rows| columns.iter().map(move |columns| (rows, columns)));
        for ((rows, columns), out) in bins.zip(out.chunks_exact_mut(channels.len())) {
            if rows.is_empty() || columns.is_empty() {
                out.fill(0.0);
                continue;
            }
            out.fill(f32::NEG_INFINITY);
            if let [out] = out {
                // With a single channel, loops over it would cost more than they do.
                for row in rows.clone() {
                    let from = shape.input.at(*image, channels.start, [0, row, columns.start]);
                    let row = x[from..].iter().step_by(shape.input.space[2]).take(columns.len());
                    *out = row.fold(*out, |max, &v| if v > max || v.is_nan() { v } else { max });
                }
                continue;
            }
            for row in rows.clone() {
                for column in columns.clone() {
                    let from = shape.input.at(*image, channels.start, [0, row, column]);
                    // Channels of a task lie together.
                    for (max, &v) in out.iter_mut().zip(&x[from..]) {
                        if v > *max || v.is_nan() {
                            *max = v;
                        }
                    }
                }
            }
        }
    })
}
