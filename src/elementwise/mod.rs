//! Functions of elements, a row each in `table.rs`. The specification, the reference, the host path, the kernels and the names
//! are made from the rows, so that a new one is in all of them or does not compile.

use crate::host::Values;

/// What a function is, beside its variant of [`UnaryFunction`] or [`BinaryFunction`]. Those of one operand leave out the second.
pub(crate) struct Function {
    /// As users write it.
    name: &'static str,
    /// The function `NAME_of` of kernels, and those that it calls.
    pub wgsl: &'static str,
    /// Its definition.
    pub exact: fn(f64, f64) -> f64,
    /// How far a 32-bit value may be from the definition's, by the operands and that value: of WGSL's built-ins what WGSL permits.
    pub rounding: fn(f64, f64, f64) -> f64,
    /// Whether operands are told by their bits, so that subnormal ones are not taken for zero.
    pub by_bits: bool,
    /// Computes each element on the host.
    pub host: fn(Values<'_>, Values<'_>, &mut [f32]),
}

/// An enumeration and what is known by variant, from rows of `Variant => Function`.
macro_rules! functions {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident => $function:expr;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$doc])* $name,)+
        }

        impl $kind {
            /// Every one.
            pub const ALL: &'static [$kind] = &[$($kind::$name,)+];

            /// As users write it.
            pub fn name(self) -> &'static str {
                self.function().name
            }

            pub(crate) fn function(self) -> &'static Function {
                match self {
                    $($kind::$name => {
                        static FUNCTION: Function = $function;
                        &FUNCTION
                    })+
                }
            }
        }
    };
}

mod numbers;
mod table;
#[cfg(test)]
mod tests;

pub use table::{BinaryFunction, UnaryFunction};
