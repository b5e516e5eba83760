//! The types of elements, a row each in `table.rs`. Tensors, names, errors, the reference's bounds and the kernels' loads and
//! stores are made from the rows, so that a new type is in all of them or does not compile.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::memory;

/// What a type of elements is, beside its variants of [`DType`] and [`Data`].
pub(crate) struct Row {
    /// As users write it.
    pub name: &'static str,
    /// Elements of a word of the GPU's memory, as kernels see it.
    pub lanes: u32,
    /// How kernels read and write whole words.
    pub words: &'static str,
    /// How kernels read and write an element at a time, where there are such. Several to a word are computed with as f32, and
    /// `kernel/packed.rs` writes the loads and stores.
    pub elements: &'static str,
    /// Whether kernels need the feature `SHADER_F16`.
    pub needs_f16: bool,
    /// The maximum of no element.
    pub lowest: f64,
    /// What floats have.
    pub float: Option<Float>,
}

/// What is known of floats.
pub(crate) struct Float {
    /// How far, at most, the store takes a number that was computed in 32 bits, per unit of it: half a unit in the last place.
    pub store: f64,
    /// The smallest number that is not subnormal.
    pub smallest_normal: f64,
    /// The largest number.
    pub largest: f64,
}

/// An element of a tensor: what is known of it by its own type.
pub(crate) trait Element: bytemuck::Pod + Default + Into<f64> + Send + Sync {
    /// The nearest element to a number.
    fn rounded(x: f64) -> Self;
}

/// The enumerations and what is known by variant, from rows of `Variant: type, as_type, rounding => Row`.
macro_rules! types {
    ($d:tt $($(#[$doc:meta])* $name:ident: $element:ty, $as:ident, $rounded:expr => $row:expr;)+) => {
        /// The type of a tensor's elements.
        ///
        /// Printed and read as the type's name, which may be in capitals when it is read:
        ///
        /// ```
        /// use wgpool::DType;
        /// assert_eq!("F16".parse::<DType>()?, DType::F16);
        /// assert_eq!(DType::F16.to_string(), "f16");
        /// # Ok::<(), wgpool::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
        #[non_exhaustive]
        pub enum DType {
            $($(#[$doc])* $name,)+
        }

        /// The elements of a tensor. A `Vec` of any of these types becomes one: `Data::from(vec![1.0f32])`.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Data {
            $(#[doc = concat!("Elements of [`DType::", stringify!($name), "`].")] $name(Vec<$element>),)+
        }

        impl DType {
            /// Every type.
            pub const ALL: &'static [DType] = &[$(DType::$name,)+];

            /// Bytes of one element.
            pub fn size(self) -> usize {
                match self {
                    $(DType::$name => size_of::<$element>(),)+
                }
            }

            pub(crate) fn row(self) -> &'static Row {
                match self {
                    $(DType::$name => { const ROW: &Row = &$row; ROW })+
                }
            }
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

mod table;

pub(crate) use table::of_any;
pub use table::{DType, Data};

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

/// The types of floats, which most operations and kernels take.
pub(crate) const FLOATS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

/// Those whose elements have an order that kernels know.
pub(crate) const ORDERED: [DType; 5] = [DType::F32, DType::F16, DType::BF16, DType::U8, DType::I8];

/// The types of bytes.
pub(crate) const BYTES: [DType; 2] = [DType::U8, DType::I8];

impl DType {
    /// Whether elements are floats.
    pub fn is_float(self) -> bool {
        self.row().float.is_some()
    }

    /// The type that kernels have elements in one to a word, such as packed weights.
    pub(crate) fn unpacked(self) -> DType {
        if self.is_float() && self.row().lanes > 1 { DType::F32 } else { self }
    }

    /// Some types in words: `f32, f16 or u8`.
    pub(crate) fn listed(types: &[DType]) -> String {
        let names: Vec<&str> = types.iter().map(|dtype| dtype.row().name).collect();
        match names.as_slice() {
            [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => names.concat(),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// The type's name, in small letters or capitals.
impl FromStr for DType {
    type Err = Error;

    fn from_str(text: &str) -> Result<DType> {
        let found = DType::ALL.iter().find(|dtype| dtype.row().name.eq_ignore_ascii_case(text));
        let rule = || format!("it must be {}", DType::listed(DType::ALL));
        found.copied().ok_or_else(|| Error::parameter("tensor", "element type", text, rule()))
    }
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
