//! Pooling on software adapters through uniform windows: older drivers load from uniform bindings many times faster than from
//! storage.

use super::chunks::{Chunk, Rows, factor_and_shift};
use super::patch;
use super::request::{Request, divisor};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::{PagesParams, PoolPages};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::planner::{Verdict, each};
use crate::plan::{Family, PAGES, Page, Planner, Step};
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
        Ok(Solution::new(in_patches(request, p), move || {
            let params = params(p, &request.work, &rows)?;
            chunks.chunks(PAGES).map(|chunks| step(request, &params, chunks, p)).collect::<Result<Vec<_>>>()
        }))
    },
};

/// Whether patches are slower.
fn in_patches(request: &Request, p: &Planner) -> Verdict {
    match patch::CANDIDATE.is_profitable(request, p) {
        true => Err("windows are small, and patches, which share what they load, are faster"),
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

/// The step of some chunks.
fn step(request: &Request, params: &PagesParams, chunks: &[Chunk], p: &Planner) -> Result<Step> {
    let Request { work, from, to, .. } = request;
    let mut params = *params;
    // Those that are not there have no elements.
    for (to, chunk) in params.chunks.iter_mut().zip(chunks) {
        // Two's complement, as the shader's i32.
        let base = p.i32(chunk.base)?.cast_unsigned();
        *to = [p.u32(chunk.first)?, p.u32(chunk.count)?, base, p.u32(chunk.row)?];
    }
    let most = chunks.iter().map(|chunk| chunk.count).max().unwrap_or(0);
    let grid = p.invocations(most as u64)?;
    // Where there are fewer chunks than pages, the first page stands for the rest.
    let offset = |i: usize| chunks.get(i).or(chunks.first()).map_or(0, |chunk| chunk.page);
    let pages = (0..PAGES).map(|i| Page { slot: *from, offset: offset(i) }).collect();
    let why = "a driver that computes on the CPU loads faster from uniform pages than from storage";
    let kernel = PoolPages { reduce: work.kind.into() };
    Ok(Step { pages, why, ..Step::new(kernel, &params, vec![*to], grid) })
}

/// The parameters of all steps, but for the chunks.
fn params(p: &Planner, work: &PoolWork, rows: &Rows) -> Result<PagesParams> {
    let axes = &rows.axes;
    let four = |[a, b, c]: [usize; 3], d: usize| -> Result<[i32; 4]> {
        Ok([p.i32(a)?, p.i32(b)?, p.i32(c)?, p.i32(d)?])
    };
    let out_size = four(each(axes, |a| a.output), rows.inner)?;
    let dilation = four(each(axes, |a| a.dilation), 1)?;
    let [row, middle, last, plane] = rows.strides;
    let strides = [row, middle, last];
    Ok(PagesParams {
        in_size: p.ivec4(each(axes, |a| a.input))?,
        out_size,
        out_factor: out_size.map(|n| factor_and_shift(n.cast_unsigned()).0),
        out_shift: out_size.map(|n| factor_and_shift(n.cast_unsigned()).1),
        window: p.ivec4(each(axes, |a| a.kernel))?,
        stride: p.ivec4(each(axes, |a| a.stride))?,
        dilation,
        dilation_factor: dilation.map(|n| factor_and_shift(n.cast_unsigned()).0),
        dilation_shift: dilation.map(|n| factor_and_shift(n.cast_unsigned()).1),
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        padded_end: p.ivec4(each(axes, |a| a.input + a.pad_after))?,
        in_stride: four(strides, plane)?,
        tap_step: p.ivec4(std::array::from_fn(|i| strides[i] * axes[i].dilation))?,
        divisor: divisor(work),
        nan: f32::NAN.to_bits(),
        ..bytemuck::Zeroable::zeroed()
    })
}
