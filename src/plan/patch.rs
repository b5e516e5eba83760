//! Output tiles (patches), which GPUs and software adapters compute with kernels whose windows are unrolled.

use super::{Planner, Slot, Step};
use crate::dtype::DType;
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::{Across, KernelKey, Patch, PatchParams};
use crate::spec::Layout;

/// Taps that are unrolled at most, of a window and along an axis.
const MOST_TAPS: usize = 49;
const MOST_SIDE: usize = 16;

/// Strides along the width that four columns are unrolled for.
const MOST_STRIDE: usize = 4;

/// Images that windows of channels by themselves slide over.
pub(super) struct Images<'a> {
    pub dtype: DType,
    pub axes: &'a [Axis; 3],
    pub batch: usize,
    /// Output channels, and how many of them an input channel has.
    pub channels: usize,
    pub multiplier: usize,
    pub input: &'a Strides,
    pub output: &'a Strides,
}

pub(super) fn step(
    p: &Planner,
    kernel: impl Into<KernelKey>,
    patch: Patch,
    params: &PatchParams,
    slots: Vec<Slot>,
) -> Result<Step> {
    let why = match patch.across {
        Across::Columns { .. } => {
            "small windows, written out; rows are whole vectors, four columns an invocation"
        }
        Across::Column => "small windows, written out; an invocation computes rows of a column",
        Across::Channels => "small windows, written out; an invocation computes rows of four channels",
        Across::Channel => "small windows, written out; an invocation computes rows of a channel",
    };
    let grid = p.invocations(u64::from(params.total))?;
    Ok(Step { why, ..Step::new(kernel, params, slots, grid) })
}

/// Whether windows along the axis are its elements.
pub(super) fn is_not_there(axis: &Axis) -> bool {
    (axis.input, axis.output, axis.kernel, axis.pad_before) == (1, 1, 1, 0)
}

/// The largest patch height of which most is computed for outputs that are there.
pub(super) fn tall(heights: &[u32], rows: usize) -> u32 {
    let fits = |&&tall: &&u32| rows.next_multiple_of(tall as usize) <= rows + rows / 4;
    heights.iter().find(fits).copied().unwrap_or(1)
}

impl Images<'_> {
    /// What an invocation computes, or why windows cannot be written out.
    pub fn patch(&self, p: &Planner) -> Result<Patch, &'static str> {
        let [depth, height, width] = self.axes;
        let slides = |a: &Axis| !a.adaptive && a.kernel <= MOST_SIDE;
        let small = slides(height) && slides(width) && height.kernel * width.kernel <= MOST_TAPS;
        if !self.dtype.is_float() {
            return Err("elements are no floats");
        }
        if !small || !is_not_there(depth) {
            return Err("windows are large, adaptive or deep, and not written out");
        }
        let across = self.across(p).ok_or("the tensors are not dense")?;
        let dense = height.dilation == 1 || height.kernel == 1;
        let shares = dense && height.stride < height.kernel;
        // Software adapters wait for loads alone, of which taller patches have fewer where windows share them.
        let heights = if shares && p.caps.software { &[4, 2, 1] } else { Patch::heights(across) };
        let tall = tall(heights, height.output);
        let shares = shares && tall > 1;
        let taps = [height.kernel as u32, width.kernel as u32];
        let shared = if shares { height.stride as u32 } else { 0 };
        Ok(Patch { dtype: self.dtype, taps, shared, tall, across })
    }

    /// What is the same of the parameters of both kernels.
    pub fn params(&self, p: &Planner, patch: &Patch) -> Result<PatchParams> {
        let [_, height, width] = self.axes;
        let Patch { across, tall, .. } = *patch;
        let elements = if across.fours() { 4 } else { 1 };
        let (planes, inner) = match across.channels_last() {
            true => (self.batch, self.channels / elements),
            false => (self.batch * self.channels, 1),
        };
        let patches = [height.output.div_ceil(tall as usize), width.output / across.wide() as usize];
        let [plane, out_plane] = match across.channels_last() {
            true => [self.input.n, self.output.n],
            false => [height.input * width.input, height.output * width.output],
        };
        let pair = |a, b| -> Result<[i32; 2]> { Ok([p.i32(a)?, p.i32(b)?]) };
        let number = |n: usize| p.u32(n / elements);
        Ok(PatchParams {
            in_size: pair(height.input, width.input)?,
            out_size: pair(height.output, width.output)?,
            stride: pair(height.stride, width.stride)?,
            pad_before: pair(height.pad_before, width.pad_before)?,
            dilation: pair(height.dilation, width.dilation)?,
            padded_end: pair(height.input + height.pad_after, width.input + width.pad_after)?,
            patches: [p.u32(patches[0])?, p.u32(patches[1])?],
            inner: p.u32(inner)?,
            in_row: number(self.input.space[1])?,
            in_plane: number(plane)?,
            out_row: number(self.output.space[1])?,
            out_plane: number(out_plane)?,
            total: p.u32(planes * patches[0] * patches[1] * inner)?,
            channels: p.u32(self.channels)?,
            multiplier: p.u32(if across.channels_last() { 1 } else { self.multiplier })?,
            nan: f32::NAN.to_bits(),
            ..bytemuck::Zeroable::zeroed()
        })
    }

    /// What an invocation computes of a row, if the tensors are dense.
    fn across(&self, p: &Planner) -> Option<Across> {
        let width = &self.axes[2];
        let dense = |layout| {
            let of = |strides: &Strides, channels, space| {
                let dense = Strides::of(layout, channels, space);
                (strides.n, strides.space) == (dense.n, dense.space)
                    && (channels == 1 || strides.c == dense.c)
            };
            of(self.input, self.channels / self.multiplier, self.axes.map(|a| a.input))
                && of(self.output, self.channels, self.axes.map(|a| a.output))
        };
        // A vector must begin where a binding may begin.
        let vectors = p.caps.offset_alignment.is_multiple_of(4 * self.dtype.size() as u32);
        if dense(Layout::Nchw) {
            let whole = width.input.is_multiple_of(4) && width.output.is_multiple_of(4);
            let dense = width.dilation == 1 || width.kernel == 1;
            if !vectors || !whole || !dense || width.stride > MOST_STRIDE {
                return Some(Across::Column);
            }
            let phase = (4 - width.pad_before % 4) as u32 % 4;
            return Some(Across::Columns { stride: width.stride as u32, phase });
        }
        if !dense(Layout::Nhwc) || self.multiplier > 1 {
            return None;
        }
        Some(if vectors && self.channels.is_multiple_of(4) { Across::Channels } else { Across::Channel })
    }
}
