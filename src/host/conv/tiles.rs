//! Channels-last convolution as a matrix product: rows gathered from the image times weights, in tiles of pixels and
//! output channels.

use rayon::prelude::*;

use super::gather::Gather;
use super::gemm::{LONG, Matrix, SHORT, Sums, multiply};
use super::padded::Padded;
use super::weights::Weights;
use crate::error::Result;
use crate::host::output::{Scattered, WORTH_SHARING, try_fill};
use crate::memory;
use crate::problem::{ConvWork, Epilogue};

/// Sums of a tile, whose memory should stay in the cache.
const SUMS: usize = 1 << 16;
/// The most pixels of a tile.
const PIXELS: usize = 512;
/// The fewest output channels of a tile: fewer would gather the image's pixels for too few products.
const CHANNELS: usize = 32;

pub(super) fn conv(work: &ConvWork, image: &Padded, w: &[f32], epilogue: Epilogue<f32>) -> Result<Vec<f32>> {
    let weights = Weights::new(work, w)?;
    let out = Scattered::new(work.batch * work.output.n)?;
    let job = Job { work, epilogue, out: &out, weights: &weights, gather: Gather::new(work, image)? };
    let grid = Grid::new(work, &job.gather);
    if grid.parts == 1 {
        let tasks = work.groups * grid.tiles;
        let task = |scratch: &mut Scratch, i: usize| {
            job.tile(scratch, i / grid.tiles, grid.pixels(i % grid.tiles), 0..work.group_out, None)
        };
        if grid.small {
            let mut scratch = Scratch::default();
            (0..tasks).try_for_each(|i| task(&mut scratch, i))?;
        } else {
            (0..tasks).into_par_iter().try_for_each_init(Scratch::default, task)?;
        }
    } else {
        // Too few pixels to occupy all threads: these share the pixels, gathered once.
        for group in 0..work.groups {
            let gathered = job.gather_all(group)?;
            let shared = gathered.as_deref().map(|data| job.gather.whole(data));
            (0..grid.tiles * grid.parts).into_par_iter().try_for_each_init(
                Scratch::default,
                |scratch, i| {
                    let pixels = grid.pixels(i / grid.parts);
                    job.tile(scratch, group, pixels, grid.channels(i % grid.parts), shared)
                },
            )?;
        }
    }
    // SAFETY: the tiles cover all channels of all pixels.
    Ok(unsafe { out.finish() })
}

/// How the product is divided into tasks.
struct Grid {
    /// All pixels of the batch, and those of a tile.
    all: usize,
    tile: usize,
    tiles: usize,
    /// Output channels of a group, and parts that they are divided into.
    group_out: usize,
    parts: usize,
    small: bool,
}

impl Grid {
    fn new(work: &ConvWork, gather: &Gather) -> Grid {
        let all = work.batch * work.pixels();
        let threads = rayon::current_num_threads();
        let small = all * work.out_channels() * gather.terms() <= 4 * WORTH_SHARING;
        let most = (SUMS / work.group_out).clamp(64, PIXELS);
        let mut tiles = all.div_ceil(most);
        if !small && all / most >= threads {
            // As many for one thread as for another.
            tiles = tiles.next_multiple_of(threads);
        }
        let tile = all.div_ceil(tiles).next_multiple_of(8);
        let tiles = all.div_ceil(tile);
        let missing = threads.div_ceil(tiles * work.groups);
        let parts = if small { 1 } else { missing.clamp(1, work.group_out.div_ceil(CHANNELS)) };
        Grid { all, tile, tiles, group_out: work.group_out, parts, small }
    }

    fn pixels(&self, tile: usize) -> std::ops::Range<usize> {
        tile * self.tile..self.all.min((tile + 1) * self.tile)
    }

    fn channels(&self, part: usize) -> std::ops::Range<usize> {
        let step = self.group_out.div_ceil(self.parts).next_multiple_of(8);
        self.group_out.min(part * step)..self.group_out.min((part + 1) * step)
    }
}

/// Buffers of a task.
#[derive(Default)]
struct Scratch {
    sums: Sums,
    gathered: Vec<f32>,
}

struct Job<'a> {
    work: &'a ConvWork,
    epilogue: Epilogue<'a, f32>,
    out: &'a Scattered<f32>,
    weights: &'a Weights<'a>,
    gather: Gather<'a>,
}

impl Job<'_> {
    /// The elements of all pixels, unless they can be read in place.
    fn gather_all(&self, group: usize) -> Result<Option<Vec<f32>>> {
        if self.gather.in_place() {
            return Ok(None);
        }
        let (all, terms) = (self.work.batch * self.work.pixels(), self.gather.terms());
        let gathered = try_fill(all * terms, terms, WORTH_SHARING.div_ceil(terms), |p, out: &mut [f32]| {
            self.gather.rows(&self.gather.runs(group, p..p + 1)?, 0..terms, out)
        })?;
        Ok(Some(gathered))
    }

    /// Computes `pixels` of the output channels `channels` of a group.
    fn tile(
        &self,
        scratch: &mut Scratch,
        group: usize,
        pixels: std::ops::Range<usize>,
        channels: std::ops::Range<usize>,
        shared: Option<Matrix>,
    ) -> Result<()> {
        let (work, gather) = (self.work, &self.gather);
        let (count, outs) = (pixels.len(), channels.len());
        // Rounding the parts' lengths up may leave nothing for the last.
        if count == 0 || outs == 0 {
            return Ok(());
        }
        let weights = self.weights.matrix(group * work.group_out + channels.start);
        let Scratch { sums, gathered } = scratch;
        let in_place = shared.map(|all| all.from(pixels.start, 0));
        let in_place = in_place.or_else(|| gather.matrix_in_place(group, pixels.start));
        let runs = if in_place.is_none() { gather.runs(group, pixels.clone())? } else { vec![] };
        let chains = if work.by_chains() { LONG } else { SHORT };
        let sums = sums.of(count * outs, gather.terms(), chains, |terms, add, sums| {
            let k = terms.len();
            let weights = weights.from(0, terms.start);
            let rows = match in_place {
                Some(all) => all.from(0, terms.start),
                None => {
                    memory::resize(gathered, count * k, 0.0)?;
                    gather.rows(&runs, terms, gathered)?;
                    Matrix { data: gathered, row: k, column: 1 }
                }
            };
            multiply([count, k, outs], rows, weights.transposed(), add, sums);
            Ok(())
        })?;
        let first = group * work.group_out + channels.start;
        self.store(first, outs, pixels, sums);
        Ok(())
    }

    /// Adds the bias, applies the activation and stores a tile of channels from `first` on.
    fn store(&self, first: usize, outs: usize, pixels: std::ops::Range<usize>, sums: &mut [f32]) {
        for sums in sums.chunks_exact_mut(outs) {
            if let Some(bias) = self.epilogue.bias {
                sums.iter_mut().zip(&bias[first..]).for_each(|(s, b)| *s += b);
            }
        }
        self.epilogue.activate(sums, first, [outs, 1]);
        let channels = self.work.out_channels();
        for (pixel, sums) in pixels.zip(sums.chunks_exact(outs)) {
            // SAFETY: every channel of every pixel belongs to one tile.
            unsafe { self.out.write(pixel * channels + first, sums) };
        }
    }
}
