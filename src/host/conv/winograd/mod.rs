//! Winograd's algorithm, where the error of an element may depend on its tile: `F(2 x 2, 3 x 3)` and `F(4 x 4, 3 x 3)`.
//!
//! A task takes a few panels of tiles: it transforms their inputs, which stay in the cache, and then for each block of
//! output channels multiplies them point by point, in registers, and transforms the products back.

mod panel;
mod transform;
mod weights;

use std::ops::Range;

use rayon::prelude::*;

use self::panel::{Cut, Run};
use self::transform::{Half, Outputs, Rows, SPAN};
pub(in crate::host) use self::weights::{Weights, choose};
use super::direct;
use super::micro::{self, Block, PANEL, Product, Row};
use crate::error::Result;
use crate::host::kept::with_kept;
use crate::host::output::Scattered;
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::winograd::Winograd;
use crate::problem::{ConvWork, Epilogue, PoolWork};
use crate::spec::{Activation, Layout, PoolKind};

/// Bytes of transformed inputs that stay in a core's own cache.
const CACHE: usize = 320 << 10;
/// The fewest blocks of channels of a task, if they are divided: fewer would transform inputs for too few products.
const BLOCKS: usize = 5;
/// Products that are worth a task.
const WORTH_A_TASK: usize = 1 << 18;

/// Why the algorithm was chosen.
pub(in crate::host) fn why(f: &Winograd) -> &'static str {
    match f.outputs {
        2 => {
            "host path: Winograd's F(2x2, 3x3), since an error may depend on its tile: 2.25 times fewer products"
        }
        _ => {
            "host path: Winograd's F(4x4, 3x3), since an error may depend on its tile: 4 times fewer products"
        }
    }
}

/// Whether the pooling is done in the tiles: windows of 2 by 2 that touch.
pub(in crate::host) fn pools(work: &ConvWork, pool: &PoolWork) -> bool {
    let [depth, rows, columns] = &pool.axes;
    let pairs = |a: &crate::geometry::Axis| {
        (a.kernel, a.stride, a.dilation, a.pad_before) == (2, 2, 1, 0) && a.reach(a.output) <= a.input
    };
    let plain = depth.input == 1 && depth.output == 1 && depth.kernel == 1;
    work.layout == Layout::Nchw && pool.kind == PoolKind::Max && plain && pairs(rows) && pairs(columns)
}

/// Computes the convolution, and the pooling behind it if [`pools`] says that it can.
pub(in crate::host) fn conv(
    work: &ConvWork,
    pool: Option<&PoolWork>,
    [x, w]: [&[f32]; 2],
    epilogue: Epilogue<f32>,
    weights: &Weights,
) -> Result<Vec<f32>> {
    let len = pool.map_or(work.batch * work.output.n, |pool| pool.batch * pool.output.n);
    let out = Scattered::new(len)?;
    let job =
        Job { work, pool, x, w, epilogue, weights, cut: Cut::new(work, weights.form.outputs), out: &out };
    let (tasks, shared) = job.tasks()?;
    let task = |task: &Task| with_kept(|scratch: &mut Scratch| job.task(scratch, task));
    if shared {
        tasks.par_iter().try_for_each(task)?;
    } else {
        tasks.iter().try_for_each(task)?;
    }
    // SAFETY: the tasks cover all channels of all tiles, and these the output.
    Ok(unsafe { out.finish() })
}

struct Job<'a> {
    work: &'a ConvWork,
    pool: Option<&'a PoolWork>,
    x: &'a [f32],
    w: &'a [f32],
    epilogue: Epilogue<'a, f32>,
    weights: &'a Weights,
    cut: Cut,
    out: &'a Scattered<f32>,
}

/// Panels of tiles, and the blocks of a group's output channels.
struct Task {
    panels: Range<usize>,
    group: usize,
    blocks: Range<usize>,
}

/// Buffers of a task.
#[derive(Default)]
struct Scratch {
    inputs: Vec<Row>,
    runs: Vec<Run>,
    products: Vec<Block>,
    offsets: Vec<usize>,
    buffers: Buffers,
}

