//! One place to run an operation: a GPU, the host path or the reference, behind the same call.

use std::str::FromStr;

use crate::error::Result;
use crate::spec::Op;
use crate::tensor::Tensor;
use crate::{host, reference};

/// Where operations run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Backend {
    /// The fast CPU path.
    Host,
    /// The 64-bit reference: slow and exact.
    Reference,
}

/// Which backend to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// A hardware adapter if there is one, else the host path, which is faster than a software adapter.
    #[default]
    Auto,
    /// A hardware adapter.
    Gpu,
    /// A software adapter, such as lavapipe.
    Software,
    /// The host path.
    Host,
    /// The reference.
    Reference,
    /// The first adapter whose name contains this, ignoring case.
    Named(String),
}

impl FromStr for Choice {
    type Err = std::convert::Infallible;

    /// Reads `auto`, `gpu`, `software`, `host` or `reference`; anything else is part of an adapter's name.
    fn from_str(text: &str) -> Result<Choice, Self::Err> {
        Ok(match text {
            "auto" => Choice::Auto,
            "gpu" => Choice::Gpu,
            "software" => Choice::Software,
            "host" => Choice::Host,
            "reference" => Choice::Reference,
            name => Choice::Named(name.to_owned()),
        })
    }
}

impl Backend {
    /// Computes `op` on `inputs`.
    ///
    /// # Errors
    /// Those of [`Problem::new`](crate::Problem::new), and on a GPU those of the device.
    pub fn run(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        match self {
            Backend::Host => host::run(op, inputs),
            Backend::Reference => reference::run(op, inputs),
        }
    }

    /// What computes, for people: the adapter's name and backend, or the path's name.
    pub fn name(&self) -> String {
        match self {
            Backend::Host => format!("host path ({} threads)", rayon::current_num_threads()),
            Backend::Reference => "reference (64-bit, one thread)".to_owned(),
        }
    }
}
