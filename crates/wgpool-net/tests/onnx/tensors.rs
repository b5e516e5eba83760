//! Tensors of every type, as raw bytes and as lists of numbers.

use std::borrow::Cow;

use half::{bf16, f16};
use wgpool::error::Result;
use wgpool_net::onnx::Model;

use super::message::{Message, with_tensor};

/// The bytes of a tensor, and whether they are the file's own.
fn bytes(tensor: Message) -> Result<(Vec<u8>, bool)> {
    let file = with_tensor(tensor);
    let bytes = Model::parse(&file)?.graph().initializers().next().unwrap().bytes()?;
    Ok((bytes.to_vec(), matches!(bytes, Cow::Borrowed(_))))
}

#[track_caller]
fn refused(tensor: Message, part: &str) {
    let error = bytes(tensor).unwrap_err().to_string();
    assert!(error.contains("tensor \"t\": ") && error.contains(part), "{error}");
}

/// A tensor of a type with one axis.
fn tensor(code: i64, length: usize) -> Message {
    Message::new().int(2, code).int(1, length as i64)
}

#[test]
fn lists_of_numbers_are_decoded() {
    let le = |numbers: &[i64], size: usize| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()[..size].to_vec()).collect()
    };
    // Types with the field of their lists, the bytes of an element, and the least and largest.
    let integers = [
        (2, 5, 1, 0, 255),
        (3, 5, 1, -128, 127),
        (4, 5, 2, 0, 65535),
        (5, 5, 2, -32768, 32767),
        (6, 5, 4, i32::MIN.into(), i32::MAX.into()),
        (7, 7, 8, i64::MIN, i64::MAX),
        (10, 5, 2, 0, 65535),
        (12, 11, 4, 0, u32::MAX.into()),
        (13, 11, 8, 0, -1),
        (16, 5, 2, 0, 65535),
    ];
    for (code, field, size, least, largest) in integers {
        let numbers = [least, 1, largest];
        let expected = (le(&numbers, size), false);
        assert_eq!(bytes(tensor(code, 3).packed(field, &numbers)).unwrap(), expected, "type {code}");
        assert_eq!(bytes(tensor(code, 3).ints(field, &numbers)).unwrap(), expected, "type {code}");
        let both = tensor(code, 3).int(field, numbers[0]).packed(field, &numbers[1..]);
        assert_eq!(bytes(both).unwrap(), expected, "type {code}");
        assert_eq!(bytes(tensor(code, 3).bytes(9, &expected.0)).unwrap(), (expected.0, true), "type {code}");
        if size < 8 {
            for (at, outside) in [(0, least - 1), (1, largest + 1)] {
                let numbers = if at == 0 { vec![outside] } else { vec![1, outside] };
                let shown = if code == 12 { (outside as u64).to_string() } else { outside.to_string() };
                let part = format!("element {at} is {shown}, which is no ");
                refused(tensor(code, numbers.len()).packed(field, &numbers), &part);
            }
        }
    }
    assert_eq!(bytes(tensor(9, 3).packed(5, &[0, 1, 2])).unwrap(), (vec![0, 1, 1], false));
    let halves = [f16::from_f32(1.5).to_bits().into(), bf16::from_f32(-2.0).to_bits().into()];
    assert_eq!(bytes(tensor(10, 2).packed(5, &halves)).unwrap().0, [0, 0x3e, 0, 0xc0]);
}

#[test]
fn floats_in_one_piece_are_the_files_own() {
    let (floats, doubles) = ([1.0f32, -0.0, f32::INFINITY], [1.0f64, -0.0, f64::MAX]);
    let expected: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    let each = floats.iter().fold(tensor(1, 3), |tensor, &float| tensor.float(4, float));
    assert_eq!(bytes(each).unwrap(), (expected.clone(), false));
    assert_eq!(bytes(tensor(1, 3).bytes(4, &expected)).unwrap(), (expected.clone(), true));
    let pieces = tensor(1, 3).bytes(4, &expected[..4]).bytes(4, &expected[4..]);
    assert_eq!(bytes(pieces).unwrap(), (expected.clone(), false));
    let piece_and_one = tensor(1, 3).bytes(4, &expected[..8]).float(4, floats[2]);
    assert_eq!(bytes(piece_and_one).unwrap(), (expected, false));
    let expected: Vec<u8> = doubles.iter().flat_map(|double| double.to_le_bytes()).collect();
    let each = doubles.iter().fold(tensor(11, 3), |tensor, &double| tensor.double(10, double));
    assert_eq!(bytes(each).unwrap(), (expected.clone(), false));
    assert_eq!(bytes(tensor(11, 3).bytes(10, &expected)).unwrap(), (expected, true));
}

