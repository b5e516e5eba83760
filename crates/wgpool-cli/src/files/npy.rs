//! NumPy's array format: numbers of every type are read, those that tensors have are written.

use std::borrow::Cow;

use ndarray::ArrayViewD;
use ndarray_npy::npy::header::{Header, Layout};
use wgpool::{DType, Data, Tensor};

use super::array::{Array, Elements};

/// Every element type with its name in a header; all are little-endian.
const NAMES: [(DType, &str); 5] =
    [(DType::F32, "<f4"), (DType::F16, "<f2"), (DType::U8, "|u1"), (DType::I8, "|i1"), (DType::I32, "<i4")];

/// Longest header that is read, as in NumPy itself.
const LONGEST_HEADER: usize = 10_000;

/// Brackets that open in a header: of the dictionary and of its shape.
const BRACKETS: usize = 2;

/// Reads an array of any plain numbers, in either byte order and either order of axes; errors say what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Array, String> {
    check_header(bytes)?;
    let mut rest = bytes;
    let header = Header::from_reader(&mut rest).map_err(|e| format!("its NPY header cannot be read: {e}"))?;
    let descr = &header.type_descriptor;
    let unknown = || format!("its elements are {descr}, which are no real numbers");
    let name = descr.as_string().ok_or_else(unknown)?;
    let kind = name.trim_start_matches(['<', '>', '|', '=']);
    let size =
        kind.get(1..).and_then(|size| size.parse().ok()).filter(|&size| size > 0).ok_or_else(unknown)?;
    let shape = header.shape;
    if shape.iter().try_fold(size, |n: usize, &d| n.checked_mul(d)) != Some(rest.len()) {
        return Err(format!("{} bytes of elements do not make shape {shape:?} of {name}", rest.len()));
    }
    let is_big = name.starts_with('>') && size > 1;
    let is_fortran = header.layout.is_fortran() && shape.iter().filter(|&&d| d != 1).count() > 1;
    let mut ordered = Cow::Borrowed(rest);
    if is_big {
        ordered = rest.chunks_exact(size).flat_map(|element| element.iter().rev()).copied().collect();
    }
    if is_fortran {
        ordered = row_major(&ordered, &shape, size)?.into();
    }
    let rest = ordered.as_ref();
    let same = |dtype| Data::from_bytes(dtype, rest).map(Elements::Same).map_err(|e| e.to_string());
    let elements = match (NAMES.iter().find(|(_, name)| &name[1..] == kind), kind) {
        (Some(&(dtype, _)), _) => same(dtype)?,
        (None, "b1") => Elements::Bool(rest.iter().map(|&byte| byte.min(1)).collect()),
        (None, "i2") => Elements::Same(Data::I32(each(rest, |b| i16::from_le_bytes(b).into()))),
        (None, "u2") => Elements::Same(Data::I32(each(rest, |b| u16::from_le_bytes(b).into()))),
        (None, "u4") => Elements::I64(each(rest, |b| u32::from_le_bytes(b).into())),
        (None, "i8") => Elements::I64(each(rest, i64::from_le_bytes)),
        (None, "u8") => Elements::U64(each(rest, u64::from_le_bytes)),
        (None, "f8") => Elements::F64(each(rest, f64::from_le_bytes)),
        _ => return Err(unknown()),
    };
    let orders = [(is_big, "big-endian "), (is_fortran, " in Fortran order")];
    let [big, fortran] = orders.map(|(is, words)| if is { words } else { "" });
    let stored = (is_big || is_fortran).then(|| format!("{big}{}{fortran}", elements.name()));
    Ok(Array { shape, elements, stored })
}

/// Elements of `size` bytes, of which those along the first axis lie side by side, in the order of rows.
fn row_major(bytes: &[u8], shape: &[usize], size: usize) -> Result<Vec<u8>, String> {
    let lengths: Vec<usize> = shape.iter().rev().copied().chain([size]).collect();
    let axes: Vec<usize> = (0..shape.len()).rev().chain([shape.len()]).collect();
    let array = ArrayViewD::from_shape(lengths, bytes).map_err(|e| format!("its shape is {shape:?}: {e}"))?;
    Ok(array.permuted_axes(axes).iter().copied().collect())
}

/// Every element of `N` bytes.
pub fn each<const N: usize, T>(bytes: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&element| of(element)).collect()
}

