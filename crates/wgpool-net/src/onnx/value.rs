//! What a file says of a value's type.

use super::element_type::ElementType;
use super::messages::{TensorType as Message, ValueInfo};
use super::refused::{quoted, refused};
use wgpool::error::{Refusal, Result};

/// The length of an axis, as far as a file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim<'a> {
    /// This length.
    Known(usize),
    /// The same wherever the name is.
    Named(&'a str),
    /// Any length: none is given, or -1, which some programs write for it.
    Unknown,
}

impl Dim<'_> {
    /// The length, if the file gives it.
    pub fn length(&self) -> Option<usize> {
        match self {
            Dim::Known(length) => Some(*length),
            Dim::Named(_) | Dim::Unknown => None,
        }
    }
}

/// The length, the name, or `?`.
impl std::fmt::Display for Dim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dim::Known(length) => write!(f, "{length}"),
            Dim::Named(name) => f.write_str(name),
            Dim::Unknown => f.write_str("?"),
        }
    }
}

/// The type of a value that is a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType<'a> {
    /// The type of its elements; none if the file does not say.
    pub elements: Option<ElementType>,
    /// The length of each axis; none if not even their number is known.
    pub dims: Option<Vec<Dim<'a>>>,
}

impl TensorType<'_> {
    /// The axes as text, `[batch, 3, ?]`; none if not even their number is known.
    pub fn axes(&self) -> Option<String> {
        let dims: Vec<String> = self.dims.as_ref()?.iter().map(Dim::to_string).collect();
        Some(format!("[{}]", dims.join(", ")))
    }
}

impl<'a> ValueInfo<'a> {
    /// Its type.
    ///
    /// # Errors
    /// [`Error::Network`](wgpool::Error::Network) if it is no tensor, if its element type is no number of a type, or if it has a negative length or more
    /// than 64 axes.
    pub fn tensor_type(&self) -> Result<TensorType<'a>> {
        let at = || format!("value {}", quoted(self.name()));
        let wrong = |refusal, reason: String| Err(refused(refusal, at(), reason));
        let Some(ty) = self.ty() else { return Ok(TensorType { elements: None, dims: None }) };
        let others = [
            ("a sequence", ty.sequence()),
            ("a map", ty.map()),
            ("a sparse tensor", ty.sparse_tensor()),
            ("an optional value", ty.optional()),
        ];
        if let Some((other, _)) = others.iter().find(|(_, given)| given.is_some()) {
            return wrong(Refusal::Unsupported, format!("it is {other}, but only tensors are supported"));
        }
        let elements = ty.tensor().and_then(|tensor| tensor.code());
        let elements = elements.map(|code| ElementType::of(Some(code), at)).transpose()?;
        let Some(shape) = ty.tensor().as_ref().and_then(Message::shape) else {
            return Ok(TensorType { elements, dims: None });
        };
        if shape.dims().nth(64).is_some() {
            return wrong(Refusal::Limit, "it has more than 64 axes".into());
        }
        let mut dims = Vec::new();
        for dim in shape.dims() {
            dims.push(match (dim.value(), dim.name()) {
                (Some(-1), _) | (None, "") => Dim::Unknown,
                (None, name) => Dim::Named(name),
                (Some(length), _) => match usize::try_from(length) {
                    Ok(length) => Dim::Known(length),
                    Err(_) => {
                        return wrong(Refusal::Shape, format!("axis {} has the length {length}", dims.len()));
                    }
                },
            });
        }
        Ok(TensorType { elements, dims: Some(dims) })
    }
}
