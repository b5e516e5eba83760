//! Which kernels are chosen for what on which device: a change of an answer is a change of `pinned.txt`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use wgpool::kernel::{Cooperative, KernelKey, Side};
use wgpool::spec::gradient::{
    ActivationGradient, ConvInputGradient, ConvTransposeInputGradient, ConvWeightsGradient,
    DenseInputGradient, DenseWeightsGradient, PoolGradient, SoftmaxGradient,
};
use wgpool::{
    Accuracy, Activation, AdaptivePool, ArgKind, ArgReduce, AsStrided, Caps, CausalConv, Col2Im, Concat,
    Conv, ConvInteger, ConvPool, ConvTranspose, DType, DeformConv, Dense, Elementwise, Error,
    FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Pad,
    PadMode, Padding, Plan, Pool, PoolKind, Reduce, ReduceKind, Requantize, Resize, ResizeMode, RoiAlign,
    RoiMode, Softmax, TensorDesc,
};
use wgpool_testing::bench::cases;

/// Devices, by the names that the text has for them.
fn devices() -> Vec<(&'static str, Caps)> {
    let edited = |edit: fn(&mut Caps)| {
        let mut caps = Caps::default();
        caps.f16 = true;
        edit(&mut caps);
        caps
    };
    let llvmpipe = |caps: &mut Caps| {
        (caps.software, caps.paged, caps.subgroups_of_eight) = (true, true, true);
        (caps.min_macs_for_tiles, caps.loop_limit) = (2_000_000, 65_000);
        (caps.uniform_alignment, caps.offset_alignment) = (16, 16);
    };
    let mut llvmpipe_22 = edited(|_| {});
    llvmpipe(&mut llvmpipe_22);
    let mut llvmpipe_26 = llvmpipe_22.clone();
    (llvmpipe_26.fast_storage_loads, llvmpipe_26.loop_limit) = (true, u64::MAX);
    let mut swiftshader = llvmpipe_26.clone();
    swiftshader.min_macs_for_tiles = u64::MAX;
    vec![
        ("gpu", edited(|_| {})),
        ("large-gpu", edited(|caps| (caps.target_workgroups, caps.flops_per_byte) = (1000, 20))),
        ("small-gpu", edited(|caps| caps.target_workgroups = 8)),
        ("eager-winograd", edited(|caps| (caps.flops_per_byte, caps.flops_per_dispatch) = (0, 0))),
        ("no-f16", Caps::default()),
        ("cooperative", {
            let cooperative = Some(Cooperative { side: Side::Sixteen, subgroup: 32 });
            let mut caps = edited(|_| {});
            caps.cooperative = cooperative;
            caps
        }),
        ("few-buffers-1MiB", edited(|caps| (caps.max_storage_buffers, caps.max_binding) = (4, 1 << 20))),
        ("llvmpipe-22", llvmpipe_22.clone()),
        ("llvmpipe-22-as-gpu", llvmpipe_22.with_gpu_kernels()),
        ("llvmpipe-26", llvmpipe_26),
        ("swiftshader", swiftshader),
        ("software-without-pages", edited(|caps| caps.software = true)),
    ]
}

fn pad(n: usize) -> Padding {
    Padding::symmetric([n])
}

/// What is planned: a name, the operation and its inputs.
type Spec = (String, Op, Vec<TensorDesc>);

fn of(op: impl Into<Op>, dtype: DType, shapes: &[&[usize]], name: &str) -> Spec {
    let inputs: Vec<TensorDesc> =
        shapes.iter().map(|shape| TensorDesc { shape: shape.to_vec(), dtype }).collect();
    let shapes: Vec<String> = inputs.iter().map(|d| format!("{:?}", d.shape).replace(' ', "")).collect();
    (format!("{name} {dtype} {}", shapes.join(" ")), op.into(), inputs)
}

fn f32(op: impl Into<Op>, shapes: &[&[usize]], name: &str) -> Spec {
    of(op, DType::F32, shapes, name)
}

