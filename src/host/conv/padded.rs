//! The input with its padding written out, so that loops over taps need no bounds.

use std::borrow::Cow;

use crate::error::Result;
use crate::geometry::{Axis, MAX_SPATIAL, Strides};
use crate::host::output::{WORTH_SHARING, fill};
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// An input whose every tap is there.
pub(super) struct Padded<'a> {
    pub data: Cow<'a, [f32]>,
    pub strides: Strides,
    /// Distance from one window to the next on each axis.
    pub windows: [usize; MAX_SPATIAL],
    /// Distance from one tap to the next on each axis.
    pub taps: [usize; MAX_SPATIAL],
}

impl<'a> Padded<'a> {
    pub fn new(work: &ConvWork, x: &'a [f32]) -> Result<Padded<'a>> {
        let (data, strides) = if work.reaches_padding() {
            let space = padded(work);
            let strides = Strides::of(work.layout, work.in_channels(), space);
            (Cow::Owned(copy(work, x, space)?), strides)
        } else {
            (Cow::Borrowed(x), work.input)
        };
        let windows = std::array::from_fn(|i| strides.space[i] * work.axes[i].stride);
        let taps = std::array::from_fn(|i| strides.space[i] * work.axes[i].dilation);
        Ok(Padded { data, strides, windows, taps })
    }

    /// Where the first tap of the window at `[d, h, w]` of image `n` lies in channel 0.
    #[inline(always)]
    pub fn base(&self, n: usize, [d, h, w]: [usize; MAX_SPATIAL]) -> usize {
        n * self.strides.n + d * self.windows[0] + h * self.windows[1] + w * self.windows[2]
    }
}

/// The planes of a channels-first input, each with its padding when it is asked for.
pub(super) struct Planes<'a> {
    x: &'a [f32],
    rows: Rows<'a>,
    needed: bool,
    /// Distance from one window to the next on each axis.
    pub windows: [usize; MAX_SPATIAL],
    /// Distance from one tap to the next on each axis.
    pub taps: [usize; MAX_SPATIAL],
}

impl<'a> Planes<'a> {
    pub fn new(work: &'a ConvWork, x: &'a [f32]) -> Planes<'a> {
        let needed = work.reaches_padding();
        let space = if needed { padded(work) } else { work.axes.map(|a| a.input) };
        let strides = [space[1] * space[2], space[2], 1];
        let windows = std::array::from_fn(|i| strides[i] * work.axes[i].stride);
        let taps = std::array::from_fn(|i| strides[i] * work.axes[i].dilation);
        Planes { x, rows: Rows { axes: &work.axes, space, inner: 1 }, needed, windows, taps }
    }

    /// Plane `number` of the batch, in `buffer` if it needs padding.
    pub fn plane<'b>(&'b self, number: usize, buffer: &'b mut Vec<f32>) -> Result<&'b [f32]> {
        let [depth, height, width] = self.rows.space;
        if !self.needed {
            return Ok(&self.x[number * depth * height * width..]);
        }
        memory::resize(buffer, depth * height * width, 0.0)?;
        for d in 0..depth {
            for (h, out) in buffer[d * height * width..][..height * width].chunks_exact_mut(width).enumerate()
            {
                self.rows.fill(self.x, number, [d, h], out);
            }
        }
        Ok(buffer)
    }
}

/// Lengths with the padding that windows reach.
fn padded(work: &ConvWork) -> [usize; MAX_SPATIAL] {
    work.axes.map(|a| a.reach(a.output))
}

/// Rows of an input with padding.
struct Rows<'a> {
    axes: &'a [Axis; MAX_SPATIAL],
    space: [usize; MAX_SPATIAL],
    /// Elements of a pixel.
    inner: usize,
}

impl Rows<'_> {
    /// Writes row `[d, h]` of a plane, or image.
    fn fill(&self, x: &[f32], slab: usize, [d, h]: [usize; 2], out: &mut [f32]) {
        let [a0, a1, a2] = self.axes;
        let inside = |position: usize, a: &Axis| position.checked_sub(a.pad_before).filter(|&p| p < a.input);
        let (Some(d), Some(h)) = (inside(d, a0), inside(h, a1)) else { return out.fill(0.0) };
        // What is left of a row once the padding before it is gone, as far as the windows reach.
        let kept = a2.input.min(self.space[2].saturating_sub(a2.pad_before)) * self.inner;
        let from = ((slab * a0.input + d) * a1.input + h) * a2.input * self.inner;
        let (before, rest) = out.split_at_mut((a2.pad_before * self.inner).min(out.len()));
        let (inside, behind) = rest.split_at_mut(kept);
        zero(before);
        inside.copy_from_slice(&x[from..from + kept]);
        zero(behind);
    }
}

/// Writes zeros, mostly one or two.
#[inline(always)]
fn zero(out: &mut [f32]) {
    match out {
        [] => {}
        [one] => *one = 0.0,
        more => more.fill(0.0),
    }
}

fn copy(work: &ConvWork, x: &[f32], space: [usize; MAX_SPATIAL]) -> Result<Vec<f32>> {
    let channels = work.in_channels();
    // Planes with one element to a pixel, or images with all channels to a pixel.
    let (slabs, inner) = match work.layout {
        Layout::Nchw => (work.batch * channels, 1),
        Layout::Nhwc => (work.batch, channels),
    };
    let [depth, height, width] = space;
    let row = width * inner;
    let batch = (WORTH_SHARING / 2).div_ceil(row);
    let rows = Rows { axes: &work.axes, space, inner };
    fill(slabs * depth * height * row, row, batch, |i, out: &mut [f32]| {
        rows.fill(x, i / (depth * height), [i / height % depth, i % height], out);
    })
}
