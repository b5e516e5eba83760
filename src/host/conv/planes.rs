//! Channels-first convolution: panels of pixels times blocks of output channels, without gathering what can be read in
//! place.

use std::ops::Range;

use rayon::prelude::*;

use super::grid::{Grid, Tile};
use super::lane_tiles::{Sums, add, add_up};
use super::micro::{self, Block, CHANNELS, Finish, PANEL, Product, Row, WIDE};
use super::packed::Packed;
use super::view::{self, View};
use crate::error::Result;
use crate::host::kept::with_kept;
use crate::host::output::Scattered;
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Activation;

/// Terms by pixels of a panel that are summed for all channels of a tile before the next follow: they and the weights of these
/// terms stay in the cache.
const PART: usize = 640 * PANEL;
/// Blocks from which on pixels are worth gathering: they then lie in one piece for all of them.
const FEW: usize = 4;
/// Terms whose sums are added in one chain.
const CHAINED: usize = 1280;

/// The most terms of a chain, and those whose chains are added in one: all, where sums may be chains.
pub(super) fn chains(work: &ConvWork) -> [usize; 2] {
    if work.by_chains() { [usize::MAX; 2] } else { [CHAIN, CHAINED] }
}

pub(super) fn conv(
    work: &ConvWork,
    x: &[f32],
    weights: &Packed,
    epilogue: Epilogue<f32>,
) -> Result<Vec<f32>> {
    let out = Scattered::new(work.batch * work.output.n)?;
    let grid = Grid::new(work, weights)?;
    let unit = view::unit(work);
    let positions = grid.tiles.iter().map(|t| t.pixels.end.div_ceil(unit) - t.pixels.start / unit).max();
    let planes = Planes::new(work, x, weights, epilogue, positions.unwrap_or(1))?;
    let target = Target { out: &out, image: work.output.n, channel: work.output.c, origin: 0 };
    let task = |tile: &Tile| with_kept(|scratch: &mut Scratch| planes.tile(scratch, tile, target));
    if grid.shared {
        grid.tiles.par_iter().try_for_each(task)?;
    } else {
        grid.tiles.iter().try_for_each(task)?;
    }
    // SAFETY: the tiles cover all channels of all pixels.
    Ok(unsafe { out.finish() })
}

/// A convolution ready to be computed tile by tile.
pub(in crate::host) struct Planes<'a> {
    pub(super) work: &'a ConvWork,
    pub(super) weights: &'a Packed,
    pub(super) epilogue: Epilogue<'a, f32>,
    x: &'a [f32],
    pub(super) view: View,
}

/// Where results go: image `n`, channel `c` (of all groups), pixel `p` to `n * image + c * channel + p - origin`.
#[derive(Clone, Copy)]
pub(in crate::host) struct Target<'a> {
    pub out: &'a Scattered<f32>,
    pub image: usize,
    pub channel: usize,
    pub origin: usize,
}

/// Buffers of a task.
#[derive(Default)]
pub(in crate::host) struct Scratch {
    copy: Vec<f32>,
    pub(super) gathered: Vec<Row>,
    sums: Vec<Row>,
    totals: Vec<Row>,
    pub(super) lane_sums: Sums,
    panels: Vec<Panel>,
    runs: Vec<Run>,
    pub(super) steps: Vec<usize>,
    /// What blocks of pixels read, for [`lanes`](super::lanes).
    pub(super) pixels: Vec<f32>,
    pub(super) bases: Vec<usize>,
}

/// The pixels of a panel: those of `runs`, neighbours in memory if `direct`.
struct Panel {
    runs: Range<usize>,
    base: usize,
    pixels: usize,
    direct: bool,
    /// Whether a whole panel may be read at each run's beginning.
    roomy: bool,
}

/// Neighbouring pixels of one image, from place `at` of a panel on.
struct Run {
    base: usize,
    at: usize,
    count: usize,
    image: usize,
    pixel: usize,
}

