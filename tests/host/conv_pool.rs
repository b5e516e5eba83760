//! Convolution with pooling behind it.

use wgpool::{Activation, Conv, ConvPool, DType, Layout, Padding, Pool, PoolKind, Tensor, host};

use crate::cases::{Random, Values, agrees, floats, layout, longest, shape, tensor};
use crate::conv::{kernel_shape, random_conv};
use crate::pool::{AVERAGES, random_pool};

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
        let (batch, dtype) = (random.within(0, 2), random.pick(floats()));
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
