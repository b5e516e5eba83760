//! The tiles of `conv/register_tile.wgsl`.

/// What an invocation of the tiled convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tile {
    /// Positions along the width.
    pub width: u32,
    /// Output channels, a multiple of four.
    pub channels: u32,
    /// What a step adds.
    pub step: TileStep,
    /// Width of the pooling windows behind it, which divides the tile's; or 1.
    pub pool: u32,
    /// What is stored of a window.
    pub keep: TileKeep,
    /// Pages of the input that it reads, and as many of weights.
    pub pages: u32,
    /// Whether lanes share the weights they fetch, which takes subgroups of eight.
    pub broadcast: bool,
}

/// What a tile stores of each pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileKeep {
    /// Its only value: there is no pooling.
    Each,
    /// The largest.
    Max,
    /// The mean.
    Mean,
    /// The sum.
    Sum,
}

/// What a tile adds to its sums at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileStep {
    /// One tap of some input channels, whatever the window.
    Channels(u32),
    /// All taps of a row of the window, of one input channel, for a stride along the width; without dilation.
    Row {
        /// The window's width.
        taps: u32,
        /// The stride along the width.
        stride: u32,
    },
}

impl TileStep {
    /// Taps along the width.
    pub fn taps(self) -> u32 {
        match self {
            TileStep::Channels(_) => 1,
            TileStep::Row { taps, .. } => taps,
        }
    }

    /// Input channels.
    pub fn depth(self) -> u32 {
        match self {
            TileStep::Channels(depth) => depth,
            TileStep::Row { .. } => 1,
        }
    }

    /// The stride along the width, if it is one for certain strides alone.
    pub(super) fn stride(self) -> Option<u32> {
        match self {
            TileStep::Channels(_) => None,
            TileStep::Row { stride, .. } => Some(stride),
        }
    }
}

/// The tiles that plans choose from: what unrolls well within a processor's registers and first cache.
const WIDTHS: [u32; 3] = [8, 7, 4];
const CHANNELS: [u32; 4] = [16, 12, 8, 4];
const POOLS: [u32; 3] = [2, 3, 4];

impl TileStep {
    /// Those of tiles that plans choose from.
    pub(crate) const ALL: [TileStep; 6] = [
        TileStep::Row { taps: 3, stride: 1 },
        TileStep::Row { taps: 3, stride: 2 },
        TileStep::Row { taps: 5, stride: 1 },
        TileStep::Row { taps: 7, stride: 1 },
        TileStep::Row { taps: 7, stride: 2 },
        TileStep::Channels(4),
    ];
}

impl Tile {
    /// The numbers of pages that a tile may read.
    pub(crate) const PAGES: [u32; 3] = [1, 2, 4];

    /// Every tile that a plan may choose.
    pub(super) fn all() -> Vec<Tile> {
        let mut tiles = Vec::new();
        for broadcast in [false, true] {
            for pages in Tile::PAGES {
                for step in TileStep::ALL {
                    let of = |keep, pool| Tile::of_step(step, keep, pool, pages, broadcast);
                    for keep in [TileKeep::Max, TileKeep::Mean] {
                        tiles.extend(POOLS.iter().flat_map(|&pool| of(keep, pool)));
                    }
                    tiles.extend([TileKeep::Each, TileKeep::Sum].into_iter().flat_map(|keep| of(keep, 1)));
                }
            }
        }
        tiles
    }

    /// Whether there are tiles for pooling windows of that width.
    pub(crate) fn pools(width: usize) -> bool {
        POOLS.iter().any(|&pool| pool as usize == width)
    }

    /// The tiles of a step: some positions, or whole pooling windows of the width `pool`.
    pub(crate) fn of_step(
        step: TileStep,
        keep: TileKeep,
        pool: u32,
        pages: u32,
        broadcast: bool,
    ) -> Vec<Tile> {
        let of = |channels, width: u32| {
            let pool = if keep == TileKeep::Sum { width } else { pool };
            Tile { width: width / pool * pool, channels, step, pool, keep, pages, broadcast }
        };
        let mut tiles: Vec<Tile> =
            CHANNELS.into_iter().flat_map(|channels| WIDTHS.map(|width| of(channels, width))).collect();
        tiles.dedup();
        tiles
    }

    /// Columns of the input that a step reads.
    pub fn columns(&self) -> u32 {
        match self.step.stride() {
            None => self.width,
            Some(stride) => (self.width - 1) * stride + self.step.taps(),
        }
    }

    /// Positions of the output that it holds.
    pub fn out(&self) -> u32 {
        self.width / self.pool
    }
}
