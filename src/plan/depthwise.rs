//! Depthwise convolution on software adapters, which reads its input through pages.

use super::chunks::{Rows, factor_and_shift};
use super::narrow::{i32_of, u32_of};
use super::pages::{self, PagedStep};
use super::{Caps, PAGE, Slot, Step, patch};
use crate::error::Result;
use crate::kernel::params::PagesParams;
use crate::kernel::registry::DEPTHWISE_PAGES;
use crate::kernel::{ActivationKind, KernelKey};
use crate::problem::ConvWork;
use crate::tensor::DType;

/// With the planes that a page holds at most, these are still numbers that shaders can divide.
const MOST_CHANNELS: usize = 1 << 13;

/// The steps, if the device reads pages, each channel is convolved by itself, and the kernel fits a page.
pub(super) fn paged(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Option<Vec<Step>>> {
    let channels = work.groups;
    let by_itself = work.group_in == 1 && work.group_out == 1 && (2..=MOST_CHANNELS).contains(&channels);
    let fits = 4 * (channels * work.taps()) as u64 <= PAGE;
    if !caps.paged || work.dtype != DType::F32 || !by_itself || !fits {
        return Ok(None);
    }
    let Some(rows) = Rows::of(&work.axes, work.batch, channels, &work.input) else { return Ok(None) };
    if patch::instead_of_pages(&work.axes, rows.taps, caps)
        && let Some(step) = patch::depthwise(op, work, caps, to)?
    {
        return Ok(Some(vec![step]));
    }
    let size = 4 * (work.batch * work.input.n) as u64;
    let Some(chunks) = rows.chunks(size, DEPTHWISE_PAGES, caps) else { return Ok(None) };
    let channels_last = rows.inner > 1;
    let (activation, alpha) = ActivationKind::of(work.activation);
    let (channels_factor, channels_shift) = factor_and_shift(u32_of(op, channels)?);
    let weight_step = rows.order.map(|i| work.kernel.space[i]);
    let [row, middle, last] = weight_step.map(|step| i32_of(op, step));
    let params = PagesParams {
        weight_step: [row?, middle?, last?, i32_of(op, work.kernel.o)?],
        channels: i32_of(op, channels)?,
        channels_factor,
        channels_shift,
        has_bias: u32::from(work.bias),
        alpha,
        ..pages::params(op, &rows)?
    };
    let kernel = KernelKey::DepthwisePages { activation, channels_last, taps: rows.taps };
    let bias = if work.bias { Slot::Input(2) } else { Slot::Input(1) };
    let beside = [Slot::Input(1), bias];
    let step =
        PagedStep { kernel, params, from: Slot::Input(0), count: DEPTHWISE_PAGES, beside: &beside, to };
    step.of_all(op, &chunks, caps).map(Some)
}
