//! Windows that lie outside the input for the most part: every path computes them, without copying or going through what
//! is outside.

use wgpool::spec::gradient::{ConvInputGradient, ConvWeightsGradient, PoolGradient};
use wgpool::tensor::Data;
use wgpool::{
    AdaptivePool, Col2Im, Conv, ConvInteger, ConvPool, ConvTranspose, DType, DeformConv, Error,
    IndexNumbering, Layout, Op, Padding, Pool, PoolKind, RoiAlign, RoiMode, Tensor, host, reference,
};
use wgpool_testing::support::{check_gpu, describe, engine, judge};
use wgpool_testing::verify::random::Case;

fn pad(n: usize) -> Padding {
    Padding::symmetric([n])
}

fn tensor(shape: &[usize], dtype: DType) -> Tensor {
    let n = shape.iter().product::<usize>();
    let value = |i: usize| match dtype.is_float() {
        true => ((i * 37 + 11) % 64) as f64 / 32.0 - 1.0,
        false => (i * 37 % 251) as f64 - if dtype == DType::I8 { 128.0 } else { 0.0 },
    };
    Tensor::new(shape, Data::nearest(dtype, (0..n).map(value)).unwrap()).unwrap()
}

fn case(op: impl Into<Op>, dtype: DType, shapes: &[&[usize]]) -> Case {
    Case { op: op.into(), inputs: shapes.iter().map(|shape| tensor(shape, dtype)).collect() }
}

/// Windows of a few thousand elements, of which some lie inside; output as the input is, or little larger.
fn cases() -> Vec<Case> {
    const IMAGE: [usize; 4] = [1, 3, 8, 8];
    let large = |kind| Pool::new(kind, [30_000]).stride([1]).padding(pad(15_000));
    let average = |count_include_pad| PoolKind::Average { count_include_pad, divisor: None };
    let dilated = |kind| Pool::new(kind, [3]).stride([1]).dilation([15_000]).padding(pad(15_000));
    let conv = || Conv::new().dilation([15_000]).padding(pad(15_000));
    let mut cases = vec![
        // More taps than 32 bits count.
        case(
            Pool::new(average(true), [1 << 20]).stride([1]).padding(pad(1 << 19)),
            DType::F32,
            &[&[1, 2, 3, 4, 5]],
        ),
        case(
            Pool::new(PoolKind::LpTorch { p: 2.0 }, [1 << 20]).stride([1]).padding(pad(1 << 19)),
            DType::F32,
            &[&[1, 2, 3, 4, 5]],
        ),
        case(conv(), DType::F32, &[&IMAGE, &[5, 3, 3, 3], &[5]]),
        case(ConvInputGradient::new(conv(), IMAGE), DType::F32, &[&[1, 5, 8, 8], &[5, 3, 3, 3]]),
        case(ConvWeightsGradient::new(conv(), [3, 3]), DType::F32, &[&IMAGE, &[1, 5, 8, 8]]),
        case(PoolGradient::new(dilated(average(true)), IMAGE), DType::F32, &[&IMAGE]),
        case(PoolGradient::new(large(average(false)), IMAGE), DType::F32, &[&[1, 3, 9, 9]]),
        case(conv().layout(Layout::Nhwc), DType::F32, &[&[1, 8, 8, 3], &[5, 3, 3, 3], &[5]]),
        case(conv().groups(3), DType::F32, &[&IMAGE, &[3, 1, 3, 3]]),
        case(conv().groups(3).layout(Layout::Nhwc), DType::F32, &[&[1, 8, 8, 3], &[3, 1, 3, 3]]),
        case(Conv::new().stride([20_000]).padding(pad(50_000)), DType::F32, &[&IMAGE, &[4, 3, 2, 2]]),
        case(
            ConvPool { conv: conv(), pool: large(PoolKind::Max) },
            DType::F32,
            &[&IMAGE, &[5, 3, 3, 3], &[5]],
        ),
        case(
            ConvPool { conv: conv(), pool: large(average(true)).stride([30_000]) },
            DType::F32,
            &[&IMAGE, &[5, 3, 3, 3], &[5]],
        ),
        // Strides and dilations with a common divisor, and so far apart that their products leave 32 bits.
        transposed(3 << 20, 1 << 20, 3, 200),
        transposed(999_983, 999_979, 3, 200),
        transposed(2, 1_000_000, 3, 200),
        columns(999_983, 700_001),
        columns(1 << 20, 3 << 20),
        case(
            DeformConv { conv: conv(), offset_groups: 1, mask: false },
            DType::F32,
            &[&IMAGE, &[1, 18, 8, 8], &[2, 3, 3, 3]],
        ),
        // The last windows begin behind the input.
        case(
            Pool::max([9]).stride([1]).padding(Padding::Explicit { before: vec![0], after: vec![384] }),
            DType::U8,
            &[&[2, 48, 19]],
        ),
        // The only window begins before the only element.
        case(Conv::new().stride([9]).padding(pad(1)), DType::F32, &[&[2, 3, 1], &[4, 3, 1], &[4]]),
        integer(conv()),
        region(),
    ];
    for kind in
        [PoolKind::Max, average(true), average(false), PoolKind::Lp { p: 2.0 }, PoolKind::LpTorch { p: 2.0 }]
    {
        for pool in [large(kind), dilated(kind), large(kind).stride([4_000])] {
            cases.push(case(pool.clone(), DType::F32, &[&IMAGE]));
            cases.push(case(pool.layout(Layout::Nhwc), DType::F32, &[&[1, 8, 8, 3]]));
        }
    }
    for dtype in [DType::F32, DType::U8, DType::I8] {
        cases.push(case(large(PoolKind::Max), dtype, &[&IMAGE]));
        cases.push(case(large(PoolKind::Max).indices(IndexNumbering::WholeRowMajor), dtype, &[&IMAGE]));
    }
    for dtype in [DType::F16, DType::BF16].into_iter().skip(usize::from(!engine().caps().f16)) {
        cases.push(case(large(PoolKind::Max), dtype, &[&IMAGE]));
        cases.push(case(conv(), dtype, &[&IMAGE, &[5, 3, 3, 3], &[5]]));
    }
    cases
}

