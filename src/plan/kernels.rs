//! Which kernels a plan may choose from.

use std::fmt;
use std::sync::Arc;

/// Whom a kernel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Any device.
    General,
    /// GPUs.
    Gpu,
    /// Adapters that compute on the CPU, such as llvmpipe.
    SoftwareAdapter,
}

impl Family {
    pub(super) const ALL: [Family; 3] = [Family::General, Family::Gpu, Family::SoftwareAdapter];
}

impl fmt::Display for Family {
    /// `general`, `gpu` or `software`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::General => "general",
            Family::Gpu => "gpu",
            Family::SoftwareAdapter => "software",
        })
    }
}

/// A kernel, or a way to combine some, that plans choose from; see [`candidates`](super::candidates()).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CandidateInfo {
    /// Its name, such as `conv/gemm`.
    pub name: &'static str,
    /// Whom it is for.
    pub family: Family,
    /// What it is for.
    pub about: &'static str,
}

impl CandidateInfo {
    /// Whether it is a row of one of these tables, which its name begins with.
    pub(super) fn is_in(&self, tables: &[&str]) -> bool {
        self.name.split_once('/').is_some_and(|(table, _)| tables.contains(&table))
    }
}

/// What a plan may choose from; everything unless [`Kernels::named`] says otherwise.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Kernels {
    /// Those it is restricted to.
    pub(super) only: Option<Arc<[CandidateInfo]>>,
    /// Whether it holds the kernels of operations that have one.
    pub(super) single: bool,
}

impl Kernels {
    /// Everything.
    pub const ALL: Kernels = Kernels { only: None, single: true };

    /// Those it is restricted to; nothing where it is everything.
    pub fn only(&self) -> Option<&[CandidateInfo]> {
        self.only.as_deref()
    }

    /// Whether it holds one.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.only().is_none_or(|only| only.iter().any(|c| c.name == name))
    }

    /// Whether it holds one whose name begins with one of these words.
    pub(super) fn holds_of(&self, tables: &[&str]) -> bool {
        self.only().is_none_or(|only| only.iter().any(|c| c.is_in(tables)))
    }

    /// Whether it holds some of the convolution's or the pooling's, and none of both together.
    pub(super) fn are_of_parts(&self) -> bool {
        !self.holds_of(&["conv_pool"]) && self.holds_of(&["conv", "depthwise", "pool"])
    }

    /// The others.
    pub(super) fn without(&self, name: &str) -> Kernels {
        let only = self.only().map(|only| only.iter().filter(|c| c.name != name).copied().collect());
        Kernels { only, single: self.single }
    }
}

impl fmt::Debug for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only() {
            None => f.write_str("all"),
            Some(only) => f.write_str(&only.iter().map(|c| c.name).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// It was taken.
    Taken,
    /// It was taken, since it was the fastest when all were measured on this device.
    Measured,
    /// It cannot compute this on this device.
    DoesNotApply(&'static str),
    /// Another is predicted to be faster.
    CostsMore(&'static str),
}

/// A candidate that was looked at, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Considered {
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}
