//! How tiles of a channels-first image are read: in place, or from a copy of the part that a tile needs.

use std::ops::Range;

use super::micro;
use super::padded::every;
use crate::error::Result;
use crate::geometry::{Axis, MAX_SPATIAL};
use crate::memory;
use crate::problem::ConvWork;

/// Where elements lie, seen from the windows. Neighbouring windows of a row are neighbours in memory: where they have a
/// stride, the copy holds every `stride`th element together.
pub(super) struct View {
    /// Whether tiles are read from a copy with the padding written out.
    pub copied: bool,
    /// The outermost axis that is there at all: tiles take a range of it.
    pub cut: usize,
    /// Windows in a position of the cut axis.
    pub unit: usize,
    /// Neighbouring windows in memory.
    pub row: usize,
    /// Pixels of a panel.
    pub panel: usize,
    /// Where the terms of a window lie, seen from its first, and the largest of these.
    pub offsets: Vec<usize>,
    pub reach: usize,
    /// Distance between images, channels, and windows on each axis.
    image: usize,
    channel: usize,
    windows: [usize; MAX_SPATIAL],
    /// Distance between rows and planes of the copy, elements in a row with each remainder by the stride, that stride (which a
    /// single window has not), and the copy's extents.
    rows: [usize; 2],
    part: usize,
    stride: usize,
    extents: [usize; MAX_SPATIAL],
}

/// The outermost axis that is there at all.
pub(super) fn cut(work: &ConvWork) -> usize {
    work.axes.iter().position(|a| a.input > 1 || a.output > 1).unwrap_or(0)
}

/// Windows in a position of the cut axis.
pub(super) fn unit(work: &ConvWork) -> usize {
    work.axes[cut(work) + 1..].iter().map(|a| a.output).product()
}

impl View {
    /// A view for tiles of at most `positions` positions of the cut axis. Pixels `apart` are read one by one, wherever they lie.
    pub fn new(work: &ConvWork, pads: bool, positions: usize, apart: bool) -> Result<View> {
        let [a0, a1, a2] = &work.axes;
        let cut = cut(work);
        let unit = unit(work);
        let stride = if a2.output > 1 && !apart { a2.stride } else { 1 };
        let copied = pads || stride > 1;
        let mut extents = work.axes.map(|a| a.reach(a.output));
        extents[cut] = work.axes[cut].reach(positions.clamp(1, work.axes[cut].output));
        let part = extents[2].div_ceil(stride);
        let (image, channel, rows) = if copied {
            let row = stride * part;
            let channel = extents[0] * extents[1] * row;
            (work.group_in * channel, channel, [extents[1] * row, row])
        } else {
            (work.input.n, work.input.c, [work.input.space[0], work.input.space[1]])
        };
        let windows = [a0.stride * rows[0], a1.stride * rows[1], a2.stride / stride];
        let along = |t: usize| {
            let at = t * a2.dilation;
            if copied { at % stride * part + at / stride } else { at }
        };
        let mut offsets = memory::room(work.group_in * work.taps())?;
        for c in 0..work.group_in {
            for td in 0..a0.kernel {
                for th in 0..a1.kernel {
                    let from = c * channel + td * a0.dilation * rows[0] + th * a1.dilation * rows[1];
                    offsets.extend((0..a2.kernel).map(|tw| from + along(tw)));
                }
            }
        }
        // Rows that follow one another without a gap are one.
        let mut row = a2.output;
        if a1.output == 1 || windows[1] == row {
            row *= a1.output;
            if a0.output == 1 || windows[0] == row {
                row *= a0.output;
            }
        }
        let panel = micro::panel();
        Ok(View {
            copied,
            cut,
            unit,
            row,
            panel,
            reach: offsets.iter().copied().max().unwrap_or(0),
            offsets,
            image,
            channel,
            windows,
            rows,
            part,
            stride,
            extents,
        })
    }

    /// Where pixel `p` of the `n`th image that is read has its first tap; copies begin at position `first` of the cut axis.
    pub fn base(&self, work: &ConvWork, n: usize, p: usize, first: usize) -> usize {
        let [_, height, width] = work.axes.map(|a| a.output);
        let mut at = [p / (height * width), p / width % height, p % width];
        if self.copied {
            at[self.cut] -= first;
        }
        n * self.image + (0..MAX_SPATIAL).map(|i| at[i] * self.windows[i]).sum::<usize>()
    }

    /// Distance between neighbouring windows of a row.
    pub fn step(&self) -> usize {
        self.windows[2]
    }

    /// Elements that a copy of `images` images takes, with room to read a panel from any of them.
    pub fn copy_len(&self, images: usize) -> usize {
        images * self.image + self.panel
    }

    /// Copies the elements that the windows at `positions` of the cut axis have in a group's channels.
    pub fn copy(
        &self,
        work: &ConvWork,
        x: &[f32],
        group: usize,
        images: Range<usize>,
        positions: Range<usize>,
        to: &mut [f32],
    ) {
        let [a0, a1, a2] = &work.axes;
        let mut starts = work.axes.map(|a| a.start(0));
        starts[self.cut] = work.axes[self.cut].start(positions.start);
        let mut extents = self.extents;
        extents[self.cut] = work.axes[self.cut].reach(positions.len());
        for (i, n) in images.enumerate() {
            for c in 0..work.group_in {
                let channel = n * work.input.n + (group * work.group_in + c) * work.input.c;
                for d in 0..extents[0] {
                    for h in 0..extents[1] {
                        let at = i * self.image + c * self.channel + d * self.rows[0] + h * self.rows[1];
                        let row = &mut to[at..][..self.stride * self.part];
                        let inside = |i: usize, p: usize, a: &Axis| {
                            starts[i]
                                .checked_add_unsigned(p)
                                .and_then(|p| usize::try_from(p).ok())
                                .filter(|&p| p < a.input)
                        };
                        match (inside(0, d, a0), inside(1, h, a1)) {
                            (Some(d), Some(h)) => {
                                let x = &x[channel + d * work.input.space[0] + h * work.input.space[1]..];
                                self.copy_row(&x[..a2.input], starts[2], row);
                            }
                            _ => row.fill(0.0),
                        }
                    }
                }
            }
        }
    }

    /// Copies a row that begins at `start` of the input, which may lie before it.
    fn copy_row(&self, x: &[f32], start: isize, to: &mut [f32]) {
        for (start, to) in (start..).zip(to.chunks_exact_mut(self.part)) {
            every(x, start, self.stride, to);
        }
    }
}
