//! Integer convolution: rows of sums in 32 bits, tap by tap, over planes of 16-bit differences from the zero point.

use super::output::{WORTH_SHARING, fill};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{MAX_SPATIAL, positions, taps_inside};
use crate::problem::{ConvWork, IntegerWork, RequantizeWork};
use crate::spec::Layout;
use crate::tensor::{Data, Tensor};

pub(super) fn integer(work: &IntegerWork, inputs: &[&Tensor]) -> Result<Data> {
    let &[x, w, x_zero, w_zero, ref rest @ ..] = inputs else {
        return Err(Error::arity(OP, "four or more", inputs.len()));
    };
    let sums = match work.conv.little_outside() {
        true => sums(work, &Planes::of(&work.conv, x, whole(x_zero, 0))?, w, w_zero)?,
        false => sums_inside(work, [x, w], [x_zero, w_zero])?,
    };
    match (&work.requantize, rest) {
        (Some(requantize), [scales, bias @ ..]) => {
            let scales = scales.as_f32()?;
            let finish = |o: usize, sum: i32| {
                let bias = bias.first().map_or(0, |bias| whole(bias, o));
                let scale = scales[if requantize.scale_each { o } else { 0 }];
                requantized(requantize, sum.wrapping_add(bias), scale)
            };
            Ok(match requantize.output {
                DType::I8 => Data::I8(ordered(&work.conv, &sums, |o, sum| finish(o, sum) as i8)?),
                _ => Data::U8(ordered(&work.conv, &sums, |o, sum| finish(o, sum) as u8)?),
            })
        }
        _ if work.conv.layout == Layout::Nchw => Ok(Data::I32(sums)),
        _ => Ok(Data::I32(ordered(&work.conv, &sums, |_, sum| sum)?)),
    }
}

const OP: &str = "integer convolution";

/// Element `i` of a tensor of integers.
fn whole(tensor: &Tensor, i: usize) -> i32 {
    match tensor.data() {
        Data::U8(v) => v.get(i).map_or(0, |&x| x.into()),
        Data::I8(v) => v.get(i).map_or(0, |&x| x.into()),
        Data::I32(v) => v.get(i).copied().unwrap_or(0),
        _ => 0,
    }
}

fn requantized(work: &RequantizeWork, sum: i32, scale: f32) -> i32 {
    let (least, most) = work.range();
    // The range without the zero point holds few numbers, so that clamping first loses nothing.
    let (least, most) = ((least - work.zero) as f32, (most - work.zero) as f32);
    (sum as f32 * scale).clamp(least, most).round_ties_even() as i32 + work.zero
}

/// The input's differences from its zero point, plane by plane, with the padding that windows reach.
struct Planes {
    data: Vec<i16>,
    space: [usize; MAX_SPATIAL],
}

impl Planes {
    fn of(work: &ConvWork, x: &Tensor, zero: i32) -> Result<Planes> {
        match x.data() {
            Data::U8(x) => Self::less(work, x, zero as i16),
            Data::I8(x) => Self::less(work, x, zero as i16),
            other => Err(Error::dtype(OP, "the input", other.dtype(), "it must be u8 or i8")),
        }
    }

    fn less<T: Copy + Into<i16> + Sync>(work: &ConvWork, x: &[T], zero: i16) -> Result<Planes> {
        let space @ [depth, height, width] = work.axes.map(|a| a.reach(a.output));
        let plane = depth * height * width;
        let channels = work.in_channels();
        let [ad, ah, aw] = &work.axes;
        let data = fill(work.batch * channels * plane, plane, WORTH_SHARING.div_ceil(plane), |i, out| {
            let (n, c) = (i / channels, i % channels);
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                // What is left of the padding before an axis is inside it, as far as windows reach.
                let inside = |at: usize, before: usize, length: usize| {
                    at.checked_sub(before).filter(|&at| at < length)
                };
                let d = inside(row / height, ad.pad_before, ad.input);
                let h = inside(row % height, ah.pad_before, ah.input);
                let (Some(d), Some(h)) = (d, h) else { continue };
                let first = work.input.at(n, c, [d, h, 0]);
                let step = work.input.space[MAX_SPATIAL - 1];
                let of_row = x[first..].iter().step_by(step).take(aw.input);
                for (out, &x) in out.iter_mut().skip(aw.pad_before).zip(of_row) {
                    *out = x.into() - zero;
                }
            }
        })?;
        Ok(Planes { data, space })
    }
}

