//! Groups of one input channel: each plane or channel by itself.

use super::padded::{Padded, Planes};
use super::windows::{Finish, Taps, Windows};
use super::{kernel_taps, tap_offsets};
use crate::error::Result;
use crate::host::kept::with_kept;
use crate::host::output::{WORTH_SHARING, fill, try_fill};
use crate::host::simd::{Simd, mul_add};
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Activation;

/// Channels whose sums are held in registers at a time.
const BLOCK: usize = 32;

/// What a thread keeps from plane to plane.
#[derive(Default)]
struct Kept {
    plane: Vec<f32>,
    weights: Vec<f32>,
}

/// Channels first: the planes of an input channel are computed from its plane, which a core's own cache holds.
pub(super) fn planes(work: &ConvWork, x: &[f32], w: &[f32], epilogue: Epilogue<f32>) -> Result<Vec<f32>> {
    let image = Planes::new(work, x);
    let offsets = image.taps()?;
    let [slab, pitch, _] = image.windows();
    let kernel = kernel_taps(work)?;
    let [depth, height, width] = work.axes.map(|a| a.output);
    let plane = depth * height * width;
    let outputs = work.group_out;
    let batch = WORTH_SHARING.div_ceil(outputs * plane * offsets.len());
    try_fill(work.batch * work.groups * outputs * plane, outputs * plane, batch, |i, out: &mut [f32]| {
        with_kept(|Kept { plane: buffer, weights }: &mut Kept| {
            let from = image.plane(i, buffer)?;
            for (j, out) in out.chunks_exact_mut(plane).enumerate() {
                let o = i % work.groups * outputs + j;
                weights.clear();
                memory::extend(weights, kernel.iter().map(|tap| w[o * work.kernel.o + tap]))?;
                let taps = Taps { offsets: &offsets, weights, kernel: work.axes.map(|a| a.kernel) };
                let finish = Finish { bias: epilogue.bias_of(o), floor: epilogue.floor() };
                let windows = Windows { taps, pitch, width, finish };
                for (d, out) in out.chunks_exact_mut(height * width).enumerate() {
                    windows.plane(&from[d * slab..], out);
                }
                if work.activation != Activation::Relu {
                    epilogue.activate(out, o, [1, plane]);
                }
            }
            Ok(())
        })
    })
}

/// Channels last.
pub(super) fn pixels(
    work: &ConvWork,
    image: &Padded,
    w: &[f32],
    epilogue: Epilogue<f32>,
) -> Result<Vec<f32>> {
    let offsets = tap_offsets(work, image.taps)?;
    let channels = work.out_channels();
    // The weights of all channels together for each tap.
    let kernel = kernel_taps(work)?;
    let mut weights = memory::room(kernel.len() * channels)?;
    weights.extend(kernel.iter().flat_map(|tap| (0..channels).map(move |o| w[o * work.kernel.o + tap])));
    let [depth, height, width] = work.axes.map(|a| a.output);
    let row = width * channels;
    let batch = WORTH_SHARING.div_ceil(row * offsets.len());
    fill(work.batch * depth * height * row, row, batch, |i, out: &mut [f32]| {
        let (n, d, h) = (i / (depth * height), i / height % depth, i % height);
        for (w, out) in out.chunks_exact_mut(channels).enumerate() {
            let x = &image.data[image.base(n, [d, h, w])..];
            channels_of_window(x, &offsets, &weights, out);
            if let Some(bias) = epilogue.bias {
                out.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
        epilogue.activate(out, 0, [channels, 1]);
    })
}

/// `out[c] = sum of weights[t][c] * x[offsets[t] + c]`.
fn channels_of_window(x: &[f32], offsets: &[usize], weights: &[f32], out: &mut [f32]) {
    let channels = out.len();
    wide!(|simd| {
        let mut done = 0;
        while done < channels {
            let (x, weights, out) = (&x[done..], &weights[done..], &mut out[done..]);
            done += match out.len() {
                BLOCK.. => channel_block::<BLOCK>(simd, x, offsets, weights, channels, out),
                8.. => channel_block::<8>(simd, x, offsets, weights, channels, out),
                _ => channel_block::<1>(simd, x, offsets, weights, channels, out),
            };
        }
    });
}

/// The first `N` channels; returns how many were computed.
#[inline(always)]
fn channel_block<const N: usize>(
    simd: Simd,
    x: &[f32],
    offsets: &[usize],
    weights: &[f32],
    channels: usize,
    out: &mut [f32],
) -> usize {
    let mut total = [0f32; N];
    for (offsets, weights) in offsets.chunks(CHAIN).zip(weights.chunks(CHAIN * channels)) {
        let mut sums = [0f32; N];
        for (&offset, weights) in offsets.iter().zip(weights.chunks(channels)) {
            let (x, weights) = (&x[offset..][..N], &weights[..N]);
            for ((sum, &x), &w) in sums.iter_mut().zip(x).zip(weights) {
                *sum = mul_add(simd, w, x, *sum);
            }
        }
        total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
    }
    out[..N].copy_from_slice(&total);
    N
}
