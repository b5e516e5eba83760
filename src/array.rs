//! Tensors from and to arrays of the crate `ndarray`.

use ndarray::{ArrayD, ArrayViewD, CowArray, IxDyn};

use crate::error::{Error, Result};
use crate::memory;
use crate::tensor::{Data, Tensor};

impl Tensor {
    /// A view of an f32 tensor as an ndarray array.
    ///
    /// # Errors
    /// [`Error::Type`] if the elements are not f32.
    pub fn view_f32(&self) -> Result<ArrayViewD<'_, f32>> {
        let elements = self.as_f32()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), elements).map_err(|e| self.no_array(&e))
    }

    /// An f32 tensor as an ndarray array.
    ///
    /// # Errors
    /// [`Error::Type`] if the elements are not f32; [`Error::OutOfMemory`] if there is no memory for them.
    pub fn to_array_f32(&self) -> Result<ArrayD<f32>> {
        let elements = memory::copied(self.as_f32()?)?;
        ArrayD::from_shape_vec(IxDyn(&self.shape), elements).map_err(|e| self.no_array(&e))
    }

    fn no_array(&self, error: &ndarray::ShapeError) -> Error {
        let (got, rule) = (self.shape.clone(), error.to_string());
        Error::shape("tensor", "the tensor", &got, rule)
    }
}

impl<S, D> From<&ndarray::ArrayBase<S, D>> for Tensor
where
    S: ndarray::Data<Elem = f32>,
    D: ndarray::Dimension,
{
    /// Copies an array of any memory order into row-major order.
    fn from(array: &ndarray::ArrayBase<S, D>) -> Self {
        let shape = array.shape().to_vec();
        let standard: CowArray<'_, f32, D> = array.as_standard_layout();
        Tensor { shape, data: Data::F32(standard.iter().copied().collect()) }
    }
}
