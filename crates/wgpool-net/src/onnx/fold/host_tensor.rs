//! Tensors on the host: their elements as bytes, and single elements as numbers.

use std::borrow::Cow;

use half::{bf16, f16};

use super::super::element_type::ElementType;
use super::super::messages::Tensor;
use wgpool::error::{Error, Result};

/// A constant: its shape, and its elements as bytes, which may be those of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor<'a> {
    shape: Vec<usize>,
    elements: ElementType,
    size: usize,
    bytes: Cow<'a, [u8]>,
}

/// An element, in a type that holds all integers or all floats of the types that are read. A bool is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

impl<'a> HostTensor<'a> {
    /// A tensor with its elements as bytes, least significant first, in row-major order.
    ///
    /// # Errors
    /// [`Error::Document`] if the bytes are not as many as shape and type make, or the type has elements that are not read.
    pub fn new(
        shape: impl Into<Vec<usize>>,
        elements: ElementType,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<HostTensor<'a>> {
        let (shape, bytes, size) = (shape.into(), bytes.into(), elements.size().unwrap_or_default());
        if size == 0 || count(&shape).and_then(|n| n.checked_mul(size)) != Some(bytes.len()) {
            let reason = format!("{} bytes do not make the shape {shape:?} of {elements}", bytes.len());
            return Err(Error::document("tensor on the host", reason));
        }
        Ok(HostTensor { shape, elements, size, bytes })
    }

    /// A tensor of a file; nothing is copied where its bytes lie in the file.
    ///
    /// # Errors
    /// Those of [`Tensor::bytes`].
    pub fn of(tensor: &Tensor<'a>) -> Result<HostTensor<'a>> {
        HostTensor::new(tensor.shape()?, tensor.element_type()?, tensor.bytes()?)
    }

    /// Numbers of 64 bits with one axis, as shapes are.
    pub fn from_i64s(numbers: &[i64]) -> HostTensor<'a> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        HostTensor { shape: vec![numbers.len()], elements: ElementType::I64, size: 8, bytes: bytes.into() }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of its elements.
    pub fn elements(&self) -> ElementType {
        self.elements
    }

    /// Its elements as bytes, least significant first, in row-major order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its elements as bytes, without a copy.
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.bytes
    }

    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.size
    }

    /// Its elements, if they are integers or bools; those of 64 bits without sign wrap.
    pub fn i64s(&self) -> Option<Vec<i64>> {
        let ints = (0..self.count()).map(|i| match self.number(i) {
            Number::Int(int) => Some(int as i64),
            Number::Float(_) => None,
        });
        ints.collect()
    }

    /// Its elements as floats of 64 bits.
    pub fn f64s(&self) -> Vec<f64> {
        let floats = (0..self.count()).map(|i| match self.number(i) {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        });
        floats.collect()
    }

    /// Bytes of an element.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The bytes of `elements` elements from one on.
    pub(super) fn run(&self, at: usize, elements: usize) -> &[u8] {
        let begin = at.saturating_mul(self.size);
        self.bytes.get(begin..begin.saturating_add(elements.saturating_mul(self.size))).unwrap_or_default()
    }

    /// The same elements in another shape of as many.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> HostTensor<'a> {
        HostTensor { shape, ..self.clone() }
    }

    /// An element.
    pub(super) fn number(&self, at: usize) -> Number {
        let run = self.run(at, 1);
        macro_rules! of {
            ($ty:ty) => {{
                let mut bytes = [0; size_of::<$ty>()];
                bytes.iter_mut().zip(run).for_each(|(to, from)| *to = *from);
                <$ty>::from_le_bytes(bytes)
            }};
        }
        match self.elements {
            ElementType::F32 => Number::Float(of!(f32).into()),
            ElementType::F64 => Number::Float(of!(f64)),
            ElementType::F16 => Number::Float(of!(f16).into()),
            ElementType::BF16 => Number::Float(of!(bf16).into()),
            ElementType::Bool => Number::Int((of!(u8) != 0).into()),
            ElementType::I8 => Number::Int(of!(i8).into()),
            ElementType::I16 => Number::Int(of!(i16).into()),
            ElementType::U16 => Number::Int(of!(u16).into()),
            ElementType::I32 => Number::Int(of!(i32).into()),
            ElementType::U32 => Number::Int(of!(u32).into()),
            ElementType::I64 => Number::Int(of!(i64).into()),
            ElementType::U64 => Number::Int(of!(u64).into()),
            _ => Number::Int(of!(u8).into()),
        }
    }
}

/// How many elements a shape has, if they can be counted.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length))
}

/// Puts a number behind `to` as an element of a type: integers wrap, and floats are rounded once; as integers they
/// are rounded towards zero, and the nearest ones that there are.
pub(super) fn push(to: &mut Vec<u8>, elements: ElementType, number: Number) {
    // A float of 64 bits that came of 16 bits by one operation has them all in 32 bits.
    let float = match number {
        Number::Int(int) => int as f32,
        Number::Float(float) => float as f32,
    };
    let size = elements.size().unwrap_or_default();
    let int = match (number, elements) {
        (Number::Int(int), _) => int,
        (Number::Float(float), ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64) => {
            (float as i128).clamp(0, (1 << (8 * size)) - 1)
        }
        (Number::Float(float), _) => {
            let most = i128::MAX >> (128 - 8 * size.max(1));
            (float as i128).clamp(-most - 1, most)
        }
    };
    match elements {
        ElementType::F32 => to.extend(float.to_le_bytes()),
        ElementType::F16 => to.extend(f16::from_f32(float).to_le_bytes()),
        ElementType::BF16 => to.extend(bf16::from_f32(float).to_le_bytes()),
        ElementType::F64 => match number {
            Number::Int(int) => to.extend((int as f64).to_le_bytes()),
            Number::Float(float) => to.extend(float.to_le_bytes()),
        },
        ElementType::Bool => to.push(match number {
            Number::Int(int) => int != 0,
            Number::Float(float) => float != 0.0,
        } as u8),
        _ => to.extend(int.to_le_bytes().iter().take(size)),
    }
}
