//! Pipelines of a plan, and their bindings to buffers.

use std::collections::HashSet;
use std::future::poll_fn;
use std::mem::replace;
use std::task::Poll;

use super::Engine;
use super::buffers::{check_scratch, check_tensors};
use super::filled::filled;
use super::pipelines::Pipeline;
use super::scope::{alive, scoped};
use crate::error::Result;
use crate::kernel::KernelKey;
use crate::plan::{PAGE, Part, Plan, Slot};
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
    /// Those that read nothing but weights.
    prepack: Vec<Dispatch>,
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
    /// [`Error::Gpu`](crate::Error::Gpu), [`Error::OutOfMemory`](crate::Error::OutOfMemory) or
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) if a pipeline cannot be built.
    pub async fn prepare_async(&self, plan: &Plan) -> Result<Prepared> {
        let prepared = self.pipelines_of(plan).await?;
        alive(&self.device, || format!("preparing {}", plan.problem.op))?;
        Ok(prepared)
    }

    /// [`Engine::prepare_async`], but pipelines that were built earlier do not tell a lost device.
    async fn pipelines_of(&self, plan: &Plan) -> Result<Prepared> {
        let pipelines = each!(step in &plan.steps => self.pipelines.get(&self.device, step.kernel).await?);
        Ok(Prepared { engine: self.clone(), plan: plan.clone(), pipelines })
    }

    /// Builds the pipelines of several plans, each pipeline once: ahead of the first frame, and so that bindings made
    /// later compile nothing.
    ///
    /// In browsers all are under way at the same time. Natively wgpu compiles one after the other while this future is
    /// polled, and other tasks of the executor have a turn between two; `prepare_all` compiles on several threads.
    ///
    /// # Errors
    /// Those of [`Engine::prepare_async`]: the first that arises.
    pub async fn prepare_all_async(&self, plans: &[Plan]) -> Result<Vec<Prepared>> {
        let mut begun = Vec::new();
        for key in kernels(plans) {
            begun.push(self.pipelines.begin(&self.device, key));
            give_way().await;
        }
        for pipeline in begun {
            pipeline.await?;
        }
        self.all_prepared(plans).await
    }

    /// The plans, whose pipelines have been built.
    pub(super) async fn all_prepared(&self, plans: &[Plan]) -> Result<Vec<Prepared>> {
        let prepared = each!(plan in plans => self.pipelines_of(plan).await?);
        alive(&self.device, || "preparing plans".to_owned()).map(|()| prepared)
    }
}

/// The kernels of several plans, each once, in order.
pub(super) fn kernels(plans: &[Plan]) -> Vec<KernelKey> {
    let mut seen = HashSet::new();
    let all = plans.iter().flat_map(|plan| &plan.steps).map(|step| step.kernel);
    all.filter(|&key| seen.insert(key)).collect()
}

/// Gives the executor's other tasks a turn.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| match replace(&mut given, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

impl Prepared {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Binds buffers for the plan's inputs and outputs, in order. What runs is what was planned.
    ///
    /// Each slice needs `STORAGE` usage, at least [`TensorDesc::buffer_size`] bytes, an offset aligned to the
    /// device's `min_storage_buffer_offset_alignment`, and an output's buffer may be none of the others. Inputs that the
    /// plan reads through uniform bindings need `UNIFORM` too, and whole pages: see [`Caps::for_buffers`](crate::Caps::for_buffers), which is for
    /// buffers that do not have them.
    /// Buffers must be the device's own; wgpu does not tell those of another `wgpu::Instance` apart.
    ///
    /// # Errors
    /// [`Error::Buffer`](crate::Error::Buffer) names the rule that a buffer breaks; [`Error::Arity`](crate::Error::Arity) if there are too
    /// few or many; those of the device.
    pub async fn bind_async(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
    ) -> Result<Binding> {
        self.check_tensors(inputs, outputs)?;
        let op = self.plan.problem.op;
        let scratch = each!(&size in &self.plan.scratch => self.engine.tensor_memory(op, size).await?);
        self.bind_checked(inputs, outputs, &scratch).await
    }

    /// [`Prepared::bind_async`] with the app's scratch memory: a buffer of [`Engine::tensor_buffer_async`] for each of
    /// [`Plan::scratch`], as large or larger. Operations that run one after another may share it: each leaves in it what it likes.
    ///
    /// # Errors
    /// As there; [`Error::Buffer`](crate::Error::Buffer) for scratch memory that is too small or used twice.
    pub async fn bind_in_async(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
        scratch: &[&wgpu::Buffer],
    ) -> Result<Binding> {
        self.check_tensors(inputs, outputs)?;
        check_scratch(&self.plan, &self.engine.caps, self.engine.usage(), inputs, outputs, scratch)?;
        let scratch: Vec<wgpu::Buffer> = scratch.iter().map(|&buffer| buffer.clone()).collect();
        self.bind_checked(inputs, outputs, &scratch).await
    }

    fn check_tensors(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
    ) -> Result<()> {
        let alignment = u64::from(self.engine.device.limits().min_storage_buffer_offset_alignment);
        check_tensors(&self.plan, &self.engine.caps, alignment, inputs, outputs)
    }

