//! Pooling of whole planes.

use super::patch;
use super::request::{Request, divisor, exponent, is_norm};
use crate::dtype::Row;
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{PlaneParams, PoolPlane, WORKGROUP};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::loop_limit::Iterations;
use crate::plan::{Family, Planner, Step};
use crate::problem::PoolWork;
use crate::spec::PoolKind;

/// Planes of at least this many elements are read by several invocations: by a few each, and larger ones by a whole
/// workgroup each.
const PLANE_ELEMENTS: usize = 32;
const LARGE_PLANE: usize = 256;
const FEW: u32 = 8;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "pool/global",
    family: Family::General,
    about: "windows that are whole planes: some invocations, or a workgroup, reduce one together",
    solve: |request, p| {
        let work = &request.work;
        let torch = matches!(work.kind, PoolKind::LpTorch { .. });
        let whole = work.axes.iter().all(covers_input) && work.indices.is_none() && !torch;
        if !whole {
            return Err("windows are no whole planes, or positions are asked for");
        }
        // Software adapters wait for barriers longer than for loads.
        let unrolled = p.caps.software && patch::CANDIDATE.is_profitable(request, p);
        let cost = match plane(work) >= PLANE_ELEMENTS && !unrolled {
            true => Ok(()),
            false => Err("planes are small enough for an invocation each"),
        };
        Ok(Solution::new(cost, || step(request, p)))
    },
};

/// Elements of a plane.
fn plane(work: &PoolWork) -> usize {
    work.axes.iter().map(|a| a.input).product()
}

/// Whether the axis has one window, and that is the whole unpadded input.
fn covers_input(axis: &Axis) -> bool {
    axis.output == 1
        && axis.kernel == axis.input
        && axis.dilation == 1
        && axis.pad_before == 0
        && axis.pad_after == 0
}

fn step(Request { work, from, to, .. }: &Request, p: &Planner) -> Result<Step> {
    let plane = plane(work);
    let (share, why) = match plane {
        0..=LARGE_PLANE => (FEW, "windows are whole small planes, several of which a workgroup reduces"),
        _ => (WORKGROUP, "windows are whole planes, which workgroups reduce"),
    };
    let once = Iterations::shared(plane, share).then(Iterations::folded(share));
    let iterations = if is_norm(work) { once.then(once) } else { once };
    let total = work.batch * work.channels;
    let &Row { lanes, lowest, .. } = work.dtype.row();
    iterations.repeated((lanes as usize).min(total)).check(p)?;
    let params = PlaneParams {
        length: p.u32(plane)?,
        step: p.u32(work.input.space[2])?,
        channels: p.u32(work.channels)?,
        channel: p.u32(work.input.c)?,
        in_batch: p.u32(work.input.n)?,
        total: p.u32(total)?,
        divisor: match divisor(work) {
            0 => p.u32(plane)?,
            divisor => divisor,
        },
        identity: lowest as f32,
        p: exponent(work),
        nan: f32::NAN.to_bits(),
        root: 1.0 / exponent(work),
        pad_0: 0,
    };
    let kernel = PoolPlane { reduce: work.kind.into(), dtype: work.dtype, share };
    let planes = u64::from(lanes * (WORKGROUP / share));
    let grid = p.workgroups((total as u64).div_ceil(planes))?;
    Ok(Step { why, ..Step::new(kernel, &params, vec![*from, *to], grid) })
}
