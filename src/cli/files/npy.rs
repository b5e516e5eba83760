//! NumPy's array format, versions 1 to 3, for the element types that tensors have.

use wgpool::{DType, Data, Tensor};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read; NumPy itself stops at 10,000 bytes.
const LONGEST_HEADER: usize = 10_000;

/// Headers are padded so that the elements start at a multiple of this.
const ALIGNMENT: usize = 64;

/// Reads an array; errors say what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Tensor, String> {
    let (header, elements) = split(bytes)?;
    let header = Header::parse(header)?;
    let dtype = dtype(&header.descr)?;
    if header.fortran_order && header.shape.len() > 1 {
        return Err("its elements are in Fortran order; save np.ascontiguousarray(...) of it".into());
    }
    let needed = header.shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d));
    if needed != Some(elements.len()) {
        let shape = &header.shape;
        return Err(format!("{} bytes of elements do not make shape {shape:?} of {dtype}", elements.len()));
    }
    Tensor::new(&header.shape, Data::from_bytes(dtype, elements)).map_err(|e| e.to_string())
}

/// Writes an array in version 1.0.
pub fn encode(tensor: &Tensor) -> Vec<u8> {
    let descr = match tensor.dtype() {
        DType::F16 => "<f2",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::I32 => "<i4",
        _ => "<f4",
    };
    let lengths: String = tensor.shape().iter().map(|d| format!("{d}, ")).collect();
    // A tuple of one element keeps its comma.
    let lengths = if tensor.shape().len() == 1 { lengths.trim_end() } else { lengths.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    let start = MAGIC.len() + 4;
    let padded = (start + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', padded - start - header.len() - 1));
    header.push('\n');

    let elements = tensor.data().as_bytes();
    let mut bytes = Vec::with_capacity(padded + elements.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[1, 0]);
    // Tensors have few axes: the header is far below 64 KiB.
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(elements);
    bytes
}

/// The header's text and the elements behind it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    const SHORT: &str = "the file ends inside its NPY header";
    let rest =
        bytes.strip_prefix(MAGIC).ok_or("it is not an NPY file (it does not start with \\x93NUMPY)")?;
    let (version, rest) = rest.split_at_checked(2).ok_or(SHORT)?;
    let width = match version {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        _ => return Err(format!("NPY version {version:?} is unknown")),
    };
    let (length, rest) = rest.split_at_checked(width).ok_or(SHORT)?;
    let length = length.iter().rev().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
    if length > LONGEST_HEADER {
        return Err(format!("its NPY header of {length} bytes is longer than {LONGEST_HEADER}"));
    }
    let (header, elements) = rest.split_at_checked(length).ok_or(SHORT)?;
    Ok((std::str::from_utf8(header).map_err(|_| "its NPY header is not text")?, elements))
}

/// The element type that a `descr` names.
fn dtype(descr: &str) -> Result<DType, String> {
    Ok(match descr {
        "<f4" => DType::F32,
        "<f2" => DType::F16,
        "|u1" | "u1" => DType::U8,
        "|i1" | "i1" => DType::I8,
        "<i4" => DType::I32,
        other => {
            return Err(format!(
                "its elements are {other:?}, but f32, f16, u8, i8 or i32 (little-endian) are needed; \
                 save it with .astype(\"<f4\")"
            ));
        }
    })
}

/// The dictionary in front of the elements.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the dictionary, which is Python source of a fixed form.
    fn parse(text: &str) -> Result<Header, String> {
        let (mut descr, mut order, mut shape) = (None, None, None);
        let mut text = Cursor(text);
        text.expect("{")?;
        while !text.accept("}") {
            let key = text.quoted()?;
            text.expect(":")?;
            match key {
                "descr" => descr = Some(text.quoted()?.to_owned()),
                "fortran_order" => order = Some(text.boolean()?),
                "shape" => shape = Some(text.lengths()?),
                _ => return Err(format!("its NPY header has an unknown key {key:?}")),
            }
            if !text.accept(",") {
                text.expect("}")?;
                break;
            }
        }
        match (descr, order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
            _ => Err("its NPY header lacks descr, fortran_order or shape".into()),
        }
    }
}

/// What is left of a header.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Steps over white space and `token`, if it comes next.
    fn accept(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Steps over `token`, which must come next.
    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(format!("its NPY header lacks {token:?} where one must be"))
        }
    }

    /// A string in single or double quotes.
    fn quoted(&mut self) -> Result<&'a str, String> {
        let quote = if self.accept("'") { '\'' } else { '"' };
        if quote == '"' {
            self.expect("\"")?;
        }
        let (text, rest) = self.0.split_once(quote).ok_or("its NPY header has a string without end")?;
        self.0 = rest;
        Ok(text)
    }

    /// `True` or `False`.
    fn boolean(&mut self) -> Result<bool, String> {
        if self.accept("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    /// A tuple of lengths.
    fn lengths(&mut self) -> Result<Vec<usize>, String> {
        self.expect("(")?;
        let (inside, rest) = self.0.split_once(')').ok_or("its NPY header has a shape without end")?;
        self.0 = rest;
        let inside = inside.trim();
        let inside = inside.strip_suffix(',').unwrap_or(inside);
        if inside.is_empty() {
            return Ok(Vec::new());
        }
        let length =
            |part: &str| part.trim().parse().map_err(|_| format!("{part:?} is not a length of an axis"));
        inside.split(',').map(length).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], data: Data) -> Tensor {
        Tensor::new(shape, data).expect("a legal shape")
    }

    #[test]
    fn arrays_come_back_as_they_went() {
        for tensor in [
            tensor(&[2, 3], Data::F32(vec![1.0, -0.0, f32::INFINITY, 4.0, 5.0, 6.0])),
            tensor(&[3], Data::I32(vec![1, -2, 3])),
            tensor(&[], Data::F32(vec![7.0])),
            tensor(&[1, 0, 2], Data::U8(vec![])),
            tensor(&[2, 1], Data::I8(vec![-128, 127])),
        ] {
            let bytes = encode(&tensor);
            assert_eq!(bytes.len() % ALIGNMENT, tensor.data().as_bytes().len() % ALIGNMENT);
            assert_eq!(decode(&bytes).as_ref(), Ok(&tensor));
        }
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let header = Header::parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n");
        assert_eq!(header, Ok(Header { descr: "<f4".into(), fortran_order: false, shape: vec![2, 3] }));
        let header = Header::parse("{\"shape\":(5,),\"descr\":\"|u1\",\"fortran_order\":True}");
        assert_eq!(header, Ok(Header { descr: "|u1".into(), fortran_order: true, shape: vec![5] }));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = encode(&tensor(&[2, 2], Data::F32(vec![1.0; 4])));
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn hostile_headers_are_errors() {
        let with = |header: &str| {
            let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
            bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
            bytes.extend_from_slice(header.as_bytes());
            decode(&bytes)
        };
        for header in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ",
            &"(".repeat(9_000),
            &"{".repeat(20_000),
        ] {
            assert!(with(header).is_err(), "{header}");
        }
        assert!(decode(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
    }
}
