//! The host path against the reference, within the bounds that the reference states.

use half::f16;
use wgpool::reference::{compare, evaluate};
use wgpool::{
    Activation, AdaptivePool, Conv, ConvPool, ConvTranspose, DType, Data, Dense, DenseLayout,
    FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Padding,
    Pool, PoolKind, Problem, RoiAlign, RoiMode, Softmax, Tensor, TensorDesc, host,
};

/// A small random generator (xorshift), so that every run tests the same cases.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// A number of `from..=to`.
    fn within(&mut self, from: usize, to: usize) -> usize {
        from + (self.next() % (to - from + 1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.within(1, n) == 1
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.within(0, all.len() - 1)].clone()
    }

    fn many(&mut self, n: usize, from: usize, to: usize) -> Vec<usize> {
        (0..n).map(|_| self.within(from, to)).collect()
    }

    /// In -1..1.
    fn float(&mut self) -> f32 {
        (self.next() % (1 << 24)) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// What the elements of a tensor are like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    /// Both signs.
    Mixed,
    /// No cancellation, so that the relative error shows.
    Positive,
    /// Few different values, so that maxima tie.
    Ties,
    /// NaN, infinities, both zeros and huge numbers among others.
    Special,
    /// Far below any finite start value of a maximum that one might think of.
    Low,
}

const VALUES: [Values; 5] = [Values::Mixed, Values::Positive, Values::Ties, Values::Special, Values::Low];

fn tensor(random: &mut Random, shape: &[usize], values: Values, dtype: DType) -> Tensor {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, -3e4, 3e4, f32::NEG_INFINITY];
    let elements: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            let x = random.float();
            match values {
                Values::Mixed => x,
                Values::Positive => x.abs() + 0.5,
                Values::Ties => (x * 2.5).round(),
                Values::Special if random.one_in(6) => random.pick(&special),
                Values::Special => x,
                Values::Low => (x - 2.0) * if dtype == DType::F16 { 2e4 } else { 1e37 },
            }
        })
        .collect();
    let data = match dtype {
        DType::F16 => Data::F16(elements.iter().map(|&x| f16::from_f32(x)).collect()),
        DType::U8 => Data::U8(elements.iter().map(|&x| (x * 5.0 + 4.0) as u8).collect()),
        DType::I8 => Data::I8(elements.iter().map(|&x| (x * 6.0) as i8).collect()),
        _ => Data::F32(elements),
    };
    Tensor::new(shape, data).expect("as many elements as the shape says")
}

/// Whether the operation is legal for these inputs; if it is, the host path must agree with the reference.
fn agrees(op: &Op, inputs: &[&Tensor]) -> bool {
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let Ok(problem) = Problem::new(op, &descs) else {
        assert!(host::run(op, inputs).is_err(), "{op:?} of {descs:?} must be refused");
        return false;
    };
    let exact = evaluate(&problem, inputs).expect("reference");
    let got = host::run(op, inputs).expect("host path");
    assert_eq!(exact.len(), got.len());
    for (i, (exact, got)) in exact.iter().zip(&got).enumerate() {
        if let Some(mismatch) = compare(exact, got).expect("the same shapes") {
            panic!("{op:?} of {descs:?}, output {i}: {mismatch}");
        }
    }
    true
}

fn shape(layout: Layout, batch: usize, channels: usize, space: &[usize]) -> Vec<usize> {
    match layout {
        Layout::Nchw => [&[batch, channels], space].concat(),
        Layout::Nhwc => [&[batch], space, &[channels]].concat(),
    }
}

fn layout(random: &mut Random) -> Layout {
    random.pick(&[Layout::Nchw, Layout::Nhwc])
}

fn padding(random: &mut Random, rank: usize, most: usize) -> Padding {
    match random.within(0, 4) {
        0 => Padding::Valid,
        1 => Padding::SameUpper,
        2 => Padding::SameLower,
        _ => Padding::Explicit { before: random.many(rank, 0, most), after: random.many(rank, 0, most) },
    }
}

/// Longest axes for a rank: the reference is slow.
fn longest(rank: usize) -> usize {
    [60, 24, 9][rank - 1]
}

fn random_pool(random: &mut Random, kind: PoolKind, rank: usize, widest: usize) -> Pool {
    let same_stride = random.one_in(3);
    let window = random.many(rank, 1, widest);
    let stride = if same_stride { window.clone() } else { random.many(rank, 1, 3) };
    let dilation = if random.one_in(4) { random.many(rank, 1, 3) } else { vec![1] };
    Pool {
        kind,
        window,
        stride,
        dilation,
        padding: padding(random, rank, 3),
        ceil_mode: random.one_in(2),
        indices: None,
        layout: layout(random),
    }
}

