//! The tiles of a convolution.

use std::ops::Range;

use super::packed::Packed;
use super::shares::{Cut, shares};
use crate::error::Result;
use crate::memory;
use crate::problem::ConvWork;

/// The fewest blocks of a tile if a group's are divided: fewer would read the image for too few products.
const BLOCKS: usize = 5;

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
        let plain = Cut::new(work, weights.in_lanes);
        let shares = if weights.in_lanes { shares(work) } else { None };
        let (cut, parts) = match shares {
            Some(shares) => (Cut::shared(work, shares.pixels), shares.lines),
            None => {
                let missing = rayon::current_num_threads().div_ceil(plain.count(work));
                let parts = if plain.shared { missing } else { 1 };
                (plain, parts)
            }
        };
        let (pixels, least) = (work.pixels(), if weights.in_lanes { 1 } else { BLOCKS });
        let blocks = weights.blocks.div_ceil(parts).max(least).min(weights.blocks);
        let mut tiles = memory::room(cut.count(work) * parts)?;
        for group in 0..work.groups {
            for n in (0..work.batch).step_by(cut.images) {
                for p in (0..pixels).step_by(cut.part) {
                    for b in (0..weights.blocks).step_by(blocks) {
                        tiles.push(Tile {
                            images: n..work.batch.min(n + cut.images),
                            pixels: p..pixels.min(p + cut.part),
                            group,
                            blocks: b..weights.blocks.min(b + blocks),
                        });
                    }
                }
            }
        }
        Ok(Grid { tiles, shared: cut.shared })
    }
}
