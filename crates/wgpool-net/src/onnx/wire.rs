//! Protobuf's wire format: fields one after another in a range of the file, of which nothing is copied.

use super::refused::refused;
use wgpool::error::{Error, Refusal, Result};

/// The error of bytes that are no message.
pub(super) fn malformed(at: usize, rule: impl Into<String>) -> Error {
    refused(Refusal::Parse, format!("byte {at}"), rule)
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(Reader<'a>),
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// Where it begins in the file.
    pub at: usize,
    pub number: u32,
    pub value: Value<'a>,
}

/// What is left of a range of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a [u8]) -> Reader<'a> {
        Reader { file, at: 0, end: file.len() }
    }

    /// The file from a place on.
    pub fn from(self, at: usize) -> Reader<'a> {
        Reader { at: at.min(self.file.len()), end: self.file.len(), ..self }
    }

    /// Nothing of the same file.
    pub fn nothing(self) -> Reader<'a> {
        Reader { at: self.end, ..self }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.file.get(self.at..self.end).unwrap_or_default()
    }

    pub fn at(self) -> usize {
        self.at
    }

    pub fn is_empty(self) -> bool {
        self.at == self.end
    }

    /// A number of one to ten bytes, seven bits in each.
    pub fn varint(&mut self) -> Result<u64> {
        let (mut value, begin) = (0, self.at);
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes().first() else {
                return Err(malformed(begin, "a number ends with its message"));
            };
            self.at += 1;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(malformed(begin, "a number has more than 10 bytes"))
    }

    /// The next bytes, if there are so many.
    fn take(&mut self, length: u64) -> Result<Reader<'a>> {
        let left = self.end - self.at;
        let Some(length) = usize::try_from(length).ok().filter(|&length| length <= left) else {
            let rule = format!("{length} bytes are announced, but {left} are left of the message");
            return Err(malformed(self.at, rule));
        };
        let taken = Reader { end: self.at + length, ..*self };
        self.at += length;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N as u64)?.bytes();
        Ok(std::array::from_fn(|i| bytes.get(i).copied().unwrap_or_default()))
    }

    pub fn fixed32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_le_bytes)
    }

    pub fn fixed64(&mut self) -> Result<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    /// The next field; none behind the last one.
    pub fn field(&mut self) -> Result<Option<Field<'a>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).unwrap_or_default();
        if !(1..1 << 29).contains(&number) {
            return Err(malformed(at, format!("a field has the number {}, not 1 to 536870911", tag >> 3)));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.fixed32()?),
            other => {
                let rule = format!("field {number} has the wire type {other}, but 0, 1, 2 and 5 are read");
                return Err(malformed(at, rule));
            }
        };
        Ok(Some(Field { at, number, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Result<u64> {
        Reader::new(bytes).varint()
    }

    #[test]
    fn numbers_have_one_to_ten_bytes() {
        assert_eq!(varint(&[0]).unwrap(), 0);
        assert_eq!(varint(&[0xac, 2]).unwrap(), 300);
        assert_eq!(varint(&[0x80, 0]).unwrap(), 0);
        let mut minus_one = [0xff; 10];
        minus_one[9] = 1;
        assert_eq!(varint(&minus_one).unwrap() as i64, -1);
        for (bytes, rule) in [
            (&[][..], "ends with its message"),
            (&[0x80], "ends with its message"),
            (&[0x80; 11], "more than 10 bytes"),
        ] {
            let error = varint(bytes).unwrap_err().to_string();
            assert!(error.starts_with("ONNX model: parse: byte 0: ") && error.contains(rule), "{error}");
        }
    }

    #[test]
    fn fields_end_where_their_message_ends() {
        let bytes =
            [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 1, 2, 3, 4, 5, 6, 7, 8];
        let mut reader = Reader::new(&bytes);
        let mut next = || reader.field().unwrap();
        let number = next().unwrap();
        assert!(matches!(number, Field { at: 0, number: 1, value: Value::Varint(150) }), "{number:?}");
        let text = next().unwrap();
        assert!(matches!(text, Field { at: 3, number: 2, value: Value::Bytes(b) } if b.bytes() == b"hi"));
        let float = next().unwrap();
        assert!(matches!(float.value, Value::Fixed32(bits) if f32::from_bits(bits) == 1.0), "{float:?}");
        let double = next().unwrap();
        assert!(matches!(double.value, Value::Fixed64(0x0807_0605_0403_0201)), "{double:?}");
        assert!(next().is_none() && next().is_none());
    }

    #[test]
    fn what_is_no_field_names_its_byte_and_the_rule() {
        for (bytes, expected) in [
            (&[0x08, 0x01, 0x12, 0x05, b'h'][..], "byte 4: 5 bytes are announced, but 1 are left"),
            (
                &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                "byte 11: 18446744073709551615 bytes",
            ),
            (&[0x08, 0x01, 0x02, 0x01], "byte 2: a field has the number 0"),
            (&[0x80, 0x80, 0x80, 0x80, 0x10, 0x00], "byte 0: a field has the number 536870912"),
            (&[0x0b], "byte 0: field 1 has the wire type 3"),
            (&[0x0c], "wire type 4"),
            (&[0x0f], "wire type 7"),
            (&[0x0d, 0, 0, 0], "byte 1: 4 bytes are announced, but 3 are left"),
            (&[0x09, 0, 0, 0], "byte 1: 8 bytes are announced, but 3 are left"),
        ] {
            let mut reader = Reader::new(bytes);
            let error = loop {
                match reader.field() {
                    Ok(field) => assert!(field.is_some(), "{bytes:?}"),
                    Err(error) => break error.to_string(),
                }
            };
            assert!(error.contains(expected), "{error}");
        }
    }
}