fn pools() -> Vec<Spec> {
    use DType::{F16, F32, I8, U8};
    let max = |window: &[usize], stride: usize| Pool::max(window).stride([stride]);
    let mean = |window: &[usize], stride: usize| Pool::average(window).stride([stride]);
    let indices = |pool: Pool| pool.indices(IndexNumbering::PerPlane);
    let last = |pool: Pool| pool.layout(Layout::Nhwc);
    let (window, output, layout) = (vec![2, 2], vec![9, 9], Layout::Nchw);
    let fractional = FractionalMaxPool { window, output, indices: None, layout };
    let mut specs = Vec::new();
    for dtype in [F32, F16, U8, I8] {
        specs.push(of(max(&[2, 2], 2), dtype, &[&[2, 8, 40, 40]], "max 2/2"));
        specs.push(of(GlobalPool::max(), dtype, &[&[2, 8, 7, 7]], "global max"));
        specs.push(of(max(&[13, 13], 1).padding(pad(6)), dtype, &[&[1, 8, 20, 20]], "max 13/1 same"));
    }
    for dtype in [F32, F16] {
        specs.push(of(last(max(&[3, 3], 2)), dtype, &[&[2, 41, 41, 8]], "max 3/2 nhwc"));
        specs.push(of(mean(&[3, 3], 1).padding(pad(1)), dtype, &[&[1, 16, 30, 30]], "mean 3/1 same"));
        specs.push(of(Pool::new(PoolKind::Lp { p: 2.0 }, [3, 3]), dtype, &[&[1, 6, 30, 30]], "lp 3/3"));
    }
    specs.extend([
        f32(indices(max(&[2, 2], 2)), &[&[2, 8, 40, 40]], "max 2/2 indices"),
        f32(indices(max(&[9, 9], 1)), &[&[1, 8, 30, 30]], "max 9/1 indices"),
        f32(max(&[3, 3], 1).padding(pad(1)), &[&[1, 8, 40, 40]], "max 3/1 same"),
        f32(max(&[3, 3], 1).dilation([2]), &[&[1, 8, 40, 40]], "max 3/1 dilated"),
        f32(max(&[5, 5], 2), &[&[1, 32, 90, 90]], "max 5/2"),
        f32(max(&[5, 5], 5), &[&[1, 32, 90, 90]], "max 5/5"),
        f32(max(&[7, 7], 1).padding(pad(3)), &[&[1, 64, 60, 60]], "max 7/1 same"),
        f32(last(max(&[9, 9], 1)), &[&[1, 40, 40, 16]], "max 9/1 nhwc"),
        f32(last(max(&[2, 2], 2)), &[&[1, 40, 40, 7]], "max 2/2 nhwc, 7 channels"),
        f32(max(&[13, 13], 13), &[&[1, 8, 52, 52]], "max 13/13"),
        f32(max(&[3], 1), &[&[2, 8, 5000]], "max 3/1"),
        f32(max(&[40], 1), &[&[2, 8, 5000]], "max 40/1"),
        f32(max(&[2, 2, 2], 2), &[&[1, 8, 20, 20, 20]], "max 2/2"),
        f32(max(&[5, 5, 5], 1), &[&[1, 8, 20, 20, 20]], "max 5/1"),
        f32(max(&[2, 2], 2), &[&[1, 4, 700, 700]], "max 2/2"),
        f32(max(&[2, 2], 2), &[&[1, 2, 2, 40000]], "max 2/2"),
        f32(mean(&[5, 5], 1), &[&[1, 8, 60, 60]], "mean 5/1"),
        f32(mean(&[13, 13], 1), &[&[1, 8, 60, 60]], "mean 13/1"),
        f32(mean(&[3, 3], 2).ceil_mode(true), &[&[1, 8, 60, 60]], "mean 3/2 ceil"),
        f32(mean(&[700], 7), &[&[1, 1, 5000]], "mean 700/7"),
        f32(GlobalPool::average(), &[&[8, 64, 7, 7]], "global mean"),
        f32(GlobalPool::average(), &[&[2, 8, 5, 5]], "global mean"),
        f32(GlobalPool::average().layout(Layout::Nhwc), &[&[2, 30, 30, 8]], "global mean nhwc"),
        f32(GlobalPool::average(), &[&[1, 2, 2000, 2000]], "global mean"),
        f32(AdaptivePool::average([5, 5]), &[&[1, 8, 32, 33]], "adaptive mean"),
        f32(AdaptivePool::max([70_000]), &[&[1, 1, 100_000]], "adaptive max"),
        f32(max(&[30_000], 100), &[&[1, 1, 40_000]], "max 30000/100"),
        f32(fractional, &[&[1, 4, 20, 20], &[1, 4, 2]], "fractional"),
    ]);
    specs
}

