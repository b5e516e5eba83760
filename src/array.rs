//! Tensors from and to arrays of the crate `ndarray`.

use ndarray::{ArrayViewD, CowArray, IxDyn};

use crate::error::{Error, Result};
use crate::tensor::{Data, Tensor};

impl Tensor {
    /// A view of an f32 tensor as an ndarray array; `Tensor::from(&array)` is the way back.
    ///
    /// # Errors
    /// [`Error::Type`] if the elements are not f32.
    ///
    /// ```
    /// use wgpool::{Tensor, ndarray::array};
    /// let columns = array![[1.0f32, 2.0], [3.0, 4.0]].reversed_axes();
    /// let tensor = Tensor::from(&columns);
    /// assert_eq!(tensor.as_f32()?, [1., 3., 2., 4.]);
    /// assert_eq!(tensor.view_f32()?, columns.into_dyn());
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn view_f32(&self) -> Result<ArrayViewD<'_, f32>> {
        let elements = self.as_f32()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), elements).map_err(|e| self.no_array(&e))
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
