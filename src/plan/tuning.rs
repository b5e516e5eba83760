//! Kernels that were measured on a device, and are taken there instead of those that rules predict.

use std::collections::BTreeMap;

use crate::geometry::Axis;
use crate::problem::{ConvPoolWork, ConvWork, PoolWork, SoftmaxWork};

/// What a choice was measured on. Elsewhere it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct TunedFor {
    /// The adapter's name and graphics API.
    pub adapter: String,
    /// Its driver, with the version.
    pub driver: String,
    /// The version of this crate.
    pub version: String,
    /// The candidates there were to choose from.
    pub kernels: String,
}

/// What was fastest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Tuned {
    /// The candidate, such as `conv/gemm`.
    pub kernel: String,
    /// How many workgroups it divides its work into at least: [`Caps::target_workgroups`](super::Caps::target_workgroups).
    pub target_workgroups: u32,
}

/// The kernels that were fastest where they were measured, by classes of shapes:
/// [`Engine::tune`](crate::Engine::tune) makes it, [`Engine::with_tuning`](crate::Engine::with_tuning) plans by it.
///
/// A class has the operation's parameters and channels as they are, and positions by their power of two. Plans of what
/// is in no class here, or where the kernel does not apply, are those of the rules. With the feature `serde` it can be
/// kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Tuning {
    /// Where it was measured.
    pub measured_on: TunedFor,
    /// What was fastest, by class.
    pub fastest: BTreeMap<String, Tuned>,
}

/// What has a class of shapes.
pub(super) trait Classed {
    /// The class, which begins with the name of the table that is chosen from.
    fn class(&self) -> String;
}

/// One number for each axis, the outermost first.
fn by(axes: &[Axis; 3], of: fn(&Axis) -> usize) -> String {
    axes.each_ref().map(|axis| of(axis).to_string()).join("x")
}

fn windows(axes: &[Axis; 3]) -> String {
    let [window, stride, dilation] =
        [by(axes, |a| a.kernel), by(axes, |a| a.stride), by(axes, |a| a.dilation)];
    format!("window {window} stride {stride} dilation {dilation}")
}

/// A number by its power of two.
fn about(number: usize) -> String {
    format!("2^{}", number.max(1).ilog2())
}

fn positions(batch: usize, axes: &[Axis; 3]) -> String {
    about(axes.iter().fold(batch, |n, axis| n.saturating_mul(axis.output)))
}

impl Classed for ConvWork {
    fn class(&self) -> String {
        let ConvWork { groups, group_in, group_out, axes, dtype, layout, accuracy, .. } = self;
        format!(
            "conv {dtype} {layout:?} {accuracy:?} {groups} x {group_in} to {group_out} channels {} positions {}",
            windows(axes),
            positions(self.batch, axes),
        )
    }
}

impl Classed for PoolWork {
    fn class(&self) -> String {
        let PoolWork { kind, dtype, batch, channels, axes, input, indices, .. } = self;
        let layout = if input.c == 1 { "channels last" } else { "channels first" };
        format!(
            "pool {kind:?} {dtype} {layout} {indices:?} {channels} channels {} positions {}",
            windows(axes),
            positions(*batch, axes),
        )
    }
}

impl Classed for ConvPoolWork {
    fn class(&self) -> String {
        format!("conv_pool {}, {}", self.conv.class(), self.pool.class())
    }
}

impl Classed for SoftmaxWork {
    fn class(&self) -> String {
        let rows = self.outer.saturating_mul(self.inner);
        format!("softmax {} of {}, rows {}", self.dtype, about(self.length), about(rows))
    }
}
