//! Patches of outputs, which hardware computes with kernels whose windows are written out, and recent software adapters where
//! that saves many loads.

use super::conv::weight_slots;
use super::narrow::{i32_of, u32_of};
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::{Across, ActivationKind, KernelKey, Patch, PatchParams, Taps};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::{Layout, PoolKind};
use crate::tensor::DType;

/// Taps that are written out at most, of a window and along an axis.
const MOST_TAPS: usize = 49;
const MOST_SIDE: usize = 16;

/// Strides along the width that four columns are written out for.
const MOST_STRIDE: usize = 4;

/// Whether a software adapter computes windows in patches rather than through pages, with kernels that go through `taps`
/// so: windows that overlap, where those are loops.
pub(super) fn instead_of_pages(axes: &[Axis; 3], taps: Taps, caps: &Caps) -> bool {
    let overlap = |a: &Axis| a.output > 1 && a.stride < a.kernel;
    caps.llvmpipe_25 && taps == Taps::Any && axes.iter().any(overlap)
}

/// Images that windows of channels by themselves slide over.
struct Images<'a> {
    dtype: DType,
    axes: &'a [Axis; 3],
    batch: usize,
    /// Output channels, and how many of them an input channel has.
    channels: usize,
    multiplier: usize,
    input: &'a Strides,
    output: &'a Strides,
}

/// Maximum and average pooling of the tensor in `from` into that in `to`, if its windows can be written out.
pub(super) fn pool(
    op: &'static str,
    work: &PoolWork,
    caps: &Caps,
    from: Slot,
    to: Slot,
) -> Result<Option<Step>> {
    let kind = matches!(work.kind, PoolKind::Max | PoolKind::Average { .. });
    if !kind || work.indices.is_some() {
        return Ok(None);
    }
    let PoolWork { dtype, ref axes, batch, channels, ref input, ref output, .. } = *work;
    let images = Images { dtype, axes, batch, channels, multiplier: 1, input, output };
    let Some((patch, params)) = images.cut(op, caps)? else { return Ok(None) };
    let params = PatchParams { divisor: super::pool::divisor(work), ..params };
    let kernel = KernelKey::PoolPatch { reduce: work.kind.into(), patch };
    step(op, kernel, patch, &params, vec![from, to], caps).map(Some)
}

