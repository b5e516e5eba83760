//! The fields of a message, looked at where they lie.

use super::wire::{Field, Reader, Value};

/// A message in the file, whose fields are looked for when they are asked for.
///
/// What cannot be read ends the fields: [`check`](super::messages::check) has found it before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    reader: Reader<'a>,
    /// The number of the field whose messages this one is put together from: protobuf merges a message that is given twice.
    /// 0: the fields are the reader's own.
    merged: u32,
}

impl<'a> Body<'a> {
    pub fn new(reader: Reader<'a>) -> Body<'a> {
        Body { reader, merged: 0 }
    }

    pub fn reader(self) -> Reader<'a> {
        self.reader
    }

    pub fn fields(self) -> Fields<'a> {
        match self.merged {
            0 => Fields { inner: self.reader, outer: self.reader.nothing(), merged: 0 },
            merged => Fields { inner: self.reader.nothing(), outer: self.reader, merged },
        }
    }

    /// What the fields of a number hold.
    fn values(self, number: u32) -> impl Iterator<Item = Value<'a>> {
        self.fields().filter(move |field| field.number == number).map(|field| field.value)
    }

    /// The number given last, as 64 bits.
    pub fn number(self, number: u32) -> Option<u64> {
        self.values(number).last().and_then(|value| match value {
            Value::Varint(bits) | Value::Fixed64(bits) => Some(bits),
            Value::Fixed32(bits) => Some(bits.into()),
            Value::Bytes(_) => None,
        })
    }

    /// The numbers of a list, packed or not, as 64 bits.
    pub fn numbers(self, number: u32, next: fn(&mut Reader<'a>) -> Option<u64>) -> Numbers<'a> {
        Numbers { packed: self.reader.nothing(), fields: self.fields(), number, next }
    }

    /// Each of a list of texts, bytes or messages.
    pub fn each(self, number: u32) -> impl Iterator<Item = Reader<'a>> {
        self.values(number).filter_map(|value| match value {
            Value::Bytes(reader) => Some(reader),
            _ => None,
        })
    }

    /// The text given last, or an empty one.
    pub fn text(self, number: u32) -> &'a str {
        self.each(number).last().map(text).unwrap_or_default()
    }

    /// The messages of a number as one message.
    pub fn merged(self, number: u32) -> Body<'a> {
        Body { reader: self.reader, merged: number }
    }
}

/// A text whose encoding has been checked.
pub(super) fn text(reader: Reader<'_>) -> &str {
    std::str::from_utf8(reader.bytes()).unwrap_or_default()
}

/// The fields of a message, in their order.
pub(super) struct Fields<'a> {
    inner: Reader<'a>,
    outer: Reader<'a>,
    merged: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            if let Some(field) = self.inner.field().ok()? {
                return Some(field);
            }
            match self.outer.field().ok()?? {
                Field { number, value: Value::Bytes(part), .. } if number == self.merged => self.inner = part,
                _ => {}
            }
        }
    }
}

/// The numbers of a list.
pub(super) struct Numbers<'a> {
    packed: Reader<'a>,
    fields: Fields<'a>,
    number: u32,
    next: fn(&mut Reader<'a>) -> Option<u64>,
}

impl Iterator for Numbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            if !self.packed.is_empty() {
                return (self.next)(&mut self.packed);
            }
            let field = self.fields.find(|field| field.number == self.number)?;
            match field.value {
                Value::Varint(bits) | Value::Fixed64(bits) => return Some(bits),
                Value::Fixed32(bits) => return Some(bits.into()),
                Value::Bytes(packed) => self.packed = packed,
            }
        }
    }
}
