//! Pooling on software adapters, which reads its input through uniform windows.

use super::patch;
use super::request::{Request, divisor};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::{PagesParams, PoolPages, Reduce, Taps};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::planner::Verdict;
use crate::plan::uniform::{Chunk, PagedStep, Rows, page_params};
use crate::plan::{Family, Planner, Step};
use crate::problem::PoolWork;
use crate::spec::PoolKind;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "pool/uniform",
    family: Family::SoftwareAdapter,
    about: "maxima and means of windows that are read through uniform bindings",
    solve: |request, p| {
        let rows = rows(&request.work, p)?;
        let bytes = 4 * (request.work.batch * request.work.input.n) as u64;
        let chunks = rows.chunks(bytes, p)?;
        Ok(Solution::new(in_patches(request, p), move || steps(request, &rows, &chunks, p)))
    },
};

/// Whether patches are slower.
fn in_patches(request: &Request, p: &Planner) -> Verdict {
    match p.caps.fast_storage_loads && patch::CANDIDATE.is_profitable(request, p) {
        true => Err("loads from storage are fast, so that patches are faster"),
        false => Ok(()),
    }
}

fn rows(work: &PoolWork, p: &Planner) -> Result<Rows, &'static str> {
    p.paged()?;
    if !matches!(work.kind, PoolKind::Max | PoolKind::Average { .. }) || work.indices.is_some() {
        return Err("it computes maxima and means alone");
    }
    if work.dtype != DType::F32 {
        return Err("elements are not f32");
    }
    Rows::of(&work.axes, work.batch, work.channels, &work.input)
}

fn steps(request: &Request, rows: &Rows, chunks: &[Chunk], p: &Planner) -> Result<Vec<Step>> {
    let Request { work, from, to, .. } = request;
    let params = PagesParams { divisor: divisor(work), ..page_params(p, rows)? };
    let taps = taps(rows, p);
    let kernel = PoolPages { reduce: Reduce::from(work.kind), taps }.into();
    let step = PagedStep { kernel, params, from: *from, to: *to };
    step.of_all(p, chunks)
}

/// How the windows are gone through.
fn taps(rows: &Rows, p: &Planner) -> Taps {
    let last = rows.axes[2];
    let touch =
        last.stride == 2 && last.dilation == 1 && last.pad_before == 0 && 2 * last.output <= last.input;
    let [row, middle, _, plane] = rows.strides;
    let whole =
        [row, middle, plane, p.caps.uniform_alignment as usize / 4].iter().all(|n| n.is_multiple_of(4));
    match rows.taps {
        Taps::Few { side: 2, fours: true } if touch && whole => Taps::Pairs,
        taps => taps,
    }
}
