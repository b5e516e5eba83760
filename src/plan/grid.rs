//! Folding a number of workgroups into a grid that the device can dispatch.

use super::caps::Caps;
use crate::error::{Error, Result};
use crate::kernel::WORKGROUP;

/// A grid of at least `workgroups`, no side above `max`, with less than one row or layer to spare.
///
/// `lib/index.wgsl` numbers the workgroups of the grid back.
///
/// ```
/// assert_eq!(wgpool::plan::fold(10, 65535), Some([10, 1, 1]));
/// assert_eq!(wgpool::plan::fold(65536, 65535), Some([32768, 2, 1]));
/// ```
pub fn fold(workgroups: u64, max: u32) -> Option<[u32; 3]> {
    let max = u64::from(max);
    if workgroups == 0 || max == 0 {
        return None;
    }
    let layers = workgroups.div_ceil(max.checked_mul(max)?);
    let layer = workgroups.div_ceil(layers);
    let rows = layer.div_ceil(max);
    let row = layer.div_ceil(rows);
    let side = |n: u64| u32::try_from(n).ok().filter(|&n| u64::from(n) <= max);
    Some([side(row)?, side(rows)?, side(layers)?])
}

/// The grid for `workgroups` of the fixed size.
pub(super) fn workgroups(op: &'static str, workgroups: u64, caps: &Caps) -> Result<[u32; 3]> {
    // Invocations are numbered in u32, the spare ones of the grid included.
    let too_many = || Error::Limit {
        op,
        limit: "max_compute_workgroups_per_dimension",
        needed: workgroups,
        allowed: u64::from(caps.max_workgroups).pow(3),
    };
    let grid = fold(workgroups, caps.max_workgroups).ok_or_else(too_many)?;
    let numbered: u64 = grid.iter().map(|&g| u64::from(g)).product::<u64>() * u64::from(WORKGROUP);
    if numbered > u64::from(u32::MAX) {
        return Err(Error::TooLarge {
            what: "dispatch",
            values: format!("{op}: {workgroups} workgroups of {WORKGROUP}"),
            rule: "invocations are numbered in 32 bits",
        });
    }
    Ok(grid)
}
