//! Kernels for softmax and activations.

use super::narrow::u32_of;
use super::turns::Turns;
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::params::{ActivationParams, SoftmaxParams};
use crate::kernel::{ActivationKind, KernelKey, WORKGROUP};
use crate::problem::{ActivationWork, SoftmaxWork};

/// Rows of at least this many elements are gone through in parallel, if they are too few to fill a device.
const LONG_ROW: usize = 256;
const FEW_ROWS: usize = 4096;

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
    // The largest, the sum, and the quotients.
    let of_row = |of_loop: Turns| of_loop.then(of_loop).then(of_loop);
    let long = work.length >= LONG_ROW && rows <= FEW_ROWS;
    if long || !of_row(Turns::default().repeated(work.length)).fit(caps) {
        of_row(Turns::shared(work.length, WORKGROUP).then(Turns::folded(WORKGROUP))).check(op, caps)?;
        let grid = grid::workgroups(op, rows as u64, caps)?;
        let why = "long rows, which workgroups go through in parallel";
        return Ok(vec![Step { why, ..Step::new(KernelKey::SoftmaxRows, &params, slots, grid) }]);
    }
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
