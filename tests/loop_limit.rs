//! Loops that a driver would end before they are done: the result is right, or the operation is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wgpool::frame::{OverlayPlan, TensorToFrame};
use wgpool::spec::gradient::{ConvWeightsGradient, PoolGradient, SoftmaxGradient};
use wgpool::tensor::Data;
use wgpool::{
    ArgKind, ArgReduce, Backend, Col2Im, Conv, ConvInteger, ConvPool, ConvTranspose, DType, Dense, Engine,
    Error, Fallback, FractionalMaxPool, GlobalPool, IndexNumbering, Layout, MaxRoiPool, Op, Padding, Pool,
    PoolKind, Reduce, ReduceKind, RoiAlign, RoiMode, Softmax, Tensor, TensorDesc,
};
use wgpool_testing::support::{describe, engine, judge};
use wgpool_testing::verify;
use wgpool_testing::verify::random::{Case, Family, Rng};

#[derive(Debug, PartialEq)]
enum Outcome {
    Right,
    Refused,
    Wrong(String),
}
use Outcome::{Refused, Right, Wrong};

/// What becomes of a case on the GPU, poisoned and guarded.
fn outcome(engine: &Engine, case: &Case) -> Outcome {
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    match verify::run_guarded(engine, &case.op, &inputs) {
        Ok(outputs) => judge(&case.op, &inputs, &outputs).map_or_else(Wrong, |()| Right),
        Err(Error::TooLarge { .. }) => Refused,
        Err(error) => panic!("{}: {error}", describe(case)),
    }
}

/// Long loops are slow, and OpenGL's context serves one thread at a time, the others not waiting long.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same plans as for a device that runs loops to their end, or after so many turns does not.
fn with_turns(engine: &Engine, turns: u64) -> Engine {
    let mut caps = engine.caps().clone();
    caps.loop_limit = turns;
    engine.with_caps(caps)
}

/// Rising values, so that the last of a window counts: in maxima alone, and in sums most.
fn rising(shape: &[usize], dtype: DType) -> Tensor {
    let n = shape.iter().product::<usize>();
    let most = if dtype == DType::U8 { 250.0 } else { 1.0 };
    let values = (0..n).map(|i| most * (i as f32 / n as f32));
    Tensor::new(shape, Data::nearest(dtype, values.map(f64::from)).unwrap()).unwrap()
}

fn case(op: impl Into<Op>, shapes: &[&[usize]]) -> Case {
    typed(op, DType::F32, shapes)
}

fn typed(op: impl Into<Op>, dtype: DType, shapes: &[&[usize]]) -> Case {
    Case { op: op.into(), inputs: shapes.iter().map(|shape| rising(shape, dtype)).collect() }
}

/// Cases below what llvmpipe runs to the end, where one step may be all it takes, and such as others compute right.
fn right() -> Vec<Case> {
    let pad = |n: usize| Padding::symmetric([n]);
    let square = |side: usize| vec![1, 1, side, side];
    vec![
        case(column(21_600).indices(IndexNumbering::PerPlane), &[&[1, 1, 30_000, 3]]),
        case(Pool::average([64_500]).stride([1000]), &[&[1, 1, 70_000]]),
        case(lp(32_000).stride([1000]), &[&[1, 1, 34_000]]),
        typed(Pool::max([16_100]).stride([250]), DType::U8, &[&[1, 1, 18_000]]),
        typed(GlobalPool::max(), DType::U8, &[&[1, 1, 1_500, 1_500]]),
        // Large windows that lie in the padding, but for their middle.
        case(Pool::average([100_000]).stride([60_000]).padding(pad(50_000)), &[&[1, 2, 90]]),
        // Windows of pages, and such as eight pages go through too often.
        case(Pool::average([1_300]).stride([7]), &[&[1, 1, 5_000]]),
        case(Pool::max([1_600]).stride([7]), &[&[1, 1, 5_000]]),
        case(Conv::new().groups(2), &[&[1, 2, 2_500], &[2, 1, 2_000]]),
        case(GlobalPool::average(), &[&[1, 1, 2_000, 2_000]]),
        typed(GlobalPool::max(), DType::U8, &[&[1, 4, 1_000, 1_000]]),
        case(Conv::new(), &[&square(102), &square(100)]),
        case(transposed(90), &[&square(2), &square(100)]),
        // All taps would be too many, but few lie on a position.
        case(transposed(160), &[&square(2), &square(170)]),
        case(columns(66_000), &[&[1, 66_000, 2]]),
        case(Dense::new(), &[&[2, 100_000], &[100_000, 3], &[3]]),
        case(Softmax::last_axis(), &[&[3, 22_000]]),
        case(Softmax { axis: 1 }, &[&[2, 1_000, 2]]),
        case(Softmax::last_axis(), &[&[1, 1_370_000]]),
        case(fractional(21_000), &[&[1, 1, 22_000, 3], &[1, 1, 2]]),
        case(columns(64_000), &[&[1, 64_000, 2]]),
        case(Reduce::new(ReduceKind::Sum, [1]), &[&[1, 4_000_000]]),
        case(Reduce::new(ReduceKind::L2, [0]), &[&[2_000_000]]),
        case(ArgReduce::new(ArgKind::Max, 0), &[&[4_000_000]]),
        case(gradient(21_000), &[&[1, 1, 21_000]]),
        case(weight(), &[&[1, 1, 1, 64_000], &[1, 1, 1, 64_000]]),
        // In parts, each of which fits.
        case(weight(), &[&[1, 1, 2_000, 1_000], &[1, 1, 2_000, 1_000]]),
        case(SoftmaxGradient { of: Softmax::last_axis() }, &[&[1, 100_000], &[1, 100_000]]),
    ]
}

