//! Tensors at the edge of the crate: a shape and elements in row-major order.

use std::str::FromStr;

use half::f16;

pub use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::memory;

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

/// `f32`, `f16`, `u8`, `i8` or `i32`, in small letters or capitals.
impl FromStr for DType {
    type Err = Error;

    fn from_str(text: &str) -> Result<DType> {
        let found = DType::ALL.into_iter().find(|dtype| dtype.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            Error::parameter("tensor", "element type", text, "it must be f32, f16, u8, i8 or i32")
        })
    }
}

/// The elements of a tensor. A `Vec` of any of these types becomes one: `Data::from(vec![1.0f32])`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 16-bit floats.
    F16(Vec<f16>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// 32-bit integers.
    I32(Vec<i32>),
}

/// What `$of` says of the elements, whatever their type.
macro_rules! of_any {
    ($data:expr, $elements:ident => $of:expr) => {
        match $data {
            Data::F32($elements) => $of,
            Data::F16($elements) => $of,
            Data::U8($elements) => $of,
            Data::I8($elements) => $of,
            Data::I32($elements) => $of,
        }
    };
}
pub(crate) use of_any;

/// What each type of elements has of its own: a way in, and a way out.
macro_rules! elements {
    ($($element:ty, $dtype:ident, $name:literal, $as:ident;)*) => {
        $(impl From<Vec<$element>> for Data {
            fn from(elements: Vec<$element>) -> Data {
                Data::$dtype(elements)
            }
        })*

        impl Data {
            /// `len` zeros.
            fn zeros(dtype: DType, len: usize) -> Result<Data> {
                Ok(match dtype {
                    $(DType::$dtype => Data::$dtype(memory::filled(<$element>::default(), len)?),)*
                })
            }
        }

        impl Tensor {
            $(#[doc = concat!("The elements as ", $name, ".")]
            ///
            /// # Errors
            /// [`Error::Type`] if they are of another type.
            pub fn $as(&self) -> Result<&[$element]> {
                match &self.data {
                    Data::$dtype(v) => Ok(v),
                    other => {
                        let rule = concat!($name, " was asked for");
                        Err(Error::dtype("tensor", "the tensor", other.dtype(), rule))
                    }
                }
            })*
        }
    };
}
elements! {
    f32, F32, "f32", as_f32;
    f16, F16, "f16", as_f16;
    u8, U8, "u8", as_u8;
    i8, I8, "i8", as_i8;
    i32, I32, "i32", as_i32;
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

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        of_any!(self, v => v.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F16(_) => DType::F16,
            Data::U8(_) => DType::U8,
            Data::I8(_) => DType::I8,
            Data::I32(_) => DType::I32,
        }
    }

    /// The elements' bytes, in the machine's order.
    pub fn as_bytes(&self) -> &[u8] {
        of_any!(self, v => bytemuck::cast_slice(v))
    }

    /// Elements of `dtype` read from `bytes`, of which any incomplete last element is left out.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if there is no memory for them.
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Result<Data> {
        Ok(match dtype {
            DType::F32 => Data::F32(collect(bytes)?),
            DType::F16 => Data::F16(collect(bytes)?),
            DType::U8 => Data::U8(memory::copied(bytes)?),
            DType::I8 => Data::I8(collect(bytes)?),
            DType::I32 => Data::I32(collect(bytes)?),
        })
    }

    /// Element `i` as a 64-bit float, which holds every element type exactly.
    pub fn get(&self, i: usize) -> Option<f64> {
        of_any!(self, v => v.get(i).map(|&x| f64::from(x)))
    }
}

/// Copies unaligned bytes into elements.
fn collect<T: bytemuck::Pod>(bytes: &[u8]) -> Result<Vec<T>> {
    memory::collected(bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned))
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
