//! The input with its padding written out, so that loops over taps need no bounds.

use std::borrow::Cow;

use crate::error::Result;
use crate::geometry::{Axis, MAX_SPATIAL, Strides, positions};
use crate::host::output::{WORTH_SHARING, fill};
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// An input whose every tap is there.
pub(in crate::host) struct Padded<'a> {
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
///
/// Where windows have a stride, the copy holds every `stride`th row, and every `stride`th element of a row, together: windows that
/// are neighbours are then neighbours in memory.
pub(super) struct Planes<'a> {
    x: &'a [f32],
    axes: &'a [Axis; MAX_SPATIAL],
    copied: bool,
    /// Distances between windows, 1 on an axis that has one alone.
    strides: [usize; MAX_SPATIAL],
    /// Lengths of what has the same remainder by the strides.
    part: [usize; MAX_SPATIAL],
}

impl<'a> Planes<'a> {
    pub fn new(work: &'a ConvWork, x: &'a [f32]) -> Planes<'a> {
        let axes = &work.axes;
        let strides = std::array::from_fn(|i| if axes[i].output > 1 { axes[i].stride } else { 1 });
        let copied = work.reaches_padding() || strides != [1; MAX_SPATIAL];
        let space = if copied { padded(work) } else { axes.each_ref().map(|a| a.input) };
        let part = std::array::from_fn(|i| space[i].div_ceil(strides[i]));
        Planes { x, axes, copied, strides, part }
    }

    /// Distance from one window to the next on each axis.
    pub fn windows(&self) -> [usize; MAX_SPATIAL] {
        [self.part[1] * self.part[2], self.part[2], 1]
    }

    /// Where an element of a padded plane lies.
    fn place(&self, at: [usize; MAX_SPATIAL]) -> usize {
        let (mut number, mut place) = (0, 0);
        for ((at, stride), part) in at.into_iter().zip(self.strides).zip(self.part) {
            number = number * stride + at % stride;
            place = place * part + at / stride;
        }
        number * self.part.iter().product::<usize>() + place
    }

    /// Offsets of all taps of a window, in row-major order.
    pub fn taps(&self) -> Result<Vec<usize>> {
        let kernel = self.axes.each_ref().map(|a| a.kernel);
        let place =
            |tap: [usize; MAX_SPATIAL]| self.place(std::array::from_fn(|i| tap[i] * self.axes[i].dilation));
        memory::collected(positions(kernel).map(place))
    }

    /// Plane `number` of the batch, in `buffer` if it is copied.
    pub fn plane<'b>(&'b self, number: usize, buffer: &'b mut Vec<f32>) -> Result<&'b [f32]> {
        let [a0, a1, a2] = self.axes;
        let plane = a0.input * a1.input * a2.input;
        let x = &self.x[number * plane..];
        if !self.copied {
            return Ok(x);
        }
        let [s0, s1, s2] = self.strides;
        let [p0, p1, p2] = self.part;
        memory::resize(buffer, s0 * s1 * s2 * p0 * p1 * p2, 0.0)?;
        let inside = |position: usize, a: &Axis| position.checked_sub(a.pad_before).filter(|&p| p < a.input);
        // In the order of their places.
        let mut parts = buffer.chunks_exact_mut(p0 * p1 * p2);
        for (d, h, w) in (0..s0).flat_map(|d| (0..s1).flat_map(move |h| (0..s2).map(move |w| (d, h, w)))) {
            let Some(part) = parts.next() else { continue };
            let start = w as isize - a2.pad_before as isize;
            let mut rows = part.chunks_exact_mut(p2);
            for d in (d..).step_by(s0).take(p0) {
                for h in (h..).step_by(s1).take(p1) {
                    let Some(to) = rows.next() else { continue };
                    match inside(d, a0).zip(inside(h, a1)) {
                        // Apart, so that the compiler knows the stride.
                        Some((d, h)) if s2 == 1 => {
                            every(&x[(d * a1.input + h) * a2.input..][..a2.input], start, 1, to)
                        }
                        Some((d, h)) => every(&x[(d * a1.input + h) * a2.input..][..a2.input], start, s2, to),
                        None => to.fill(0.0),
                    }
                }
            }
        }
        Ok(buffer)
    }
}

/// Copies every `stride`th element of a row from `start` on, which may lie before it; zeros are around the row.
#[inline(always)]
pub(super) fn every(x: &[f32], start: isize, stride: usize, to: &mut [f32]) {
    // Mostly there is no stride, and division is slow.
    let steps = |length: usize| if stride == 1 { length } else { length.div_ceil(stride) };
    // The first element inside the row, and how many follow.
    let from = steps(usize::try_from(-start).unwrap_or(0)).min(to.len());
    let at = (start + (from * stride) as isize).max(0) as usize;
    let x = x.get(at..).unwrap_or_default();
    let count = steps(x.len()).min(to.len() - from);
    let (before, rest) = to.split_at_mut(from);
    let (inside, behind) = rest.split_at_mut(count);
    zero(before);
    zero(behind);
    match stride {
        1 => inside.copy_from_slice(&x[..count]),
        2 => {
            // In pairs, so that the compiler takes several at once.
            let (pairs, last) = x.as_chunks::<2>();
            inside.iter_mut().zip(pairs).for_each(|(to, [x, _])| *to = *x);
            if let (Some(to), [x]) = (inside.get_mut(pairs.len()), last) {
                *to = *x;
            }
        }
        _ => inside.iter_mut().zip(x.iter().step_by(stride)).for_each(|(to, x)| *to = *x),
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
