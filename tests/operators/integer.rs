//! Convolution of bytes, and its sums made bytes.

use crate::cases::{Given, gives, i8s, on_host, refused, tensor, u8s};
use wgpool::{Activation, Conv, ConvInteger, DType, Data, Error, Op, Padding, Requantize, host};
use wgpool_testing::verify::random::Family;

#[test]
fn integer_convolution() {
    on_host(Family::ConvInteger, 250);
}

#[test]
fn integer_convolution_of_the_largest_differences() {
    let conv = Conv::new().padding(Padding::symmetric([1]));
    let (x, x_zero) = (u8s(&[1, 1, 2], &[255, 0]), u8s(&[], &[255]));
    // Two output channels with a zero point each: weights 255 and -255.
    let (w, w_zero) = (i8s(&[2, 1, 1], &[127, -128]), i8s(&[2], &[-128, 127]));
    let sums = tensor(&[1, 2, 4], Data::I32(vec![0, 0, -65025, 0, 0, 0, 65025, 0]));
    gives(ConvInteger { conv, requantize: None }, &[&x, &w, &x_zero, &w_zero], &[sums]);
}

#[test]
fn sums_of_integers_wrap() {
    // Of 255 * 255, 33,025 are the most that 31 bits hold.
    for (terms, sum) in [(33_025, 2_147_450_625), (33_026, -2_147_451_646)] {
        let (x, w) = (u8s(&[1, terms, 1], &vec![255; terms]), u8s(&[1, terms, 1], &vec![255; terms]));
        let zero = u8s(&[1], &[0]);
        let op = ConvInteger { conv: Conv::new(), requantize: None };
        gives(op, &[&x, &w, &zero, &zero], &[tensor(&[1, 1, 1], Data::I32(vec![sum]))]);
    }
}

#[test]
fn requantized_sums_round_to_even_and_saturate() {
    let x = i8s(&[1, 1, 6], &[1, 3, 5, -1, -3, 100]);
    let (w, zero) = (i8s(&[2, 1, 1], &[1, 1]), i8s(&[1], &[0]));
    let scales = tensor(&[2], Data::F32(vec![0.5, 2.5]));
    let bias = tensor(&[2], Data::I32(vec![0, 1]));
    let op = |output, zero| ConvInteger { conv: Conv::new(), requantize: Some(Requantize { output, zero }) };
    let bytes = [[1, 3, 3, 1, 0, 51], [6, 11, 16, 1, 0, 253]].concat();
    let inputs = [&x, &w, &zero, &zero, &scales, &bias];
    gives(op(DType::U8, 1), &inputs, &[u8s(&[1, 2, 6], &bytes)]);
    let bytes = [[0, 2, 2, 0, -2, 50], [5, 10, 15, 0, -5, 127]].concat();
    gives(op(DType::I8, 0), &inputs, &[i8s(&[1, 2, 6], &bytes)]);
    // A sum that no f32 holds lies between two, and goes to the even one: 2^24 + 1 to 2^24.
    let (x, w) = (i8s(&[1, 1, 1], &[1]), i8s(&[1, 1, 1], &[1]));
    let scales = tensor(&[], Data::F32(vec![2f32.powi(-24)]));
    for (bias, y) in [((1 << 24) * 5 / 2, 2), ((1 << 24) * 5 / 2 + 4, 3), (i32::MAX - 2, 127)] {
        let bias = tensor(&[1], Data::I32(vec![bias]));
        gives(op(DType::I8, 0), &[&x, &w, &zero, &zero, &scales, &bias], &[i8s(&[1, 1, 1], &[y])]);
    }
}

#[test]
fn integer_convolutions_that_are_refused() {
    use DType::{F32, I8, I32, U8};
    let plain = ConvInteger { conv: Conv::new(), requantize: None };
    let (x, w): (Given<'_>, Given<'_>) = ((U8, &[1, 1, 3]), (I8, &[2, 1, 1]));
    assert!(matches!(refused(plain.clone(), &[x, w]), Error::Arity { got: 2, .. }));
    assert!(matches!(
        refused(plain.clone(), &[x, w, (U8, &[1]), (I8, &[1]), (F32, &[1])]),
        Error::Arity { .. }
    ));
    assert!(matches!(refused(plain.clone(), &[x, w, (I8, &[1]), (I8, &[1])]), Error::Type { got: I8, .. }));
    assert!(matches!(refused(plain.clone(), &[x, (F32, w.1), (U8, &[1]), (F32, &[1])]), Error::Type { .. }));
    assert!(matches!(refused(plain.clone(), &[x, w, (U8, &[2]), (I8, &[1])]), Error::Shape { .. }));
    assert!(matches!(refused(plain.clone(), &[x, w, (U8, &[]), (I8, &[3])]), Error::Shape { .. }));
    let active = ConvInteger { conv: Conv::new().activation(Activation::Relu), requantize: None };
    assert!(matches!(refused(active, &[x, w, (U8, &[]), (I8, &[])]), Error::Parameter { .. }));
    let to = |output, zero| ConvInteger { requantize: Some(Requantize { output, zero }), ..plain.clone() };
    let all = [x, w, (U8, &[][..]), (I8, &[][..]), (F32, &[2][..])];
    for (output, zero) in [(U8, 256), (U8, -1), (I8, 128), (I8, -129), (I32, 0)] {
        assert!(matches!(refused(to(output, zero), &all), Error::Parameter { .. }), "{output} {zero}");
    }
    assert!(matches!(refused(to(U8, 0), &all[..4]), Error::Arity { .. }));
    assert!(matches!(refused(to(U8, 0), &[&all[..4], &[(F32, &[3])]].concat()), Error::Shape { .. }));
    assert!(matches!(refused(to(U8, 0), &[&all[..], &[(F32, &[2])]].concat()), Error::Type { .. }));
    assert!(matches!(refused(to(U8, 0), &[&all[..], &[(I32, &[1])]].concat()), Error::Shape { .. }));
    let (x, w, zero) = (u8s(&[1, 1, 1], &[1]), u8s(&[1, 1, 1], &[1]), u8s(&[], &[0]));
    let scales = tensor(&[], Data::F32(vec![f32::INFINITY]));
    let inputs = [&x, &w, &zero, &zero, &scales];
    assert!(matches!(host::run(&Op::from(to(U8, 0)), &inputs), Err(Error::Value { at: 0, .. })));
    assert!(matches!(Requantize::scales(1.0, &[1.0, 2.0], 0.0), Err(Error::Value { at: 0, .. })));
}
