//! Pipelines, built once for each kernel key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::scope::begun;
use crate::error::Result;
use crate::kernel::KernelKey;

/// A pipeline and the layout of its bind group.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// The pipelines of an engine.
#[derive(Debug, Default)]
pub(crate) struct Pipelines {
    /// Changes shaders before they are built: for tests that a wrong kernel is noticed.
    edit: Option<ShaderEdit>,
    /// The driver's compiled code, where the app keeps it.
    cache: Option<wgpu::PipelineCache>,
    built: Mutex<HashMap<KernelKey, Pipeline>>,
}

/// Makes another shader of a kernel's.
pub type ShaderEdit = fn(KernelKey, String) -> String;

impl Pipelines {
    /// Pipelines of shaders that `edit` has changed.
    #[cfg(feature = "unstable-testing")]
    pub fn edited(edit: ShaderEdit) -> Self {
        Pipelines { edit: Some(edit), ..Pipelines::default() }
    }

    /// None built, of the same shaders.
    #[cfg(feature = "unstable-testing")]
    pub fn unbuilt(&self) -> Self {
        Pipelines { edit: self.edit, ..Pipelines::default() }
    }

    /// Pipelines that are compiled with the help of `cache`.
    pub fn with_cache(cache: wgpu::PipelineCache) -> Self {
        Pipelines { cache: Some(cache), ..Pipelines::default() }
    }

    /// What the cache holds now.
    pub fn cache_data(&self) -> Option<Vec<u8>> {
        self.cache.as_ref()?.get_data()
    }

    pub fn len(&self) -> usize {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The pipeline for `key`, built if it is not there yet.
    pub async fn get(&self, device: &wgpu::Device, key: KernelKey) -> Result<Pipeline> {
        self.begin(device, key).await
    }

    /// Asks the device at once for the pipeline of `key` if it is not there yet; the future is [`Pipelines::get`]'s.
    pub fn begin(&self, device: &wgpu::Device, key: KernelKey) -> impl Future<Output = Result<Pipeline>> {
        // A poisoned lock holds a whole map all the same: entries are inserted when they are complete.
        let known = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        // Built outside the lock: two threads may build the same pipeline, and neither waits for another's.
        let known = known.ok_or_else(|| build(device, key, self.edit, self.cache.as_ref()));
        async move {
            let pipeline = match known {
                Ok(pipeline) => return Ok(pipeline),
                Err(building) => building.await?,
            };
            let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(built.entry(key).or_insert(pipeline).clone())
        }
    }
}

fn build(
    device: &wgpu::Device,
    key: KernelKey,
    edit: Option<ShaderEdit>,
    cache: Option<&wgpu::PipelineCache>,
) -> impl Future<Output = Result<Pipeline>> {
    let during = move || format!("building the pipeline {key}");
    begun(device, during, move || {
        let label = key.to_string();
        let source = edit.map_or_else(|| key.source(), |edit| edit(key, key.source()));
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(&label),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let layout = bind_group_layout(device, &key.layout());
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&label),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let constants = key.overrides();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&label),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // No kernel reads workgroup memory before it has written it.
                zero_initialize_workgroup_memory: false,
            },
            cache,
        });
        Pipeline { pipeline, layout }
    })
}

fn bind_group_layout(device: &wgpu::Device, entries: &[wgpu::BindGroupLayoutEntry]) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("wgpool"), entries })
}
