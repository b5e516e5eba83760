//! The types of elements in ONNX files.

use super::refused::refused;
use wgpool::error::{Refusal, Result};

/// The types, with their numbers in files, names, and bytes of an element if it has whole ones that are read.
macro_rules! element_types {
    ($($code:literal $name:ident $text:literal $size:expr;)*) => {
        /// The type of a tensor's elements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ElementType {
            $(#[doc = concat!("ONNX' `", $text, "`.")] $name,)*
        }

        impl ElementType {
            /// The type of a number in a file; `at` is what has it.
            pub(super) fn of(code: Option<i64>, at: impl FnOnce() -> String) -> Result<ElementType> {
                match code.unwrap_or_default() {
                    $($code => Ok(ElementType::$name),)*
                    code => {
                        let rule = format!("its element type is number {code}, but types are 1 to 26");
                        Err(refused(Refusal::Type, at(), rule))
                    }
                }
            }

            /// Its name in ONNX.
            pub fn name(self) -> &'static str {
                match self {
                    $(ElementType::$name => $text,)*
                }
            }

            /// Bytes of an element; none where tensors of the type are not read.
            pub fn size(self) -> Option<usize> {
                match self {
                    $(ElementType::$name => $size,)*
                }
            }
        }
    };
}

element_types! {
    1 F32 "float" Some(4);
    2 U8 "uint8" Some(1);
    3 I8 "int8" Some(1);
    4 U16 "uint16" Some(2);
    5 I16 "int16" Some(2);
    6 I32 "int32" Some(4);
    7 I64 "int64" Some(8);
    8 Text "string" None;
    9 Bool "bool" Some(1);
    10 F16 "float16" Some(2);
    11 F64 "double" Some(8);
    12 U32 "uint32" Some(4);
    13 U64 "uint64" Some(8);
    14 Complex64 "complex64" None;
    15 Complex128 "complex128" None;
    16 BF16 "bfloat16" Some(2);
    17 F8E4M3FN "float8e4m3fn" None;
    18 F8E4M3FNUZ "float8e4m3fnuz" None;
    19 F8E5M2 "float8e5m2" None;
    20 F8E5M2FNUZ "float8e5m2fnuz" None;
    21 U4 "uint4" None;
    22 I4 "int4" None;
    23 F4E2M1 "float4e2m1" None;
    24 F8E8M0 "float8e8m0" None;
    25 U2 "uint2" None;
    26 I2 "int2" None;
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
