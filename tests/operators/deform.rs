//! Convolution whose taps are moved.

use crate::cases::{Given, f32s, gives, on_host, refused};
use wgpool::{Conv, DType, DeformConv, Error, Layout, Padding, Problem, TensorDesc};
use wgpool_testing::verify::random::Family;

#[test]
fn deformable_convolution() {
    on_host(Family::DeformConv, 250);
}

#[test]
fn taps_are_moved_along_each_axis() {
    let x = f32s(&[1, 1, 2, 2], &[1., 2., 4., 8.]);
    let w = f32s(&[1, 1, 1, 1], &[1.]);
    let one = |mask| DeformConv { conv: Conv::new(), offset_groups: 1, mask };
    // Down by a half in the first row, right by a quarter and three quarters in the second: beside 8 there are zeros.
    let offsets = f32s(&[1, 2, 2, 2], &[0.5, 0.5, 0., 0., 0., 0., 0.25, 0.75]);
    gives(one(false), &[&x, &offsets, &w], &[f32s(&[1, 1, 2, 2], &[2.5, 5., 5., 2.])]);
    let mask = f32s(&[1, 1, 2, 2], &[1., -2., 0., 0.5]);
    let bias = f32s(&[1], &[10.]);
    let y = f32s(&[1, 1, 2, 2], &[12.5, 0., 10., 11.]);
    gives(one(true), &[&x, &offsets, &mask, &w, &bias], &[y]);
    // Half an element outside there is half a value, and one outside there is none; so there is where a place is NaN.
    let offsets = f32s(&[1, 2, 2, 2], &[-0.5, -1., f32::NAN, 1., 0., 0., 0., -f32::INFINITY]);
    gives(one(false), &[&x, &offsets, &w], &[f32s(&[1, 1, 2, 2], &[0.5, 0., 0., 0.])]);
}

#[test]
fn channels_have_the_offsets_of_their_group() {
    let x = f32s(&[1, 2, 3], &[1., 2., 4., 10., 20., 40.]);
    let w = f32s(&[1, 2, 2], &[1., 1., 1., 1.]);
    let op = DeformConv {
        conv: Conv::new().stride([2]).padding(Padding::symmetric([1])),
        offset_groups: 2,
        mask: false,
    };
    // Outputs at -1 and 1; the first group's second tap goes one to the right, the second group's first one to the left.
    let offsets = f32s(&[1, 4, 2], &[0., 0., 1., 1., -1., -1., 0., 0.]);
    gives(op, &[&x, &offsets, &w], &[f32s(&[1, 1, 2], &[12., 52.])]);
}

#[test]
fn deformable_convolutions_that_are_refused() {
    let op = DeformConv { conv: Conv::new(), offset_groups: 1, mask: false };
    let (x, w): (&[usize], &[usize]) = (&[1, 2, 3, 3], &[1, 2, 2, 2]);
    let of = |shapes: &[&'static [usize]]| -> Vec<Given<'static>> {
        shapes.iter().map(|&shape| (DType::F32, shape)).collect()
    };
    let right: &[usize] = &[1, 8, 2, 2];
    let given = |offsets| [(DType::F32, x), (DType::F32, offsets), (DType::F32, w)];
    assert!(
        Problem::new(
            &op.clone().into(),
            &given(right).map(|(dtype, s)| TensorDesc { shape: s.into(), dtype })
        )
        .is_ok()
    );
    for wrong in [&[1, 8, 3, 3][..], &[1, 4, 2, 2], &[2, 8, 2, 2], &[1, 8, 2], &[]] {
        assert!(matches!(refused(op.clone(), &given(wrong)), Error::Shape { .. }), "{wrong:?}");
    }
    assert!(matches!(refused(op.clone(), &of(&[&[1, 2, 3, 3], &[1, 8, 2, 2]])), Error::Arity { got: 2, .. }));
    let masked = DeformConv { mask: true, ..op.clone() };
    assert!(matches!(refused(masked.clone(), &given(right)), Error::Arity { got: 3, .. }));
    let all = of(&[&[1, 2, 3, 3], &[1, 8, 2, 2], &[1, 8, 2, 2], &[1, 2, 2, 2]]);
    assert!(matches!(refused(masked, &all), Error::Shape { tensor: "the mask", .. }));
    for groups in [0, 3] {
        let op = DeformConv { offset_groups: groups, ..op.clone() };
        assert!(matches!(refused(op, &given(right)), Error::Parameter { .. }), "{groups}");
    }
    let last = DeformConv { conv: Conv::new().layout(Layout::Nhwc), ..op.clone() };
    assert!(matches!(refused(last, &given(right)), Error::Parameter { parameter: "layout", .. }));
    assert!(matches!(
        refused(op.clone(), &[given(right)[0], (DType::I32, right), given(right)[2]]),
        Error::Type { .. }
    ));
    let long: [Given<'_>; 3] = [
        (DType::F32, &[1, 1, (1 << 24) + 1]),
        (DType::F32, &[1, 1, (1 << 24) + 1]),
        (DType::F32, &[1, 1, 1]),
    ];
    assert!(matches!(refused(op, &long), Error::TooLarge { what: "axis", .. }));
}