/// Cases that llvmpipe would compute wrongly before Mesa 25, but for other kernels or several dispatches.
fn made_right() -> Vec<Case> {
    let conv = Conv::new().activation(wgpool::Activation::Relu);
    let padded = conv.clone().padding(Padding::symmetric([1]));
    vec![
        case(conv.clone(), &[&[1, 70_000, 1, 2], &[3, 70_000, 1, 1], &[3]]),
        case(conv.clone().layout(Layout::Nhwc), &[&[1, 1, 2, 70_000], &[3, 70_000, 1, 1], &[3]]),
        case(padded, &[&[1, 8_000, 3, 3], &[3, 8_000, 3, 3], &[3]]),
        case(ConvPool { conv, pool: Pool::max([2, 2]) }, &[&[1, 2_000, 4, 4], &[2, 2_000, 3, 3], &[2]]),
        case(ConvTranspose::new(), &[&[1, 70_000, 1, 2], &[70_000, 3, 1, 1]]),
        bytes(70_000),
    ]
}

/// Cases that llvmpipe would compute wrongly before Mesa 25.
fn refused() -> Vec<Case> {
    let square = |side: usize| vec![1, 1, side, side];
    vec![
        case(column(22_000).indices(IndexNumbering::PerPlane), &[&[1, 1, 30_000, 3]]),
        case(Pool::average([66_000]).stride([1000]), &[&[1, 1, 70_000]]),
        case(lp(33_000).stride([500]), &[&[1, 1, 34_000]]),
        typed(Pool::max([17_000]).stride([250]), DType::U8, &[&[1, 1, 18_000]]),
        case(GlobalPool::average(), &[&[1, 1, 2_100, 2_100]]),
        case(GlobalPool { kind: PoolKind::Lp { p: 2.0 }, ..GlobalPool::max() }, &[&[1, 1, 1_500, 1_500]]),
        typed(GlobalPool::max(), DType::U8, &[&[1, 4, 1_100, 1_100]]),
        case(Conv::new(), &[&square(108), &square(106)]),
        case(Softmax::last_axis(), &[&[1, 1_400_000]]),
        case(fractional(22_000), &[&[1, 1, 23_000, 3], &[1, 1, 2]]),
        case(Reduce::new(ReduceKind::Sum, [1]), &[&[1, 4_400_000]]),
        case(Reduce::new(ReduceKind::L2, [0]), &[&[2_200_000]]),
        case(ArgReduce::new(ArgKind::Max, 0), &[&[4_400_000]]),
        case(gradient(66_000), &[&[1, 1, 66_000]]),
        case(SoftmaxGradient { of: Softmax::last_axis() }, &[&[1, 2_200_000], &[1, 2_200_000]]),
    ]
}

