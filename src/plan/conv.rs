//! Kernels for convolution and dense layers.

use super::narrow::{each, ivec4, u32_of, vec4};
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::params::{ConvParams, DenseParams};
use crate::kernel::{ActivationKind, KernelKey};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Output channels that an invocation of the direct kernel computes.
const BLOCK: usize = 4;

/// A dense layer goes along its inputs in parallel when they are at least this many and its outputs too few to
/// fill a device.
const LONG_INPUT: usize = 256;
const FEW_OUTPUTS: usize = 4096;

pub(super) fn steps(op: &'static str, work: &ConvWork, caps: &Caps) -> Result<Vec<Step>> {
    let (activation, alpha) = ActivationKind::of(work.activation);
    let dense = work.groups == 1 && work.layout == Layout::Nhwc && work.axes == [Axis::UNIT; 3];
    let few = work.batch * work.group_out <= FEW_OUTPUTS && work.group_in >= LONG_INPUT;
    let (kernel, params, grid) = if dense && few {
        let params = DenseParams {
            rows: u32_of(op, work.batch)?,
            features: u32_of(op, work.group_in)?,
            outputs: u32_of(op, work.group_out)?,
            tap_in: u32_of(op, work.kernel.i)?,
            tap_out: u32_of(op, work.kernel.o)?,
            has_bias: u32::from(work.bias),
            alpha,
            pad_0: 0,
        };
        let grid = grid::workgroups(op, (work.batch * work.group_out) as u64, caps)?;
        (KernelKey::Dense { activation }, bytemuck::bytes_of(&params).to_vec(), grid)
    } else {
        let (params, total) = direct(op, work, alpha)?;
        let channels_last = work.layout == Layout::Nhwc;
        let grid = grid::invocations(op, total as u64, caps)?;
        (KernelKey::Conv { activation, channels_last }, bytemuck::bytes_of(&params).to_vec(), grid)
    };
    // A binding must hold something: without a bias it is the kernel once more, and not read.
    let bias = if work.bias { Slot::Input(2) } else { Slot::Input(1) };
    let slots = vec![Slot::Input(0), Slot::Input(1), bias, Slot::Output(0)];
    Ok(vec![Step { kernel, params, slots, grid }])
}

fn direct(op: &'static str, work: &ConvWork, alpha: f32) -> Result<(ConvParams, usize)> {
    let axes = &work.axes;
    let blocks = work.group_out.div_ceil(BLOCK);
    let total = work.batch * work.groups * blocks * work.pixels();
    let params = ConvParams {
        in_size: vec4(op, each(axes, |a| a.input), work.group_in)?,
        out_size: vec4(op, each(axes, |a| a.output), work.group_out)?,
        window: vec4(op, each(axes, |a| a.kernel), 0)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        in_stride: vec4(op, work.input.space, work.input.c)?,
        out_stride: vec4(op, work.output.space, work.output.c)?,
        tap_stride: vec4(op, work.kernel.space, work.kernel.i)?,
        tap_out: u32_of(op, work.kernel.o)?,
        in_batch: u32_of(op, work.input.n)?,
        out_batch: u32_of(op, work.output.n)?,
        blocks: u32_of(op, blocks)?,
        groups: u32_of(op, work.groups)?,
        total: u32_of(op, total)?,
        has_bias: u32::from(work.bias),
        alpha,
    };
    Ok((params, total))
}
