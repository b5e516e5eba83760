//! Finding adapters and opening a device on one, for programs that have none yet.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::choice::Choice;
use crate::error::{Error, Result};

/// One adapter, for people and programs to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterSummary {
    /// The adapter's name.
    pub name: String,
    /// The graphics API: `vulkan`, `metal`, `dx12`, `gl`.
    pub backend: String,
    /// `discrete GPU`, `integrated GPU`, `virtual GPU`, `software` or `other`.
    pub kind: &'static str,
    /// The driver and its version.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub software: bool,
}

impl AdapterSummary {
    fn of(info: &wgpu::AdapterInfo) -> Self {
        AdapterSummary {
            name: info.name.clone(),
            backend: info.backend.to_string(),
            kind: kind(info).1,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            software: info.device_type == wgpu::DeviceType::Cpu,
        }
    }
}

/// What an adapter is, after how many better kinds.
fn kind(info: &wgpu::AdapterInfo) -> (u32, &'static str) {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => (0, "discrete GPU"),
        wgpu::DeviceType::IntegratedGpu => (1, "integrated GPU"),
        wgpu::DeviceType::VirtualGpu => (2, "virtual GPU"),
        wgpu::DeviceType::Other => (3, "other"),
        wgpu::DeviceType::Cpu => (4, "software"),
    }
}

/// What to do where no adapter is found.
#[cfg(not(target_arch = "wasm32"))]
const ADVICE: &str = "install a Vulkan, Metal or DirectX 12 driver, or for a software adapter on Debian and \
                      Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers";
#[cfg(target_arch = "wasm32")]
const ADVICE: &str = "the page needs WebGPU, which this browser may lack or have turned off, as it may hardware \
                      acceleration; and it needs a secure origin (https or localhost)";

/// Where adapters are looked for.
///
/// The default asks every API; nothing is read from the environment. `Search::from_env`, which the blocking calls
/// use, does that.
#[derive(Debug)]
#[non_exhaustive]
pub struct Search {
    /// How wgpu is started: which APIs it asks, and what it checks.
    pub instance: wgpu::InstanceDescriptor,
    /// Only adapters whose name contains this, ignoring case. It is an explicit wish, so that [`Choice::Auto`] takes a
    /// software adapter of that name too.
    pub name: Option<String>,
}

impl Default for Search {
    fn default() -> Self {
        Search { instance: wgpu::InstanceDescriptor::new_without_display_handle(), name: None }
    }
}

/// Every adapter that can compute, best first: hardware before software, native APIs before OpenGL.
pub async fn adapters_async(search: Search) -> Vec<AdapterSummary> {
    let found = caught(all(search.instance)).await.unwrap_or_else(|reason| {
        log::warn!("looking for adapters: {reason}");
        Vec::new()
    });
    let named = |info: &wgpu::AdapterInfo| search.name.as_deref().is_none_or(|name| contains(info, name));
    found.iter().map(wgpu::Adapter::get_info).filter(named).map(|info| AdapterSummary::of(&info)).collect()
}

/// Whether an adapter's name contains `part`, ignoring case.
fn contains(info: &wgpu::AdapterInfo, part: &str) -> bool {
    info.name.to_lowercase().contains(&part.to_lowercase())
}

/// A future, or what it panicked with: wgpu and its drivers' loaders do so where memory runs out.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    let text = |panic: Box<dyn Any + Send>| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or("a panic".to_owned(), |text| (*text).to_owned()),
    };
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(text(panic))),
    })
    .await
}

async fn all(descriptor: wgpu::InstanceDescriptor) -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    adapters.retain(|a| {
        let flags = a.get_downlevel_capabilities().flags;
        flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
    });
    adapters.sort_by_key(|a| {
        let info = a.get_info();
        (kind(&info).0, info.backend == wgpu::Backend::Gl)
    });
    adapters
}

/// Opens a device on the first adapter that `choice` allows, with all its limits and the features kernels use but for
/// [experimental ones](super::open_cooperative_async).
///
/// # Errors
/// [`Error::NoAdapter`] if there is none, with what to do; [`Error::NoDevice`] if it cannot be opened.
pub async fn open_device_async(choice: &Choice, search: Search) -> Result<(wgpu::Device, wgpu::Queue)> {
    open(&find(choice, search).await?, wgpu::Features::empty(), wgpu::ExperimentalFeatures::disabled()).await
}

/// The first adapter that `choice` allows.
pub(super) async fn find(choice: &Choice, search: Search) -> Result<wgpu::Adapter> {
    let Search { instance, name } = search;
    let found = (caught(all(instance)).await)
        .map_err(|reason| Error::NoAdapter { request: choice.to_string(), reason })?;
    let there: Vec<String> = (found.iter().map(|a| AdapterSummary::of(&a.get_info())))
        .map(|a| format!("{} ({}, {})", a.name, a.kind, a.backend))
        .collect();
    let by_name = name.is_some() || matches!(choice, Choice::Named(_));
    let fits = |info: &wgpu::AdapterInfo| {
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let named = name.as_deref().is_none_or(|name| contains(info, name));
        match choice {
            Choice::Auto => named && (name.is_some() || !software),
            Choice::Gpu => named && !software,
            Choice::Software => named && software,
            Choice::Named(name) => contains(info, name),
            Choice::Host | Choice::Reference => false,
        }
    };
    found.into_iter().find(|a| fits(&a.get_info())).ok_or_else(|| {
        let named = name.map(|name| format!(" named like {name:?}")).unwrap_or_default();
        Error::NoAdapter {
            request: format!("{choice}{named}"),
            reason: match there.join(", ").as_str() {
                "" => format!("no adapter that can compute was found; {ADVICE}"),
                there if by_name => format!("there are {there}"),
                there => format!("there are only {there}; {ADVICE}"),
            },
        }
    })
}

pub(super) async fn open(
    adapter: &wgpu::Adapter,
    more: wgpu::Features,
    experimental: wgpu::ExperimentalFeatures,
) -> Result<(wgpu::Device, wgpu::Queue)> {
    let wanted = wgpu::Features::SHADER_F16
        | wgpu::Features::SUBGROUP
        | wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::PIPELINE_CACHE;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("wgpool"),
        required_features: (adapter.features() & wanted) | more,
        required_limits: adapter.limits(),
        experimental_features: experimental,
        ..Default::default()
    };
    let refused = |reason| Error::NoDevice { adapter: adapter.get_info().name, reason };
    let requested = caught(async { adapter.request_device(&descriptor).await }).await.map_err(refused)?;
    let (device, queue) = requested.map_err(|e| refused(e.to_string()))?;
    // The device is ours, and the default handler panics: whatever no scope has caught is logged.
    device.on_uncaptured_error(std::sync::Arc::new(|error| log::error!("wgpu: {error}")));
    Ok((device, queue))
}
