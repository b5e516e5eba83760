//! Layers that move elements: each becomes operations that there are, whose weights are ones.

use std::borrow::Cow;

use super::flatten::Reorder;
use super::{Joins, Lowering};
use crate::axes::{channels, space};
use crate::layer::{Edges, Interpolation, Layer, Resize};
use crate::program::whole_images;
use wgpool::error::{Error, Result};
use wgpool::spec::{Col2Im, Conv, ConvTranspose, KernelLayout, Layout, Op, Padding, Pool, RoiAlign, RoiMode};

impl<'a> Lowering<'a> {
    pub(super) fn flatten(&mut self, layer: &'a Layer, from: Layout) -> Result<()> {
        if from == Layout::Nchw && self.reorder.is_none() {
            self.reorder = Reorder::of(&self.shape);
            self.reorder_by = Some(layer);
        }
        let (batch, rest) = self.shape.split_first().unwrap_or((&1, &[]));
        self.shape = vec![*batch, rest.iter().product()];
        Ok(())
    }

    /// Brings the elements into Keras' order if they are in another.
    pub(super) fn in_order(&mut self) -> Result<()> {
        let (Some(Reorder { channels, space }), Some(layer)) = (self.reorder.take(), self.reorder_by) else {
            return Ok(());
        };
        let shape = self.shape.clone();
        self.transpose(layer, channels, space)?;
        self.shape = shape;
        Ok(())
    }

    /// The shape takes on other lengths behind the batch.
    pub(super) fn reshape(&mut self, shape: &[usize]) -> Result<()> {
        self.in_order()?;
        let Some((&batch, lengths)) = self.shape.split_first() else { return Ok(()) };
        let elements = |lengths: &[usize]| lengths.iter().try_fold(1usize, |n, &l| n.checked_mul(l));
        if elements(shape) != elements(lengths) {
            let rule = format!("it must have as many elements as {shape:?}, without its batch");
            return Err(Error::shape("reshape", "the input", &self.shape, rule));
        }
        self.shape = std::iter::once(batch).chain(shape.iter().copied()).collect();
        Ok(())
    }

    /// `[.., rows, columns]` becomes `[.., columns, rows]`: windows of as many taps as there are rows, which lie side by side.
    pub(super) fn transpose(&mut self, layer: &'a Layer, rows: usize, columns: usize) -> Result<()> {
        let elements: usize = self.shape.iter().product();
        let batch = elements / (rows * columns).max(1);
        self.shape = vec![batch, rows, columns];
        if rows > 1 && columns > 1 {
            let op = Col2Im::new([rows * columns], [rows]).stride([rows]);
            self.step(layer, Op::from(op), vec![])?;
        }
        self.shape = vec![batch, columns, rows];
        Ok(())
    }

    /// Axes in another order, numbered from 1 behind the batch, by turns of what is not yet in place.
    pub(super) fn permute(&mut self, layer: &'a Layer, order: &[usize]) -> Result<()> {
        self.in_order()?;
        let shape = self.shape.clone();
        let mut now: Vec<usize> = (1..shape.len()).collect();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != now {
            let rule = format!("{order:?} must name each axis behind the batch once, from 1 on");
            return Err(Error::shape("permute", "the input", &shape, rule));
        }
        let length = |axes: &[usize]| axes.iter().filter_map(|&axis| shape.get(axis)).product::<usize>();
        for (place, axis) in order.iter().enumerate() {
            let Some(turned) = now.get_mut(place..) else { break };
            let before = turned.iter().position(|a| a == axis).unwrap_or(0);
            if before > 0 {
                let (rows, columns) = turned.split_at(before);
                let (rows, columns) = (length(rows), length(columns));
                turned.rotate_left(before);
                self.transpose(layer, rows, columns)?;
            }
        }
        let lengths = order.iter().filter_map(|&axis| shape.get(axis).copied());
        self.shape = shape.first().copied().into_iter().chain(lengths).collect();
        Ok(())
    }

    /// `[N, features]` becomes `[N, times, features]`.
    pub(super) fn repeat(&mut self, layer: &'a Layer, times: usize) -> Result<()> {
        self.in_order()?;
        let &[batch, features] = self.shape.as_slice() else {
            return Err(Error::rank("repeat", "the input", &self.shape, "it must be [N, features]"));
        };
        self.shape = vec![batch, 1, features];
        self.up_sample(layer, &[times], Layout::Nhwc)
    }

    /// Zeros around the spatial axes: a depthwise convolution of one tap, or part of the convolution behind.
    pub(super) fn zero_pad(&mut self, layer: &'a Layer, edges: &Edges) -> Result<()> {
        let Edges { before, after, layout } = edges.clone();
        let (channels, taps) = self.one_tap(layer, layout, before.len())?;
        let padding = Padding::Explicit { before: before.clone(), after: after.clone() };
        let spec =
            Conv::new().groups(channels).layout(layout).kernel_layout(KernelLayout::Hwio).padding(padding);
        self.step_of_ones(layer, Op::from(spec), [taps, vec![1, channels]].concat())?;
        if let Some(draft) = self.drafts.last_mut() {
            draft.joins = Joins::Zeros { before, after, layout };
        }
        Ok(())
    }

