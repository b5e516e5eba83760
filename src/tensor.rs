//! Tensors at the edge of the crate: a shape and elements in row-major order.

pub use crate::dtype::{DType, Data};
use crate::error::{Error, Result};

/// Shape and element type of a tensor; the elements lie in row-major order of the shape.
///
/// ```
/// use wgpool::TensorDesc;
/// assert_eq!(TensorDesc::f32([1, 3, 8, 8]).to_string(), "f32 [1, 3, 8, 8]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct TensorDesc {
    /// Length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub dtype: DType,
}

impl TensorDesc {
    /// A description of an f32 tensor.
    pub fn f32(shape: impl Into<Vec<usize>>) -> Self {
        Self { shape: shape.into(), dtype: DType::F32 }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.size()
    }

    /// Bytes that a GPU buffer for this tensor must have: whole 32-bit words, and never none.
    pub fn buffer_size(&self) -> u64 {
        (self.bytes().next_multiple_of(4)).max(4) as u64
    }
}

/// The type, then the shape: `f32 [1, 3, 8, 8]`.
impl std::fmt::Display for TensorDesc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.dtype, self.shape)
    }
}

/// A tensor in host memory.
///
/// ```
/// use wgpool::Tensor;
/// let t = Tensor::from_f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(t.shape(), [2, 2]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

/// The number of elements of a shape, if its bytes fit the address space. Axes of length 0 count as 1, so that
/// the strides of an empty batch fit too. `what` names it in the error.
///
/// # Errors
/// [`Error::TooLarge`] if they do not.
///
/// ```
/// use wgpool::tensor::checked_elements;
/// assert_eq!(checked_elements("image", &[2, 3, 4])?, 24);
/// assert!(checked_elements("image", &[usize::MAX, 2]).is_err());
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn checked_elements(what: &'static str, shape: &[usize]) -> Result<usize> {
    const MOST: usize = isize::MAX as usize / 8;
    let most = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)).filter(|&n| n <= MOST));
    match most {
        Some(_) => Ok(shape.iter().product()),
        None => {
            Err(Error::too_large(what, format!("shape {shape:?}"), "the tensor must fit the address space"))
        }
    }
}

impl Tensor {
    /// A tensor from its shape and elements.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements is not the product of the shape.
    ///
    /// ```
    /// use wgpool::Tensor;
    /// let bytes = Tensor::new(&[2, 2], vec![1u8, 2, 3, 4])?;
    /// assert_eq!(bytes.as_u8()?, [1, 2, 3, 4]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn new(shape: &[usize], data: impl Into<Data>) -> Result<Self> {
        let data = data.into();
        let elements = checked_elements("tensor", shape)?;
        if elements != data.len() {
            let rule = format!("{elements} elements are not the {} given", data.len());
            return Err(Error::shape("tensor", "the shape", shape, rule));
        }
        Ok(Self { shape: shape.to_vec(), data })
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if its bytes do not fit the address space; [`Error::OutOfMemory`] if there is no memory for them.
    ///
    /// ```
    /// use wgpool::{DType, Tensor};
    /// let zeros = Tensor::zeros(&[1, 3], DType::I32)?;
    /// assert_eq!(zeros.as_i32()?, [0, 0, 0]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn zeros(shape: &[usize], dtype: DType) -> Result<Self> {
        Self::new(shape, Data::zeros(dtype, checked_elements("tensor", shape)?)?)
    }

    /// An f32 tensor from its shape and elements; see [`Tensor::new`].
    pub fn from_f32(shape: &[usize], elements: Vec<f32>) -> Result<Self> {
        Self::new(shape, Data::F32(elements))
    }

    /// Length of each axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Shape and element type.
    pub fn desc(&self) -> TensorDesc {
        TensorDesc { shape: self.shape.clone(), dtype: self.dtype() }
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements, by value.
    pub fn into_data(self) -> Data {
        self.data
    }

    /// The same elements under another shape of as many elements.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements differs.
    pub fn reshaped(self, shape: &[usize]) -> Result<Self> {
        Self::new(shape, self.data)
    }
}
