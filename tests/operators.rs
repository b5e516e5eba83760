//! Operations that ONNX has beside pooling, convolution and dense layers: the host path on random specifications, results
//! worked out by hand on every path, and what is refused.

use wgpool::{
    Activation, ArgKind, ArgReduce, AsStrided, Backend, Caps, CausalConv, Col2Im, Concat, Conv, ConvInteger,
    ConvPool, DType, Data, DeformConv, Dense, Error, Layout, NearestRounding, Op, Pad, PadMode, Padding,
    Plan, Pool, Problem, Reduce, ReduceKind, Requantize, Resize, ResizeCoordinates, ResizeMode, Tensor,
    TensorDesc, host, reference,
};
use wgpool_testing::support::{check_gpu, describe, engine, judge};
use wgpool_testing::verify::random::{Case, Family, Rng};

/// Random cases of a family on the host path, judged by the reference.
fn on_host(family: Family, count: usize) {
    let mut rng = Rng::new(0x4057 ^ family as u64);
    for _ in 0..count {
        let case = family.case(&mut rng, true);
        let inputs: Vec<_> = case.inputs.iter().collect();
        let outputs = host::run(&case.op, &inputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        judge(&case.op, &inputs, &outputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

/// The same result on every path.
fn gives(op: impl Into<Op>, inputs: &[&Tensor], outputs: &[Tensor]) {
    let op = op.into();
    assert_eq!(reference::run(&op, inputs).unwrap(), outputs, "reference: {op:?}");
    assert_eq!(host::run(&op, inputs).unwrap(), outputs, "host path: {op:?}");
    assert_eq!(engine().run(&op, inputs).unwrap(), outputs, "GPU: {op:?}");
}

/// Type and shape of a tensor.
type Given<'a> = (DType, &'a [usize]);

/// The error of a specification on tensors of these types and shapes.
fn refused(op: impl Into<Op>, inputs: &[Given<'_>]) -> Error {
    let descs: Vec<_> =
        inputs.iter().map(|&(dtype, shape)| TensorDesc { shape: shape.to_vec(), dtype }).collect();
    Problem::new(&op.into(), &descs).unwrap_err()
}

fn tensor(shape: &[usize], data: Data) -> Tensor {
    Tensor::new(shape, data).unwrap()
}

fn u8s(shape: &[usize], v: &[u8]) -> Tensor {
    tensor(shape, Data::U8(v.to_vec()))
}

fn i8s(shape: &[usize], v: &[i8]) -> Tensor {
    tensor(shape, Data::I8(v.to_vec()))
}

fn f32s(shape: &[usize], v: &[f32]) -> Tensor {
    tensor(shape, Data::F32(v.to_vec()))
}

#[test]
fn prelu_multiplies_what_is_not_positive_by_a_slope_of_its_channel() {
    let prelu = |layout| Conv::new().layout(layout).activation(Activation::PRelu);
    let (x, w) = (f32s(&[1, 1, 3], &[1., -2., 3.]), f32s(&[2, 1, 1], &[1., -1.]));
    let (shared, each) = (f32s(&[1], &[0.5]), f32s(&[2], &[0.5, -4.]));
    // The slope is the last input, with a bias and without.
    gives(prelu(Layout::Nchw), &[&x, &w, &shared], &[f32s(&[1, 2, 3], &[1., -1., 3., -0.5, 2., -1.5])]);
    gives(prelu(Layout::Nchw), &[&x, &w, &each], &[f32s(&[1, 2, 3], &[1., -1., 3., 4., 2., 12.])]);
    let bias = f32s(&[2], &[-2., 0.]);
    let y = f32s(&[1, 2, 3], &[-0.5, -2., 1., 4., 2., 12.]);
    gives(prelu(Layout::Nchw), &[&x, &w, &bias, &each], std::slice::from_ref(&y));
    let pooled = ConvPool { conv: prelu(Layout::Nchw), pool: Pool::max([3]) };
    gives(pooled, &[&x, &w, &bias, &each], &[f32s(&[1, 2, 1], &[1., 12.])]);
    let prepared =
        Problem::new(&prelu(Layout::Nchw).into(), &[&x, &w, &bias, &each].map(Tensor::desc)).unwrap();
    let prepared = host::Prepared::new(prepared, vec![w.clone(), bias, each.clone()]).unwrap();
    assert_eq!(prepared.run(&[&x]).unwrap(), [y]);
    let last = f32s(&[1, 3, 1], &[1., -2., 3.]);
    gives(prelu(Layout::Nhwc), &[&last, &w, &each], &[f32s(&[1, 3, 2], &[1., 4., -1., 2., 3., 12.])]);
    let rows = f32s(&[2, 2], &[-1., -1., 2., -3.]);
    let one = f32s(&[2, 2], &[1., 0., 0., 1.]);
    gives(
        Dense::new().activation(Activation::PRelu),
        &[&rows, &one, &each],
        &[f32s(&[2, 2], &[-0.5, 4., 2., 12.])],
    );
    // Integers take no activation.
    let integer = ConvInteger { conv: prelu(Layout::Nchw), requantize: None };
    let (bytes, zero) = ((DType::U8, &[1, 1, 3][..]), (DType::U8, &[1][..]));
    let error = refused(integer, &[bytes, (DType::U8, &[2, 1, 1]), zero, zero]);
    assert!(error.to_string().contains("activation is prelu"), "{error}");
}

#[test]
fn residuals_are_added_before_the_activation() {
    let spec = || Conv::new().activation(Activation::Relu).residual(true);
    let (x, w) = (f32s(&[1, 1, 3], &[1., -2., 3.]), f32s(&[2, 1, 1], &[1., -1.]));
    let (skip, bias) = (f32s(&[1, 2, 3], &[1., 1., -4., 2., -3., 0.]), f32s(&[2], &[-2., 0.5]));
    let y = f32s(&[1, 2, 3], &[0., 0., 0., 1.5, 0., 0.]);
    gives(spec(), &[&x, &w, &skip], &[f32s(&[1, 2, 3], &[2., 0., 0., 1., 0., 0.])]);
    gives(spec(), &[&x, &w, &bias, &skip], std::slice::from_ref(&y));
    gives(
        spec().activation(Activation::None),
        &[&x, &w, &bias, &skip],
        &[f32s(&[1, 2, 3], &[0., -3., -3., 1.5, -0.5, -2.5])],
    );
    let (last, moved) = (f32s(&[1, 3, 1], &[1., -2., 3.]), f32s(&[1, 3, 2], &[1., 2., 1., -3., -4., 0.]));
    let of_last = f32s(&[1, 3, 2], &[2., 1., 0., 0., 0., 0.]);
    gives(spec().layout(Layout::Nhwc), &[&last, &w, &moved], &[of_last]);
    // Behind PReLU's slope, which it is added before.
    let slope = f32s(&[1], &[0.5]);
    let prelu = f32s(&[1, 2, 3], &[0., -1.5, -1.5, 1.5, -0.25, -1.25]);
    gives(spec().activation(Activation::PRelu), &[&x, &w, &bias, &slope, &skip], &[prelu]);
    // It is no weight: it comes with each run.
    let problem = Problem::new(&spec().into(), &[&x, &w, &bias, &skip].map(Tensor::desc)).unwrap();
    let prepared = host::Prepared::new(problem, vec![w.clone(), bias]).unwrap();
    assert_eq!(prepared.run(&[&x, &skip]).unwrap(), [y]);
    assert!(matches!(prepared.run(&[&x]), Err(Error::Arity { .. })));
}

/// In each kind of element, with sums so long that they are divided, and through parts of a batch.
#[test]
fn residuals_of_a_divided_batch() {
    let numbers = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        f32s(shape, &(0..n).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<_>>())
    };
    let (x, w, skip) = (numbers(&[3, 2, 32]), numbers(&[2, 2, 1]), numbers(&[3, 2, 32]));
    let mut caps = engine().caps().clone();
    caps.max_binding = 256;
    for buffers in [4, caps.max_storage_buffers] {
        caps.max_storage_buffers = buffers;
        let engine = engine().with_caps(caps.clone());
        let op = Op::from(Conv::new().activation(Activation::Relu).residual(true));
        let inputs = [&x, &w, &skip];
        let plan = engine.plan(&op, &inputs.map(Tensor::desc)).unwrap();
        assert!(plan.steps.iter().all(|step| step.part.is_some_and(|part| part.count == 1)));
        judge(&op, &inputs, &engine.run(&op, &inputs).unwrap()).unwrap();
    }
}

#[test]
fn residuals_that_are_refused() {
    use DType::{F16, F32};
    let conv = || Conv::new().residual(true);
    let (x, w): (Given<'_>, Given<'_>) = ((F32, &[1, 1, 3]), (F32, &[2, 1, 1]));
    let missing = refused(conv(), &[x, w]);
    assert!(missing.to_string().contains("then the residual as input tensors, got 2"), "{missing}");
    let skip: Given<'_> = (F32, &[1, 2, 3]);
    assert!(matches!(refused(conv(), &[x, w, skip, skip, skip]), Error::Arity { got: 5, .. }));
    assert!(matches!(
        refused(conv(), &[x, w, (F16, &[1, 2, 3])]),
        Error::Type { tensor: "the residual", .. }
    ));
    for shape in [&[1, 2, 1][..], &[2, 3], &[1, 1, 3], &[2]] {
        let error = refused(conv(), &[x, w, (F32, shape)]);
        assert!(matches!(error, Error::Shape { tensor: "the residual", .. }), "{error}");
    }
    let bytes: Given<'_> = (DType::U8, &[1, 1, 3]);
    let zero: Given<'_> = (DType::U8, &[1]);
    for error in [
        refused(ConvPool { conv: conv(), pool: Pool::max([3]) }, &[x, w, skip]),
        refused(
            ConvInteger { conv: conv(), requantize: None },
            &[bytes, (DType::U8, &[2, 1, 1]), zero, zero],
        ),
        refused(DeformConv { conv: conv(), offset_groups: 1, mask: false }, &[x, (F32, &[1, 1, 3]), w]),
    ] {
        assert!(matches!(error, Error::Parameter { parameter: "residual", .. }), "{error}");
    }
}

/// Where four buffers are all that a kernel may have, the sum is a kernel of its own.
#[test]
fn residuals_on_devices_that_bind_few_buffers() {
    for own in [engine().clone(), engine().with_gpu_kernels()] {
        let mut caps = own.caps().clone();
        caps.max_storage_buffers = 4;
        let engine = own.with_caps(caps);
        let (mut rng, mut apart) = (Rng::new(5), 0);
        let cases = (0..200).map(|_| Family::Conv.case(&mut rng, engine.caps().f16));
        let has_one = |case: &Case| matches!(&case.op, Op::Conv(conv) if conv.residual);
        for case in cases.filter(|case| has_one(case) && !case.inputs[0].data().is_empty()) {
            let descs: Vec<_> = case.inputs.iter().map(Tensor::desc).collect();
            let explanation = match engine.plan(&case.op, &descs) {
                // Sums of 16 bits would be rounded before the residual is added too.
                Err(Error::Limit { allowed: 4, .. }) if descs[0].dtype != DType::F32 => continue,
                plan => plan.unwrap().explain(),
            };
            apart += usize::from(explanation.steps.iter().any(|s| s.name().starts_with("Elementwise")));
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        }
        assert!(apart > 10, "{apart}");
    }
}

#[test]
fn prelu_by_itself_has_slopes_along_neighbouring_axes() {
    let x = f32s(&[2, 2, 2], &[-1., -1., -1., 1., -1., 1., -1., -1.]);
    for (slope, y) in [
        (f32s(&[1], &[3.]), [-3., -3., -3., 1., -3., 1., -3., -3.]),
        (f32s(&[], &[3.]), [-3., -3., -3., 1., -3., 1., -3., -3.]),
        (f32s(&[2, 1], &[2., 3.]), [-2., -2., -3., 1., -2., 1., -3., -3.]),
        (f32s(&[1, 2], &[2., 3.]), [-2., -3., -2., 1., -2., 1., -2., -3.]),
        (f32s(&[1, 1, 2], &[2., 3.]), [-2., -3., -2., 1., -2., 1., -2., -3.]),
        (f32s(&[2, 2], &[2., 3., 4., 5.]), [-2., -3., -4., 1., -2., 1., -4., -5.]),
        (f32s(&[2, 1, 1], &[2., 3.]), [-2., -2., -2., 1., -3., 1., -3., -3.]),
    ] {
        gives(Activation::PRelu, &[&x, &slope], &[f32s(&[2, 2, 2], &y)]);
    }
}

/// Parts begin with the first slope again, at multiples of what any device can bind.
#[test]
fn prelu_of_a_divided_batch() {
    let x = f32s(&[3, 2, 32], &(0..192).map(|i| (i % 7) as f32 - 5.0).collect::<Vec<_>>());
    let (w, slope) = (f32s(&[2, 2, 1], &[1., 2., 3., -4.]), f32s(&[2], &[0.5, -2.]));
    let mut caps = engine().caps().clone();
    caps.max_binding = 256;
    let engine = engine().with_caps(caps);
    let by_itself = slope.clone().reshaped(&[2, 1]).unwrap();
    let conv = Op::from(Conv::new().activation(Activation::PRelu));
    for (op, inputs) in [(Activation::PRelu.into(), vec![&x, &by_itself]), (conv, vec![&x, &w, &slope])] {
        let plan = engine.plan(&op, &inputs.iter().map(|input| input.desc()).collect::<Vec<_>>()).unwrap();
        assert_eq!(
            plan.steps.iter().filter_map(|step| step.part).map(|part| part.count).sum::<usize>(),
            3,
            "{op:?}"
        );
        judge(&op, &inputs, &engine.run(&op, &inputs).unwrap()).unwrap();
    }
}

#[test]
fn slopes_that_are_refused() {
    use DType::{F16, F32};
    let conv = || Conv::new().activation(Activation::PRelu);
    let (x, w): (Given<'_>, Given<'_>) = ((F32, &[1, 1, 3]), (F32, &[2, 1, 1]));
    let missing = refused(conv(), &[x, w]);
    assert!(missing.to_string().contains("then PReLU's slope as input tensors, got 2"), "{missing}");
    assert!(matches!(
        refused(conv(), &[x, w, (F32, &[2]), (F32, &[2]), (F32, &[2])]),
        Error::Arity { got: 5, .. }
    ));
    assert!(matches!(refused(conv(), &[x, w, (F16, &[2])]), Error::Type { tensor: "the slope", .. }));
    for shape in [&[3][..], &[], &[2, 1], &[0], &[1, 1]] {
        let error = refused(conv(), &[x, w, (F32, shape)]);
        assert!(matches!(error, Error::Shape { tensor: "the slope", .. }), "{error}");
    }
    assert!(matches!(refused(Activation::PRelu, &[]), Error::Arity { got: 0, .. }));
    assert!(matches!(refused(Activation::PRelu, &[x]), Error::Arity { got: 1, .. }));
    let image: Given<'_> = (F32, &[2, 4, 3, 3]);
    // Neither as long as the input, nor neighbours, nor of its axes: PyTorch's is [4, 1, 1] here.
    for shape in [&[4][..], &[3], &[3, 1, 1], &[4, 1, 3], &[2, 1, 3, 3], &[1, 2, 4, 3, 3]] {
        let error = refused(Activation::PRelu, &[image, (F32, shape)]).to_string();
        assert!(error.contains("[channels, 1, 1]"), "{error}");
    }
    let mut caps = Caps::default();
    caps.max_storage_buffers = 3;
    let descs = [x, w, (F32, &[2])].map(|(dtype, shape)| TensorDesc { shape: shape.to_vec(), dtype });
    let error = Plan::new(&conv().into(), &descs, &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 4, allowed: 3, .. }), "{error}");
}

/// WebGPU promises compatibility devices four storage buffers, which a convolution with bias binds already.
#[test]
fn prelu_of_devices_that_bind_few_buffers() {
    let families = [Family::Conv, Family::Dense, Family::ConvTranspose, Family::ConvPool];
    for own in [engine().clone(), engine().with_gpu_kernels()] {
        let mut caps = own.caps().clone();
        caps.max_storage_buffers = 4;
        let engine = own.with_caps(caps);
        let mut rng = Rng::new(4);
        for family in [&families[..], &[Family::DeformConv, Family::CausalConv]].concat() {
            let cases = (0..200).map(|_| family.case(&mut rng, engine.caps().f16));
            let mut apart = 0;
            let is_prelu = |case: &Case| case.op.activation() == Activation::PRelu;
            for case in cases.filter(|case| is_prelu(case) && !case.inputs[0].data().is_empty()) {
                let descs: Vec<_> = case.inputs.iter().map(Tensor::desc).collect();
                let explanation = match engine.plan(&case.op, &descs) {
                    // Sums of 16 bits would be rounded before PReLU too.
                    Err(Error::Limit { allowed: 4, .. }) if descs[0].dtype != DType::F32 => continue,
                    plan => plan.unwrap().explain(),
                };
                apart += usize::from(explanation.steps.iter().any(|s| s.name().starts_with("Activation")));
                check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            }
            // Depthwise kernels may read weights and bias through uniform windows, which are no storage buffers.
            assert!(apart > 10 || family == Family::CausalConv, "{}: {apart}", family.name());
        }
    }
}

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

#[test]
fn causal_convolution() {
    on_host(Family::CausalConv, 250);
}

#[test]
fn a_sequence_in_parts_gives_what_the_whole_gives() {
    let x: Vec<f32> = (0..28).map(|v| (v * v % 11) as f32).collect();
    let w = f32s(&[2, 1, 4], &[1., -2., 3., 4., 5., 6., -7., 8.]);
    let bias = f32s(&[2], &[100., -100.]);
    let first = Op::from(CausalConv { state: false, activation: Activation::Relu });
    let next = Op::from(CausalConv { state: true, activation: Activation::Relu });
    for backend in [Backend::Reference, Backend::Host, Backend::Gpu(engine().clone())] {
        let whole = backend.run(&first, &[&f32s(&[1, 2, 14], &x), &w, &bias]).unwrap();
        let mut state: Option<Tensor> = None;
        let mut from = 0;
        // Parts longer and shorter than the kernel.
        for length in [5, 1, 1, 2, 5] {
            let part = [&x[from..from + length], &x[14 + from..14 + from + length]].concat();
            let part = f32s(&[1, 2, length], &part);
            let outputs = match &state {
                None => backend.run(&first, &[&part, &w, &bias]),
                Some(state) => backend.run(&next, &[&part, state, &w, &bias]),
            };
            let [y, present]: [Tensor; 2] = outputs.unwrap().try_into().unwrap();
            for channel in 0..2 {
                let expected = &whole[0].as_f32().unwrap()[14 * channel + from..][..length];
                assert_eq!(
                    &y.as_f32().unwrap()[length * channel..][..length],
                    expected,
                    "{}",
                    backend.name()
                );
            }
            state = Some(present);
            from += length;
        }
        assert_eq!(state.as_ref(), Some(&whole[1]), "{}", backend.name());
        assert_eq!(whole[1], f32s(&[1, 2, 3], &[x[11], x[12], x[13], x[25], x[26], x[27]]));
    }
    // A kernel of one tap keeps nothing.
    let (x, w) = (f32s(&[1, 1, 2], &[1., 2.]), f32s(&[1, 1, 1], &[3.]));
    let none = f32s(&[1, 1, 0], &[]);
    gives(first, &[&x, &w], &[f32s(&[1, 1, 2], &[3., 6.]), none.clone()]);
    gives(next, &[&x, &none, &w], &[f32s(&[1, 1, 2], &[3., 6.]), none.clone()]);
}

#[test]
fn causal_convolutions_that_are_refused() {
    use DType::{F16, F32, I8};
    let op = CausalConv::default();
    let next = CausalConv { state: true, ..op };
    assert!(matches!(refused(op, &[(F32, &[1, 2, 3])]), Error::Arity { got: 1, .. }));
    assert!(matches!(refused(next, &[(F32, &[1, 2, 3]), (F32, &[2, 1, 2])]), Error::Arity { got: 2, .. }));
    assert!(matches!(refused(op, &[(I8, &[1, 2, 3]), (I8, &[2, 1, 2])]), Error::Type { got: I8, .. }));
    assert!(matches!(refused(op, &[(F16, &[1, 2, 3]), (F32, &[2, 1, 2])]), Error::Type { got: F32, .. }));
    assert!(matches!(refused(op, &[(F32, &[2, 3]), (F32, &[2, 1, 2])]), Error::Rank { got: 2, .. }));
    for wrong in [[1, 0, 3], [1, 2, 0]] {
        assert!(matches!(refused(op, &[(F32, &wrong), (F32, &[2, 1, 2])]), Error::Shape { .. }), "{wrong:?}");
    }
    for wrong in [&[2, 1, 0][..], &[2, 2, 2], &[1, 1, 2], &[2, 2]] {
        assert!(matches!(refused(op, &[(F32, &[1, 2, 3]), (F32, wrong)]), Error::Shape { .. }), "{wrong:?}");
    }
    let with = |state: &[usize]| refused(next, &[(F32, &[1, 2, 3]), (F32, state), (F32, &[2, 1, 3])]);
    assert!(matches!(with(&[1, 2, 3]), Error::Shape { tensor: "the state", .. }));
    assert!(matches!(with(&[2, 2, 2]), Error::Shape { tensor: "the state", .. }));
    let bias: [Given<'_>; 3] = [(F32, &[1, 2, 3]), (F32, &[2, 1, 3]), (F32, &[3])];
    assert!(matches!(refused(op, &bias), Error::Shape { tensor: "the bias", .. }));
}

#[test]
fn operations_take_the_types_of_their_row_alone() {
    let mut rng = Rng::new(77);
    // Of the others, each has the type of the first input, positions, or f32.
    for family in Family::ALL.into_iter().filter(|&family| family != Family::ConvInteger) {
        let Case { op, inputs } = family.case(&mut rng, true);
        let has_regions = matches!(family, Family::RoiAlign | Family::MaxRoiPool | Family::RoiAlignGradient);
        for &dtype in DType::ALL {
            let with = |(i, tensor): (usize, &Tensor)| {
                let follows = tensor.dtype() == inputs[0].dtype() && !(has_regions && i > 0);
                if follows { TensorDesc { dtype, ..tensor.desc() } } else { tensor.desc() }
            };
            match Problem::new(&op, &inputs.iter().enumerate().map(with).collect::<Vec<_>>()) {
                Ok(_) => assert!(op.types().contains(&dtype), "{op:?} takes {dtype}"),
                Err(Error::Type { got, .. }) => {
                    assert!(!op.types().contains(&dtype) && got == dtype, "{op:?}")
                }
                Err(error) => panic!("{op:?} of {dtype}: {error}"),
            }
        }
    }
}

#[test]
fn every_type_has_its_row_in_the_documents() {
    let table = include_str!("../docs/operators.md").split("| elements | where |").nth(1).unwrap();
    let first = |line: &str| line.split('|').nth(1).unwrap_or_default().to_owned();
    let rows: Vec<String> = table.lines().map(first).collect();
    for dtype in DType::ALL {
        let has = |row: &String| row.split(',').any(|name| name.trim() == dtype.to_string());
        assert!(rows.iter().any(has), "{dtype}");
    }
}

#[test]
fn operations_on_any_axes() {
    use Family::{ArgReduce, AsStrided, Concat, Pad, Reduce, Resize};
    for family in [AsStrided, Concat, Pad, Reduce, ArgReduce, Resize] {
        on_host(family, 400);
    }
}

#[test]
fn strided_copies_have_the_elements_that_strides_say() {
    let x = u8s(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    gives(AsStrided::new([2, 2, 2], [1, 3, -1], 1), &[&x], &[u8s(&[2, 2, 2], &[2, 1, 5, 4, 3, 2, 6, 5])]);
    gives(AsStrided::transpose(&[2, 3], &[1, 0]).unwrap(), &[&x], &[u8s(&[3, 2], &[1, 4, 2, 5, 3, 6])]);
    // Clamped at either end, as ONNX has it; and from the end back.
    let slice = |starts: [isize; 2], ends: [isize; 2], steps: [isize; 2]| {
        AsStrided::slice(&[2, 3], &starts, &ends, &steps)
    };
    gives(slice([-1, -9], [9, 2], [1, 1]).unwrap(), &[&x], &[u8s(&[1, 2], &[4, 5])]);
    gives(slice([0, 9], [1, -9], [1, -2]).unwrap(), &[&x], &[u8s(&[1, 2], &[3, 1])]);
    gives(slice([0, 2], [2, 1], [1, 1]).unwrap(), &[&x], &[u8s(&[2, 0], &[])]);
    let column = i8s(&[2, 1], &[-1, 2]);
    gives(
        AsStrided::expand(&[2, 1], &[2, 1, 3]).unwrap(),
        &[&column],
        &[i8s(&[2, 2, 3], &[-1, -1, -1, 2, 2, 2, -1, -1, -1, 2, 2, 2])],
    );
    // One number, and none.
    gives(AsStrided::new([], [], 4), &[&x], &[u8s(&[], &[5])]);
    gives(AsStrided::new([0, 7], [1, 1], 99), &[&x], &[u8s(&[0, 7], &[])]);
}

/// Large enough for several chunks, tasks and vectors, with every way that rows may lie.
#[test]
fn large_strided_copies_are_right() {
    let n = 1 << 20;
    let x: Vec<i32> = (0..n).collect();
    for (shape, order) in [
        (vec![1024, 1024], vec![1, 0]),
        (vec![2, 64, 8192], vec![0, 2, 1]),
        (vec![2, 8192, 64], vec![0, 2, 1]),
        (vec![16, 256, 256], vec![2, 1, 0]),
        (vec![32, 32, 32, 32], vec![3, 1, 0, 2]),
        (vec![1 << 10, 1 << 10], vec![0, 1]),
        (vec![1 << 18, 4], vec![1, 0]),
    ] {
        let op = Op::from(AsStrided::transpose(&shape, &order).unwrap());
        let x = tensor(&shape, Data::I32(x.clone()));
        let expected = reference::run(&op, &[&x]).unwrap();
        assert_eq!(host::run(&op, &[&x]).unwrap(), expected, "{shape:?} {order:?}");
        assert_eq!(engine().run(&op, &[&x]).unwrap(), expected, "{shape:?} {order:?}");
    }
}

/// Bits are copied: NaN keeps what it carries, and 16-bit floats need nothing of the device.
#[test]
fn copies_are_of_bits() {
    let bits =
        [0x7f80_0001u32, 0xffc0_1234, 0x8000_0000, 1, 0x7fff_ffff, 0x3f80_0000, 0x0080_0000, 0xff80_0000];
    let x = f32s(&[2, 4], &bits.map(f32::from_bits));
    let halves = tensor(
        &[2, 4],
        Data::from_bytes(DType::BF16, &bits.map(|b| b as u16).map(u16::to_ne_bytes).concat()).unwrap(),
    );
    let bytes = |tensors: Vec<Tensor>| tensors[0].data().as_bytes().to_vec();
    for x in [&x, &halves] {
        for op in [
            Op::from(AsStrided::new([2, 4], [4, 1], 0)),
            Concat { axis: 0 }.into(),
            Pad::new([0; 2], [0; 2]).into(),
        ] {
            assert_eq!(bytes(host::run(&op, &[x]).unwrap()), x.data().as_bytes(), "{op:?}");
            assert_eq!(bytes(engine().run(&op, &[x]).unwrap()), x.data().as_bytes(), "{op:?}");
        }
    }
    let mut caps = engine().caps().clone();
    caps.f16 = false;
    let halves = tensor(&[3], Data::nearest(DType::F16, [1.0, 2.0, 65504.0]).unwrap());
    let op = Op::from(AsStrided::slice(&[3], &[2], &[-9], &[-1]).unwrap());
    let reversed = tensor(&[3], Data::nearest(DType::F16, [65504.0, 2.0, 1.0]).unwrap());
    assert_eq!(engine().with_caps(caps).run(&op, &[&halves]).unwrap(), [reversed]);
}

#[test]
fn tensors_one_behind_the_other() {
    let (a, b, none) = (u8s(&[2, 1], &[1, 2]), u8s(&[2, 3], &[3, 4, 5, 6, 7, 8]), u8s(&[2, 0], &[]));
    gives(Concat { axis: -1 }, &[&a, &none, &b, &a], &[u8s(&[2, 5], &[1, 3, 4, 5, 1, 2, 6, 7, 8, 2])]);
    gives(Concat { axis: 0 }, &[&b, &b], &[u8s(&[4, 3], &[3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8])]);
    gives(Concat { axis: 1 }, &[&none, &none], std::slice::from_ref(&none));
    // More inputs than a kernel could bind.
    let many: Vec<Tensor> = (0..40).map(|i| f32s(&[1, 1], &[i as f32])).collect();
    let all: Vec<f32> = (0..40).map(|i| i as f32).collect();
    gives(Concat { axis: 1 }, &many.iter().collect::<Vec<_>>(), &[f32s(&[1, 40], &all)]);
}

#[test]
fn what_stands_around_a_tensor() {
    let x = i8s(&[4], &[1, 2, 3, 4]);
    let padded = |before, after, mode, y: &[i8]| {
        gives(Pad::new([before], [after]).mode(mode), &[&x], &[i8s(&[y.len()], y)]);
    };
    padded(1, 2, PadMode::Constant(-3.0), &[-3, 1, 2, 3, 4, -3, -3]);
    padded(3, 2, PadMode::Reflect, &[4, 3, 2, 1, 2, 3, 4, 3, 2]);
    padded(1, 2, PadMode::Edge, &[1, 1, 2, 3, 4, 4, 4]);
    padded(5, 6, PadMode::Wrap, &[4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2]);
    // What is taken away is not seen any more.
    padded(-1, 2, PadMode::Reflect, &[2, 3, 4, 3, 2]);
    padded(2, -1, PadMode::Wrap, &[2, 3, 1, 2, 3]);
    padded(-2, 1, PadMode::Edge, &[3, 4, 4]);
    padded(-4, 2, PadMode::Constant(7.0), &[7, 7]);
    padded(-1, -3, PadMode::Reflect, &[]);
    let below = Pad::new([0], [1]).mode(PadMode::Constant(f32::NEG_INFINITY));
    gives(below, &[&f32s(&[1], &[1.])], &[f32s(&[2], &[1., f32::NEG_INFINITY])]);
    let plane = f32s(&[2, 2], &[1., 2., 3., 4.]);
    let y = [4., 3., 4., 3., 2., 1., 2., 1., 4., 3., 4., 3.];
    gives(Pad::new([1, 1], [0, 1]).mode(PadMode::Reflect), &[&plane], &[f32s(&[3, 4], &y[..12])]);
}

#[test]
fn copies_of_what_is_not_there_are_refused() {
    use DType::{F16, F32, I32, U8};
    let parameter = |error: Error| match error {
        Error::Parameter { parameter, rule, .. } => (parameter, rule),
        other => panic!("{other:?}"),
    };
    let of = |shape: &[usize], strides: &[isize], offset| {
        parameter(refused(AsStrided::new(shape, strides, offset), &[(U8, &[2, 3])]))
    };
    assert_eq!(of(&[2], &[1, 1], 0).0, "strides");
    assert_eq!(of(&[1], &[9], 6), ("offset", "the input has 6 elements".into()));
    let (name, rule) = of(&[2, 4], &[3, 1], 0);
    assert!(
        name == "strides" && rule.contains("axis 1 of shape [2, 4]") && rule.contains("0 to 6"),
        "{rule}"
    );
    assert!(of(&[2, 2], &[-1, 1], 0).1.contains("axis 0"));
    assert!(of(&[1 << 40], &[isize::MAX], 0).1.contains("axis 0"));
    let nine = AsStrided::new([2; 9], [1, 3, 9, 27, 81, 243, 729, 2187, 6561], 0);
    assert!(matches!(refused(nine, &[(U8, &[10_000])]), Error::Rank { got: 9, .. }));
    assert!(matches!(refused(AsStrided::new([usize::MAX], [0], 0), &[(U8, &[1])]), Error::TooLarge { .. }));
    assert_eq!(parameter(AsStrided::transpose(&[2, 3], &[0, 0]).unwrap_err()).0, "order");
    assert_eq!(parameter(AsStrided::slice(&[2], &[0], &[1], &[0]).unwrap_err()).0, "steps");
    assert_eq!(parameter(AsStrided::slice(&[2], &[0, 0], &[1], &[1]).unwrap_err()).0, "starts");
    assert_eq!(parameter(AsStrided::expand(&[2, 3], &[2]).unwrap_err()).0, "shape");
    assert!(AsStrided::slice(&[usize::MAX, 4], &[0; 2], &[1; 2], &[1; 2]).is_err());

    let concat = |axis, inputs: &[Given<'_>]| refused(Concat { axis }, inputs);
    assert!(matches!(concat(0, &[]), Error::Arity { got: 0, .. }));
    assert_eq!(parameter(concat(2, &[(F32, &[1, 2])])).1, "a tensor of shape [1, 2] has axes -2 to 1");
    assert_eq!(parameter(concat(0, &[(F32, &[])])).0, "axis");
    assert!(matches!(concat(0, &[(F32, &[1, 2]), (F32, &[1, 3])]), Error::Shape { .. }));
    assert!(matches!(concat(0, &[(F32, &[1, 2]), (F32, &[1])]), Error::Shape { .. }));
    assert!(matches!(concat(0, &[(F32, &[1]), (F16, &[1])]), Error::Type { got: F16, .. }));
    let half: &[usize] = &[usize::MAX / 2 + 1, 0];
    assert!(matches!(concat(0, &[(U8, half), (U8, half)]), Error::TooLarge { .. }));

    let pad = |before: isize, after, mode| refused(Pad::new([before], [after]).mode(mode), &[(U8, &[3])]);
    for constant in [-1.0, 256.0, 0.5, f32::NAN, f32::INFINITY] {
        assert_eq!(parameter(pad(0, 1, PadMode::Constant(constant))).0, "constant", "{constant}");
    }
    let third = Pad::new([1], [0]).mode(PadMode::Constant(0.3));
    assert_eq!(parameter(refused(third, &[(F16, &[1])])).0, "constant");
    assert_eq!(parameter(refused(Pad::new([0], [0, 0]), &[(I32, &[1])])).0, "after");
    assert!(matches!(pad(3, 0, PadMode::Reflect), Error::Shape { .. }));
    assert!(matches!(pad(-2, 1, PadMode::Reflect), Error::Shape { .. }));
    assert!(matches!(pad(-3, 1, PadMode::Wrap), Error::Shape { .. }));
    assert!(matches!(pad(-3, 1, PadMode::Edge), Error::Shape { .. }));
    assert!(matches!(pad(-2, -2, PadMode::Edge), Error::Shape { .. }));
    assert!(matches!(pad(isize::MAX, isize::MAX, PadMode::Wrap), Error::TooLarge { .. }));
    assert!(matches!(pad(isize::MIN, 0, PadMode::Wrap), Error::Shape { .. }));
    // What a binding does not hold is an error, since strides reach anywhere.
    let mut caps = Caps::default();
    caps.max_binding = 1 << 10;
    let inputs = [TensorDesc::f32([300])];
    let error = Plan::new(&AsStrided::new([300], [-1], 299).into(), &inputs, &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: "max_storage_buffer_binding_size", .. }));
}

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
