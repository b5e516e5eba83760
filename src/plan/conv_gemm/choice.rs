//! Which tiles compute a convolution, and into how many parts its sums are divided.

use super::pack::packed_size;
use super::rows::{LOADED, STEP, rows};
use crate::kernel::{Cooperative, GemmTile};
use crate::plan::Caps;
use crate::plan::turns::Turns;
use crate::problem::{ConvWork, PoolWork};
use crate::tensor::DType;

/// Rows of a part of a sum at least: a shorter one is not worth a workgroup and the memory it goes through.
const LEAST_PART: usize = 256;

/// A problem cut into tiles of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiled {
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
}

impl Tiled {
    /// Rows that are multiplied between two barriers.
    pub fn step(&self) -> usize {
        self.cooperative.map_or(STEP, |c| c.step() as usize)
    }

    /// Rows that a workgroup loads at once.
    pub fn loaded(&self) -> usize {
        self.cooperative.map_or(LOADED, |c| c.loaded() as usize)
    }
}

/// Which kernel computes a convolution, and into how many parts its sums are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub tiled: Tiled,
    pub parts: usize,
    pub why: &'static str,
}

/// Pooling windows of all images.
pub(super) fn windows(pool: &PoolWork) -> usize {
    pool.batch * pool.axes.iter().map(|a| a.output).product::<usize>()
}

fn taps(pool: &PoolWork) -> usize {
    pool.axes.iter().fold(1, |taps: usize, a| taps.saturating_mul(a.kernel))
}

/// Nothing where a tile does not hold a pooling window, or less than half of what tiles compute is asked for.
fn tiled(
    work: &ConvWork,
    pool: Option<&PoolWork>,
    tile: GemmTile,
    cooperative: Option<Cooperative>,
) -> Option<Tiled> {
    let side = tile as usize;
    let (in_tile, column_tiles, wanted) = match pool {
        None => (0, (work.batch * work.pixels()).div_ceil(side), work.batch * work.pixels()),
        Some(pool) => {
            let in_tile = Some(side / taps(pool)).filter(|&n| n > 0)?;
            (in_tile, windows(pool).div_ceil(in_tile), windows(pool) * taps(pool))
        }
    };
    let channel_tiles = work.group_out.div_ceil(side);
    let tiles = work.groups.checked_mul(channel_tiles)?.checked_mul(column_tiles)?;
    let products = tiles.checked_mul(side * side)?.checked_mul(rows(work).next_multiple_of(STEP))?;
    let useful = work.out_channels().checked_mul(wanted)?.checked_mul(rows(work))?;
    let worth_it = useful >= products.div_ceil(2);
    worth_it.then_some(Tiled {
        tile,
        cooperative,
        channel_tiles,
        column_tiles,
        tiles,
        products,
        windows: in_tile,
    })
}

/// The rule, from the shape and the device's size alone. At least half of what the tiles compute must be asked for;
/// then
/// 1. large tiles, if they keep the device busy and compute at most a quarter more than small ones;
/// 2. small tiles, if they keep it busy;
/// 3. tiles whose sums are divided into parts of at least [`LEAST_PART`] rows, large ones if these parts then keep the
///    device busy; not behind pooling, whose windows need whole sums;
/// 4. small tiles.
///
/// Where the device multiplies matrices of 16-bit floats, their tiles come before all others: even half empty they are
/// predicted to be faster.
pub(super) fn choose(work: &ConvWork, pool: Option<&PoolWork>, caps: &Caps) -> Option<Choice> {
    let turns = Turns::default().repeated(STEP / 4).repeated(rows(work).div_ceil(STEP));
    if caps.software || !turns.fit(caps) {
        return None;
    }
    let fits = |t: &Tiled| packed_size(work, t) <= caps.max_binding;
    let cooperative = caps.cooperative.filter(|c| work.dtype == DType::F16 && c.fits());
    let of_matrices = cooperative.and_then(|c| tiled(work, pool, c.tile(), Some(c)).filter(fits));
    if let Some(tiled) = of_matrices {
        let why = "cooperative matrices of 16-bit floats";
        let whole = Choice { tiled, parts: 1, why };
        return Some(divided(work, pool, caps, &[tiled]).unwrap_or(whole));
    }
    // FXC takes seconds over large tiles that pool.
    let builds = |tile: &GemmTile| *tile == GemmTile::Small || pool.is_none() || !caps.fxc;
    let sizes: Vec<Tiled> = ([GemmTile::Large, GemmTile::Small].into_iter())
        .filter(builds)
        .filter_map(|tile| tiled(work, pool, tile, None).filter(fits))
        .collect();
    let last = *sizes.last()?;
    let busy = caps.fill as usize;
    let least = sizes.iter().map(|t| t.products).min()?;
    if let Some(&tiled) = sizes.iter().find(|t| t.tiles >= busy && t.products <= least + least / 4) {
        let why = match tiled.tile {
            GemmTile::Large => "channels and positions fill 64 by 64 tiles, and enough of them",
            GemmTile::Small => "channels and positions fill 32 by 32 tiles; 64 by 64 would be too few",
        };
        return Some(Choice { tiled, parts: 1, why });
    }
    let why = "channels and positions fill tiles, though few";
    Some(divided(work, pool, caps, &sizes).unwrap_or(Choice { tiled: last, parts: 1, why }))
}

/// Tiles of long sums that are too few to keep the device busy, in the first size whose parts then are enough, or in
/// the last.
fn divided(work: &ConvWork, pool: Option<&PoolWork>, caps: &Caps, sizes: &[Tiled]) -> Option<Choice> {
    if pool.is_some() || rows(work) < 2 * LEAST_PART {
        return None;
    }
    let busy = caps.fill as usize;
    let image = 4 * work.batch as u64 * work.out_channels() as u64 * work.pixels() as u64;
    let most = (caps.max_binding / image.max(1)) as usize;
    let in_parts = |&tiled: &Tiled| {
        let parts = busy.div_ceil(tiled.tiles).min(rows(work) / LEAST_PART).min(most).max(1);
        let why = match tiled.cooperative {
            None => "few tiles of long sums, which are divided among workgroups",
            Some(_) => "cooperative matrices of 16-bit floats; few tiles of long sums, which are divided",
        };
        Choice { tiled, parts, why }
    };
    let enough = sizes.iter().map(in_parts).find(|c| c.tiled.tiles * c.parts >= busy);
    enough.or_else(|| sizes.last().map(in_parts)).filter(|c| c.parts > 1)
}
