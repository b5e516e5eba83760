//! The matrix product under every convolution: tiles of rows that are read where they lie, times packed columns.

use rayon::prelude::*;

use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::host::simd::{mul_add, wide};
use crate::host::sum::CHAIN;

/// Rows of a tile.
pub(super) const ROWS: usize = 6;
/// Columns of a tile: with [`ROWS`], as many sums as fit sixteen 8-lane registers beside their operands.
pub(super) const COLS: usize = 16;

/// The sums of one tile.
pub(super) type Tile = [[f32; COLS]; ROWS];

/// One step along the sum: an element of each column.
pub(super) type Packed = [f32; COLS];

/// A tile of the product of `ROWS` rows and a strip of packed columns.
///
/// Row `r` is read from `data` in pieces of `run` elements that begin at `bases[r] + offset` for each of `offsets`.
///
/// Products are added in chains of [`CHAIN`], these in chains again: the error of a single chain would grow with
/// the length of the sum.
pub(super) fn tile(
    data: &[f32],
    bases: &[usize; ROWS],
    offsets: &[usize],
    run: usize,
    strip: &[Packed],
) -> Tile {
    wide(
        #[inline(always)]
        |fma| {
            let mut all: Tile = [[0.0; COLS]; ROWS];
            let mut total: Tile = [[0.0; COLS]; ROWS];
            let (mut chains, mut at) = (0, 0);
            for &offset in offsets {
                let mut from = 0;
                while from < run {
                    let n = (run - from).min(CHAIN);
                    let rows = std::array::from_fn(|r| &data[bases[r] + offset + from..][..n]);
                    chain(fma, rows, &strip[at..at + n], &mut total);
                    (from, at, chains) = (from + n, at + n, chains + 1);
                    if chains == CHAIN {
                        add(&mut all, &total);
                        (total, chains) = ([[0.0; COLS]; ROWS], 0);
                    }
                }
            }
            add(&mut all, &total);
            all
        },
    )
}

/// Adds one chain of products to `total`.
///
/// The sums begin at zero here and are read nowhere else: so the compiler holds them in registers.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
fn chain(fma: bool, rows: [&[f32]; ROWS], strip: &[Packed], total: &mut Tile) {
    let rows = rows.map(|row| &row[..strip.len()]);
    let mut sums: Tile = [[0.0; COLS]; ROWS];
    for (k, b) in strip.iter().enumerate() {
        for r in 0..ROWS {
            let a = rows[r][k];
            for j in 0..COLS {
                sums[r][j] = mul_add(fma, a, b[j], sums[r][j]);
            }
        }
    }
    add(total, &sums);
}

#[inline(always)]
fn add(to: &mut Tile, from: &Tile) {
    for (to, from) in to.iter_mut().zip(from) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += *from;
        }
    }
}

/// The size of a product in tiles.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Groups of [`ROWS`] rows, the last of which may be short.
    pub panels: usize,
    /// Groups of [`COLS`] columns, the last of which may be short.
    pub strips: usize,
    /// Terms of each sum.
    pub terms: usize,
}

/// Bytes of packed columns that are kept in the cache while panels pass by.
const CACHED: usize = 128 << 10;

/// Visits every tile: `pack` fills strip `s` with its columns, `each` computes tile `(panel, strip)`.
///
/// What there is more of is shared out among threads; strips are packed once in either case.
pub(super) fn product(
    size: Size,
    pack: impl Fn(usize, &mut [Packed]) + Sync + Send,
    each: impl Fn(usize, usize, &[Packed]) + Sync + Send,
) -> Result<()> {
    let Size { panels, strips, terms } = size;
    let block = (CACHED / (terms * size_of::<Packed>()).max(1)).clamp(1, 8);
    let small = panels * strips * terms * ROWS < WORTH_SHARING;
    if strips >= panels {
        // The strips of a task are packed together, so that each panel is read once for all of them.
        let task = |packed: &mut Vec<Packed>, first: usize| {
            let last = strips.min(first + block);
            packed.resize(block * terms, [0.0; COLS]);
            for (strip, packed) in (first..last).zip(packed.chunks_exact_mut(terms)) {
                pack(strip, packed);
            }
            for panel in 0..panels {
                for (strip, packed) in (first..last).zip(packed.chunks_exact(terms)) {
                    each(panel, strip, packed);
                }
            }
        };
        if small {
            let mut packed = Vec::new();
            (0..strips).step_by(block).for_each(|first| task(&mut packed, first));
        } else {
            (0..strips.div_ceil(block)).into_par_iter().for_each_init(Vec::new, |p, i| task(p, i * block));
        }
        return Ok(());
    }
    let batch = if small { strips } else { 1 };
    let packed = fill(strips * terms, terms, batch, |strip, out: &mut [Packed]| pack(strip, out))?;
    let task = |first: usize| {
        for (strip, packed) in packed.chunks_exact(terms).enumerate() {
            for panel in first..panels.min(first + 8) {
                each(panel, strip, packed);
            }
        }
    };
    if small {
        (0..panels).step_by(8).for_each(task);
    } else {
        (0..panels.div_ceil(8)).into_par_iter().for_each(|i| task(i * 8));
    }
    Ok(())
}