fn convs() -> Vec<Spec> {
    use DType::{F16, F32};
    let conv = || Conv::new().activation(Activation::Relu);
    let by_tile = || conv().accuracy(Accuracy::Tile).padding(pad(1));
    let last = |conv: Conv| conv.layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio);
    let deform = || DeformConv { conv: Conv::new(), offset_groups: 1, mask: false };
    let mut specs = Vec::new();
    for dtype in [F32, F16] {
        let with = |op, shapes: &[&[usize]], name| of(op, dtype, shapes, name);
        let same = || conv().padding(pad(1));
        specs.extend([
            with(same(), &[&[1, 5, 9, 16], &[16, 5, 3, 3], &[16]], "conv same"),
            with(same(), &[&[2, 40, 30, 30], &[48, 40, 3, 3], &[48]], "conv same"),
            with(last(same()), &[&[2, 30, 30, 40], &[3, 3, 40, 48]], "conv same nhwc"),
            with(same(), &[&[1, 600, 7, 7], &[64, 600, 3, 3]], "conv same deep"),
            with(conv(), &[&[2, 96, 20, 20], &[130, 96, 1, 1], &[130]], "conv"),
            with(conv(), &[&[1, 3, 64, 64], &[10, 3, 3, 3]], "conv few"),
            with(same().groups(16), &[&[1, 16, 40, 40], &[16, 1, 3, 3], &[16]], "depthwise same"),
            with(same().groups(16), &[&[1, 16, 40, 40], &[32, 1, 3, 3]], "depthwise of two same"),
            with(last(same().groups(16)), &[&[1, 40, 40, 16], &[3, 3, 1, 16]], "depthwise same nhwc"),
            with(by_tile(), &[&[4, 256, 56, 56], &[256, 256, 3, 3]], "by tile"),
            with(by_tile(), &[&[2, 40, 24, 24], &[48, 40, 3, 3]], "by tile"),
        ]);
        let dense = Dense::new();
        specs.push(of(dense, dtype, &[&[3, 700], &[700, 10], &[10]], "dense"));
        specs.push(of(dense, dtype, &[&[64, 512], &[512, 256], &[256]], "dense"));
        specs.push(of(dense, dtype, &[&[2, 100_000], &[100_000, 3]], "dense"));
    }
    specs.extend([
        f32(conv(), &[&[1, 3, 200, 200], &[32, 3, 5, 5]], "conv few"),
        f32(conv().stride([2]), &[&[1, 3, 200, 200], &[8, 3, 3, 3]], "conv few /2"),
        f32(conv().dilation([2]), &[&[1, 3, 100, 100], &[8, 3, 3, 3]], "conv dilated"),
        f32(conv().padding(pad(40)), &[&[1, 24, 3, 3], &[32, 24, 3, 3]], "conv mostly padding"),
        f32(conv(), &[&[1, 16, 12, 12, 12], &[32, 16, 3, 3, 3]], "conv 3-D"),
        f32(conv(), &[&[1, 16, 400], &[32, 16, 5]], "conv 1-D"),
        f32(conv().groups(2), &[&[1, 64, 28, 28], &[64, 32, 3, 3]], "conv groups"),
        f32(conv().groups(32), &[&[1, 64, 28, 28], &[64, 2, 3, 3]], "conv groups"),
        f32(conv().groups(64), &[&[1, 64, 100, 100], &[64, 1, 5, 5]], "depthwise 5"),
        f32(conv().groups(64).stride([2]), &[&[1, 64, 100, 100], &[64, 1, 3, 3]], "depthwise /2"),
        f32(conv().groups(200), &[&[1, 200, 30, 30], &[200, 1, 11, 11]], "depthwise 11"),
        f32(conv().groups(64), &[&[1, 64, 16, 16, 16], &[64, 1, 3, 3, 3]], "depthwise 3-D"),
        f32(last(conv().groups(64)), &[&[1, 60, 60, 64], &[5, 5, 1, 64]], "depthwise 5 nhwc"),
        f32(conv(), &[&[1, 70_000, 1, 2], &[3, 70_000, 1, 1]], "conv long"),
        f32(last(conv()), &[&[64, 1, 1, 300], &[1, 1, 300, 70]], "conv as dense"),
        f32(by_tile().stride([2]), &[&[4, 256, 56, 56], &[256, 256, 3, 3]], "by tile /2"),
        f32(by_tile(), &[&[1, 3, 224, 224], &[10, 3, 3, 3]], "by tile few"),
        f32(Dense::new(), &[&[4096, 64], &[64, 64]], "dense"),
        f32(Dense::new(), &[&[1, 300], &[300, 5000]], "dense"),
        f32(ConvTranspose::new().stride([2]), &[&[1, 8, 20, 20], &[8, 16, 3, 3]], "transposed"),
        f32(ConvTranspose::new(), &[&[1, 70_000, 1, 2], &[70_000, 3, 1, 1]], "transposed long"),
        f32(deform(), &[&[1, 8, 20, 20], &[1, 18, 18, 18], &[32, 8, 3, 3]], "deform"),
        f32(deform(), &[&[1, 64, 40, 40], &[1, 18, 38, 38], &[64, 64, 3, 3]], "deform"),
        f32(Col2Im::new([10, 10], [3, 3]), &[&[2, 36, 64]], "col2im"),
        f32(CausalConv::default(), &[&[2, 64, 100], &[64, 1, 4], &[64]], "causal"),
        f32(Elementwise::add(), &[&[1, 64, 56, 56], &[1, 64, 56, 56]], "elementwise"),
        f32(Elementwise::multiply(), &[&[1, 64, 7, 7], &[64, 1, 1]], "elementwise by channel"),
        f32(Elementwise::clip(0.0, 6.0), &[&[2, 3, 4, 5]], "elementwise clip"),
    ]);
    specs
}

