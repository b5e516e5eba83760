//! Tensors of a corpus, of more element types than operations have.

use half::{bf16, f16};

use wgpool::error::{Error, Result};

/// The type of a stored tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// The upper half of a 32-bit float.
    BF16,
    /// 64-bit integer.
    I64,
    /// 32-bit integer.
    I32,
    /// 16-bit integer.
    I16,
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
}

impl Element {
    /// The type that safetensors and manifests call `name`.
    pub fn named(name: &str) -> Option<Element> {
        Some(match name {
            "F64" => Element::F64,
            "F32" => Element::F32,
            "F16" => Element::F16,
            "BF16" => Element::BF16,
            "I64" => Element::I64,
            "I32" => Element::I32,
            "I16" => Element::I16,
            "I8" => Element::I8,
            "U8" => Element::U8,
            _ => return None,
        })
    }

    /// Whether it holds fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Element::F64 | Element::F32 | Element::F16 | Element::BF16)
    }

    /// The smallest integer it holds.
    pub fn least(self) -> i64 {
        match self {
            Element::I32 => i32::MIN.into(),
            Element::I16 => i16::MIN.into(),
            Element::I8 => i8::MIN.into(),
            Element::U8 => 0,
            _ => i64::MIN,
        }
    }

    /// The relative distance from a number to the nearest one it holds, and that distance near zero.
    pub fn rounding(self) -> (f64, f64) {
        match self {
            Element::F16 => (2f64.powi(-11), 2f64.powi(-25)),
            Element::BF16 => (2f64.powi(-8), 2f64.powi(-134)),
            _ => (0.0, 0.0),
        }
    }

    /// The smallest number that is not subnormal.
    pub fn smallest_normal(self) -> f64 {
        match self {
            Element::F16 => 2f64.powi(-14),
            _ => f64::from(f32::MIN_POSITIVE),
        }
    }

    /// A result rounded to this type.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Element::F32 => f64::from(value as f32),
            Element::F16 => f16::from_f64(value).to_f64(),
            // By way of f32, which every result was computed in: rounding it once more is rounding it once.
            Element::BF16 => bf16::from_f32(value as f32).to_f64(),
            _ => value,
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// Elements, each exactly as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of a float type.
    Float(Vec<f64>),
    /// Of an integer type.
    Int(Vec<i64>),
}

impl Values {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Values::Float(v) => v.len(),
            Values::Int(v) => v.len(),
        }
    }
}

/// A tensor of a corpus. One whose elements are not known, only its shape, has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub element: Element,
    /// The elements.
    pub values: Values,
}

impl Array {
    /// Reads little-endian elements.
    ///
    /// # Errors
    /// [`Error::Document`] if the bytes are not as many as the shape needs.
    pub fn from_bytes(element: Element, shape: &[usize], bytes: &[u8]) -> Result<Array> {
        macro_rules! read {
            ($kind:ident, $type:ty, $wide:ty) => {
                Values::$kind(
                    bytes
                        .chunks_exact(size_of::<$type>())
                        .map(|b| <$wide>::from(bytemuck::pod_read_unaligned::<$type>(b)))
                        .collect(),
                )
            };
        }
        let values = match element {
            Element::F64 => read!(Float, f64, f64),
            Element::F32 => read!(Float, f32, f64),
            Element::F16 => read!(Float, f16, f64),
            Element::BF16 => read!(Float, bf16, f64),
            Element::I64 => read!(Int, i64, i64),
            Element::I32 => read!(Int, i32, i64),
            Element::I16 => read!(Int, i16, i64),
            Element::I8 => read!(Int, i8, i64),
            Element::U8 => read!(Int, u8, i64),
        };
        let elements = shape.iter().try_fold(1usize, |n, &l| n.checked_mul(l));
        if elements != Some(values.len()) {
            return Err(Error::Document {
                document: "tensor".into(),
                reason: format!("{} elements cannot have the shape {shape:?}", values.len()),
            });
        }
        Ok(Array { shape: shape.to_vec(), element, values })
    }

    /// An array of which only shape and type are known.
    pub fn unknown(element: Element, shape: &[usize]) -> Array {
        let values = if element.is_float() { Values::Float(vec![]) } else { Values::Int(vec![]) };
        Array { shape: shape.to_vec(), element, values }
    }

    /// The elements of an integer tensor, as lengths and axes are given; nothing of a float tensor.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Int(v) => Some(v),
            Values::Float(_) => None,
        }
    }

    /// Element `i` for comparisons and people.
    pub fn get(&self, i: usize) -> Option<f64> {
        match &self.values {
            Values::Float(v) => v.get(i).copied(),
            Values::Int(v) => v.get(i).map(|&x| x as f64),
        }
    }

    /// The position of flat element `i` on each axis.
    pub fn position(&self, mut i: usize) -> Vec<usize> {
        let mut position: Vec<usize> = Vec::with_capacity(self.shape.len());
        for &length in self.shape.iter().rev() {
            position.push(i % length.max(1));
            i /= length.max(1);
        }
        position.reverse();
        position
    }
}
