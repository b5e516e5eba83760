//! The elements of tensors.

use half::{bf16, f16};

use super::DType;
use super::table::each_type;
use crate::error::{Error, Result};
use crate::memory;

/// An element of a tensor: what is known of it by its own type.
pub(crate) trait Element: bytemuck::Pod + Default + Into<f64> + Send + Sync {
    /// The nearest element to a number.
    fn rounded(x: f64) -> Self;
}

/// The enumeration and what is known by variant, from the rows of `table.rs`.
macro_rules! data {
    ($d:tt $($(#[$doc:meta])* $name:ident: $element:ty, $as:ident, $rounded:expr => $row:expr;)+) => {
        /// The elements of a tensor. A `Vec` of any of these types becomes one: `Data::from(vec![1.0f32])`.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Data {
            $(#[doc = concat!("Elements of [`DType::", stringify!($name), "`].")] $name(Vec<$element>),)+
        }

        $(impl From<Vec<$element>> for Data {
            fn from(elements: Vec<$element>) -> Data {
                Data::$name(elements)
            }
        }

        impl Element for $element {
            fn rounded(x: f64) -> $element {
                const ROUNDED: fn(f64) -> $element = $rounded;
                ROUNDED(x)
            }
        })+

        impl Data {
            /// Type of the elements.
            pub fn dtype(&self) -> DType {
                match self {
                    $(Data::$name(_) => DType::$name,)+
                }
            }

            /// Elements of `dtype`, each the nearest to a number.
            ///
            /// # Errors
            /// [`Error::OutOfMemory`] if there is no memory for them.
            pub fn nearest(dtype: DType, numbers: impl IntoIterator<Item = f64>) -> Result<Data> {
                let numbers = numbers.into_iter();
                Ok(match dtype {
                    $(DType::$name => Data::$name(memory::collected(numbers.map(<$element>::rounded))?),)+
                })
            }

            /// `len` zeros.
            pub(crate) fn zeros(dtype: DType, len: usize) -> Result<Data> {
                Ok(match dtype {
                    $(DType::$name => Data::$name(memory::filled(<$element>::default(), len)?),)+
                })
            }

            /// Elements of `dtype` read from `bytes`, of which any incomplete last element is left out.
            ///
            /// # Errors
            /// [`Error::OutOfMemory`] if there is no memory for them.
            pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Result<Data> {
                Ok(match dtype {
                    $(DType::$name => Data::$name(collect(bytes)?),)+
                })
            }
        }

        impl crate::tensor::Tensor {
            $(#[doc = concat!("The elements as [`DType::", stringify!($name), "`].")]
            ///
            /// # Errors
            /// [`Error::Type`] if they are of another type.
            pub fn $as(&self) -> Result<&[$element]> {
                match &self.data {
                    Data::$name(v) => Ok(v),
                    other => {
                        let rule = format!("{} was asked for", DType::$name);
                        Err(Error::dtype("tensor", "the tensor", other.dtype(), rule))
                    }
                }
            })+
        }

        /// What `$of` says of the elements, whatever their type.
        macro_rules! of_any {
            ($d data:expr, $d elements:ident => $d of:expr) => {
                match $d data {
                    $(Data::$name($d elements) => $d of,)+
                }
            };
        }
        pub(crate) use of_any;
    };
}
each_type!($ data);

/// What `$of` says of floats of 16 bits, which are computed with in 32; `$other` of other elements.
macro_rules! of_halves {
    ($data:expr, $elements:ident => $of:expr, _ => $other:expr) => {
        match $data {
            Data::F16($elements) => $of,
            Data::BF16($elements) => $of,
            _ => $other,
        }
    };
}
pub(crate) use of_halves;

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        of_any!(self, v => v.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements' bytes, in the machine's order.
    pub fn as_bytes(&self) -> &[u8] {
        of_any!(self, v => bytemuck::cast_slice(v))
    }

    /// Element `i` as a 64-bit float, which holds every element type exactly.
    pub fn get(&self, i: usize) -> Option<f64> {
        of_any!(self, v => v.get(i).map(|&x| f64::from(x)))
    }
}

/// Copies bytes, which may lie anywhere, into elements.
fn collect<T: bytemuck::Pod>(bytes: &[u8]) -> Result<Vec<T>> {
    let elements = bytes.chunks_exact(size_of::<T>());
    match bytemuck::try_cast_slice(&bytes[..bytes.len() - elements.remainder().len()]) {
        Ok(elements) => memory::copied(elements),
        Err(_) => memory::collected(elements.map(bytemuck::pod_read_unaligned)),
    }
}
