//! Convolution as a product of matrices, on hardware: when it is chosen, with which tiles, and its steps.

use super::narrow::{each, u32_of, vec4};
use super::turns::Turns;
use super::{Caps, Slot, Step, Steps, conv_params, grid};
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{
    ActivationKind, GemmFinish, GemmKernel, GemmParams, GemmTaps, GemmTile, KernelKey, PackGemmParams,
    PartsParams, Reduce,
};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::Layout;

/// Rows that are multiplied between two barriers, and rows that a workgroup loads at once.
const STEP: usize = 16;
const LOADED: usize = 8;

/// Rows of a part of a sum at least: a shorter one is not worth a workgroup and the memory it goes through.
const LEAST_PART: usize = 256;

/// A problem cut into tiles of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiled {
    tile: GemmTile,
    channel_tiles: usize,
    column_tiles: usize,
    /// All workgroups, if sums are not divided.
    tiles: usize,
    /// Products that these compute.
    products: usize,
    /// Pooling windows of a tile.
    windows: usize,
}

/// Which kernel computes a convolution, and into how many parts its sums are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    tiled: Tiled,
    parts: usize,
    why: &'static str,
}

/// Elements of the output.
fn elements(work: &ConvWork) -> usize {
    work.batch * work.out_channels() * work.pixels()
}

fn rows(work: &ConvWork) -> usize {
    work.group_in * work.taps()
}

/// Pooling windows of all images.
fn windows(pool: &PoolWork) -> usize {
    pool.batch * pool.axes.iter().map(|a| a.output).product::<usize>()
}

fn taps(pool: &PoolWork) -> usize {
    pool.axes.iter().map(|a| a.kernel).product()
}

/// Nothing where a tile does not hold a pooling window, or less than half of what tiles compute is asked for.
fn tiled(work: &ConvWork, pool: Option<&PoolWork>, tile: GemmTile) -> Option<Tiled> {
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
    worth_it.then_some(Tiled { tile, channel_tiles, column_tiles, tiles, products, windows: in_tile })
}

/// The rule, from the shape and the device's size alone. At least half of what the tiles compute must be asked for;
/// then
/// 1. large tiles, if they keep the device busy and compute at most a quarter more than small ones;
/// 2. small tiles, if they keep it busy;
/// 3. tiles whose sums are divided into parts of at least [`LEAST_PART`] rows, large ones if these parts then keep the
///    device busy; not behind pooling, whose windows need whole sums;
/// 4. small tiles.
fn choose(work: &ConvWork, pool: Option<&PoolWork>, caps: &Caps) -> Option<Choice> {
    let turns = Turns::default().repeated(STEP / 4).repeated(rows(work).div_ceil(STEP));
    if caps.software || !turns.fit(caps) {
        return None;
    }
    let fits = |t: &Tiled| packed_size(work, t) <= caps.max_binding;
    let sizes: Vec<Tiled> = ([GemmTile::Large, GemmTile::Small].into_iter())
        .filter_map(|tile| tiled(work, pool, tile).filter(fits))
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
    if pool.is_none() && rows(work) >= 2 * LEAST_PART {
        let image = 4 * work.batch as u64 * work.out_channels() as u64 * work.pixels() as u64;
        let most = (caps.max_binding / image.max(1)) as usize;
        let divided = |tiled: Tiled| {
            let parts = busy.div_ceil(tiled.tiles).min(rows(work) / LEAST_PART).min(most).max(1);
            let why = "few tiles of long sums, which are divided among workgroups";
            Choice { tiled, parts, why }
        };
        let mut choices = sizes.iter().map(|&t| divided(t));
        let choice = choices.find(|c| c.tiled.tiles * c.parts >= busy).unwrap_or_else(|| divided(last));
        if choice.parts > 1 {
            return Some(choice);
        }
    }
    let why = "channels and positions fill tiles, though few";
    Some(Choice { tiled: last, parts: 1, why })
}

