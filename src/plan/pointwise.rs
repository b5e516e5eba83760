//! Kernels for softmax and activations.

use super::narrow::u32_of;
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::params::{ActivationParams, SoftmaxParams};
use crate::kernel::{ActivationKind, KernelKey};
use crate::problem::{ActivationWork, SoftmaxWork};

pub(super) fn softmax(op: &'static str, work: &SoftmaxWork, caps: &Caps) -> Result<Vec<Step>> {
    let rows = work.outer * work.inner;
    let params = SoftmaxParams {
        rows: u32_of(op, rows)?,
        length: u32_of(op, work.length)?,
        inner: u32_of(op, work.inner)?,
        lowest: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    let slots = vec![Slot::Input(0), Slot::Output(0)];
    let grid = grid::invocations(op, rows as u64, caps)?;
    Ok(vec![Step::new(KernelKey::Softmax, &params, slots, grid)])
}

pub(super) fn activation(op: &'static str, work: &ActivationWork, caps: &Caps) -> Result<Vec<Step>> {
    let (kind, alpha) = ActivationKind::of(work.activation);
    let params = ActivationParams { total: u32_of(op, work.elements)?, alpha, pad_0: 0, pad_1: 0 };
    let slots = vec![Slot::Input(0), Slot::Output(0)];
    let grid = grid::invocations(op, work.elements as u64, caps)?;
    Ok(vec![Step::new(KernelKey::Activation { activation: kind }, &params, slots, grid)])
}