fn pools(seed: u64, kinds: &[PoolKind], types: &[DType], values: &[Values], indices: bool) {
    let mut random = Random::new(seed);
    let mut legal = 0;
    for _ in 0..500 {
        let rank = random.within(1, 3);
        let kind = random.pick(kinds);
        let widest = if random.one_in(3) { 13 } else { 4 };
        let mut pool = random_pool(&mut random, kind, rank, widest.min(longest(rank)));
        if indices {
            pool.indices = Some(random.pick(&NUMBERINGS));
        }
        let space = random.many(rank, 1, longest(rank));
        let (batch, channels) = (random.within(0, 2), random.pick(&[1, 2, 3, 17]));
        let shape = shape(pool.layout, batch, channels, &space);
        let (values, dtype) = (random.pick(values), random.pick(types));
        let x = tensor(&mut random, &shape, values, dtype);
        legal += usize::from(agrees(&pool.into(), &[&x]));
    }
    assert!(legal > 200, "only {legal} of the cases were legal");
}

const NUMBERINGS: [IndexNumbering; 3] =
    [IndexNumbering::PerPlane, IndexNumbering::WholeRowMajor, IndexNumbering::WholeColumnMajor];
const AVERAGES: [PoolKind; 3] = [
    PoolKind::Average { count_include_pad: false, divisor: None },
    PoolKind::Average { count_include_pad: true, divisor: None },
    PoolKind::Average { count_include_pad: false, divisor: Some(7) },
];
const FLOATS: [DType; 2] = [DType::F32, DType::F16];

#[test]
fn maxima() {
    let types = [DType::F32, DType::F16, DType::U8, DType::I8];
    pools(1, &[PoolKind::Max], &types, &VALUES, false);
}

#[test]
fn maxima_with_indices() {
    let types = [DType::F32, DType::F16, DType::U8, DType::I8];
    pools(2, &[PoolKind::Max], &types, &VALUES, true);
}

#[test]
fn averages() {
    pools(3, &AVERAGES, &FLOATS, &[Values::Mixed, Values::Positive, Values::Special], false);
}

#[test]
fn lp_norms() {
    let kinds = [1.0, 2.0, 3.0, 2.5].map(|p| PoolKind::Lp { p });
    pools(4, &kinds, &FLOATS, &[Values::Mixed, Values::Positive, Values::Special], false);
}

/// Without cancellation: the reference has no bound for sums of both signs whose root is negative.
#[test]
fn lp_norms_of_pytorch() {
    let kinds = [1.0, 2.0, 3.0, 2.5].map(|p| PoolKind::LpTorch { p });
    pools(15, &kinds, &FLOATS, &[Values::Positive], false);
    pools(16, &[PoolKind::LpTorch { p: 2.0 }], &FLOATS, &[Values::Mixed, Values::Special], false);
}

#[test]
fn adaptive_pools() {
    let mut random = Random::new(17);
    for case in 0..500 {
        let rank = random.within(1, 3);
        let layout = layout(&mut random);
        let space = random.many(rank, 1, longest(rank));
        let output: Vec<usize> = space
            .iter()
            .map(|&l| match random.within(0, 4) {
                0 => 1,
                1 => l,
                2 => l.div_ceil(2),
                _ => random.within(1, l + 3),
            })
            .collect();
        let kind = if case % 2 == 0 { PoolKind::Max } else { AVERAGES[case % 4 / 2] };
        let indices = (kind == PoolKind::Max && random.one_in(2)).then(|| random.pick(&NUMBERINGS));
        let (batch, channels) = (random.within(0, 2), random.pick(&[1, 3, 17]));
        let types = [DType::F32, DType::F16, DType::U8, DType::I8];
        let dtype = if kind == PoolKind::Max { random.pick(&types) } else { random.pick(&FLOATS) };
        let x = tensor(&mut random, &shape(layout, batch, channels, &space), VALUES[case % 4], dtype);
        assert!(agrees(&AdaptivePool { kind, output, indices, layout }.into(), &[&x]));
    }
}

#[test]
fn fractional_pools() {
    let mut random = Random::new(18);
    let mut legal = 0;
    for case in 0..300 {
        let rank = random.within(1, 3);
        let pool = FractionalMaxPool {
            window: random.many(rank, 1, 4),
            output: random.many(rank, 1, 6),
            indices: random.one_in(2).then(|| random.pick(&NUMBERINGS)),
            layout: layout(&mut random),
        };
        let (batch, channels) = (random.within(0, 2), random.pick(&[1, 3, 17]));
        let space = random.many(rank, 4, longest(rank));
        let x =
            tensor(&mut random, &shape(pool.layout, batch, channels, &space), VALUES[case % 5], DType::F32);
        let samples = (0..batch * channels * rank).map(|_| random.float().abs().min(0.999)).collect();
        let samples = Tensor::from_f32(&[batch, channels, rank], samples).expect("tensor");
        legal += usize::from(agrees(&pool.into(), &[&x, &samples]));
    }
    assert!(legal > 100, "only {legal} of the cases were legal");
}

