//! The messages of ONNX: which fields each has, in one table.
//!
//! From it come their structs and the walk that finds what is not of their form. Fields that are not in it are skipped.

use wgpool::error::{Refusal, Result};

use super::body::{Body, text};
use super::refused::refused;
use super::wire::{Reader, Value, malformed};

/// How deep messages may lie in each other: control flow nests three in each level.
const MAX_DEPTH: usize = 64;

/// What a field holds, and how often it may be given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holds {
    Int,
    Ints,
    Float,
    Floats,
    Doubles,
    Bytes,
    Text,
    Texts,
    /// A message that may be given once.
    Message(Kind),
    Messages(Kind),
}

/// What a field's kind in the table means: what is checked, and the function that returns it.
macro_rules! field {
    (holds int) => { Holds::Int };
    (holds ints) => { Holds::Ints };
    (holds float) => { Holds::Float };
    (holds floats) => { Holds::Floats };
    (holds doubles) => { Holds::Doubles };
    (holds bytes) => { Holds::Bytes };
    (holds bytes_each) => { Holds::Bytes };
    (holds text) => { Holds::Text };
    (holds texts) => { Holds::Texts };
    (holds (one $kind:ident)) => { Holds::Message(Kind::$kind) };
    (holds (each $kind:ident)) => { Holds::Messages(Kind::$kind) };
    (holds (merged $kind:ident)) => { Holds::Messages(Kind::$kind) };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident int) => {
        $(#[$doc])* $see fn $name(&self) -> Option<i64> { self.0.number($number).map(|bits| bits as i64) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident float) => {
        $(#[$doc])* $see fn $name(&self) -> Option<f32> { self.0.number($number).map(|bits| f32::from_bits(bits as u32)) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident ints) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = i64> + use<'a> {
            self.0.numbers($number, |reader| reader.varint().ok()).map(|bits| bits as i64)
        }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident floats) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = f32> + use<'a> {
            let floats = self.0.numbers($number, |reader| reader.fixed32().ok().map(u64::from));
            floats.map(|bits| f32::from_bits(bits as u32))
        }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident doubles) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = f64> + use<'a> {
            self.0.numbers($number, |reader| reader.fixed64().ok()).map(f64::from_bits)
        }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident bytes) => {
        $(#[$doc])* $see fn $name(&self) -> Option<&'a [u8]> { self.0.each($number).last().map(Reader::bytes) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident bytes_each) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> { self.0.each($number).map(Reader::bytes) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident text) => {
        $(#[$doc])* $see fn $name(&self) -> &'a str { self.0.text($number) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident texts) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = &'a str> + use<'a> { self.0.each($number).map(text) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident (one $kind:ident)) => {
        $(#[$doc])* $see fn $name(&self) -> Option<$kind<'a>> { self.0.each($number).last().map(|r| $kind(Body::new(r))) }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident (each $kind:ident)) => {
        $(#[$doc])* $see fn $name(&self) -> impl Iterator<Item = $kind<'a>> + use<'a> {
            self.0.each($number).map(|r| $kind(Body::new(r)))
        }
    };
    ($(#[$doc:meta])* $number:literal $see:vis $name:ident (merged $kind:ident)) => {
        $(#[$doc])* $see fn $name(&self) -> $kind<'a> { $kind(self.0.merged($number)) }
    };
}

macro_rules! messages {
    ($($(#[$about:meta])* $vis:vis $kind:ident {
        $($(#[$doc:meta])* $number:literal $see:vis $name:ident: $holds:tt,)*
    })*) => {
        /// Which message.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(super) enum Kind {
            $($kind,)*
        }

        impl Kind {
            /// What a field holds, if it is read.
            fn field(self, number: u32) -> Option<Holds> {
                match self {
                    $(Kind::$kind => match number {
                        $($number => Some(field!(holds $holds)),)*
                        _ => None,
                    },)*
                }
            }
        }

        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug)]
            $vis struct $kind<'a>(pub(super) Body<'a>);

            impl<'a> $kind<'a> {
                $(field!($(#[$doc])* $number $see $name $holds);)*
            }
        )*
    };
}

messages! {
    /// A model: a graph, and the versions of the operators in it.
    pub Model {
        /// The version of the file format.
        1 pub ir_version: int,
        /// The program that wrote the file.
        2 pub producer: text,
        /// Its version.
        3 pub producer_version: text,
        /// The graph.
        7 pub graph: (merged Graph),
        8 pub(super) opsets: (each Opset),
        /// Properties that the program added.
        14 pub properties: (each Property),
    }
    pub(super) Opset {
        1 pub(super) domain: text,
        2 pub(super) version: int,
    }
    /// A key with its value.
    pub Property {
        /// The key.
        1 pub key: text,
        /// The value.
        2 pub value: text,
    }
    /// Nodes, and the values that they read and make.
    pub Graph {
        /// The nodes, each behind those whose outputs it reads.
        1 pub nodes: (each Node),
        /// Its name.
        2 pub name: text,
        /// Constant values.
        5 pub initializers: (each Tensor),
        /// What is given to run it; in old files the initializers too.
        11 pub inputs: (each ValueInfo),
        /// Its results.
        12 pub outputs: (each ValueInfo),
        /// What the file says of values between the nodes.
        13 pub value_infos: (each ValueInfo),
        15 pub(super) sparse_initializers: bytes_each,
    }
    /// An operator with its inputs, outputs and attributes.
    pub Node {
        /// The names of its inputs; an empty one is absent.
        1 pub inputs: texts,
        /// The names of its outputs; an empty one is not wanted.
        2 pub outputs: texts,
        /// Its name, which may be empty.
        3 pub name: text,
        /// The operator.
        4 pub op_type: text,
        /// The attributes; [`Node::int`] and the like find them by name.
        5 pub attributes: (each Attribute),
        7 pub(super) raw_domain: text,
    }
    /// An attribute of a node.
    pub Attribute {
        /// Its name.
        1 pub name: text,
        2 pub(super) float: float,
        3 pub(super) int: int,
        4 pub(super) text: bytes,
        5 pub(super) tensor: (one Tensor),
        6 pub(super) graph: (one Graph),
        7 pub(super) floats: floats,
        8 pub(super) ints: ints,
        9 pub(super) texts: bytes_each,
        10 pub(super) tensors: (each Tensor),
        11 pub(super) graphs: (each Graph),
        20 pub(super) code: int,
        21 pub(super) reference: text,
    }
    /// A tensor in the file, or in another one that it names.
    pub Tensor {
        1 pub(super) raw_dims: ints,
        2 pub(super) code: int,
        3 pub(super) segment: bytes,
        4 pub(super) floats: floats,
        5 pub(super) int32s: ints,
        7 pub(super) int64s: ints,
        /// Its name.
        8 pub name: text,
        9 pub(super) raw: bytes,
        10 pub(super) doubles: doubles,
        11 pub(super) uint64s: ints,
        13 pub(super) external_properties: (each Property),
        14 pub(super) location: int,
    }
    /// The name of a value, and what the file says of its type.
    pub ValueInfo {
        /// Its name.
        1 pub name: text,
        2 pub(super) ty: (one Type),
    }
    pub(super) Type {
        1 pub(super) tensor: (one TensorType),
        4 pub(super) sequence: bytes,
        5 pub(super) map: bytes,
        8 pub(super) sparse_tensor: bytes,
        9 pub(super) optional: bytes,
    }
    pub(super) TensorType {
        1 pub(super) code: int,
        2 pub(super) shape: (one Shape),
    }
    pub(super) Shape {
        1 pub(super) dims: (each Dimension),
    }
    pub(super) Dimension {
        1 pub(super) value: int,
        2 pub(super) name: text,
    }
}

/// Checks the form of a message and of all in it; `depth` messages lie around it. Data of tensors are not looked at.
pub(super) fn check(kind: Kind, mut reader: Reader<'_>, depth: usize) -> Result<()> {
    if depth >= MAX_DEPTH {
        let rule = format!("messages lie more than {MAX_DEPTH} deep in each other");
        return Err(refused(Refusal::Limit, format!("byte {}", reader.at()), rule));
    }
    let mut given = 0u64;
    while let Some(field) = reader.field()? {
        let Some(holds) = kind.field(field.number) else { continue };
        match (holds, field.value) {
            (Holds::Int | Holds::Ints, Value::Varint(_))
            | (Holds::Float | Holds::Floats, Value::Fixed32(_))
            | (Holds::Doubles, Value::Fixed64(_))
            | (Holds::Bytes, Value::Bytes(_)) => {}
            (Holds::Ints, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    packed.varint()?;
                }
            }
            (Holds::Floats, Value::Bytes(packed)) if packed.bytes().len().is_multiple_of(4) => {}
            (Holds::Doubles, Value::Bytes(packed)) if packed.bytes().len().is_multiple_of(8) => {}
            (Holds::Text | Holds::Texts, Value::Bytes(text)) => {
                std::str::from_utf8(text.bytes()).map_err(|error| {
                    malformed(text.at() + error.valid_up_to(), format!("a text of {kind:?} is no UTF-8"))
                })?;
            }
            (Holds::Message(inner), Value::Bytes(message)) => {
                if given & 1 << field.number != 0 {
                    let rule = format!("field {} of {kind:?} is given twice", field.number);
                    return Err(malformed(field.at, rule));
                }
                given |= 1 << field.number;
                check(inner, message, depth + 1)?;
            }
            (Holds::Messages(inner), Value::Bytes(message)) => check(inner, message, depth + 1)?,
            (holds, value) => {
                let found = match value {
                    Value::Varint(_) => "a varint".to_owned(),
                    Value::Fixed32(_) => "32 bits".to_owned(),
                    Value::Fixed64(_) => "64 bits".to_owned(),
                    Value::Bytes(reader) => format!("{} bytes", reader.bytes().len()),
                };
                let rule = format!("field {} of {kind:?} is {found}, but must be {holds:?}", field.number);
                return Err(malformed(field.at, rule));
            }
        }
    }
    Ok(())
}