    async fn bind_checked(
        &self,
        inputs: &[wgpu::BufferSlice<'_>],
        outputs: &[wgpu::BufferSlice<'_>],
        scratch: &[wgpu::Buffer],
    ) -> Result<Binding> {
        let (device, plan) = (&self.engine.device, &self.plan);
        let op = plan.problem.op;
        let packed = each!(&size in &plan.packed => self.engine.tensor_memory(op, size).await?);
        let (params, starts) = self.params().await?;
        let mut binding = Binding { prepack: Vec::new(), dispatches: Vec::with_capacity(plan.steps.len()) };
        for ((step, pipeline), start) in plan.steps.iter().zip(&self.pipelines).zip(starts) {
            let bound = |slot: Slot| match slot {
                Slot::Input(i) => inputs.get(i).zip(plan.problem.inputs.get(i)).map(|(slice, desc)| {
                    let part = step.part.filter(|part| part.divides(i));
                    part_of(slice, desc, part)
                }),
                Slot::Output(i) => (outputs.get(i).zip(plan.problem.outputs.get(i)))
                    .map(|(slice, desc)| part_of(slice, desc, step.part)),
                Slot::Scratch(i) => scratch.get(i).zip(plan.scratch.get(i)).map(|(buffer, &size)| {
                    let size = wgpu::BufferSize::new(self.engine.caps.padded(size));
                    wgpu::BufferBinding { buffer, offset: 0, size }
                }),
                Slot::Packed(i) => packed.get(i).map(wgpu::Buffer::as_entire_buffer_binding),
            };
            let params = wgpu::BufferBinding {
                buffer: &params,
                offset: start,
                size: wgpu::BufferSize::new(step.params.len() as u64),
            };
            let mut slices = vec![params];
            slices.extend(step.pages.iter().filter_map(|page| {
                let whole = bound(page.slot)?;
                let offset = whole.offset + page.offset;
                Some(wgpu::BufferBinding { offset, size: wgpu::BufferSize::new(PAGE), ..whole })
            }));
            slices.extend(step.slots.iter().filter_map(|&slot| bound(slot)));
            let during = || format!("binding {op}");
            let resources = slices.into_iter().map(wgpu::BindingResource::Buffer);
            let group = scoped(device, during, || bind_group(device, &pipeline.layout, resources)).await?;
            let dispatch = Dispatch { pipeline: pipeline.pipeline.clone(), group, grid: step.grid };
            match step.prepack {
                true => binding.prepack.push(dispatch),
                false => binding.dispatches.push(dispatch),
            }
        }
        Ok(binding)
    }

    /// One buffer with the parameters of all steps, and where each one's begin.
    async fn params(&self) -> Result<(wgpu::Buffer, Vec<u64>)> {
        let alignment = self.engine.caps.uniform_alignment.max(4) as usize;
        let (mut bytes, mut starts) = (Vec::new(), Vec::with_capacity(self.plan.steps.len()));
        for step in &self.plan.steps {
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
            starts.push(bytes.len() as u64);
            bytes.extend_from_slice(&step.params);
        }
        bytes.resize(bytes.len().next_multiple_of(4).max(4), 0);
        let during = || format!("writing the parameters of {}", self.plan.problem.op);
        let usage = wgpu::BufferUsages::UNIFORM;
        let buffer = filled(&self.engine.device, "wgpool parameters", &bytes, usage, during).await?;
        Ok((buffer, starts))
    }
}

/// What a kernel binds of a tensor's slice: all of the tensor, or a part of its batch.
pub(crate) fn part_of<'a>(
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

/// A bind group of resources in the order of their bindings.
pub(crate) fn bind_group<'a>(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    resources: impl IntoIterator<Item = wgpu::BindingResource<'a>>,
) -> wgpu::BindGroup {
    let entries = (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource });
    let entries: Vec<_> = entries.collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("wgpool"), layout, entries: &entries })
}

impl Binding {
    /// A single dispatch.
    pub(crate) fn single(pipeline: wgpu::ComputePipeline, group: wgpu::BindGroup, grid: [u32; 3]) -> Binding {
        Binding { prepack: Vec::new(), dispatches: vec![Dispatch { pipeline, group, grid }] }
    }

    /// Records the dispatches into the caller's compute pass.
    ///
    /// Where weights do not change between runs, [`Binding::prepack_async`] does once what depends on them alone.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.encode_weights(pass);
        self.encode_data(pass);
    }

    /// Records the dispatches that depend on the weights alone, which bring them into the order that the others read.
    pub(super) fn encode_weights(&self, pass: &mut wgpu::ComputePass<'_>) {
        record(&self.prepack, pass);
    }

    /// Records the dispatches that depend on the data.
    pub(super) fn encode_data(&self, pass: &mut wgpu::ComputePass<'_>) {
        record(&self.dispatches, pass);
    }

    /// Whether [`Binding::prepack_async`] has something to do.
    pub fn prepacks_weights(&self) -> bool {
        !self.prepack.is_empty()
    }
}

fn record(dispatches: &[Dispatch], pass: &mut wgpu::ComputePass<'_>) {
    for dispatch in dispatches {
        pass.set_pipeline(&dispatch.pipeline);
        pass.set_bind_group(0, &dispatch.group, &[]);
        let [x, y, z] = dispatch.grid;
        pass.dispatch_workgroups(x, y, z);
    }
}
