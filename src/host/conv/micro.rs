//! The innermost loops of channels-first convolution: a few output channels by a panel of pixels, summed in registers.
//!
//! The pixels are read where they lie in the image, so nothing is gathered as long as they are neighbours of one row.

use crate::host::lines::{LANES, mul_add_line, put_line};
use crate::host::simd::{self, Simd};

/// The most output channels of a block: with [`PANEL`] pixels, their sums fill 12 of the 16 registers of AVX2, and with
/// [`WIDE`] 24 of the 32 of AVX-512.
pub(super) const CHANNELS: usize = 6;
/// Pixels of a panel, a cache line.
pub(super) const PANEL: usize = LANES;
/// Pixels of a panel for AVX-512.
pub(super) const WIDE: usize = 4 * PANEL;

/// Pixels of a panel for the registers in use.
pub(super) fn panel() -> usize {
    if simd::level() == Simd::Avx512 { WIDE } else { PANEL }
}

/// [`PANEL`] pixels of one term, in a cache line of their own: registers are loaded from two lines only slowly.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(super) struct Row(pub [f32; PANEL]);

/// Sums of a block, channels by the pixels of a panel.
pub(super) type Block<const P: usize = PANEL> = [[f32; P]; CHANNELS];

/// What happens to the sums of a block once all terms are added.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// One for each channel.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
}

/// What a block is computed from.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// Output channels.
    pub channels: usize,
    /// Pixels that are wanted: the sums of a panel's others may be left as they are.
    pub pixels: usize,
    /// Where terms lie in `x`.
    pub offsets: &'a [usize],
    pub x: &'a [f32],
    /// `[term][channel]`.
    pub weights: &'a [f32],
    /// Whether they are added to the sums that are there.
    pub add: bool,
    pub finish: Option<Finish<'a>>,
    /// The most terms of a chain.
    pub chain: usize,
}

/// `sums[i][j] = (sums[i][j] if add) + sum over t of weights[t][i] * x[offsets[t] + j]`, finished, for the channels of a block.
///
/// Chains of at most `chain` products are added up by themselves, which keeps rounding errors small.
pub(super) fn block<const P: usize>(product: &Product, sums: &mut Block<P>) {
    match product.channels {
        6 => channels::<6, P>(product, sums),
        5 => channels::<5, P>(product, sums),
        4 => channels::<4, P>(product, sums),
        3 => channels::<3, P>(product, sums),
        2 => channels::<2, P>(product, sums),
        _ => channels::<1, P>(product, sums),
    }
}

fn channels<const C: usize, const P: usize>(product: &Product, sums: &mut Block<P>) {
    let Some(sums) = sums.first_chunk_mut::<C>() else { return };
    wide!(|simd| match product.pixels.div_ceil(PANEL) {
        4.. if P == WIDE && simd == Simd::Avx512 => chains::<C, P, 4>(simd, product, 0, sums),
        3 if P == WIDE && simd == Simd::Avx512 => chains::<C, P, 3>(simd, product, 0, sums),
        2 if P == WIDE && simd == Simd::Avx512 => chains::<C, P, 2>(simd, product, 0, sums),
        count => {
            for i in 0..count {
                chains::<C, P, 1>(simd, product, i * PANEL, sums);
            }
        }
    });
}

/// The sums of `N` lines of pixels from pixel `at` of a panel on.
#[inline(always)]
fn chains<const C: usize, const P: usize, const N: usize>(
    simd: Simd,
    product: &Product,
    at: usize,
    sums: &mut [[f32; P]; C],
) {
    let Product { offsets, x, weights, mut add, finish, chain, .. } = *product;
    let weights = weights.as_chunks::<C>().0;
    let chain = offsets.len().div_ceil(offsets.len().div_ceil(chain).max(1)).max(1);
    for (offsets, weights) in offsets.chunks(chain).zip(weights.chunks(chain)) {
        chain_of::<C, P, N>(simd, offsets, &x[at..], weights, add, at, sums);
        add = true;
    }
    if let Some(Finish { bias, relu }) = finish {
        let bias = bias.and_then(|b| b.first_chunk::<C>()).unwrap_or(&[0.0; C]);
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        for (sums, bias) in sums.iter_mut().zip(bias) {
            for line in &mut sums[at..].as_chunks_mut::<LANES>().0[..N] {
                // NaN stays NaN. By value: in place, the compiler takes one element after the other.
                *line = line.map(|s| s + bias).map(|s| if s < floor { floor } else { s });
            }
        }
    }
}

/// Adds one chain.
#[inline(always)]
fn chain_of<const C: usize, const P: usize, const N: usize>(
    simd: Simd,
    offsets: &[usize],
    x: &[f32],
    weights: &[[f32; C]],
    add: bool,
    at: usize,
    sums: &mut [[f32; P]; C],
) {
    let mut latest = [[[0f32; LANES]; N]; C];
    for (&offset, weights) in offsets.iter().zip(weights) {
        let Some(x) = x[offset..].as_chunks().0.first_chunk::<N>() else { return };
        for c in 0..C {
            for n in 0..N {
                // SAFETY: `simd` comes from `wide`.
                unsafe { mul_add_line(simd, weights[c], &x[n], &mut latest[c][n]) };
            }
        }
    }
    for c in 0..C {
        let Some(sums) = sums[c][at..].as_chunks_mut().0.first_chunk_mut::<N>() else { return };
        for n in 0..N {
            // SAFETY: the same.
            unsafe { put_line(simd, &latest[c][n], add, &mut sums[n]) };
        }
    }
}
