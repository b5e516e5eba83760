//! Pooling of one tensor into another: what kernels are asked for, and what they know of it.

use crate::error::Result;
use crate::geometry::Axis;
use crate::plan::planner::Planner;
use crate::plan::step::Slot;
use crate::plan::tuning::Classed;
use crate::problem::PoolWork;
use crate::spec::{IndexNumbering, PoolKind};

/// Pooling of one tensor into another; indices go to the operation's second output.
pub(in crate::plan) struct Request {
    pub work: PoolWork,
    pub from: Slot,
    pub to: Slot,
    /// Whether it is all there is to do, and may take memory of its own.
    pub alone: bool,
}

impl Request {
    pub fn new(work: &PoolWork, [from, to]: [Slot; 2], alone: bool) -> Request {
        Request { work: simplified(work), from, to, alone }
    }
}

impl Classed for Request {
    fn class(&self) -> String {
        self.work.class()
    }
}

/// The same windows without taps that lie outside in all of them, unless those count.
pub(in crate::plan) fn simplified(work: &PoolWork) -> PoolWork {
    let counted = match work.kind {
        PoolKind::Average { count_include_pad, divisor } => count_include_pad && divisor.is_none(),
        PoolKind::LpTorch { .. } => true,
        PoolKind::Max | PoolKind::Lp { .. } => false,
    };
    if counted { *work } else { PoolWork { axes: work.axes.map(Axis::trimmed), ..*work } }
}

pub(in crate::plan) fn divisor(work: &PoolWork) -> u32 {
    match work.kind {
        PoolKind::Average { divisor: Some(divisor), .. } => divisor,
        _ => 0,
    }
}

pub(super) fn exponent(work: &PoolWork) -> f32 {
    match work.kind {
        PoolKind::Lp { p } | PoolKind::LpTorch { p } => p,
        _ => 1.0,
    }
}

/// Whether the largest magnitude is looked for before anything is summed up.
pub(super) fn is_norm(work: &PoolWork) -> bool {
    matches!(work.kind, PoolKind::Lp { .. } | PoolKind::LpTorch { .. })
}

/// What one step along depth, height, width and from plane to plane adds to an index: the differences of
/// [`PoolWork::index`], which is linear.
pub(in crate::plan) fn index_step(p: &Planner, work: &PoolWork) -> Result<[u32; 4]> {
    let numbering = work.indices.unwrap_or(IndexNumbering::PerPlane);
    let at = |c, position| work.index(numbering, 0, c, position);
    p.vec4([at(0, [1, 0, 0]), at(0, [0, 1, 0]), at(0, [0, 0, 1])], at(1, [0, 0, 0]))
}
