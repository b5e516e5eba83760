//! The innermost loops of channels-first convolution: a few output channels by a panel of pixels, summed in registers.
//!
//! The pixels are read where they lie in the image, so nothing is gathered as long as they are neighbours of one row.

use crate::host::simd::{mul_add, wide};
use crate::host::sum::CHAIN;

/// The most output channels of a block: with [`PANEL`] pixels, their sums fill 12 of the 16 registers of AVX2.
pub(super) const CHANNELS: usize = 6;
/// Pixels of a panel.
pub(super) const PANEL: usize = 16;

/// Sums of a block, channels by pixels.
pub(super) type Block = [[f32; PANEL]; CHANNELS];

/// `sums[i][j] = sum over t of weights[t][i] * x[offsets[t] + j]` for the first `channels` of a block.
///
/// As everywhere, chains of [`CHAIN`] products are added up by themselves, which keeps rounding errors small.
pub(super) fn block(channels: usize, offsets: &[usize], x: &[f32], weights: &[f32], sums: &mut Block) {
    match channels {
        6 => chains::<6>(offsets, x, weights, sums),
        5 => chains::<5>(offsets, x, weights, sums),
        4 => chains::<4>(offsets, x, weights, sums),
        3 => chains::<3>(offsets, x, weights, sums),
        2 => chains::<2>(offsets, x, weights, sums),
        _ => chains::<1>(offsets, x, weights, sums),
    }
}

fn chains<const C: usize>(offsets: &[usize], x: &[f32], weights: &[f32], sums: &mut Block) {
    let (weights, Some(sums)) = (weights.as_chunks::<C>().0, sums.first_chunk_mut::<C>()) else { return };
    *sums = [[0.0; PANEL]; C];
    let chain = offsets.len().div_ceil(offsets.len().div_ceil(CHAIN).max(1)).max(1);
    wide(
        #[inline(always)]
        |fma| {
            for (offsets, weights) in offsets.chunks(chain).zip(weights.chunks(chain)) {
                chain_of(fma, offsets, x, weights, sums);
            }
        },
    );
}

/// Adds one chain. Written so that the compiler keeps `latest` in registers: its address must not be taken.
#[inline(always)]
fn chain_of<const C: usize>(
    fma: bool,
    offsets: &[usize],
    x: &[f32],
    weights: &[[f32; C]],
    sums: &mut [[f32; PANEL]; C],
) {
    let mut latest = [[0f32; PANEL]; C];
    for (&offset, weights) in offsets.iter().zip(weights) {
        let x = &x[offset..][..PANEL];
        for c in 0..C {
            for j in 0..PANEL {
                latest[c][j] = mul_add(fma, weights[c], x[j], latest[c][j]);
            }
        }
    }
    for c in 0..C {
        for j in 0..PANEL {
            sums[c][j] += latest[c][j];
        }
    }
}
