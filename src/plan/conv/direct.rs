//! The general kernels of convolution: direct, transposed, and with pooling.

use std::ops::Range;

use super::pooled::Both;
use super::{Request, channel_splits, params, weight_slots};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::{ActivationKind, Conv, ConvParams, ConvPool, ConvTranspose, KernelKey};
use crate::plan::candidate::{Candidate, Family, free};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::planner::each;
use crate::plan::{Planner, Slot, Step};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::Layout;

/// Output channels that an invocation of the direct kernels computes.
pub(super) const BLOCK: usize = 4;

/// Input, kernel, bias and the tensor that is written.
pub(super) fn slots(work: &ConvWork, to: Slot) -> Vec<Slot> {
    let [weights, bias] = weight_slots(work);
    vec![Slot::Input(0), weights, bias, to]
}

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/direct",
    family: Family::General,
    about: "any convolution: an invocation computes one position of four output channels",
    applies: free,
    cost: free,
    steps: |request, p| Ok(direct(p, &request.work, request.to)?.into()),
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/direct",
    family: Family::General,
    about: "pooling windows that do not overlap: an invocation convolves one and stores its maximum or mean",
    applies: |both, p| {
        both.apart()?;
        let conv = both.conv();
        match direct_iterations(conv, conv.group_in).at_taps(&both.pool().axes).fit(p) {
            true => Ok(()),
            false => Err(ENDED),
        }
    },
    cost: |both, p| both.fast_apart(p).and_then(|()| both.patches_apart(p)),
    steps: |both, p| Ok(vec![fused(p, both.conv(), both.pool())?].into()),
};

/// The kernel that takes any convolution.
fn direct(p: &Planner, work: &ConvWork, to: Slot) -> Result<Vec<Step>> {
    let positions = each(&work.axes, |a| a.output);
    general(p, work, positions, to, direct_iterations, |dtype, activation, channels_last| {
        Conv { dtype, activation, channels_last }.into()
    })
}

pub(super) fn direct_iterations(work: &ConvWork, channels: usize) -> Iterations {
    Iterations::of_channels(channels).at_taps(&work.axes)
}

pub(in crate::plan) fn transposed(p: &Planner, work: &ConvWork) -> Result<Vec<Step>> {
    // The axes are those of the adjoint: its input is written here.
    let positions = each(&work.axes, |a| a.input);
    general(p, work, positions, Slot::Output(0), transposed_iterations, |dtype, activation, channels_last| {
        ConvTranspose { dtype, activation, channels_last }.into()
    })
}

fn transposed_iterations(work: &ConvWork, channels: usize) -> Iterations {
    Iterations::of_channels(channels).at_windows(&work.axes)
}

/// A kernel that computes one of these positions and four channels an invocation, in as many dispatches as its loops need.
fn general(
    p: &Planner,
    work: &ConvWork,
    positions: [usize; 3],
    to: Slot,
    iterations: fn(&ConvWork, usize) -> Iterations,
    kernel: fn(DType, ActivationKind, bool) -> KernelKey,
) -> Result<Vec<Step>> {
    let total = invocations(work, positions);
    let grid = p.invocations(total as u64)?;
    channel_splits::steps(
        p,
        work,
        |channels| iterations(work, channels),
        |work, channels| {
            let (activation, _) = ActivationKind::of(work.activation);
            let params = params(p, work, None, total, channels)?;
            let kernel = kernel(work.dtype, activation, work.layout == Layout::Nhwc);
            Ok(Step::new(kernel, &params, slots(work, to), grid))
        },
    )
}

/// The general kernel of both, for windows that do not overlap.
fn fused(p: &Planner, conv: &ConvWork, pool: &PoolWork) -> Result<Step> {
    let (activation, _) = ActivationKind::of(conv.activation);
    let total = invocations(conv, each(&pool.axes, |a| a.output));
    let params = params(p, conv, Some(pool), total, 0..conv.group_in)?;
    let kernel = ConvPool {
        dtype: conv.dtype,
        activation,
        channels_last: conv.layout == Layout::Nhwc,
        reduce: pool.kind.into(),
    };
    let why = "windows do not overlap, so that the convolution is never stored";
    let grid = p.invocations(total as u64)?;
    let step = Step { why, ..Step::new(kernel, &params, slots(conv, Slot::Output(0)), grid) };
    Ok(step)
}

/// Invocations of a direct kernel that writes `space` positions of each image.
pub(super) fn invocations(work: &ConvWork, space: [usize; 3]) -> usize {
    work.batch * work.groups * work.group_out.div_ceil(BLOCK) * space.iter().product::<usize>()
}

pub(super) fn params(
    p: &Planner,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    total: usize,
    channels: Range<usize>,
) -> Result<ConvParams> {
    let (convolution, pooling) = params::geometry(p, work, pool)?;
    let [gcd, tap_step, inverse] = p.meeting(&work.axes)?;
    Ok(ConvParams {
        convolution,
        pooling,
        tap_stride: p.vec4(work.kernel.space, work.kernel.i)?,
        gcd,
        tap_step,
        inverse,
        tap_out: p.u32(work.kernel.o)?,
        blocks: p.u32(work.group_out.div_ceil(BLOCK))?,
        groups: p.u32(work.groups)?,
        total: p.u32(total)?,
        identity: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        from_channel: p.u32(channels.start)?,
        to_channel: p.u32(channels.end)?,
    })
}