impl<'a> Planes<'a> {
    /// For tiles of at most `positions` positions of the outermost axis.
    pub fn new(
        work: &'a ConvWork,
        x: &'a [f32],
        weights: &'a Packed,
        epilogue: Epilogue<'a, f32>,
        positions: usize,
    ) -> Result<Planes<'a>> {
        let view = View::new(work, work.reaches_padding(), positions, weights.in_lanes)?;
        Ok(Planes { work, weights, epilogue, x, view })
    }

    /// Computes a tile.
    pub fn tile(&self, scratch: &mut Scratch, tile: &Tile, target: Target) -> Result<()> {
        if tile.pixels.is_empty() || tile.images.is_empty() || tile.blocks.is_empty() {
            return Ok(());
        }
        let (work, view) = (self.work, &self.view);
        let mut copy = std::mem::take(&mut scratch.copy);
        let x: &[f32] = if view.copied {
            let len = copy.len().max(view.copy_len(tile.images.len()));
            memory::resize(&mut copy, len, 0.0)?;
            let positions = tile.pixels.start / view.unit..tile.pixels.end.div_ceil(view.unit);
            view.copy(work, self.x, tile.group, tile.images.clone(), positions, &mut copy);
            &copy
        } else {
            &self.x[tile.group * work.group_in * work.input.c..]
        };
        match self.view.panel {
            _ if self.weights.in_lanes => self.in_lanes(x, scratch, tile, target)?,
            WIDE => self.tile_of::<WIDE>(x, scratch, tile, target)?,
            _ => self.tile_of::<PANEL>(x, scratch, tile, target)?,
        }
        scratch.copy = copy;
        Ok(())
    }

    /// Computes a tile from `x` in panels of `P` pixels.
    fn tile_of<const P: usize>(
        &self,
        x: &[f32],
        scratch: &mut Scratch,
        tile: &Tile,
        target: Target,
    ) -> Result<()> {
        let Scratch { gathered, sums, totals, panels, runs, steps, .. } = scratch;
        let (work, view) = (self.work, &self.view);
        self.panels::<P>(tile, tile.pixels.start / view.unit, x.len(), panels, runs)?;
        let terms = view.offsets.len();
        let parts = terms.div_ceil(PART / P);
        let part = terms.div_ceil(parts);
        let [chain, chained] = chains(work);
        let ranges = chained.div_ceil(part);
        let blocks = tile.blocks.len();
        let kept = if parts > 1 { panels.len() * blocks } else { 0 };
        memory::resize(sums, kept * CHANNELS * (P / PANEL), Row::default())?;
        memory::resize(gathered, (part + 1) * (P / PANEL), Row::default())?;
        let gathered: &mut [f32] = bytemuck::cast_slice_mut(gathered);
        let few = blocks < FEW;
        steps.clear();
        memory::extend(steps, (0..part).map(|t| t * P))?;
        totals.clear();
        for (i, from) in (0..terms).step_by(part).enumerate() {
            let offsets = &view.offsets[from..terms.min(from + part)];
            let (first, last) = (i % ranges == 0, from + part >= terms);
            if first && i > 0 {
                add_up(totals, sums)?;
            }
            if last && !totals.is_empty() {
                // The total takes the part of the sums before.
                if first {
                    sums.copy_from_slice(totals);
                } else {
                    add(sums, totals);
                }
            }
            let first = i == 0 || (first && !last);
            let sums: &mut [Block<P>] = bytemuck::cast_slice_mut(sums);
            // Of a block whose terms are one part.
            let mut only = [[0f32; P]; CHANNELS];
            wide!(|_| {
                for (p, panel) in panels.iter().enumerate() {
                    let runs = &runs[panel.runs.clone()];
                    let (x, offsets) = if panel.direct && few {
                        (&x[panel.base..], offsets)
                    } else {
                        gather::<P>(x, panel, runs, offsets, gathered);
                        (&gathered[..], &steps[..offsets.len()])
                    };
                    for (b, block) in tile.blocks.clone().enumerate() {
                        let channels = self.weights.channels(block);
                        let weights = self.weights.weights(tile.group, block, from);
                        let weights = &weights[..offsets.len() * channels.len()];
                        let channel = tile.group * work.group_out + channels.start;
                        let sums = sums.get_mut(p * blocks + b).unwrap_or(&mut only);
                        let finish = last.then(|| Finish {
                            bias: self.epilogue.bias.map(|bias| &bias[channel..][..channels.len()]),
                            relu: work.activation == Activation::Relu && self.epilogue.residual.is_none(),
                        });
                        let (channels, pixels) = (channels.len(), panel.pixels);
                        let product =
                            Product { channels, pixels, offsets, x, weights, add: !first, finish, chain };
                        micro::block(&product, sums);
                        if last {
                            self.store(sums, channel, channels, runs, target);
                        }
                    }
                }
            });
        }
        Ok(())
    }

    /// Lists the panels of a tile.
    fn panels<const P: usize>(
        &self,
        tile: &Tile,
        first: usize,
        len: usize,
        panels: &mut Vec<Panel>,
        runs: &mut Vec<Run>,
    ) -> Result<()> {
        let view = &self.view;
        panels.clear();
        runs.clear();
        let pixels = tile.images.len() * tile.pixels.len();
        memory::reserve(panels, pixels.div_ceil(P))?;
        let mut open = 0;
        let mut close = |runs: &[Run]| {
            let mine = &runs[open..];
            let Some(Run { base, .. }) = mine.first() else { return };
            let roomy = mine.iter().all(|r| r.base + view.reach + P <= len);
            panels.push(Panel {
                runs: open..runs.len(),
                base: *base,
                pixels: mine.iter().map(|r| r.count).sum(),
                direct: roomy && mine.len() == 1,
                roomy,
            });
            open = runs.len();
        };
        let mut at = 0;
        for image in tile.images.clone() {
            let read = if view.copied { image - tile.images.start } else { image };
            let mut pixel = tile.pixels.start;
            while pixel < tile.pixels.end {
                let mut base = view.base(self.work, read, pixel, first);
                let row_end = (pixel + view.row - pixel % view.row).min(tile.pixels.end);
                while pixel < row_end {
                    let count = (row_end - pixel).min(P - at);
                    memory::extend(runs, [Run { base, at, count, image, pixel }])?;
                    (base, pixel, at) = (base + count, pixel + count, at + count);
                    if at == P {
                        close(runs);
                        at = 0;
                    }
                }
            }
        }
        close(runs);
        Ok(())
    }

    /// Adds the residual, applies activations that are worth a call, and stores a block.
    #[inline(always)]
    fn store<const P: usize>(
        &self,
        sums: &mut Block<P>,
        channel: usize,
        channels: usize,
        runs: &[Run],
        target: Target,
    ) {
        let output = &self.work.output;
        if self.epilogue.residual.is_some() {
            let floor = self.epilogue.floor();
            for (c, sums) in (channel..).zip(&mut sums[..channels]) {
                for run in runs {
                    let at = run.image * output.n + c * output.c + run.pixel;
                    self.epilogue.add_residual(&mut sums[run.at..run.at + run.count], at, floor);
                }
            }
        }
        if !matches!(self.work.activation, Activation::None | Activation::Relu) {
            self.epilogue.activate(sums[..channels].as_flattened_mut(), channel, [channels, P]);
        }
        for (c, sums) in (channel..).zip(&sums[..channels]) {
            for run in runs {
                let to = run.image * target.image + c * target.channel + run.pixel - target.origin;
                // SAFETY: every pixel of every channel belongs to one tile.
                unsafe {
                    if run.count == P {
                        target.out.write(to, &sums[..P]);
                    } else {
                        target.out.write(to, &sums[run.at..run.at + run.count]);
                    }
                }
            }
        }
    }
}

/// Writes the terms at `offsets` of a panel's pixels one after another.
#[inline(always)]
fn gather<const P: usize>(x: &[f32], panel: &Panel, runs: &[Run], offsets: &[usize], out: &mut [f32]) {
    if panel.direct {
        let x = &x[panel.base..];
        for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<P>().0) {
            out.copy_from_slice(&x[*offset..][..P]);
        }
        return;
    }
    for (offset, at) in offsets.iter().zip((0..).step_by(P)) {
        for run in runs {
            let (x, out) = (&x[run.base + offset..], &mut out[at + run.at..]);
            if panel.roomy {
                // Whole panels are copied fastest; what is too much is overwritten by the next run or term.
                out[..P].copy_from_slice(&x[..P]);
            } else {
                out[..run.count].copy_from_slice(&x[..run.count]);
            }
        }
    }
}
