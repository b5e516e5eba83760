//! Kernels for max unpooling and fractional max pooling.

use super::request::index_step;
use crate::error::Result;
use crate::kernel::{Fractional, FractionalParams, Unpool, UnpoolParams};
use crate::plan::loop_limit::Iterations;
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::{FractionalWork, UnpoolWork};
use crate::spec::IndexNumbering;

/// What the kernels are told, and elements of the input and of the output.
pub(in crate::plan) fn params(p: &Planner, work: &UnpoolWork) -> Result<(UnpoolParams, usize, usize)> {
    let planes = work.batch * work.channels;
    let inputs = planes * work.in_space.iter().product::<usize>();
    let outputs = planes * work.out_space.iter().product::<usize>();
    let params = UnpoolParams {
        in_size: p.vec4(work.in_space, work.channels)?,
        out_size: p.vec4(work.out_space, work.batch)?,
        indexed: p.vec4(work.indexed, 0)?,
        in_stride: p.vec4(work.input.space, work.input.c)?,
        out_stride: p.vec4(work.output.space, work.output.c)?,
        in_batch: p.u32(work.input.n)?,
        out_batch: p.u32(work.output.n)?,
        inputs: p.u32(inputs)?,
        outputs: p.u32(outputs)?,
        whole: u32::from(work.numbering != IndexNumbering::PerPlane),
        by_columns: u32::from(work.numbering == IndexNumbering::WholeColumnMajor),
        ..bytemuck::Zeroable::zeroed()
    };
    Ok((params, inputs, outputs))
}

/// Three dispatches; scratch memory says which input owns each output.
pub(in crate::plan) fn unpool(p: &Planner, work: &UnpoolWork) -> Result<Steps> {
    let (params, inputs, outputs) = params(p, work)?;
    let counts = [outputs, inputs, outputs];
    let mut steps = Vec::with_capacity(3);
    for (stage, count) in counts.into_iter().enumerate() {
        let kernel = Unpool { stage: p.u32(stage)?, dtype: work.dtype };
        let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0), Slot::Scratch(0)];
        let grid = p.invocations((count as u64).max(1))?;
        steps.push(Step::new(kernel, &params, slots, grid));
    }
    Ok(Steps { steps, scratch: vec![4 * outputs as u64], ..Steps::default() })
}

pub(in crate::plan) fn fractional(p: &Planner, work: &FractionalWork) -> Result<Vec<Step>> {
    let pool = &work.pool;
    let loops = work
        .axes
        .iter()
        .rev()
        .fold(Iterations::default(), |iterations, axis| iterations.repeated(axis.kernel));
    loops.check(p)?;
    let outputs = work.axes.map(|a| a.output);
    let total = pool.batch * pool.channels * outputs.iter().product::<usize>();
    let [d, h, w] = work.axes.map(|a| a.alpha);
    let params = FractionalParams {
        in_size: p.vec4(work.axes.map(|a| a.input), pool.channels)?,
        out_size: p.vec4(outputs, pool.batch)?,
        window: p.vec4(work.axes.map(|a| a.kernel), work.samples)?,
        sample: p.vec4(work.axes.map(|a| a.sample), 0)?,
        alpha: [d, h, w, 0.0],
        in_stride: p.vec4(pool.input.space, pool.input.c)?,
        index_step: index_step(p, pool)?,
        in_batch: p.u32(pool.input.n)?,
        total: p.u32(total)?,
        identity: f32::NEG_INFINITY,
        pad_0: 0,
    };
    let mut slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    if pool.indices.is_some() {
        slots.push(Slot::Output(1));
    }
    let kernel =
        Fractional { indices: pool.indices.is_some(), channels_last: pool.input.c == 1 && pool.channels > 1 };
    Ok(vec![Step::new(kernel, &params, slots, p.invocations(total as u64)?)])
}
