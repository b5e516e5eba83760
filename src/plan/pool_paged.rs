//! Pooling that reads its input through pages.

use super::chunks::{Chunk, Rows, factor_and_shift};
use super::narrow::{each, i32_of, ivec4, u32_of};
use super::{Caps, PAGES, Page, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::params::PoolPagesParams;
use crate::kernel::{KernelKey, Reduce, Taps};
use crate::problem::PoolWork;
use crate::spec::PoolKind;
use crate::tensor::DType;

/// The steps, if the device reads pages and the work is one for them.
pub(super) fn steps(
    op: &'static str,
    work: &PoolWork,
    caps: &Caps,
    from: Slot,
    to: Slot,
) -> Result<Option<Vec<Step>>> {
    let kind = matches!(work.kind, PoolKind::Max | PoolKind::Average { .. });
    if !caps.paged || !kind || work.dtype != DType::F32 || work.indices.is_some() {
        return Ok(None);
    }
    let Some(rows) = Rows::of(&work.axes, work.batch, work.channels, &work.input) else { return Ok(None) };
    let size = 4 * (work.batch * work.input.n) as u64;
    let Some(chunks) = rows.chunks(size, PAGES, caps) else { return Ok(None) };
    let all = params(op, work, &rows)?;
    let reduce = Reduce::from(work.kind);
    let kernel = KernelKey::PoolPages { reduce, taps: Taps::of(&rows.axes) };
    let step = |chunks: &[Chunk]| {
        let params = PoolPagesParams { chunks: bound(op, chunks)?, ..all };
        let most = chunks.iter().map(|chunk| chunk.count).max().unwrap_or(0);
        let grid = grid::invocations(op, most as u64, caps)?;
        let pages = pages(from, chunks, PAGES);
        let why = "the driver computes on the CPU and loads faster from uniform pages than from storage";
        Ok(Step { pages, why, ..Step::new(kernel, &params, vec![to], grid) })
    };
    chunks.chunks(PAGES).map(step).collect::<Result<_>>().map(Some)
}

/// The pages of a step; where it has fewer chunks than pages, the first page stands for the rest.
pub(super) fn pages(slot: Slot, chunks: &[Chunk], count: usize) -> Vec<Page> {
    let offset = |i: usize| chunks.get(i).or(chunks.first()).map_or(0, |chunk| chunk.page);
    (0..count).map(|i| Page { slot, offset: offset(i) }).collect()
}

/// The chunks as the shaders read them; those that are not there have no elements.
pub(super) fn bound<const N: usize>(op: &'static str, chunks: &[Chunk]) -> Result<[[u32; 4]; N]> {
    let mut bound = [[0; 4]; N];
    for (to, chunk) in bound.iter_mut().zip(chunks) {
        // Two's complement, as the shader's i32.
        let base = i32_of(op, chunk.base)?.cast_unsigned();
        *to = [u32_of(op, chunk.first)?, u32_of(op, chunk.count)?, base, u32_of(op, chunk.row)?];
    }
    Ok(bound)
}

/// What all steps have in common.
fn params(op: &'static str, work: &PoolWork, rows: &Rows) -> Result<PoolPagesParams> {
    let axes = &rows.axes;
    let four = |[a, b, c]: [usize; 3], d: usize| -> Result<[i32; 4]> {
        Ok([i32_of(op, a)?, i32_of(op, b)?, i32_of(op, c)?, i32_of(op, d)?])
    };
    let out_size = four(each(axes, |a| a.output), rows.inner)?;
    let dilation = four(each(axes, |a| a.dilation), 1)?;
    let [row, middle, last, plane] = rows.strides;
    let strides = [row, middle, last];
    Ok(PoolPagesParams {
        chunks: [[0; 4]; PAGES],
        in_size: ivec4(op, each(axes, |a| a.input))?,
        out_size,
        out_factor: out_size.map(|n| factor_and_shift(n.cast_unsigned()).0),
        out_shift: out_size.map(|n| factor_and_shift(n.cast_unsigned()).1),
        window: ivec4(op, each(axes, |a| a.kernel))?,
        stride: ivec4(op, each(axes, |a| a.stride))?,
        dilation,
        dilation_factor: dilation.map(|n| factor_and_shift(n.cast_unsigned()).0),
        dilation_shift: dilation.map(|n| factor_and_shift(n.cast_unsigned()).1),
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        padded_end: ivec4(op, each(axes, |a| a.input + a.pad_after))?,
        in_stride: four(strides, plane)?,
        tap_step: ivec4(op, std::array::from_fn(|i| strides[i] * axes[i].dilation))?,
        divisor: super::pool::divisor(work),
        nan: f32::NAN.to_bits(),
        pad_0: 0,
        pad_1: 0,
    })
}
