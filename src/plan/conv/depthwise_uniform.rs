//! Depthwise convolution on software adapters, which reads its input through uniform windows.

use super::depthwise_patch;
use super::request::Request;
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::{DEPTHWISE_PAGES, DepthwisePages, PagesParams};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::planner::{Verdict, activation_of};
use crate::plan::uniform::{Chunk, PagedStep, Rows, factor_and_shift, page_params};
use crate::plan::{Family, PAGE, Planner, Slot, Step};
use crate::problem::ConvWork;

/// With the planes that a page holds at most, these are still numbers that shaders can divide.
const MOST_CHANNELS: usize = 1 << 13;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "depthwise/uniform",
    family: Family::SoftwareAdapter,
    about: "channels by themselves, read through uniform bindings",
    solve: |request, p| {
        let Request { work, to, .. } = request;
        let rows = rows(work, p)?;
        let chunks = rows.chunks(4 * (work.batch * work.input.n) as u64, DEPTHWISE_PAGES, p)?;
        Ok(Solution::new(in_patches(request, p), move || steps(work, *to, &rows, &chunks, p)))
    },
};

/// Whether patches are slower.
pub(super) fn in_patches(request: &Request, p: &Planner) -> Verdict {
    match depthwise_patch::CANDIDATE.is_profitable(request, p) {
        true => Err("loads from storage are fast, so that patches are faster"),
        false => Ok(()),
    }
}

fn rows(work: &ConvWork, p: &Planner) -> Result<Rows, &'static str> {
    p.paged()?;
    let channels = work.groups;
    let by_itself = work.group_in == 1 && work.group_out == 1 && (2..=MOST_CHANNELS).contains(&channels);
    if work.dtype != DType::F32 {
        return Err("elements are not f32");
    }
    if !by_itself {
        return Err("channels are not convolved by themselves, or very many");
    }
    if 4 * (channels * work.taps()) as u64 > PAGE {
        return Err("the weights are larger than a uniform binding");
    }
    Rows::of(&work.axes, work.batch, channels, &work.input)
}

fn steps(work: &ConvWork, to: Slot, rows: &Rows, chunks: &[Chunk], p: &Planner) -> Result<Vec<Step>> {
    let channels_last = rows.inner > 1;
    let (activation, alpha_beta) = activation_of(work.activation, work.slope);
    let (channels_factor, channels_shift) = factor_and_shift(p.u32(work.groups)?);
    let weight_step = rows.order.map(|i| work.kernel.space[i]);
    let [row, middle, last] = weight_step.map(|step| p.i32(step));
    let params = PagesParams {
        weight_step: [row?, middle?, last?, p.i32(work.kernel.o)?],
        channels: p.i32(work.groups)?,
        channels_factor,
        channels_shift,
        has_bias: u32::from(work.bias),
        alpha_beta,
        ..page_params(p, rows)?
    };
    let kernel = DepthwisePages { activation, channels_last, taps: rows.taps }.into();
    let bias = if work.bias { Slot::Input(2) } else { Slot::Input(1) };
    let beside = [Slot::Input(1), bias];
    let step =
        PagedStep { kernel, params, from: Slot::Input(0), count: DEPTHWISE_PAGES, beside: &beside, to };
    step.of_all(p, chunks)
}