/// Writes an array.
pub fn encode(tensor: &Tensor) -> Result<Vec<u8>, String> {
    let name = NAMES.iter().find(|(dtype, _)| *dtype == tensor.dtype()).map(|(_, name)| name);
    let name =
        name.ok_or_else(|| format!("NPY has no elements of {}; write a .safetensors", tensor.dtype()))?;
    let type_descriptor = format!("'{name}'").parse().map_err(|_| format!("{name} is no name of a type"))?;
    let header = Header { type_descriptor, layout: Layout::Standard, shape: tensor.shape().to_vec() };
    let mut bytes = header.to_bytes().map_err(|e| e.to_string())?;
    bytes.extend_from_slice(tensor.data().as_bytes());
    Ok(bytes)
}

/// Refuses headers that claim more than the file has, and nested ones: the parser takes exponential time for those,
/// and no array of plain numbers has them.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or("it is not an NPY file (it does not start with \\x93NUMPY)")?;
    // Two bytes of version; then version 1 has two bytes of length, later ones have four.
    let (length, text) = match *rest {
        [1, _, a, b, ref text @ ..] => (u32::from_le_bytes([a, b, 0, 0]), text),
        [_, _, a, b, c, d, ref text @ ..] => (u32::from_le_bytes([a, b, c, d]), text),
        _ => return Err("the file ends inside its NPY header".into()),
    };
    let length = usize::try_from(length).ok().filter(|&n| n <= LONGEST_HEADER);
    let length = length.ok_or_else(|| format!("its NPY header is longer than {LONGEST_HEADER} bytes"))?;
    let text = text.get(..length).ok_or("the file ends inside its NPY header")?;
    if text.iter().filter(|byte| b"([{".contains(byte)).count() > BRACKETS {
        return Err("its NPY header is nested, so it is no array of plain numbers".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::array::{Wanted, convert};

    fn read(bytes: &[u8]) -> Result<Tensor, String> {
        match decode(bytes)? {
            Array { shape, elements: Elements::Same(data), stored: None } => {
                Tensor::new(&shape, data).map_err(|e| e.to_string())
            }
            array => convert(array, Wanted::Numbers, false).map(|(tensor, _)| tensor),
        }
    }

    fn tensor(shape: &[usize], data: Data) -> Tensor {
        Tensor::new(shape, data).expect("a legal shape")
    }

    /// Decodes a file of version 2 with this header.
    fn with_header(header: &str, elements: &[u8]) -> Result<Tensor, String> {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u32 + 1).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(elements);
        read(&bytes)
    }

    #[test]
    fn arrays_come_back_as_they_went() {
        for tensor in [
            tensor(&[2, 3], Data::F32(vec![1.0, -0.0, f32::INFINITY, 4.0, 5.0, 6.0])),
            tensor(&[2], Data::from_bytes(DType::F16, &[0, 0x3c, 0xff, 0x7b]).unwrap()),
            tensor(&[3], Data::I32(vec![1, -2, 3])),
            tensor(&[], Data::F32(vec![7.0])),
            tensor(&[1, 0, 2], Data::U8(vec![])),
            tensor(&[2, 1], Data::I8(vec![-128, 127])),
        ] {
            assert_eq!(encode(&tensor).and_then(|bytes| read(&bytes)).as_ref(), Ok(&tensor));
        }
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }     ";
        let two = tensor(&[2, 1], Data::F32(vec![0.0, 1.0]));
        assert_eq!(with_header(header, &[0, 0, 0, 0, 0, 0, 0x80, 0x3f]), Ok(two));
        let header = "{\"shape\":(3,),\"descr\":\"u1\",\"fortran_order\":True}";
        assert_eq!(with_header(header, &[1, 2, 3]), Ok(tensor(&[3], Data::U8(vec![1, 2, 3]))));
    }

    #[test]
    fn numbers_of_every_type_and_order() {
        let ints = |a: i32, b: i32| Ok(Data::I32(vec![a, b, a]));
        let header = |descr: &str, fortran: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape})}}")
        };
        let three = |descr: &str, bytes: &[u8]| {
            let [one, minus_or_more] = [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]];
            let all = [one, minus_or_more, one].concat();
            with_header(&header(descr, "False", "3,"), &all).map(Tensor::into_data)
        };
        let floats = |a: f32, b: f32| Ok(Data::F32(vec![a, b, a]));
        assert_eq!(
            three("<f8", &[1.5f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat()),
            floats(1.5, -2.0)
        );
        assert_eq!(
            three(">f8", &[1.5f64.to_be_bytes(), (-2.0f64).to_be_bytes()].concat()),
            floats(1.5, -2.0)
        );
        assert_eq!(
            three(">f4", &[1.5f32.to_be_bytes(), (-2.0f32).to_be_bytes()].concat()),
            floats(1.5, -2.0)
        );
        assert_eq!(three("<i8", &[1i64.to_le_bytes(), (-2i64).to_le_bytes()].concat()), floats(1.0, -2.0));
        assert_eq!(
            three("<u8", &[1u64.to_le_bytes(), (1u64 << 63).to_le_bytes()].concat()),
            floats(1.0, 2f32.powi(63))
        );
        assert_eq!(
            three(">u4", &[1u32.to_be_bytes(), (1u32 << 31).to_be_bytes()].concat()),
            floats(1.0, 2f32.powi(31))
        );
        assert_eq!(three(">i2", &[1i16.to_be_bytes(), (-2i16).to_be_bytes()].concat()), floats(1.0, -2.0));
        assert_eq!(three("<u2", &[1u16.to_le_bytes(), 65_535u16.to_le_bytes()].concat()), ints(1, 65_535));
        assert_eq!(three("|b1", &[1, 0]), floats(1.0, 0.0));
        assert!(three("<c8", &[0; 16]).is_err() && three("<U1", &[0; 8]).is_err());
        // Columns first: 1 2 3 over 4 5 6.
        let columns = [1u8, 4, 2, 5, 3, 6];
        let rows = Data::U8(vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(with_header(&header("|u1", "True", "2, 3"), &columns), Ok(tensor(&[2, 3], rows)));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = encode(&tensor(&[2, 2], Data::F32(vec![1.0; 4]))).expect("it can be written");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn hostile_headers_are_errors() {
        for header in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296, 4294967296)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f0', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f\u{fc}', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4294967296, 4294967296, 4294967296)}",
            "{'descr': 4, 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ",
            &"(".repeat(9_000),
            &"(0,".repeat(3_000),
            &"{".repeat(9_000),
            &"'".repeat(9_999),
            &"-".repeat(9_999),
            &"0".repeat(9_999),
            &"(".repeat(20_000),
        ] {
            assert!(with_header(header, &[]).is_err(), "{header}");
        }
        assert!(decode(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
        assert!(decode(b"\x93NUMPY\x09\x00\x02\x00\x00\x00{}").is_err());
    }
}

