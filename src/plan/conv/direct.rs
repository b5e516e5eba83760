//! The general kernels of convolution: direct, transposed, and with pooling.

use std::ops::Range;

use super::apart::fast_apart;
use super::request::{Both, Request};
use super::slots::slots;
use super::{channel_splits, depthwise_patch, few_channels, params};
use crate::error::Result;
use crate::kernel::{ActivationKind, Conv, ConvParams, ConvPool, ConvTranspose, KernelKey};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::planner::{Verdict, each};
use crate::plan::{Family, Planner, Slot, Step};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::Layout;

/// Output channels that an invocation of the direct kernels computes.
pub(super) const BLOCK: usize = 4;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/direct",
    family: Family::General,
    about: "any convolution: an invocation computes one position of four output channels",
    solve: |request, p| Ok(Solution::free(|| direct(p, &request.work, request.to))),
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/direct",
    family: Family::General,
    about: "pooling windows that do not overlap: an invocation convolves one and stores its maximum or mean",
    solve: |both, p| {
        both.apart()?;
        let conv = both.conv();
        if !direct_iterations(conv, conv.group_in).at_taps(&both.pool().axes).fit(p) {
            return Err(ENDED);
        }
        let cost = fast_apart(both, p).and_then(|()| patches_apart(both, p));
        Ok(Solution::new(cost, || fused(p, conv, both.pool())))
    },
};

/// Whether the convolution is so fast by itself, in patches, that pooling had better come after it.
fn patches_apart(both: &Both, p: &Planner) -> Verdict {
    let alone = &both.alone;
    let patches = depthwise_patch::CANDIDATE.is_profitable(alone, p);
    match patches || few_channels::CANDIDATE.is_profitable(alone, p) {
        true => Err("the convolution alone is computed in patches, after which pooling costs less"),
        false => Ok(()),
    }
}

/// The kernel that takes any convolution.
fn direct(p: &Planner, work: &ConvWork, to: Slot) -> Result<Vec<Step>> {
    let positions = each(&work.axes, |a| a.output);
    general(p, work, positions, to, direct_iterations, |work, activation, channels_last| {
        Conv { dtype: work.dtype, activation, channels_last, residual: work.residual }.into()
    })
}

pub(super) fn direct_iterations(work: &ConvWork, channels: usize) -> Iterations {
    Iterations::of_channels(channels).at_taps(&work.axes)
}

pub(super) fn transposed(p: &Planner, work: &ConvWork) -> Result<Vec<Step>> {
    // The axes are those of the adjoint: its input is written here.
    let positions = each(&work.axes, |a| a.input);
    general(p, work, positions, Slot::Output(0), transposed_iterations, |work, activation, channels_last| {
        ConvTranspose { dtype: work.dtype, activation, channels_last }.into()
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
    kernel: fn(&ConvWork, ActivationKind, bool) -> KernelKey,
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
            let kernel = kernel(work, activation, work.layout == Layout::Nhwc);
            Ok(Step::new(kernel, &params, slots(work, to), grid))
        },
    )
}

/// The general kernel of both, for windows that do not overlap.
fn fused(p: &Planner, conv: &ConvWork, pool: &PoolWork) -> Result<Step> {
    let (activation, _) = ActivationKind::of(conv.activation);
    let total = invocations(conv, each(&pool.axes, |a| a.output));
    let params = params(p, conv, Some(pool), total, 0..conv.group_in)?;
    let (channels_last, reduce) = (conv.layout == Layout::Nhwc, pool.kind.into());
    let kernel = ConvPool { dtype: conv.dtype, activation, channels_last, reduce };
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
