//! What follows the sums of a convolution: PReLU's slopes and residuals.

use crate::cases::{Given, f32s, gives, refused};
use wgpool::{
    Activation, Caps, Conv, ConvInteger, ConvPool, DType, DeformConv, Dense, Error, Layout, Op, Plan, Pool,
    Problem, Tensor, TensorDesc, host,
};
use wgpool_testing::support::{check_gpu, describe, engine, judge};
use wgpool_testing::verify::random::{Case, Family, Rng};

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
