//! Sliding and global windows.

use wgpool::reference::evaluate;
use wgpool::{DType, GlobalPool, IndexNumbering, Layout, Op, Padding, Pool, PoolKind, Problem, Tensor, host};

use crate::cases::{Random, VALUES, Values, agrees, floats, layout, longest, padding, shape, tensor};

pub fn random_pool(random: &mut Random, kind: PoolKind, rank: usize, widest: usize) -> Pool {
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

pub const NUMBERINGS: [IndexNumbering; 3] =
    [IndexNumbering::PerPlane, IndexNumbering::WholeRowMajor, IndexNumbering::WholeColumnMajor];

pub const AVERAGES: [PoolKind; 3] = [
    PoolKind::Average { count_include_pad: false, divisor: None },
    PoolKind::Average { count_include_pad: true, divisor: None },
    PoolKind::Average { count_include_pad: false, divisor: Some(7) },
];

#[test]
fn maxima() {
    pools(1, &[PoolKind::Max], Op::from(Pool::max(1)).types(), &VALUES, false);
}

#[test]
fn maxima_with_indices() {
    pools(2, &[PoolKind::Max], Op::from(Pool::max(1)).types(), &VALUES, true);
}

#[test]
fn averages() {
    pools(3, &AVERAGES, floats(), &[Values::Mixed, Values::Positive, Values::Special], false);
}

#[test]
fn lp_norms() {
    let kinds = [1.0, 2.0, 3.0, 2.5].map(|p| PoolKind::Lp { p });
    pools(4, &kinds, floats(), &[Values::Mixed, Values::Positive, Values::Special], false);
}

/// Without cancellation: the reference has no bound for sums of both signs whose root is negative.
#[test]
fn lp_norms_of_pytorch() {
    let kinds = [1.0, 2.0, 3.0, 2.5].map(|p| PoolKind::LpTorch { p });
    pools(15, &kinds, floats(), &[Values::Positive], false);
    pools(16, &[PoolKind::LpTorch { p: 2.0 }], floats(), &[Values::Mixed, Values::Special], false);
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
        let dtype = random.pick(floats());
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