/// The gradient of windows that all have the only element.
fn gradient(windows: usize) -> PoolGradient {
    let average = Pool::average([windows]).stride([1]).padding(Padding::symmetric([windows - 1]));
    PoolGradient::new(average, [1, 1, 1])
}

/// That of a kernel with one weight.
fn weight() -> ConvWeightsGradient {
    ConvWeightsGradient::new(Conv::new(), [1, 1])
}

/// Windows of one column, whose rows are loops of their own.
fn column(rows: usize) -> Pool {
    Pool::max([rows, 1]).stride([4_000, 1])
}

fn lp(window: usize) -> Pool {
    Pool::new(PoolKind::Lp { p: 2.0 }, [window])
}

fn fractional(window: usize) -> FractionalMaxPool {
    FractionalMaxPool { window: vec![window, 1], output: vec![2, 2], indices: None, layout: Layout::Nchw }
}

/// Of two windows, far apart, the first reaches into the image with its last taps alone.
fn columns(window: usize) -> Col2Im {
    let padding = Padding::Explicit { before: vec![window - 100], after: vec![70_092] };
    Col2Im::new([8], [window]).stride([70_000]).padding(padding)
}

/// An integer convolution of so many channels.
fn bytes(channels: usize) -> Case {
    let zero = Tensor::new(&[1], Data::U8(vec![3])).unwrap();
    let op = ConvInteger { conv: Conv::new(), requantize: None };
    let mut case = typed(op, DType::U8, &[&[1, channels, 1, 2], &[3, channels, 1, 1]]);
    case.inputs.extend([zero.clone(), zero]);
    case
}

/// What is left of the output takes the kernel's last taps.
fn transposed(before: usize) -> ConvTranspose {
    ConvTranspose::new().padding(Padding::Explicit { before: vec![before; 2], after: vec![8; 2] })
}

#[test]
fn nothing_that_is_right_is_refused() {
    let _alone = alone();
    for case in right().iter().chain(&made_right()) {
        assert_eq!(outcome(engine(), case), Right, "{}", describe(case));
    }
}

#[test]
fn what_the_driver_would_not_finish_is_refused() {
    let _alone = alone();
    let expected = if engine().caps().loop_limit == u64::MAX { Right } else { Refused };
    for case in refused() {
        assert_eq!(outcome(engine(), &case), expected, "{}", describe(&case));
    }
}

/// Where no tiles can be had, a workgroup goes through the inputs of a dense layer.
#[test]
fn long_dense_layers_are_refused() {
    let _alone = alone();
    let mut caps = engine().caps().clone();
    (caps.paged, caps.loop_limit) = (false, 1_000);
    let engine = engine().with_caps(caps);
    let dense = |features: usize| case(Dense::new(), &[&[2, features], &[features, 3], &[3]]);
    assert_eq!(outcome(&engine, &dense(60_000)), Right);
    assert_eq!(outcome(&engine, &dense(70_000)), Refused);
}

#[test]
fn the_host_computes_what_the_driver_would_not_finish() {
    let _alone = alone();
    let case = case(Pool::average([3_000]), &[&[1, 1, 4_000]]);
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    let backend = Backend::Gpu(with_turns(engine(), 1_000));
    assert!(matches!(backend.run(&case.op, &inputs), Err(Error::TooLarge { .. })));
    let (outputs, on_host) = backend.run_or(&case.op, &inputs, Fallback::Host).unwrap();
    assert!(on_host);
    judge(&case.op, &inputs, &outputs).unwrap();
}

#[test]
fn without_the_check_it_is_wrong() {
    let _alone = alone();
    let unchecked = with_turns(engine(), u64::MAX);
    if engine().caps().loop_limit == u64::MAX {
        println!("{} runs loops to their end", engine().adapter_name());
        return;
    }
    for case in made_right().iter().chain(&refused()) {
        assert!(matches!(outcome(&unchecked, case), Wrong(_)), "{} is right", describe(case));
    }
}

