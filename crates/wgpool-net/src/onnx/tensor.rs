//! Tensors of a file: their shapes, and their elements as bytes.

use std::borrow::Cow;

use super::element_type::ElementType;
use super::messages::Tensor;
use super::refused::{quoted, refused};
use wgpool::error::{Error, Refusal, Result};

/// The most axes that a tensor may have.
const MAX_AXES: usize = 64;

impl<'a> Tensor<'a> {
    /// The error of this tensor.
    pub(super) fn refused(&self, refusal: Refusal, reason: impl Into<String>) -> Error {
        refused(refusal, format!("tensor {}", quoted(self.name())), reason)
    }

    /// The type of its elements.
    ///
    /// # Errors
    /// [`Error::Network`] if the file has a number that is no type.
    pub fn element_type(&self) -> Result<ElementType> {
        ElementType::of(self.code(), || format!("tensor {}", quoted(self.name())))
    }

    /// The length of each axis; a number has none.
    ///
    /// # Errors
    /// [`Error::Network`] if a length is negative, or there are more than 64.
    pub fn shape(&self) -> Result<Vec<usize>> {
        if self.raw_dims().nth(MAX_AXES).is_some() {
            return Err(self.refused(Refusal::Limit, format!("it has more than {MAX_AXES} axes")));
        }
        let lengths = self.raw_dims().map(|dim| {
            usize::try_from(dim)
                .map_err(|_| self.refused(Refusal::Tensor, format!("axes cannot have the length {dim}")))
        });
        lengths.collect()
    }

    /// How many elements and bytes the shape and type make.
    pub(super) fn sizes(&self) -> Result<(usize, usize)> {
        let (shape, ty) = (self.shape()?, self.element_type()?);
        let Some(size) = ty.size() else {
            return Err(self.refused(Refusal::Unsupported, format!("tensors of the type {ty} are not read")));
        };
        // An empty tensor has no elements, whatever its other axes are.
        let elements = match shape.contains(&0) {
            true => Some(0),
            false => shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length)),
        };
        elements.and_then(|n| Some((n, n.checked_mul(size)?))).ok_or_else(|| {
            self.refused(Refusal::Tensor, format!("the size of the shape {shape:?} of {ty} overflows"))
        })
    }

    /// Its elements as bytes, least significant first, in row-major order: those of the file where they lie in it like that
    /// (`raw_data`, packed floats), else decoded.
    ///
    /// A bool is a byte, 0 if it is false.
    ///
    /// # Errors
    /// [`Error::Network`] if the data are not as many as the shape and the type make, which is known before memory is
    /// allocated; if their type is not read (strings, complex numbers, elements of less than a byte or in float8); or if they lie
    /// in another file ([`external`](Tensor::external)).
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>> {
        let (elements, bytes) = self.sizes()?;
        if self.segment().is_some() {
            return Err(self.refused(Refusal::Unsupported, "tensors in segments are not read"));
        }
        if let Some(external) = self.external()? {
            let reason =
                format!("its data are in the file {}, which was not read", quoted(external.location));
            return Err(self.refused(Refusal::External, reason));
        }
        let lists = [
            ("float_data", self.floats().count()),
            ("int32_data", self.int32s().count()),
            ("int64_data", self.int64s().count()),
            ("double_data", self.doubles().count()),
            ("uint64_data", self.uint64s().count()),
        ];
        let ty = self.element_type()?;
        let own = match ty {
            ElementType::F32 => "float_data",
            ElementType::I64 => "int64_data",
            ElementType::F64 => "double_data",
            ElementType::U32 | ElementType::U64 => "uint64_data",
            _ => "int32_data",
        };
        let raw = self.raw();
        for (list, count) in lists {
            if count > 0 && (raw.is_some() || list != own) {
                let also = if raw.is_some() { "raw_data" } else { own };
                let reason = format!("it has {count} numbers in {list}, but data of {ty} are in {also}");
                return Err(self.refused(Refusal::Tensor, reason));
            }
        }
        if let Some(raw) = raw {
            return self.checked_length(raw, bytes).map(Cow::Borrowed);
        }
        let count = lists.iter().map(|(_, count)| count).sum::<usize>();
        if count != elements {
            let reason =
                format!("{own} has {count} numbers, but its shape {:?} makes {elements}", self.shape()?);
            return Err(self.refused(Refusal::Tensor, reason));
        }
        if let Some(packed) = self.packed().filter(|packed| packed.len() == bytes) {
            return Ok(Cow::Borrowed(packed));
        }
        let mut decoded = Vec::new();
        decoded
            .try_reserve_exact(bytes)
            .map_err(|_| self.refused(Refusal::Limit, format!("there is no memory for its {bytes} bytes")))?;
        self.decode(ty, &mut decoded)?;
        Ok(Cow::Owned(decoded))
    }

    /// The bytes, if they are as many as the shape makes.
    pub(super) fn checked_length<'b>(&self, bytes: &'b [u8], expected: usize) -> Result<&'b [u8]> {
        if bytes.len() == expected {
            return Ok(bytes);
        }
        let (shape, ty) = (self.shape()?, self.element_type()?);
        let reason =
            format!("its data have {} bytes, but the shape {shape:?} of {ty} makes {expected}", bytes.len());
        Err(self.refused(Refusal::Tensor, reason))
    }

    /// Floats that lie in the file as they lie in memory: a list in one piece.
    fn packed(&self) -> Option<&'a [u8]> {
        let mut pieces = match self.element_type().ok()? {
            ElementType::F32 => self.0.each(4),
            ElementType::F64 => self.0.each(10),
            _ => return None,
        };
        let first = pieces.next()?;
        pieces.next().is_none().then_some(first.bytes())
    }

    /// Puts the numbers of the lists behind `to`.
    fn decode(&self, ty: ElementType, to: &mut Vec<u8>) -> Result<()> {
        macro_rules! narrowed {
            ($list:expr, $narrow:ty) => {
                for (at, value) in $list.enumerate() {
                    let narrow = <$narrow>::try_from(value).map_err(|_| {
                        self.refused(Refusal::Tensor, format!("element {at} is {value}, which is no {ty}"))
                    })?;
                    to.extend(narrow.to_le_bytes());
                }
            };
        }
        match ty {
            ElementType::F32 => self.floats().for_each(|value| to.extend(value.to_le_bytes())),
            ElementType::F64 => self.doubles().for_each(|value| to.extend(value.to_le_bytes())),
            ElementType::I64 => self.int64s().for_each(|value| to.extend(value.to_le_bytes())),
            ElementType::U64 => self.uint64s().for_each(|value| to.extend(value.to_le_bytes())),
            ElementType::U32 => narrowed!(self.uint64s().map(|value| value as u64), u32),
            ElementType::I32 => narrowed!(self.int32s(), i32),
            ElementType::I16 => narrowed!(self.int32s(), i16),
            ElementType::I8 => narrowed!(self.int32s(), i8),
            ElementType::U8 => narrowed!(self.int32s(), u8),
            ElementType::Bool => self.int32s().for_each(|value| to.push(u8::from(value != 0))),
            // The bits of 16-bit floats are stored as integers.
            _ => narrowed!(self.int32s(), u16),
        }
        Ok(())
    }
}
