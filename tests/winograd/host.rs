//! On the host path.

use crate::inputs::{conv, inputs, with};
use wgpool::{
    Activation, Backend, Conv, ConvPool, Layout, Op, Padding, Pool, Problem, Tensor, host, reference,
};
use wgpool_testing::support::{all_cases, at_each_simd};
use wgpool_testing::verify::random::Rng;

/// Whether the host path says that it takes `F(m x m, 3 x 3)`.
fn algorithm(op: &Op, inputs: &[Tensor]) -> Option<usize> {
    let descs: Vec<_> = inputs.iter().map(Tensor::desc).collect();
    let problem = Problem::new(op, &descs).unwrap();
    let why = host::Prepared::new(problem, inputs[1..].to_vec()).unwrap().explain().steps[0].why;
    [2, 4].into_iter().find(|m| why.contains(&format!("F({m}x{m}, 3x3)")))
}

/// Checks a run, and another with prepared weights, against the reference.
fn agrees(op: &Op, tensors: &[Tensor]) {
    let all: Vec<&Tensor> = tensors.iter().collect();
    let descs: Vec<_> = tensors.iter().map(Tensor::desc).collect();
    let problem = Problem::new(op, &descs).unwrap();
    let exact = reference::evaluate(&problem, &all).unwrap();
    at_each_simd(|simd| {
        let once = host::run(op, &all).unwrap();
        let prepared = host::Prepared::new(problem.clone(), tensors[1..].to_vec()).unwrap();
        for (name, got) in [("once", once), ("prepared", prepared.run(&[&tensors[0]]).unwrap())] {
            let mismatch = reference::compare(&exact[0], &got[0]).unwrap();
            assert_eq!(mismatch, None, "{name}, {simd:?}: {op:?} on {descs:?}");
        }
    });
}

fn pad(n: usize) -> Padding {
    Padding::symmetric([n])
}

#[test]
fn tiles_of_all_shapes_agree() {
    let rng = &mut Rng::new(1);
    let uneven = Padding::Explicit { before: vec![0, 3], after: vec![2, 0] };
    let cases: [(Conv, [usize; 4], usize, usize); 9] = [
        (conv().padding(pad(1)), [1, 64, 56, 56], 64, 4),
        (conv().padding(pad(1)).activation(Activation::Relu), [2, 70, 31, 33], 37, 4),
        (conv(), [1, 32, 66, 66], 40, 4),
        (conv().padding(uneven), [3, 40, 17, 45], 64, 4),
        (conv().padding(pad(5)), [1, 40, 30, 30], 50, 4),
        (conv().padding(pad(1)).activation(Activation::Gelu), [17, 48, 8, 8], 48, 4),
        (conv().padding(pad(1)).groups(2), [4, 80, 28, 28], 80, 4),
        (conv().padding(pad(1)), [1, 256, 7, 7], 256, 2),
        (conv().padding(pad(1)).groups(2), [1, 512, 8, 8], 512, 2),
    ];
    for (spec, x, o, m) in cases {
        let groups = spec.groups;
        let op = Op::from(spec);
        let mut tensors = inputs(rng, x, o);
        tensors[1] = crate::inputs::tensor(rng, &[o, x[1] / groups, 3, 3]);
        assert_eq!(algorithm(&op, &tensors), Some(m), "{op:?} {x:?}");
        agrees(&op, &tensors);
        agrees(&op, &tensors[..2]);
    }
}

#[test]
fn pooling_behind_it_agrees() {
    let rng = &mut Rng::new(2);
    let average = Pool::average([2]);
    let overlapping = Pool::max([3]).stride([2]).padding(pad(1));
    let pools = [Pool::max([2]), Pool::max([2]).ceil_mode(true), average, overlapping];
    for pool in pools {
        for side in [29, 32] {
            let spec = conv().padding(pad(1)).activation(Activation::LeakyRelu { alpha: 0.5 });
            let op = Op::from(ConvPool { conv: spec, pool: pool.clone() });
            let tensors = inputs(rng, [2, 64, side, side], 64);
            assert_eq!(algorithm(&op, &tensors), Some(4));
            agrees(&op, &tensors);
            let at: Vec<usize> = (0..40).map(|_| rng.between(0, 2 * 64 * side * side - 1)).collect();
            let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e37];
            let x = with(&tensors[0], &at, |i| special[i % 4]);
            agrees(&op, &[x, tensors[1].clone(), tensors[2].clone()]);
        }
    }
    let op = Op::from(ConvPool { conv: conv(), pool: Pool::max([2]) });
    let tensors = inputs(rng, [1, 256, 10, 10], 256);
    assert_eq!(algorithm(&op, &tensors), Some(2));
    agrees(&op, &tensors);
}

