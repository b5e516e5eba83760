//! Models built in Rust or from small configurations: fusing, folding, flattening and the table of a summary.

use wgpool::{
    Activation, Backend, Conv, Dense, GlobalPool, KernelLayout, Layout, Op, Padding, Pool, Problem, Softmax,
    Tensor, reference,
};
use wgpool_net::{BatchNorm, Edges, LayerKind, Model, Rescale, Weight, keras};

/// Numbers that look random and need no crate: a linear congruential generator.
fn tensor(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    Tensor::from_f32(shape, (0..shape.iter().product()).map(|_| next()).collect()).unwrap()
}

fn positive(shape: &[usize], seed: u32) -> Tensor {
    let values = tensor(shape, seed).as_f32().unwrap().iter().map(|v| v.abs() + 0.1).collect();
    Tensor::from_f32(shape, values).unwrap()
}

fn norm(channels: usize, layout: Layout) -> BatchNorm {
    BatchNorm {
        gamma: Some(tensor(&[channels], 11).into()),
        beta: Some(tensor(&[channels], 12).into()),
        mean: tensor(&[channels], 13).into(),
        variance: positive(&[channels], 14).into(),
        epsilon: 1e-3,
        momentum: 0.99,
        layout,
    }
}

fn conv(layout: Layout, kernel: &[usize]) -> LayerKind {
    let kernel_layout = if layout == Layout::Nhwc { KernelLayout::Hwio } else { KernelLayout::Oihw };
    let outputs = if layout == Layout::Nhwc { kernel[3] } else { kernel[0] };
    LayerKind::Conv {
        spec: Conv::new().layout(layout).kernel_layout(kernel_layout),
        kernel: tensor(kernel, 1).into(),
        bias: Some(tensor(&[outputs], 2).into()),
    }
}

/// Requires `got` to be near `exact`: sums of at most a hundred products of numbers near 1, so that the bound of
/// `8 eps` for each of them is far below this.
fn assert_near(got: &Tensor, exact: &[f64]) {
    assert_eq!(got.data().len(), exact.len());
    for (at, (&got, &exact)) in got.as_f32().unwrap().iter().zip(exact).enumerate() {
        let bound = 100.0 * 8.0 * f64::from(f32::EPSILON) * exact.abs().max(1.0);
        assert!((f64::from(got) - exact).abs() <= bound, "[{at}]: {got:e}, expected {exact:e}");
    }
}

fn last_of(trace: &[(String, Tensor)]) -> Vec<f64> {
    trace.last().unwrap().1.as_f32().unwrap().iter().map(|&v| f64::from(v)).collect()
}

/// The normalisation by its definition.
fn normalized(x: &Tensor, norm: &BatchNorm) -> Vec<f64> {
    let get = |w: &Weight, c: usize| w.tensor().unwrap().data().get(c).unwrap();
    let shape = x.shape();
    let inner: usize = if norm.layout == Layout::Nhwc { 1 } else { shape[2..].iter().product() };
    let channels = norm.mean.shape()[0];
    (0..x.data().len())
        .map(|i| {
            let c = (i / inner) % channels;
            let spread = (get(&norm.variance, c) + norm.epsilon).sqrt();
            let gamma = norm.gamma.as_ref().map_or(1.0, |w| get(w, c));
            let beta = norm.beta.as_ref().map_or(0.0, |w| get(w, c));
            gamma * (x.data().get(i).unwrap() - get(&norm.mean, c)) / spread + beta
        })
        .collect()
}

#[test]
fn activations_and_normalisation_join_the_layer_before_them() {
    for (layout, kernel, input) in
        [(Layout::Nhwc, [3, 3, 2, 4], [5, 5, 2]), (Layout::Nchw, [4, 2, 3, 3], [2, 5, 5])]
    {
        let model = Model::new("m", input)
            .layer("conv", conv(layout, &kernel))
            .layer("norm", LayerKind::BatchNorm(norm(4, layout)))
            .layer("drop", LayerKind::Dropout)
            .layer("relu", LayerKind::Activation(Activation::Relu))
            .layer("tanh", LayerKind::Activation(Activation::Tanh));
        let program = model.program(2).unwrap();
        let names: Vec<&str> = program.steps.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["conv+norm+relu", "tanh"]);
        let shape: Vec<usize> = std::iter::once(2).chain(input).collect();
        let x = tensor(&shape, 3);
        let trace = model.trace(&Backend::Reference, &x).unwrap();
        assert_near(&trace[1].1, &normalized(&trace[0].1, &norm(4, layout)));
        assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
    }
}

