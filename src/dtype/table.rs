//! The rows.

use half::{bf16, f16};

use super::{Float, Row};

/// A file of `shaders/lib`.
macro_rules! lib {
    ($file:literal) => {
        include_str!(concat!("../../shaders/lib/", $file))
    };
}

const F32: &str = lib!("f32.wgsl");
const F16: &str = lib!("f16.wgsl");
const SMALLEST_F32: f64 = f32::MIN_POSITIVE as f64;

/// Hands the rows to a macro, behind the `$` that a macro which it defines begins its own variables with.
macro_rules! each_type {
    ($d:tt $then:ident) => {
        $then! { $d
        /// 32-bit float.
        F32: f32, as_f32, |x| x as f32 => Row {
            name: "f32", lanes: 1, words: F32, elements: F32, needs_f16: false, lowest: f64::NEG_INFINITY,
            float: Some(Float { store: 0.0, smallest_normal: SMALLEST_F32, largest: f32::MAX as f64 }),
        };

        /// 16-bit float; sums are kept in 32 bits.
        F16: f16, as_f16, f16::from_f64 => Row {
            name: "f16", lanes: 1, words: F16, elements: F16, needs_f16: true, lowest: f64::NEG_INFINITY,
            float: Some(Float { store: 1.0 / 2048.0, smallest_normal: 1.0 / 16384.0, largest: 65504.0 }),
        };

        /// The upper half of a 32-bit float, packed two to a word on the GPU; sums are kept in 32 bits.
        BF16: bf16, as_bf16, bf16::from_f64 => Row {
            name: "bf16", lanes: 2, words: concat!(lib!("bf16.wgsl"), "\n", lib!("bf16_words.wgsl")),
            elements: concat!(lib!("f32.wgsl"), "\n", lib!("bf16.wgsl")), needs_f16: false, lowest: f64::NEG_INFINITY,
            float: Some(Float { store: 1.0 / 256.0, smallest_normal: SMALLEST_F32, largest: f32::from_bits(0x7f7f_0000) as f64 }),
        };

        /// Unsigned byte, packed four to a word on the GPU.
        U8: u8, as_u8, |x| x as u8 => Row {
            name: "u8", lanes: 4, words: lib!("u8.wgsl"), elements: "", needs_f16: false, lowest: 0.0, float: None,
        };

        /// Signed byte, packed four to a word on the GPU.
        I8: i8, as_i8, |x| x as i8 => Row {
            name: "i8", lanes: 4, words: lib!("i8.wgsl"), elements: "", needs_f16: false, lowest: -128.0, float: None,
        };

        /// 32-bit integer: positions of maxima.
        I32: i32, as_i32, |x| x as i32 => Row {
            name: "i32", lanes: 1, words: F32, elements: F32, needs_f16: false, lowest: f64::NEG_INFINITY, float: None,
        };
        }
    };
}
pub(crate) use each_type;

each_type!($ types);
