//! How a pooling problem is cut into tasks.

use std::ops::Range;

use crate::geometry::{Axis, MAX_SPATIAL};
use crate::host::output::WORTH_SHARING;
use crate::problem::PoolWork;

/// A pooling problem as slabs `[axis 0, axis 1, axis 2, inner]` that are pooled independently: planes with one
/// inner element where channels come first, images with the channels inside where they come last.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub axes: [Axis; MAX_SPATIAL],
    pub inner: usize,
    pub slabs: usize,
    /// The axis along which slabs are divided into units: the outermost with more than one window.
    pub cut: usize,
    /// How often the last two axes were joined, and moved to the end.
    pub joined: usize,
    /// Whether what windows cover outside the input is little, so that it may be copied and gone through.
    pub little_outside: bool,
}

/// Windows of one slab: a range on each axis.
pub(super) type Windows = [Range<usize>; MAX_SPATIAL];

/// Whether the only window of an axis is the axis itself.
fn is_whole(a: &Axis) -> bool {
    a.kernel == a.input && a.dilation == 1 && a.pad_before == 0 && a.pad_after == 0 && a.output == 1
}

/// The axis with its windows sliding, if the windows of an adaptive axis do: one that divides its length evenly.
pub(super) fn regular(a: Axis) -> Axis {
    if !a.adaptive || !a.input.is_multiple_of(a.output) {
        return a;
    }
    Axis { stride: a.kernel, adaptive: false, ..a }
}

impl Frame {
    /// The axes of the problem.
    pub fn plain(work: &PoolWork) -> Frame {
        Frame::of(work, work.axes, 0)
    }

    /// The axes of the problem, of which those that a window covers whole are joined: they are contiguous.
    pub fn joined(work: &PoolWork) -> Frame {
        let (mut axes, mut joined) = (work.axes, 0);
        for _ in 1..MAX_SPATIAL {
            let [a, b, c] = axes;
            if is_whole(&b) && is_whole(&c) {
                let length = b.input * c.input;
                axes = [Axis::UNIT, a, Axis { input: length, kernel: length, ..c }];
                joined += 1;
            }
        }
        Frame::of(work, axes, joined)
    }

    fn of(work: &PoolWork, axes: [Axis; MAX_SPATIAL], joined: usize) -> Frame {
        let inner = work.input.space[MAX_SPATIAL - 1];
        let slabs = work.batch * work.channels / inner;
        let cut = axes.iter().position(|a| a.output > 1).unwrap_or(0);
        let little_outside = work.little_outside();
        Frame { axes, inner, slabs, cut, joined, little_outside }
    }

    /// Whether the only window of a slab is the slab.
    pub fn is_whole(&self) -> bool {
        self.axes.iter().all(is_whole)
    }

    pub fn slab_input(&self) -> usize {
        self.axes.iter().map(|a| a.input).product::<usize>() * self.inner
    }

    pub fn slab_output(&self) -> usize {
        self.axes.iter().map(|a| a.output).product::<usize>() * self.inner
    }

    /// Output elements of one unit: the windows of a slab at one place of the cut axis.
    pub fn unit(&self) -> usize {
        self.slab_output() / self.axes[self.cut].output
    }

    /// Units of one task: enough to be worth a task, small enough to stay in the cache.
    pub fn units_per_task(&self) -> usize {
        let a = self.axes[self.cut];
        let cost = (self.slab_input().max(self.slab_output()) / a.output).max(1);
        let all = self.slabs * a.output;
        if all * cost <= WORTH_SHARING {
            return all;
        }
        // Tasks that begin inside a slab compute the rows they share with their neighbours again: keep them long.
        let overlap = (4 * a.span() / a.stride).min(a.output);
        let fair = all.div_ceil(4 * rayon::current_num_threads());
        WORTH_SHARING.div_ceil(cost).max(overlap.min(fair)).max(1)
    }

    /// The windows of each slab that the units from `first` on have, with the output elements they take.
    pub fn pieces(
        &self,
        first: usize,
        out_len: usize,
    ) -> impl Iterator<Item = (usize, Windows, Range<usize>)> {
        let frame = *self;
        let (per_slab, unit) = (self.axes[self.cut].output, self.unit());
        let end = first + out_len / unit;
        let mut at = first;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let (slab, from) = (at / per_slab, at % per_slab);
                let to = per_slab.min(from + end - at);
                let mut windows = frame.axes.map(|a| 0..a.output);
                windows[frame.cut] = from..to;
                let out = (at - first) * unit..(at - first + to - from) * unit;
                at += to - from;
                (slab, windows, out)
            })
        })
    }
}