#[test]
fn normalisation_of_a_dense_layer_folds_in_both_kernel_orders() {
    for (kernel_layout, kernel) in
        [(wgpool::DenseLayout::InOut, [3, 4]), (wgpool::DenseLayout::OutIn, [4, 3])]
    {
        let dense = LayerKind::Dense {
            spec: Dense::new().kernel_layout(kernel_layout),
            kernel: tensor(&kernel, 5).into(),
            bias: None,
        };
        let model = Model::new("m", [6, 3])
            .layer("dense", dense)
            .layer("norm", LayerKind::BatchNorm(norm(4, Layout::Nhwc)));
        let program = model.program(2).unwrap();
        assert_eq!(program.steps.len(), 1);
        let x = tensor(&[2, 6, 3], 6);
        let trace = model.trace(&Backend::Reference, &x).unwrap();
        assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
    }
}

#[test]
fn normalisation_by_itself_scales_each_channel() {
    for (layout, shape) in [
        (Layout::Nhwc, vec![2, 3, 5]),
        (Layout::Nchw, vec![2, 5, 3]),
        (Layout::Nhwc, vec![2, 5]),
        (Layout::Nchw, vec![2, 5]),
        (Layout::Nhwc, vec![2, 3, 4, 2, 2, 5]),
    ] {
        let model = Model::new("m", &shape[1..]).layer("norm", LayerKind::BatchNorm(norm(5, layout)));
        let x = tensor(&shape, 7);
        let y = model.program(2).unwrap().run(&Backend::Host, &x).unwrap();
        assert_eq!(y.shape(), shape);
        assert_near(&y, &normalized(&x, &norm(5, layout)));
    }
    // Behind an activation or a reshape, or over another axis, it must not fold.
    let relu = LayerKind::Activation(Activation::Relu);
    let norm_4 = LayerKind::BatchNorm(norm(4, Layout::Nhwc));
    let model = Model::new("m", [3, 3, 2])
        .layer("conv", conv(Layout::Nhwc, &[3, 3, 2, 4]))
        .layer("relu", relu)
        .layer("norm", norm_4);
    assert_eq!(model.program(1).unwrap().steps.len(), 2);
    let model = Model::new("m", [4, 4, 2])
        .layer("conv", conv(Layout::Nhwc, &[3, 3, 2, 4]))
        .layer("flatten", LayerKind::Flatten { from: Layout::Nhwc })
        .layer("norm", LayerKind::BatchNorm(norm(16, Layout::Nhwc)));
    let program = model.program(1).unwrap();
    assert_eq!(program.steps.len(), 2);
    let x = tensor(&[1, 4, 4, 2], 8);
    let trace = model.trace(&Backend::Reference, &x).unwrap();
    assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
}

#[test]
fn flattening_channels_first_moves_the_channels_last() {
    let dense = LayerKind::Dense { spec: Dense::new(), kernel: tensor(&[12, 2], 9).into(), bias: None };
    let flatten = LayerKind::Flatten { from: Layout::Nchw };
    let model = Model::new("m", [3, 2, 2])
        .layer("flatten", flatten.clone())
        .layer("relu", LayerKind::Activation(Activation::Relu))
        .layer("dense", dense);
    let x = tensor(&[2, 3, 2, 2], 10);
    let trace = model.trace(&Backend::Reference, &x).unwrap();
    let values = x.as_f32().unwrap();
    assert_eq!(trace[0].1.as_f32().unwrap()[..4], [values[0], values[4], values[8], values[1]]);
    let program = model.program(2).unwrap();
    assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));

    // Any other layer is given the elements in Keras' order, and so is the end.
    let open = Model::new("m", [3, 2, 2]).layer("flatten", flatten);
    assert_eq!(open.program(2).unwrap().run(&Backend::Host, &x).unwrap(), trace[0].1);
    let normed = open.layer("norm", LayerKind::BatchNorm(norm(12, Layout::Nhwc)));
    let y = normed.program(2).unwrap().run(&Backend::Host, &x).unwrap();
    assert_near(&y, &normalized(&trace[0].1, &norm(12, Layout::Nhwc)));
}