fn pooled() -> Vec<Spec> {
    use DType::{F16, F32};
    let conv = || Conv::new().activation(Activation::Relu).padding(pad(1));
    let both = |conv: Conv, pool: Pool| ConvPool { pool: pool.layout(conv.layout), conv };
    let max = |side: usize| Pool::max([side]);
    let by_tile = || conv().accuracy(Accuracy::Tile);
    let mut specs = Vec::new();
    for dtype in [F32, F16] {
        let with = |op: ConvPool, shapes: &[&[usize]], name| of(op, dtype, shapes, name);
        specs.extend([
            with(both(conv(), max(2)), &[&[1, 5, 9, 16], &[16, 5, 3, 3]], "max 2"),
            with(both(conv(), max(2)), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "max 2"),
            with(both(conv(), max(2)), &[&[1, 256, 14, 14], &[256, 256, 3, 3]], "max 2 deep"),
            with(both(conv(), max(2)), &[&[1, 3, 64, 64], &[10, 3, 3, 3]], "max 2 few"),
            with(both(by_tile(), max(2)), &[&[4, 256, 56, 56], &[256, 256, 3, 3]], "max 2 by tile"),
            with(both(conv().groups(16), max(2)), &[&[1, 16, 40, 40], &[16, 1, 3, 3]], "max 2 depthwise"),
        ]);
    }
    let last = |conv: Conv| conv.layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio);
    specs.extend([
        f32(both(conv(), max(3).stride([2])), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "max 3/2"),
        f32(both(conv(), max(3).stride([2])), &[&[1, 3, 60, 60], &[8, 3, 3, 3]], "max 3/2 few"),
        f32(both(conv(), max(6)), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "max 6"),
        f32(both(conv(), max(9)), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "max 9"),
        f32(both(conv(), Pool::average([3])), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "mean 3"),
        f32(both(conv(), Pool::average([60])), &[&[1, 40, 60, 60], &[48, 40, 3, 3]], "mean 60"),
        f32(both(conv(), max(2).ceil_mode(true)), &[&[1, 40, 59, 59], &[48, 40, 3, 3]], "max 2 ceil"),
        f32(both(conv(), max(2).padding(pad(1))), &[&[1, 40, 59, 59], &[48, 40, 3, 3]], "max 2 padded"),
        f32(both(last(conv()), max(2)), &[&[1, 60, 60, 40], &[3, 3, 40, 48]], "max 2 nhwc"),
        f32(both(by_tile(), max(3)), &[&[4, 256, 56, 56], &[256, 256, 3, 3]], "max 3 by tile"),
        f32(both(conv().groups(64), max(2)), &[&[1, 64, 80, 80], &[64, 1, 5, 5]], "max 2 depthwise 5"),
        f32(both(conv().groups(9), max(2)), &[&[1, 18, 30, 30], &[27, 2, 3, 3]], "max 2 groups"),
        f32(both(conv(), max(2)), &[&[1, 2000, 4, 4], &[2, 2000, 3, 3]], "max 2 long"),
    ]);
    specs
}

