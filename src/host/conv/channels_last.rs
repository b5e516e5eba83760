//! Channels-last convolution by [`lanes`](super::lanes): the sums lie as the output does.

use std::ops::Range;

use rayon::prelude::*;

use super::grid::{Grid, Tile};
use super::lane_tiles::{self, Reading, Sums};
use super::lanes::{LANES, MOST_LINES};
use super::micro::Row;
use super::packed::Packed;
use super::padded::Padded;
use super::planes::chains;
use super::{pixel, tap_offsets};
use crate::error::Result;
use crate::host::kept::with_kept;
use crate::host::output::Scattered;
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Activation;

pub(super) fn conv(
    work: &ConvWork,
    x: &[f32],
    weights: &Packed,
    epilogue: Epilogue<f32>,
) -> Result<Vec<f32>> {
    let image = Padded::new(work, x)?;
    let taps = tap_offsets(work, image.taps)?;
    let mut offsets = memory::room(taps.len() * work.group_in)?;
    offsets.extend(taps.iter().flat_map(|&tap| tap..tap + work.group_in));
    let reach = offsets.last().copied().unwrap_or(0);
    let out = Scattered::new(work.batch * work.output.n)?;
    let grid = Grid::new(work, weights)?;
    let job = Job { work, image, offsets, reach, weights, epilogue, out: &out };
    let task = |tile: &Tile| with_kept(|scratch: &mut Scratch| job.tile(scratch, tile));
    if grid.shared {
        grid.tiles.par_iter().try_for_each(task)?;
    } else {
        grid.tiles.iter().try_for_each(task)?;
    }
    // SAFETY: the tiles cover all channels of all pixels.
    Ok(unsafe { out.finish() })
}

struct Job<'a> {
    work: &'a ConvWork,
    image: Padded<'a>,
    /// Where terms lie, seen from a pixel's first: the channels of a tap, then those of the next.
    offsets: Vec<usize>,
    reach: usize,
    weights: &'a Packed,
    epilogue: Epilogue<'a, f32>,
    out: &'a Scattered<f32>,
}

/// Buffers of a task.
#[derive(Default)]
struct Scratch {
    bases: Vec<usize>,
    sums: Sums,
    finished: Vec<f32>,
}

impl Job<'_> {
    fn tile(&self, scratch: &mut Scratch, tile: &Tile) -> Result<()> {
        let Scratch { bases, sums, finished } = scratch;
        let (row, channel) =
            ([self.work.axes[2].output, self.image.windows[2]], tile.group * self.work.group_in);
        let base = |image, at| channel + self.image.base(image, pixel(self.work, at));
        lane_tiles::bases(tile, row, base, bases)?;
        let reading = Reading { x: &self.image.data, bases, offsets: &self.offsets, reach: self.reach };
        lane_tiles::each(reading, self.weights, tile, chains(self.work), sums, |sums, block, pixels| {
            self.store(sums, finished, tile, block, pixels)
        })
    }

    /// Finishes the sums of a block's pixels and stores them.
    fn store(
        &self,
        sums: &[Row],
        finished: &mut Vec<f32>,
        tile: &Tile,
        block: usize,
        pixels: Range<usize>,
    ) -> Result<()> {
        let channels = self.weights.channels(block);
        let (count, lines) = (channels.len(), channels.len().div_ceil(LANES));
        let first = tile.group * self.work.group_out + channels.start;
        // Several images are taken whole, so that the pixels of a tile follow one another.
        let pixel = tile.images.start * self.work.pixels() + tile.pixels.start + pixels.start;
        let (at, step) = (pixel * self.work.out_channels() + first, self.work.out_channels());
        let places = || (at..).step_by(step).take(pixels.len());
        let has_residual = self.epilogue.residual.is_some();
        let floor = self.epilogue.floor();
        let raised = if has_residual { f32::NEG_INFINITY } else { floor };
        memory::resize(finished, pixels.len() * count + lines * LANES, 0.0)?;
        let mut biases = [[0f32; LANES]; MOST_LINES];
        if let Some(bias) = self.epilogue.bias {
            biases.as_flattened_mut()[..count].copy_from_slice(&bias[first..first + count]);
        }
        wide!(|_| {
            for (sums, at) in sums.chunks_exact(lines).zip((0..pixels.len() * count).step_by(count)) {
                let lines = finished[at..].as_chunks_mut::<LANES>().0;
                for ((sums, bias), out) in sums.iter().zip(&biases).zip(lines) {
                    // Lanes too many are overwritten by the next pixel; NaN stays NaN.
                    *out = std::array::from_fn(|i| {
                        let sum = sums.0[i] + bias[i];
                        if sum < raised { raised } else { sum }
                    });
                }
            }
        });
        let finished = &mut finished[..pixels.len() * count];
        if has_residual {
            wide!(|_| for (y, at) in finished.chunks_exact_mut(count).zip(places()) {
                self.epilogue.add_residual(y, at, floor);
            });
        }
        if !matches!(self.work.activation, Activation::None | Activation::Relu) {
            self.epilogue.activate(finished, first, [count, 1]);
        }
        if count == step {
            // SAFETY: every channel of every pixel belongs to one tile.
            unsafe { self.out.write(at, finished) };
            return Ok(());
        }
        for (y, at) in finished.chunks_exact(count).zip(places()) {
            // SAFETY: the same.
            unsafe { self.out.write(at, y) };
        }
        Ok(())
    }
}