#[test]
fn what_is_not_finite_stays_in_its_windows() {
    let rng = &mut Rng::new(3);
    let shapes = [([1, 64, 40, 40], 64, 4, 1), ([1, 256, 7, 7], 256, 2, 1)];
    for (x, o, m, padding) in shapes {
        for (i, activation) in
            [Activation::None, Activation::Relu, Activation::Sigmoid].into_iter().enumerate()
        {
            let op = Op::from(conv().padding(pad(padding)).activation(activation));
            let tensors = inputs(rng, x, o);
            assert_eq!(algorithm(&op, &tensors), Some(m));
            let elements = x.iter().product::<usize>();
            // Infinite, NaN, and so large that sums of a few in the transform overflow: one of them with each activation,
            // another where tiles are of another size.
            let all = [[f32::NAN, f32::INFINITY], [f32::INFINITY, f32::NEG_INFINITY], [3e37, -3e37]];
            let chosen = if all_cases() { 0..3 } else { (i + m / 4) % 3..(i + m / 4) % 3 + 1 };
            for &values in &all[chosen] {
                let at: Vec<usize> = (0..30).map(|_| rng.between(0, elements - 1)).collect();
                let x = with(&tensors[0], &at, |i| values[i % 2]);
                agrees(&op, &[x, tensors[1].clone(), tensors[2].clone()]);
                let at = [5, 64 * 9 * 3 + 17];
                let w = with(&tensors[1], &at, |i| values[i]);
                agrees(&op, &[tensors[0].clone(), w.clone(), tensors[2].clone()]);
                let zero = with(&tensors[0], &(0..elements / 2).collect::<Vec<_>>(), |_| 0.0);
                agrees(&op, &[zero, w, tensors[2].clone()]);
                let bias = with(&tensors[2], &[1, 8], |i| values[i]);
                agrees(&op, &[tensors[0].clone(), tensors[1].clone(), bias]);
            }
        }
    }
}

#[test]
fn tiny_numbers_agree() {
    let rng = &mut Rng::new(4);
    let op = Op::from(conv().padding(pad(1)));
    let tensors = inputs(rng, [1, 64, 40, 40], 64);
    let scaled = |t: &Tensor, factor: f32| {
        Tensor::from_f32(t.shape(), t.as_f32().unwrap().iter().map(|v| v * factor).collect()).unwrap()
    };
    for [x, w] in [[1e-20, 1e-20], [1e30, 1e-37], [1e-38, 1e30], [1e-30, 1.0]] {
        agrees(&op, &[scaled(&tensors[0], x), scaled(&tensors[1], w)]);
    }
}

#[test]
fn it_is_not_taken_where_it_is_not_permitted() {
    let rng = &mut Rng::new(5);
    let tensors = inputs(rng, [1, 64, 56, 56], 64);
    let permitted = conv().padding(pad(1));
    assert_eq!(algorithm(&permitted.clone().into(), &tensors), Some(4));
    let descs: Vec<_> = tensors.iter().map(Tensor::desc).collect();
    let once = Backend::Host.explain(&permitted.clone().into(), &descs).unwrap();
    assert!(once.steps[0].why.contains("Winograd"), "{once}");
    let infinite = with(&tensors[1], &[0], |_| f32::INFINITY);
    assert_eq!(algorithm(&permitted.clone().into(), &[tensors[0].clone(), infinite]), None);
    let others = [
        Conv::new().padding(pad(1)),
        permitted.clone().stride([2]),
        permitted.clone().dilation([2]),
        permitted.layout(Layout::Nhwc),
    ];
    for spec in others {
        let nhwc = spec.layout == Layout::Nhwc;
        let mut tensors = tensors.clone();
        if nhwc {
            tensors[0] = crate::inputs::tensor(rng, &[1, 20, 20, 64]);
        }
        let op = Op::from(spec);
        assert_eq!(algorithm(&op, &tensors), None, "{op:?}");
        agrees(&op, &tensors);
    }
}
