//! Operations that ONNX has beside pooling, convolution and dense layers: the host path on random specifications, results
//! worked out by hand on every path, and what is refused.

use wgpool::{
    Activation, Backend, Caps, CausalConv, Col2Im, Conv, ConvInteger, ConvPool, DType, Data, DeformConv,
    Dense, Error, Layout, Op, Padding, Plan, Pool, Problem, Requantize, Tensor, TensorDesc, host, reference,
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
        let has_regions = matches!(family, Family::RoiAlign | Family::MaxRoiPool);
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
