//! Transposed convolution. Where windows neighbour each other it is a convolution with the kernel turned round; else, for
//! each tap, the product of weights and input is added to the outputs it belongs to.
//!
//! What lies outside the output is never added, so infinite weights need no special care.

use std::ops::Range;

use rayon::prelude::*;

use super::adjoint;
use super::gemm::{Matrix, Sums, multiply};
use crate::error::Result;
use crate::geometry::{self, Axis, MAX_SPATIAL};
use crate::host::output::{Scattered, WORTH_SHARING};
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Layout;

/// Sums of a task, whose memory should stay in the cache.
const SUMS: usize = 1 << 15;
/// The most output channels of a task.
const CHANNELS: usize = 64;

/// The axes of `work` are those of the convolution whose adjoint this is: their input is our output.
pub(in crate::host) fn transposed(
    work: &ConvWork,
    x: &[f32],
    w: &[f32],
    epilogue: Epilogue<f32>,
) -> Result<Vec<f32>> {
    if !work.little_outside_transposed() {
        return adjoint::transposed(work, x, w, epilogue);
    }
    if let Some(conv) = work.turned().filter(|_| super::all_finite(w)) {
        let w = work.turned_kernel(&conv, w)?;
        let packed = super::pack(&conv, &w, false)?;
        return super::conv(&conv, x, &w, epilogue, packed.as_ref());
    }
    let out = Scattered::new(work.batch * work.output.n)?;
    // Tasks take a range of the outermost axis: of input and output alike, it is contiguous in each channel.
    let cut = work.axes.iter().position(|a| a.input > 1 || a.output > 1).unwrap_or(0);
    let a = &work.axes[cut];
    let rest = |length: fn(&Axis) -> usize| work.axes[cut + 1..].iter().map(length).product::<usize>();
    let (rest_in, rest_out) = (rest(|a| a.output), rest(|a| a.input));
    // Groups of one channel each are a task's channels together, others its task's group.
    let single = work.group_in == 1 && work.group_out == 1;
    let (groups, all) = if single { (1, work.groups) } else { (work.groups, work.group_out) };
    let channels = all.min(CHANNELS);
    let blocks = all.div_ceil(channels);
    // Neighbouring tasks multiply the inputs that they share twice: the ranges are not much shorter than a window.
    let length = (SUMS / (channels * rest_out)).max(a.span()).clamp(1, a.input);
    let ranges = a.input.div_ceil(length);
    let job = Job { work, x, w, epilogue, out: &out, cut, rest_in, rest_out, single };
    let tasks = work.batch * groups * blocks * ranges;
    let task = |scratch: &mut Scratch, i: usize| {
        let (range, i) = (i % ranges, i / ranges);
        let (block, i) = (i % blocks, i / blocks);
        let outputs = range * length..a.input.min((range + 1) * length);
        let channels = block * channels..all.min((block + 1) * channels);
        job.task(scratch, i / groups, i % groups, channels, outputs)
    };
    if work.batch * work.input.n * work.group_out * work.taps() < WORTH_SHARING {
        let mut scratch = Scratch::default();
        (0..tasks).try_for_each(|i| task(&mut scratch, i))?;
    } else {
        (0..tasks).into_par_iter().try_for_each_init(Scratch::default, task)?;
    }
    // SAFETY: the tasks cover all positions of all channels of all images.
    Ok(unsafe { out.finish() })
}

/// Buffers of a task.
#[derive(Default)]
struct Scratch {
    products: Sums,
    /// In 64 bits, because as many taps as the kernel has are added one after another.
    sums: Vec<f64>,
    row: Vec<f32>,
}

struct Job<'a> {
    work: &'a ConvWork,
    x: &'a [f32],
    w: &'a [f32],
    epilogue: Epilogue<'a, f32>,
    out: &'a Scattered<f32>,
    /// The axis of which a task takes a range, and the elements behind each of its positions.
    cut: usize,
    rest_in: usize,
    rest_out: usize,
    /// Whether each group is a single channel of input and output.
    single: bool,
}

/// The windows of an axis with a tap in `positions`, as far as spans tell.
fn windows(a: &Axis, positions: &Range<usize>) -> Range<usize> {
    let first = (positions.start + a.pad_before + 1).saturating_sub(a.span()).div_ceil(a.stride);
    let end = (positions.end + a.pad_before).div_ceil(a.stride).min(a.output);
    first.min(end)..end
}