/// What the transforms work on. It is kept because setting it to zero would take as long as a transform.
struct Buffers {
    lines: Rows,
    rows: Rows,
    half: Half,
    outputs: Outputs,
}

impl Default for Buffers {
    fn default() -> Self {
        let rows = [[0.0; SPAN]; 6];
        Buffers { lines: rows, rows, half: [[0.0; PANEL]; 24], outputs: [[0.0; PANEL]; 16] }
    }
}

/// A multiple of eight lanes that holds `count`.
fn lanes(count: usize) -> usize {
    count.next_multiple_of(8)
}

impl Job<'_> {
    fn tasks(&self) -> Result<(Vec<Task>, bool)> {
        let (work, blocks) = (self.work, self.weights.blocks);
        let points = self.weights.points();
        let panels = self.cut.panels();
        let threads = rayon::current_num_threads();
        let products = points * work.group_in * work.group_out * PANEL;
        let shared = products * panels * work.groups > 2 * WORTH_A_TASK;
        // As many panels as the cache holds, but several tasks for each thread.
        let held = CACHE / (points * work.group_in * PANEL * 4).max(1);
        let fair = if shared { (panels * work.groups).div_ceil(4 * threads) } else { panels };
        let each = held.min(fair).max(WORTH_A_TASK / products).clamp(1, panels.max(1));
        let count = panels.div_ceil(each) * work.groups;
        let parts = if shared && count > 0 { threads.div_ceil(count) } else { 1 };
        let part = blocks.div_ceil(parts).max(BLOCKS).min(blocks);
        let mut tasks = Vec::new();
        for group in 0..work.groups {
            for first in (0..panels).step_by(each) {
                for block in (0..blocks).step_by(part) {
                    let panels = first..panels.min(first + each);
                    let blocks = block..blocks.min(block + part);
                    memory::extend(&mut tasks, [Task { panels, group, blocks }])?;
                }
            }
        }
        Ok((tasks, shared))
    }

    fn task(&self, scratch: &mut Scratch, task: &Task) -> Result<()> {
        match self.cut.outputs {
            2 => self.panels::<2>(scratch, task),
            _ => self.panels::<4>(scratch, task),
        }
    }

    fn panels<const M: usize>(&self, scratch: &mut Scratch, task: &Task) -> Result<()> {
        let points = (M + 2) * (M + 2);
        let terms = self.work.group_in;
        // A line more than the terms, so that the points of a channel do not lie in the same set of the cache.
        let of_point = terms + 1;
        let Scratch { inputs, runs, products, offsets, buffers } = scratch;
        memory::resize(inputs, task.panels.len() * points * of_point, Row::default())?;
        products.resize(points, Block::default());
        offsets.clear();
        memory::extend(offsets, (0..terms).map(|t| t * PANEL))?;
        for (panel, inputs) in task.panels.clone().zip(inputs.chunks_exact_mut(points * of_point)) {
            self.cut.runs(panel, runs);
            let inputs: &mut [f32] = bytemuck::cast_slice_mut(inputs);
            for c in 0..terms {
                // Each run writes whole vectors, the last of them into the next channel's or the spare line; what is
                // too much is overwritten by the next run or channel.
                for run in runs.iter() {
                    let at = |point: usize| (point * of_point + c) * PANEL + run.at;
                    self.inputs::<M>(run, task.group * terms + c, buffers, |point, values| {
                        inputs[at(point)..][..PANEL].copy_from_slice(values);
                    });
                }
            }
        }
        for block in task.blocks.clone() {
            let channels = self.weights.channels(block);
            for (panel, inputs) in task.panels.clone().zip(inputs.chunks_exact(points * of_point)) {
                for (point, sums) in products.iter_mut().enumerate() {
                    let x: &[f32] = bytemuck::cast_slice(&inputs[point * of_point..][..of_point]);
                    let weights = self.weights.weights(task.group, block, point);
                    let product = Product {
                        channels: channels.len(),
                        pixels: PANEL,
                        offsets,
                        x,
                        weights,
                        add: false,
                        finish: None,
                        chain: CHAIN,
                    };
                    micro::block(&product, sums);
                }
                self.cut.runs(panel, runs);
                let first = task.group * self.work.group_out + channels.start;
                self.outputs::<M>(runs, first, channels.len(), products, buffers);
            }
        }
        Ok(())
    }

    /// Transforms a channel's inputs of a run.
    #[inline(always)]
    fn inputs<const M: usize>(
        &self,
        run: &Run,
        channel: usize,
        Buffers { lines, rows, .. }: &mut Buffers,
        store: impl FnMut(usize, &[f32; PANEL]),
    ) {
        wide!(|_| {
            let from = panel::rows::<M>(self.work, self.x, channel, run, lines);
            transform::inputs::<M>(from, lanes(run.count), rows, store);
        });
    }

    /// Transforms the products of a block of channels back, and stores what becomes of them.
    fn outputs<const M: usize>(
        &self,
        runs: &[Run],
        first: usize,
        channels: usize,
        products: &[Block],
        Buffers { half, outputs: y, .. }: &mut Buffers,
    ) {
        for c in 0..channels {
            let bias = self.epilogue.bias_of(first + c);
            let mut exact = false;
            wide!(|_| {
                transform::outputs::<M>(products, c, bias, half, y);
                exact = panel::any_not_finite(&y[..M * M]);
            });
            if exact {
                self.exact::<M>(runs, first + c, f64::from(bias), y);
            }
            // With a residual the activation follows where that is added.
            let has_residual = self.epilogue.residual.is_some();
            let relu = self.work.activation == Activation::Relu && !has_residual;
            if !relu && !has_residual {
                self.epilogue.activate(y[..M * M].as_flattened_mut(), first + c, [1, M * M * PANEL]);
            }
            wide!(|_| {
                if relu {
                    // By value, which the compiler takes in whole registers; NaN stays.
                    y.iter_mut().for_each(|y| *y = y.map(|y| if y < 0.0 { 0.0 } else { y }));
                }
                self.store::<M>(runs, first + c, y);
            });
        }
    }

    /// Computes what came out infinite or NaN by the definition: it may come from an input outside the window, or
    /// from a sum on the way that is larger than any number.
    ///
    /// Nothing is missed: in 32-bit floats no sum or product with what is infinite or NaN is a number again, and each
    /// output has a term of every input and weight of its window (see `both_are_convolutions`).
    #[cold]
    fn exact<const M: usize>(&self, runs: &[Run], channel: usize, bias: f64, y: &mut [[f32; PANEL]]) {
        let [_, rows, columns] = self.work.axes.map(|a| a.output);
        for run in runs {
            for tile in 0..run.count {
                for (place, y) in y[..M * M].iter_mut().enumerate() {
                    let (row, column) = (run.row * M + place / M, (run.column + tile) * M + place % M);
                    let y = &mut y[run.at + tile];
                    if !y.is_finite() && row < rows && column < columns {
                        let at = [0, row, column];
                        *y = (bias + direct::element(self.work, self.x, self.w, run.image, channel, at))
                            as f32;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn store<const M: usize>(&self, runs: &[Run], channel: usize, y: &mut [[f32; PANEL]; 16]) {
        let (side, strides, axes) = match self.pool {
            Some(pool) => {
                panel::pool(M / 2, y);
                (M / 2, &pool.output, pool.axes)
            }
            None => (M, &self.work.output, self.work.axes),
        };
        let [_, rows, columns] = axes.map(|a| a.output);
        let mut line = [0f32; 4 * PANEL];
        let lanes = lanes(runs.last().map_or(0, |run| run.at + run.count));
        for i in 0..side {
            panel::line(side, lanes, &y[i * side..(i + 1) * side], &mut line);
            for run in runs {
                let (row, column) = (run.row * side + i, run.column * side);
                // Tiles may reach over the output's end.
                if row < rows && column < columns {
                    let count = (run.count * side).min(columns - column);
                    let at = strides.at(run.image, channel, [0, row, column]);
                    let line = &mut line[run.at * side..][..count];
                    if self.epilogue.residual.is_some() {
                        self.epilogue.add_residual(line, at, self.epilogue.floor());
                        self.epilogue.activate(line, channel, [1, count]);
                    }
                    // SAFETY: every element of every channel belongs to one tile, and that to one task.
                    unsafe { self.out.write(at, line) };
                }
            }
        }
    }
}
