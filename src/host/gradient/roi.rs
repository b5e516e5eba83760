//! The gradient of region pooling: each bin's is spread over the pixels that its samples touch, by the weights of rows and columns.

use super::super::output::{WORTH_SHARING, try_fill};
use super::super::roi::Bin;
use crate::error::Result;
use crate::memory;
use crate::problem::RoiAlignWork;
use crate::tensor::Data;

/// A region: its image, its bins along height and width, and samples of each bin.
struct Region {
    image: usize,
    rows: Vec<Bin>,
    columns: Vec<Bin>,
    count: f64,
}

fn regions_of(work: &RoiAlignWork, regions: &[f32], images: &[i32]) -> Result<Vec<Region>> {
    let [height, width] = work.shape.space;
    let of = |(region, &image): (&[f32], &i32)| {
        let &[x1, y1, x2, y2] = region else { return Ok(None) };
        let (rows, columns) = (work.axis(0, y1, y2), work.axis(1, x1, x2));
        let bins = |axis, count: usize, length| {
            (0..count).map(|bin| Bin::new(work, axis, bin, length)).collect::<Result<Vec<_>>>()
        };
        Ok(Some(Region {
            image: image as usize,
            rows: bins(&rows, work.shape.bins[0], height)?,
            columns: bins(&columns, work.shape.bins[1], width)?,
            count: (rows.samples * columns.samples).max(1) as f64,
        }))
    };
    regions.chunks_exact(4).zip(images).filter_map(|pair| of(pair).transpose()).collect()
}

pub(super) fn align(work: &RoiAlignWork, g: &[f32], regions: &[f32], images: &Data) -> Result<Vec<f32>> {
    let shape = &work.shape;
    let regions = regions_of(work, regions, super::pool::indices_of(images)?)?;
    let apart = if shape.channels_last { 1 } else { shape.channels };
    let (chunk, together) = (shape.input.n / apart, shape.channels / apart);
    let len = shape.batch * shape.input.n;
    try_fill(len, chunk, WORTH_SHARING.div_ceil(chunk.max(1)), |task, out: &mut [f32]| {
        let (image, first) = (task / apart, task % apart * together);
        let mut sums = memory::filled(0f64, chunk)?;
        for (r, region) in regions.iter().enumerate().filter(|(_, region)| region.image == image) {
            for c in first..first + together {
                let plane = (c - first) * shape.input.c;
                for (by, rows) in region.rows.iter().enumerate() {
                    for (bx, columns) in region.columns.iter().enumerate() {
                        let share = f64::from(g[shape.output.at(r, c, [0, by, bx])]) / region.count;
                        for (row, along) in rows.pixels() {
                            for (column, across) in columns.pixels() {
                                let at = row * shape.input.space[1] + column * shape.input.space[2];
                                sums[plane + at] += share * along * across;
                            }
                        }
                    }
                }
            }
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
        Ok(())
    })
}