#[test]
fn scales_join_the_layer_behind_them() {
    let rescale = |layout, numbers: usize, offset: bool| {
        let values = |seed| positive(&[numbers], seed).as_f32().unwrap().iter().map(|&v| v.into()).collect();
        let offset = if offset { values(22) } else { vec![0.0] };
        LayerKind::Rescale(Rescale { scale: values(21), offset, layout })
    };
    let conv = |layout, kernel_layout, groups, padding: Padding, kernel: &[usize]| LayerKind::Conv {
        spec: Conv::new().layout(layout).kernel_layout(kernel_layout).groups(groups).padding(padding),
        kernel: tensor(kernel, 23).into(),
        bias: Some(tensor(&[6], 24).into()),
    };
    let (oihw, hwio) = ([6, 2, 3, 3], [3, 3, 2, 6]);
    let same = || Padding::SameUpper;
    let (first, last) = (Layout::Nchw, Layout::Nhwc);
    let pointwise = |kernel_layout, shape: [usize; 2]| LayerKind::Dense {
        spec: Dense::new().kernel_layout(kernel_layout),
        kernel: tensor(&shape, 25).into(),
        bias: None,
    };
    let cases = [
        (
            vec![4, 5, 5],
            rescale(first, 4, true),
            conv(first, KernelLayout::Oihw, 2, Padding::Valid, &oihw),
            1,
        ),
        (
            vec![4, 5, 5],
            rescale(first, 4, true),
            conv(first, KernelLayout::Hwio, 2, Padding::Valid, &hwio),
            1,
        ),
        (vec![5, 5, 4], rescale(last, 4, true), conv(last, KernelLayout::Hwio, 2, Padding::Valid, &hwio), 1),
        (vec![5, 5, 4], rescale(last, 4, false), conv(last, KernelLayout::Oihw, 2, same(), &oihw), 1),
        // A shift would reach the zeros of the padding, and rows are no channels.
        (vec![5, 5, 4], rescale(last, 4, true), conv(last, KernelLayout::Hwio, 2, same(), &hwio), 2),
        (vec![4, 5, 4], rescale(first, 4, true), conv(last, KernelLayout::Hwio, 2, Padding::Valid, &hwio), 2),
        (vec![3, 4], rescale(last, 4, true), pointwise(wgpool::DenseLayout::InOut, [4, 6]), 1),
        (vec![4], rescale(first, 4, true), pointwise(wgpool::DenseLayout::OutIn, [6, 4]), 1),
        (vec![4, 4], rescale(first, 4, true), pointwise(wgpool::DenseLayout::OutIn, [6, 4]), 2),
    ];
    for (shape, scale, then, steps) in cases {
        let model = Model::new("m", shape.clone()).layer("scale", scale).layer("then", then);
        let program = model.program(2).unwrap();
        assert_eq!(program.steps.len(), steps, "{:?}", model.layers);
        let x = tensor(&[&[2], shape.as_slice()].concat(), 26);
        let trace = model.trace(&Backend::Reference, &x).unwrap();
        assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
    }
}

#[test]
fn zeros_join_the_convolution_behind_them() {
    let pad = |before: [usize; 2]| Edges { before: before.into(), after: vec![0, 3], layout: Layout::Nhwc };
    let conv = |padding: Padding| LayerKind::Conv {
        spec: Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).padding(padding),
        kernel: tensor(&[3, 3, 2, 4], 31).into(),
        bias: None,
    };
    let pool = LayerKind::Pool(Pool::max([2, 2]).layout(Layout::Nhwc));
    for (then, steps) in [
        (conv(Padding::Valid), 1),
        (conv(Padding::symmetric(1)), 1),
        (conv(Padding::SameUpper), 2),
        // The zeros are candidates for its maxima.
        (pool, 2),
    ] {
        let model =
            Model::new("m", [4, 5, 2]).layer("pad", LayerKind::ZeroPad(pad([1, 2]))).layer("then", then);
        let program = model.program(2).unwrap();
        assert_eq!(program.steps.len(), steps, "{:?}", model.layers);
        let x = tensor(&[2, 4, 5, 2], 32);
        let trace = model.trace(&Backend::Reference, &x).unwrap();
        assert_eq!(trace[0].1.shape(), [2, 5, 10, 2]);
        assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
    }
}

