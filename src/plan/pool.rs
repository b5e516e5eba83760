//! Kernels for pooling.

use super::narrow::{each, ivec4, u32_of, vec4};
use super::turns::Turns;
use super::{Caps, Slot, Step, Steps, grid, patch, pool_paged, pool_passes};
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::params::{PlaneParams, PoolParams};
use crate::kernel::{KernelKey, WORKGROUP};
use crate::problem::PoolWork;
use crate::spec::{IndexNumbering, PoolKind};
use crate::tensor::DType;

/// Planes of at least this many elements are read by several invocations: by a few each, and larger ones by a whole
/// workgroup each.
const PLANE_ELEMENTS: usize = 32;
const LARGE_PLANE: usize = 256;
const FEW: u32 = 8;

/// Pooling by itself, which may take memory of its own.
pub(super) fn operation(op: &'static str, work: &PoolWork, caps: &Caps) -> Result<Steps> {
    let (from, to) = (Slot::Input(0), Slot::Output(0));
    // Hardware moves the tensor between passes at the cost of many loads of one pass.
    if (caps.software || patch::pool(op, work, caps, from, to)?.is_none())
        && let Some(steps) = pool_passes::steps(op, work, caps)?
    {
        return Ok(steps);
    }
    Ok(steps(op, work, caps, from, to)?.into())
}

/// Pools the tensor in `from` into that in `to`; indices go to the operation's second output.
pub(super) fn steps(
    op: &'static str,
    work: &PoolWork,
    caps: &Caps,
    from: Slot,
    to: Slot,
) -> Result<Vec<Step>> {
    let work = &simplified(work);
    if let Some(steps) = pool_paged::steps(op, work, caps, from, to)? {
        return Ok(steps);
    }
    let plane: usize = work.axes.iter().map(|a| a.input).product();
    let whole = work.axes.iter().all(covers_input);
    let torch = matches!(work.kind, PoolKind::LpTorch { .. });
    if whole && work.indices.is_none() && plane >= PLANE_ELEMENTS && !torch {
        return Ok(vec![plane_step(op, work, plane, caps, [from, to])?]);
    }
    match patch::pool(op, work, caps, from, to)? {
        Some(step) => Ok(vec![step]),
        None => Ok(vec![sliding_step(op, work, caps, [from, to])?]),
    }
}

/// The same windows without taps that lie outside in all of them, unless those count.
pub(super) fn simplified(work: &PoolWork) -> PoolWork {
    let counted = match work.kind {
        PoolKind::Average { count_include_pad, divisor } => count_include_pad && divisor.is_none(),
        PoolKind::LpTorch { .. } => true,
        PoolKind::Max | PoolKind::Lp { .. } => false,
    };
    if counted { *work } else { PoolWork { axes: work.axes.map(Axis::trimmed), ..*work } }
}

/// Whether the axis has one window, and that is the whole unpadded input.
fn covers_input(axis: &Axis) -> bool {
    axis.output == 1
        && axis.kernel == axis.input
        && axis.dilation == 1
        && axis.pad_before == 0
        && axis.pad_after == 0
}

pub(super) fn divisor(work: &PoolWork) -> u32 {
    match work.kind {
        PoolKind::Average { divisor: Some(divisor), .. } => divisor,
        _ => 0,
    }
}

/// The maximum of no element.
fn identity(dtype: DType) -> f32 {
    match dtype {
        DType::U8 => 0.0,
        DType::I8 => f32::from(i8::MIN),
        DType::F32 | DType::F16 | DType::I32 => f32::NEG_INFINITY,
    }
}

fn exponent(work: &PoolWork) -> f32 {
    match work.kind {
        PoolKind::Lp { p } | PoolKind::LpTorch { p } => p,
        _ => 1.0,
    }
}

/// Whether the largest magnitude is looked for before anything is summed up.
fn is_norm(work: &PoolWork) -> bool {
    matches!(work.kind, PoolKind::Lp { .. } | PoolKind::LpTorch { .. })
}

/// Elements that one word of the output holds.
fn lanes(dtype: DType) -> u64 {
    match dtype {
        DType::U8 | DType::I8 => 4,
        DType::F32 | DType::F16 | DType::I32 => 1,
    }
}

