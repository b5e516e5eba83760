//! The types of elements, a row each in `table.rs`. Tensors, names, errors, the reference's bounds and the kernels' loads and
//! stores are made from the rows, so that a new type is in all of them or does not compile.

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

/// The enumeration and what is known by variant, from rows of `Variant: type, as_type, rounding => Row`.
macro_rules! types {
    ($dollar:tt $($(#[$doc:meta])* $name:ident: $element:ty, $as:ident, $rounded:expr => $row:expr;)+) => {
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

    };
}

mod data;
mod name;
mod table;

pub use data::Data;
pub(crate) use data::{Element, of_any, of_halves};
pub use table::DType;

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
