//! The GPU: an [`Engine`] on a wgpu device, [`Prepared`] pipelines, and [`Binding`]s that record into the
//! caller's own compute pass.
//!
//! Whatever waits for the device is a future, whose name ends in `_async` where the same call is there as one that
//! blocks. Those that block are in `blocking.rs`, and not in builds for browsers.

/// A vector of what an expression makes of each item. It may await, which a closure may not where futures are sent to
/// other threads.
macro_rules! each {
    ($item:pat_param in $items:expr => $made:expr) => {{
        let mut all = Vec::new();
        for $item in $items {
            all.push($made);
        }
        all
    }};
}

mod adapters;
pub(crate) mod bind;
#[cfg(not(target_arch = "wasm32"))]
mod blocking;
pub(crate) mod buffers;
mod cooperative;
pub(crate) mod filled;
mod pipeline_cache;
pub(crate) mod pipelines;
mod prepack;
mod readback;
mod run;
pub(crate) mod scope;
#[cfg(not(target_arch = "wasm32"))]
mod tune;
pub(crate) mod usages;

pub use adapters::{AdapterSummary, Search, adapters_async, open_device_async};
pub use bind::{Binding, Prepared};
#[cfg(not(target_arch = "wasm32"))]
pub use blocking::{adapters, open_cooperative, open_device};
pub use cooperative::open_cooperative_async;
#[cfg(feature = "unstable-testing")]
pub use pipelines::ShaderEdit;
pub use prepack::PrepackedBinding;
pub use readback::{Pending, Readback, Recorded};
#[cfg(not(target_arch = "wasm32"))]
pub use tune::TuneProgress;

use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::plan::{Caps, Plan};
use crate::spec::Op;
use crate::tensor::TensorDesc;
use pipelines::Pipelines;

/// Operations on one wgpu device. Cheap to clone; clones share pipelines.
///
/// An engine never owns the device: it adapts to the features and limits that the device was opened with, and
/// leaves its error and loss handlers alone.
#[derive(Clone)]
pub struct Engine {
    device: wgpu::Device,
    queue: wgpu::Queue,
    caps: Caps,
    pub(crate) pipelines: Arc<Pipelines>,
    /// See [`Readback`].
    numbers: Arc<OnceLock<wgpu::Buffer>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("adapter", &self.adapter_name()).field("caps", &self.caps).finish()
    }
}

impl Engine {
    /// An engine on the caller's device and queue. Submits nothing.
    pub fn from_device(device: &wgpu::Device, queue: &wgpu::Queue) -> Engine {
        Engine {
            caps: Caps::of(device),
            device: device.clone(),
            queue: queue.clone(),
            pipelines: Arc::new(Pipelines::default()),
            numbers: Arc::default(),
        }
    }

    /// The same device with plans for other limits than its own, or for another [`Caps::target_workgroups`]: to test and to tune. Plans that ask for more than the
    /// device has fail when their pipelines are built or their buffers bound.
    pub fn with_caps(&self, caps: Caps) -> Engine {
        Engine { caps, ..self.clone() }
    }

    /// The same device with the kernels that hardware would run: to test on a software adapter, which has kernels
    /// of its own, what users with a GPU get.
    pub fn with_gpu_kernels(&self) -> Engine {
        self.with_caps(self.caps.with_gpu_kernels())
    }

    /// The same device with every shader changed by `edit`: for tests that a wrong kernel is noticed.
    #[cfg(feature = "unstable-testing")]
    pub fn with_edited_shaders(&self, edit: ShaderEdit) -> Engine {
        Engine { pipelines: Arc::new(Pipelines::edited(edit)), ..self.clone() }
    }

    /// The same device without the pipelines that are built: to time how long the first result takes.
    #[cfg(feature = "unstable-testing")]
    #[doc(hidden)]
    pub fn without_pipelines(&self) -> Engine {
        Engine { pipelines: Arc::new(self.pipelines.unbuilt()), ..self.clone() }
    }

    fn with_cache(&self, cache: wgpu::PipelineCache) -> Engine {
        Engine { pipelines: Arc::new(Pipelines::with_cache(cache)), ..self.clone() }
    }

    /// What plans for this engine may use.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The adapter's name and graphics API.
    pub fn adapter_name(&self) -> String {
        let info = self.device.adapter_info();
        let kind = if info.device_type == wgpu::DeviceType::Cpu { ", a software adapter" } else { "" };
        format!("{} ({}{kind})", info.name, info.backend)
    }

    /// How many distinct pipelines have been built.
    pub fn pipeline_count(&self) -> usize {
        self.pipelines.len()
    }

    /// Checks `op` on `inputs` and chooses its kernels for this device, and for buffers as [`Engine::tensor_buffer_async`]
    /// makes them; see [`Plan::new`], and [`Caps::for_buffers`] for others.
    ///
    /// # Errors
    /// Those of [`Plan::new`].
    pub fn plan(&self, op: &Op, inputs: &[TensorDesc]) -> Result<Plan> {
        Plan::new(op, inputs, &self.caps)
    }
}
