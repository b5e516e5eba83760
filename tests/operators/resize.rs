//! Interpolation.

use crate::cases::{f32s, gives, refused};
use wgpool::{DType, Error, NearestRounding, Op, Resize, ResizeCoordinates, ResizeMode, host};
use wgpool_testing::support::{engine, judge};

#[test]
fn elements_lie_where_coordinates_say() {
    let x = f32s(&[4], &[0., 4., 8., 16.]);
    let resized = |coordinates, mode, y: &[f32]| {
        let op = Resize::new([y.len()]).coordinates(coordinates).mode(mode);
        gives(op, &[&x], &[f32s(&[y.len()], y)]);
    };
    use ResizeCoordinates::{AlignCorners, Asymmetric, HalfPixel, PytorchHalfPixel};
    resized(HalfPixel, ResizeMode::Linear, &[0., 1., 3., 5., 7., 10., 14., 16.]);
    resized(Asymmetric, ResizeMode::Linear, &[0., 2., 4., 6., 8., 12., 16., 16.]);
    resized(AlignCorners, ResizeMode::Linear, &[0., 2., 4., 6., 8., 12., 16.]);
    resized(HalfPixel, ResizeMode::Linear, &[2., 12.]);
    resized(HalfPixel, ResizeMode::Linear, &[6.]);
    resized(PytorchHalfPixel, ResizeMode::Linear, &[0.]);
    resized(AlignCorners, ResizeMode::Linear, &[0.]);
    let nearest = |rounding, y: &[f32]| resized(Asymmetric, ResizeMode::Nearest(rounding), y);
    nearest(NearestRounding::Floor, &[0., 0., 4., 4., 8., 8., 16., 16.]);
    nearest(NearestRounding::RoundPreferFloor, &[0., 0., 4., 4., 8., 8., 16., 16.]);
    nearest(NearestRounding::RoundPreferCeil, &[0., 4., 4., 8., 8., 16., 16., 16.]);
    nearest(NearestRounding::Ceil, &[0., 4., 4., 8., 8., 16., 16., 16.]);
    // A length that was rounded down is taken as it was: 2.4, between whose ends are 1.4 steps.
    let x = f32s(&[4], &[0., 14., 28., 42.]);
    let op = Resize { scales: Some(vec![0.6]), ..Resize::new([2]).coordinates(AlignCorners) };
    let y = host::run(&Op::from(op.clone()), &[&x]).unwrap();
    assert!((y[0].as_f32().unwrap()[1] - 30.).abs() < 1e-4, "{y:?}");
    judge(&op.clone().into(), &[&x], &engine().run(&op.into(), &[&x]).unwrap()).unwrap();
    // A third, three times, is one: positions are those of exact arithmetic.
    let thirds: Vec<f32> = (0..3000).map(|i| (i / 3) as f32).collect();
    let rows = f32s(&[1000], &(0..1000).map(|i| i as f32).collect::<Vec<_>>());
    for rounding in [NearestRounding::Floor, NearestRounding::RoundPreferFloor, NearestRounding::Ceil] {
        let shift = |i: usize| match rounding {
            NearestRounding::Ceil => [0., 1., 1.][i % 3],
            NearestRounding::RoundPreferFloor => [0., 0., 1.][i % 3],
            _ => 0.0,
        };
        let y: Vec<f32> = thirds.iter().enumerate().map(|(i, x)| (x + shift(i)).min(999.0)).collect();
        let op = Resize::new([3000]).coordinates(Asymmetric).mode(ResizeMode::Nearest(rounding));
        gives(op, &[&rows], &[f32s(&[3000], &y)]);
    }
    // The weights of a half are -3/32, 19/32, 19/32, -3/32, where the first and last stand for what is outside; without that,
    // 19/35, 19/35, -3/35.
    let cubic = |exclude_outside| ResizeMode::Cubic { coefficient: -0.75, exclude_outside };
    let x = f32s(&[2], &[0., 32.]);
    let op = Resize::new([3]).coordinates(AlignCorners).mode(cubic(false));
    gives(op, &[&x], &[f32s(&[3], &[0., 16., 32.])]);
    let x = f32s(&[3], &[35., 70., 140.]);
    let op = Resize::new([5]).coordinates(AlignCorners).mode(cubic(true));
    let y = host::run(&Op::from(op), &[&x]).unwrap();
    assert!((y[0].as_f32().unwrap()[1] - (19. + 38. - 12.)).abs() < 1e-5, "{y:?}");
}

#[test]
fn what_cannot_be_resized_is_refused() {
    use DType::{F32, U8};
    let of = |op: Resize, shape: &[usize]| refused(op, &[(F32, shape)]);
    assert!(matches!(refused(Resize::new([2]), &[(U8, &[2])]), Error::Type { got: U8, .. }));
    assert!(matches!(of(Resize::new([2]), &[2, 2]), Error::Parameter { parameter: "shape", .. }));
    assert!(matches!(of(Resize::new([2]), &[0]), Error::Shape { .. }));
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-30] {
        let op = Resize { scales: Some(vec![scale]), ..Resize::new([2]) };
        assert!(matches!(of(op, &[2]), Error::Parameter { parameter: "scales", .. }), "{scale}");
    }
    let few = Resize { scales: Some(vec![]), ..Resize::new([2]) };
    assert!(matches!(of(few, &[2]), Error::Parameter { parameter: "scales", .. }));
    let cubic = ResizeMode::Cubic { coefficient: f32::NAN, exclude_outside: false };
    assert!(matches!(
        of(Resize::new([2]).mode(cubic), &[2]),
        Error::Parameter { parameter: "coefficient", .. }
    ));
    assert!(matches!(of(Resize::new([2; 5]), &[3; 5]), Error::Rank { got: 5, .. }));
    assert!(matches!(of(Resize::new([usize::MAX, 2]), &[1, 2]), Error::TooLarge { .. }));
    let farther = Resize {
        scales: Some(vec![0.25000003]),
        ..Resize::new([1 << 50]).coordinates(ResizeCoordinates::AlignCorners)
    };
    assert!(matches!(of(farther, &[4]), Error::TooLarge { what: "position", .. }));
    let far = Resize { scales: Some(vec![1e-9]), ..Resize::new([4]) };
    assert!(matches!(of(far, &[4]), Error::TooLarge { what: "position", .. }));
}
