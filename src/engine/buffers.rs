//! Rules for the buffers that an app binds.

use super::usages::joined;
use crate::error::{Error, Result};
use crate::plan::{Caps, PAGE, Plan, Slot};
use crate::tensor::TensorDesc;

/// Refuses buffers that the plan's inputs and outputs cannot be bound to; `alignment` is that of offsets of storage bindings.
pub(super) fn check_tensors(
    plan: &Plan,
    caps: &Caps,
    alignment: u64,
    inputs: &[wgpu::BufferSlice<'_>],
    outputs: &[wgpu::BufferSlice<'_>],
) -> Result<()> {
    let problem = &plan.problem;
    let op = problem.op;
    if inputs.len() != problem.inputs.len() || outputs.len() != problem.outputs.len() {
        let rule = inputs.len() + outputs.len();
        return Err(Error::arity(op, "as many buffers as the plan has inputs and outputs", rule));
    }
    for (i, (slice, desc)) in inputs.iter().zip(&problem.inputs).enumerate() {
        check_slice(op, problem.input_name(i).to_owned(), slice, desc, alignment)?;
        check_pages(plan, caps, i, slice)?;
    }
    for (i, (slice, desc)) in outputs.iter().zip(&problem.outputs).enumerate() {
        check_slice(op, problem.output_name(i).to_owned(), slice, desc, alignment)?;
        let others = outputs.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, s)| s);
        if inputs.iter().chain(others).any(|other| other.buffer() == slice.buffer()) {
            return Err(Error::Buffer {
                op,
                tensor: problem.output_name(i).to_owned(),
                rule: "an output's buffer must be no other input's or output's",
                values: format!("offset {}, {} bytes", slice.offset(), slice.size()),
            });
        }
    }
    Ok(())
}

/// Refuses an input that the plan reads in pages and that cannot be read so.
fn check_pages(plan: &Plan, caps: &Caps, i: usize, slice: &wgpu::BufferSlice<'_>) -> Result<()> {
    let pages = plan.steps.iter().flat_map(|step| &step.pages);
    let ends = pages.filter(|page| page.slot == Slot::Input(i)).map(|page| page.offset + PAGE);
    let Some(end) = ends.max() else { return Ok(()) };
    let alignment = u64::from(caps.uniform_alignment.max(1));
    let (usage, size) = (slice.buffer().usage(), slice.buffer().size());
    let (op, tensor) = (plan.problem.op, plan.problem.input_name(i).to_owned());
    let refuse = |rule, values| Err(Error::Buffer { op, tensor, rule, values });
    if !usage.contains(wgpu::BufferUsages::UNIFORM) {
        let rule = "the plan reads it through uniform bindings, so that it needs the usage UNIFORM, or a plan for \
                    the usages it has (`Caps::for_buffers`)";
        return refuse(rule, format!("it has {}", joined(usage.iter_names())));
    }
    if !slice.offset().is_multiple_of(alignment) {
        let rule = "the plan reads it through uniform bindings, so that its offset must be a multiple of \
                    min_uniform_buffer_offset_alignment, or the plan one for the usage STORAGE alone \
                    (`Caps::for_buffers`)";
        return refuse(rule, format!("offset {}, alignment {alignment}", slice.offset()));
    }
    if slice.offset() + end > size {
        let rule = "the plan reads it in whole pages, so that its buffer must have as many bytes as `Caps::padded` \
                    says, or the plan be one for the usage STORAGE alone (`Caps::for_buffers`)";
        let values = format!("{size} bytes, offset {} and {end} bytes of pages", slice.offset());
        return refuse(rule, values);
    }
    Ok(())
}

/// Refuses scratch memory of the app's that the plan cannot take; `wanted` are the usages that it needs.
pub(super) fn check_scratch(
    plan: &Plan,
    caps: &Caps,
    wanted: wgpu::BufferUsages,
    inputs: &[wgpu::BufferSlice<'_>],
    outputs: &[wgpu::BufferSlice<'_>],
    scratch: &[&wgpu::Buffer],
) -> Result<()> {
    let op = plan.problem.op;
    if scratch.len() != plan.scratch.len() {
        return Err(Error::arity(op, "as many scratch buffers as the plan has sizes", scratch.len()));
    }
    for (i, (buffer, &size)) in scratch.iter().zip(&plan.scratch).enumerate() {
        let refuse = |rule, values| Err(Error::Buffer { op, tensor: format!("scratch {i}"), rule, values });
        let (usage, needed) = (buffer.usage(), caps.padded(size));
        if !usage.contains(wanted) {
            let [wanted, has] = [wanted, usage].map(|usage| joined(usage.iter_names()));
            let rule = "it needs the usages of `Engine::tensor_buffer_async`";
            return refuse(rule, format!("{wanted}; it has {has}"));
        }
        if buffer.size() < needed {
            return refuse("it is too small", format!("{} bytes of {needed}", buffer.size()));
        }
        let mut tensors = inputs.iter().chain(outputs).map(wgpu::BufferSlice::buffer);
        if tensors.any(|tensor| tensor == *buffer) || scratch.iter().take(i).any(|before| before == buffer) {
            let rule = "it must be no input, no output and no other scratch memory";
            return refuse(rule, format!("{} bytes", buffer.size()));
        }
    }
    Ok(())
}

/// Refuses a slice that a tensor cannot be bound in.
pub(crate) fn check_slice(
    op: &'static str,
    tensor: String,
    slice: &wgpu::BufferSlice<'_>,
    desc: &TensorDesc,
    alignment: u64,
) -> Result<()> {
    let refuse = |rule, values| Err(Error::Buffer { op, tensor, rule, values });
    let (usage, needed) = (slice.buffer().usage(), desc.buffer_size());
    if !usage.contains(wgpu::BufferUsages::STORAGE) {
        return refuse("it needs the usage STORAGE", format!("it has {}", joined(usage.iter_names())));
    }
    if !slice.offset().is_multiple_of(alignment) {
        let rule = "its offset must be a multiple of min_storage_buffer_offset_alignment";
        return refuse(rule, format!("offset {}, alignment {alignment}", slice.offset()));
    }
    if slice.size() < needed {
        let values = format!("{} bytes, {desc} needs {needed}", slice.size());
        return refuse("it is too small", values);
    }
    Ok(())
}
