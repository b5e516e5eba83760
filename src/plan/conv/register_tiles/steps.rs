//! The steps of a convolution in register tiles.

use super::choice::Choice;
use super::cost::parts;
use super::regions::Region;
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{ConvTiled, TILED_WORKGROUP, TileKeep, TiledParams};
use crate::plan::planner::{activation_of, each};
use crate::plan::{PAGE, Page, Planner, Slot, Step, Steps, pool};

/// Products that are added one after another before they go into the next level of the sum.
const CHAIN: u32 = 64;

/// Bytes of input that are copied into pages at a time.
const ROUND: usize = 16 << 20;

impl Choice {
    /// The steps that convolve into `to`, with pooling if there is some.
    pub fn steps(&self, p: &Planner, to: Slot) -> Result<Steps> {
        let Some(mean) = &self.mean else { return self.convolve(p, to) };
        let sums = to.after();
        let mut all = self.convolve(p, sums)?;
        all.append(pool::steps(p, mean, sums, to)?);
        all.scratch.insert(0, 4 * (mean.batch * mean.input.n) as u64);
        Ok(all)
    }

    fn convolve(&self, p: &Planner, to: Slot) -> Result<Steps> {
        let Choice { work, regions, packing, .. } = self;
        let packed = to.after();
        // Regions are copied so many at a time, which bounds the memory.
        let of_one = regions.bytes(work, 1, p) - PAGE as usize;
        let round = (ROUND / of_one).clamp(1, regions.count());
        let mut steps = vec![packing.step(p, work)?];
        for first in (0..regions.count()).step_by(round) {
            let count = round.min(regions.count() - first);
            steps.push(regions.pack(p, work, [first, count], packed)?);
            for number in 0..count {
                let region = regions.region(work, first + number);
                for group in 0..work.groups {
                    for block in (0..packing.blocks).step_by(packing.together()) {
                        for part in 0..parts(&self.tile, regions) {
                            let place = Place { number, group, block, part };
                            steps.push(self.step(p, &region, place, to)?);
                        }
                    }
                }
            }
        }
        // The last block's page is whole.
        let weights =
            (4 * packing.words() as u64).next_multiple_of(u64::from(p.caps.uniform_alignment)) + PAGE;
        let scratch = vec![regions.bytes(work, round, p) as u64];
        Ok(Steps { scratch, packed: vec![weights], ..Steps::from(steps) })
    }

    fn step(&self, p: &Planner, region: &Region, place: Place, to: Slot) -> Result<Step> {
        let Choice { work, tile, regions, packing, target, .. } = self;
        let Place { number, group, block, part } = place;
        let axes = &work.axes;
        let first_out = block * packing.lanes;
        let blocks = packing.together().min(packing.blocks - block);
        let outputs = (blocks * packing.lanes).min(work.group_out - first_out);
        let [z, y, x] = region.count;
        let tiles = [x.div_ceil(tile.width as usize), y.div_ceil(target.pool[0]), z];
        let total = region.images * tiles.iter().product::<usize>();
        let of_block = total.next_multiple_of(TILED_WORKGROUP as usize);
        let (activation, alpha_beta) = activation_of(work.activation, work.slope);
        let [plane, row, channel, image] = regions.strides();
        let [depth, height, width] = axes;
        let first_chunk = part * tile.pages as usize;
        let mut channels = [0; 4];
        let mut steps = [0; 4];
        let mut pages = Vec::new();
        for page in 0..tile.pages as usize {
            // Where there are fewer chunks than pages, the first stands for the rest.
            let chunk = Some(first_chunk + page).filter(|&chunk| chunk < regions.chunks);
            if let Some(chunk) = chunk {
                let inputs = regions.chunk.min(work.group_in - chunk * regions.chunk);
                let of_taps = work.taps() / tile.step.taps() as usize;
                channels[page] = p.u32(inputs)?;
                steps[page] = p.u32(of_taps * inputs.div_ceil(tile.step.depth() as usize))?;
            }
            let chunk = chunk.unwrap_or(first_chunk);
            let weights = 4 * packing.first(group, chunk, block) as u64;
            let input = (((number * work.groups + group) * regions.chunks + chunk) * regions.page(p)) as u64;
            pages.push(Page { slot: Slot::Packed(0), offset: weights });
            pages.push(Page { slot: to.after(), offset: input });
        }
        let step = |axis: &Axis, stride: usize| axis.dilation * stride;
        let tap_step = [step(depth, plane), step(height, row), step(width, 1)];
        let tile_step =
            [tile.width as usize * width.stride, target.pool[0] * height.stride * row, depth.stride * plane];
        let [z, y, x] = region.first;
        let params = TiledParams {
            out_size: p.vec4(each(axes, |a| a.output), outputs)?,
            window: p.vec4(each(axes, |a| a.kernel), work.taps())?,
            tap_step: p.vec4(tap_step, channel)?,
            tile_step: p.vec4(tile_step, image)?,
            tiles: p.vec4(tiles, total)?,
            first: p.vec4([x, y, z], region.first_image)?,
            out_stride: p.vec4(target.strides.space, target.strides.c)?,
            blocks: [
                p.u32(of_block)?,
                p.u32(blocks)?,
                p.u32(packing.stride / 4)?,
                p.u32(packing.lanes * target.strides.c)?,
            ],
            steps,
            channels,
            steps_along: [p.u32(width.stride)?, p.u32(height.stride * row)?],
            bounds: [p.u32(target.bounds[1])?, p.u32(target.bounds[0])?],
            pool: p.vec4([target.pool[0], target.counted[0], target.counted[1]], target.divisor as usize)?,
            out_first: p.u32((group * work.group_out + first_out) * target.strides.c)?,
            out_batch: p.u32(target.strides.n)?,
            chain: if work.by_chains() {
                u32::MAX
            } else {
                (CHAIN / (tile.step.taps() * tile.step.depth())).max(1)
            },
            positions: tile.out(),
            bias_at: p.u32(packing.chunk * work.taps() * packing.lanes / 4)?,
            alpha_beta,
            nan: f32::NAN.to_bits(),
        };
        let (first, last) = (part == 0, part + 1 == parts(tile, regions));
        let kernel = ConvTiled { tile: *tile, activation, first, last, residual: last && work.residual };
        let grid = p.workgroups((of_block / TILED_WORKGROUP as usize * blocks) as u64)?;
        let why = match tile.keep {
            TileKeep::Each => {
                "a software adapter, which is fast with register tiles and what it reads in uniform pages"
            }
            TileKeep::Sum => {
                "a software adapter; tiles store sums for the mean, so that the convolution is never stored"
            }
            TileKeep::Max | TileKeep::Mean => {
                "a software adapter; tiles are whole pooling windows, so that the convolution is never stored"
            }
        };
        Ok(Step { pages, why, ..Step::new(kernel, &params, vec![to], grid) })
    }
}

/// Which part of the convolution a step computes.
#[derive(Clone, Copy)]
struct Place {
    /// The region, of those that were copied last.
    number: usize,
    group: usize,
    /// The first block.
    block: usize,
    part: usize,
}
