//! Random cases, the same in every run, and how they are judged.

use wgpool::ActivationKind;
use wgpool::reference::{compare, evaluate};
use wgpool::{Activation, Conv, DType, Data, Layout, Op, Padding, Problem, Tensor, TensorDesc, host};
use wgpool_testing::support::at_each_simd;
use wgpool_testing::verify::random::{residual, slope};

/// A small random generator (xorshift), so that every run tests the same cases.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// A number of `from..=to`.
    pub fn within(&mut self, from: usize, to: usize) -> usize {
        from + (self.next() % (to - from + 1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.within(1, n) == 1
    }

    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.within(0, all.len() - 1)].clone()
    }

    pub fn many(&mut self, n: usize, from: usize, to: usize) -> Vec<usize> {
        (0..n).map(|_| self.within(from, to)).collect()
    }

    /// In -1..1.
    pub fn float(&mut self) -> f32 {
        (self.next() % (1 << 24)) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// What the elements of a tensor are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
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

pub const VALUES: [Values; 5] = [Values::Mixed, Values::Positive, Values::Ties, Values::Special, Values::Low];

pub fn tensor(random: &mut Random, shape: &[usize], values: Values, dtype: DType) -> Tensor {
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
        DType::U8 => Data::U8(elements.iter().map(|&x| (x * 5.0 + 4.0) as u8).collect()),
        DType::I8 => Data::I8(elements.iter().map(|&x| (x * 6.0) as i8).collect()),
        float => Data::nearest(float, elements.into_iter().map(f64::from)).unwrap(),
    };
    Tensor::new(shape, data).expect("as many elements as the shape says")
}

/// Whether the operation is legal for these inputs, with PReLU's slope if it takes one; if it is, the host path must agree
/// with the reference. Half of the convolutions take a residual too.
pub fn agrees(op: &Op, inputs: &[&Tensor]) -> bool {
    let own: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let slope = slope(op, &own, own[0].elements().is_multiple_of(4))
        .map(|desc| tensor(&mut Random::new(7), &desc.shape, Values::Mixed, desc.dtype));
    let own: Vec<TensorDesc> = own.into_iter().chain(slope.iter().map(Tensor::desc)).collect();
    let elements: usize = own.iter().map(TensorDesc::elements).sum();
    let mut op = op.clone();
    let residual = residual(&mut op, &own, elements / 2 % 2 == 1)
        .map(|desc| tensor(&mut Random::new(8), &desc.shape, Values::Mixed, desc.dtype));
    let op = &op;
    let inputs: &[&Tensor] = &inputs.iter().copied().chain(&slope).chain(&residual).collect::<Vec<_>>();
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let Ok(problem) = Problem::new(op, &descs) else {
        assert!(host::run(op, inputs).is_err(), "{op:?} of {descs:?} must be refused");
        return false;
    };
    let exact = evaluate(&problem, inputs).expect("reference");
    at_each_simd(|simd| {
        let got = host::run(op, inputs).expect("host path");
        assert_eq!(exact.len(), got.len());
        for (i, (exact, got)) in exact.iter().zip(&got).enumerate() {
            if let Some(mismatch) = compare(exact, got).expect("the same shapes") {
                panic!("{op:?} of {descs:?}, output {i}, {simd:?}: {mismatch}");
            }
        }
    });
    true
}

/// Whether `check` holds with few threads and with more than this machine has cores.
pub fn with_threads(check: impl Fn() -> bool + Sync) -> bool {
    [1, 2, 5, 16].into_iter().all(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&check)
    })
}

pub fn shape(layout: Layout, batch: usize, channels: usize, space: &[usize]) -> Vec<usize> {
    match layout {
        Layout::Nchw => [&[batch, channels], space].concat(),
        Layout::Nhwc => [&[batch], space, &[channels]].concat(),
    }
}

pub fn layout(random: &mut Random) -> Layout {
    random.pick(&[Layout::Nchw, Layout::Nhwc])
}

pub fn padding(random: &mut Random, rank: usize, most: usize) -> Padding {
    match random.within(0, 4) {
        0 => Padding::Valid,
        1 => Padding::SameUpper,
        2 => Padding::SameLower,
        _ => Padding::Explicit { before: random.many(rank, 0, most), after: random.many(rank, 0, most) },
    }
}

/// Longest axes for a rank: the reference is slow.
pub fn longest(rank: usize) -> usize {
    [60, 24, 9][rank - 1]
}

pub fn floats() -> &'static [DType] {
    Op::from(Conv::new()).types()
}

/// One of each, with parameters that are no framework's.
pub fn activations() -> Vec<Activation> {
    ActivationKind::ALL.iter().map(|kind| kind.with([0.3, 0.6])).collect()
}
