//! Opening what computes, in one place.

use wgpool::{Backend, Choice, Error, Result};

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

/// An adapter, as it is listed.
pub struct Adapter {
    pub name: String,
    pub backend: String,
    pub kind: &'static str,
    pub driver: String,
}

/// What sort of backend this is.
pub fn kind(backend: &Backend) -> Option<Kind> {
    match backend {
        Backend::Host => Some(Kind::Host),
        Backend::Reference => Some(Kind::Reference),
        _ => None,
    }
}

/// Opens the backend that `choice` asks for.
pub fn open(choice: &Choice) -> Result<Opened> {
    let opened = |backend, reason: &str| Ok(Opened { backend, reason: reason.to_owned() });
    match choice {
        Choice::Auto => opened(Backend::Host, "no adapter was found"),
        Choice::Host => opened(Backend::Host, "the host path was asked for"),
        Choice::Reference => opened(Backend::Reference, "the reference was asked for"),
        other => Err(Error::NoAdapter {
            request: format!("{other:?}").to_lowercase(),
            reason: format!("none was found; {HINT}"),
        }),
    }
}

/// Every adapter of this machine.
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

/// Whether `backend` computes on `adapter`.
pub fn is_on(backend: &Backend, adapter: &Adapter) -> bool {
    kind(backend).is_none() && backend.name().starts_with(&format!("{} ({}", adapter.name, adapter.backend))
}
