//! Which backend is asked for.

use std::str::FromStr;

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
    /// The first adapter whose name contains this, ignoring case. If there is none, the error lists those that there are.
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

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Choice::Auto => "auto",
            Choice::Gpu => "gpu",
            Choice::Software => "software",
            Choice::Host => "host",
            Choice::Reference => "reference",
            Choice::Named(name) => name,
        })
    }
}
