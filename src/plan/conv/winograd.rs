//! Convolution by Winograd's algorithm, on hardware: when it is chosen, and its steps.
//!
//! Weights and inputs are transformed, and for each point of a tile the product of the two is a product of matrices over
//! the input channels, which [`gemm`] plans. Its sums are
//! transformed back, with bias, activation and pooling.

use super::request::{Both, Request};
use super::slots::weight_slots;
use crate::dtype::DType;
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::{
    ActivationKind, FORM, KernelKey, WinogradInput, WinogradOutput, WinogradParams, WinogradWeights,
};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::gemm::{self, Choice, Gemm, Operands};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::planner::{Verdict, activation_of};
use crate::plan::{Family, Planner, Slot, Step, Steps};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::PoolKind;

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

/// The products of all points, each a group of its own, whose columns are the tiles.
fn product(work: &ConvWork) -> Gemm {
    let [tiles, ..] = tiles(work);
    Gemm::of_matrices(points() * work.groups, work.group_out, work.group_in, tiles)
}

/// Floats of transformed inputs, and of sums.
fn floats(product: &Gemm) -> [usize; 2] {
    [product.groups * product.depth * product.columns, product.elements()]
}

/// The rule: what the algorithm multiplies, moves and dispatches, in FLOPs by what a device does in the same time, must be
/// less than what the definition multiplies. Transformed inputs and sums go through memory once in each direction.
fn worth_it(work: &ConvWork, product: &Gemm, p: &Planner) -> bool {
    let floats = floats(product).iter().sum::<usize>() as u64;
    let moved = (2 * 4 * floats).saturating_mul(u64::from(p.caps.flops_per_byte));
    let dispatched = MORE_DISPATCHES.saturating_mul(p.caps.flops_per_dispatch);
    product.flops().saturating_add(moved).saturating_add(dispatched) < Gemm::of_windows(work, None).flops()
}

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/winograd",
    family: Family::Gpu,
    about: "3 by 3 windows whose error may depend on their tile, by Winograd's F(4x4, 3x3)",
    solve: |request, p| {
        request.little_outside()?;
        solve(p, &request.work, None, request.to)
    },
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/winograd",
    family: Family::Gpu,
    about: "Winograd's F(4x4, 3x3) with maxima of 2 by 2, which lie in its tiles",
    solve: |both, p| {
        both.little_outside()?;
        if !pools(both.pool()) {
            return Err("pooling is not the maximum of 2 by 2 windows that touch");
        }
        solve(p, both.conv(), Some(both.pool()), Slot::Output(0))
    },
};

fn output_kernel(work: &ConvWork, pool: bool) -> KernelKey {
    let (activation, _) = ActivationKind::of(work.activation);
    WinogradOutput { dtype: work.dtype, activation, pool, residual: work.residual }.into()
}

fn solve<'a>(
    p: &'a Planner,
    work: &'a ConvWork,
    pool: Option<&'a PoolWork>,
    to: Slot,
) -> Result<Solution<'a>, &'static str> {
    if !work.by_tiles() {
        return Err("windows are not 3 by 3 with an error that may depend on the tile");
    }
    if !p.caps.can_bind(&output_kernel(work, pool.is_some())) {
        return Err("the device binds too few storage buffers to a kernel");
    }
    // What is not finite is computed again, in one invocation for a whole tile.
    if !Iterations::default().repeated(work.group_in).repeated(9).repeated(OUTPUTS).fit(p) {
        return Err(ENDED);
    }
    let product = product(work);
    if floats(&product).iter().any(|&floats| 4 * floats as u64 > p.caps.max_binding) {
        return Err("transformed tensors are larger than a binding");
    }
    let choice = gemm::choose(&product, p)?;
    let cost = cost(work, &product, &choice, p);
    Ok(Solution::new(cost, move || steps(p, work, pool, to, &product, &choice)))
}

fn cost(work: &ConvWork, product: &Gemm, choice: &Choice, p: &Planner) -> Verdict {
    p.on_gpu()?;
    if p.caps.cooperative.is_some() && work.dtype == DType::F16 {
        return Err("cooperative matrices are predicted to be faster than the algorithm in 32 bits");
    }
    if !worth_it(work, product, p) {
        return Err("transforms cost more than the products they save");
    }
    choice.cost()
}

