//! Opening what computes, in one place.

use wgpool::{Backend, Error, Result, engine};

use super::args::{Place, Which};
use super::files::tuning::with_tuning;

pub use wgpool::engine::{AdapterSummary as Adapter, adapters};

/// What brings a software adapter where there is none.
pub const HINT: &str = "a software adapter comes with mesa-vulkan-drivers (Debian, Ubuntu)";

/// A backend, and why it was taken.
pub struct Opened {
    pub backend: Backend,
    pub reason: String,
}

/// What sort of backend it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Host,
    Reference,
}

/// What sort of backend this is.
pub fn kind(backend: &Backend) -> Option<Kind> {
    match backend {
        Backend::Host => Some(Kind::Host),
        Backend::Reference => Some(Kind::Reference),
        _ => None,
    }
}

/// Opens the backend that is asked for.
pub fn open(place: &Place) -> Result<Opened> {
    let opened = Backend::open(&place.choice)?;
    let backend = match (opened.backend, &place.tuning) {
        (Backend::Gpu(engine), Some(path)) => Backend::Gpu(with_tuning(engine, path)),
        (backend, _) => backend,
    };
    Ok(Opened { backend, reason: opened.reason })
}

/// Opens what is asked for, with the kernels that are asked for.
pub fn open_with(place: &Place, kernels: &Which) -> Result<Backend> {
    if *kernels == Which::Cooperative {
        // SAFETY: the person at the command line asked for what its help calls experimental.
        let token = unsafe { wgpool::wgpu::ExperimentalFeatures::enabled() };
        let engine = engine::open_cooperative(&place.choice, token)?;
        return Ok(Backend::Gpu(engine.with_gpu_kernels()));
    }
    match (open(place)?.backend, kernels) {
        (Backend::Gpu(engine), Which::Gpu) => Ok(Backend::Gpu(engine.with_gpu_kernels())),
        (Backend::Gpu(engine), Which::These(kernels)) => {
            let mut caps = engine.caps().clone();
            caps.kernels = kernels.clone();
            Ok(Backend::Gpu(engine.with_caps(caps)))
        }
        (other, Which::These(kernels)) => {
            let rule = format!("{} has no such kernels: name an adapter with --adapter", other.name());
            Err(Error::parameter("command line", "--kernels", kernels, rule))
        }
        (backend, _) => Ok(backend),
    }
}

/// Whether `backend` computes on `adapter`.
pub fn is_on(backend: &Backend, adapter: &Adapter) -> bool {
    kind(backend).is_none() && backend.name().starts_with(&format!("{} ({}", adapter.name, adapter.backend))
}

/// A name short enough for a table: without the driver's version, but with what a software adapter is.
pub fn short_name(backend: &Backend) -> String {
    let Backend::Gpu(engine) = backend else {
        return backend.name();
    };
    let info = engine.device().adapter_info();
    let name = info.name.split(" (").next().unwrap_or(&info.name);
    let note = if info.device_type == wgpool::wgpu::DeviceType::Cpu { " (software adapter)" } else { "" };
    format!("{name}{note}")
}