/// The sums, channels first.
fn sums(work: &IntegerWork, planes: &Planes, w: &Tensor, w_zero: &Tensor) -> Result<Vec<i32>> {
    let conv = &work.conv;
    let [_, height, width] = planes.space;
    let plane: usize = planes.space.iter().product();
    let [ad, ah, aw] = &conv.axes;
    let steps = [height * width, width, 1];
    // Where each tap lies in the planes of a group, and what it is multiplied by.
    let terms = conv.group_in * conv.taps();
    let of_channel = WORTH_SHARING.div_ceil(16 * terms);
    let taps = fill(conv.out_channels() * terms, terms, of_channel, |o, taps: &mut [(usize, i32)]| {
        let zero = whole(w_zero, if work.zero_each { o } else { 0 });
        let kernel = positions(conv.axes.map(|a| a.kernel));
        let all = (0..conv.group_in).flat_map(|i| kernel.clone().map(move |tap| (i, tap)));
        for ((i, [td, th, tw]), tap) in all.zip(taps) {
            let weight = whole(w, conv.kernel.at(o, i, [td, th, tw])) - zero;
            let place = [td * ad.dilation, th * ah.dilation, tw * aw.dilation];
            let at: usize = place.iter().zip(steps).map(|(place, step)| place * step).sum();
            *tap = (i * plane + at, weight);
        }
    })?;
    let row = aw.output;
    let batch = WORTH_SHARING.div_ceil(conv.pixels() * terms);
    fill(conv.batch * conv.out_channels() * conv.pixels(), conv.pixels(), batch, |i, out: &mut [i32]| {
        let (n, o) = (i / conv.out_channels(), i % conv.out_channels());
        let first = n * conv.in_channels() + o / conv.group_out * conv.group_in;
        for (number, out) in out.chunks_exact_mut(row).enumerate() {
            let (d, h) = (number / ah.output, number % ah.output);
            let from = first * plane + d * ad.stride * steps[0] + h * ah.stride * steps[1];
            wide!(|_| {
                for &(at, weight) in &taps[o * terms..][..terms] {
                    add(out, &planes.data[from + at..], aw.stride, weight);
                }
            });
        }
    })
}

/// The sums, channels first, of windows that lie outside the input for the most part: tap by tap, each only where it lies
/// inside.
fn sums_inside(work: &IntegerWork, [x, w]: [&Tensor; 2], [x_zero, w_zero]: [&Tensor; 2]) -> Result<Vec<i32>> {
    let conv = &work.conv;
    let zero = whole(x_zero, 0);
    let (channels, pixels) = (conv.out_channels(), conv.pixels());
    let batch = WORTH_SHARING.div_ceil(pixels * conv.group_in);
    fill(conv.batch * channels * pixels, pixels, batch, |i, out: &mut [i32]| {
        let (n, o) = (i / channels, i % channels);
        let first = o / conv.group_out * conv.group_in;
        let w_zero = whole(w_zero, if work.zero_each { o } else { 0 });
        for (out, sum) in positions(conv.axes.map(|a| a.output)).zip(out) {
            taps_inside(&conv.axes, out).for_each(|(tap, at)| {
                let (from, tap) = (conv.input.at(n, first, at), conv.kernel.at(o, 0, tap));
                for i in 0..conv.group_in {
                    let a = whole(x, from + i * conv.input.c) - zero;
                    let b = whole(w, tap + i * conv.kernel.i) - w_zero;
                    *sum = sum.wrapping_add(a * b);
                }
            });
        }
    })
}

/// Adds a tap's products to a row of sums.
#[inline(always)]
fn add(sums: &mut [i32], x: &[i16], stride: usize, weight: i32) {
    if stride == 1 {
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum = sum.wrapping_add(i32::from(x) * weight);
        }
    } else {
        for (sum, &x) in sums.iter_mut().zip(x.iter().step_by(stride)) {
            *sum = sum.wrapping_add(i32::from(x) * weight);
        }
    }
}

/// What `finish` makes of each output channel's sums, in the output's memory order.
fn ordered<T: Copy + Default + Send>(
    work: &ConvWork,
    sums: &[i32],
    finish: impl Fn(usize, i32) -> T + Sync + Send,
) -> Result<Vec<T>> {
    let (channels, pixels) = (work.out_channels(), work.pixels());
    match work.layout {
        Layout::Nchw => fill(sums.len(), pixels, WORTH_SHARING.div_ceil(pixels), |i, out: &mut [T]| {
            for (out, &sum) in out.iter_mut().zip(&sums[i * pixels..]) {
                *out = finish(i % channels, sum);
            }
        }),
        Layout::Nhwc => fill(sums.len(), channels, WORTH_SHARING.div_ceil(channels), |i, out: &mut [T]| {
            let (n, p) = (i / pixels, i % pixels);
            for (o, out) in out.iter_mut().enumerate() {
                *out = finish(o, sums[(n * channels + o) * pixels + p]);
            }
        }),
    }
}
