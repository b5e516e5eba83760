//! Channels last: rows of the product are pixels, read where they lie; columns are packed output channels.

use rayon::prelude::*;

use super::gemm::{COLS, Packed, ROWS, Size, product, tile};
use super::padded::Padded;
use super::{kernel_taps, pixel, tap_offsets};
use crate::error::Result;
use crate::host::activation::apply;
use crate::host::output::Scattered;
use crate::problem::ConvWork;

pub(super) fn conv(work: &ConvWork, image: &Padded, w: &[f32], bias: Option<&[f32]>) -> Result<Vec<f32>> {
    let (terms, taps) = (work.group_in * work.taps(), kernel_taps(work));
    let pixels = work.pixels();
    let rows = work.batch * pixels;
    // Neighbouring taps of undivided channels are contiguous.
    let contiguous = work.groups == 1 && image.taps[2] == work.group_in;
    let mut offsets = tap_offsets(work, image.taps);
    let mut run = work.group_in;
    if contiguous {
        let kernel = work.axes[2].kernel;
        offsets = offsets.into_iter().step_by(kernel).collect();
        run *= kernel;
    }
    let size = Size { panels: rows.div_ceil(ROWS), strips: work.group_out.div_ceil(COLS), terms };
    let out = Scattered::new(work.batch * work.output.n)?;
    (0..work.groups).into_par_iter().try_for_each(|group| {
        let channel = group * work.group_in;
        product(
            size,
            |strip, packed| {
                let first = strip * COLS;
                let count = COLS.min(work.group_out - first);
                pack(work, w, &taps, group * work.group_out + first, count, packed);
            },
            |panel, strip, packed| {
                let first = panel * ROWS;
                // A short panel repeats its last row.
                let bases = std::array::from_fn(|r| {
                    let row = (first + r).min(rows - 1);
                    image.base(row / pixels, pixel(work, row % pixels)) + channel
                });
                let mut sums = tile(&image.data, &bases, &offsets, run, packed);
                let o = group * work.group_out + strip * COLS;
                let count = COLS.min(work.group_out - strip * COLS);
                if let Some(bias) = bias {
                    for sums in &mut sums {
                        for (sum, bias) in sums.iter_mut().zip(&bias[o..o + count]) {
                            *sum += bias;
                        }
                    }
                }
                let used = ROWS.min(rows - first);
                apply(work.activation, sums[..used].as_flattened_mut());
                for (row, sums) in (first..first + used).zip(&sums) {
                    // SAFETY: every channel of every pixel belongs to one tile.
                    unsafe { out.write(row * work.out_channels() + o, &sums[..count]) };
                }
            },
        )
    })?;
    // SAFETY: the tiles cover all channels of all pixels.
    Ok(unsafe { out.finish() })
}

/// Packs the weights of `count` output channels from `o` on, in the order tap, input channel.
fn pack(work: &ConvWork, w: &[f32], taps: &[usize], o: usize, count: usize, packed: &mut [Packed]) {
    let ks = work.kernel;
    for (tap, packed) in taps.iter().zip(packed.chunks_exact_mut(work.group_in)) {
        for (i, packed) in packed.iter_mut().enumerate() {
            let from = &w[o * ks.o + i * ks.i + tap..];
            let (used, rest) = packed.split_at_mut(count);
            if ks.o == 1 {
                used.copy_from_slice(&from[..count]);
            } else {
                used.iter_mut().enumerate().for_each(|(j, out)| *out = from[j * ks.o]);
            }
            rest.fill(0.0);
        }
    }
}
