//! Kernels for integer convolution: its kernel in vectors, the sums, and the bytes that are made of them.

use super::channel_splits;
use super::direct::{BLOCK, invocations, params};
use crate::error::Result;
use crate::kernel::{ConvInteger, PackInteger, PackIntegerParams, Requantize, RequantizeParams};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::{ConvWork, IntegerWork, RequantizeWork};
use crate::spec::Layout;

/// Bytes of a vector of four weights.
const VECTOR: u64 = 16;

pub(in crate::plan) fn steps(p: &Planner, work: &IntegerWork) -> Result<Steps> {
    let conv = &work.conv;
    let vectors = conv.groups * conv.group_out.div_ceil(BLOCK) * conv.taps() * conv.group_in;
    let packed = vec![(vectors as u64).saturating_mul(VECTOR)];
    let mut steps = vec![pack(p, work, vectors)?];
    let (sums, scratch) = match work.requantize {
        None => (Slot::Output(0), vec![]),
        Some(_) => (Slot::Scratch(0), vec![4 * elements(conv) as u64]),
    };
    let total = invocations(conv, each(&conv.axes, |a| a.output));
    let grid = p.invocations(total as u64)?;
    let iterations = |channels| Iterations::default().repeated(channels).at_taps(&conv.axes);
    steps.extend(channel_splits::steps(p, conv, iterations, |conv, channels| {
        let params = params(p, conv, None, total, channels)?;
        let channels_last = conv.layout == Layout::Nhwc;
        let kernel = ConvInteger { dtype: work.input, channels_last };
        let slots = vec![Slot::Input(0), Slot::Packed(0), Slot::Input(2), sums];
        Ok(Step::new(kernel, &params, slots, grid))
    })?);
    if let Some(requantize) = &work.requantize {
        steps.push(bytes(p, conv, requantize)?);
    }
    Ok(Steps { scratch, packed, ..Steps::from(steps) })
}

/// Elements of the output.
fn elements(conv: &ConvWork) -> usize {
    conv.batch * conv.out_channels() * conv.pixels()
}

/// The kernel less its zero points.
fn pack(p: &Planner, work: &IntegerWork, vectors: usize) -> Result<Step> {
    let conv = &work.conv;
    let params = PackIntegerParams {
        window: p.vec4(each(&conv.axes, |a| a.kernel), conv.group_in)?,
        tap_stride: p.vec4(conv.kernel.space, conv.kernel.i)?,
        tap_out: p.u32(conv.kernel.o)?,
        group_out: p.u32(conv.group_out)?,
        blocks: p.u32(conv.group_out.div_ceil(BLOCK))?,
        zero_each: u32::from(work.zero_each),
        total: p.u32(vectors)?,
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    let kernel = PackInteger { dtype: work.kernel };
    let slots = vec![Slot::Input(1), Slot::Input(3), Slot::Packed(0)];
    let step = Step::new(kernel, &params, slots, p.invocations(vectors as u64)?);
    Ok(Step { prepack: true, why: "weights less their zero points, four channels in a vector", ..step })
}

/// Bytes of the sums.
fn bytes(p: &Planner, conv: &ConvWork, work: &RequantizeWork) -> Result<Step> {
    let total = elements(conv);
    let (least, most) = work.range();
    let params = RequantizeParams {
        total: p.u32(total)?,
        channels: p.u32(conv.out_channels())?,
        inner: p.u32(conv.output.c)?,
        scale_each: u32::from(work.scale_each),
        has_bias: u32::from(work.bias),
        zero: work.zero as f32,
        least: (least - work.zero) as f32,
        most: (most - work.zero) as f32,
    };
    // Without a bias, what is bound in its place is not read.
    let bias = Slot::Input(if work.bias { 5 } else { 4 });
    let slots = vec![Slot::Scratch(0), Slot::Input(4), bias, Slot::Output(0)];
    let kernel = Requantize { dtype: work.output };
    let grid = p.invocations(total.div_ceil(4) as u64)?;
    Ok(Step { why: "four bytes to a word", ..Step::new(kernel, &params, slots, grid) })
}
