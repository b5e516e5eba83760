//! Pipelines of a plan, and their bindings to buffers.

use std::collections::HashSet;

use rayon::prelude::*;

use super::Engine;
use super::filled::filled;
use super::pipelines::Pipeline;
use super::scope::scoped;
use crate::error::{Error, Result};
use crate::plan::{Part, Plan, Slot};
use crate::tensor::TensorDesc;

/// A plan whose pipelines are built.
#[derive(Clone, Debug)]
pub struct Prepared {
    engine: Engine,
    plan: Plan,
    pipelines: Vec<Pipeline>,
}

/// Dispatches bound to buffers: records into a compute pass, as often as wanted, and allocates nothing then.
#[derive(Clone, Debug)]
pub struct Binding {
    dispatches: Vec<Dispatch>,
}

#[derive(Clone, Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    grid: [u32; 3],
}

impl Engine {
    /// Builds the pipelines of a plan, or finds them built.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] or [`Error::DeviceLost`] if a pipeline cannot be built.
    pub async fn prepare_async(&self, plan: &Plan) -> Result<Prepared> {
        let mut pipelines = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            pipelines.push(self.pipelines.get(&self.device, step.kernel).await?);
        }
        Ok(Prepared { engine: self.clone(), plan: plan.clone(), pipelines })
    }

    /// [`Engine::prepare_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Engine::prepare_async`].
    pub fn prepare(&self, plan: &Plan) -> Result<Prepared> {
        pollster::block_on(self.prepare_async(plan))
    }
}

impl Engine {
    /// Builds the pipelines of several plans, each pipeline once and different ones in parallel: ahead of the first
    /// frame, and so that bindings made later compile nothing.
    ///
    /// # Errors
    /// Those of [`Engine::prepare`]: the first that arises.
    pub fn prepare_all(&self, plans: &[Plan]) -> Result<Vec<Prepared>> {
        let keys: HashSet<_> = plans.iter().flat_map(|plan| &plan.steps).map(|step| step.kernel).collect();
        keys.into_par_iter()
            .try_for_each(|key| pollster::block_on(self.pipelines.get(&self.device, key)).map(drop))?;
        plans.iter().map(|plan| self.prepare(plan)).collect()
    }
}

impl Prepared {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Binds buffers for the plan's inputs and outputs, in order.
    ///
    /// Each slice needs `STORAGE` usage, at least [`TensorDesc::buffer_size`] bytes, an offset aligned to the
    /// device's `min_storage_buffer_offset_alignment`, and an output's buffer may be none of the others.
    /// Buffers must be the device's own; wgpu does not tell those of another `wgpu::Instance` apart.
    ///
    /// # Errors
    /// [`Error::Buffer`] names the rule that a buffer breaks; [`Error::Arity`] if there are too few or many.
    pub fn bind(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
    ) -> Result<Binding> {
        pollster::block_on(self.bind_async(inputs, outputs))
    }

    /// [`Prepared::bind`], without blocking.
    ///
    /// # Errors
    /// Those of [`Prepared::bind`].
    pub async fn bind_async(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
    ) -> Result<Binding> {
        self.check_buffers(inputs, outputs)?;
        let device = &self.engine.device;
        let op = self.plan.problem.op;
        let mut dispatches = Vec::with_capacity(self.plan.steps.len());
        let mut scratch = Vec::with_capacity(self.plan.scratch.len());
        for &size in &self.plan.scratch {
            scratch.push(self.engine.buffer_async(op, size, wgpu::BufferUsages::STORAGE).await?);
        }
        for (step, pipeline) in self.plan.steps.iter().zip(&self.pipelines) {
            let mut slices = Vec::with_capacity(step.slots.len());
            for slot in &step.slots {
                let problem = &self.plan.problem;
                let bound = match *slot {
                    Slot::Input(i) => inputs.get(i).zip(problem.inputs.get(i)).map(|(slice, desc)| {
                        let part = step.part.filter(|part| i < part.inputs);
                        part_of(slice, desc, part)
                    }),
                    Slot::Output(i) => (outputs.get(i).zip(problem.outputs.get(i)))
                        .map(|(slice, desc)| part_of(slice, desc, step.part)),
                    Slot::Scratch(i) => scratch.get(i).map(wgpu::Buffer::as_entire_buffer_binding),
                };
                slices.extend(bound);
            }
            let during = || format!("writing the parameters of {op}");
            let usage = wgpu::BufferUsages::UNIFORM;
            let uniform = filled(device, "wgpool parameters", &step.params, usage, during).await?;
            let group = scoped(
                device,
                || format!("binding {op}"),
                || bind_group(device, &pipeline.layout, &uniform, &slices),
            )
            .await?;
            dispatches.push(Dispatch { pipeline: pipeline.pipeline.clone(), group, grid: step.grid });
        }
        Ok(Binding { dispatches })
    }