/// Garbled files: nothing panics, and what is allocated follows the size of the file.
#[cfg(test)]
mod fuzz {
    use super::{decode, encode};
    use crate::files::array::{Wanted, convert};
    use wgpool::{DType, Data, Tensor};
    use wgpool_testing::fuzz::{Counting, Tally, bound, count, garble, pick, reword, tokens};
    use wgpool_testing::verify::random::Rng;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// Bytes before the header of version 1.
    const START: usize = 10;

    fn seeds() -> Vec<Vec<u8>> {
        let dtypes = [DType::F32, DType::F16, DType::U8, DType::I8, DType::I32];
        let shapes: [&[usize]; 6] = [&[], &[3], &[2, 3], &[1, 0, 2], &[2, 1, 3, 2], &[1; 12]];
        let pairs = dtypes.into_iter().flat_map(|dtype| shapes.map(|shape| (dtype, shape)));
        let file = |(dtype, shape): (DType, &[usize])| {
            let bytes = vec![1; shape.iter().product::<usize>() * dtype.size()];
            let tensor =
                Tensor::new(shape, Data::from_bytes(dtype, &bytes).unwrap()).map_err(|e| e.to_string());
            tensor.and_then(|t| encode(&t)).expect("it can be written")
        };
        pairs.map(file).collect()
    }

    /// A file with a changed header, whose length is given rightly.
    fn with_header(rng: &mut Rng, file: &[u8]) -> Vec<u8> {
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        let (header, elements) = file[START..].split_at(length);
        let header = str::from_utf8(header).expect("a header is text");
        let header = reword(rng, &tokens(header.trim_end())) + "\n";
        let version: &[u8] = if rng.one_in(2) { b"\x93NUMPY\x02\0" } else { b"\x93NUMPY\x03\0" };
        [version, &(header.len() as u32).to_le_bytes(), header.as_bytes(), elements].concat()
    }

    #[test]
    fn garbled_files() {
        let mut tally = Tally::new("NPY files");
        let mut rng = Rng::new(5);
        let seeds = seeds();
        for _ in 0..count(20_000) {
            let (file, other) = (pick(&mut rng, &seeds), pick(&mut rng, &seeds));
            let file =
                if rng.one_in(2) { garble(&mut rng, file, other) } else { with_header(&mut rng, file) };
            let tensor = tally.add(file.len(), bound(file.len()), || {
                convert(decode(&file)?, Wanted::Numbers, true).map(|(tensor, _)| tensor)
            });
            if let Some(tensor) = tensor {
                assert_eq!(tensor.shape().iter().product::<usize>(), tensor.data().len());
            }
        }
        assert!(tally.accepted > tally.inputs / 200 && tally.accepted < tally.inputs);
    }
}
