//! The sums of a tile by [`lanes`], block of channels by block of channels, whatever the layout of the image.

use std::ops::Range;

use super::grid::Tile;
use super::lanes::{self, LANES, PIXELS, Product};
use super::micro::Row;
use super::packed::Packed;
use crate::error::Result;
use crate::memory;

/// Pixels whose sums are stored together, a multiple of what blocks and lines hold: fewer would be written to too many places.
const STORED: usize = 16 * PIXELS;

/// What the pixels of a tile read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub x: &'a [f32],
    /// Where each pixel's terms begin in `x`, with more of the last so that blocks are whole.
    pub bases: &'a [usize],
    /// Where terms lie, seen from there, and the largest of all.
    pub offsets: &'a [usize],
    pub reach: usize,
}

/// Buffers of a task.
#[derive(Default)]
pub(super) struct Sums {
    sums: Vec<Row>,
    totals: Vec<Row>,
}

/// Lists where each pixel's terms begin: `base` says it of a pixel of an image, and neighbours in a row of `width` are `step` apart.
pub(super) fn bases(
    tile: &Tile,
    [width, step]: [usize; 2],
    base: impl Fn(usize, usize) -> usize,
    bases: &mut Vec<usize>,
) -> Result<()> {
    bases.clear();
    memory::reserve(bases, (tile.images.len() * tile.pixels.len()).next_multiple_of(PIXELS))?;
    for image in tile.images.clone() {
        let mut pixel = tile.pixels.start;
        while pixel < tile.pixels.end {
            let first = base(image, pixel);
            let count = (width - pixel % width).min(tile.pixels.end - pixel);
            bases.extend((0..count).map(|i| first + i * step));
            pixel += count;
        }
    }
    let last = bases.last().copied().unwrap_or(0);
    bases.resize(bases.len().next_multiple_of(PIXELS), last);
    Ok(())
}

/// Hands `store` the sums of some pixels and a block of channels, `[pixel][line]`, with some lines more behind them.
///
/// `chain` terms at most are added in a chain, and the chains of `chained` terms in one.
pub(super) fn each(
    reading: Reading,
    weights: &Packed,
    tile: &Tile,
    [chain, chained]: [usize; 2],
    buffers: &mut Sums,
    mut store: impl FnMut(&[Row], usize, Range<usize>) -> Result<()>,
) -> Result<()> {
    let Reading { x, bases, offsets, reach } = reading;
    let (group, blocks, pixels) = (tile.group, tile.blocks.clone(), tile.images.len() * tile.pixels.len());
    let Sums { sums, totals } = buffers;
    let terms = offsets.len();
    let range = terms.div_ceil(terms.div_ceil(chained));
    for block in blocks.clone() {
        let lines = weights.channels(block).len().div_ceil(LANES);
        // Weights mostly come from memory, and each block's are gone through once.
        let mut ahead: &[Row] = if block + 1 < blocks.end { weights.of(group, block + 1) } else { &[] };
        for first in (0..pixels).step_by(STORED) {
            let bases = &bases[first..bases.len().min(first + STORED)];
            // Lines of pixels that are not there are transposed with the last.
            memory::resize(sums, (bases.len() + LANES) * lines, Row::default())?;
            totals.clear();
            let weights = weights.of(group, block);
            for (offsets, weights) in offsets.chunks(range).zip(weights.chunks(range * lines)) {
                for (bases, sums) in bases.as_chunks().0.iter().zip(sums.chunks_exact_mut(PIXELS * lines)) {
                    let product = Product { bases, offsets, reach, x, weights, lines, ahead, chain };
                    lanes::block(&product, bytemuck::cast_slice_mut(sums));
                    ahead = ahead.get(offsets.len()..).unwrap_or_default();
                }
                if range < terms {
                    add_up(totals, sums)?;
                }
            }
            let sums = if range < terms { &totals } else { &sums };
            store(sums, block, first..pixels.min(first + STORED))?;
        }
    }
    Ok(())
}

/// `sums += other`.
#[inline(always)]
pub(super) fn add(sums: &mut [Row], other: &[Row]) {
    let (sums, other): (&mut [f32], &[f32]) = (bytemuck::cast_slice_mut(sums), bytemuck::cast_slice(other));
    sums.iter_mut().zip(other).for_each(|(s, o)| *s += o);
}

/// Adds sums to their totals.
pub(super) fn add_up(totals: &mut Vec<Row>, sums: &[Row]) -> Result<()> {
    if totals.is_empty() {
        memory::reserve(totals, sums.len())?;
        totals.extend_from_slice(sums);
    } else {
        add(totals, sums);
    }
    Ok(())
}
