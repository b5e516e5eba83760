//! What an app's functions are told of a node.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Failure;
use wgpool::tensor::{Tensor, TensorDesc};

/// The value of an attribute. Tensors are stored as programs compute with them: integers as i32, each bool as an f32, 0 or 1.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f32),
    /// A text, or any bytes.
    Text(Vec<u8>),
    /// A tensor.
    Tensor(Arc<Tensor>),
    /// Integers.
    Ints(Vec<i64>),
    /// Floats.
    Floats(Vec<f32>),
    /// Texts.
    Texts(Vec<Vec<u8>>),
    /// Tensors.
    Tensors(Vec<Arc<Tensor>>),
}

impl Attribute {
    /// The name of its type in ONNX.
    fn type_name(&self) -> &'static str {
        match self {
            Attribute::Int(_) => "int",
            Attribute::Float(_) => "float",
            Attribute::Text(_) => "string",
            Attribute::Tensor(_) => "tensor",
            Attribute::Ints(_) => "ints",
            Attribute::Floats(_) => "floats",
            Attribute::Texts(_) => "strings",
            Attribute::Tensors(_) => "tensors",
        }
    }
}

macro_rules! from {
    ($($from:ty, $value:ident => $attribute:expr;)*) => {
        $(impl From<$from> for Attribute {
            fn from($value: $from) -> Attribute {
                $attribute
            }
        })*
    };
}

from! {
    i64, value => Attribute::Int(value);
    f32, value => Attribute::Float(value);
    &str, value => Attribute::Text(value.into());
    Tensor, value => Attribute::Tensor(Arc::new(value));
    Vec<i64>, value => Attribute::Ints(value);
    Vec<f32>, value => Attribute::Floats(value);
    Vec<&str>, value => Attribute::Texts(value.into_iter().map(Vec::from).collect());
}

/// A node of an operator.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// The operator's domain; ONNX' own is `""`.
    pub domain: String,
    /// The operator's name.
    pub operator: String,
    /// The version of the domain's operators that the model is written for.
    pub version: Option<i64>,
    /// The attributes by their names.
    pub attributes: BTreeMap<String, Attribute>,
    /// Which of its inputs are given, in order: the tensors of functions are those.
    pub given: Vec<bool>,
    /// How many outputs it names.
    pub outputs: usize,
}

impl Node {
    /// A node without attributes.
    pub fn new(domain: impl Into<String>, operator: impl Into<String>) -> Node {
        Node { domain: domain.into(), operator: operator.into(), outputs: 1, ..Node::default() }
    }

    /// Sets an attribute.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Attribute>) -> Node {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// What errors and explanations call its operator.
    pub fn label(&self) -> String {
        match self.domain.as_str() {
            "" => self.operator.clone(),
            domain => format!("{domain}.{}", self.operator),
        }
    }

    fn wrong<T>(&self, name: &str, is: &Attribute, must: &str) -> Result<T, Failure> {
        Err(format!("attribute {name} is {}, but must be {must}", is.type_name()).into())
    }

    /// An integer, if it is given. In all these calls an attribute of another type is an error with both types.
    ///
    /// # Errors
    /// If the attribute is no `int`.
    pub fn int(&self, name: &str) -> Result<Option<i64>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Int(int)) => Ok(Some(*int)),
            Some(other) => self.wrong(name, other, "int"),
        }
    }

    /// An integer, or another one if it is not given.
    ///
    /// # Errors
    /// If the attribute is no `int`.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64, Failure> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// A float, if it is given.
    ///
    /// # Errors
    /// If the attribute is no `float`.
    pub fn float(&self, name: &str) -> Result<Option<f32>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Float(float)) => Ok(Some(*float)),
            Some(other) => self.wrong(name, other, "float"),
        }
    }

    /// A float, or another one if it is not given.
    ///
    /// # Errors
    /// If the attribute is no `float`.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32, Failure> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    /// A text, if it is given.
    ///
    /// # Errors
    /// If the attribute is no `string`, or no UTF-8; [`Node::attributes`] has any bytes.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Text(bytes)) => utf8(name, bytes).map(Some),
            Some(other) => self.wrong(name, other, "string"),
        }
    }

    /// A text, or another one if it is not given.
    ///
    /// # Errors
    /// If the attribute is no `string`, or no UTF-8.
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Failure> {
        Ok(self.text(name)?.unwrap_or(default))
    }

    /// A tensor, if it is given.
    ///
    /// # Errors
    /// If the attribute is no `tensor`.
    pub fn tensor(&self, name: &str) -> Result<Option<&Tensor>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Tensor(tensor)) => Ok(Some(tensor)),
            Some(other) => self.wrong(name, other, "tensor"),
        }
    }

    /// Integers, if they are given.
    ///
    /// # Errors
    /// If the attribute is no `ints`.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Ints(ints)) => Ok(Some(ints)),
            Some(other) => self.wrong(name, other, "ints"),
        }
    }

    /// Floats, if they are given.
    ///
    /// # Errors
    /// If the attribute is no `floats`.
    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Floats(floats)) => Ok(Some(floats)),
            Some(other) => self.wrong(name, other, "floats"),
        }
    }

    /// Texts, if they are given.
    ///
    /// # Errors
    /// If the attribute is no `strings`, or one is no UTF-8.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Failure> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Texts(texts)) => {
                texts.iter().map(|bytes| utf8(name, bytes)).collect::<Result<_, _>>().map(Some)
            }
            Some(other) => self.wrong(name, other, "strings"),
        }
    }
}

fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| format!("attribute {name} is no UTF-8: {error}").into())
}

/// An input of a node, when its outputs' shapes are asked for.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    desc: &'a TensorDesc,
    known: Option<&'a Tensor>,
    asked: Cell<bool>,
}

impl<'a> Input<'a> {
    pub(super) fn new(desc: &'a TensorDesc, known: Option<&'a Tensor>) -> Input<'a> {
        Input { desc, known, asked: Cell::new(false) }
    }

    /// Its shape and type.
    pub fn desc(&self) -> &'a TensorDesc {
        self.desc
    }

    /// Its numbers, where they are known before anything runs. Whoever asks makes them part of the program: sessions do not take
    /// others for them (`Session::set_weights`). A session on a GPU has let go of weights, so that to its `with_batch` none are known.
    pub fn known(&self) -> Option<&'a Tensor> {
        self.asked.set(true);
        self.known
    }

    pub(super) fn was_asked(&self) -> bool {
        self.asked.get()
    }
}
