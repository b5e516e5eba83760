//! The matrix product under transposed convolution: `matrixmultiply`, called in pieces that keep rounding errors small.

use std::ops::Range;

use crate::error::Result;
use crate::host::sum::CHAIN;
use crate::memory;

/// A matrix that is read through strides.
#[derive(Clone, Copy)]
pub(in crate::host) struct Matrix<'a> {
    pub data: &'a [f32],
    /// Distance from one row to the next.
    pub row: usize,
    /// Distance from one column to the next.
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// The matrix that begins at this row and column.
    pub fn from(self, row: usize, column: usize) -> Matrix<'a> {
        Matrix { data: &self.data[row * self.row + column * self.column..], ..self }
    }

    pub fn transposed(self) -> Matrix<'a> {
        Matrix { data: self.data, row: self.column, column: self.row }
    }

    /// Whether `rows` by `columns` elements are there.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = |count: usize, step: usize| (count - 1).checked_mul(step);
        let reach = last(rows, self.row).zip(last(columns, self.column)).and_then(|(r, c)| r.checked_add(c));
        reach.is_some_and(|reach| reach < self.data.len() && self.data.len() <= isize::MAX as usize)
    }
}

/// `c = a * b`, or `c += a * b` if `add`, for `a` of `m` by `k` and `b` of `k` by `n` elements; `c` is row-major.
pub(in crate::host) fn multiply([m, k, n]: [usize; 3], a: Matrix, b: Matrix, add: bool, c: &mut [f32]) {
    if m == 0 || n == 0 {
        return;
    }
    let beta = if add { 1.0 } else { 0.0 };
    let fits = k > 0 && a.holds(m, k) && b.holds(k, n) && m.checked_mul(n).is_some_and(|len| len <= c.len());
    assert!(fits, "matrices of {m} by {k} and {k} by {n} elements");
    // SAFETY: the assertion is that all three matrices lie inside their slices; `c` is borrowed exclusively, and its
    // strides keep its elements apart.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.data.as_ptr(),
            a.row as isize,
            a.column as isize,
            b.data.as_ptr(),
            b.row as isize,
            b.column as isize,
            beta,
            c.as_mut_ptr(),
            n as isize,
            1,
        );
    }
}

/// Chains that are added to one another before the sum goes to the total.
const MOST: usize = 16;

/// The sums of a tile: those of the latest chains, and the total of those before.
#[derive(Default)]
pub(super) struct Sums {
    latest: Vec<f32>,
    total: Vec<f32>,
}

impl Sums {
    /// Adds up `terms` terms for each of `len` sums.
    ///
    /// `add` gets ranges of terms: it adds the sum of each to what it is handed, or replaces that if it is told so.
    pub fn of(
        &mut self,
        len: usize,
        terms: usize,
        mut add: impl FnMut(Range<usize>, bool, &mut [f32]) -> Result<()>,
    ) -> Result<&mut [f32]> {
        let chain = terms.div_ceil(terms.div_ceil(CHAIN).max(1));
        let (mut from, mut chains, mut blocks) = (0, 0, 0);
        memory::resize(&mut self.latest, len, 0.0)?;
        while from < terms {
            let to = terms.min(from + chain);
            add(from..to, chains > 0, &mut self.latest)?;
            (from, chains) = (to, chains + 1);
            if chains == MOST && from < terms {
                if blocks == 0 {
                    self.total.clear();
                    memory::reserve(&mut self.total, len)?;
                    self.total.extend_from_slice(&self.latest);
                } else {
                    self.total.iter_mut().zip(&self.latest).for_each(|(t, l)| *t += l);
                }
                (chains, blocks) = (0, blocks + 1);
            }
        }
        if blocks > 0 {
            self.latest.iter_mut().zip(&self.total).for_each(|(l, t)| *l += t);
        }
        Ok(&mut self.latest)
    }
}
