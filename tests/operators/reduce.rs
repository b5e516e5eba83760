//! Reductions and indices of extremes.

use crate::cases::{Given, f32s, gives, refused, tensor};
use wgpool::{ArgKind, ArgReduce, DType, Data, Error, Op, Reduce, ReduceKind, Tensor, host, reference};
use wgpool_testing::support::{engine, judge};

#[test]
fn axes_become_one_value() {
    let x = f32s(&[2, 2, 2], &[1., -2., 3., 4., -5., 6., 7., 8.]);
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    for (kind, y) in [
        (ReduceKind::Sum, [6., 16.]),
        (ReduceKind::Mean, [1.5, 4.]),
        (ReduceKind::Max, [4., 8.]),
        (ReduceKind::Min, [-2., -5.]),
        (ReduceKind::Prod, [-24., -1680.]),
        (ReduceKind::L1, [10., 26.]),
        (ReduceKind::SumSquare, [30., 174.]),
    ] {
        gives(Reduce::new(kind, [2, -2]), &[&x], &[f32s(&[2], &y)]);
    }
    let sum = Reduce::new(ReduceKind::Sum, [0, 2]);
    gives(sum.clone(), &[&x], &[f32s(&[2], &[0., 22.])]);
    gives(sum.keepdims(true), &[&x], &[f32s(&[1, 2, 1], &[0., 22.])]);
    gives(Reduce::new(ReduceKind::Sum, [0, 1, 2]), &[&x], &[f32s(&[], &[22.])]);
    // No axis: every element by itself.
    let signs = f32s(&[2], &[-3., 4.]);
    gives(Reduce::new(ReduceKind::L1, []), &[&signs], &[f32s(&[2], &[3., 4.])]);
    gives(Reduce::new(ReduceKind::L2, []), &[&signs], &[f32s(&[2], &[3., 4.])]);
    gives(Reduce::new(ReduceKind::L2, [0]), &[&signs], &[f32s(&[], &[5.])]);
    // No element.
    for (kind, y) in [
        (ReduceKind::Sum, 0.),
        (ReduceKind::Max, -infinity),
        (ReduceKind::Min, infinity),
        (ReduceKind::Prod, 1.),
        (ReduceKind::L2, 0.),
        (ReduceKind::LogSum, -infinity),
        (ReduceKind::LogSumExp, -infinity),
    ] {
        gives(Reduce::new(kind, [1]), &[&f32s(&[2, 0, 1], &[])], &[f32s(&[2, 1], &[y; 2])]);
    }
    let mean = [Op::from(Reduce::new(ReduceKind::Mean, [0]))];
    let no_mean = |y: Vec<Tensor>| y[0].as_f32().unwrap()[0].is_nan();
    assert!(no_mean(host::run(&mean[0], &[&f32s(&[0], &[])]).unwrap()));
    assert!(no_mean(engine().run(&mean[0], &[&f32s(&[0], &[])]).unwrap()));
    // What is infinite, and what would be on the way.
    let product = |x: &[f32], y: f32| {
        gives(Reduce::new(ReduceKind::Prod, [0]), &[&f32s(&[x.len()], x)], &[f32s(&[], &[y])])
    };
    product(&[2f32.powi(100), 2f32.powi(100), -(2f32.powi(-120)), 2f32.powi(-70)], -(2f32.powi(10)));
    product(&[2f32.powi(-100), 2f32.powi(-100), 2f32.powi(120), 2f32.powi(90)], 2f32.powi(10));
    product(&[-infinity, 2.], -infinity);
    product(&[3e38, -3e38], -infinity);
    product(&[3e38, -3e38, 0.], 0.);
    let extremes =
        |kind, x: &[f32], y: f32| gives(Reduce::new(kind, [0]), &[&f32s(&[x.len()], x)], &[f32s(&[], &[y])]);
    extremes(ReduceKind::L2, &[3e38, 0.], 3e38);
    extremes(ReduceKind::LogSumExp, &[infinity, 1., infinity], infinity);
    extremes(ReduceKind::LogSumExp, &[-infinity, -infinity], -infinity);
    extremes(ReduceKind::LogSumExp, &[3000.], 3000.);
    for (kind, x) in [
        (ReduceKind::Max, [1., nan, 3.]),
        (ReduceKind::Min, [1., nan, 3.]),
        (ReduceKind::Prod, [0., infinity, 3.]),
        (ReduceKind::LogSum, [1., 2., -4.]),
        (ReduceKind::LogSumExp, [1., nan, infinity]),
        (ReduceKind::L2, [1., nan, infinity]),
    ] {
        let (op, x) = (Op::from(Reduce::new(kind, [0])), f32s(&[3], &x));
        for y in [reference::run(&op, &[&x]), host::run(&op, &[&x]), engine().run(&op, &[&x])] {
            assert!(y.unwrap()[0].as_f32().unwrap()[0].is_nan(), "{op:?}");
        }
    }
}

