//! Element types at the edge of the host path: the one place that widens and narrows them.

use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::output::{WORTH_SHARING, fill};
use crate::dtype::{DType, Data, Element, of_halves};
use crate::error::Result;
use crate::memory;
use crate::tensor::Tensor;

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
pub(super) struct Widened<'a, H>(pub &'a [H]);

impl<H: Element> Source<f32> for Widened<'_, H>
where
    [H]: HalfFloatSliceExt,
{
    fn row<'a>(&'a self, at: usize, len: usize, buffer: &'a mut Vec<f32>) -> Result<&'a [f32]> {
        memory::resize(buffer, len, 0.0)?;
        self.0[at..at + len].convert_to_f32_slice(buffer);
        Ok(buffer)
    }
}

impl<H: Element> Widened<'_, H>
where
    [H]: HalfFloatSliceExt,
{
    /// Rounds 32-bit floats to such elements.
    pub fn narrow(&self, from: &[f32], to: &mut [H]) {
        to.convert_from_f32_slice(from);
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

/// All elements of a tensor as 32-bit floats.
///
/// # Errors
/// If it holds no floats, or the memory for them cannot be had.
pub(super) fn floats(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
    of_halves!(tensor.data(), x => {
        let wide = fill(x.len(), WORTH_SHARING, 1, |i, out: &mut [f32]| {
            x[i * WORTH_SHARING..][..out.len()].convert_to_f32_slice(out);
        })?;
        Ok(Cow::Owned(wide))
    }, _ => Ok(Cow::Borrowed(tensor.as_f32()?)))
}

/// Floats as elements of the type that they are stored in.
pub(super) fn stored(dtype: DType, floats: Vec<f32>) -> Result<Data> {
    fn halves<H: Element>(floats: &[f32]) -> Result<Vec<H>>
    where
        [H]: HalfFloatSliceExt,
    {
        fill(floats.len(), WORTH_SHARING, 1, |i, out: &mut [H]| {
            out.convert_from_f32_slice(&floats[i * WORTH_SHARING..][..out.len()]);
        })
    }
    match dtype {
        DType::F16 => Ok(halves::<f16>(&floats)?.into()),
        DType::BF16 => Ok(halves::<bf16>(&floats)?.into()),
        _ => Ok(floats.into()),
    }
}