/// Those of `windows` whose tap `tap` lies in `positions`: neighbours, because positions only grow.
fn with_tap(a: &Axis, windows: &Range<usize>, tap: usize, positions: &Range<usize>) -> Range<usize> {
    let offset = tap * a.dilation;
    let reach = |position: usize| (position + a.pad_before).saturating_sub(offset).div_ceil(a.stride);
    let start = reach(positions.start).clamp(windows.start, windows.end);
    start..reach(positions.end).clamp(start, windows.end)
}

impl Job<'_> {
    /// Computes the positions `outputs` of the cut axis for the output channels `channels` of a group.
    fn task(
        &self,
        scratch: &mut Scratch,
        n: usize,
        group: usize,
        channels: Range<usize>,
        outputs: Range<usize>,
    ) -> Result<()> {
        let (work, cut) = (self.work, self.cut);
        let Scratch { products, sums, row } = scratch;
        let outs = channels.len();
        let mut positions = work.axes.map(|a| 0..a.input);
        positions[cut] = outputs.clone();
        let mut inputs = work.axes.map(|a| 0..a.output);
        inputs[cut] = windows(&work.axes[cut], &outputs);
        let pixels = inputs[cut].len() * self.rest_in;
        sums.clear();
        memory::resize(sums, outs * outputs.len() * self.rest_out, 0.0)?;
        if pixels > 0 {
            let channel = if self.single { channels.start } else { group * work.group_in };
            let x = self.input(n, channel, inputs[cut].start * self.rest_in);
            for tap in geometry::positions(work.axes.map(|a| a.kernel)) {
                let inside: [_; MAX_SPATIAL] =
                    std::array::from_fn(|i| with_tap(&work.axes[i], &inputs[i], tap[i], &positions[i]));
                if inside.iter().any(Range::is_empty) {
                    continue;
                }
                let weights = self.weights(group, channels.start, tap);
                let products = self.products(products, weights, x, outs, pixels)?;
                self.scatter(products, outs, tap, &inside, &inputs, &positions, sums);
            }
        }
        self.store(n, group * work.group_out + channels.start, outs, outputs.start, sums, row)
    }

    /// The input from a channel and pixel `first` on, channels by pixels.
    fn input(&self, n: usize, channel: usize, first: usize) -> Matrix<'_> {
        let strides = self.work.input;
        let pixel = strides.space[MAX_SPATIAL - 1];
        let from = n * strides.n + channel * strides.c + first * pixel;
        Matrix { data: &self.x[from..], row: strides.c, column: pixel }
    }

    /// The weights of a tap, output channels by input channels; of single channels, one below the other.
    fn weights(&self, group: usize, first: usize, tap: [usize; MAX_SPATIAL]) -> Matrix<'_> {
        let ks = self.work.kernel;
        if self.single {
            return Matrix { data: &self.w[ks.at(0, first, tap)..], row: ks.i, column: 0 };
        }
        // The kernel's input channels are those of all groups.
        let from = ks.at(first, group * self.work.group_in, tap);
        Matrix { data: &self.w[from..], row: ks.o, column: ks.i }
    }

    /// Weights times input: channels by pixels, or pixels by channels where these lie last.
    fn products<'s>(
        &self,
        products: &'s mut Sums,
        weights: Matrix,
        x: Matrix,
        outs: usize,
        pixels: usize,
    ) -> Result<&'s [f32]> {
        let layout = self.work.layout;
        let products = products.of(outs * pixels, self.work.group_in, |terms, add, sums| {
            let (k, weights, x) = (terms.len(), weights.from(0, terms.start), x.from(terms.start, 0));
            if self.single {
                return each_by_its_weight(layout, weights, x, [outs, pixels], sums);
            }
            match layout {
                Layout::Nchw => multiply([outs, k, pixels], weights, x, add, sums),
                Layout::Nhwc => multiply([pixels, k, outs], x.transposed(), weights.transposed(), add, sums),
            }
            Ok(())
        })?;
        Ok(products)
    }

    /// Adds the products of a tap to the sums they belong to.
    #[allow(clippy::too_many_arguments)]
    fn scatter(
        &self,
        products: &[f32],
        outs: usize,
        tap: [usize; MAX_SPATIAL],
        inside: &[Range<usize>; MAX_SPATIAL],
        inputs: &[Range<usize>; MAX_SPATIAL],
        positions: &[Range<usize>; MAX_SPATIAL],
        sums: &mut [f64],
    ) {
        // Channels first, each has a plane of its own; last, a row is as wide as there are channels.
        let (planes, inner) = match self.work.layout {
            Layout::Nchw => (outs, 1),
            Layout::Nhwc => (1, outs),
        };
        let [_, in_h, in_w] = [0, 1, 2].map(|i| inputs[i].len());
        let [_, out_h, out_w] = [0, 1, 2].map(|i| positions[i].len());
        let to = |i: usize, o: usize| {
            let a = &self.work.axes[i];
            a.position(o, tap[i]).and_then(|p| p.checked_sub(positions[i].start))
        };
        let (plane_in, plane_out) = (products.len() / planes, sums.len() / planes);
        let step = self.work.axes[2].stride * inner;
        let Some(w_to) = to(2, inside[2].start) else { return };
        let w_from = inside[2].start - inputs[2].start;
        for (products, sums) in products.chunks_exact(plane_in).zip(sums.chunks_exact_mut(plane_out)) {
            for d in inside[0].clone() {
                let (Some(d_to), d_from) = (to(0, d), d - inputs[0].start) else { continue };
                for h in inside[1].clone() {
                    let (Some(h_to), h_from) = (to(1, h), h - inputs[1].start) else { continue };
                    let from = ((d_from * in_h + h_from) * in_w + w_from) * inner;
                    let products = &products[from..][..inside[2].len() * inner];
                    let sums = &mut sums[((d_to * out_h + h_to) * out_w + w_to) * inner..];
                    if inner == 1 {
                        add_stepped(sums, products, step);
                    } else {
                        for (sums, products) in sums.chunks_mut(step).zip(products.chunks_exact(inner)) {
                            sums.iter_mut().zip(products).for_each(|(s, p)| *s += f64::from(*p));
                        }
                    }
                }
            }
        }
    }

    /// Adds the bias, applies the activation and stores the sums.
    fn store(
        &self,
        n: usize,
        first: usize,
        outs: usize,
        start: usize,
        sums: &[f64],
        row: &mut Vec<f32>,
    ) -> Result<()> {
        let (work, strides) = (self.work, self.work.output);
        let bias = |o: usize| f64::from(self.epilogue.bias_of(o));
        row.clear();
        memory::reserve(row, sums.len())?;
        match work.layout {
            Layout::Nchw => {
                let plane = sums.len() / outs;
                for (o, sums) in (first..).zip(sums.chunks_exact(plane)) {
                    row.clear();
                    row.extend(sums.iter().map(|s| (s + bias(o)) as f32));
                    self.epilogue.activate(row, o, [1, plane]);
                    // SAFETY: every position of every channel belongs to one task.
                    unsafe { self.out.write(n * strides.n + o * strides.c + start * self.rest_out, row) };
                }
            }
            Layout::Nhwc => {
                for sums in sums.chunks_exact(outs) {
                    row.extend((first..).zip(sums).map(|(o, s)| (s + bias(o)) as f32));
                }
                self.epilogue.activate(row, first, [outs, 1]);
                let channels = work.out_channels();
                for (p, row) in (start * self.rest_out..).zip(row.chunks_exact(outs)) {
                    // SAFETY: every channel of every position belongs to one task.
                    unsafe { self.out.write(n * strides.n + p * channels + first, row) };
                }
            }
        }
        Ok(())
    }
}

/// Each channel times its one weight.
fn each_by_its_weight(
    layout: Layout,
    weights: Matrix,
    x: Matrix,
    [outs, pixels]: [usize; 2],
    products: &mut [f32],
) -> Result<()> {
    match layout {
        Layout::Nchw => {
            for (o, products) in products.chunks_exact_mut(pixels).enumerate() {
                let weight = weights.data[o * weights.row];
                products.iter_mut().zip(&x.data[o * x.row..]).for_each(|(p, x)| *p = weight * x);
            }
        }
        Layout::Nhwc => {
            let weights = memory::collected((0..outs).map(|o| weights.data[o * weights.row]))?;
            for (products, x) in products.chunks_exact_mut(outs).zip(x.data.chunks(x.column)) {
                products.iter_mut().zip(x).zip(&weights).for_each(|((p, x), w)| *p = w * x);
            }
        }
    }
    Ok(())
}

/// Adds to every `step`th sum.
fn add_stepped(sums: &mut [f64], products: &[f32], step: usize) {
    let add = |(s, p): (&mut f64, &f32)| *s += f64::from(*p);
    match step {
        1 => sums.iter_mut().zip(products).for_each(add),
        _ => sums.iter_mut().step_by(step).zip(products).for_each(add),
    }
}
