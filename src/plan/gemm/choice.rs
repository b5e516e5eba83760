//! Which tiles compute a product of matrices, and into how many parts its sums are divided.

use super::problem::Gemm;
use crate::dtype::DType;
use crate::kernel::{Cooperative, GemmTile};
use crate::plan::Planner;
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::planner::Verdict;
use crate::problem::PoolWork;

/// Rows between two barriers, but for tiles in chains.
const STEP: usize = 16;

/// Rows of a part of a sum at least: a shorter one is not worth a workgroup and the memory it goes through.
const LEAST_PART: usize = 256;

/// A problem cut into tiles of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Tiled {
    pub tile: GemmTile,
    /// The cooperative matrices that multiply, if they do.
    pub cooperative: Option<Cooperative>,
    pub channel_tiles: usize,
    pub column_tiles: usize,
    /// All workgroups, if sums are not divided.
    pub tiles: usize,
    /// Products that these compute.
    pub products: usize,
    /// Pooling windows of a tile.
    pub windows: usize,
    /// Whether at least half of what tiles compute is asked for.
    pub full: bool,
}

impl Tiled {
    /// Rows that are multiplied between two barriers.
    pub fn step(&self) -> usize {
        self.cooperative.map_or(2 * self.tile.loaded(), |c| c.step()) as usize
    }

    /// Rows that a workgroup loads at once.
    pub fn loaded(&self) -> usize {
        self.cooperative.map_or(self.tile.loaded(), |c| c.loaded()) as usize
    }
}

/// Which tiles compute a product, and into how many parts its sums are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Choice {
    pub tiled: Tiled,
    pub parts: usize,
    pub why: &'static str,
}

impl Choice {
    /// Whether it pays, on a GPU.
    pub fn cost(&self) -> Verdict {
        if self.tiled.full { Ok(()) } else { Err("tiles would be more than half empty") }
    }
}

/// Pooling windows of all images.
pub(in crate::plan) fn windows(pool: &PoolWork) -> usize {
    pool.batch * pool.axes.iter().map(|a| a.output).product::<usize>()
}

fn taps(pool: &PoolWork) -> usize {
    pool.axes.iter().fold(1, |taps: usize, a| taps.saturating_mul(a.kernel))
}

/// The tiles of one size; nothing where one does not hold a pooling window.
fn tiled(gemm: &Gemm, tile: GemmTile, cooperative: Option<Cooperative>) -> Option<Tiled> {
    let side = tile.side() as usize;
    let (in_tile, column_tiles, wanted) = match &gemm.pool {
        None => (0, gemm.columns.div_ceil(side), gemm.columns),
        Some(pool) => {
            let in_tile = Some(side / taps(pool)).filter(|&n| n > 0)?;
            (in_tile, windows(pool).div_ceil(in_tile), windows(pool) * taps(pool))
        }
    };
    let channel_tiles = gemm.channels.div_ceil(side);
    let tiles = gemm.groups.checked_mul(channel_tiles)?.checked_mul(column_tiles)?;
    let products = tiles.checked_mul(side * side)?.checked_mul(gemm.depth.next_multiple_of(STEP))?;
    let useful = gemm.all_channels().checked_mul(wanted)?.checked_mul(gemm.depth)?;
    let full = useful >= products.div_ceil(2);
    Some(Tiled { tile, cooperative, channel_tiles, column_tiles, tiles, products, windows: in_tile, full })
}

/// Bytes of the packed weights.
pub(in crate::plan) fn packed_size(gemm: &Gemm, tiled: &Tiled) -> u64 {
    let channels = (gemm.groups * tiled.channel_tiles) as u64 * u64::from(tiled.tile.side());
    channels.saturating_mul(gemm.depth as u64).saturating_mul(gemm.dtype.unpacked().size() as u64)
}

/// Why no tile does.
const NO_TILE: &str = "no tile holds a pooling window, or packed weights are larger than a binding";

fn loops(gemm: &Gemm, p: &Planner) -> Verdict {
    let step = if gemm.windows.by_chains() { STEP / 2 } else { STEP };
    let iterations = Iterations::default().repeated(step / 4).repeated(gemm.depth.div_ceil(step));
    if iterations.fit(p) { Ok(()) } else { Err(ENDED) }
}