#[test]
fn unpooling() {
    let mut random = Random::new(19);
    for case in 0..400 {
        let rank = random.within(1, 3);
        let layout = layout(&mut random);
        let (batch, channels) = (random.within(0, 2), random.pick(&[1, 3, 17, 40]));
        let space = random.many(rank, 1, longest(rank) / 2);
        let output = random.many(rank, 1, longest(rank));
        let numbering = random.pick(&NUMBERINGS);
        // Indices may count in longer planes than the output has.
        let indexed =
            random.one_in(3).then(|| output.iter().map(|l| l + random.within(0, 3)).collect::<Vec<usize>>());
        let counted = indexed.clone().unwrap_or(output.clone());
        let dtype = random.pick(&[DType::F32, DType::F16, DType::U8, DType::I8]);
        let shape = shape(layout, batch, channels, &space);
        let x = tensor(&mut random, &shape, VALUES[case % 5], dtype);
        let pixels: usize = space.iter().product();
        let indices = (0..batch * channels * pixels)
            .map(|at| {
                let (n, c) = match layout {
                    Layout::Nchw => (at / pixels / channels, at / pixels % channels),
                    Layout::Nhwc => (at / pixels / channels, at % channels),
                };
                let plane: usize = counted.iter().product();
                let inside = output.iter().zip(&counted).map(|(&o, &l)| (random.within(0, o - 1), l));
                let index = match numbering {
                    IndexNumbering::WholeColumnMajor => inside.rev().fold(0, |index, (at, l)| index * l + at),
                    _ => inside.fold(0, |index, (at, l)| index * l + at),
                };
                let first = if numbering == IndexNumbering::PerPlane { 0 } else { n * channels + c };
                (first * plane + index) as i32
            })
            .collect();
        let indices = Tensor::new(&shape, Data::I32(indices)).expect("tensor");
        assert!(agrees(&MaxUnpool { output, indexed, numbering, layout }.into(), &[&x, &indices]));
    }
}

#[test]
fn regions() {
    let mut random = Random::new(20);
    for case in 0..300 {
        let layout = layout(&mut random);
        let (batch, channels) = (random.within(1, 2), random.pick(&[1, 3, 20]));
        let space = random.many(2, 1, 20);
        let x = tensor(&mut random, &shape(layout, batch, channels, &space), VALUES[case % 5], DType::F32);
        let regions = random.within(0, 4);
        let spatial_scale = random.pick(&[1.0, 0.5, 0.31]);
        let reach = if random.one_in(4) { 100.0 } else { 24.0 };
        let images: Vec<usize> = (0..regions).map(|_| random.within(0, batch - 1)).collect();
        let corners: Vec<[f32; 4]> =
            (0..regions).map(|_| [0; 4].map(|_| (random.float() + 0.5) * reach)).collect();
        let output = [random.within(1, 5), random.within(1, 5)];
        let align = RoiAlign {
            output,
            sampling_ratio: random.within(0, 3),
            spatial_scale,
            half_pixel: random.one_in(2),
            mode: random.pick(&[RoiMode::Average, RoiMode::Max]),
            layout,
        };
        let boxes = Tensor::from_f32(&[regions, 4], corners.concat()).expect("tensor");
        let numbers = Data::I32(images.iter().map(|&i| i as i32).collect());
        let numbers = Tensor::new(&[regions], numbers).expect("tensor");
        assert!(agrees(&align.into(), &[&x, &boxes, &numbers]));
        let numbered = images.iter().zip(&corners).flat_map(|(&i, c)| [i as f32, c[0], c[1], c[2], c[3]]);
        let boxes = Tensor::from_f32(&[regions, 5], numbered.collect()).expect("tensor");
        assert!(agrees(&MaxRoiPool { output, spatial_scale, layout }.into(), &[&x, &boxes]));
    }
}

/// Most of such a region's samples lie outside the image; they must not all be visited.
#[test]
fn a_region_far_larger_than_its_image() {
    let x = Tensor::from_f32(&[1, 1, 4, 4], (0..16).map(|v| v as f32).collect()).expect("tensor");
    let boxes = Tensor::from_f32(&[1, 4], vec![-1e6, -1e6, 1e6, 1e6]).expect("tensor");
    let numbers = Tensor::new(&[1], Data::I32(vec![0])).expect("tensor");
    for mode in [RoiMode::Average, RoiMode::Max] {
        for spatial_scale in [1.0, 1e30] {
            let align = RoiAlign {
                output: [2, 2],
                sampling_ratio: 0,
                spatial_scale,
                half_pixel: true,
                mode,
                layout: Layout::Nchw,
            };
            // It may be refused.
            if let Ok(y) = host::run(&align.into(), &[&x, &boxes, &numbers]) {
                assert!(y[0].as_f32().expect("f32").iter().all(|v| v.is_finite()));
            }
        }
    }
}

