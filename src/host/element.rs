//! Element types at the edge of the host path: the one place that widens and narrows them.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Rows of a tensor as the type that is computed with.
pub(super) trait Source<T>: Sync {
    /// Elements `at..at + len`; `buffer` holds them if they had to be converted.
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<T>) -> &'a [T];
}

/// Elements that are computed with as they are.
pub(super) struct Plain<'a, T>(pub &'a [T]);

impl<T: Sync> Source<T> for Plain<'_, T> {
    fn row<'a>(&'a self, at: usize, len: usize, _: &'a mut Vec<T>) -> &'a [T] {
        &self.0[at..at + len]
    }
}

/// 16-bit floats that are computed with as 32-bit ones.
pub(super) struct Widened<'a>(pub &'a [f16]);

impl Source<f32> for Widened<'_> {
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<f32>) -> &'a [f32] {
        buffer.resize(len, 0.0);
        self.0[at..at + len].convert_to_f32_slice(buffer);
        buffer
    }
}

/// `|x|^p` in 64-bit floats, whose range holds the squares and cubes of all 32-bit floats.
pub(super) struct Powers<'a, E> {
    pub elements: &'a [E],
    pub p: f64,
}

impl<E: Copy + Into<f64> + Sync> Source<f64> for Powers<'_, E> {
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<f64>) -> &'a [f64] {
        let elements = self.elements[at..at + len].iter().map(|&x| x.into().abs());
        buffer.clear();
        // A NaN to the power of 2 stays NaN either way; `powf` is many times slower than a product.
        if self.p == 1.0 {
            buffer.extend(elements);
        } else if self.p == 2.0 {
            buffer.extend(elements.map(|x| x * x));
        } else {
            buffer.extend(elements.map(|x| x.powf(self.p)));
        }
        buffer
    }
}

/// Rounds 32-bit floats to 16 bits.
pub(super) fn narrow(from: &[f32], to: &mut [f16]) {
    to.convert_from_f32_slice(from);
}
