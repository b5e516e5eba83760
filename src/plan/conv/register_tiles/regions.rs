//! Regions of a convolution whose input, padded, lies in pages.

use crate::error::Result;
use crate::kernel::{PackInput, PackInputParams};
use crate::plan::planner::each;
use crate::plan::{PAGE, Planner, Slot, Step};
use crate::problem::ConvWork;

/// Words of a page.
pub(super) const WORDS: usize = (PAGE / 4) as usize;

/// Pieces that a row of tiles is divided into at most.
const MOST_PIECES: usize = 16;

/// How outputs are divided into regions, all of one size; some reach beyond the last output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Regions {
    /// Images of a region; several only if it holds them whole.
    pub images: usize,
    /// Outputs along depth, height and width, in whole tiles.
    pub out: [usize; 3],
    /// The input that their windows reach, in elements; rows along the width are whole fours.
    pub size: [usize; 3],
    /// Input channels of a page.
    pub chunk: usize,
    /// Chunks of a group.
    pub chunks: usize,
    /// Regions along the batch, depth, height and width.
    pub counts: [usize; 4],
}

/// Where a region's outputs are: the first, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub first_image: usize,
    pub images: usize,
    pub first: [usize; 3],
    pub count: [usize; 3],
}

impl Regions {
    /// The divisions of the outputs into regions of tiles (their height and width) whose input fits pages, by `chunk`
    /// channels a page.
    pub fn all(work: &ConvWork, tile: [usize; 2], chunk: usize) -> Vec<Regions> {
        let [depth, height, width] = &work.axes;
        let tiles = [height.output.div_ceil(tile[0]), width.output.div_ceil(tile[1])];
        let of = |images: usize, [z, y, x]: [usize; 3]| -> Option<Regions> {
            let out = [z, y * tile[0], x * tile[1]];
            let size =
                [depth.reach(out[0]), height.reach(out[1]), width.reach(out[2]).checked_next_multiple_of(4)?];
            let words =
                [images, chunk].iter().chain(&size).try_fold(1usize, |n, &side| n.checked_mul(side))?;
            let counts = [
                work.batch.div_ceil(images),
                depth.output.div_ceil(z),
                tiles[0].div_ceil(y),
                tiles[1].div_ceil(x),
            ];
            let chunks = work.group_in.div_ceil(chunk);
            (words <= WORDS).then_some(Regions { images, out, size, chunk, chunks, counts })
        };
        // The most that fits, found by halving; then divided evenly.
        let most = |all: usize, region: &dyn Fn(usize) -> Option<Regions>| {
            let (mut fits, mut beyond) = (0, all.min(WORDS) + 1);
            while beyond - fits > 1 {
                let middle = fits.midpoint(beyond);
                match region(middle) {
                    Some(_) => fits = middle,
                    None => beyond = middle,
                }
            }
            region(all.div_ceil(all.div_ceil(fits.max(1))))
        };
        let whole = [depth.output, tiles[0], tiles[1]];
        if of(1, whole).is_some() {
            return most(work.batch, &|images| of(images, whole)).into_iter().collect();
        }
        let pieces = (1..=MOST_PIECES.min(tiles[1])).filter_map(|pieces| {
            let x = tiles[1].div_ceil(pieces);
            most(tiles[0], &|y| of(1, [1, y, x])).map(|flat| {
                let y = flat.out[1] / tile[0];
                most(depth.output, &|z| of(1, [z, y, x])).unwrap_or(flat)
            })
        });
        pieces.collect()
    }

    /// Number of regions.
    pub fn count(&self) -> usize {
        self.counts.iter().product()
    }

    /// Words between neighbours along depth, height, channel and image of a page.
    pub fn strides(&self) -> [usize; 4] {
        let [depth, height, width] = self.size;
        let plane = height * width;
        [plane, width, depth * plane, self.chunk * depth * plane]
    }

    /// Bytes from page to page.
    pub fn page(&self, p: &Planner) -> usize {
        (4 * self.images * self.strides()[3]).next_multiple_of(p.caps.uniform_alignment.max(16) as usize)
    }

    /// Words that are copied.
    pub fn words(&self, work: &ConvWork) -> usize {
        self.count() * work.groups * self.chunks * self.images * self.strides()[3]
    }

    /// Bytes of the pages of `regions`; the last page is whole.
    pub fn bytes(&self, work: &ConvWork, regions: usize, p: &Planner) -> usize {
        regions * work.groups * self.chunks * self.page(p) + PAGE as usize
    }

    /// What region `number` holds.
    pub fn region(&self, work: &ConvWork, number: usize) -> Region {
        let [_, depths, rows, columns] = self.counts;
        let place = [number / columns / rows % depths, number / columns % rows, number % columns];
        let first = std::array::from_fn(|i| place[i] * self.out[i]);
        let first_image = number / columns / rows / depths * self.images;
        Region {
            first_image,
            images: self.images.min(work.batch - first_image),
            first,
            count: std::array::from_fn(|i| self.out[i].min(work.axes[i].output - first[i])),
        }
    }

    /// The step that copies `regions` from `first` on into `to`.
    pub fn pack(&self, p: &Planner, work: &ConvWork, [first, regions]: [usize; 2], to: Slot) -> Result<Step> {
        let axes = &work.axes;
        let [depth, height, width] = self.size;
        let rows = regions * work.groups * self.chunks * self.images * self.chunk * depth * height;
        let start = |i: usize| p.i32(self.out[i] * axes[i].stride);
        let [batches, depths, lines, columns] = self.counts;
        let params = PackInputParams {
            size: p.vec4([depth, height, width / 4], self.chunk)?,
            counts: p.vec4([batches, depths, lines], columns)?,
            start_step: [start(0)?, start(1)?, start(2)?, p.i32(self.images)?],
            pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
            in_size: p.vec4(each(axes, |a| a.input), work.batch)?,
            in_stride: p.vec4(work.input.space, work.input.c)?,
            in_batch: p.u32(work.input.n)?,
            groups: p.u32(work.groups)?,
            group_in: p.u32(work.group_in)?,
            chunks: p.u32(self.chunks)?,
            images: p.u32(self.images)?,
            page: p.u32(self.page(p) / 16)?,
            first: p.u32(first)?,
            rows: p.u32(rows)?,
        };
        let grid = p.invocations(rows as u64)?;
        let why = "regions of the input with their padding, as uniform pages: a driver that computes on the CPU loads \
                   faster from these than from storage";
        Ok(Step { why, ..Step::new(PackInput, &params, vec![Slot::Input(0), to], grid) })
    }
}
