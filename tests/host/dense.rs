//! Dense layers.

use wgpool::{DType, Dense, DenseLayout, Op, Tensor};

use crate::cases::{Random, VALUES, Values, activations, agrees, floats, tensor};

#[test]
fn dense_layers() {
    let mut random = Random::new(13);
    for case in 0..200 {
        let kernel_layout = random.pick(&[DenseLayout::InOut, DenseLayout::OutIn]);
        let (features, units) = (random.within(1, 300), random.pick(&[1, 2, 3, 4, 10, 65, 130]));
        let rows = random.pick(&[0, 1, 2, 3, 4, 20]);
        let shape = if case % 4 == 0 { vec![2, rows, features] } else { vec![rows, features] };
        let values = VALUES[case % 4];
        let dtype = if case % 5 == 0 { random.pick(floats()) } else { DType::F32 };
        let x = tensor(&mut random, &shape, values, dtype);
        let w_shape = match kernel_layout {
            DenseLayout::InOut => [features, units],
            DenseLayout::OutIn => [units, features],
        };
        let w = tensor(&mut random, &w_shape, Values::Positive, dtype);
        let b = tensor(&mut random, &[units], Values::Mixed, dtype);
        let op = Op::from(Dense::new().activation(random.pick(&activations())).kernel_layout(kernel_layout));
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
