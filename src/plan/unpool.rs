//! Kernels for max unpooling and fractional max pooling.

use super::narrow::{u32_of, vec4};
use super::pool::index_step;
use super::turns::Turns;
use super::{Caps, Slot, Step, Steps, grid};
use crate::error::Result;
use crate::kernel::KernelKey;
use crate::kernel::params::{FractionalParams, UnpoolParams};
use crate::problem::{FractionalWork, UnpoolWork};
use crate::spec::IndexNumbering;

/// Three dispatches; scratch memory says which input owns each output.
pub(super) fn unpool(op: &'static str, work: &UnpoolWork, caps: &Caps) -> Result<Steps> {
    let planes = work.batch * work.channels;
    let inputs = planes * work.in_space.iter().product::<usize>();
    let outputs = planes * work.out_space.iter().product::<usize>();
    let params = UnpoolParams {
        in_size: vec4(op, work.in_space, work.channels)?,
        out_size: vec4(op, work.out_space, work.batch)?,
        indexed: vec4(op, work.indexed, 0)?,
        in_stride: vec4(op, work.input.space, work.input.c)?,
        out_stride: vec4(op, work.output.space, work.output.c)?,
        in_batch: u32_of(op, work.input.n)?,
        out_batch: u32_of(op, work.output.n)?,
        inputs: u32_of(op, inputs)?,
        outputs: u32_of(op, outputs)?,
        whole: u32::from(work.numbering != IndexNumbering::PerPlane),
        by_columns: u32::from(work.numbering == IndexNumbering::WholeColumnMajor),
        pad_0: 0,
        pad_1: 0,
    };
    let counts = [outputs, inputs, outputs];
    let mut steps = Vec::with_capacity(3);
    for (stage, count) in counts.into_iter().enumerate() {
        let kernel = KernelKey::Unpool { stage: u32_of(op, stage)?, dtype: work.dtype };
        let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0), Slot::Scratch(0)];
        let grid = grid::invocations(op, (count as u64).max(1), caps)?;
        steps.push(Step::new(kernel, &params, slots, grid));
    }
    Ok(Steps { steps, scratch: vec![4 * outputs as u64], ..Steps::default() })
}

pub(super) fn fractional(op: &'static str, work: &FractionalWork, caps: &Caps) -> Result<Vec<Step>> {
    let pool = &work.pool;
    let loops = work.axes.iter().rev().fold(Turns::default(), |turns, axis| turns.repeated(axis.kernel));
    loops.check(op, caps)?;
    let outputs = work.axes.map(|a| a.output);
    let total = pool.batch * pool.channels * outputs.iter().product::<usize>();
    let [d, h, w] = work.axes.map(|a| a.alpha);
    let params = FractionalParams {
        in_size: vec4(op, work.axes.map(|a| a.input), pool.channels)?,
        out_size: vec4(op, outputs, pool.batch)?,
        window: vec4(op, work.axes.map(|a| a.kernel), work.samples)?,
        sample: vec4(op, work.axes.map(|a| a.sample), 0)?,
        alpha: [d, h, w, 0.0],
        in_stride: vec4(op, pool.input.space, pool.input.c)?,
        index_step: index_step(op, pool)?,
        in_batch: u32_of(op, pool.input.n)?,
        total: u32_of(op, total)?,
        identity: f32::NEG_INFINITY,
        pad_0: 0,
    };
    let mut slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    if pool.indices.is_some() {
        slots.push(Slot::Output(1));
    }
    let kernel = KernelKey::Fractional {
        indices: pool.indices.is_some(),
        channels_last: pool.input.c == 1 && pool.channels > 1,
    };
    Ok(vec![Step::new(kernel, &params, slots, grid::invocations(op, total as u64, caps)?)])
}