/// The steps of a convolution, with `pool` behind it.
fn steps(
    p: &Planner,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    to: Slot,
    product: &Gemm,
    choice: &Choice,
) -> Result<Steps> {
    let [transformed, sums] = floats(product).map(|floats| 4 * floats as u64);
    let from = to.after();
    let products = from.after();
    // The sums take no bias; what is bound in its place is not read.
    let at = Operands { weights: Slot::Packed(0), data: from, bias: Slot::Input(1), result: products };
    let planned = gemm::steps(p, product, choice, &at)?;
    let tile = choice.tiled.tile.side() as usize;
    let params = params(p, work, pool, tile)?;
    let (dtype, [_, bias]) = (work.dtype, weight_slots(work));
    let step = |kernel: KernelKey, total: usize, slots, why| -> Result<Step> {
        let params = WinogradParams { total: p.u32(total)?, ..params };
        let grid = p.invocations(total as u64)?;
        Ok(Step { why, ..Step::new(kernel, &params, slots, grid) })
    };
    let quads = work.groups * work.group_out.div_ceil(tile) * tile / 4;
    let weights = step(
        WinogradWeights { dtype }.into(),
        quads * work.group_in,
        vec![Slot::Input(1), Slot::Packed(0)],
        "weights transformed for Winograd's F(4x4, 3x3), in the order of the product's tiles",
    )?;
    let [tiles, ..] = tiles(work);
    let input = step(
        WinogradInput { dtype }.into(),
        work.in_channels() * tiles,
        vec![Slot::Input(0), from],
        "Winograd's F(4x4, 3x3), since an error may depend on its tile: fewer products than its transforms cost",
    )?;
    let output = step(
        output_kernel(work, pool.is_some()),
        work.out_channels() * tiles,
        vec![products, Slot::Input(0), Slot::Input(1), bias, to],
        "sums of products back to outputs; by the definition where they are not finite",
    )?;
    let mut steps = vec![Step { prepack: true, ..weights }, input];
    let why = "the products of all points, each a group of channels";
    steps.extend(planned.steps.into_iter().map(|step| Step { why, ..step }));
    steps.push(output);
    let scratch = [transformed, sums].into_iter().chain(planned.scratch).collect();
    Ok(Steps { scratch, packed: vec![gemm::packed_size(product, &choice.tiled)], ..Steps::from(steps) })
}

fn params(p: &Planner, work: &ConvWork, pool: Option<&PoolWork>, tile: usize) -> Result<WinogradParams> {
    let four = |numbers: [usize; 4]| -> Result<[u32; 4]> {
        let [a, b, c, d] = numbers.map(|n| p.u32(n));
        Ok([a?, b?, c?, d?])
    };
    let strides = |s: &Strides| four([s.space[1], s.space[2], s.c, s.n]);
    let [_, rows, columns] = &work.axes;
    let (stored, out) = pool.map_or((&work.axes, &work.output), |pool| (&pool.axes, &pool.output));
    let [all, tile_rows, tile_columns] = tiles(work);
    let (_, alpha_beta) = activation_of(work.activation, work.slope);
    let [_, before_row, before_column] = work.axes.map(|a| p.i32(a.pad_before));
    Ok(WinogradParams {
        in_size: four([rows.input, columns.input, work.group_in, work.groups])?,
        out_size: four([rows.output, columns.output, work.group_out, work.batch])?,
        in_stride: strides(&work.input)?,
        out_stride: strides(out)?,
        tap_stride: four([work.kernel.space[1], work.kernel.space[2], work.kernel.i, work.kernel.o])?,
        stored: four([stored[1].output, stored[2].output, 0, 0])?,
        pad_before: [before_row?, before_column?, 0, 0],
        rows: p.u32(tile_rows)?,
        columns: p.u32(tile_columns)?,
        tiles: p.u32(all)?,
        total: 0,
        quads: p.u32(tile / 4)?,
        channel_tiles: p.u32(work.group_out.div_ceil(tile))?,
        alpha_beta,
        has_bias: u32::from(work.bias),
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    })
}
