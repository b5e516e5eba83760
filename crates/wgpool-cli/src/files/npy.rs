//! NumPy's array format, for the element types that tensors have.

use ndarray_npy::npy::header::{Header, Layout};
use wgpool::{DType, Data, Tensor};

/// Every element type with its name in a header; all are little-endian.
const NAMES: [(DType, &str); 5] =
    [(DType::F32, "<f4"), (DType::F16, "<f2"), (DType::U8, "|u1"), (DType::I8, "|i1"), (DType::I32, "<i4")];

/// Longest header that is read, as in NumPy itself.
const LONGEST_HEADER: usize = 10_000;

/// Brackets that open in a header: of the dictionary and of its shape.
const BRACKETS: usize = 2;

/// Reads an array; errors say what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Tensor, String> {
    check_header(bytes)?;
    let mut rest = bytes;
    let header = Header::from_reader(&mut rest).map_err(|e| format!("its NPY header cannot be read: {e}"))?;
    let descr = &header.type_descriptor;
    let named = |name: &str| descr.as_string().is_some_and(|d| d == name || d == name.trim_matches('|'));
    let &(dtype, _) = NAMES.iter().find(|(_, name)| named(name)).ok_or_else(|| {
        format!(
            "its elements are {descr}, but f32, f16, u8, i8 or i32 (little-endian) are needed; \
             save it with .astype(\"<f4\"), or \"<i4\" for positions and numbers, and bf16 as safetensors"
        )
    })?;
    if header.layout.is_fortran() && header.shape.len() > 1 {
        return Err("its elements are in Fortran order; save np.ascontiguousarray(...) of it".into());
    }
    let needed = header.shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d));
    if needed != Some(rest.len()) {
        return Err(format!(
            "{} bytes of elements do not make shape {:?} of {dtype}",
            rest.len(),
            header.shape
        ));
    }
    Data::from_bytes(dtype, rest).and_then(|data| Tensor::new(&header.shape, data)).map_err(|e| e.to_string())
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
        decode(&bytes)
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
            assert_eq!(encode(&tensor).and_then(|bytes| decode(&bytes)).as_ref(), Ok(&tensor));
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
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '>f4', 'fortran_order': False, 'shape': (0,)}",
            "{'descr': 4, 'fortran_order': False, 'shape': (0,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 2)}",
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
            let tensor = tally.add(file.len(), bound(file.len()), || decode(&file));
            if let Some(tensor) = tensor {
                assert_eq!(tensor.shape().iter().product::<usize>(), tensor.data().len());
            }
        }
        assert!(tally.accepted > tally.inputs / 200 && tally.accepted < tally.inputs);
    }
}
