//! Transformed weights, and whether they are worth it.

use std::ops::Range;

use super::PANEL;
use super::panel::Cut;
use super::transform;
use crate::error::Result;
use crate::host::conv::micro::CHANNELS;
use crate::host::output::fill;
use crate::problem::ConvWork;
use crate::problem::winograd::{WINOGRAD, Winograd};
use crate::spec::Layout;

/// For each block of output channels and point the weights as `[input channel][output channel]`.
#[derive(Clone)]
pub(in crate::host) struct Weights {
    pub form: &'static Winograd,
    data: Vec<f32>,
    terms: usize,
    group_out: usize,
    /// Output channels of a block; the last of a group may have fewer.
    block: usize,
    /// Blocks of a group.
    pub blocks: usize,
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weights").field("outputs", &self.form.outputs).finish_non_exhaustive()
    }
}

impl Weights {
    pub fn new(work: &ConvWork, form: &'static Winograd, w: &[f32]) -> Result<Weights> {
        let (ks, terms) = (work.kernel, work.group_in);
        let blocks = work.group_out.div_ceil(CHANNELS);
        let block = work.group_out.div_ceil(blocks);
        let blocks = work.group_out.div_ceil(block);
        let points = form.points * form.points;
        let len = points * terms * block;
        let data = fill(work.groups * blocks * len, len, 1, |i, out: &mut [f32]| {
            let (group, from) = (i / blocks, i % blocks * block);
            let count = block.min(work.group_out - from);
            for o in 0..count {
                let first = (group * work.group_out + from + o) * ks.o;
                for c in 0..terms {
                    let tap = |i: usize, j: usize| w[first + c * ks.i + i * ks.space[1] + j * ks.space[2]];
                    let g = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(tap(i, j))));
                    let store = |point: usize, value| out[(point * terms + c) * count + o] = value;
                    transform::weights(form, g, store);
                }
            }
        })?;
        Ok(Weights { form, data, terms, group_out: work.group_out, block, blocks })
    }

    /// Products of a tile.
    pub fn points(&self) -> usize {
        self.form.points * self.form.points
    }

    /// The output channels of a block, counted in its group.
    pub fn channels(&self, block: usize) -> Range<usize> {
        block * self.block..self.group_out.min((block + 1) * self.block)
    }

    /// The weights of a block for a point.
    #[inline(always)]
    pub fn weights(&self, group: usize, block: usize, point: usize) -> &[f32] {
        let from = (group * self.blocks + block) * self.points() * self.block * self.terms;
        let of_point = self.terms * self.channels(block).len();
        &self.data[from + point * of_point..][..of_point]
    }
}

/// What the transforms cost, in multiply-adds of the same time; measured.
struct Cost {
    /// An input channel of each run of neighbouring tiles, and of each panel.
    run: usize,
    panel: usize,
    /// An output channel of a panel.
    output: usize,
    /// The weights of a pair of channels.
    weights: usize,
}

const COSTS: [Cost; 2] = [
    Cost { run: 3_000, panel: 1_500, output: 3_500, weights: 3_000 },
    Cost { run: 5_000, panel: 3_500, output: 8_500, weights: 7_000 },
];

/// The algorithm that is reckoned to be fastest, if one is faster by a tenth than summing the products of each window;
/// `kept` says whether the weights are transformed once for many runs.
pub(in crate::host) fn choose(work: &ConvWork, kept: bool) -> Option<&'static Winograd> {
    if !work.by_tiles() || work.layout != Layout::Nchw || !work.little_outside() {
        return None;
    }
    let pairs = work.group_in.saturating_mul(work.group_out);
    let direct = (work.batch * work.pixels()).saturating_mul(work.taps()).saturating_mul(pairs);
    let cost = |(f, cost): (&'static Winograd, Cost)| {
        let cut = Cut::new(work, f.outputs);
        // A row of tiles begins a run, and so does a panel inside one.
        let (panels, runs) = (cut.panels(), cut.panels() + work.batch * cut.rows);
        let inputs = work.group_in.saturating_mul(runs * cost.run + panels * cost.panel);
        let outputs = work.group_out.saturating_mul(panels * cost.output);
        let products = (panels * f.points * f.points * PANEL).saturating_mul(pairs);
        let weights = if kept { 0 } else { pairs.saturating_mul(cost.weights) };
        (f, [inputs, outputs, products, weights].into_iter().fold(0, usize::saturating_add))
    };
    let costs = WINOGRAD.into_iter().zip(COSTS).map(cost);
    costs.min_by_key(|&(_, cost)| cost).filter(|&(_, cost)| cost < direct - direct / 10).map(|(f, _)| f)
}
