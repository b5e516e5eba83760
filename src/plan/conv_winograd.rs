//! Convolution by Winograd's algorithm, on hardware: when it is chosen, and its steps.
//!
//! Weights and inputs are transformed, and for each point of a tile the product of the two is a matrix product over the
//! input channels: a convolution of one tap with a group for each point, which [`conv_gemm`] plans. Its sums are
//! transformed back, with bias, activation and pooling.

use super::narrow::u32_of;
use super::turns::Turns;
use super::{Caps, Slot, Step, Steps, conv_gemm, grid};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::winograd::FORM;
use crate::kernel::{ActivationKind, KernelKey, WinogradParams};
use crate::problem::{ConvWork, KernelStrides, PoolWork};
use crate::spec::{Accuracy, Activation, Layout, PoolKind};
use crate::tensor::DType;

/// Dispatches more than a product of matrices alone takes.
const MORE_DISPATCHES: u64 = 2;

/// Outputs of a tile.
const OUTPUTS: usize = 16;

fn points() -> usize {
    FORM.points * FORM.points
}

/// Tiles of all images, and rows and columns of them in each.
fn tiles(work: &ConvWork) -> [usize; 3] {
    let [_, rows, columns] = work.axes.map(|a| a.output.div_ceil(FORM.outputs));
    [work.batch * rows * columns, rows, columns]
}

/// Whether the pooling is done in the tiles: windows of 2 by 2 that touch.
fn pools(pool: &PoolWork) -> bool {
    let pairs = |a: &Axis| {
        (a.kernel, a.stride, a.dilation, a.pad_before) == (2, 2, 1, 0) && a.reach(a.output) <= a.input
    };
    let [depth, rows, columns] = &pool.axes;
    let plain = [depth.input, depth.output, depth.kernel] == [1; 3];
    pool.kind == PoolKind::Max && plain && pairs(rows) && pairs(columns)
}

/// The products of all points: each is a group of channels, whose positions are the tiles.
fn product(work: &ConvWork) -> ConvWork {
    let groups = points() * work.groups;
    let [tiles, ..] = tiles(work);
    let space = [1, 1, tiles];
    ConvWork {
        batch: 1,
        groups,
        axes: [Axis::UNIT, Axis::UNIT, Axis::elements(tiles)],
        dtype: DType::F32,
        input: Strides::of(Layout::Nchw, groups * work.group_in, space),
        output: Strides::of(Layout::Nchw, groups * work.group_out, space),
        kernel: KernelStrides { o: work.group_in, i: 1, space: [0; 3] },
        layout: Layout::Nchw,
        bias: false,
        activation: Activation::None,
        accuracy: Accuracy::Element,
        ..*work
    }
}

/// The rule: what the algorithm multiplies, moves and dispatches, in FLOPs by what a device does in the same time, must be
/// less than what the definition multiplies. Transformed inputs and sums go through memory once in each direction.
fn worth_it(work: &ConvWork, product: &ConvWork, caps: &Caps) -> bool {
    let flops = |work: &ConvWork| {
        let terms = (work.out_channels() as u64).saturating_mul((work.group_in * work.taps()) as u64);
        terms.saturating_mul(2 * (work.batch * work.pixels()) as u64)
    };
    let floats = (product.in_channels() + product.out_channels()) as u64 * product.pixels() as u64;
    let moved = (2 * 4 * floats).saturating_mul(u64::from(caps.flops_per_byte));
    let dispatched = MORE_DISPATCHES.saturating_mul(caps.flops_per_dispatch);
    flops(product).saturating_add(moved).saturating_add(dispatched) < flops(work)
}

