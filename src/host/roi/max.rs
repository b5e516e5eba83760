//! Maxima of bins with whole-numbered bounds.

use super::each_bin;
use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::MaxRoiWork;

pub(in crate::host) fn max(work: &MaxRoiWork, x: &[f32], regions: &[f32]) -> Result<Vec<f32>> {
    let shape = &work.shape;
    let [bins_h, bins_w] = shape.bins;
    // Rows and columns of every bin are the same for all channels.
    let bins = bins_h + bins_w;
    let bounds = fill(shape.regions * bins, bins, WORTH_SHARING.div_ceil(16 * bins), |r, out| {
        let region = &regions[5 * r..];
        let rows = (0..bins_h).map(|bin| work.bin(0, bin, region[2], region[4]));
        let columns = (0..bins_w).map(|bin| work.bin(1, bin, region[1], region[3]));
        out.iter_mut().zip(rows.chain(columns)).for_each(|(out, bin)| *out = [bin.start, bin.end]);
    })?;
    each_bin(shape, shape.regions, |region, channels, bins_of_rows, out| {
        let image = regions[5 * region] as usize;
        let (rows, columns) = bounds[region * bins..][..bins].split_at(bins_h);
        let all =
            rows[bins_of_rows].iter().flat_map(|rows| columns.iter().map(move |columns| (rows, columns)));
        for ((rows, columns), out) in all.zip(out.chunks_exact_mut(channels.len())) {
            let (rows, columns) = (rows[0]..rows[1], columns[0]..columns[1]);
            if rows.is_empty() || columns.is_empty() {
                out.fill(0.0);
                continue;
            }
            out.fill(f32::NEG_INFINITY);
            if let [out] = out {
                // With a single channel, loops over it would cost more than they do.
                for row in rows.clone() {
                    let from = shape.input.at(image, channels.start, [0, row, columns.start]);
                    let row = x[from..].iter().step_by(shape.input.space[2]).take(columns.len());
                    *out = row.fold(*out, |max, &v| if v > max || v.is_nan() { v } else { max });
                }
                continue;
            }
            for row in rows.clone() {
                for column in columns.clone() {
                    let from = shape.input.at(image, channels.start, [0, row, column]);
                    // Channels of a task lie together.
                    for (max, &v) in out.iter_mut().zip(&x[from..]) {
                        if v > *max || v.is_nan() {
                            *max = v;
                        }
                    }
                }
            }
        }
        Ok(())
    })
}
