//! Kernels for convolution, with and without pooling, and for dense layers.

use std::ops::Range;

use super::conv_gemm::{self, Pooled};
use super::narrow::{each, meeting, u32_of, vec4};
use super::turns::Turns;
use super::{
    Caps, Slot, Step, Steps, carried, conv_params, conv_patch, conv_tiled, conv_winograd, depthwise, grid,
    patch, pool,
};
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::params::{ConvParams, DenseParams};
use crate::kernel::{ActivationKind, KernelKey, WORKGROUP};
use crate::problem::{ConvPoolWork, ConvWork, PoolWork};
use crate::spec::Layout;

/// Output channels that an invocation of the direct kernels computes.
pub(super) const BLOCK: usize = 4;

/// A dense layer goes along its inputs in parallel when they are at least this many and its outputs too few to
/// fill a device.
const LONG_INPUT: usize = 256;
const FEW_OUTPUTS: usize = 4096;

/// Input, kernel, bias and the tensor that is written. A binding must hold something: without a bias it is the
/// kernel once more, and not read.
fn slots(work: &ConvWork, to: Slot) -> Vec<Slot> {
    let [weights, bias] = weight_slots(work);
    vec![Slot::Input(0), weights, bias, to]
}

/// Kernel and bias.
pub(super) fn weight_slots(work: &ConvWork) -> [Slot; 2] {
    [Slot::Input(1), if work.bias { Slot::Input(2) } else { Slot::Input(1) }]
}