    /// Spatial axes without their ends: the padding of a transposed convolution of one tap.
    pub(super) fn crop(&mut self, layer: &'a Layer, edges: &Edges) -> Result<()> {
        let Edges { before, after, layout } = edges.clone();
        let (channels, taps) = self.one_tap(layer, layout, before.len())?;
        let lengths = space(layout, &self.shape).iter().zip(&before).zip(&after);
        if lengths.clone().any(|((&length, b), a)| b.saturating_add(*a) >= length) {
            let rule =
                format!("nothing is left of it without {before:?} before and {after:?} after its axes");
            return Err(Error::shape("cropping", "the input", &self.shape, rule));
        }
        if before.iter().chain(&after).all(|&n| n == 0) {
            return Ok(());
        }
        self.spread(layer, taps, channels, layout, Padding::Explicit { before, after })
    }

    /// Each element of the spatial axes so many times.
    pub(super) fn up_sample(&mut self, layer: &'a Layer, factors: &[usize], layout: Layout) -> Result<()> {
        let (channels, _) = self.one_tap(layer, layout, factors.len())?;
        self.spread(layer, factors.to_vec(), channels, layout, Padding::Valid)
    }

    /// A depthwise transposed convolution of windows of ones, side by side.
    fn spread(
        &mut self,
        layer: &'a Layer,
        window: Vec<usize>,
        channels: usize,
        layout: Layout,
        padding: Padding,
    ) -> Result<()> {
        let spec = ConvTranspose {
            groups: channels,
            layout,
            kernel_layout: KernelLayout::Hwio,
            ..ConvTranspose::new().stride(window.clone()).padding(padding)
        };
        self.step_of_ones(layer, Op::from(spec), [window, vec![1, channels]].concat())
    }

    /// The channels, and a window of one tap over `rank` axes, as many as the input has.
    fn one_tap(&mut self, layer: &Layer, layout: Layout, rank: usize) -> Result<(usize, Vec<usize>)> {
        self.in_order()?;
        if self.shape.len() != rank + 2 {
            let reason = format!(
                "it takes a batch of {rank} spatial axes and channels, but is given {:?}",
                self.shape
            );
            return Err(self.refuse(layer, reason));
        }
        Ok((channels(layout, &self.shape), vec![1; rank]))
    }

    /// Images of another height and width.
    pub(super) fn resize(&mut self, layer: &'a Layer, resize: &Resize) -> Result<()> {
        let Resize { size, interpolation, crop_to_aspect_ratio, layout } = *resize;
        self.one_tap(layer, layout, 2)?;
        let &[height, width] = space(layout, &self.shape) else { return Ok(()) };
        if crop_to_aspect_ratio {
            self.crop(layer, &middle([height, width], of_aspect([height, width], size), layout))?;
        }
        let &[height, width] = space(layout, &self.shape) else { return Ok(()) };
        if [height, width] == size {
            return Ok(());
        }
        match interpolation {
            Interpolation::Nearest => self.nearest(layer, [height, width], size, layout),
            Interpolation::Bilinear => {
                let op = RoiAlign {
                    output: size,
                    sampling_ratio: 1,
                    spatial_scale: 1.0,
                    half_pixel: true,
                    mode: RoiMode::Average,
                    layout,
                };
                let batch = self.shape.first().copied().unwrap_or(0);
                let [regions, images] = whole_images(batch, [height, width])?;
                self.step(layer, Op::from(op), vec![Cow::Owned(regions.into()), Cow::Owned(images.into())])
            }
        }
    }

    /// Whole multiples, or whole parts of which the middle element is taken.
    fn nearest(&mut self, layer: &'a Layer, from: [usize; 2], to: [usize; 2], layout: Layout) -> Result<()> {
        let (mut up, mut down) = ([1; 2], [1; 2]);
        for (axis, (&from, &to)) in from.iter().zip(&to).enumerate() {
            match (to.checked_rem(from), from.checked_rem(to)) {
                (Some(0), _) => up[axis] = to / from,
                (_, Some(0)) => down[axis] = from / to,
                _ => {
                    let reason = format!(
                        "it takes the nearest of {from} elements for {to}, but only whole multiples and parts of a length are supported"
                    );
                    return Err(self.refuse(layer, reason));
                }
            }
        }
        if up != [1; 2] {
            self.up_sample(layer, &up, layout)?;
        }
        if down != [1; 2] {
            let before = down.map(|step| step / 2).to_vec();
            self.crop(layer, &Edges { before, after: vec![0; 2], layout })?;
            self.step(layer, Op::from(Pool::max([1, 1]).stride(down).layout(layout)), vec![])?;
        }
        Ok(())
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