fn sliding_step(op: &'static str, work: &PoolWork, caps: &Caps, slots: [Slot; 2]) -> Result<Step> {
    let axes = &work.axes;
    let once = Turns::default().at_taps(axes);
    // The bits of a product that goes beyond 32 of them, of both ends of a window.
    let long = axes.iter().filter(|a| a.adaptive && a.output > usize::from(u16::MAX)).count() as u64;
    let once = once.more(long * 2 * 33);
    let turns = if is_norm(work) { once.then(once) } else { once };
    let outputs = each(axes, |a| a.output);
    let total = work.batch * work.channels * outputs.iter().product::<usize>();
    turns.repeated((lanes(work.dtype) as usize).min(total)).check(op, caps)?;
    let params = PoolParams {
        in_size: vec4(op, each(axes, |a| a.input), work.channels)?,
        out_size: vec4(op, outputs, work.batch)?,
        window: vec4(op, each(axes, |a| a.kernel), 0)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        padded_end: ivec4(op, each(axes, |a| a.input + a.pad_after))?,
        in_stride: vec4(op, work.input.space, work.input.c)?,
        index_step: index_step(op, work)?,
        in_batch: u32_of(op, work.input.n)?,
        total: u32_of(op, total)?,
        divisor: divisor(work),
        identity: identity(work.dtype),
        p: exponent(work),
        nan: f32::NAN.to_bits(),
        root: 1.0 / exponent(work),
        pad_0: 0,
    };
    let mut slots = slots.to_vec();
    if work.indices.is_some() {
        slots.push(Slot::Output(1));
    }
    let kernel = KernelKey::Pool {
        reduce: work.kind.into(),
        dtype: work.dtype,
        indices: work.indices.is_some(),
        channels_last: work.output.c == 1 && work.channels > 1,
        adaptive: axes.iter().any(|a| a.adaptive),
    };
    let grid = grid::invocations(op, (total as u64).div_ceil(lanes(work.dtype)), caps)?;
    Ok(Step::new(kernel, &params, slots, grid))
}

/// What one step along depth, height, width and from plane to plane adds to an index: the differences of
/// [`PoolWork::index`], which is linear.
pub(super) fn index_step(op: &'static str, work: &PoolWork) -> Result<[u32; 4]> {
    let numbering = work.indices.unwrap_or(IndexNumbering::PerPlane);
    let at = |c, position| work.index(numbering, 0, c, position);
    vec4(op, [at(0, [1, 0, 0]), at(0, [0, 1, 0]), at(0, [0, 0, 1])], at(1, [0, 0, 0]))
}

fn plane_step(
    op: &'static str,
    work: &PoolWork,
    plane: usize,
    caps: &Caps,
    slots: [Slot; 2],
) -> Result<Step> {
    let (share, why) = match plane {
        0..=LARGE_PLANE => (FEW, "windows are whole small planes, several of which a workgroup reduces"),
        _ => (WORKGROUP, "windows are whole planes, which workgroups reduce"),
    };
    let once = Turns::shared(plane, share).then(Turns::folded(share));
    let turns = if is_norm(work) { once.then(once) } else { once };
    let total = work.batch * work.channels;
    turns.repeated((lanes(work.dtype) as usize).min(total)).check(op, caps)?;
    let params = PlaneParams {
        length: u32_of(op, plane)?,
        step: u32_of(op, work.input.space[2])?,
        channels: u32_of(op, work.channels)?,
        channel: u32_of(op, work.input.c)?,
        in_batch: u32_of(op, work.input.n)?,
        total: u32_of(op, total)?,
        divisor: match divisor(work) {
            0 => u32_of(op, plane)?,
            divisor => divisor,
        },
        identity: identity(work.dtype),
        p: exponent(work),
        nan: f32::NAN.to_bits(),
        root: 1.0 / exponent(work),
        pad_0: 0,
    };
    let kernel = KernelKey::PoolPlane { reduce: work.kind.into(), dtype: work.dtype, share };
    let planes = lanes(work.dtype) * u64::from(WORKGROUP / share);
    let grid = grid::workgroups(op, (total as u64).div_ceil(planes), caps)?;
    Ok(Step { why, ..Step::new(kernel, &params, slots.to_vec(), grid) })
}