#[test]
fn global_pools() {
    let mut random = Random::new(5);
    let kinds = [PoolKind::Max, AVERAGES[0], PoolKind::Lp { p: 2.0 }];
    for case in 0..200 {
        let rank = random.within(1, 3);
        let layout = layout(&mut random);
        let space = random.many(rank, 1, longest(rank));
        let (batch, channels) = (random.within(0, 3), random.pick(&[1, 5, 40]));
        let shape = shape(layout, batch, channels, &space);
        let dtype = random.pick(&FLOATS);
        let x = tensor(&mut random, &shape, VALUES[case % 4], dtype);
        assert!(agrees(&GlobalPool { kind: random.pick(&kinds), layout }.into(), &[&x]));
    }
}

#[test]
fn large_planes_are_cut_into_tasks() {
    let mut random = Random::new(6);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for values in [Values::Positive, Values::Special] {
            let x = tensor(&mut random, &shape(layout, 1, 3, &[211, 190]), values, DType::F32);
            for window in [2, 3, 7] {
                for kind in [PoolKind::Max, AVERAGES[1]] {
                    for stride in [1, 2, 3] {
                        let padding = Padding::symmetric([window / 2]);
                        let pool = Pool::new(kind, [window]).stride([stride]).padding(padding).layout(layout);
                        assert!(agrees(&pool.clone().into(), &[&x]));
                        if kind == PoolKind::Max {
                            let pool = pool.indices(IndexNumbering::WholeRowMajor);
                            assert!(agrees(&pool.into(), &[&x]));
                        }
                    }
                }
            }
            for global in [
                GlobalPool::average(),
                GlobalPool::max(),
                GlobalPool { kind: PoolKind::Lp { p: 2.0 }, layout },
            ] {
                assert!(agrees(&global.layout(layout).into(), &[&x]));
            }
        }
    }
}

/// The sign of zero is told from the other by no comparison, so it has a test of its own.
#[test]
fn the_first_of_equal_zeros_stays() {
    let mut random = Random::new(7);
    for case in 0..200 {
        let space = random.many(2, 1, 40);
        let shape = shape(Layout::Nchw, 1, 2, &space);
        let elements: Vec<f32> =
            (0..shape.iter().product::<usize>()).map(|_| random.pick(&[0.0, -0.0, -0.0, -1.0])).collect();
        let x = Tensor::from_f32(&shape, elements).expect("tensor");
        let widest = if case % 2 == 0 { 3 } else { 9 };
        let op: Op = if case % 5 == 0 {
            GlobalPool::max().into()
        } else {
            random_pool(&mut random, PoolKind::Max, 2, widest).layout(Layout::Nchw).into()
        };
        let Ok(problem) = Problem::new(&op, &[x.desc()]) else { continue };
        let exact = evaluate(&problem, &[&x]).expect("reference");
        let got = host::compute(&problem, &[&x]).expect("host path");
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let expected: Vec<f32> = exact[0].values.iter().map(|&v| v as f32).collect();
        assert_eq!(bits(got[0].as_f32().expect("f32")), bits(&expected), "{op:?} of {shape:?}");
    }
}