#[test]
fn axes_are_permuted_exactly() {
    let x = tensor(&[2, 3, 4, 5], 41);
    let at = |n: usize, i: [usize; 3]| x.as_f32().unwrap()[((n * 3 + i[0]) * 4 + i[1]) * 5 + i[2]];
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let model = Model::new("m", [3, 4, 5]).layer("permute", LayerKind::Permute(order.into()));
        let y = model.program(2).unwrap().run(&Backend::Host, &x).unwrap();
        let lengths = order.map(|axis| [3, 4, 5][axis - 1]);
        assert_eq!(y.shape()[1..], lengths);
        let mut expected = vec![];
        for n in 0..2 {
            for position in 0..60 {
                let j = [
                    position / (lengths[1] * lengths[2]),
                    position / lengths[2] % lengths[1],
                    position % lengths[2],
                ];
                let mut i = [0; 3];
                for (place, axis) in order.iter().enumerate() {
                    i[axis - 1] = j[place];
                }
                expected.push(at(n, i));
            }
        }
        assert_eq!(y.as_f32().unwrap(), expected, "{order:?}");
    }
}

#[test]
fn shapes_follow_the_layers() {
    let model = Model::new("m", [8, 8, 2])
        .layer("conv", conv(Layout::Nhwc, &[3, 3, 2, 4]))
        .layer(
            "pool",
            LayerKind::Pool(Pool::average([2, 2]).padding(Padding::SameUpper).layout(Layout::Nhwc)),
        )
        .layer("kept", LayerKind::GlobalPool { spec: GlobalPool::max().layout(Layout::Nhwc), keepdims: true })
        .layer(
            "mean",
            LayerKind::GlobalPool { spec: GlobalPool::average().layout(Layout::Nhwc), keepdims: false },
        )
        .layer("probabilities", LayerKind::Softmax(Softmax::last_axis()));
    let shapes = model.output_shapes().unwrap();
    assert_eq!(shapes, [vec![6, 6, 4], vec![3, 3, 4], vec![1, 1, 4], vec![4], vec![4]]);
    let program = model.program(3).unwrap();
    assert_eq!(program.output().unwrap().shape, [3, 4]);
    assert_eq!(program.run(&Backend::Host, &tensor(&[3, 8, 8, 2], 1)).unwrap().shape(), [3, 4]);
    let empty = model.program(0).unwrap();
    assert_eq!(empty.run(&Backend::Host, &tensor(&[0, 8, 8, 2], 1)).unwrap().shape(), [0, 4]);
    assert!(model.program(usize::MAX).is_err());
    let error = program.run(&Backend::Host, &tensor(&[2, 8, 8, 2], 1)).unwrap_err().to_string();
    assert!(error.contains("[2, 8, 8, 2]") && error.contains("[3, 8, 8, 2]"), "{error}");
    assert!(model.trace(&Backend::Host, &tensor(&[3, 8, 8], 1)).is_err());
    let error = Model::new("m", [2, 2, 2]).layer("c", conv(Layout::Nhwc, &[3, 3, 2, 4])).program(1);
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("model m: layer c: convolution"), "{error}");
}

#[test]
fn an_empty_model_hands_its_input_on() {
    let x = tensor(&[2, 3, 4], 1);
    let model = Model::new("m", [3, 4]).layer("flatten", LayerKind::Flatten { from: Layout::Nhwc });
    assert_eq!(model.program(2).unwrap().run(&Backend::Host, &x).unwrap().shape(), [2, 12]);
    assert_eq!(Model::new("m", [3, 4]).program(2).unwrap().run(&Backend::Host, &x).unwrap(), x);
}

