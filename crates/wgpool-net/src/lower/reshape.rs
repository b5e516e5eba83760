//! Layers that move elements.

use super::flatten::Reorder;
use super::{Lowering, check_image};
use crate::axes::space;
use crate::layer::{Edges, Interpolation, Resize as Resizing};
use wgpool::error::{Error, Result};
use wgpool::spec::{AsStrided, Layout, NearestRounding, Pad, Resize, ResizeMode};

/// The nearest element; of two as near the second.
const NEAREST: ResizeMode = ResizeMode::Nearest(NearestRounding::RoundPreferCeil);

impl Lowering<'_> {
    pub(super) fn flatten(&mut self, from: Layout) -> Result<()> {
        let shape = self.shape()?;
        if from == Layout::Nchw && self.x.reorder.is_none() {
            self.x.reorder = Reorder::of(&shape);
        }
        let (batch, rest) = shape.split_first().unwrap_or((&1, &[]));
        self.set_shape([*batch, rest.iter().product()])
    }

    /// Brings the elements into Keras' order if they are in another.
    pub(super) fn in_order(&mut self) -> Result<()> {
        let Some(Reorder { channels, space }) = self.x.reorder.take() else { return Ok(()) };
        let shape = self.shape()?;
        self.set_shape([shape.first().copied().unwrap_or(0), channels, space])?;
        self.transpose(&[0, 2, 1])?;
        self.set_shape(shape)
    }

    /// Axes in another order; nothing moves where only axes of length 1 do.
    fn transpose(&mut self, order: &[usize]) -> Result<()> {
        let shape = self.shape()?;
        let length = |axis: &usize| shape.get(*axis).copied().unwrap_or(1);
        let lengths: Vec<usize> = order.iter().map(length).collect();
        match order.iter().filter(|axis| length(axis) != 1).is_sorted() {
            true => self.set_shape(lengths),
            false => self.step(AsStrided::transpose(&shape, order)?, &[]),
        }
    }

    /// The shape takes on other lengths behind the batch.
    pub(super) fn reshape(&mut self, to: &[usize]) -> Result<()> {
        self.in_order()?;
        let shape = self.shape()?;
        let Some((&batch, lengths)) = shape.split_first() else { return Ok(()) };
        let elements = |lengths: &[usize]| lengths.iter().try_fold(1usize, |n, &l| n.checked_mul(l));
        if elements(to) != elements(lengths) {
            let rule = format!("it must have as many elements as {to:?}, without its batch");
            return Err(Error::shape("reshape", "the input", &shape, rule));
        }
        self.set_shape(std::iter::once(batch).chain(to.iter().copied()).collect::<Vec<_>>())
    }

    /// Axes in another order, numbered from 1 behind the batch.
    pub(super) fn permute(&mut self, order: &[usize]) -> Result<()> {
        self.in_order()?;
        let shape = self.shape()?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(1..shape.len()) {
            let rule = format!("{order:?} must name each axis behind the batch once, from 1 on");
            return Err(Error::shape("permute", "the input", &shape, rule));
        }
        self.transpose(&[&[0], order].concat())
    }

    /// `[N, features]` becomes `[N, times, features]`.
    pub(super) fn repeat(&mut self, times: usize) -> Result<()> {
        self.in_order()?;
        let shape = self.shape()?;
        let &[batch, features] = shape.as_slice() else {
            return Err(Error::rank("repeat", "the input", &shape, "it must be [N, features]"));
        };
        self.set_shape([batch, 1, features])?;
        self.up_sample(&[times], Layout::Nhwc)
    }

    /// Zeros around the spatial axes.
    pub(super) fn zero_pad(&mut self, edges: &Edges) -> Result<()> {
        self.spatial(edges.before.len())?;
        self.pad(edges, |n| n as isize)
    }

    /// Spatial axes without their ends.
    pub(super) fn crop(&mut self, edges: &Edges) -> Result<()> {
        let Edges { before, after, layout } = edges;
        let shape = self.spatial(before.len())?;
        let mut lengths = space(*layout, &shape).iter().zip(before).zip(after);
        if lengths.any(|((&length, b), a)| b.saturating_add(*a) >= length) {
            let rule =
                format!("nothing is left of it without {before:?} before and {after:?} after its axes");
            return Err(Error::shape("cropping", "the input", &shape, rule));
        }
        match before.iter().chain(after).all(|&n| n == 0) {
            true => Ok(()),
            false => self.pad(edges, |n| -(n as isize)),
        }
    }

    fn pad(&mut self, edges: &Edges, sign: fn(usize) -> isize) -> Result<()> {
        let whole = |lengths: &[usize]| {
            let mut whole: Vec<isize> = lengths.iter().map(|&n| sign(n)).collect();
            let channels = if edges.layout == Layout::Nchw { 0 } else { whole.len() };
            whole.insert(channels, 0);
            whole.insert(0, 0);
            whole
        };
        self.step(Pad::new(whole(&edges.before), whole(&edges.after)), &[])
    }

    /// Each element of the spatial axes so many times: a copy along axes that are read again and again.
    pub(super) fn up_sample(&mut self, factors: &[usize], layout: Layout) -> Result<()> {
        let shape = self.spatial(factors.len())?;
        let first = if layout == Layout::Nchw { 2 } else { 1 };
        let (mut from, mut to, mut joined) = (vec![], vec![], vec![]);
        for (axis, &length) in shape.iter().enumerate() {
            let factor = axis.checked_sub(first).and_then(|axis| factors.get(axis)).copied();
            from.push(length);
            to.push(length);
            from.extend(factor.map(|_| 1));
            to.extend(factor);
            joined.push(length.saturating_mul(factor.unwrap_or(1)));
        }
        check_image(&to)?;
        let mut copy = AsStrided::expand(&from, &to)?;
        // Of one image too, for other batch sizes.
        if let (Some(stride), Some(shape)) = (copy.strides.first_mut(), shape.get(1..)) {
            *stride = shape.iter().product::<usize>() as isize;
        }
        self.step(copy, &[])?;
        self.set_shape(joined)
    }

    /// Other spatial lengths.
    fn interpolated(&mut self, lengths: &[usize], layout: Layout, mode: ResizeMode) -> Result<()> {
        let mut shape = self.shape()?;
        let first = if layout == Layout::Nchw { 2 } else { 1 };
        for (axis, length) in shape.iter_mut().skip(first).zip(lengths) {
            *axis = *length;
        }
        self.step(Resize::new(shape).mode(mode), &[])
    }

    /// The shape, which must have `rank` spatial axes.
    fn spatial(&mut self, rank: usize) -> Result<Vec<usize>> {
        self.in_order()?;
        let shape = self.shape()?;
        if shape.len() != rank + 2 {
            let reason =
                format!("it takes a batch of {rank} spatial axes and channels, but is given {shape:?}");
            return Err(self.refuse(reason));
        }
        Ok(shape)
    }

    /// Images of another height and width.
    pub(super) fn resize(&mut self, resize: &Resizing) -> Result<()> {
        let Resizing { size, interpolation, crop_to_aspect_ratio, layout } = *resize;
        let shape = self.spatial(2)?;
        let &[height, width] = space(layout, &shape) else { return Ok(()) };
        if crop_to_aspect_ratio {
            self.crop(&middle([height, width], of_aspect([height, width], size), layout))?;
        }
        let shape = self.shape()?;
        let from = space(layout, &shape);
        if from == size {
            return Ok(());
        }
        let mode = match interpolation {
            Interpolation::Bilinear => ResizeMode::Linear,
            Interpolation::Nearest => NEAREST,
        };
        let is_other = |(&from, &to): (&usize, &usize)| {
            to.checked_rem(from) != Some(0) && from.checked_rem(to) != Some(0)
        };
        if let Some((from, to)) = from.iter().zip(&size).find(|&pair| mode == NEAREST && is_other(pair)) {
            return Err(self.refuse(format!(
                "it takes the nearest of {from} elements for {to}, but only whole multiples and parts of a length are supported"
            )));
        }
        self.interpolated(&size, layout, mode)
    }
}

/// The largest part of an image that has the aspect ratio of `size`.
fn of_aspect([height, width]: [usize; 2], size: [usize; 2]) -> [usize; 2] {
    let scaled = |length: usize, to: usize, of: usize| (length as f64 * to as f64 / of as f64) as usize;
    let [to_height, to_width] = size;
    [
        scaled(width, to_height, to_width).min(height).max(1),
        scaled(height, to_width, to_height).min(width).max(1),
    ]
}

/// The edges around the middle of an image.
pub(crate) fn middle(from: [usize; 2], to: [usize; 2], layout: Layout) -> Edges {
    let rest = [from[0].saturating_sub(to[0]), from[1].saturating_sub(to[1])];
    let before = rest.map(|n| n / 2);
    Edges { before: before.to_vec(), after: vec![rest[0] - before[0], rest[1] - before[1]], layout }
}