const ACTIVATIONS: [Activation; 9] = [
    Activation::None,
    Activation::Relu,
    Activation::Relu6,
    Activation::LeakyRelu { alpha: 0.3 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
];

#[test]
fn activations() {
    let mut elements: Vec<f32> = (-20_000..20_000).map(|i| i as f32 / 1000.0).collect();
    for big in [30.0, 88.0, 89.0, 104.0, 1e3, 1e10, 1e20, f32::MAX, f32::INFINITY, 1e-20, 1e-40, 0.0] {
        elements.extend([big, -big]);
    }
    elements.push(f32::NAN);
    let x = Tensor::from_f32(&[elements.len()], elements).expect("tensor");
    let empty = Tensor::from_f32(&[2, 0], vec![]).expect("tensor");
    for activation in ACTIVATIONS {
        assert!(agrees(&activation.into(), &[&x]));
        assert!(agrees(&activation.into(), &[&empty]));
    }
}

#[test]
fn softmax() {
    let mut random = Random::new(8);
    for case in 0..200 {
        let rank = random.within(1, 4);
        let mut shape = random.many(rank, 1, 12);
        if case % 10 == 0 {
            shape[0] = 0;
        }
        let axis = random.within(0, rank - 1);
        if case % 3 == 0 {
            shape[axis] = random.within(1, 300);
        }
        let axis = if random.one_in(2) { axis as isize } else { axis as isize - rank as isize };
        let mut x = tensor(&mut random, &shape, VALUES[case % 4], DType::F32);
        if case % 2 == 0 {
            let scaled = x.as_f32().expect("f32").iter().map(|v| v * 40.0).collect();
            x = Tensor::from_f32(&shape, scaled).expect("tensor");
        }
        agrees(&Softmax { axis }.into(), &[&x]);
    }
    for shape in [[1, 20_000, 1], [2, 3000, 5]] {
        let x = Tensor::from_f32(&shape, vec![0.7; shape.iter().product()]).expect("tensor");
        assert!(agrees(&Softmax { axis: 1 }.into(), &[&x]));
    }
}

fn random_conv(random: &mut Random, rank: usize, groups: usize) -> Conv {
    Conv {
        stride: if random.one_in(2) { vec![1] } else { random.many(rank, 1, 3) },
        dilation: if random.one_in(3) { random.many(rank, 1, 3) } else { vec![1] },
        padding: padding(random, rank, 4),
        groups,
        activation: random.pick(&ACTIVATIONS),
        layout: layout(random),
        kernel_layout: random.pick(&[KernelLayout::Oihw, KernelLayout::Hwio]),
    }
}

fn kernel_shape(layout: KernelLayout, out: usize, group_in: usize, window: &[usize]) -> Vec<usize> {
    match layout {
        KernelLayout::Oihw => [&[out, group_in], window].concat(),
        KernelLayout::Hwio => [window, &[group_in, out]].concat(),
    }
}

fn transposed_convolutions(seed: u64, cases: usize, input: &[Values], kernel: &[Values], types: &[DType]) {
    let mut random = Random::new(seed);
    let mut legal = 0;
    for _ in 0..cases {
        let rank = random.within(1, 3);
        let groups = random.pick(&[1, 1, 1, 2, 5]);
        let (group_in, group_out) = (random.pick(&[1, 2, 3, 20]), random.pick(&[1, 1, 2, 7, 70]));
        let stride = random.many(rank, 1, 3);
        let output_padding = if random.one_in(3) { random.many(rank, 0, 2) } else { vec![0] };
        let mut conv = ConvTranspose {
            stride,
            dilation: if random.one_in(3) { random.many(rank, 1, 3) } else { vec![1] },
            padding: padding(&mut random, rank, 4),
            output_padding,
            output: None,
            groups,
            activation: random.pick(&ACTIVATIONS),
            layout: layout(&mut random),
            kernel_layout: random.pick(&[KernelLayout::Oihw, KernelLayout::Hwio]),
        };
        if !matches!(conv.padding, Padding::Explicit { .. }) && random.one_in(3) {
            conv.output = Some(random.many(rank, 1, longest(rank)));
        }
        let space = random.many(rank, 1, [30, 10, 5][rank - 1]);
        let window = random.many(rank, 1, [7, 4, 3][rank - 1]);
        let (batch, dtype) = (random.within(0, 2), random.pick(types));
        let (values, weights) = (random.pick(input), random.pick(kernel));
        let x_shape = shape(conv.layout, batch, groups * group_in, &space);
        let x = tensor(&mut random, &x_shape, values, dtype);
        let w_shape = kernel_shape(conv.kernel_layout, groups * group_in, group_out, &window);
        let w = tensor(&mut random, &w_shape, weights, dtype);
        let b = tensor(&mut random, &[groups * group_out], Values::Mixed, dtype);
        let inputs: &[&Tensor] = if random.one_in(2) { &[&x, &w, &b] } else { &[&x, &w] };
        legal += usize::from(agrees(&conv.into(), inputs));
    }
    assert!(legal > cases / 3, "only {legal} of the cases were legal");
}

#[test]
fn transposed_convolution() {
    transposed_convolutions(
        21,
        300,
        &[Values::Mixed, Values::Positive],
        &[Values::Mixed, Values::Positive],
        &FLOATS,
    );
    transposed_convolutions(22, 150, &[Values::Mixed, Values::Special], &[Values::Special], &FLOATS);
}

/// Few pixels and many channels: the channels are what threads divide among them, whatever their number.
#[test]
fn convolution_of_few_pixels() {
    let mut random = Random::new(27);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            for (groups, group_out) in [(1, 330), (1, 65), (2, 90), (1, 513)] {
                for window in [[1, 1], [3, 3]] {
                    let x = tensor(
                        &mut random,
                        &shape(layout, 2, 40 * groups, &[5, 6]),
                        Values::Positive,
                        DType::F32,
                    );
                    let w_shape = kernel_shape(kernel_layout, groups * group_out, 40, &window);
                    let w = tensor(&mut random, &w_shape, Values::Mixed, DType::F32);
                    let conv = Conv::new().groups(groups).layout(layout).kernel_layout(kernel_layout);
                    assert!(agrees(&conv.into(), &[&x, &w]));
                }
            }
        }
    }
}