#[test]
fn summaries_wrap_long_names_and_count_what_is_not_trained() {
    let model = Model::new("m", [5, 5, 2])
        .layer("conv", conv(Layout::Nhwc, &[3, 3, 2, 400]))
        .layer("batch_normalization", LayerKind::BatchNorm(norm(400, Layout::Nhwc)))
        .layer("a_name_that_is_longer_than_its_column_is_wide", LayerKind::Dropout);
    let summary = model.summary().unwrap();
    for line in [
        "│ conv (Conv2D)                   │ (None, 3, 3, 400)      │         7,600 │",
        "│ batch_normalization             │ (None, 3, 3, 400)      │         1,600 │",
        "│ (BatchNormalization)            │                        │               │",
        "│ a_name_that_is_longer_than_its_ │ (None, 3, 3, 400)      │             0 │",
        "│ column_is_wide (Dropout)        │                        │               │",
        " Total params: 9,200 (35.94 KB)",
        " Trainable params: 8,400 (32.81 KB)",
        " Non-trainable params: 800 (3.12 KB)",
    ] {
        assert!(summary.lines().any(|l| l == line), "{line}\n{summary}");
    }
}

/// A configuration of an input and layers given as `class {fields}`.
fn config(input: &str, layers: &[(&str, &str)]) -> String {
    let layers: String = (layers.iter().enumerate())
        .map(|(i, (class, fields))| {
            let comma = if fields.is_empty() { "" } else { ", " };
            format!(r#", {{"class_name": "{class}", "config": {{"name": "l{i}"{comma}{fields}}}}}"#)
        })
        .collect();
    format!(
        r#"{{"class_name": "Sequential", "config": {{"name": "m", "layers": [
        {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": {input}}}}}{layers}]}}}}"#
    )
}

fn weights(tensors: &[(&str, &Tensor)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, t)| {
        let view = safetensors::tensor::TensorView::new(
            safetensors::Dtype::F32,
            t.shape().to_vec(),
            t.data().as_bytes(),
        );
        (name.to_string(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn keras_layers_of_every_rank_have_keras_shapes() {
    let pools = |rank: usize| {
        let list = |n: &str| format!("[{}]", vec![n; rank].join(", "));
        let conv = format!(r#""filters": 4, "kernel_size": {}, "padding": "same", "strides": 2"#, list("3"));
        let pool = format!(r#""pool_size": {}, "strides": null, "padding": "same""#, list("2"));
        let classes = ["Conv", "MaxPooling", "AveragePooling", "SpatialDropout", "GlobalAveragePooling"]
            .map(|c| format!("{c}{rank}D"));
        let fields = [conv, pool.clone(), pool, r#""rate": 0.5"#.into(), r#""keepdims": true"#.into()];
        let layers: Vec<(&str, &str)> =
            classes.iter().map(String::as_str).zip(fields.iter().map(String::as_str)).collect();
        let input = format!("[null, {}, 3]", vec!["9"; rank].join(", "));
        keras::architecture(config(&input, &layers)).unwrap()
    };
    for rank in 1..=3 {
        let model = pools(rank);
        let space = |n: usize| [vec![n; rank], vec![4]].concat();
        let shapes = model.output_shapes().unwrap();
        assert_eq!(shapes, [space(5), space(3), space(2), space(2), space(1)]);
        assert_eq!(model.parameters().total(), 3u64.pow(rank as u32) * 3 * 4 + 4);
        assert_eq!(model.layers[0].class, format!("Conv{rank}D"));
    }
    let first = r#""data_format": "channels_first""#;
    let conv = format!(r#""filters": 4, "kernel_size": 3, "groups": 3, {first}"#);
    let layers = [
        ("Conv2D", conv.as_str()),
        ("MaxPooling2D", r#""pool_size": 2, "data_format": "channels_first""#),
        ("BatchNormalization", r#""axis": 1, "scale": false"#),
        ("Flatten", first),
        ("Dense", r#""units": 10, "use_bias": false, "activation": "softmax""#),
    ];
    let groups = keras::architecture(config("[null, 3, 9, 8]", &layers)).unwrap_err().to_string();
    assert!(groups.contains("layer l0: groups 3 must divide 3 input channels and 4 filters"), "{groups}");
    let six = conv.replace("\"filters\": 4", "\"filters\": 6");
    let layers = [("Conv2D", six.as_str()), layers[1], layers[2], layers[3], layers[4]];
    let model = keras::architecture(config("[null, 3, 9, 8]", &layers)).unwrap();
    let shapes = model.output_shapes().unwrap();
    assert_eq!(shapes, [vec![6, 7, 6], vec![6, 3, 3], vec![6, 3, 3], vec![54], vec![10]]);
    assert_eq!((model.parameters().trainable, model.parameters().non_trainable), (60 + 6 + 540, 12));
}

#[test]
fn depthwise_kernels_are_read_in_keras_order() {
    let json =
        config("[null, 4, 4, 2]", &[("DepthwiseConv2D", r#""kernel_size": 3, "depth_multiplier": 3"#)]);
    let (kernel, bias) = (tensor(&[3, 3, 2, 3], 1), tensor(&[6], 2));
    let model = keras::from_config(json, &weights(&[("l0.kernel", &kernel), ("l0.bias", &bias)])).unwrap();
    assert_eq!(model.parameters().total(), 60);
    let x = tensor(&[1, 4, 4, 2], 3);
    let y = model.program(1).unwrap().run(&Backend::Host, &x).unwrap();
    assert_eq!(y.shape(), [1, 2, 2, 6]);
    let at = |t: &Tensor, i: usize| t.data().get(i).unwrap();
    let mut exact = vec![];
    for (h, w, c, m) in (0..24).map(|i| (i / 12, i / 6 % 2, i / 3 % 2, i % 3)) {
        let taps = (0..9).map(|t| (t / 3, t % 3));
        let sum: f64 = taps
            .map(|(i, j)| at(&x, ((h + i) * 4 + w + j) * 2 + c) * at(&kernel, ((i * 3 + j) * 2 + c) * 3 + m))
            .sum();
        exact.push(sum + at(&bias, c * 3 + m));
    }
    assert_near(&y, &exact);
}

#[test]
fn causal_convolution_sees_only_what_came_before() {
    let fields =
        r#""filters": 1, "kernel_size": [2], "dilation_rate": [2], "padding": "causal", "use_bias": false"#;
    let json = config("[null, 5, 1]", &[("Conv1D", fields)]);
    let kernel = Tensor::from_f32(&[2, 1, 1], vec![10.0, 1.0]).unwrap();
    let model = keras::from_config(json, &weights(&[("l0.kernel", &kernel)])).unwrap();
    let x = Tensor::from_f32(&[1, 5, 1], vec![1., 2., 3., 4., 5.]).unwrap();
    let y = model.program(1).unwrap().run(&Backend::Host, &x).unwrap();
    assert_eq!(y.as_f32().unwrap(), [1., 2., 13., 24., 35.]);
}

#[test]
fn activations_are_read_by_name_function_and_layer() {
    let cases = [
        (r#""linear""#, Activation::None),
        ("null", Activation::None),
        (r#""relu""#, Activation::Relu),
        (r#""relu6""#, Activation::Relu6),
        (r#""leaky_relu""#, Activation::LeakyRelu { alpha: 0.2 }),
        (r#""sigmoid""#, Activation::Sigmoid),
        (r#""tanh""#, Activation::Tanh),
        (r#""silu""#, Activation::Silu),
        (r#""swish""#, Activation::Silu),
        (r#""gelu""#, Activation::Gelu),
        (r#""elu""#, Activation::Elu { alpha: 1.0 }),
        (r#""hard_sigmoid""#, Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }),
        (r#""hard_swish""#, Activation::HardSwish),
        (r#""hard_silu""#, Activation::HardSwish),
        (r#""mish""#, Activation::Mish),
        (r#""softplus""#, Activation::Softplus),
        (r#"{"class_name": "ELU", "config": {"alpha": 0.5}}"#, Activation::Elu { alpha: 0.5 }),
        (r#"{"module": "builtins", "class_name": "function", "config": "relu"}"#, Activation::Relu),
        (r#"{"class_name": "LeakyReLU", "config": {"name": "a"}}"#, Activation::LeakyRelu { alpha: 0.3 }),
        (r#"{"class_name": "ReLU", "config": {"max_value": 6.0}}"#, Activation::Relu6),
    ];
    for (text, expected) in cases {
        for class in ["Dense", "Activation"] {
            let json = config("[null, 2]", &[(class, &format!(r#""units": 1, "activation": {text}"#))]);
            let model = keras::architecture(json).unwrap();
            let got = match &model.layers[0].kind {
                LayerKind::Dense { spec, .. } => spec.activation,
                LayerKind::Activation(activation) => *activation,
                other => panic!("{other:?}"),
            };
            assert_eq!(got, expected, "{class} {text}");
        }
    }
    let json = config("[null, 2]", &[("Activation", r#""activation": "hard_sigmoid""#)]);
    let json = json.replacen('{', r#"{"keras_version": "2.15.0", "#, 1);
    let of_keras_2 = Activation::HardSigmoid { alpha: 0.2, beta: 0.5 };
    assert_eq!(keras::architecture(json).unwrap().layers[0].kind, LayerKind::Activation(of_keras_2));
    let layers = [
        ("ReLU", r#""negative_slope": 0.5"#),
        ("LeakyReLU", ""),
        ("ELU", ""),
        ("Softmax", r#""axis": [-1]"#),
    ];
    let model = keras::architecture(config("[null, 2]", &layers)).unwrap();
    assert_eq!(model.layers[0].kind, LayerKind::Activation(Activation::LeakyRelu { alpha: 0.5 }));
    assert_eq!(model.layers[1].kind, LayerKind::Activation(Activation::LeakyRelu { alpha: 0.3 }));
    assert_eq!(model.layers[2].kind, LayerKind::Activation(Activation::Elu { alpha: 1.0 }));
    assert_eq!(model.layers[3].kind, LayerKind::Softmax(Softmax::last_axis()));
}

#[test]
fn steps_hold_what_is_needed_to_run_them() {
    let json = config(
        "[null, 4, 4, 1]",
        &[
            ("Conv2D", r#""filters": 2, "kernel_size": 3"#),
            ("BatchNormalization", ""),
            ("ReLU", ""),
            ("Flatten", ""),
            ("Dense", r#""units": 3, "activation": "softmax""#),
        ],
    );
    let (gamma, variance) = (tensor(&[2], 4), positive(&[2], 5));
    let weights = weights(&[
        ("l0.kernel", &tensor(&[3, 3, 1, 2], 1)),
        ("l0.bias", &tensor(&[2], 2)),
        ("l1.gamma", &gamma),
        ("l1.beta", &gamma),
        ("l1.moving_mean", &gamma),
        ("l1.moving_variance", &variance),
        ("l4.kernel", &tensor(&[8, 3], 3)),
        ("l4.bias", &tensor(&[3], 3)),
    ]);
    let model = keras::from_config(json, &weights).unwrap();
    let program = model.program(2).unwrap();
    let names: Vec<&str> = program.steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["l0+l1+l2", "l4", "l4"]);
    assert!(matches!(program.steps[2].op(), Some(Op::Softmax(_))));
    assert_eq!(program.steps[1].input_descs()[0].shape, [2, 8]);
    for step in &program.steps {
        let descs: Vec<_> = std::iter::once(wgpool::TensorDesc::f32(step.input_descs()[0].shape.clone()))
            .chain(step.weights().map(|weight| weight.desc()))
            .collect();
        assert_eq!(Problem::new(step.op().unwrap(), &descs).unwrap(), *step.problem().unwrap());
    }
    let x = tensor(&[2, 4, 4, 1], 6);
    let trace = model.trace(&Backend::Reference, &x).unwrap();
    assert_eq!(trace.len(), 5);
    assert_near(&program.run(&Backend::Host, &x).unwrap(), &last_of(&trace));
    let first = &program.steps[0];
    let inputs: Vec<&Tensor> = std::iter::once(&x).chain(first.weights().map(|w| w.as_ref())).collect();
    let exact = reference::run(first.op().unwrap(), &inputs);
    assert_eq!(exact.unwrap()[0].shape(), trace[2].1.shape());
}
