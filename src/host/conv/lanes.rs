//! The innermost loops of convolution with output channels in the lanes of registers: a few pixels by a block of channels.
//!
//! What a pixel reads are single numbers, each multiplied with a line of weights. So nothing is gathered, wherever the numbers
//! lie, and blocks are as fast at the ends of short rows and with strides as anywhere.

use super::micro::Row;
pub(super) use crate::host::lines::LANES;
use crate::host::lines::{Line, mul_add_line, put_line};
use crate::host::simd::{self, Simd};

/// Pixels of a block: with one line of [`LANES`] channels their sums fill 12 of the 16 registers of AVX2, and with
/// four 24 of the 32 of AVX-512.
pub(super) const PIXELS: usize = 6;

/// The most lines of a block.
pub(super) const MOST_LINES: usize = 4;

/// The most lines of a block for the registers in use.
pub(super) fn most_lines() -> usize {
    if simd::level() == Simd::Avx512 { MOST_LINES } else { 1 }
}

/// Cycles that a term of a block takes: two registers are multiplied in one, and a sum waits four for the one before.
pub(super) fn cycles(lines: usize) -> usize {
    match simd::level() {
        Simd::Avx512 => (PIXELS * lines / 2).max(4),
        _ => PIXELS * lines,
    }
}

/// What a block is computed from.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// Where each pixel's terms begin in `x`.
    pub bases: &'a [usize; PIXELS],
    /// Where terms lie, seen from there, and the largest of all.
    pub offsets: &'a [usize],
    pub reach: usize,
    pub x: &'a [f32],
    /// `[term][line]`, and the lines of a term.
    pub weights: &'a [Row],
    pub lines: usize,
    /// Lines that are needed next, of which one is fetched into the cache with each term.
    pub ahead: &'a [Row],
    /// The most terms of a chain.
    pub chain: usize,
}

/// `sums[p][c] = sum over t of x[bases[p] + offsets[t]] * weights[t][c]`, in chains as everywhere.
pub(super) fn block(product: &Product, sums: &mut [Line]) {
    wide!(|simd| match product.lines {
        4 => chains::<4>(simd, product, sums),
        3 => chains::<3>(simd, product, sums),
        2 => chains::<2>(simd, product, sums),
        _ => chains::<1>(simd, product, sums),
    });
}

/// The sums of `N` lines of channels.
#[inline(always)]
fn chains<const N: usize>(simd: Simd, product: &Product, sums: &mut [Line]) {
    let Product { bases, offsets, reach, x, weights, ahead, chain, .. } = *product;
    let Some(sums) = sums.as_chunks_mut::<N>().0.first_chunk_mut() else { return };
    let weights = bytemuck::cast_slice::<Row, Line>(weights).as_chunks::<N>().0;
    let x = bases.map(|base| &x[base..=base + reach]);
    let chain = offsets.len().div_ceil(offsets.len().div_ceil(chain).max(1)).max(1);
    let mut add = false;
    let mut at = 0;
    for (offsets, weights) in offsets.chunks(chain).zip(weights.chunks(chain)) {
        chain_of(simd, offsets, x, weights, ahead.get(at..).unwrap_or_default(), add, sums);
        at += chain;
        add = true;
    }
}

/// Adds one chain.
#[inline(always)]
fn chain_of<const N: usize>(
    simd: Simd,
    offsets: &[usize],
    x: [&[f32]; PIXELS],
    weights: &[[Line; N]],
    ahead: &[Row],
    add: bool,
    sums: &mut [[Line; N]; PIXELS],
) {
    let mut latest = [[[0f32; LANES]; N]; PIXELS];
    let mut next = ahead.as_ptr();
    for (&offset, weights) in offsets.iter().zip(weights) {
        fetch(next);
        next = next.wrapping_add(1);
        for p in 0..PIXELS {
            // SAFETY: no offset is larger than the reach, which is the last element of each of these slices.
            let x = unsafe { *x[p].get_unchecked(offset) };
            for n in 0..N {
                // SAFETY: `simd` comes from `wide`.
                unsafe { mul_add_line(simd, x, &weights[n], &mut latest[p][n]) };
            }
        }
    }
    for p in 0..PIXELS {
        for n in 0..N {
            // SAFETY: the same.
            unsafe { put_line(simd, &latest[p][n], add, &mut sums[p][n]) };
        }
    }
}

/// Asks for a line of the cache, which need not be there.
#[inline(always)]
fn fetch(line: *const Row) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 has SSE, and this reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// `to[c * apart][p] = sums[p][c]` of [`LANES`] pixels, which lie `lines` lines apart, and the channels of these.
#[inline(always)]
pub(super) fn transpose(sums: &[Row], lines: usize, to: &mut [Row], apart: usize) {
    let sums: &[f32] = bytemuck::cast_slice(sums);
    for first in (0..LANES).step_by(4) {
        for c in (0..lines * LANES).step_by(4) {
            let rows = std::array::from_fn(|p| {
                let row = &sums[(first + p) * lines * LANES + c..];
                [row[0], row[1], row[2], row[3]]
            });
            for (c, row) in (c..).zip(four_by_four(rows)) {
                to[c * apart].0[first..first + 4].copy_from_slice(&row);
            }
        }
    }
}

/// The transpose, by shuffles that compilers do not find.
#[inline(always)]
fn four_by_four(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
        let [mut a, mut b, mut c, mut d]: [__m128; 4] = rows.map(bytemuck::cast);
        // SAFETY: every x86-64 has SSE.
        unsafe { _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d) };
        [a, b, c, d].map(bytemuck::cast)
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::array::from_fn(|c| rows.map(|row| row[c]))
}