#[test]
fn data_have_the_size_of_shape_and_type() {
    let scalar = Message::new().int(2, 1).float(4, 2.0);
    assert_eq!(bytes(scalar).unwrap().0, 2f32.to_le_bytes());
    assert_eq!(bytes(tensor(1, 0)).unwrap(), (vec![], false));
    assert!(bytes(tensor(1, 0).ints(1, &[i64::MAX, i64::MAX])).unwrap().0.is_empty());
    refused(tensor(1, 2).float(4, 2.0), "float_data has 1 numbers, but its shape [2] makes 2");
    refused(tensor(6, 1), "int32_data has 0 numbers, but its shape [1] makes 1");
    refused(tensor(1, 1).ints(5, &[1]), "1 numbers in int32_data, but data of float are in float_data");
    refused(tensor(1, 1).bytes(9, [0; 4]).ints(7, &[1]), "int64_data, but data of float are in raw_data");
    refused(tensor(1, 1).bytes(9, [0; 4]).bytes(3, []), "segments");
    refused(tensor(1, 1).ints(1, &[1; 64]).bytes(9, [0; 4]), "more than 64 axes");
    refused(tensor(7, 1 << 60).ints(1, &[1 << 20]), "overflows");
    for (code, name) in [(8, "string"), (14, "complex64"), (17, "float8e4m3fn"), (22, "int4"), (26, "int2")] {
        refused(tensor(code, 1).bytes(9, [0; 8]), &format!("tensors of the type {name} are not read"));
    }
    refused(tensor(27, 1), "its element type is number 27");
    refused(tensor(-1, 1), "its element type is number -1");
}

#[test]
fn lists_of_floats_have_whole_floats() {
    let error = bytes(tensor(1, 1).bytes(4, [0; 5])).unwrap_err().to_string();
    assert!(error.contains("parse: byte ") && error.contains("field 4 of Tensor is 5 bytes"), "{error}");
}

#[test]
fn data_in_other_files_are_found_in_their_bytes() {
    let place = |key: &str, value: &str| Message::new().bytes(1, key).bytes(2, value);
    let external = |offset: &str| {
        let tensor = tensor(1, 2).int(14, 1).with(13, place("location", "w.bin"));
        with_tensor(tensor.with(13, place("offset", offset)).with(13, place("length", "8")))
    };
    let file = external("4");
    let model = Model::parse(&file).unwrap();
    let found = model.graph().initializers().next().unwrap();
    let place = found.external().unwrap().unwrap();
    assert_eq!((place.location, place.offset, place.length), ("w.bin", 4, 8));
    let other: Vec<u8> = (0..12).collect();
    assert_eq!(found.in_external(&other).unwrap().as_ptr(), other[4..].as_ptr());
    assert!(
        found
            .in_external(&other[..11])
            .unwrap_err()
            .to_string()
            .contains("8 bytes at 4 are not in \"w.bin\"")
    );
    assert!(found.bytes().unwrap_err().to_string().contains("its data are in the file \"w.bin\""));
    for offset in ["18446744073709551615", "9223372036854775808"] {
        let file = external(offset);
        let found = Model::parse(&file).unwrap().graph().initializers().next().unwrap();
        assert!(found.in_external(&other).unwrap_err().to_string().contains(offset));
    }
    refused(tensor(1, 1).int(14, 1).bytes(9, [0; 4]), "both in this file and in another");
    refused(tensor(1, 1).int(14, 1), "no location");
}