/// Plans for drivers that end loops early cut sums at other places, and take other kernels.
#[test]
fn any_number_of_turns_gives_the_same() {
    let _alone = alone();
    let (mut right, mut refused) = (0, 0);
    for family in Family::ALL {
        let mut rng = Rng::new(0x7075);
        for number in 0..10 {
            let engine = with_turns(engine(), [20, 60, 300][rng.between(0, 2)]);
            let case = family.case(&mut rng, engine.caps().f16);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            // Whose regions are looked at before they go to the GPU.
            if let Err(Error::TooLarge { .. }) = engine.run(&case.op, &inputs) {
                refused += 1;
                continue;
            }
            match outcome(&engine, &case) {
                Wrong(reason) => panic!("{number}: {}: {reason}", describe(&case)),
                Refused => panic!("{number}: {}: refused, but not by run", describe(&case)),
                Right => right += 1,
            }
        }
    }
    assert!(right > 70 && refused > 15, "{right} right, {refused} refused");
}

/// An image whose values rise, and regions of it.
fn regions(op: impl Into<Op>, side: usize, regions: &[f32], columns: usize) -> Case {
    let count = regions.len() / columns;
    let regions = Tensor::from_f32(&[count, columns], regions.to_vec()).unwrap();
    let images = Tensor::new(&[count], Data::I32(vec![0; count])).unwrap();
    let image = rising(&[1, 1, side, side], DType::F32);
    Case { op: op.into(), inputs: [vec![image, regions], vec![images; usize::from(columns == 4)]].concat() }
}

fn align(sampling_ratio: usize) -> RoiAlign {
    let (mode, layout) = (RoiMode::Average, Layout::Nchw);
    RoiAlign { output: [1, 1], sampling_ratio, spatial_scale: 1.0, half_pixel: false, mode, layout }
}

/// Regions below the limit are right, those above refused, or NaN where nobody could look at them before.
#[test]
fn large_regions_are_refused_or_nan() {
    let _alone = alone();
    let limited = engine().caps().loop_limit != u64::MAX;
    let max = || MaxRoiPool { output: [1, 1], spatial_scale: 1.0, layout: Layout::Nchw };
    let cases = [
        (regions(align(0), 300, &[0.0, 0.0, 250.0, 250.0], 4), false),
        (regions(align(0), 300, &[0.0, 0.0, 300.0, 300.0], 4), true),
        (regions(max(), 300, &[0.0, 0.0, 0.0, 247.0, 249.0], 5), false),
        (regions(max(), 300, &[0.0, 0.0, 0.0, 299.0, 299.0], 5), true),
        // Side by side, the loops of both turn.
        (regions(align(0), 1000, &[0.0, 0.0, 900.0, 60.0, 0.0, 0.0, 60.0, 900.0], 4), true),
        (regions(align(0), 1000, &[0.0, 0.0, 900.0, 30.0, 0.0, 0.0, 30.0, 900.0], 4), false),
    ];
    for (case, large) in cases {
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        let unlooked = verify::run_guarded(engine(), &case.op, &inputs).unwrap();
        match engine().run(&case.op, &inputs) {
            Ok(outputs) => {
                assert!(!(limited && large), "{} is not refused", describe(&case));
                judge(&case.op, &inputs, &outputs).unwrap();
                judge(&case.op, &inputs, &unlooked).unwrap();
            }
            Err(Error::TooLarge { .. }) => {
                assert!(limited && large, "{} is refused", describe(&case));
                assert!(unlooked[0].as_f32().unwrap().iter().all(|x| x.is_nan()), "{unlooked:?}");
                let unchecked = outcome(&with_turns(engine(), u64::MAX), &case);
                assert!(matches!(unchecked, Wrong(_)), "{} is right", describe(&case));
            }
            Err(error) => panic!("{}: {error}", describe(&case)),
        }
    }
    let fixed = outcome(engine(), &regions(align(300), 20, &[0.0, 0.0, 20.0, 20.0], 4));
    assert_eq!(fixed, if limited { Refused } else { Right });
}

#[test]
fn classes_beyond_the_loop_are_refused() {
    let _alone = alone();
    let plan = |channels: usize| {
        let spec = TensorToFrame::classes(TensorDesc::f32([1, channels, 1, 1]));
        OverlayPlan::new(&spec, with_turns(engine(), 65_000).caps())
    };
    assert!(plan(64_000).is_ok());
    assert!(matches!(plan(66_000), Err(Error::TooLarge { .. })));
}