/// The steps of a convolution on hardware that fills tiles; else nothing.
pub(super) fn steps(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Option<Steps>> {
    let Some(choice) = choose(work, None, caps) else { return Ok(None) };
    let (activation, alpha) = ActivationKind::of(work.activation);
    let params = params(op, work, None, &choice)?;
    let mut steps = Steps::default();
    steps.steps.push(pack(op, work, &choice, caps)?);
    steps.packed.push(packed_size(work, &choice.tiled));
    if choice.parts == 1 {
        let finish = GemmFinish::Store;
        steps.steps.push(product(op, work, &choice, &params, (activation, finish), to, caps)?);
        return Ok(Some(steps));
    }
    let sums = to.after();
    let elements = elements(work);
    let of_parts = (ActivationKind::None, GemmFinish::Partial);
    steps.steps.push(product(op, work, &choice, &params, of_parts, sums, caps)?);
    steps.scratch.push(4 * (elements * params.parts as usize) as u64);
    let params = PartsParams {
        total: params.part_elements,
        parts: params.parts,
        channel_stride: u32_of(op, work.output.c)?,
        channels: u32_of(op, work.out_channels())?,
        has_bias: u32::from(work.bias),
        alpha,
        pad_0: 0,
        pad_1: 0,
    };
    let kernel = KernelKey::ConvParts { dtype: work.dtype, activation };
    let grid = grid::invocations(op, elements as u64, caps)?;
    let why = "adds the parts of the sums";
    steps.steps.push(Step { why, ..Step::new(kernel, &params, vec![sums, bias(work), to], grid) });
    Ok(Some(steps))
}

/// What becomes of a convolution with pooling.
pub(super) enum Pooled {
    /// One product that pools its tiles.
    Together(Steps),
    /// The convolution is such a product, but pooling is better done after it.
    Apart,
    /// The convolution is no such product.
    Neither,
}

/// Convolution and pooling whose windows do not overlap.
///
/// They are one kernel where its tiles are filled as the convolution's own are, and sums need not be divided.
pub(super) fn with_pool(op: &'static str, work: &ConvWork, pool: &PoolWork, caps: &Caps) -> Result<Pooled> {
    let Some(alone) = choose(work, None, caps) else { return Ok(Pooled::Neither) };
    let Some(mut choice) = choose(work, Some(pool), caps).filter(|together| {
        let most = alone.tiled.products + alone.tiled.products / 4;
        alone.parts == 1 && together.tiled.products <= most
    }) else {
        return Ok(Pooled::Apart);
    };
    choice.why = "tiles hold whole pooling windows, so that the convolution is never stored";
    let (activation, _) = ActivationKind::of(work.activation);
    let params = params(op, work, Some(pool), &choice)?;
    let finish = match Reduce::from(pool.kind) {
        Reduce::Average => GemmFinish::Average,
        Reduce::AveragePadded => GemmFinish::AveragePadded,
        _ => GemmFinish::Max,
    };
    let to = Slot::Output(0);
    let steps = vec![
        pack(op, work, &choice, caps)?,
        product(op, work, &choice, &params, (activation, finish), to, caps)?,
    ];
    Ok(Pooled::Together(Steps { steps, scratch: Vec::new(), packed: vec![packed_size(work, &choice.tiled)] }))
}

/// A binding must hold something: without a bias it is the kernel once more, and not read.
fn bias(work: &ConvWork) -> Slot {
    if work.bias { Slot::Input(2) } else { Slot::Input(1) }
}

/// Bytes of the packed weights.
fn packed_size(work: &ConvWork, tiled: &Tiled) -> u64 {
    let channels = (work.groups * tiled.channel_tiles) as u64 * tiled.tile as u64;
    channels.saturating_mul(rows(work) as u64).saturating_mul(work.dtype.size() as u64)
}

/// The lengths that a row's number counts, from the fastest on, and their strides in the kernel.
fn row_order(work: &ConvWork, layout: Layout) -> [(usize, usize); 4] {
    let [d, h, w] = each(&work.axes, |a| a.kernel);
    let [sd, sh, sw] = work.kernel.space;
    let channel = (work.group_in, work.kernel.i);
    match layout {
        Layout::Nchw => [(w, sw), (h, sh), (d, sd), channel],
        Layout::Nhwc => [channel, (w, sw), (h, sh), (d, sd)],
    }
}

fn pack(op: &'static str, work: &ConvWork, choice: &Choice, caps: &Caps) -> Result<Step> {
    let Tiled { tile, channel_tiles, .. } = choice.tiled;
    packed(op, work, work.layout, (tile as usize, channel_tiles), caps)
}

/// Packs the weights of one group: for each input channel and tap, all output channels of a tile that has room for
/// them.
pub(super) fn pack_for(op: &'static str, work: &ConvWork, tile: usize, caps: &Caps) -> Result<Step> {
    packed(op, work, Layout::Nchw, (tile, 1), caps)
}

fn packed(
    op: &'static str,
    work: &ConvWork,
    layout: Layout,
    (tile, tiles): (usize, usize),
    caps: &Caps,
) -> Result<Step> {
    let fields = |member: fn((usize, usize)) -> usize| -> Result<[u32; 4]> {
        let [a, b, c, d] = row_order(work, layout).map(member);
        vec4(op, [a, b, c], d)
    };
    let total = (work.groups * tiles * tile * rows(work) / 4) as u64;
    let params = PackGemmParams {
        length: fields(|(length, _)| length)?,
        stride: fields(|(_, stride)| stride)?,
        tap_out: u32_of(op, work.kernel.o)?,
        rows: u32_of(op, rows(work))?,
        tile: u32_of(op, tile)?,
        tiles: u32_of(op, tiles)?,
        group_out: u32_of(op, work.group_out)?,
        total: u32_of(op, total as usize)?,
        pad_0: 0,
        pad_1: 0,
    };
    let kernel = KernelKey::PackGemm { dtype: work.dtype };
    let grid = grid::invocations(op, total, caps)?;
    let step = Step::new(kernel, &params, vec![Slot::Input(1), Slot::Packed(0)], grid);
    Ok(Step { once: true, why: "weights in the order of the tiles", ..step })
}

fn product(
    op: &'static str,
    work: &ConvWork,
    choice: &Choice,
    params: &GemmParams,
    (activation, finish): (ActivationKind, GemmFinish),
    to: Slot,
    caps: &Caps,
) -> Result<Step> {
    let channels_last = work.layout == Layout::Nhwc;
    let (dtype, tile, taps) = (work.dtype, choice.tiled.tile, taps_of(work));
    let kernel = KernelKey::ConvGemm(GemmKernel { dtype, activation, channels_last, tile, taps, finish });
    let grid = grid::workgroups(op, u64::from(params.tiles), caps)?;
    let slots = vec![Slot::Input(0), Slot::Packed(0), bias(work), to];
    Ok(Step { why: choice.why, ..Step::new(kernel, params, slots, grid) })
}

/// Whether every window along an axis is one element of the input.
fn is_point(a: &Axis) -> bool {
    a.kernel == 1 && a.pad_before == 0 && (a.output - 1) * a.stride < a.input
}

fn taps_of(work: &ConvWork) -> GemmTaps {
    match work.axes.each_ref().map(is_point) {
        [true, true, true] => GemmTaps::Point,
        [true, _, _] => GemmTaps::Plane,
        _ => GemmTaps::Volume,
    }
}

/// [`LOADED`] as a row's number: depth, height, width, channel.
fn step(work: &ConvWork) -> [usize; 4] {
    if taps_of(work) == GemmTaps::Point {
        return [0, 0, 0, LOADED];
    }
    let mut rest = LOADED;
    let order = row_order(work, work.layout);
    let mut digits = order.map(|(length, _)| {
        let digit = rest % length;
        rest /= length;
        digit
    });
    // The slowest has no end that rows before the last could reach.
    digits[3] += rest * order[3].0;
    match (work.layout, digits) {
        (Layout::Nchw, [w, h, d, c]) => [d, h, w, c],
        (Layout::Nhwc, [c, w, h, d]) => [d, h, w, c],
    }
}

fn params(op: &'static str, work: &ConvWork, pool: Option<&PoolWork>, choice: &Choice) -> Result<GemmParams> {
    let (convolution, pooling) = conv_params::geometry(op, work, pool)?;
    let tiled = &choice.tiled;
    let part_rows = rows(work).div_ceil(choice.parts).next_multiple_of(STEP);
    let parts = rows(work).div_ceil(part_rows);
    let columns = pool.map_or(work.batch * work.pixels(), windows);
    let part_elements = if choice.parts > 1 { elements(work) } else { 0 };
    let [d, h, w, c] = step(work);
    Ok(GemmParams {
        convolution,
        pooling,
        step: vec4(op, [d, h, w], c)?,
        rows: u32_of(op, rows(work))?,
        part_rows: u32_of(op, part_rows)?,
        parts: u32_of(op, parts)?,
        part_elements: u32_of(op, part_elements)?,
        channel_tiles: u32_of(op, tiled.channel_tiles)?,
        column_tiles: u32_of(op, tiled.column_tiles)?,
        tiles: u32_of(op, tiled.tiles.saturating_mul(parts))?,
        columns: u32_of(op, columns)?,
        windows: u32_of(op, tiled.windows)?,
        identity: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::spec::{Conv, ConvPool, Padding, Pool};
    use crate::tensor::TensorDesc;

    /// Tile, tiles and parts of a plan for hardware; nothing where the general kernel was chosen.
    fn chosen(plan: &Plan) -> Option<(GemmTile, u32, u32)> {
        plan.steps.iter().find_map(|step| match step.kernel {
            KernelKey::ConvGemm(kernel) => {
                let params: GemmParams = bytemuck::pod_read_unaligned(&step.params);
                Some((kernel.tile, params.tiles / params.parts, params.parts))
            }
            _ => None,
        })
    }

    fn conv(conv: &Conv, x: [usize; 4], w: [usize; 4]) -> Plan {
        let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
        Plan::new(&conv.clone().into(), &inputs, &Caps::default()).unwrap()
    }

    fn pad(n: usize) -> Conv {
        Conv::new().padding(Padding::symmetric([n]))
    }

    #[test]
    fn the_rule_on_the_shapes_that_benchmarks_run() {
        use GemmTile::{Large, Small};
        let cases = [
            ("C1", pad(3).stride([2]), [1, 3, 224, 224], [64, 3, 7, 7], Some((Large, 196, 1))),
            ("C2", pad(1), [1, 64, 56, 56], [64, 64, 3, 3], Some((Small, 196, 1))),
            ("C3", Conv::new(), [1, 256, 56, 56], [64, 256, 1, 1], Some((Small, 196, 1))),
            ("C4", pad(1), [1, 256, 14, 14], [256, 256, 3, 3], Some((Large, 16, 8))),
            ("C5", pad(1).groups(144), [1, 144, 56, 56], [144, 1, 3, 3], None),
            ("C6", pad(2), [16, 32, 10, 10], [64, 32, 5, 5], Some((Small, 100, 2))),
            ("C7", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3], None),
            ("C8", pad(1), [1, 64, 224, 224], [64, 64, 3, 3], Some((Large, 784, 1))),
        ];
        for (name, spec, x, w, expected) in cases {
            assert_eq!(chosen(&conv(&spec, x, w)), expected, "{name}");
        }
    }

    #[test]
    fn pooling_joins_where_tiles_stay_full_and_sums_whole() {
        let plan = |conv: Conv, pool: Pool, x: [usize; 4], w: [usize; 4]| {
            let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
            let plan = Plan::new(&ConvPool { conv, pool }.into(), &inputs, &Caps::default()).unwrap();
            let kernels: Vec<_> = plan.steps.iter().filter(|s| !s.once).map(|s| s.kernel).collect();
            (chosen(&plan), kernels.len())
        };
        let (x, w) = ([1, 64, 112, 112], [64, 64, 3, 3]);
        let large = |tiles| Some((GemmTile::Large, tiles, 1));
        assert_eq!(plan(pad(1), Pool::max([2]), x, w), (large(196), 1), "F1");
        assert_eq!(plan(Conv::new(), Pool::max([2]), [1, 3, 224, 224], [10, 3, 3, 3]), (None, 1), "F2");
        // 37 x 37 windows of nine, seven to a tile.
        assert_eq!(plan(pad(1), Pool::average([3]), x, w), (large(196), 1), "3x3");
        // Two windows of 25 leave a fifth of the tile empty, which is still less than a quarter more work.
        assert_eq!(plan(pad(1), Pool::max([5]), x, w), (large(242), 1), "5x5");
        // A window of 36 leaves almost half of it empty; one of 81 fits no tile; overlapping ones compute twice.
        assert_eq!(plan(pad(1), Pool::max([6]), x, w), (large(196), 2), "6x6");
        assert_eq!(plan(pad(1), Pool::max([9]), x, w), (large(196), 2), "9x9");
        assert_eq!(plan(pad(1), Pool::max([3]).stride([2]), x, w), (large(196), 2), "3x3/2");
        // Divided sums, their addition, and pooling.
        let deep = plan(pad(1), Pool::max([2]), [1, 256, 14, 14], [256, 256, 3, 3]);
        assert_eq!(deep, (Some((GemmTile::Large, 16, 8)), 3), "few tiles");
    }

    #[test]
    fn software_adapters_and_small_bindings_keep_the_general_kernel() {
        let inputs = [TensorDesc::f32([1, 64, 56, 56]), TensorDesc::f32([64, 64, 3, 3])];
        let op = pad(1).into();
        let software = Caps { software: true, ..Caps::default() };
        assert_eq!(chosen(&Plan::new(&op, &inputs, &software).unwrap()), None);
        // The kernel fits, but 65 channels packed in tiles do not.
        let inputs = [TensorDesc::f32([1, 64, 8, 8]), TensorDesc::f32([65, 64, 3, 3])];
        assert!(chosen(&Plan::new(&op, &inputs, &Caps::default()).unwrap()).is_some());
        let narrow = Caps { max_binding: 65 * 64 * 9 * 4, ..Caps::default() };
        assert_eq!(chosen(&Plan::new(&op, &inputs, &narrow).unwrap()), None);
    }

    #[test]
    fn rows_are_counted_as_the_shader_counts_them() {
        let step_of = |x: [usize; 4], w: [usize; 4], layout| {
            let spec = Conv::new().layout(layout);
            let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
            let crate::problem::Work::Conv(work) = crate::Problem::new(&spec.into(), &inputs).unwrap().work
            else {
                panic!("no convolution");
            };
            step(&work)
        };
        // Depth, height, width, channel of row 8.
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 3, 3], Layout::Nchw), [0, 2, 2, 0]);
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 2, 3], Layout::Nchw), [0, 0, 2, 1]);
        assert_eq!(step_of([1, 9, 9, 3], [8, 3, 2, 2], Layout::Nhwc), [0, 1, 0, 2]);
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 1, 1], Layout::Nchw), [0, 0, 0, 8]);
    }
}
