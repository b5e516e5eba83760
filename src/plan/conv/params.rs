//! What the parameters of several kernels say of a convolution and of pooling behind it.

use crate::error::Result;
use crate::kernel::{ConvGeometry, PoolGeometry};
use crate::plan::planner::{activation_of, each};
use crate::plan::{Planner, pool};
use crate::problem::{ConvWork, PoolWork};

/// A convolution, and pooling behind it: the output is then the pooled tensor.
pub(in crate::plan) fn geometry(
    p: &Planner,
    work: &ConvWork,
    pool: Option<&PoolWork>,
) -> Result<(ConvGeometry, PoolGeometry)> {
    let axes = &work.axes;
    let output = pool.map_or(&work.output, |pool| &pool.output);
    let conv = ConvGeometry {
        in_size: p.vec4(each(axes, |a| a.input), work.group_in)?,
        out_size: p.vec4(each(axes, |a| a.output), work.group_out)?,
        window: p.vec4(each(axes, |a| a.kernel), work.group_in)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        in_stride: p.vec4(work.input.space, work.input.c)?,
        out_stride: p.vec4(output.space, output.c)?,
        in_batch: p.u32(work.input.n)?,
        out_batch: p.u32(output.n)?,
        alpha_beta: activation_of(work.activation, work.slope).1,
        has_bias: u32::from(work.bias),
        in_group: p.u32(work.group_in * work.input.c)?,
        convolution_pad_1: 0,
        convolution_pad_2: 0,
    };
    let pool = match pool {
        None => bytemuck::Zeroable::zeroed(),
        Some(pool) => pooling(p, pool)?,
    };
    Ok((conv, pool))
}

fn pooling(p: &Planner, work: &PoolWork) -> Result<PoolGeometry> {
    let axes = &work.axes;
    Ok(PoolGeometry {
        pooled: p.vec4(each(axes, |a| a.output), pool::divisor(work) as usize)?,
        pool_window: p.vec4(each(axes, |a| a.kernel), 0)?,
        pool_stride: p.vec4(each(axes, |a| a.stride), 0)?,
        pool_dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pool_before: p.ivec4(each(axes, |a| a.pad_before))?,
        pool_end: p.ivec4(each(axes, |a| a.input + a.pad_after))?,
    })
}