/// Depthwise convolution, if its windows can be written out.
pub(super) fn depthwise(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Option<Step>> {
    if work.group_in != 1 || work.groups < 2 {
        return Ok(None);
    }
    let images = Images {
        dtype: work.dtype,
        axes: &work.axes,
        batch: work.batch,
        channels: work.out_channels(),
        multiplier: work.group_out,
        input: &work.input,
        output: &work.output,
    };
    let Some((patch, params)) = images.cut(op, caps)? else { return Ok(None) };
    let (activation, alpha) = ActivationKind::of(work.activation);
    let [_, height, width] = work.kernel.space;
    let params = PatchParams {
        tap_stride: [u32_of(op, height)?, u32_of(op, width)?],
        tap_out: u32_of(op, work.kernel.o)?,
        has_bias: u32::from(work.bias),
        alpha,
        ..params
    };
    let [weights, bias] = weight_slots(work);
    let kernel = KernelKey::DepthwisePatch { activation, patch };
    step(op, kernel, patch, &params, vec![Slot::Input(0), weights, bias, to], caps).map(Some)
}

fn step(
    op: &'static str,
    kernel: KernelKey,
    patch: Patch,
    params: &PatchParams,
    slots: Vec<Slot>,
    caps: &Caps,
) -> Result<Step> {
    let why = match patch.across {
        Across::Columns { .. } => {
            "small windows, written out; rows are whole vectors, four columns an invocation"
        }
        Across::Column => "small windows, written out; an invocation computes rows of a column",
        Across::Channels => "small windows, written out; an invocation computes rows of four channels",
        Across::Channel => "small windows, written out; an invocation computes rows of a channel",
    };
    let grid = grid::invocations(op, u64::from(params.total), caps)?;
    Ok(Step { why, ..Step::new(kernel, params, slots, grid) })
}

/// Whether windows along the axis are its elements.
pub(super) fn is_not_there(axis: &Axis) -> bool {
    (axis.input, axis.output, axis.kernel, axis.pad_before) == (1, 1, 1, 0)
}

/// The largest patch height of which most is computed for outputs that are there.
pub(super) fn tall(across: Across, rows: usize) -> u32 {
    let fits = |&&tall: &&u32| rows.next_multiple_of(tall as usize) <= rows + rows / 4;
    Patch::heights(across).iter().find(fits).copied().unwrap_or(1)
}

impl Images<'_> {
    /// The patches, and what is the same of the parameters of both kernels.
    fn cut(&self, op: &'static str, caps: &Caps) -> Result<Option<(Patch, PatchParams)>> {
        let [depth, height, width] = self.axes;
        let slides = |a: &Axis| !a.adaptive && (a.dilation == 1 || a.kernel == 1) && a.kernel <= MOST_SIDE;
        let small = slides(height) && slides(width) && height.kernel * width.kernel <= MOST_TAPS;
        let float = matches!(self.dtype, DType::F32 | DType::F16);
        let taps = |a: &Axis| (a.output as u64).saturating_mul(a.kernel as u64);
        let products =
            self.axes.iter().map(taps).fold((self.batch * self.channels) as u64, u64::saturating_mul);
        let pays = !caps.software || (caps.llvmpipe_25 && products >= caps.tiled_from);
        if !pays || !float || !small || !is_not_there(depth) {
            return Ok(None);
        }
        let Some(across) = self.across(caps) else { return Ok(None) };
        let tall = tall(across, height.output);
        // What windows share, if the patch has two.
        let shares = height.stride < height.kernel && tall > 1;
        let patch = Patch {
            dtype: self.dtype,
            taps: [u32_of(op, height.kernel)?, u32_of(op, width.kernel)?],
            shared: if shares { u32_of(op, height.stride)? } else { 0 },
            tall,
            across,
        };
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
        let pair = |a, b| -> Result<[i32; 2]> { Ok([i32_of(op, a)?, i32_of(op, b)?]) };
        let number = |n: usize| u32_of(op, n / elements);
        let params = PatchParams {
            in_size: pair(height.input, width.input)?,
            out_size: pair(height.output, width.output)?,
            stride: pair(height.stride, width.stride)?,
            pad_before: pair(height.pad_before, width.pad_before)?,
            padded_end: pair(height.input + height.pad_after, width.input + width.pad_after)?,
            patches: [u32_of(op, patches[0])?, u32_of(op, patches[1])?],
            inner: u32_of(op, inner)?,
            in_row: number(self.input.space[1])?,
            in_plane: number(plane)?,
            out_row: number(self.output.space[1])?,
            out_plane: number(out_plane)?,
            total: u32_of(op, planes * patches[0] * patches[1] * inner)?,
            tap_stride: [0; 2],
            tap_out: 0,
            channels: u32_of(op, self.channels)?,
            multiplier: u32_of(op, if across.channels_last() { 1 } else { self.multiplier })?,
            has_bias: 0,
            alpha: 0.0,
            divisor: 0,
            nan: f32::NAN.to_bits(),
            pad_0: 0,
        };
        Ok(Some((patch, params)))
    }

    /// What an invocation computes of a row, if the tensors are dense.
    fn across(&self, caps: &Caps) -> Option<Across> {
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
        let vectors = caps.offset_alignment.is_multiple_of(4 * self.dtype.size() as u32);
        if dense(Layout::Nchw) {
            let whole = width.input.is_multiple_of(4) && width.output.is_multiple_of(4);
            if !vectors || !whole || width.stride > MOST_STRIDE {
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