/// Large enough for ranges of rows, blocks of channels and long sums, over each axis that may be the outermost.
#[test]
fn large_transposed_convolutions_are_cut_into_tasks() {
    let mut random = Random::new(23);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for (space, window) in
            [(vec![60, 33], vec![3, 4]), (vec![2000], vec![9]), (vec![9, 12, 20], vec![3, 2, 3])]
        {
            let (values, channels) = (random.pick(&[Values::Mixed, Values::Positive]), random.pick(&[3, 90]));
            let x = tensor(&mut random, &shape(layout, 1, channels, &space), values, DType::F32);
            let w_shape = kernel_shape(KernelLayout::Oihw, channels, 70, &window);
            let w = tensor(&mut random, &w_shape, Values::Positive, DType::F32);
            let padding = Padding::symmetric([1]);
            let conv = ConvTranspose { layout, ..ConvTranspose::new().stride([2]).padding(padding) };
            assert!(agrees(&conv.into(), &[&x, &w]));
        }
        let x = tensor(&mut random, &shape(layout, 2, 100, &[30, 11]), Values::Mixed, DType::F32);
        let w = tensor(&mut random, &[100, 1, 3, 3], Values::Mixed, DType::F32);
        let conv = ConvTranspose { layout, groups: 100, ..ConvTranspose::new().stride([2]) };
        assert!(agrees(&conv.into(), &[&x, &w]));
        // As many equal terms as possible.
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[40, 40]), vec![0.1; 3200]).expect("tensor");
        let w = Tensor::from_f32(&[2, 1, 21, 21], vec![0.3; 2 * 441]).expect("tensor");
        let conv = ConvTranspose { layout, ..ConvTranspose::new() };
        assert!(agrees(&conv.into(), &[&x, &w]));
        let x = Tensor::from_f32(&shape(layout, 1, 3000, &[2, 2]), vec![0.1; 12_000]).expect("tensor");
        let w = Tensor::from_f32(&[3000, 2, 2, 2], vec![0.7; 24_000]).expect("tensor");
        let conv = ConvTranspose { layout, ..ConvTranspose::new() };
        assert!(agrees(&conv.into(), &[&x, &w]));
    }
}

#[test]
fn convolution_with_pooling() {
    let mut random = Random::new(24);
    let mut legal = 0;
    for _ in 0..300 {
        let rank = random.within(1, 3);
        let groups = random.pick(&[1, 1, 1, 3]);
        let (group_in, group_out) = (random.pick(&[1, 2, 20]), random.pick(&[1, 7, 40]));
        let conv = random_conv(&mut random, rank, groups);
        let kind = if random.one_in(2) { PoolKind::Max } else { random.pick(&AVERAGES) };
        let pool = random_pool(&mut random, kind, rank, 4).layout(conv.layout);
        let (batch, dtype) = (random.within(0, 2), random.pick(&FLOATS));
        let space = random.many(rank, 1, longest(rank));
        let x_shape = shape(conv.layout, batch, groups * group_in, &space);
        let values = random.pick(&[Values::Mixed, Values::Positive]);
        let x = tensor(&mut random, &x_shape, values, dtype);
        let window = random.many(rank, 1, [7, 4, 3][rank - 1]);
        let w_shape = kernel_shape(conv.kernel_layout, groups * group_out, group_in, &window);
        let w = tensor(&mut random, &w_shape, Values::Mixed, dtype);
        let b = tensor(&mut random, &[groups * group_out], Values::Mixed, dtype);
        let inputs: &[&Tensor] = if random.one_in(2) { &[&x, &w, &b] } else { &[&x, &w] };
        legal += usize::from(agrees(&ConvPool { conv, pool }.into(), inputs));
    }
    assert!(legal > 100, "only {legal} of the cases were legal");
}

