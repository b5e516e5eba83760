//! Steps of kernels that read a tensor through pages, from the chunks that it is divided into.

use super::chunks::{Chunk, Rows, factor_and_shift};
use crate::error::Result;
use crate::kernel::{KernelKey, PagesParams};
use crate::plan::planner::each;
use crate::plan::{PAGES, Page, Planner, Slot, Step};

/// What the steps of a work have in common.
pub(in crate::plan) struct PagedStep {
    pub kernel: KernelKey,
    pub params: PagesParams,
    /// The tensor that is divided into chunks.
    pub from: Slot,
    /// The tensor that is written.
    pub to: Slot,
}

impl PagedStep {
    /// The steps of all chunks.
    pub fn of_all(&self, p: &Planner, chunks: &[Chunk]) -> Result<Vec<Step>> {
        chunks.chunks(PAGES).map(|chunks| self.of(p, chunks)).collect()
    }

    fn of(&self, p: &Planner, chunks: &[Chunk]) -> Result<Step> {
        let params = PagesParams { chunks: bound(p, chunks)?, ..self.params };
        let most = chunks.iter().map(|chunk| chunk.count).max().unwrap_or(0);
        let grid = p.invocations(most as u64)?;
        // Where there are fewer chunks than pages, the first page stands for the rest.
        let offset = |i: usize| chunks.get(i).or(chunks.first()).map_or(0, |chunk| chunk.page);
        let pages = (0..PAGES).map(|i| Page { slot: self.from, offset: offset(i) }).collect();
        let why = "a driver that computes on the CPU loads faster from uniform pages than from storage";
        Ok(Step { pages, why, ..Step::new(self.kernel, &params, vec![self.to], grid) })
    }
}

/// The chunks as the shaders read them; those that are not there have no elements.
fn bound<const N: usize>(p: &Planner, chunks: &[Chunk]) -> Result<[[u32; 8]; N]> {
    let mut bound = [[0; 8]; N];
    for (to, chunk) in bound.iter_mut().zip(chunks) {
        // Two's complement, as the shader's i32.
        let base = p.i32(chunk.base)?.cast_unsigned();
        let [first, count, row] = [chunk.first, chunk.count, chunk.row].map(|n| p.u32(n));
        *to = [first?, count?, base, row?, 0, 0, 0, 0];
    }
    Ok(bound)
}

/// What the windows say of the parameters.
pub(in crate::plan) fn params(p: &Planner, rows: &Rows) -> Result<PagesParams> {
    let axes = &rows.axes;
    let four = |[a, b, c]: [usize; 3], d: usize| -> Result<[i32; 4]> {
        Ok([p.i32(a)?, p.i32(b)?, p.i32(c)?, p.i32(d)?])
    };
    let [along, between, across] = each(axes, |a| a.output);
    let out_size = four([along, between, across / if rows.taps.fours() { 4 } else { 1 }], rows.inner)?;
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
        nan: f32::NAN.to_bits(),
        ..bytemuck::Zeroable::zeroed()
    })
}
