//! Opening what computes, in one place.

use wgpool::{Backend, Choice, Error, Result};

/// What brings a software adapter where there is none.
pub const HINT: &str = "a software adapter comes with `apt install mesa-vulkan-drivers` on Debian and Ubuntu";

/// A backend, and what people should know of it.
pub struct Opened {
    pub backend: Backend,
    /// Why this one.
    pub reason: String,
    pub kind: Kind,
}

/// What sort of backend it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gpu,
    Software,
    Host,
    Reference,
}

impl Opened {
    /// The backend's name, with a software adapter labelled so.
    pub fn label(&self) -> String {
        let note = match self.kind {
            Kind::Software => " (software adapter)",
            Kind::Gpu | Kind::Host | Kind::Reference => "",
        };
        format!("{}{note}", self.backend.name())
    }
}

/// Opens the backend that `choice` asks for.
pub fn open(choice: &Choice) -> Result<Opened> {
    match choice {
        Choice::Auto => {
            Ok(Opened { backend: Backend::Host, reason: "no adapter was found".into(), kind: Kind::Host })
        }
        Choice::Host => Ok(asked_for(Backend::Host, Kind::Host)),
        Choice::Reference => Ok(asked_for(Backend::Reference, Kind::Reference)),
        other => Err(Error::NoAdapter {
            request: format!("{other:?}").to_lowercase(),
            reason: format!("none was found; {HINT}"),
        }),
    }
}

fn asked_for(backend: Backend, kind: Kind) -> Opened {
    Opened { backend, reason: "as asked for".into(), kind }
}

/// An adapter, as it is listed.
pub struct Adapter {
    pub name: String,
    pub backend: String,
    pub device_type: String,
    pub driver: String,
}

impl Opened {
    /// Whether this backend computes on `adapter`.
    pub fn is(&self, adapter: &Adapter) -> bool {
        matches!(self.kind, Kind::Gpu | Kind::Software) && self.backend.name().contains(&adapter.name)
    }
}

/// Every adapter of this machine.
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}
