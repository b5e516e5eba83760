//! How a convolution is divided among threads: by images and pixels, and where these are few by channels.

use super::{lanes, micro};
use crate::host::output::WORTH_SHARING;
use crate::problem::ConvWork;

/// Sums of a tile, and elements of its input, which should stay in the cache.
const SUMS: usize = 1 << 15;
const INPUTS: usize = 1 << 17;
/// The fewest pixels of a tile in lanes, if it is one of several for each thread.
const SHARED: usize = 256;
/// The most pixels of a tile whose sums are kept from one range of terms to the next.
const PIXELS: usize = 512;
/// Products that are worth a task.
const WORTH_A_TASK: usize = 1 << 20;

/// Cycles in which a line of weights comes from beyond a core's own cache.
const READING: usize = 8;

/// Images of a tile, and pixels of each.
pub(super) struct Cut {
    pub images: usize,
    pub part: usize,
    /// Whether tiles are worth being shared among threads.
    pub shared: bool,
}

impl Cut {
    pub fn new(work: &ConvWork, in_lanes: bool) -> Cut {
        let pixels = work.pixels();
        let products = work.group_out * work.group_in * work.taps();
        let threads = rayon::current_num_threads();
        let shared = products * work.groups * work.batch * pixels > 4 * WORTH_SHARING;
        // What a tile's pixels are a multiple of, the most, and the fewest of one of several for each thread.
        let (unit, most, least) = match in_lanes {
            true => (lanes::PIXELS, (INPUTS / work.group_in).max(SHARED), SHARED),
            false => {
                let panel = micro::panel();
                (micro::PANEL, (SUMS / work.group_out).clamp(4 * panel, PIXELS), 8 * panel)
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
            (1, pixels.div_ceil(pixels.div_ceil(most)).next_multiple_of(unit).min(pixels))
        };
        Cut { images, part, shared }
    }

    /// Each image in `parts` parts.
    pub fn shared(work: &ConvWork, parts: usize) -> Cut {
        let pixels = work.pixels();
        let part = pixels.div_ceil(parts).next_multiple_of(lanes::PIXELS).min(pixels);
        Cut { images: 1, part, shared: true }
    }

    /// Tiles of all channels.
    pub fn count(&self, work: &ConvWork) -> usize {
        work.batch.div_ceil(self.images) * work.pixels().div_ceil(self.part) * work.groups
    }
}

/// How a convolution in lanes with fewer tiles than threads is shared out: parts of each image's pixels, and of a group's lines of
/// channels.
pub(super) struct Shares {
    pub pixels: usize,
    pub lines: usize,
}

/// The shares of which the largest is reckoned to be done first; none if there are tiles enough.
pub(super) fn shares(work: &ConvWork) -> Option<Shares> {
    let cut = Cut::new(work, true);
    let threads = rayon::current_num_threads();
    if !cut.shared || cut.count(work) >= threads {
        return None;
    }
    let parts = threads.div_ceil(work.batch * work.groups);
    let (blocks, lines) = (work.pixels().div_ceil(lanes::PIXELS), work.group_out.div_ceil(lanes::LANES));
    // Cycles of a term: products with it, and reading its weights.
    let cost = |shares: &Shares| {
        let lines = lines.div_ceil(shares.lines);
        let times = lines.div_ceil(lanes::most_lines());
        blocks.div_ceil(shares.pixels) * times * lanes::cycles(lines.div_ceil(times)) + READING * lines
    };
    let all = (1..=parts.min(lines)).map(|lines| Shares { pixels: parts.div_ceil(lines).min(blocks), lines });
    all.min_by_key(cost)
}
