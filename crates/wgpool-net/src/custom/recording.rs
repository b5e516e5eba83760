//! An app's operator on a GPU: pipelines, bind groups, and what records them.

use std::collections::HashMap;
use std::fmt;

use super::gpu::{Buffers, Form, Gpu, Record};
use super::{Call, Wgsl};
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::tensor::{Tensor, TensorDesc};
use wgpool::wgpu;

const OP: &str = "custom operator";

/// What makes a pipeline another: shader, entry point, inputs, outputs, and whether it has a uniform block.
type Key = (String, String, [usize; 2], bool);

/// Pipelines that are built, which nodes and sessions share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipelines(HashMap<Key, wgpu::ComputePipeline>);

impl Pipelines {
    /// Takes those of others too.
    pub fn add(&mut self, others: &Pipelines) {
        self.0.extend(others.0.iter().map(|(key, pipeline)| (key.clone(), pipeline.clone())));
    }
}

/// What records a node into a pass.
pub(crate) struct Recording(Box<dyn Record>);

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

impl Recording {
    /// Records the node.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.0.record(pass);
    }
}

impl Call {
    /// Makes what records the node on buffers.
    pub(crate) async fn bind(
        &self,
        engine: &Engine,
        gpu: Gpu,
        [inputs, outputs]: [&[wgpu::BufferSlice<'_>]; 2],
        pipelines: &mut Pipelines,
    ) -> Result<Recording> {
        let buffers = Buffers {
            engine,
            inputs: bound(engine, "an input", inputs, &self.inputs)?,
            outputs: bound(engine, "an output", outputs, &self.outputs)?,
        };
        match gpu.0 {
            Form::Own(build) => {
                let during = || format!("building operator {}", self.label());
                let built = engine.scoped_async(during, || build.build(&buffers)).await?;
                built.map(Recording).map_err(|source| self.failed("its GPU form", source))
            }
            Form::Wgsl(wgsl) => self.bind_wgsl(wgsl, &buffers, pipelines).await,
        }
    }

    async fn bind_wgsl(
        &self,
        wgsl: Wgsl,
        buffers: &Buffers<'_>,
        pipelines: &mut Pipelines,
    ) -> Result<Recording> {
        let (engine, device) = (buffers.engine, buffers.engine.device());
        let limits = device.limits();
        let tensors = buffers.inputs.len() + buffers.outputs.len();
        let most = wgsl.workgroups.iter().copied().max().unwrap_or(0);
        for (limit, needed, allowed) in [
            (
                "max_storage_buffers_per_shader_stage",
                tensors as u64,
                limits.max_storage_buffers_per_shader_stage,
            ),
            (
                "max_compute_workgroups_per_dimension",
                most.into(),
                limits.max_compute_workgroups_per_dimension,
            ),
        ] {
            if needed > u64::from(allowed) {
                return Err(Error::Limit { op: OP, limit, needed, allowed: allowed.into() });
            }
        }
        let counts = [buffers.inputs.len(), buffers.outputs.len()];
        let has_block = !wgsl.uniform.is_empty();
        let key = (wgsl.source.to_string(), wgsl.entry_point.to_string(), counts, has_block);
        let during = || format!("compiling the WGSL of operator {}", self.label());
        let pipeline = match pipelines.0.get(&key) {
            Some(pipeline) => pipeline.clone(),
            None => engine.scoped_async(during, || compiled(device, &wgsl, counts)).await?,
        };
        pipelines.0.insert(key, pipeline.clone());
        let during = || format!("binding operator {}", self.label());
        let group = engine.scoped_async(during, || group(engine, &wgsl, buffers, &pipeline)).await?;
        let [x, y, z] = wgsl.workgroups;
        Ok(Recording(Box::new(move |pass: &mut wgpu::ComputePass<'_>| {
            if x > 0 && y > 0 && z > 0 {
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
        })))
    }

    /// Computes the node by itself. Outputs begin as NaN, so that what it leaves unwritten is seen.
    pub(crate) async fn on_gpu(&self, engine: &Engine, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let gpu = self.gpu()?;
        let mut buffers = Vec::with_capacity(inputs.len());
        for input in inputs {
            buffers.push(engine.upload_async(OP, input).await?);
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for desc in &self.outputs {
            let buffer = engine.tensor_buffer_async(OP, desc.buffer_size()).await?;
            let poison = vec![0xff; usize::try_from(desc.buffer_size()).unwrap_or_default()];
            let during = || "filling an output".to_owned();
            engine.scoped_async(during, || engine.queue().write_buffer(&buffer, 0, &poison)).await?;
            outputs.push(buffer);
        }
        let inputs: Vec<_> = buffers.iter().map(|buffer| buffer.slice(..)).collect();
        let bound: Vec<_> = outputs.iter().map(|buffer| buffer.slice(..)).collect();
        let recording = self.bind(engine, gpu, [&inputs, &bound], &mut Pipelines::default()).await?;
        let mut readbacks = Vec::with_capacity(self.outputs.len());
        for desc in &self.outputs {
            readbacks.push(wgpool::engine::Readback::new_async(engine, desc, 1).await?);
        }
        let copies: Vec<_> = readbacks.iter().zip(bound.iter().copied()).collect();
        let record = |encoder: &mut wgpu::CommandEncoder| {
            recording.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        };
        let mut results = Vec::with_capacity(self.outputs.len());
        for pending in engine.submit_into(OP, &copies, record).await? {
            results.push(pending.read().await?);
        }
        Ok(results)
    }
}

/// What is bound of each tensor, where its buffer can be.
fn bound<'a>(
    engine: &Engine,
    what: &str,
    slices: &[wgpu::BufferSlice<'a>],
    descs: &[TensorDesc],
) -> Result<Vec<wgpu::BufferBinding<'a>>> {
    let alignment = u64::from(engine.device().limits().min_storage_buffer_offset_alignment);
    let bound = |(slice, desc): (&wgpu::BufferSlice<'a>, &TensorDesc)| {
        let refuse = |rule, values| Err(Error::Buffer { op: OP, tensor: what.to_owned(), rule, values });
        let (usage, needed) = (slice.buffer().usage(), desc.buffer_size());
        if !usage.contains(wgpu::BufferUsages::STORAGE) {
            return refuse("it needs the usage STORAGE", format!("it has {usage:?}"));
        }
        if !slice.offset().is_multiple_of(alignment) {
            let rule = "its offset must be a multiple of min_storage_buffer_offset_alignment";
            return refuse(rule, format!("offset {}, alignment {alignment}", slice.offset()));
        }
        if slice.size() < needed {
            let values = format!("{} bytes, {desc} needs {needed}", slice.size());
            return refuse("it is too small", values);
        }
        let size = wgpu::BufferSize::new(needed);
        Ok(wgpu::BufferBinding { buffer: slice.buffer(), offset: slice.offset(), size })
    };
    slices.iter().zip(descs).map(bound).collect()
}

/// The pipeline, whose bindings are what [`Wgsl`] says, whatever of them the shader uses.
fn compiled(device: &wgpu::Device, wgsl: &Wgsl, [inputs, outputs]: [usize; 2]) -> wgpu::ComputePipeline {
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let types = std::iter::repeat_n(storage(true), inputs)
        .chain(std::iter::repeat_n(storage(false), outputs))
        .chain((!wgsl.uniform.is_empty()).then_some(wgpu::BufferBindingType::Uniform));
    let entries: Vec<_> = (0..)
        .zip(types)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        })
        .collect();
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        bind_group_layouts: &[Some(&layout)],
        ..wgpu::PipelineLayoutDescriptor::default()
    });
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(&wgsl.entry_point),
        source: wgpu::ShaderSource::Wgsl(wgsl.source.clone()),
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&wgsl.entry_point),
        layout: Some(&layout),
        module: &module,
        entry_point: Some(&wgsl.entry_point),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    })
}

fn group(
    engine: &Engine,
    wgsl: &Wgsl,
    buffers: &Buffers<'_>,
    pipeline: &wgpu::ComputePipeline,
) -> wgpu::BindGroup {
    let device = engine.device();
    let block = (!wgsl.uniform.is_empty()).then(|| {
        let mut bytes = wgsl.uniform.clone();
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("uniform block of an app's operator"),
            size: bytes.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        engine.queue().write_buffer(&buffer, 0, &bytes);
        buffer
    });
    let tensors = buffers.inputs.iter().chain(&buffers.outputs).cloned();
    let block = block.as_ref().map(wgpu::Buffer::as_entire_buffer_binding);
    let entries: Vec<_> = (0..)
        .zip(tensors.chain(block))
        .map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(buffer),
        })
        .collect();
    let layout = &pipeline.get_bind_group_layout(0);
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}