/// NaN and infinities reach the windows that they reach in the two operations one after the other.
#[test]
fn convolution_with_pooling_of_special_values() {
    let mut random = Random::new(26);
    for case in 0..60 {
        let layout = layout(&mut random);
        let conv = random_conv(&mut random, 2, 1);
        let conv = Conv { layout, activation: Activation::Relu, ..conv };
        let kind = if case % 2 == 0 { PoolKind::Max } else { AVERAGES[case % 3] };
        let pool = random_pool(&mut random, kind, 2, 4).layout(layout);
        let size = random.pick(&[9, 60]);
        let space = random.many(2, size / 2, size);
        let x = tensor(&mut random, &shape(layout, 2, 3, &space), Values::Special, DType::F32);
        let w_shape = kernel_shape(conv.kernel_layout, 10, 3, &[3, 2]);
        let w = tensor(
            &mut random,
            &w_shape,
            if case % 3 == 0 { Values::Special } else { Values::Mixed },
            DType::F32,
        );
        let Ok(got) = host::run(&ConvPool { conv: conv.clone(), pool: pool.clone() }.into(), &[&x, &w])
        else {
            continue;
        };
        let between = host::run(&conv.into(), &[&x, &w]).expect("convolution");
        let expected = host::run(&pool.into(), &[&between[0]]).expect("pooling");
        let values = |t: &Tensor| t.as_f32().expect("f32").to_vec();
        for (got, expected) in values(&got[0]).into_iter().zip(values(&expected[0])) {
            // How near finite results are, the other tests show.
            let same = got == expected || got.is_finite() && expected.is_finite();
            assert!(same || got.is_nan() && expected.is_nan(), "{got}, not {expected}");
        }
    }
}

/// Tiles of rows must meet without a seam, whatever padding they have on either side.
#[test]
fn convolution_with_pooling_in_tiles() {
    let mut random = Random::new(25);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for (window, stride, ceil) in [(2, 2, false), (3, 2, true), (3, 1, false), (5, 4, true)] {
            for kind in [PoolKind::Max, AVERAGES[0], AVERAGES[1]] {
                let x = tensor(&mut random, &shape(layout, 2, 2, &[131, 67]), Values::Mixed, DType::F32);
                let w = tensor(&mut random, &[24, 2, 3, 3], Values::Mixed, DType::F32);
                let conv = Conv::new().padding(Padding::symmetric([1])).layout(layout);
                let padding = Padding::symmetric([window / 2]);
                let pool = Pool::new(kind, [window])
                    .stride([stride])
                    .padding(padding)
                    .ceil_mode(ceil)
                    .layout(layout);
                assert!(agrees(&ConvPool { conv, pool }.into(), &[&x, &w]));
            }
        }
    }
}

fn convolutions(seed: u64, cases: usize, input: &[Values], kernel: &[Values]) {
    let mut random = Random::new(seed);
    convolutions_of(&mut random, cases, input, kernel, DType::F32);
    convolutions_of(&mut random, cases / 4, input, kernel, DType::F16);
}

fn convolutions_of(random: &mut Random, cases: usize, input: &[Values], kernel: &[Values], dtype: DType) {
    let mut legal = 0;
    for _ in 0..cases {
        let rank = random.within(1, 3);
        let groups = random.pick(&[1, 1, 1, 2, 5]);
        let (group_in, group_out) = (random.pick(&[1, 2, 3, 20]), random.pick(&[1, 2, 3, 7, 40]));
        let conv = random_conv(random, rank, groups);
        let space = random.many(rank, 1, longest(rank));
        let window = random.many(rank, 1, [7, 5, 3][rank - 1]);
        let batch = random.within(0, 2);
        let (values, weights) = (random.pick(input), random.pick(kernel));
        let x_shape = shape(conv.layout, batch, groups * group_in, &space);
        let out = groups * group_out;
        let x = tensor(random, &x_shape, values, dtype);
        let w_shape = kernel_shape(conv.kernel_layout, out, group_in, &window);
        let w = tensor(random, &w_shape, weights, dtype);
        let b = tensor(random, &[out], Values::Mixed, dtype);
        let with_bias = random.one_in(2);
        let inputs: &[&Tensor] = if with_bias { &[&x, &w, &b] } else { &[&x, &w] };
        legal += usize::from(agrees(&conv.into(), inputs));
    }
    assert!(legal > cases / 3, "only {legal} of the cases were legal");
}

#[test]
fn convolution() {
    convolutions(9, 400, &[Values::Mixed, Values::Positive], &[Values::Mixed, Values::Positive]);
}

#[test]
fn convolution_of_special_values() {
    convolutions(10, 150, &[Values::Special], &[Values::Mixed]);
    convolutions(11, 150, &[Values::Mixed, Values::Special], &[Values::Special]);
}

