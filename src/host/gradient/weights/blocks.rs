//! Sums kept in registers: lines of the image by output channels. What the lanes of a line are, positions or channels, is the caller's.

use crate::host::lines::{Line, put_line};
use crate::host::simd::{self, Simd};

/// Output channels and lines whose sums are kept in registers: of AVX-512, and of narrower ones.
const OUTS: usize = 5;
const LINES: usize = 4;

/// Neighbouring windows, whose products are added.
pub(super) trait Windows {
    /// How many output channels there are.
    fn outs(&self) -> usize;

    /// Adds the products of `N` lines, at `offsets` from a window's first, and `C` output channels from `first` on. Inlined into what is
    /// compiled for the registers of `simd`, as [`wide`](crate::host::simd) gives it.
    fn add<const N: usize, const C: usize>(
        &self,
        simd: Simd,
        offsets: &[usize; N],
        first: usize,
        sums: &mut [[Line; C]; N],
    );
}

/// Adds the products of the lines at `offsets` to `sums`, `[line][output channel]`.
pub(super) fn products(windows: &impl Windows, offsets: &[usize], sums: &mut [Line]) {
    let (outs, most) = (windows.outs(), if simd::level() == Simd::Avx512 { LINES } else { 1 });
    let (tiles, blocks) = (offsets.len().div_ceil(most), outs.div_ceil(OUTS));
    let (lines, channels) = (offsets.len().div_ceil(tiles), outs.div_ceil(blocks));
    for (offsets, sums) in offsets.chunks(lines).zip(sums.chunks_mut(lines * outs)) {
        for first in (0..outs).step_by(channels) {
            let count = channels.min(outs - first);
            wide!(|simd| match offsets.len() {
                4.. if simd == Simd::Avx512 => of_lines::<4>(windows, simd, offsets, [first, count], sums),
                3 if simd == Simd::Avx512 => of_lines::<3>(windows, simd, offsets, [first, count], sums),
                2 if simd == Simd::Avx512 => of_lines::<2>(windows, simd, offsets, [first, count], sums),
                _ => of_lines::<1>(windows, simd, offsets, [first, count], sums),
            });
        }
    }
}

#[inline(always)]
fn of_lines<const N: usize>(
    windows: &impl Windows,
    simd: Simd,
    offsets: &[usize],
    [first, count]: [usize; 2],
    sums: &mut [Line],
) {
    let Some(offsets) = offsets.first_chunk::<N>() else { return };
    match count {
        1 => block::<N, 1>(windows, simd, offsets, first, sums),
        2 => block::<N, 2>(windows, simd, offsets, first, sums),
        3 => block::<N, 3>(windows, simd, offsets, first, sums),
        4 => block::<N, 4>(windows, simd, offsets, first, sums),
        _ => block::<N, OUTS>(windows, simd, offsets, first, sums),
    }
}

#[inline(always)]
fn block<const N: usize, const C: usize>(
    windows: &impl Windows,
    simd: Simd,
    offsets: &[usize; N],
    first: usize,
    sums: &mut [Line],
) {
    let mut latest = [[Line::default(); C]; N];
    windows.add(simd, offsets, first, &mut latest);
    for (latest, sums) in latest.iter().zip(sums.chunks_exact_mut(windows.outs())) {
        for (latest, sum) in latest.iter().zip(&mut sums[first..]) {
            // SAFETY: `simd` comes from `wide`.
            unsafe { put_line(simd, latest, true, sum) };
        }
    }
}
