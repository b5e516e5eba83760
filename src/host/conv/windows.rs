//! The windows of one plane under one kernel, in blocks of rows by columns whose sums stay in registers.

use crate::host::lines::mul_add_line;
use crate::host::simd::Simd;
use crate::host::sum::CHAIN;

/// Rows of a block: as many sums as keep the adders busy, each row in one register.
const ROWS: usize = 8;
/// Columns of a block of one row.
const LONG: usize = 32;

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

impl Finish {
    /// NaN stays NaN.
    #[inline(always)]
    fn of<const N: usize>(self, sums: [f32; N]) -> [f32; N] {
        // By value: in place, the compiler stores under a mask, which is slow.
        sums.map(|s| s + self.bias).map(|s| if s < self.floor { self.floor } else { s })
    }
}

/// The windows of a plane.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    pub taps: Taps<'a>,
    /// Distance from one tap to the next, and from one window to the next, on each axis.
    pub between_taps: [usize; 3],
    pub apart: [usize; 3],
    /// Windows in a row.
    pub width: usize,
    pub finish: Finish,
}

impl Windows<'_> {
    /// `out[i][j] = finished sum of weights[t] * x[offsets[t] + i * apart[1] + j * apart[2]]`.
    pub fn plane(self, x: &[f32], out: &mut [f32]) {
        wide!(|simd| {
            if simd == Simd::Avx512 && self.width >= 16 {
                self.rows_of::<16>(simd, x, out);
            } else {
                self.rows_of::<8>(simd, x, out);
            }
        });
    }

    /// In blocks of `COLUMNS`, the numbers of a register.
    #[inline(always)]
    fn rows_of<const COLUMNS: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let long = self.width >= COLUMNS;
        let tall = out.len() >= ROWS * self.width;
        // Windows of neighbouring rows have all but one row of taps in common.
        let dense = self.apart[1] == self.between_taps[1] && self.between_taps[2] == 1;
        match (long, tall, self.apart[2]) {
            (true, true, 1) if dense && self.taps.kernel == [1, 3, 3] => {
                self.blocks::<ROWS, COLUMNS, 1>(
                    x,
                    out,
                    #[inline(always)]
                    |x, out| self.square::<3, 10, COLUMNS>(simd, x, out),
                );
            }
            (true, true, 1) if dense && self.taps.kernel == [1, 5, 5] => {
                self.blocks::<ROWS, COLUMNS, 1>(
                    x,
                    out,
                    #[inline(always)]
                    |x, out| self.square::<5, 12, COLUMNS>(simd, x, out),
                );
            }
            (true, true, 1) => self.any::<ROWS, COLUMNS, 1>(simd, x, out),
            (true, true, 2) => self.any::<ROWS, COLUMNS, 2>(simd, x, out),
            (true, false, 1) if self.width >= LONG => self.any::<1, LONG, 1>(simd, x, out),
            (true, false, 1) => self.any::<1, COLUMNS, 1>(simd, x, out),
            (true, false, 2) => self.any::<1, COLUMNS, 2>(simd, x, out),
            (false, _, 1) if (COLUMNS..COLUMNS * out.len()).contains(&self.reach(out)) => {
                self.flat::<COLUMNS>(simd, x, out)
            }
            _ => self.one_by_one(x, out),
        }
    }

    #[inline(always)]
    fn any<const N: usize, const M: usize, const STRIDE: usize>(
        self,
        simd: Simd,
        x: &[f32],
        out: &mut [f32],
    ) {
        self.blocks::<N, M, STRIDE>(
            x,
            out,
            #[inline(always)]
            |x, out| self.block::<N, M, STRIDE>(simd, x, out),
        );
    }

    /// Hands `block` the first tap and the first result of blocks of `N` rows by `M` columns. The last ones begin so
    /// that they end with the rows, and with the plane, and may compute some windows again.
    #[inline(always)]
    fn blocks<const N: usize, const M: usize, const STRIDE: usize>(
        self,
        x: &[f32],
        out: &mut [f32],
        block: impl Fn(&[f32], &mut [f32]),
    ) {
        let height = out.len() / self.width;
        let mut row = 0;
        while row < height {
            let first = row.min(height - N);
            let (x, out) = (&x[first * self.apart[1]..], &mut out[first * self.width..]);
            let mut column = 0;
            while column < self.width {
                let first = column.min(self.width - M);
                block(&x[first * STRIDE..], &mut out[first..]);
                column = first + M;
            }
            row = first + N;
        }
    }

    /// Places from the first window to the last, those between the rows too.
    fn reach(self, out: &[f32]) -> usize {
        (out.len() / self.width - 1) * self.apart[1] + self.width
    }

    /// Rows too short for a block, as one row whose places between them are left out.
    #[inline(always)]
    fn flat<const M: usize>(self, simd: Simd, x: &[f32], out: &mut [f32]) {
        let (reach, pitch) = (self.reach(out), self.apart[1].max(1));
        for at in (0..reach).step_by(M) {
            let at = at.min(reach - M);
            let mut sums = [0f32; M];
            Windows { width: M, ..self }.block::<1, M, 1>(simd, &x[at..], &mut sums);
            for (i, sum) in sums.iter().enumerate() {
                let (row, column) = ((at + i) / pitch, (at + i) % pitch);
                if column < self.width {
                    out[row * self.width + column] = *sum;
                }
            }
        }
    }

    /// A block with any taps.
    #[inline(always)]
    fn block<const N: usize, const M: usize, const STRIDE: usize>(
        self,
        simd: Simd,
        x: &[f32],
        out: &mut [f32],
    ) {
        let rows: [&[f32]; N] = rows(x, self.apart[1]);
        let mut total = [[0f32; M]; N];
        let Taps { offsets, weights, .. } = self.taps;
        for (offsets, weights) in offsets.chunks(CHAIN).zip(weights.chunks(CHAIN)) {
            let mut sums = [[0f32; M]; N];
            for (&offset, &weight) in offsets.iter().zip(weights) {
                for i in 0..N {
                    let x = &rows[i][offset..][..(M - 1) * STRIDE + 1];
                    let x = std::array::from_fn(|j| x[j * STRIDE]);
                    // SAFETY: `simd` comes from `wide`.
                    unsafe { mul_add_line::<M>(simd, weight, &x, &mut sums[i]) };
                }
            }
            for i in 0..N {
                for j in 0..M {
                    total[i][j] += sums[i][j];
                }
            }
        }
        self.store(total, out);
    }

    /// A block with `K` by `K` neighbouring taps, for which each of its `LINES` rows of input is read only once for
    /// each column of taps.
    #[inline(always)]
    fn square<const K: usize, const LINES: usize, const COLUMNS: usize>(
        self,
        simd: Simd,
        x: &[f32],
        out: &mut [f32],
    ) {
        const { assert!(LINES == ROWS + K - 1 && K * K <= CHAIN) };
        let rows: [&[f32]; LINES] = rows(x, self.apart[1]);
        let Some(weights) = self.taps.weights.get(..K * K) else { return };
        let mut sums = [[0f32; COLUMNS]; ROWS];
        for tw in 0..K {
            let weights: [f32; K] = std::array::from_fn(|th| weights[th * K + tw]);
            // The latest lines.
            let mut lines = [[0f32; COLUMNS]; K];
            for i in 0..K - 1 {
                lines[i].copy_from_slice(&rows[i][tw..][..COLUMNS]);
            }
            for i in 0..ROWS {
                lines[(i + K - 1) % K].copy_from_slice(&rows[i + K - 1][tw..][..COLUMNS]);
                for th in 0..K {
                    // SAFETY: `simd` comes from `wide`.
                    unsafe { mul_add_line(simd, weights[th], &lines[(i + th) % K], &mut sums[i]) };
                }
            }
        }
        self.store(sums, out);
    }

    #[inline(always)]
    fn store<const N: usize, const M: usize>(self, sums: [[f32; M]; N], out: &mut [f32]) {
        for (sums, out) in sums.into_iter().zip(out.chunks_mut(self.width)) {
            out[..M].copy_from_slice(&self.finish.of(sums));
        }
    }

    /// Rows too short for a block, or windows too far apart.
    fn one_by_one(self, x: &[f32], out: &mut [f32]) {
        let Taps { offsets, weights, .. } = self.taps;
        for (i, out) in out.chunks_exact_mut(self.width).enumerate() {
            for (j, out) in out.iter_mut().enumerate() {
                let x = &x[i * self.apart[1] + j * self.apart[2]..];
                let chains = offsets.chunks(CHAIN).zip(weights.chunks(CHAIN));
                let sum = |(offsets, weights): (&[usize], &[f32])| -> f32 {
                    offsets.iter().zip(weights).map(|(&o, &w)| w * x[o]).sum()
                };
                [*out] = self.finish.of([chains.map(sum).sum()]);
            }
        }
    }
}

/// Rows `step` apart, all of one length: one check of an offset then serves them all.
#[inline(always)]
fn rows<const N: usize>(x: &[f32], step: usize) -> [&[f32]; N] {
    let length = x.len() - (N - 1) * step;
    std::array::from_fn(|i| &x[i * step..][..length])
}
