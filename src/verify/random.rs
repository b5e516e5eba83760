//! Random operations on random tensors, the same for the same seed.

use half::f16;

use crate::problem::Problem;
use crate::spec::{
    Activation, Conv, Dense, DenseLayout, GlobalPool, IndexNumbering, KernelLayout, Layout, Op, Padding,
    Pool, PoolKind, Softmax,
};
use crate::tensor::{DType, Data, Tensor, TensorDesc};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `from..=to`.
    pub fn between(&mut self, from: usize, to: usize) -> usize {
        from + (self.next_u64() % (to - from + 1) as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.between(1, n) == 1
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// An operation and its inputs.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub op: Op,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
}

/// A kind of operation, as tables name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Family {
    /// Max pooling.
    MaxPool,
    /// Average pooling.
    AveragePool,
    /// Lp pooling.
    LpPool,
    /// Global pooling.
    GlobalPool,
    /// Convolution.
    Conv,
    /// Dense layers.
    Dense,
    /// Softmax.
    Softmax,
    /// Activations.
    Activation,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 8] = [
        Family::MaxPool,
        Family::AveragePool,
        Family::LpPool,
        Family::GlobalPool,
        Family::Conv,
        Family::Dense,
        Family::Softmax,
        Family::Activation,
    ];

    /// A random legal case. `f16` says whether 16-bit floats may come up.
    pub fn case(self, rng: &mut Rng, f16: bool) -> Case {
        loop {
            let (op, descs) = self.spec(rng, f16);
            // Most illegal combinations are not worth avoiding: they are thrown away.
            if Problem::new(&op, &descs).is_err() {
                continue;
            }
            let inputs = descs.iter().map(|d| tensor(rng, d)).collect();
            return Case { op, inputs };
        }
    }

    fn spec(self, rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
        match self {
            Family::MaxPool => {
                let dtype = match rng.between(0, 5) {
                    0 => DType::U8,
                    1 => DType::I8,
                    2 if f16 => DType::F16,
                    _ => DType::F32,
                };
                let (mut pool, x) = sliding(rng, PoolKind::Max, dtype);
                pool.indices = match rng.between(0, 5) {
                    0 => Some(IndexNumbering::PerPlane),
                    1 => Some(IndexNumbering::WholeRowMajor),
                    2 => Some(IndexNumbering::WholeColumnMajor),
                    _ => None,
                };
                (pool.into(), vec![x])
            }
            Family::AveragePool => {
                let kind = average(rng);
                let dtype = float(rng, f16);
                let (pool, x) = sliding(rng, kind, dtype);
                (pool.into(), vec![x])
            }
            Family::LpPool => {
                let kind = norm(rng);
                let (pool, x) = sliding(rng, kind, DType::F32);
                (pool.into(), vec![x])
            }
            Family::GlobalPool => {
                let kind = match rng.between(0, 2) {
                    0 => PoolKind::Max,
                    1 => average(rng),
                    _ => norm(rng),
                };
                let rank = rng.between(1, 3);
                let layout = layout(rng);
                let dtype = if matches!(kind, PoolKind::Lp { .. }) { DType::F32 } else { float(rng, f16) };
                let shape = image(rng, rank, layout, 7);
                (GlobalPool { kind, layout }.into(), vec![TensorDesc { shape, dtype }])
            }
            Family::Conv => conv(rng),
            Family::Dense => dense(rng),
            Family::Softmax => {
                let rank = rng.between(1, 4);
                let shape: Vec<usize> = (0..rank).map(|_| rng.between(1, 9)).collect();
                let axis = rng.between(0, 2 * rank - 1) as isize - rank as isize;
                (Softmax { axis }.into(), vec![TensorDesc::f32(shape)])
            }
            Family::Activation => {
                let shape = vec![rng.between(0, 3), rng.between(1, 200)];
                (activation(rng).into(), vec![TensorDesc::f32(shape)])
            }
        }
    }
}

fn float(rng: &mut Rng, f16: bool) -> DType {
    if f16 && rng.one_in(4) { DType::F16 } else { DType::F32 }
}

fn average(rng: &mut Rng) -> PoolKind {
    PoolKind::Average {
        count_include_pad: rng.one_in(2),
        divisor: rng.one_in(6).then(|| rng.between(1, 9) as u32),
    }
}

fn norm(rng: &mut Rng) -> PoolKind {
    PoolKind::Lp { p: [1.0, 2.0, 3.0, 1.5, 7.0][rng.between(0, 4)] }
}

fn layout(rng: &mut Rng) -> Layout {
    if rng.one_in(2) { Layout::Nchw } else { Layout::Nhwc }
}

fn activation(rng: &mut Rng) -> Activation {
    match rng.between(0, 8) {
        0 => Activation::Relu,
        1 => Activation::Relu6,
        2 => Activation::LeakyRelu { alpha: 0.3 },
        3 => Activation::Sigmoid,
        4 => Activation::Tanh,
        5 => Activation::Silu,
        6 => Activation::Gelu,
        7 => Activation::GeluTanh,
        _ => Activation::None,
    }
}

/// A shape of `rank` spatial axes; one batch in twelve is empty.
fn image(rng: &mut Rng, rank: usize, layout: Layout, most_channels: usize) -> Vec<usize> {
    let longest = [70, 23, 9][rank - 1];
    let space: Vec<usize> = (0..rank).map(|_| rng.between(1, longest)).collect();
    let batch = if rng.one_in(12) { 0 } else { rng.between(1, 3) };
    shape(batch, rng.between(1, most_channels), &space, layout)
}