fn transposed(shape: &[usize]) -> AsStrided {
    AsStrided::transpose(shape, &[0, 2, 1]).unwrap()
}

/// Columns of bytes in 9 rows of 32.
fn sliced(columns: usize) -> AsStrided {
    AsStrided::new([9, columns], [32, 1], 16)
}

fn cubic(exclude_outside: bool) -> ResizeMode {
    ResizeMode::Cubic { coefficient: -0.75, exclude_outside }
}

fn others() -> Vec<Spec> {
    let bytes = |requantize: bool| {
        let of = |shape: &[usize], dtype| TensorDesc { shape: shape.to_vec(), dtype };
        let mut inputs = vec![
            of(&[1, 8, 20, 20], DType::U8),
            of(&[16, 8, 3, 3], DType::I8),
            of(&[], DType::U8),
            of(&[], DType::I8),
        ];
        if requantize {
            inputs.push(of(&[], DType::F32));
        }
        let requantize = requantize.then_some(Requantize { output: DType::U8, zero: 3 });
        let op = ConvInteger { conv: Conv::new(), requantize };
        (format!("integer, bytes out: {}", requantize.is_some()), op.into(), inputs)
    };
    let unpool = [TensorDesc::f32([1, 4, 5, 5]), TensorDesc { shape: vec![1, 4, 5, 5], dtype: DType::I32 }];
    let regions = [TensorDesc::f32([1, 4, 20, 20]), TensorDesc::f32([3, 4])];
    let align = RoiAlign {
        output: [3, 3],
        sampling_ratio: 2,
        spatial_scale: 0.5,
        half_pixel: true,
        mode: RoiMode::Average,
        layout: Layout::Nchw,
    };
    let max_roi = MaxRoiPool { output: [3, 3], spatial_scale: 0.5, layout: Layout::Nchw };
    let images = TensorDesc { shape: vec![3], dtype: DType::I32 };
    let prelu = |window: usize| Conv::new().padding(pad(window / 2)).activation(Activation::PRelu);
    let residual =
        |window: usize| Conv::new().padding(pad(window / 2)).activation(Activation::Relu).residual(true);
    vec![
        bytes(false),
        bytes(true),
        ("unpool".into(), MaxUnpool::new([2, 2]).into(), unpool.to_vec()),
        ("align".into(), align.into(), [&regions[..], &[images]].concat()),
        f32(max_roi, &[&[1, 4, 20, 20], &[3, 5]], "max roi"),
        of(transposed(&[2, 30, 8]), DType::F16, &[&[2, 30, 8]], "transpose"),
        of(sliced(4), DType::U8, &[&[9, 32]], "slice of words"),
        of(sliced(16), DType::U8, &[&[9, 32]], "slice of vectors"),
        of(sliced(3), DType::U8, &[&[9, 32]], "slice of bytes"),
        f32(Concat { axis: 1 }, &[&[2, 3, 4], &[2, 0, 4], &[2, 5, 4]], "concat"),
        of(Concat { axis: 1 }, DType::U8, &[&[2, 3], &[2, 5]], "concat"),
        f32(Pad::new([0, 0, 1, 1], [0, 0, 1, 1]), &[&[1, 8, 20, 20]], "pad"),
        f32(Pad::new([0, 1, 1, 0], [0, 1, 1, 0]), &[&[1, 20, 20, 8]], "pad nhwc"),
        of(Pad::new([0, 2], [0, 2]).mode(PadMode::Reflect), DType::BF16, &[&[8, 20]], "pad"),
        f32(Reduce::new(ReduceKind::Mean, [2, 3]), &[&[2, 64, 20, 20]], "mean of planes"),
        of(Reduce::new(ReduceKind::L2, [1]), DType::BF16, &[&[20, 50, 8]], "L2"),
        f32(Reduce::new(ReduceKind::Sum, [0, 2]), &[&[2, 8, 9]], "sum of two axes"),
        f32(Reduce::new(ReduceKind::Sum, [0]), &[&[5_000_000]], "sum of all"),
        f32(ArgReduce::new(ArgKind::Max, -1), &[&[4, 1000]], "argmax"),
        of(ArgReduce::new(ArgKind::Min, 0), DType::F16, &[&[9, 70]], "argmin"),
        f32(Resize::new([1, 8, 40, 40]), &[&[1, 8, 20, 20]], "resize"),
        of(Resize::new([1, 30, 8]).mode(cubic(true)), DType::F16, &[&[1, 20, 8]], "resize by cubes"),
        f32(Softmax::last_axis(), &[&[30, 20]], "softmax"),
        f32(Softmax::last_axis(), &[&[30, 2000]], "softmax"),
        f32(Softmax::last_axis(), &[&[5000, 2000]], "softmax"),
        f32(Softmax { axis: 1 }, &[&[2, 30_000, 3000]], "softmax"),
        f32(Activation::Relu, &[&[30, 20]], "relu"),
        f32(Activation::PRelu, &[&[30, 20], &[20]], "prelu"),
        f32(prelu(3), &[&[1, 32, 20, 20], &[32, 32, 3, 3], &[32]], "conv and prelu"),
        f32(prelu(1), &[&[2, 64, 20, 20], &[64, 64, 1, 1], &[64], &[1]], "conv, bias and prelu"),
        f32(residual(3), &[&[1, 32, 20, 20], &[32, 32, 3, 3], &[1, 32, 20, 20]], "conv and residual"),
        f32(
            residual(1),
            &[&[2, 64, 20, 20], &[64, 64, 1, 1], &[64], &[2, 64, 20, 20]],
            "conv, bias and residual",
        ),
        f32(
            residual(3),
            &[&[1, 4, 20, 20], &[4, 4, 3, 3], &[4], &[1, 4, 20, 20]],
            "few channels and residual",
        ),
        of(residual(3), DType::BF16, &[&[1, 4, 20, 20], &[4, 4, 3, 3], &[1, 4, 20, 20]], "conv and residual"),
        f32(
            residual(3).groups(32),
            &[&[1, 32, 20, 20], &[32, 1, 3, 3], &[1, 32, 20, 20]],
            "depthwise and residual",
        ),
        f32(
            residual(3).accuracy(Accuracy::Tile),
            &[&[1, 256, 40, 40], &[256, 256, 3, 3], &[1, 256, 40, 40]],
            "tiles and residual",
        ),
        f32(
            residual(3),
            &[&[1, 256, 14, 14], &[256, 256, 3, 3], &[1, 256, 14, 14]],
            "long sums and residual",
        ),
    ]
}

