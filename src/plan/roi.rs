//! Kernels for region pooling.

use super::narrow::u32_of;
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::KernelKey;
use crate::kernel::params::RoiParams;
use crate::problem::{MaxRoiWork, RoiAlignWork, RoiShape};
use crate::spec::RoiMode;

pub(super) fn align(op: &'static str, work: &RoiAlignWork, caps: &Caps) -> Result<Vec<Step>> {
    let params = RoiParams {
        sampling_ratio: u32_of(op, work.sampling_ratio)?,
        half_pixel: u32::from(work.half_pixel),
        take_max: u32::from(work.mode == RoiMode::Max),
        ..params(op, &work.shape)?
    };
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Input(2), Slot::Output(0)];
    step(op, KernelKey::RoiAlign, params, slots, caps)
}

pub(super) fn max(op: &'static str, work: &MaxRoiWork, caps: &Caps) -> Result<Vec<Step>> {
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    step(op, KernelKey::MaxRoi, params(op, &work.shape)?, slots, caps)
}

fn step(
    op: &'static str,
    kernel: KernelKey,
    params: RoiParams,
    slots: Vec<Slot>,
    caps: &Caps,
) -> Result<Vec<Step>> {
    let grid = grid::invocations(op, u64::from(params.total), caps)?;
    Ok(vec![Step::new(kernel, &params, slots, grid)])
}

fn params(op: &'static str, shape: &RoiShape) -> Result<RoiParams> {
    let [height, width] = shape.space;
    let [bins_h, bins_w] = shape.bins;
    Ok(RoiParams {
        height: u32_of(op, height)?,
        width: u32_of(op, width)?,
        bins_h: u32_of(op, bins_h)?,
        bins_w: u32_of(op, bins_w)?,
        channels: u32_of(op, shape.channels)?,
        total: u32_of(op, shape.regions * shape.channels * bins_h * bins_w)?,
        in_batch: u32_of(op, shape.input.n)?,
        in_channel: u32_of(op, shape.input.c)?,
        in_row: u32_of(op, shape.input.space[1])?,
        in_column: u32_of(op, shape.input.space[2])?,
        channels_last: u32::from(shape.channels_last),
        sampling_ratio: 0,
        scale: shape.spatial_scale,
        half_pixel: 0,
        take_max: 0,
        images: u32_of(op, shape.batch)?,
    })
}