pub(super) fn steps(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Steps> {
    steps_in(|| conv_tiled::choose(work, None, caps), op, work, caps, to)
}

/// The same, in the tiles that `tiled` names.
fn steps_in(
    tiled: impl FnOnce() -> Option<conv_tiled::Choice>,
    op: &'static str,
    work: &ConvWork,
    caps: &Caps,
    to: Slot,
) -> Result<Steps> {
    if let Some(steps) = depthwise::paged(op, work, caps, to)? {
        return Ok(steps.into());
    }
    match tiled() {
        None => general(op, work, caps, to),
        Some(tiled) => tiled.steps(op, caps, to),
    }
}

/// What hardware runs, and software adapters where register tiles do not fit.
fn general(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Steps> {
    let (activation, alpha) = ActivationKind::of(work.activation);
    let dtype = work.dtype;
    let dense = work.groups == 1 && work.layout == Layout::Nhwc && work.axes == [Axis::UNIT; 3];
    let few = work.batch * work.group_out <= FEW_OUTPUTS && work.group_in >= LONG_INPUT;
    // The general kernel's loops over one input each.
    let long = !direct_turns(work, work.group_in).fit(caps);
    if dense && (few || long) {
        (Turns::shared(work.group_in, WORKGROUP).then(Turns::folded(WORKGROUP))).check(op, caps)?;
        let params = DenseParams {
            rows: u32_of(op, work.batch)?,
            features: u32_of(op, work.group_in)?,
            outputs: u32_of(op, work.group_out)?,
            tap_in: u32_of(op, work.kernel.i)?,
            tap_out: u32_of(op, work.kernel.o)?,
            has_bias: u32::from(work.bias),
            alpha,
            pad_0: 0,
        };
        let grid = grid::workgroups(op, (work.batch * work.group_out) as u64, caps)?;
        let why = "few outputs of many inputs, which workgroups go through in parallel";
        let step = Step::new(KernelKey::Dense { dtype, activation }, &params, slots(work, to), grid);
        return Ok(vec![Step { why, ..step }].into());
    }
    // These go through all taps.
    if work.little_outside() {
        if let Some(steps) = conv_winograd::steps(op, work, None, caps, to)? {
            return Ok(steps);
        }
        if let Some(steps) = conv_gemm::steps(op, work, caps, to)? {
            return Ok(steps);
        }
    }
    match in_patches(op, work, caps, to)? {
        Some(steps) => Ok(steps),
        None => Ok(direct(op, work, caps, to)?.into()),
    }
}

/// What hardware computes in patches.
fn in_patches(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Option<Steps>> {
    match patch::depthwise(op, work, caps, to)? {
        Some(step) => Ok(Some(vec![step].into())),
        None => conv_patch::steps(op, work, None, caps, to),
    }
}

/// The kernel that takes any convolution.
fn direct(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Vec<Step>> {
    let total = invocations(work, each(&work.axes, |a| a.output));
    let grid = grid::invocations(op, total as u64, caps)?;
    carried::steps(
        op,
        work,
        caps,
        |channels| direct_turns(work, channels),
        |work, channels| {
            let (activation, _) = ActivationKind::of(work.activation);
            let params = params(op, work, None, total, channels)?;
            let (dtype, channels_last) = (work.dtype, work.layout == Layout::Nhwc);
            let kernel = KernelKey::Conv { dtype, activation, channels_last };
            Ok(Step::new(kernel, &params, slots(work, to), grid))
        },
    )
}

fn direct_turns(work: &ConvWork, channels: usize) -> Turns {
    Turns::of_channels(channels).at_taps(&work.axes)
}

pub(super) fn transposed(op: &'static str, work: &ConvWork, caps: &Caps) -> Result<Vec<Step>> {
    // The axes are those of the adjoint: its input is written here.
    let total = invocations(work, each(&work.axes, |a| a.input));
    let grid = grid::invocations(op, total as u64, caps)?;
    carried::steps(
        op,
        work,
        caps,
        |channels| transposed_turns(work, channels),
        |work, channels| {
            let (activation, _) = ActivationKind::of(work.activation);
            let params = params(op, work, None, total, channels)?;
            let (dtype, channels_last) = (work.dtype, work.layout == Layout::Nhwc);
            let kernel = KernelKey::ConvTranspose { dtype, activation, channels_last };
            Ok(Step::new(kernel, &params, slots(work, Slot::Output(0)), grid))
        },
    )
}

fn transposed_turns(work: &ConvWork, channels: usize) -> Turns {
    Turns::of_channels(channels).at_windows(&work.axes)
}

/// One kernel where windows do not overlap, so that it computes nothing twice, and it is no slower than two; else two,
/// and the tensor between them in scratch memory.
pub(super) fn with_pool(op: &'static str, work: &ConvPoolWork, caps: &Caps) -> Result<Steps> {
    let (conv, pool) = (&work.conv, &work.pool);
    let overlap = pool.axes.iter().any(|a| a.stride < a.span() && a.output > 1);
    // The general kernel's, of which one dispatch must do.
    let fits = direct_turns(conv, conv.group_in).at_taps(&pool.axes).fit(caps);
    let convolve = |between| steps(op, conv, caps, between);
    if overlap {
        return two_kernels(op, work, caps, convolve);
    }
    if let Some(apart) = conv_tiled::choose(conv, None, caps) {
        return match conv_tiled::choose_pooled(conv, pool, &apart, caps) {
            Some(tiled) => tiled.steps(op, caps, Slot::Output(0)),
            None => two_kernels(op, work, caps, |to| steps_in(|| Some(apart), op, conv, caps, to)),
        };
    }
    let little_outside = conv.little_outside() && pool.little_outside();
    if little_outside && let Some(steps) = conv_winograd::steps(op, conv, Some(pool), caps, Slot::Output(0))?
    {
        return Ok(steps);
    }
    let product = match little_outside {
        true => conv_gemm::with_pool(op, conv, pool, caps)?,
        false => Pooled::Neither,
    };
    match product {
        Pooled::Together(steps) => Ok(steps),
        Pooled::Apart => two_kernels(op, work, caps, convolve),
        Pooled::Neither => {
            if let Some(steps) = conv_patch::steps(op, conv, Some(pool), caps, Slot::Output(0))? {
                return Ok(steps);
            }
            match in_patches(op, conv, caps, Slot::Scratch(0))? {
                Some(apart) => two_kernels(op, work, caps, |_| Ok(apart)),
                None if !fits => two_kernels(op, work, caps, convolve),
                None => Ok(vec![fused(op, work, caps)?].into()),
            }
        }
    }
}

/// The convolution's steps, which write the tensor between, and pooling's.
fn two_kernels(
    op: &'static str,
    work: &ConvPoolWork,
    caps: &Caps,
    convolve: impl FnOnce(Slot) -> Result<Steps>,
) -> Result<Steps> {
    caps.check_tensor(op, &work.between)?;
    let mut steps = convolve(Slot::Scratch(0))?;
    steps.steps.extend(pool::steps(op, &work.pool, caps, Slot::Scratch(0), Slot::Output(0))?);
    steps.scratch.insert(0, work.between.buffer_size());
    Ok(steps)
}

/// The general kernel of both, for windows that do not overlap.
fn fused(op: &'static str, work: &ConvPoolWork, caps: &Caps) -> Result<Step> {
    let (conv, pool) = (&work.conv, &work.pool);
    let (activation, _) = ActivationKind::of(conv.activation);
    let total = invocations(conv, each(&pool.axes, |a| a.output));
    let params = params(op, conv, Some(pool), total, 0..conv.group_in)?;
    let kernel = KernelKey::ConvPool {
        dtype: conv.dtype,
        activation,
        channels_last: conv.layout == Layout::Nhwc,
        reduce: pool.kind.into(),
    };
    let why = "windows do not overlap, so that the convolution is never stored";
    let grid = grid::invocations(op, total as u64, caps)?;
    let step = Step { why, ..Step::new(kernel, &params, slots(conv, Slot::Output(0)), grid) };
    Ok(step)
}

/// Invocations of a direct kernel that writes `space` positions of each image.
pub(super) fn invocations(work: &ConvWork, space: [usize; 3]) -> usize {
    work.batch * work.groups * work.group_out.div_ceil(BLOCK) * space.iter().product::<usize>()
}

pub(super) fn params(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    total: usize,
    channels: Range<usize>,
) -> Result<ConvParams> {
    let (convolution, pooling) = conv_params::geometry(op, work, pool)?;
    let [gcd, tap_step, inverse] = meeting(op, &work.axes)?;
    Ok(ConvParams {
        convolution,
        pooling,
        tap_stride: vec4(op, work.kernel.space, work.kernel.i)?,
        gcd,
        tap_step,
        inverse,
        tap_out: u32_of(op, work.kernel.o)?,
        blocks: u32_of(op, work.group_out.div_ceil(BLOCK))?,
        groups: u32_of(op, work.groups)?,
        total: u32_of(op, total)?,
        identity: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        from_channel: u32_of(op, channels.start)?,
        to_channel: u32_of(op, channels.end)?,
    })
}