/// What is left of an output that would be millions of elements long.
fn transposed(stride: usize, dilation: usize, kernel: usize, left: usize) -> Case {
    let reach = 3 * stride + (kernel - 1) * dilation + 1;
    let before = reach / 2;
    let padding = Padding::Explicit { before: vec![before], after: vec![reach - before - left] };
    let op =
        ConvTranspose { dilation: vec![dilation], ..ConvTranspose::new() }.stride([stride]).padding(padding);
    case(op, DType::F32, &[&[1, 2, 4], &[2, 3, kernel]])
}

/// Four windows of three taps, far apart, of which some lie on an image of 50 elements.
fn columns(stride: usize, dilation: usize) -> Case {
    let reach = 3 * stride + 2 * dilation + 1;
    let before = stride + dilation - 20;
    let padding = Padding::Explicit { before: vec![before], after: vec![reach - before - 50] };
    let op = Col2Im::new([50], [3]).stride([stride]).dilation([dilation]).padding(padding);
    case(op, DType::F32, &[&[1, 6, 4]])
}

fn integer(conv: Conv) -> Case {
    let zero = |n| Tensor::new(&[1], Data::U8(vec![n])).unwrap();
    let mut case = case(ConvInteger { conv, requantize: None }, DType::U8, &[&[1, 3, 8, 8], &[5, 3, 3, 3]]);
    case.inputs.extend([zero(7), zero(100)]);
    case
}

/// Bins of many samples, of which few lie inside.
fn region() -> Case {
    let (mode, layout) = (RoiMode::Max, Layout::Nchw);
    let op =
        RoiAlign { output: [3, 3], sampling_ratio: 50, spatial_scale: 1.0, half_pixel: true, mode, layout };
    let regions =
        Tensor::from_f32(&[2, 4], vec![-900.0, -40.0, 30.0, 900.0, 500.0, 500.0, 600.0, 600.0]).unwrap();
    let numbers = Tensor::new(&[2], Data::I32(vec![0, 0])).unwrap();
    Case { op: op.into(), inputs: vec![tensor(&[1, 3, 8, 8], DType::F32), regions, numbers] }
}

#[test]
fn the_host_path_computes_them() {
    for case in cases() {
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        let outputs = host::run(&case.op, &inputs).unwrap();
        judge(&case.op, &inputs, &outputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

#[test]
fn the_gpu_computes_them() {
    for engine in [engine().clone(), engine().with_gpu_kernels()] {
        for case in cases() {
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        }
    }
}

/// Outputs of 2^57 elements, which no address space has room for.
#[test]
fn what_there_is_no_memory_for_is_an_error() {
    const FAR: usize = 1 << 18;
    let one = |shape: &[usize], dtype| tensor(shape, dtype);
    let average = PoolKind::Average { count_include_pad: true, divisor: None };
    let pool = |kind| Pool::new(kind, [1]).stride([1]).padding(pad(FAR));
    let conv = || Conv::new().padding(pad(FAR));
    let voxel = [1; 5];
    let mut cases = vec![
        case(conv(), DType::F32, &[&voxel, &voxel]),
        case(conv(), DType::F32, &[&[1, 2, 1, 1, 1], &[7, 2, 1, 1, 1]]),
        case(conv().layout(Layout::Nhwc), DType::F32, &[&voxel, &voxel]),
        case(conv().layout(Layout::Nhwc), DType::F32, &[&[1, 1, 1, 1, 2], &[7, 2, 1, 1, 1]]),
        case(ConvTranspose::new().stride([2 * FAR]), DType::F32, &[&[1, 1, 2, 2, 2], &voxel]),
        case(AdaptivePool::max([2 * FAR; 3]), DType::F32, &[&voxel]),
        case(Col2Im::new([2 * FAR; 3], [1; 3]).stride([2 * FAR]), DType::F32, &[&[1, 1, 1]]),
    ];
    for kind in [PoolKind::Max, average, PoolKind::Lp { p: 2.0 }, PoolKind::LpTorch { p: 2.0 }] {
        cases.push(case(pool(kind), DType::F32, &[&voxel]));
        cases.push(case(pool(kind), DType::F16, &[&voxel]));
        cases.push(case(pool(kind), DType::BF16, &[&voxel]));
    }
    for dtype in [DType::F32, DType::U8, DType::I8] {
        cases.push(case(pool(PoolKind::Max).padding(pad(FAR + (1 << 17))), dtype, &[&voxel]));
    }
    let mut bytes = integer(conv());
    (bytes.inputs[0], bytes.inputs[1]) = (one(&voxel, DType::U8), one(&voxel, DType::U8));
    cases.push(bytes);
    let mut region = region();
    if let Op::RoiAlign(spec) = &mut region.op {
        (spec.output, spec.sampling_ratio) = ([1 << 28, 1 << 28], 1);
    }
    cases.push(region);
    for case in cases {
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        for (path, result) in
            [("host", host::run(&case.op, &inputs)), ("reference", reference::run(&case.op, &inputs))]
        {
            assert!(
                matches!(result, Err(Error::OutOfMemory { .. })),
                "{path}: {}: {result:?}",
                describe(&case)
            );
        }
    }
}
