//! The innermost loops of channels-first convolution: a few output channels by a panel of pixels, summed in registers.
//!
//! The pixels are read where they lie in the image, so nothing is gathered as long as they are neighbours of one row.

use crate::host::simd::mul_add;
use crate::host::sum::CHAIN;

/// The most output channels of a block: with [`PANEL`] pixels, their sums fill 12 of the 16 registers of AVX2.
pub(super) const CHANNELS: usize = 6;
/// Pixels of a panel.
pub(super) const PANEL: usize = 16;

/// The pixels of a panel for one term, in a cache line of their own: registers are loaded from two lines only slowly.
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(super) struct Row(pub [f32; PANEL]);

/// Sums of a block, channels by pixels.
pub(super) type Block = [[f32; PANEL]; CHANNELS];

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
    /// Where terms lie in `x`.
    pub offsets: &'a [usize],
    pub x: &'a [f32],
    /// `[term][channel]`.
    pub weights: &'a [f32],
    /// Sums of earlier terms.
    pub earlier: Option<&'a Block>,
    pub finish: Option<Finish<'a>>,
}

/// `sums[i][j] = earlier[i][j] + sum over t of weights[t][i] * x[offsets[t] + j]`, finished, for the channels of a block.
///
/// As everywhere, chains of [`CHAIN`] products are added up by themselves, which keeps rounding errors small.
pub(super) fn block(product: &Product, sums: &mut Block) {
    match product.channels {
        6 => chains::<6>(product, sums),
        5 => chains::<5>(product, sums),
        4 => chains::<4>(product, sums),
        3 => chains::<3>(product, sums),
        2 => chains::<2>(product, sums),
        _ => chains::<1>(product, sums),
    }
}

fn chains<const C: usize>(product: &Product, sums: &mut Block) {
    let Product { offsets, x, weights, earlier, finish, .. } = *product;
    let (weights, Some(sums)) = (weights.as_chunks::<C>().0, sums.first_chunk_mut::<C>()) else { return };
    let chain = offsets.len().div_ceil(offsets.len().div_ceil(CHAIN).max(1)).max(1);
    wide!(|fma| {
        match earlier.and_then(|e| e.first_chunk::<C>()) {
            Some(earlier) => *sums = *earlier,
            None => *sums = [[0.0; PANEL]; C],
        }
        for (offsets, weights) in offsets.chunks(chain).zip(weights.chunks(chain)) {
            chain_of(fma, offsets, x, weights, sums);
        }
        if let Some(Finish { bias, relu }) = finish {
            let bias = bias.and_then(|b| b.first_chunk::<C>()).unwrap_or(&[0.0; C]);
            finished(bias, if relu { 0.0 } else { f32::NEG_INFINITY }, sums);
        }
    });
}

/// Adds the bias and raises what is below `floor`; NaN stays NaN.
#[inline(always)]
fn finished<const C: usize>(bias: &[f32; C], floor: f32, sums: &mut [[f32; PANEL]; C]) {
    for (sums, bias) in sums.iter_mut().zip(bias) {
        // By value: in place, the compiler takes one element after the other.
        *sums = sums.map(|s| s + bias).map(|s| if s < floor { floor } else { s });
    }
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
