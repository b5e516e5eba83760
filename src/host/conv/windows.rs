//! The windows of one plane under one kernel, whose sums stay in registers.

use crate::host::lines::{mul_add_line, raised_line};
use crate::host::simd::Simd;
use crate::host::sum::CHAIN;

/// Rows of a block: as many sums as keep the adders busy, each row in one register.
const ROWS: usize = 8;

/// Registers of sums of one row that are added to at a time.
const REGISTERS: usize = 4;

/// Places of short rows that are computed together.
const PLACES: usize = 512;

/// The taps of a window: where they lie, seen from its first, and what they are multiplied by.
#[derive(Clone, Copy)]
pub(super) struct Taps<'a> {
    pub offsets: &'a [usize],
    pub weights: &'a [f32],
    /// How many there are on each axis.
    pub kernel: [usize; 3],
}

/// What happens to sums once all taps are added.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    pub bias: f32,
    /// What lower values are raised to.
    pub floor: f32,
}

/// The windows of a plane, whose neighbours in a row are neighbours in memory.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    pub taps: Taps<'a>,
    /// Distance between rows of windows.
    pub pitch: usize,
    /// Windows in a row.
    pub width: usize,
    pub finish: Finish,
}

impl Windows<'_> {
    /// `out[i][j] = finished sum of weights[t] * x[offsets[t] + i * pitch + j]`.
    pub fn plane(self, x: &[f32], out: &mut [f32]) {
        wide!(|simd| match simd {
            Simd::Avx512 => self.rows::<16>(simd, x, out),
            _ => self.rows::<8>(simd, x, out),
        });
    }

    /// With `M` numbers in a register.
    #[inline(always)]
    fn rows<const M: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let in_blocks = self.width >= M && out.len() >= ROWS * self.width;
        match self.taps.kernel {
            [1, 3, 3] if in_blocks && self.is_square() => self.blocks::<3, 10, M>(simd, x, out),
            [1, 5, 5] if in_blocks && self.is_square() => self.blocks::<5, 12, M>(simd, x, out),
            _ if self.pitch == self.width => self.run::<M>(simd, x, out),
            _ if self.width >= PLACES / 4 || self.pitch > PLACES => {
                for (i, out) in out.chunks_exact_mut(self.width).enumerate() {
                    self.run::<M>(simd, &x[i * self.pitch..], out);
                }
            }
            _ => self.short_rows::<M>(simd, x, out),
        }
    }

    /// Whether taps are neighbours, so that windows of neighbouring rows have all but one row of taps in common.
    fn is_square(&self) -> bool {
        let Taps { offsets, kernel, .. } = self.taps;
        offsets.get(1) == Some(&1) && offsets.get(kernel[2]) == Some(&self.pitch)
    }

    /// In blocks of `ROWS` by `M` windows. The last ones begin so that they end with the rows, and with the plane, and may compute
    /// some windows again.
    #[inline(always)]
    fn blocks<const K: usize, const LINES: usize, const M: usize>(
        self,
        simd: Simd,
        x: &[f32],
        out: &mut [f32],
    ) {
        let height = out.len() / self.width;
        let mut row = 0;
        while row < height {
            let first = row.min(height - ROWS);
            let (x, out) = (&x[first * self.pitch..], &mut out[first * self.width..]);
            let mut column = 0;
            while column < self.width {
                let first = column.min(self.width - M);
                self.square::<K, LINES, M>(simd, &x[first..], &mut out[first..]);
                column = first + M;
            }
            row = first + ROWS;
        }
    }

    /// A block with `K` by `K` neighbouring taps, for which each of its `LINES` rows of input is read only once for
    /// each column of taps.
    #[inline(always)]
    fn square<const K: usize, const LINES: usize, const M: usize>(
        self,
        simd: Simd,
        x: &[f32],
        out: &mut [f32],
    ) {
        const { assert!(LINES == ROWS + K - 1 && K * K <= CHAIN) };
        // Of one length: one check of an offset then serves them all.
        let length = x.len() - (LINES - 1) * self.pitch;
        let rows: [&[f32]; LINES] = std::array::from_fn(|i| &x[i * self.pitch..][..length]);
        let Some(weights) = self.taps.weights.get(..K * K) else { return };
        let mut sums = [[0f32; M]; ROWS];
        for tw in 0..K {
            let weights: [f32; K] = std::array::from_fn(|th| weights[th * K + tw]);
            // The latest lines.
            let mut lines = [[0f32; M]; K];
            for i in 0..K - 1 {
                lines[i].copy_from_slice(&rows[i][tw..][..M]);
            }
            for i in 0..ROWS {
                lines[(i + K - 1) % K].copy_from_slice(&rows[i + K - 1][tw..][..M]);
                for th in 0..K {
                    // SAFETY: `simd` comes from `wide`.
                    unsafe { mul_add_line(simd, weights[th], &lines[(i + th) % K], &mut sums[i]) };
                }
            }
        }
        for (sums, out) in sums.iter().zip(out.chunks_mut(self.width)) {
            self.finish(simd, sums, out);
        }
    }

    /// The first `M` results, of their sums.
    #[inline(always)]
    fn finish<const M: usize>(self, simd: Simd, sums: &[f32; M], out: &mut [f32]) {
        let Finish { bias, floor } = self.finish;
        if let Some(out) = out.first_chunk_mut() {
            // SAFETY: `simd` comes from `wide`.
            unsafe { raised_line(simd, sums, bias, floor, out) };
        }
    }

    /// Rows too short for blocks are computed as one, so that registers are full, with the places between them, which are left out.
    #[inline(always)]
    fn short_rows<const M: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let rows = PLACES / self.pitch;
        let mut places = [0f32; PLACES];
        for (i, out) in out.chunks_mut(rows * self.width).enumerate() {
            let reach = (out.len() / self.width - 1) * self.pitch + self.width;
            self.run::<M>(simd, &x[i * rows * self.pitch..], &mut places[..reach]);
            for (places, out) in places.chunks(self.pitch).zip(out.chunks_exact_mut(self.width)) {
                out.copy_from_slice(&places[..self.width]);
            }
        }
    }

    /// `out[j] = finished sum of weights[t] * x[offsets[t] + j]`.
    #[inline(always)]
    fn run<const M: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let mut at = 0;
        while out.len() - at >= REGISTERS * M {
            self.block::<REGISTERS, M>(simd, &x[at..], &mut out[at..]);
            at += REGISTERS * M;
        }
        // The last register ends with the row, and may compute some windows again.
        while at < out.len() && out.len() >= M {
            let first = at.min(out.len() - M);
            self.block::<1, M>(simd, &x[first..], &mut out[first..]);
            at = first + M;
        }
        while at < out.len() && out.len() >= 4 {
            let first = at.min(out.len() - 4);
            self.block::<1, 4>(simd, &x[first..], &mut out[first..]);
            at = first + 4;
        }
        while at < out.len() {
            self.block::<1, 1>(simd, &x[at..], &mut out[at..]);
            at += 1;
        }
    }

    /// The first `N` times `M` of them.
    #[inline(always)]
    fn block<const N: usize, const M: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let Taps { offsets, weights, .. } = self.taps;
        let mut total = [[0f32; M]; N];
        for (number, (offsets, weights)) in offsets.chunks(CHAIN).zip(weights.chunks(CHAIN)).enumerate() {
            let sums = Self::chain::<N, M>(simd, x, offsets, weights);
            if number == 0 {
                total = sums;
                continue;
            }
            for i in 0..N {
                // SAFETY: `simd` comes from `wide`. The products with one are exact.
                unsafe { mul_add_line(simd, 1.0, &sums[i], &mut total[i]) };
            }
        }
        for (out, sums) in out.chunks_exact_mut(M).zip(&total) {
            self.finish(simd, sums, out);
        }
    }

    /// The sums of some of their taps.
    #[inline(always)]
    fn chain<const N: usize, const M: usize>(
        simd: Simd,
        x: &[f32],
        offsets: &[usize],
        weights: &[f32],
    ) -> [[f32; M]; N] {
        let mut sums = [[0f32; M]; N];
        for (&offset, &weight) in offsets.iter().zip(weights) {
            let lines = &x[offset..][..N * M].as_chunks::<M>().0[..N];
            for i in 0..N {
                // SAFETY: `simd` comes from `wide`.
                unsafe { mul_add_line(simd, weight, &lines[i], &mut sums[i]) };
            }
        }
        sums
    }
}
