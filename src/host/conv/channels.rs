//! Tiles of channels-first convolution in [`lanes`]: their sums are transposed as they are stored.

use std::ops::Range;

use super::grid::Tile;
use super::lane_tiles::{self, Reading};
use super::lanes::{self, LANES, PIXELS};
use super::micro::Row;
use super::planes::{Planes, Scratch, Target, chains};
use crate::error::Result;
use crate::memory;
use crate::spec::Activation;

/// Blocks of pixels that are gathered together, so that lines of the cache are read once.
const TOGETHER: usize = 8;

impl Planes<'_> {
    /// Computes a tile from `x`.
    pub(super) fn in_lanes(
        &self,
        x: &[f32],
        scratch: &mut Scratch,
        tile: &Tile,
        target: Target,
    ) -> Result<()> {
        let Scratch { lane_sums, bases, steps, pixels, gathered: rows, .. } = scratch;
        let view = &self.view;
        let cut = tile.pixels.start / view.unit;
        let base = |image: usize, pixel| {
            let read = if view.copied { image - tile.images.start } else { image };
            view.base(self.work, read, pixel, cut)
        };
        lane_tiles::bases(tile, [self.work.axes[2].output, view.step()], base, bases)?;
        let terms = view.offsets.len();
        let (x, offsets, reach) = match self.weights.gathers {
            true => {
                gather(x, &view.offsets, bases, pixels)?;
                for (i, base) in bases.iter_mut().enumerate() {
                    *base = i / PIXELS * PIXELS * terms + i % PIXELS;
                }
                steps.clear();
                memory::extend(steps, (0..terms).map(|t| t * PIXELS))?;
                (&pixels[..], &steps[..], (terms - 1) * PIXELS)
            }
            false => (x, &view.offsets[..], view.reach),
        };
        let reading = Reading { x, bases, offsets, reach };
        let chains = chains(self.work);
        lane_tiles::each(reading, self.weights, tile, chains, lane_sums, |sums, block, pixels| {
            self.store_lanes(sums, rows, tile, block, pixels, target)
        })
    }

    /// Finishes the sums of a block's pixels and stores them.
    fn store_lanes(
        &self,
        sums: &[Row],
        rows: &mut Vec<Row>,
        tile: &Tile,
        block: usize,
        pixels: Range<usize>,
        target: Target,
    ) -> Result<()> {
        let channels = self.weights.channels(block);
        let lines = channels.len().div_ceil(LANES);
        let first = tile.group * self.work.group_out + channels.start;
        let apart = pixels.len().div_ceil(LANES);
        let relu = self.work.activation == Activation::Relu;
        let has_residual = self.epilogue.residual.is_some();
        let floor = if has_residual { f32::NEG_INFINITY } else { self.epilogue.floor() };
        let runs = |at: usize| {
            let (image, pixel) = (tile.images.start + at / tile.pixels.len(), at % tile.pixels.len());
            let count = (tile.pixels.len() - pixel).min(pixels.end - at);
            (image, tile.pixels.start + pixel, count)
        };
        memory::resize(rows, lines * LANES * apart, Row::default())?;
        wide!(|_| {
            for (i, sums) in sums.chunks_exact(LANES * lines).enumerate().take(apart) {
                lanes::transpose(sums, lines, &mut rows[i..], apart);
            }
            for (rows, c) in rows.chunks_exact_mut(apart).zip(first..first + channels.len()) {
                let bias = self.epilogue.bias_of(c);
                for row in rows {
                    // NaN stays NaN.
                    row.0 = row.0.map(|s| s + bias).map(|s| if s < floor { floor } else { s });
                }
            }
        });
        let rows: &mut [f32] = bytemuck::cast_slice_mut(&mut rows[..channels.len() * apart]);
        if has_residual {
            let output = &self.work.output;
            wide!(|_| for (row, c) in rows.chunks_exact_mut(apart * LANES).zip(first..) {
                let mut at = pixels.start;
                while at < pixels.end {
                    let (image, pixel, count) = runs(at);
                    let from = image * output.n + c * output.c + pixel;
                    let row = &mut row[at - pixels.start..][..count];
                    self.epilogue.add_residual(row, from, self.epilogue.floor());
                    at += count;
                }
            });
        }
        if !relu && self.work.activation != Activation::None {
            self.epilogue.activate(rows, first, [channels.len(), apart * LANES]);
        }
        for (row, c) in rows.chunks_exact(apart * LANES).zip(first..) {
            let mut at = pixels.start;
            while at < pixels.end {
                let (image, pixel, count) = runs(at);
                let to = image * target.image + c * target.channel + pixel - target.origin;
                // SAFETY: every pixel of every channel belongs to one tile.
                unsafe { target.out.write(to, &row[at - pixels.start..][..count]) };
                at += count;
            }
        }
        Ok(())
    }
}

/// Copies what blocks of pixels read: `[block][term][pixel]`.
fn gather(x: &[f32], offsets: &[usize], bases: &[usize], to: &mut Vec<f32>) -> Result<()> {
    let len = bases.len() * offsets.len();
    if to.len() < len {
        memory::resize(to, len, 0.0)?;
    }
    let block = PIXELS * offsets.len();
    for (bases, to) in bases.chunks(TOGETHER * PIXELS).zip(to.chunks_mut(TOGETHER * block)) {
        let bases = bases.as_chunks::<PIXELS>().0;
        let direct: [bool; TOGETHER] =
            std::array::from_fn(|i| bases.get(i).is_some_and(|b| b[PIXELS - 1] == b[0] + PIXELS - 1));
        for (t, offset) in offsets.iter().enumerate() {
            for ((bases, to), direct) in bases.iter().zip(to.chunks_exact_mut(block)).zip(direct) {
                let Some(to) = to[t * PIXELS..].first_chunk_mut::<PIXELS>() else { return Ok(()) };
                match x[bases[0] + offset..].first_chunk::<PIXELS>() {
                    Some(x) if direct => *to = *x,
                    _ => *to = bases.map(|base| x[base + offset]),
                }
            }
        }
    }
    Ok(())
}
