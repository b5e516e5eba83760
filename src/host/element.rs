//! Element types at the edge of the host path: the one place that widens and narrows them.

use std::borrow::Cow;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::output::{WORTH_SHARING, fill};
use crate::dtype::DType;
use crate::error::Result;
use crate::memory;
use crate::tensor::{Data, Tensor};

/// Rows of a tensor as the type that is computed with.
pub(super) trait Source<T>: Sync {
    /// Elements `at..at + len`; `buffer` holds them if they had to be converted.
    ///
    /// # Errors
    /// If there is no memory for these.
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<T>) -> Result<&'a [T]>;
}

/// Elements that are computed with as they are.
pub(super) struct Plain<'a, T>(pub &'a [T]);

impl<T: Sync> Source<T> for Plain<'_, T> {
    fn row<'a>(&'a self, at: usize, len: usize, _: &'a mut Vec<T>) -> Result<&'a [T]> {
        Ok(&self.0[at..at + len])
    }
}

/// 16-bit floats that are computed with as 32-bit ones.
pub(super) struct Widened<'a>(pub &'a [f16]);

impl Source<f32> for Widened<'_> {
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<f32>) -> Result<&'a [f32]> {
        memory::resize(buffer, len, 0.0)?;
        self.0[at..at + len].convert_to_f32_slice(buffer);
        Ok(buffer)
    }
}

/// `|x|^p`, or `x^p` if they keep their sign, in 64-bit floats, whose range holds the squares and cubes of all 32-bit floats.
pub(super) struct Powers<'a, E> {
    pub elements: &'a [E],
    pub p: f64,
    pub signed: bool,
}

impl<E: Copy + Into<f64> + Sync> Source<f64> for Powers<'_, E> {
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<f64>) -> Result<&'a [f64]> {
        let elements =
            self.elements[at..at + len].iter().map(|&x| if self.signed { x.into() } else { x.into().abs() });
        buffer.clear();
        memory::reserve(buffer, len)?;
        // A NaN to the power of 2 stays NaN either way; `powf` is many times slower than a product.
        if self.p == 1.0 {
            buffer.extend(elements);
        } else if self.p == 2.0 {
            buffer.extend(elements.map(|x| x * x));
        } else {
            buffer.extend(elements.map(|x| x.powf(self.p)));
        }
        Ok(buffer)
    }
}

/// Rounds 32-bit floats to 16 bits.
pub(super) fn narrow(from: &[f32], to: &mut [f16]) {
    to.convert_from_f32_slice(from);
}

/// All elements of a tensor as 32-bit floats.
///
/// # Errors
/// If it holds no floats, or the memory for them cannot be had.
pub(super) fn floats(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
    match tensor.data() {
        Data::F16(x) => {
            let wide = fill(x.len(), WORTH_SHARING, 1, |i, out: &mut [f32]| {
                x[i * WORTH_SHARING..][..out.len()].convert_to_f32_slice(out);
            })?;
            Ok(Cow::Owned(wide))
        }
        _ => Ok(Cow::Borrowed(tensor.as_f32()?)),
    }
}

/// Floats as elements of the type that they are stored in.
pub(super) fn stored(dtype: DType, floats: Vec<f32>) -> Result<Data> {
    if dtype != DType::F16 {
        return Ok(Data::F32(floats));
    }
    let narrowed = fill(floats.len(), WORTH_SHARING, 1, |i, out: &mut [f16]| {
        narrow(&floats[i * WORTH_SHARING..][..out.len()], out);
    })?;
    Ok(Data::F16(narrowed))
}
