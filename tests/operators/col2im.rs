//! Windows added up to images.

use crate::cases::{f32s, gives, on_host, refused};
use wgpool::{Col2Im, DType, Error, Padding};
use wgpool_testing::verify::random::Family;

#[test]
fn windows_added_up_to_images() {
    on_host(Family::Col2Im, 250);
}

#[test]
fn windows_lie_where_a_convolution_places_them() {
    // 2 x 2 windows at -1, 1 along both axes of a 2 x 3 image; the row above and the column before it are cut off.
    let x: Vec<f32> = (1..=16).map(|v| v as f32).collect();
    let op = Col2Im::new([2, 3], [2, 2])
        .stride([2])
        .padding(Padding::Explicit { before: vec![1], after: vec![1] });
    let y = [13., 10., 14., 7., 4., 8.];
    gives(op, &[&f32s(&[1, 4, 4], &x)], &[f32s(&[1, 1, 2, 3], &y)]);
    // Two taps two apart, and a window between: the middle element is in two windows.
    let op = Col2Im::new([5], [2]).dilation([2]);
    let x = f32s(&[1, 4, 3], &[1., 2., 3., 10., 20., 30., 0., 0., 5., 7., 0., 0.]);
    gives(op, &[&x], &[f32s(&[1, 2, 5], &[1., 2., 13., 20., 30., 0., 0., 12., 0., 0.])]);
}

#[test]
fn windows_that_make_no_image_are_refused() {
    use DType::{F16, F32, I32};
    let op = Col2Im::new([4, 4], [2, 2]);
    let with = |change: fn(&mut Col2Im)| {
        let mut op = op.clone();
        change(&mut op);
        refused(op, &[(F32, &[1, 4, 9])])
    };
    assert!(matches!(refused(op.clone(), &[]), Error::Arity { got: 0, .. }));
    assert!(matches!(refused(op.clone(), &[(I32, &[1, 4, 9])]), Error::Type { got: I32, .. }));
    assert!(matches!(refused(op.clone(), &[(F16, &[4, 9])]), Error::Rank { got: 2, .. }));
    for wrong in [[1, 4, 8], [1, 5, 9], [1, 0, 9]] {
        assert!(matches!(refused(op.clone(), &[(F32, &wrong)]), Error::Shape { .. }), "{wrong:?}");
    }
    assert!(matches!(with(|op| op.image = vec![]), Error::Parameter { parameter: "image", .. }));
    assert!(matches!(with(|op| op.image = vec![4; 4]), Error::Parameter { parameter: "image", .. }));
    assert!(matches!(with(|op| op.window = vec![2]), Error::Parameter { parameter: "window", .. }));
    assert!(matches!(with(|op| op.window = vec![2, 5]), Error::Window { axis: 1, .. }));
    assert!(matches!(with(|op| op.stride = vec![0]), Error::Parameter { parameter: "stride", .. }));
    assert!(matches!(with(|op| op.dilation = vec![1; 3]), Error::Parameter { parameter: "dilation", .. }));
}
