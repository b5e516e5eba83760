//! What register tiles do with what they have computed: store it, or pool it.

use crate::geometry::{Axis, Strides};
use crate::kernel::{Tile, TileKeep};
use crate::plan::planner::each;
use crate::plan::pool;
use crate::problem::{ConvWork, PoolWork};
use crate::spec::{Layout, PoolKind};

/// What tiles do with what they have computed.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub keep: TileKeep,
    /// Height and width of the pooling window, or 1 and 1.
    pub pool: [usize; 2],
    /// Strides, and height and width, of the tensor they write.
    pub strides: Strides,
    pub bounds: [usize; 2],
    /// Where positions end that count in a mean, along height and width, and what is divided by instead, or 0.
    pub counted: [usize; 2],
    pub divisor: u32,
}

impl Target {
    pub fn of(strides: &Strides, axes: &[Axis; 3], keep: TileKeep, pool: [usize; 2]) -> Target {
        let bounds = [axes[1].output, axes[2].output];
        Target { keep, pool, strides: *strides, bounds, counted: bounds, divisor: 0 }
    }

    /// Pooling windows that tiles can hold: side by side, without padding before them.
    pub fn windows(pool: &PoolWork) -> Option<Target> {
        let [d, h, w] = &pool.axes;
        let side_by_side = |a: &Axis| {
            a.stride == a.kernel
                && a.dilation == 1
                && a.pad_before == 0
                && !a.adaptive
                && (a.output - 1) * a.stride < a.input
        };
        let tiles = side_by_side(w) && Tile::pools(w.kernel);
        if !is_single(d) || !side_by_side(h) || !tiles {
            return None;
        }
        let keep = match pool.kind {
            PoolKind::Max if pool.indices.is_none() => TileKeep::Max,
            PoolKind::Average { .. } => TileKeep::Mean,
            _ => return None,
        };
        let ends = |a: &Axis| match pool.kind {
            PoolKind::Average { count_include_pad: true, .. } => a.input + a.pad_after,
            _ => a.input,
        };
        let divisor = pool::divisor(pool);
        let target = Target::of(&pool.output, &pool.axes, keep, [h.kernel, w.kernel]);
        Some(Target { counted: [ends(h), ends(w)], divisor, ..target })
    }
}

/// What the sum over a plane is divided by, if pooling is the mean of whole planes.
pub(super) fn plane_divisor(pool: &PoolWork) -> Option<u32> {
    let PoolKind::Average { count_include_pad, divisor } = pool.kind else { return None };
    let whole = |a: &Axis| {
        a.output == 1 && a.pad_before == 0 && a.dilation == 1 && !a.adaptive && a.kernel >= a.input
    };
    let ends = |a: &Axis| if count_include_pad { a.kernel.min(a.input + a.pad_after) } else { a.input };
    let count = u32::try_from(pool.axes.iter().map(|a| ends(a) as u128).product::<u128>()).ok()?;
    pool.axes.iter().all(whole).then_some(divisor.unwrap_or(count))
}

/// The mean of the sums that tiles store of their rows.
pub(super) fn sums(pool: &PoolWork, work: &ConvWork, tile: &Tile, divisor: u32) -> PoolWork {
    let [depth, height, width] = each(&work.axes, |a| a.output);
    let space = [depth, height, width.div_ceil(tile.width as usize)];
    PoolWork {
        kind: PoolKind::Average { count_include_pad: false, divisor: Some(divisor) },
        axes: space.map(|length| Axis { input: length, kernel: length, output: 1, ..Axis::UNIT }),
        input: Strides::of(Layout::Nchw, pool.channels, space),
        ..*pool
    }
}

/// Whether windows are the elements themselves.
pub(super) fn is_single(axis: &Axis) -> bool {
    *axis == Axis::elements(axis.input)
}
