//! What the parameters of several kernels say of a convolution and of pooling behind it.

use super::narrow::{each, ivec4, u32_of, vec4};
use crate::error::Result;
use crate::kernel::ActivationKind;
use crate::kernel::params::{ConvGeometry, PoolGeometry};
use crate::problem::{ConvWork, PoolWork};

/// A convolution, and pooling behind it: the output is then the pooled tensor.
pub(super) fn geometry(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
) -> Result<(ConvGeometry, PoolGeometry)> {
    let axes = &work.axes;
    let output = pool.map_or(&work.output, |pool| &pool.output);
    let conv = ConvGeometry {
        in_size: vec4(op, each(axes, |a| a.input), work.group_in)?,
        out_size: vec4(op, each(axes, |a| a.output), work.group_out)?,
        window: vec4(op, each(axes, |a| a.kernel), work.group_in)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        in_stride: vec4(op, work.input.space, work.input.c)?,
        out_stride: vec4(op, output.space, output.c)?,
        in_batch: u32_of(op, work.input.n)?,
        out_batch: u32_of(op, output.n)?,
        has_bias: u32::from(work.bias),
        alpha: ActivationKind::of(work.activation).1,
    };
    let pool = match pool {
        None => bytemuck::Zeroable::zeroed(),
        Some(pool) => pooling(op, pool)?,
    };
    Ok((conv, pool))
}

fn pooling(op: &'static str, pool: &PoolWork) -> Result<PoolGeometry> {
    let axes = &pool.axes;
    Ok(PoolGeometry {
        pooled: vec4(op, each(axes, |a| a.output), super::pool::divisor(pool) as usize)?,
        pool_window: vec4(op, each(axes, |a| a.kernel), 0)?,
        pool_stride: vec4(op, each(axes, |a| a.stride), 0)?,
        pool_dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pool_before: ivec4(op, each(axes, |a| a.pad_before))?,
        pool_end: ivec4(op, each(axes, |a| a.input + a.pad_after))?,
    })
}