fn gradients() -> Vec<Spec> {
    let max = || Pool::max(2).indices(IndexNumbering::PerPlane);
    let by_indices = |of: Pool, input: [usize; 4], windows: [usize; 4], name: &str| {
        let indices = TensorDesc { shape: windows.to_vec(), dtype: DType::I32 };
        let inputs = vec![TensorDesc::f32(windows), indices];
        (name.to_owned(), PoolGradient::new(of, input).into(), inputs)
    };
    let weights = |conv: Conv| ConvWeightsGradient::new(conv, [3, 3]);
    let images = [8, 64, 28, 28];
    let by_input = ConvInputGradient::new(Conv::new(), images);
    let transposed = ConvTransposeInputGradient::new(ConvTranspose::new().stride([2]), [1, 64, 20, 20]);
    let average = PoolGradient::new(Pool::average(3).stride(2), [2, 8, 21, 21]);
    let dense = Dense::new();
    vec![
        by_indices(max(), [2, 8, 20, 20], [2, 8, 10, 10], "gradient of max 2"),
        f32(average, &[&[2, 8, 10, 10]], "gradient of mean 3/2"),
        of(weights(Conv::new()), DType::F32, &[&images, &[8, 64, 26, 26]], "gradient of weights"),
        of(weights(Conv::new()), DType::F16, &[&images, &[8, 64, 26, 26]], "gradient of weights"),
        f32(weights(Conv::new()), &[&[8, 3, 224, 224], &[8, 32, 222, 222]], "gradient of few weights"),
        f32(weights(Conv::new().groups(64)), &[&images, &[8, 64, 26, 26]], "gradient of depthwise weights"),
        f32(DenseWeightsGradient { of: dense }, &[&[64, 700], &[64, 10]], "gradient of dense weights"),
        f32(DenseInputGradient { of: dense }, &[&[64, 10], &[700, 10]], "gradient of a dense input"),
        f32(by_input, &[&[8, 64, 26, 26], &[64, 64, 3, 3]], "gradient of an input"),
        f32(transposed, &[&[1, 32, 41, 41], &[64, 32, 3, 3]], "gradient of a transposed input"),
        f32(ActivationGradient { of: Activation::Gelu }, &[&[30, 20], &[30, 20]], "gradient of gelu"),
        f32(SoftmaxGradient { of: Softmax::last_axis() }, &[&[30, 20], &[30, 20]], "gradient of softmax"),
        f32(SoftmaxGradient { of: Softmax::last_axis() }, &[&[3, 2000], &[3, 2000]], "gradient of softmax"),
    ]
}

