//! The kernels that make axes one value, or an index.

use crate::error::Result;
use crate::kernel::{Arg, ArgParams, ReduceAxes, ReduceParams, WORKGROUP};
use crate::plan::loop_limit::Iterations;
use crate::plan::{Planner, Slot, Step};
use crate::problem::{ArgWork, ReduceWork, StridedAxis};
use crate::spec::{ArgKind, ReduceKind};

/// An output of at least this many elements is shared by several invocations, and by a workgroup if that does not leave most of
/// the device idle anyway.
const SHARED: usize = 32;
const LONG: usize = 256;
const FEW: u32 = 8;

/// How many invocations share `count` elements, in loops that go through them so many times.
fn share(p: &Planner, count: usize, times: u32) -> Result<u32> {
    let usual = if count >= LONG {
        WORKGROUP
    } else if count >= SHARED {
        FEW
    } else {
        1
    };
    let of = |share: u32| {
        let once = Iterations::shared(count, share).then(Iterations::folded(share));
        if times > 1 { once.then(once) } else { once }
    };
    let share = if of(usual).fit(p) { usual } else { WORKGROUP };
    of(share).check(p).map(|()| share)
}

pub(in crate::plan) fn reduce(p: &Planner, work: &ReduceWork) -> Result<Step> {
    let times = if matches!(work.kind, ReduceKind::L2 | ReduceKind::LogSumExp) { 2 } else { 1 };
    let share = share(p, work.length(), times)?;
    let ((kept_length, kept_stride), (length, stride)) = (axes(p, &work.kept)?, axes(p, &work.reduced)?);
    let params = ReduceParams {
        kept_length,
        kept_stride,
        length,
        stride,
        count: p.u32(work.length())?,
        total: p.u32(work.outputs())?,
        lowest: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
    };
    let several = work.reduced.len() > 1;
    let kernel = ReduceAxes { kind: work.kind, dtype: work.dtype, several, share };
    let grid = p.workgroups((work.outputs() as u64).div_ceil(u64::from(WORKGROUP / share)))?;
    Ok(Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid))
}

/// Lengths and strides, the last axis first.
fn axes(p: &Planner, axes: &[StridedAxis]) -> Result<([u32; 4], [u32; 4])> {
    let (mut lengths, mut strides) = ([1; 4], [0; 4]);
    for ((length, stride), axis) in lengths.iter_mut().zip(&mut strides).zip(axes.iter().rev()) {
        // Of no element there is no place; a length is what is divided by.
        (*length, *stride) = (p.u32(axis.length.max(1))?, p.u32(axis.stride.unsigned_abs())?);
    }
    Ok((lengths, strides))
}

pub(in crate::plan) fn arg(p: &Planner, work: &ArgWork) -> Result<Step> {
    let share = share(p, work.length, 1)?;
    let rows = work.outer * work.inner;
    let (rows_u32, length, inner) = (p.u32(rows)?, p.u32(work.length)?, p.u32(work.inner)?);
    let params = ArgParams { rows: rows_u32, length, inner, pad_0: 0 };
    let kernel = Arg { dtype: work.dtype, min: work.kind == ArgKind::Min, last: work.last, share };
    let grid = p.workgroups((rows as u64).div_ceil(u64::from(WORKGROUP / share)))?;
    Ok(Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid))
}