/// Equal terms are the worst case: the rounding errors of a chain of additions all point the same way.
#[test]
fn long_sums_of_equal_terms_stay_within_the_bound() {
    let mut random = Random::new(12);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            for channels in [30, 57, 128, 512] {
                for _ in 0..3 {
                    let (a, b) = (random.float().abs() + 0.1, random.float().abs() + 0.1);
                    let x_shape = shape(layout, 1, channels, &[5, 5]);
                    let x = Tensor::from_f32(&x_shape, vec![a; channels * 25]).expect("tensor");
                    let w_shape = kernel_shape(kernel_layout, 7, channels, &[3, 3]);
                    let w = Tensor::from_f32(&w_shape, vec![b; channels * 63]).expect("tensor");
                    let conv = Conv::new().layout(layout).kernel_layout(kernel_layout);
                    assert!(agrees(&conv.into(), &[&x, &w]));
                }
            }
        }
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[40, 40]), vec![0.1; 3200]).expect("tensor");
        let w = Tensor::from_f32(&[2, 1, 31, 31], vec![0.3; 2 * 961]).expect("tensor");
        assert!(agrees(&Conv::new().groups(2).layout(layout).into(), &[&x, &w]));
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[224, 224]), vec![0.1; 2 * 50_176]).expect("tensor");
        assert!(agrees(&GlobalPool::average().layout(layout).into(), &[&x]));
        for window in [[50, 50], [200, 3], [3, 200]] {
            for stride in [50, 200] {
                let pool = Pool::average(window).stride([stride]).layout(layout);
                assert!(agrees(&pool.into(), &[&x]));
            }
        }
        assert!(agrees(&Pool::average([90, 3]).stride([1, 40]).layout(layout).into(), &[&x]));
        assert!(agrees(&Pool::average([3, 90]).stride([40, 1]).layout(layout).into(), &[&x]));
        assert!(agrees(&Pool::average([60, 60]).stride([2, 2]).layout(layout).into(), &[&x]));
    }
}

#[test]
fn dense_layers() {
    let mut random = Random::new(13);
    for case in 0..200 {
        let kernel_layout = random.pick(&[DenseLayout::InOut, DenseLayout::OutIn]);
        let (features, units) = (random.within(1, 300), random.pick(&[1, 2, 3, 4, 10, 65, 130]));
        let rows = random.pick(&[0, 1, 2, 3, 4, 20]);
        let shape = if case % 4 == 0 { vec![2, rows, features] } else { vec![rows, features] };
        let values = VALUES[case % 4];
        let dtype = if case % 5 == 0 { DType::F16 } else { DType::F32 };
        let x = tensor(&mut random, &shape, values, dtype);
        let w_shape = match kernel_layout {
            DenseLayout::InOut => [features, units],
            DenseLayout::OutIn => [units, features],
        };
        let w = tensor(&mut random, &w_shape, Values::Positive, dtype);
        let b = tensor(&mut random, &[units], Values::Mixed, dtype);
        let op = Op::from(Dense::new().activation(random.pick(&ACTIVATIONS)).kernel_layout(kernel_layout));
        let inputs: &[&Tensor] = if random.one_in(2) { &[&x, &w, &b] } else { &[&x, &w] };
        assert!(agrees(&op, inputs));
    }
}

#[test]
fn long_dense_layers() {
    let mut random = Random::new(14);
    for (rows, features, units) in [(1, 475_240, 1), (5, 100_000, 1), (1, 50_000, 9), (6, 40_000, 8)] {
        for kernel_layout in [DenseLayout::InOut, DenseLayout::OutIn] {
            for constant in [false, true] {
                let w_shape = match kernel_layout {
                    DenseLayout::InOut => [features, units],
                    DenseLayout::OutIn => [units, features],
                };
                let (x, w) = if constant {
                    let x = Tensor::from_f32(&[rows, features], vec![0.1; rows * features]);
                    (
                        x.expect("tensor"),
                        Tensor::from_f32(&w_shape, vec![0.7; units * features]).expect("tensor"),
                    )
                } else {
                    let x = tensor(&mut random, &[rows, features], Values::Positive, DType::F32);
                    (x, tensor(&mut random, &w_shape, Values::Positive, DType::F32))
                };
                assert!(agrees(&Dense::new().kernel_layout(kernel_layout).into(), &[&x, &w]));
            }
        }
    }
}

#[test]
fn an_infinite_weight_never_meets_padding() {
    let x = Tensor::from_f32(&[1, 1, 1, 2], vec![1.0, 2.0]).expect("tensor");
    let w = Tensor::from_f32(&[1, 1, 1, 3], vec![f32::INFINITY, 1.0, 1.0]).expect("tensor");
    let conv = Op::from(Conv::new().padding(Padding::SameUpper));
    let y = host::run(&conv, &[&x, &w]).expect("host path");
    assert_eq!(y[0].as_f32().expect("f32"), [3.0, f32::INFINITY]);
}

#[test]
fn other_tensors_than_the_problem_s_are_refused() {
    let x = Tensor::from_f32(&[1, 1, 4], vec![0.0; 4]).expect("tensor");
    let other = Tensor::from_f32(&[1, 1, 5], vec![0.0; 5]).expect("tensor");
    let problem = Problem::new(&Pool::max([2]).into(), &[x.desc()]).expect("problem");
    assert!(host::compute(&problem, &[&other]).is_err());
    assert!(host::compute(&problem, &[]).is_err());
    assert!(host::compute(&problem, &[&x, &x]).is_err());
}
