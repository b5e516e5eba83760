//! Activations and softmax.

use wgpool::{DType, Softmax, Tensor};

use crate::cases::{Random, VALUES, activations as all, agrees, tensor};

#[test]
fn activations() {
    let mut elements: Vec<f32> = (-20_000..20_000).map(|i| i as f32 / 1000.0).collect();
    for big in [30.0, 88.0, 89.0, 104.0, 1e3, 1e10, 1e20, f32::MAX, f32::INFINITY, 1e-20, 1e-40, 0.0] {
        elements.extend([big, -big]);
    }
    elements.push(f32::NAN);
    let x = Tensor::from_f32(&[elements.len()], elements).expect("tensor");
    let empty = Tensor::from_f32(&[2, 0], vec![]).expect("tensor");
    for activation in all() {
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
