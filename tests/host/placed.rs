//! Windows whose places are computed or given: adaptive, fractional, and what was pooled put back.

use wgpool::{
    AdaptivePool, DType, Data, FractionalMaxPool, IndexNumbering, Layout, MaxUnpool, Op, Pool, PoolKind,
    Tensor,
};

use crate::cases::{Random, VALUES, agrees, floats, layout, longest, shape, tensor};
use crate::pool::{AVERAGES, NUMBERINGS};

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
        let dtype = if kind == PoolKind::Max {
            random.pick(Op::from(Pool::max(1)).types())
        } else {
            random.pick(floats())
        };
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
        let dtype = random.pick(Op::from(Pool::max(1)).types());
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