/// Rows of every length and place, long enough to be shared out among threads and invocations.
#[test]
fn long_axes_become_one_value() {
    let values = |n: usize| (0..n).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 0.97).collect::<Vec<_>>();
    for (shape, axes) in [
        (vec![300_000], vec![0]),
        (vec![3, 100_000], vec![1]),
        (vec![1000, 300], vec![0]),
        (vec![300, 1000], vec![1]),
        (vec![7, 600, 20], vec![1]),
        (vec![20, 30, 20, 11], vec![0, 2]),
        (vec![20, 30, 20, 11], vec![1, 3]),
    ] {
        let sums = f32s(&shape, &values(shape.iter().product()));
        // Factors of both signs about 1, whose product stays in the range.
        let factors: Vec<f32> =
            sums.as_f32().unwrap().iter().map(|x| x.signum() * (0.3 * (x - 0.02901)).exp()).collect();
        let factors = f32s(&shape, &factors);
        for kind in ReduceKind::ALL {
            let x = if kind == ReduceKind::Prod { &factors } else { &sums };
            let op = Op::from(Reduce::new(kind, axes.clone()));
            for outputs in [host::run(&op, &[x]).unwrap(), engine().run(&op, &[x]).unwrap()] {
                judge(&op, &[x], &outputs).unwrap_or_else(|error| panic!("{op:?} of {shape:?}: {error}"));
            }
        }
    }
}

#[test]
fn indices_of_the_largest_and_smallest() {
    let nan = f32::NAN;
    let x = f32s(&[3, 3], &[2., 5., 5., nan, 9., nan, -0., 0., 0.]);
    let of = |kind, axis, last: bool| ArgReduce::new(kind, axis).select_last(last);
    let i32s = |shape: &[usize], v: &[i32]| tensor(shape, Data::I32(v.to_vec()));
    gives(of(ArgKind::Max, 1, false), &[&x], &[i32s(&[3], &[1, 0, 0])]);
    gives(of(ArgKind::Max, 1, true), &[&x], &[i32s(&[3], &[2, 2, 2])]);
    gives(of(ArgKind::Min, -1, false), &[&x], &[i32s(&[3], &[0, 0, 0])]);
    gives(of(ArgKind::Min, -2, true), &[&x], &[i32s(&[3], &[1, 2, 1])]);
    gives(of(ArgKind::Max, 0, false).keepdims(true), &[&x], &[i32s(&[1, 3], &[1, 1, 1])]);
    let least = f32s(&[70], &[f32::NEG_INFINITY; 70]);
    gives(of(ArgKind::Max, 0, false), &[&least], &[i32s(&[], &[0])]);
    gives(of(ArgKind::Max, 0, true), &[&least], &[i32s(&[], &[69])]);
}

/// What a binding does not hold is divided along the first axis, if that stays.
#[test]
fn reductions_of_a_divided_batch() {
    let x = f32s(&[5, 64, 3], &(0..960).map(|i| (i % 17) as f32 - 5.0).collect::<Vec<_>>());
    let mut caps = engine().caps().clone();
    caps.max_binding = 1024;
    let small = engine().with_caps(caps);
    for op in [Op::from(Reduce::new(ReduceKind::Sum, [1])), ArgReduce::new(ArgKind::Max, 1).into()] {
        // Units of 12 bytes of results begin where nothing can be bound.
        let error = small.plan(&op, &[x.desc()]).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{error}");
    }
    let x = f32s(&[64, 5, 64], &(0..20_480).map(|i| (i % 17) as f32 - 5.0).collect::<Vec<_>>());
    let mut caps = engine().caps().clone();
    caps.max_binding = 1 << 14;
    caps.offset_alignment = 256;
    let small = engine().with_caps(caps);
    for op in [Op::from(Reduce::new(ReduceKind::Sum, [1])), ArgReduce::new(ArgKind::Max, 1).into()] {
        let plan = small.plan(&op, &[x.desc()]).unwrap();
        assert!(plan.steps.len() > 1 && plan.steps.iter().all(|step| step.part.is_some()), "{op:?}");
        assert_eq!(small.run(&op, &[&x]).unwrap(), reference::run(&op, &[&x]).unwrap(), "{op:?}");
    }
    let first = Op::from(Reduce::new(ReduceKind::Sum, [0]));
    assert!(matches!(small.plan(&first, &[x.desc()]), Err(Error::Limit { .. })));
}

#[test]
fn axes_that_cannot_be_reduced_are_refused() {
    use DType::{F32, I32};
    let sum = |axes: &[isize], input: Given<'_>| refused(Reduce::new(ReduceKind::Sum, axes), &[input]);
    assert!(matches!(sum(&[0], (I32, &[2])), Error::Type { got: I32, .. }));
    assert!(matches!(sum(&[2], (F32, &[2, 3])), Error::Parameter { parameter: "axis", .. }));
    assert!(matches!(sum(&[isize::MIN], (F32, &[2, 3])), Error::Parameter { parameter: "axis", .. }));
    assert!(matches!(sum(&[1, -1], (F32, &[2, 3])), Error::Parameter { parameter: "axes", .. }));
    let error = sum(&[0, 2, 4, 6, 8], (F32, &[2; 10]));
    assert!(matches!(error, Error::Rank { got: 10, .. }), "{error}");
    assert!(matches!(refused(Reduce::new(ReduceKind::Sum, []), &[]), Error::Arity { .. }));
    let arg = |axis, input: Given<'_>| refused(ArgReduce::new(ArgKind::Max, axis), &[input]);
    assert!(matches!(arg(0, (F32, &[])), Error::Parameter { parameter: "axis", .. }));
    assert!(matches!(arg(0, (F32, &[0, 2])), Error::Shape { .. }));
    assert!(matches!(arg(0, (F32, &[1 << 31, 2])), Error::Shape { .. }));
}