    fn check_buffers(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
    ) -> Result<()> {
        let problem = &self.plan.problem;
        let op = problem.op;
        if inputs.len() != problem.inputs.len() || outputs.len() != problem.outputs.len() {
            return Err(Error::Arity {
                op,
                expected: "as many buffers as the plan has inputs and outputs",
                got: inputs.len() + outputs.len(),
            });
        }
        let alignment = u64::from(self.engine.device.limits().min_storage_buffer_offset_alignment);
        for (i, (slice, desc)) in inputs.iter().zip(&problem.inputs).enumerate() {
            check_slice(op, format!("input {i}"), slice, desc, alignment)?;
        }
        for (i, (slice, desc)) in outputs.iter().zip(&problem.outputs).enumerate() {
            check_slice(op, format!("output {i}"), slice, desc, alignment)?;
            let others = outputs.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, s)| s);
            if inputs.iter().chain(others).any(|other| other.buffer() == slice.buffer()) {
                return Err(Error::Buffer {
                    op,
                    tensor: format!("output {i}"),
                    rule: "an output's buffer must be no other input's or output's",
                    values: format!("offset {}, {} bytes", slice.offset(), slice.size()),
                });
            }
        }
        Ok(())
    }
}

/// What a kernel binds of a tensor's slice: all of the tensor, or a part of its batch.
fn part_of<'a>(
    slice: &wgpu::BufferSlice<'a>,
    desc: &TensorDesc,
    part: Option<Part>,
) -> wgpu::BufferBinding<'a> {
    let (offset, size) = part.map_or((0, desc.buffer_size()), |part| part.range(desc));
    wgpu::BufferBinding {
        buffer: slice.buffer(),
        offset: slice.offset() + offset,
        size: wgpu::BufferSize::new(size),
    }
}

/// Refuses a slice that a tensor cannot be bound in.
pub(crate) fn check_slice(
    op: &'static str,
    tensor: String,
    slice: &wgpu::BufferSlice<'_>,
    desc: &TensorDesc,
    alignment: u64,
) -> Result<()> {
    let usage = slice.buffer().usage();
    let (rule, values) = if !usage.contains(wgpu::BufferUsages::STORAGE) {
        ("it needs the usage STORAGE", format!("it has {usage:?}"))
    } else if !slice.offset().is_multiple_of(alignment) {
        (
            "its offset must be a multiple of min_storage_buffer_offset_alignment",
            format!("offset {}, alignment {alignment}", slice.offset()),
        )
    } else if slice.size() < desc.buffer_size() {
        (
            "it is too small",
            format!(
                "{} bytes, {:?} of {} needs {}",
                slice.size(),
                desc.shape,
                desc.dtype,
                desc.buffer_size()
            ),
        )
    } else {
        return Ok(());
    };
    Err(Error::Buffer { op, tensor, rule, values })
}

fn bind_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    uniform: &wgpu::Buffer,
    slices: &[wgpu::BufferBinding<'_>],
) -> wgpu::BindGroup {
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }];
    for slice in slices {
        let resource = wgpu::BindingResource::Buffer(slice.clone());
        entries.push(wgpu::BindGroupEntry { binding: entries.len() as u32, resource });
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("wgpool"), layout, entries: &entries })
}

impl Binding {
    /// A single dispatch.
    pub(crate) fn single(pipeline: wgpu::ComputePipeline, group: wgpu::BindGroup, grid: [u32; 3]) -> Binding {
        Binding { dispatches: vec![Dispatch { pipeline, group, grid }] }
    }

    /// Records the dispatches into the caller's compute pass.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            let [x, y, z] = dispatch.grid;
            pass.dispatch_workgroups(x, y, z);
        }
    }
}