fn specs() -> Vec<Spec> {
    let mut specs = Vec::new();
    for case in cases::all() {
        specs.push((case.name.clone(), case.op.clone(), case.descs()));
        let half = case.of(DType::F16);
        specs.push((half.name.clone(), half.op.clone(), half.descs()));
        if let Some(case) = half.by_tile() {
            specs.push((case.name.clone(), case.op.clone(), case.descs()));
        }
    }
    [specs, pools(), convs(), pooled(), others(), gradients()].concat()
}

/// A kernel's variant without the names of its fields.
fn short(kernel: KernelKey) -> String {
    let text = kernel.to_string();
    let words = text.split(' ').filter(|word| !word.ends_with(':'));
    let text = words.collect::<Vec<_>>().join(" ").replace(" { ", "(").replace(" }", ")");
    text.replace(", ", ",").replace("ActivationKind::", "")
}

/// The kernels in order, each with its dispatches, and bytes of scratch memory and of packed weights.
fn answer(op: &Op, inputs: &[TensorDesc], caps: &Caps) -> String {
    let plan = match Plan::new(op, inputs, caps) {
        Ok(plan) => plan,
        Err(Error::Feature { feature, .. }) => return format!("without {feature}"),
        Err(error) => return format!("error: {error}"),
    };
    let mut runs: Vec<(String, usize)> = Vec::new();
    for step in &plan.steps {
        let name = short(step.kernel);
        match runs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => runs.push((name, 1)),
        }
    }
    let mut text = String::new();
    for (name, count) in runs {
        let dispatches = if count > 1 { format!("{count}x") } else { String::new() };
        write!(text, "{dispatches}{name} ").unwrap();
    }
    let [scratch, packed] = [&plan.scratch, &plan.packed].map(|sizes| sizes.iter().sum::<u64>());
    write!(text, "{scratch}+{packed}").unwrap();
    text
}

fn answers() -> String {
    let devices = devices();
    let mut text = String::new();
    for (name, op, inputs) in specs() {
        writeln!(text, "{name}").unwrap();
        let mut known: Vec<(String, Vec<&str>)> = Vec::new();
        for (device, caps) in &devices {
            let answer = answer(&op, &inputs, caps);
            match known.iter_mut().find(|(text, _)| *text == answer) {
                Some((_, names)) => names.push(device),
                None => known.push((answer, vec![device])),
            }
        }
        // Most devices have the most frequent answer.
        let most = known.iter().map(|(_, names)| names.len()).max().unwrap_or(0);
        let common = known.iter().position(|(_, names)| names.len() == most).unwrap_or(0);
        for (i, (answer, names)) in known.iter().enumerate() {
            let names = if i == common { "others".into() } else { names.join(" ") };
            writeln!(text, "  {names}: {answer}").unwrap();
        }
    }
    text
}

#[test]
fn the_kernels_that_are_chosen_are_those_that_were() {
    let got = answers();
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans/pinned.txt");
    let known = fs::read_to_string(&pinned).unwrap_or_default();
    if got == known {
        return;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plans.txt");
    fs::write(&new, &got).unwrap();
    let (mut spec, mut changes) = ("", Vec::new());
    for (old, new) in known.lines().zip(got.lines()) {
        if !new.starts_with(' ') {
            spec = new;
        }
        if old != new {
            changes.push(format!("{spec}\n- {old}\n+ {new}"));
        }
    }
    changes.truncate(5);
    panic!(
        "other kernels are chosen, such as\n{}\nIf that is what is wanted: cp {} {}",
        changes.join("\n"),
        new.display(),
        pinned.display()
    );
}