/// The steps of a convolution, with `pool` behind it, that this algorithm is permitted to compute and reckoned to compute
/// faster; else nothing.
pub(super) fn steps(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    caps: &Caps,
    to: Slot,
) -> Result<Option<Steps>> {
    // What is not finite is computed again, in one invocation for a whole tile.
    let again = Turns::default().repeated(work.group_in).repeated(9).repeated(OUTPUTS);
    // Their direct products are predicted to be faster than the algorithm's in 32 bits.
    let by_matrices = caps.cooperative.is_some() && work.dtype == DType::F16;
    let (dtype, (activation, _)) = (work.dtype, ActivationKind::of(work.activation));
    let to_outputs = KernelKey::WinogradOutput { dtype, activation, pool: pool.is_some() };
    if !work.by_tiles()
        || by_matrices
        || caps.software
        || !caps.can_bind(&to_outputs)
        || !again.fit(caps)
        || pool.is_some_and(|pool| !pools(pool))
    {
        return Ok(None);
    }
    let product = product(work);
    let [transformed, sums] = [product.input.n, product.output.n].map(|floats| 4 * floats as u64);
    if transformed.max(sums) > caps.max_binding || !worth_it(work, &product, caps) {
        return Ok(None);
    }
    let from = to.after();
    let products = from.after();
    let Some(planned) = conv_gemm::steps(op, &product, caps, products)? else { return Ok(None) };
    let Some(tile) = planned.steps.iter().find_map(|step| match step.kernel {
        KernelKey::ConvGemm(kernel) => Some(kernel.tile as usize),
        _ => None,
    }) else {
        return Ok(None);
    };
    let params = params(op, work, pool, tile)?;
    let bias = if work.bias { Slot::Input(2) } else { Slot::Input(1) };
    let step = |kernel, total: usize, slots, why| -> Result<Step> {
        let params = WinogradParams { total: u32_of(op, total)?, ..params };
        let grid = grid::invocations(op, total as u64, caps)?;
        Ok(Step { why, ..Step::new(kernel, &params, slots, grid) })
    };
    let quads = work.groups * work.group_out.div_ceil(tile) * tile / 4;
    let weights = step(
        KernelKey::WinogradWeights { dtype },
        quads * work.group_in,
        vec![Slot::Input(1), Slot::Packed(0)],
        "weights transformed for Winograd's F(4x4, 3x3), in the order of the product's tiles",
    )?;
    let [tiles, ..] = tiles(work);
    let input = step(
        KernelKey::WinogradInput { dtype },
        work.in_channels() * tiles,
        vec![Slot::Input(0), from],
        "Winograd's F(4x4, 3x3), since an error may depend on its tile: fewer products than its transforms cost",
    )?;
    let output = step(
        to_outputs,
        work.out_channels() * tiles,
        vec![products, Slot::Input(0), Slot::Input(1), bias, to],
        "sums of products back to outputs; by the definition where they are not finite",
    )?;
    let mut steps = vec![Step { once: true, ..weights }, input];
    // Its weights are packed already, and its input is what was transformed.
    steps.extend(planned.steps.into_iter().filter(|step| !step.once).map(|step| {
        let slots = step.slots.iter().map(|&slot| if slot == Slot::Input(0) { from } else { slot });
        Step { slots: slots.collect(), why: "the products of all points, each a group of channels", ..step }
    }));
    steps.push(output);
    let scratch = [transformed, sums].into_iter().chain(planned.scratch).collect();
    Ok(Some(Steps { steps, scratch, packed: planned.packed }))
}

fn params(op: &'static str, work: &ConvWork, pool: Option<&PoolWork>, tile: usize) -> Result<WinogradParams> {
    let four = |numbers: [usize; 4]| -> Result<[u32; 4]> {
        let [a, b, c, d] = numbers.map(|n| u32_of(op, n));
        Ok([a?, b?, c?, d?])
    };
    let strides = |s: &Strides| four([s.space[1], s.space[2], s.c, s.n]);
    let [_, rows, columns] = &work.axes;
    let (stored, out) = pool.map_or((&work.axes, &work.output), |pool| (&pool.axes, &pool.output));
    let [all, tile_rows, tile_columns] = tiles(work);
    let (_, alpha) = ActivationKind::of(work.activation);
    let [_, before_row, before_column] = work.axes.map(|a| super::narrow::i32_of(op, a.pad_before));
    Ok(WinogradParams {
        in_size: four([rows.input, columns.input, work.group_in, work.groups])?,
        out_size: four([rows.output, columns.output, work.group_out, work.batch])?,
        in_stride: strides(&work.input)?,
        out_stride: strides(out)?,
        tap_stride: four([work.kernel.space[1], work.kernel.space[2], work.kernel.i, work.kernel.o])?,
        stored: four([stored[1].output, stored[2].output, 0, 0])?,
        pad_before: [before_row?, before_column?, 0, 0],
        rows: u32_of(op, tile_rows)?,
        columns: u32_of(op, tile_columns)?,
        tiles: u32_of(op, all)?,
        total: 0,
        quads: u32_of(op, tile / 4)?,
        channel_tiles: u32_of(op, work.group_out.div_ceil(tile))?,
        has_bias: u32::from(work.bias),
        alpha,
    })
}
