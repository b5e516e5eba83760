//! Deformable convolution: the samples of an image, and the convolution of these.

use super::conv;
use super::output::{WORTH_SHARING, fill};
use crate::error::{Error, Result};
use crate::geometry::MAX_SPATIAL;
use crate::memory;
use crate::problem::{ConvWork, DeformWork, Epilogue};
use crate::tensor::{Data, Tensor};

/// Computes image by image, so that the samples of one image alone are in memory.
pub(super) fn deform(work: &DeformWork, inputs: &[&Tensor]) -> Result<Data> {
    let all = inputs.iter().map(|tensor| tensor.as_f32()).collect::<Result<Vec<_>>>()?;
    let (mask, weights) = match (work.mask, all.as_slice()) {
        (false, [_, _, weights @ ..]) => (None, weights),
        (true, [_, _, mask, weights @ ..]) => (Some(*mask), weights),
        _ => (None, &[][..]),
    };
    let (&[x, offsets, ..], &[w, ref rest @ ..]) = (all.as_slice(), weights) else {
        let expected = "as many as the problem was made for";
        return Err(Error::arity("deformable convolution", expected, inputs.len()));
    };
    let one = ConvWork { batch: 1, ..work.sampled };
    let epilogue = Epilogue::of(&one, rest);
    let packed = conv::pack(&one, w, false)?;
    let mut y = memory::room(if work.conv.batch > 1 { work.conv.batch * work.conv.output.n } else { 0 })?;
    for n in 0..work.conv.batch {
        let samples = match work.rank {
            1 => samples::<2>(work, n, x, offsets, mask),
            2 => samples::<4>(work, n, x, offsets, mask),
            _ => samples::<8>(work, n, x, offsets, mask),
        }?;
        let image = conv::conv(&one, &samples, w, epilogue, packed.as_ref())?;
        match work.conv.batch {
            1 => y = image,
            _ => y.extend(image),
        }
    }
    Ok(Data::F32(y))
}

/// Where the elements around a sample lie in their plane, and their weights. Those outside have a place that no plane has.
#[derive(Clone, Copy)]
struct Corners<const N: usize> {
    at: [usize; N],
    weight: [f32; N],
}

impl<const N: usize> Default for Corners<N> {
    /// A sample outside the input.
    fn default() -> Self {
        Corners { at: [usize::MAX; N], weight: [0.0; N] }
    }
}

/// The samples of image `n`: for each channel and tap a plane of outputs.
fn samples<const N: usize>(
    work: &DeformWork,
    n: usize,
    x: &[f32],
    offsets: &[f32],
    mask: Option<&[f32]>,
) -> Result<Vec<f32>> {
    let conv = &work.conv;
    let (pixels, taps, channels) = (conv.pixels(), conv.taps(), conv.in_channels());
    let plane: usize = conv.axes.iter().map(|a| a.input).product();
    let masks = work.offset_groups * taps * pixels;
    let mask = mask.map(|mask| &mask[n * masks..][..masks]);
    let offsets = &offsets[n * masks * work.rank..][..masks * work.rank];
    // All channels of a group have the same places.
    let places = fill(masks, WORTH_SHARING / 16, 1, |chunk, places: &mut [Corners<N>]| {
        for (i, place) in (chunk * (WORTH_SHARING / 16)..).zip(places) {
            let (tap, pixel) = (i / pixels, i % pixels);
            let offset = |axis| offsets[(tap * work.rank + axis) * pixels + pixel];
            *place = corners(work, tap % taps, pixel, offset);
        }
    })?;
    fill(channels * taps * pixels, pixels, WORTH_SHARING.div_ceil(pixels * N), |i, out: &mut [f32]| {
        let (c, tap) = (i / taps, i % taps);
        let group = c / (channels / work.offset_groups);
        let from = (group * taps + tap) * pixels;
        let x = &x[(n * channels + c) * plane..][..plane];
        for (out, place) in out.iter_mut().zip(&places[from..]) {
            let corners = place.at.iter().zip(place.weight);
            *out = corners.map(|(&at, weight)| weight * x.get(at).copied().unwrap_or(0.0)).sum();
        }
        if let Some(mask) = mask {
            for (out, mask) in out.iter_mut().zip(&mask[from..]) {
                *out *= mask;
            }
        }
    })
}

/// What is around tap `tap` of output `pixel` once it is moved.
fn corners<const N: usize>(
    work: &DeformWork,
    tap: usize,
    pixel: usize,
    offset: impl Fn(usize) -> f32,
) -> Corners<N> {
    let axes = &work.conv.axes;
    let [_, kernel_h, kernel_w] = axes.map(|a| a.kernel);
    let [_, out_h, out_w] = axes.map(|a| a.output);
    let tap = [tap / kernel_w / kernel_h, tap / kernel_w % kernel_h, tap % kernel_w];
    let out = [pixel / out_w / out_h, pixel / out_w % out_h, pixel % out_w];
    let (mut low, mut part) = ([0i64; MAX_SPATIAL], [0f32; MAX_SPATIAL]);
    let first = MAX_SPATIAL - work.rank;
    for axis in first..MAX_SPATIAL {
        let place = axes[axis].start(out[axis]) + (tap[axis] * axes[axis].dilation) as isize;
        let at = place as f32 + offset(axis - first);
        let inside = at > -1.0 && at < axes[axis].input as f32;
        if !inside {
            return Corners::default();
        }
        low[axis] = at.floor() as i64;
        part[axis] = at - at.floor();
    }
    let mut all = Corners::default();
    for (corner, (to, weight)) in all.at.iter_mut().zip(&mut all.weight).enumerate() {
        let high = [corner >> 2 & 1, corner >> 1 & 1, corner & 1];
        let at: [i64; MAX_SPATIAL] = std::array::from_fn(|axis| low[axis] + high[axis] as i64);
        if at.iter().zip(axes).all(|(at, axis)| (0..axis.input as i64).contains(at)) {
            let [d, h, w] = at.map(|at| at as usize);
            *to = (d * axes[1].input + h) * axes[2].input + w;
            let of_axis = |axis: usize| if high[axis] == 1 { part[axis] } else { 1.0 - part[axis] };
            *weight = of_axis(0) * of_axis(1) * of_axis(2);
        }
    }
    all
}