/// Tiles that cooperative matrices multiply, where the device has such of 16-bit floats.
pub(in crate::plan) fn choose_cooperative(gemm: &Gemm, p: &Planner) -> Result<Choice, &'static str> {
    loops(gemm, p)?;
    let cooperative =
        p.caps.cooperative.filter(|c| c.fits()).ok_or("cooperative matrices are not turned on")?;
    if gemm.dtype != DType::F16 {
        return Err("elements are not f16");
    }
    let tiled = tiled(gemm, cooperative.tile(), Some(cooperative));
    let tiled = tiled.filter(|t| packed_size(gemm, t) <= p.caps.max_binding).ok_or(NO_TILE)?;
    let why = "cooperative matrices of 16-bit floats";
    Ok(divided(gemm, p, &[tiled]).unwrap_or(Choice { tiled, parts: 1, why }))
}

/// The rule, from the shape and the device's size alone. At least half of what the tiles compute must be asked for, or
/// they do not pay; then
/// 1. large tiles, in chains where sums may be that, if they keep the device busy and compute at most a quarter more than small ones;
/// 2. small tiles, if they keep it busy;
/// 3. tiles whose sums are divided into parts of at least [`LEAST_PART`] rows, large ones if these parts then keep the
///    device busy; not behind pooling, whose windows need whole sums;
/// 4. small tiles.
pub(in crate::plan) fn choose(gemm: &Gemm, p: &Planner) -> Result<Choice, &'static str> {
    loops(gemm, p)?;
    // FXC takes seconds over large tiles that pool, and over those in chains.
    let builds = |tile: &GemmTile| *tile == GemmTile::Small || gemm.pool.is_none() || !p.caps.fxc;
    let chains = gemm.windows.by_chains() && !p.caps.fxc;
    let large = if chains { GemmTile::Chain } else { GemmTile::Large };
    let mut sizes: Vec<Tiled> = ([large, GemmTile::Small].into_iter())
        .filter(builds)
        .filter_map(|tile| tiled(gemm, tile, None).filter(|t| packed_size(gemm, t) <= p.caps.max_binding))
        .collect();
    if sizes.iter().any(|t| t.full) {
        sizes.retain(|t| t.full);
    }
    let last = *sizes.last().ok_or(NO_TILE)?;
    let busy = p.caps.target_workgroups as usize;
    let least = sizes.iter().map(|t| t.products).min().unwrap_or(0);
    if let Some(&tiled) = sizes.iter().find(|t| t.tiles >= busy && t.products <= least + least / 4) {
        let why = match tiled.tile {
            GemmTile::Large => "channels and positions fill 64 by 64 tiles, and enough of them",
            GemmTile::Chain => {
                "channels and positions fill 64 by 64 tiles, and enough of them; sums may be chains"
            }
            GemmTile::Small => "channels and positions fill 32 by 32 tiles; 64 by 64 would be too few",
        };
        return Ok(Choice { tiled, parts: 1, why });
    }
    let why = "channels and positions fill tiles, though few";
    Ok(divided(gemm, p, &sizes).unwrap_or(Choice { tiled: last, parts: 1, why }))
}

/// Tiles of long sums that are too few to keep the device busy, in the first size whose parts then are enough, or in
/// the last.
fn divided(gemm: &Gemm, p: &Planner, sizes: &[Tiled]) -> Option<Choice> {
    if gemm.pool.is_some() || gemm.depth < 2 * LEAST_PART {
        return None;
    }
    let busy = p.caps.target_workgroups as usize;
    let image = 4 * gemm.elements() as u64;
    let most = (p.caps.max_binding / image.max(1)) as usize;
    let in_parts = |&tiled: &Tiled| {
        let parts = busy.div_ceil(tiled.tiles).min(gemm.depth / LEAST_PART).min(most).max(1);
        let why = match tiled.cooperative {
            None => "few tiles of long sums, which are divided among workgroups",
            Some(_) => "cooperative matrices of 16-bit floats; few tiles of long sums, which are divided",
        };
        Choice { tiled, parts, why }
    };
    let enough = sizes.iter().map(in_parts).find(|c| c.tiled.tiles * c.parts >= busy);
    enough.or_else(|| sizes.last().map(in_parts)).filter(|c| c.parts > 1)
}