fn shape(batch: usize, channels: usize, space: &[usize], layout: Layout) -> Vec<usize> {
    match layout {
        Layout::Nchw => [&[batch, channels], space].concat(),
        Layout::Nhwc => [&[batch], space, &[channels]].concat(),
    }
}

fn padding(rng: &mut Rng, rank: usize, most: usize) -> Padding {
    match rng.between(0, 4) {
        0 => Padding::Valid,
        1 => Padding::SameUpper,
        2 => Padding::SameLower,
        3 => Padding::symmetric((0..rank).map(|_| rng.between(0, most)).collect::<Vec<_>>()),
        _ => Padding::Explicit {
            before: (0..rank).map(|_| rng.between(0, most)).collect(),
            after: (0..rank).map(|_| rng.between(0, most)).collect(),
        },
    }
}

fn small(rng: &mut Rng, rank: usize, most: usize) -> Vec<usize> {
    (0..rank).map(|_| if rng.one_in(2) { 1 } else { rng.between(1, most) }).collect()
}

fn sliding(rng: &mut Rng, kind: PoolKind, dtype: DType) -> (Pool, TensorDesc) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let window: Vec<usize> = (0..rank).map(|_| rng.between(1, 5)).collect();
    let pool = Pool {
        kind,
        window,
        stride: (0..rank).map(|_| rng.between(1, 4)).collect(),
        dilation: small(rng, rank, 3),
        padding: padding(rng, rank, 4),
        ceil_mode: rng.one_in(2),
        indices: None,
        layout,
    };
    (pool, TensorDesc { shape: image(rng, rank, layout, 7), dtype })
}

fn conv(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let kernel_layout = if rng.one_in(2) { KernelLayout::Oihw } else { KernelLayout::Hwio };
    let groups = if rng.one_in(2) { 1 } else { rng.between(1, 5) };
    // One in eight has sums so long that every level of them is used.
    let most_in = match (rng.one_in(8), rank) {
        (true, 1) => 1500,
        (true, _) => 70,
        _ => 5,
    };
    let (group_in, group_out) = (rng.between(1, most_in), rng.between(1, 9));
    let window: Vec<usize> = (0..rank).map(|_| rng.between(1, 4)).collect();
    let mut x = image(rng, rank, layout, 1);
    match layout {
        Layout::Nchw => x[1] = groups * group_in,
        Layout::Nhwc => x[rank + 1] = groups * group_in,
    }
    let out = groups * group_out;
    let w = match kernel_layout {
        KernelLayout::Oihw => [&[out, group_in], window.as_slice()].concat(),
        KernelLayout::Hwio => [window.as_slice(), &[group_in, out]].concat(),
    };
    let spec = Conv {
        stride: small(rng, rank, 3),
        dilation: small(rng, rank, 3),
        padding: padding(rng, rank, 5),
        groups,
        activation: activation(rng),
        layout,
        kernel_layout,
    };
    let mut inputs = vec![TensorDesc::f32(x), TensorDesc::f32(w)];
    if rng.one_in(2) {
        inputs.push(TensorDesc::f32([out]));
    }
    (spec.into(), inputs)
}

fn dense(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let features = if rng.one_in(3) { rng.between(250, 700) } else { rng.between(1, 40) };
    let outputs = rng.between(1, 20);
    let mut x: Vec<usize> = (0..rng.between(0, 3)).map(|_| rng.between(1, 5)).collect();
    x.push(features);
    let in_out = rng.one_in(2);
    let w = if in_out { [features, outputs] } else { [outputs, features] };
    let kernel_layout = if in_out { DenseLayout::InOut } else { DenseLayout::OutIn };
    let mut inputs = vec![TensorDesc::f32(x), TensorDesc::f32(w)];
    if rng.one_in(2) {
        inputs.push(TensorDesc::f32([outputs]));
    }
    (Dense { activation: activation(rng), kernel_layout }.into(), inputs)
}

/// Values of one of several kinds: plain, all negative, full of ties, huge, with NaN and infinities.
fn tensor(rng: &mut Rng, desc: &TensorDesc) -> Tensor {
    let kind = rng.between(0, 7);
    let mut value = || -> f64 {
        let plain = 2.0 * rng.unit() - 1.0;
        match kind {
            0 => -1.0 - rng.unit(),
            1 => (4.0 * plain).round(),
            2 => 1e4 * plain,
            3 if rng.one_in(15) => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0][rng.between(0, 4)],
            4 => rng.unit(),
            _ => plain,
        }
    };
    let n = desc.elements();
    let data = match desc.dtype {
        DType::F32 => Data::F32((0..n).map(|_| value() as f32).collect()),
        DType::F16 => Data::F16((0..n).map(|_| f16::from_f64(value())).collect()),
        DType::U8 => Data::U8((0..n).map(|_| rng.next_u64() as u8).collect()),
        DType::I8 => Data::I8((0..n).map(|_| rng.next_u64() as i8).collect()),
        DType::I32 => Data::I32((0..n).map(|_| rng.next_u64() as i32).collect()),
    };
    Tensor { shape: desc.shape.clone(), data }
}
