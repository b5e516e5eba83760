//! Kernels for region pooling.

use crate::error::{Error, Result};
use crate::kernel::{KernelKey, MaxRoi, RoiAlign, RoiParams};
use crate::plan::loop_limit::{Iterations, RULE};
use crate::plan::{Caps, Planner, Slot, Step};
use crate::problem::{MaxRoiWork, Problem, RoiAlignWork, RoiShape, Work};
use crate::spec::RoiMode;
use crate::tensor::{Data, Tensor};

/// Invocations that llvmpipe runs side by side, whose registers have 256 bits at most.
const SIMD_LANES: usize = 8;

pub(in crate::plan) fn align(p: &Planner, work: &RoiAlignWork) -> Result<Vec<Step>> {
    // Without a fixed number, it depends on the regions.
    Iterations::default().repeated(work.sampling_ratio).repeated(work.sampling_ratio).check(p)?;
    let params = RoiParams {
        sampling_ratio: p.u32(work.sampling_ratio)?,
        half_pixel: u32::from(work.half_pixel),
        take_max: u32::from(work.mode == RoiMode::Max),
        ..params(p, &work.shape)?
    };
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Input(2), Slot::Output(0)];
    step(p, RoiAlign { dtype: work.shape.dtype }, params, slots)
}

pub(in crate::plan) fn max(p: &Planner, work: &MaxRoiWork) -> Result<Vec<Step>> {
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    step(p, MaxRoi { dtype: work.shape.dtype }, params(p, &work.shape)?, slots)
}

fn step(p: &Planner, kernel: impl Into<KernelKey>, params: RoiParams, slots: Vec<Slot>) -> Result<Vec<Step>> {
    let grid = p.invocations(u64::from(params.total))?;
    Ok(vec![Step::new(kernel, &params, slots, grid)])
}

pub(in crate::plan) fn params(p: &Planner, shape: &RoiShape) -> Result<RoiParams> {
    let [height, width] = shape.space;
    let [bins_h, bins_w] = shape.bins;
    Ok(RoiParams {
        height: p.u32(height)?,
        width: p.u32(width)?,
        bins_h: p.u32(bins_h)?,
        bins_w: p.u32(bins_w)?,
        channels: p.u32(shape.channels)?,
        total: p.u32(shape.regions * shape.channels * bins_h * bins_w)?,
        in_batch: p.u32(shape.input.n)?,
        in_channel: p.u32(shape.input.c)?,
        in_row: p.u32(shape.input.space[1])?,
        in_column: p.u32(shape.input.space[2])?,
        channels_last: u32::from(shape.channels_last),
        scale: shape.spatial_scale,
        images: p.u32(shape.batch)?,
        regions: p.u32(shape.regions)?,
        most_turns: u32::try_from(most_turns(shape, &p.caps)).unwrap_or(u32::MAX),
        nan: f32::NAN.to_bits(),
        ..bytemuck::Zeroable::zeroed()
    })
}

/// The iterations that an invocation may make for its region. Where invocations side by side have other regions, of more rows
/// or of more columns, loops turn as often as all of these together at most.
fn most_turns(shape: &RoiShape, caps: &Caps) -> u64 {
    let of_region = (shape.channels * shape.bins.iter().product::<usize>()).max(1);
    let regions = match SIMD_LANES.is_multiple_of(of_region) || of_region.is_multiple_of(SIMD_LANES) {
        true => SIMD_LANES.div_ceil(of_region),
        false => SIMD_LANES.div_ceil(of_region) + 1,
    };
    caps.loop_limit / regions.min(shape.regions).max(1) as u64
}

/// Refuses regions whose bins have more samples or elements than the device's loops go through. For regions that are on
/// the GPU already, the kernels write NaN.
pub(crate) fn check_regions(problem: &Problem, inputs: &[&Tensor], caps: &Caps) -> Result<()> {
    #[cfg(feature = "gradients")]
    if let Work::Gradient(crate::problem::GradientWork::RoiAlign(work)) = &problem.work {
        return crate::plan::gradient::roi::check_regions(problem.op, work, inputs, caps);
    }
    let (shape, columns) = match &problem.work {
        Work::RoiAlign(work) => (&work.shape, 4),
        Work::MaxRoi(work) => (&work.shape, 5),
        _ => return Ok(()),
    };
    let most = most_turns(shape, caps);
    let Some(Data::F32(regions)) = inputs.get(1).map(|regions| regions.data()) else { return Ok(()) };
    for (number, region) in regions.chunks_exact(columns).enumerate() {
        let &[.., x1, y1, x2, y2] = region else { continue };
        let [rows, columns] = match &problem.work {
            Work::RoiAlign(work) => [work.axis(0, y1, y2).samples, work.axis(1, x1, x2).samples],
            Work::MaxRoi(work) => [work.longest(0, y1, y2), work.longest(1, x1, x2)],
            _ => [0, 0],
        };
        if rows as u64 > most / (columns as u64 + 2) {
            return Err(Error::TooLarge {
                what: "region on a software adapter",
                values: format!(
                    "{}: {rows} x {columns} in each bin of region {number}, {region:?}",
                    problem.op
                ),
                rule: RULE,
            });
        }
    }
    Ok(())
}
