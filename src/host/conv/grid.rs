//! How a channels-first convolution is divided into tiles.

use std::ops::Range;

use super::packed::Packed;
use super::{lanes, micro};
use crate::error::Result;
use crate::host::output::WORTH_SHARING;
use crate::memory;
use crate::problem::ConvWork;

/// Sums of a tile, and elements of its input, which should stay in the cache.
const SUMS: usize = 1 << 15;
const INPUTS: usize = 1 << 17;
/// The fewest pixels of a tile in lanes, if it is one of several for each thread.
const SHARED: usize = 256;
/// The most pixels of a tile whose sums are kept from one range of terms to the next.
const PIXELS: usize = 512;
/// The fewest blocks of a tile if a group's are divided: fewer would read the image for too few products.
const BLOCKS: usize = 5;
/// Products that are worth a task.
const WORTH_A_TASK: usize = 1 << 20;

/// What a tile computes: for each image `images` the output pixels `pixels`, of the channels in `blocks` of a group.
#[derive(Clone)]
pub(in crate::host) struct Tile {
    pub images: Range<usize>,
    pub pixels: Range<usize>,
    pub group: usize,
    pub blocks: Range<usize>,
}

/// The tiles of a convolution.
pub(super) struct Grid {
    pub tiles: Vec<Tile>,
    /// Whether the tiles are worth being shared among threads.
    pub shared: bool,
}

impl Grid {
    pub fn new(work: &ConvWork, weights: &Packed) -> Result<Grid> {
        let pixels = work.pixels();
        let products = work.group_out * work.group_in * work.taps();
        let threads = rayon::current_num_threads();
        let shared = products * work.groups * work.batch * pixels > 4 * WORTH_SHARING;
        // Pixels of a block, the most of a tile, and the fewest of one of several for each thread.
        let (panel, most, least) = match weights.in_lanes {
            true => (lanes::PIXELS, (INPUTS / work.group_in).max(SHARED), SHARED),
            false => {
                let panel = micro::panel();
                (panel, (SUMS / work.group_out).clamp(4 * panel, PIXELS), 8 * panel)
            }
        };
        let most = most.max(WORTH_A_TASK / products);
        // Small images together, large ones in parts; at best several tasks for each thread.
        let fair = (work.batch * pixels).div_ceil(4 * threads).max(least);
        let most = if shared { most.min(fair) } else { most };
        let (images, part) = if pixels <= most {
            let images = (most / pixels).clamp(1, work.batch);
            (work.batch.div_ceil(work.batch.div_ceil(images)), pixels)
        } else {
            (1, pixels.div_ceil(pixels.div_ceil(most)).next_multiple_of(panel).min(pixels))
        };
        let count = work.batch.div_ceil(images) * pixels.div_ceil(part) * work.groups;
        let least = if weights.in_lanes { 1 } else { BLOCKS };
        let parts = if shared { threads.div_ceil(count) } else { 1 };
        let blocks = weights.blocks.div_ceil(parts).max(least).min(weights.blocks);
        let mut tiles = memory::room(count * parts)?;
        for group in 0..work.groups {
            for n in (0..work.batch).step_by(images) {
                for p in (0..pixels).step_by(part) {
                    for b in (0..weights.blocks).step_by(blocks) {
                        tiles.push(Tile {
                            images: n..work.batch.min(n + images),
                            pixels: p..pixels.min(p + part),
                            group,
                            blocks: b..weights.blocks.min(b + blocks),
                        });
                    }
                }
            }
        }
        Ok(Grid { tiles, shared })
    }
}
