//! What the reference accepts: a sample as the whole, and NaN where an infinite weight meets padding.

use wgpool::{Accuracy, Conv, ConvPool, Op, Padding, Pool, Problem, Tensor, reference};

/// What is wrong with `got` as the output of `op`, with the weights of a 3x3 window and ones as input.
fn is_right(op: &Op, weights: [f32; 9], got: &[f32]) -> bool {
    let x = Tensor::from_f32(&[1, 1, 4, 4], vec![1.0; 16]).unwrap();
    let w = Tensor::from_f32(&[1, 1, 3, 3], weights.to_vec()).unwrap();
    let problem = Problem::new(op, &[x.desc(), w.desc()]).unwrap();
    let exact = &reference::evaluate(&problem, &[&x, &w]).unwrap()[0];
    let got = Tensor::from_f32(&exact.desc.shape, got.to_vec()).unwrap();
    let whole = reference::compare(exact, &got).unwrap().is_none();
    let sample = reference::compare_sample(&problem, &[&x, &w], &got, 500, 1).unwrap();
    assert_eq!(whole, sample == Some(None), "a sample is judged as the whole");
    whole
}

/// Infinite weights in the upper left corner of the window: it lies in the padding above and on the left.
#[test]
fn nan_is_accepted_where_a_weight_that_is_not_finite_meets_padding_and_nowhere_else() {
    let mut weights = [1.0; 9];
    weights[0] = f32::INFINITY;
    let conv = Conv::new().padding(Padding::symmetric([1]));
    let i = f32::INFINITY;
    let inside = [4., 6., 6., 4., 6., i, i, i, 6., i, i, i, 4., i, i, i];
    let by_zeros = inside.map(|v: f32| if v.is_finite() { f32::NAN } else { v });
    let op = Op::from(conv.clone());
    assert!(is_right(&op, weights, &inside) && is_right(&op, weights, &by_zeros));
    assert!(!is_right(&op, weights, &[f32::NAN; 16]), "not where no padding is met");
    let wrong = inside.map(|v: f32| if v == 4.0 { 5.0 } else { v });
    assert!(!is_right(&op, weights, &wrong), "no other value");
    let finite = [4., 6., 6., 4., 6., 9., 9., 6., 6., 9., 9., 6., 4., 6., 6., 4.];
    assert!(is_right(&op, [1.0; 9], &finite));
    assert!(!is_right(&op, [1.0; 9], &[f32::NAN; 16]), "not where all weights are finite");
}

#[test]
fn such_nan_goes_through_pooling() {
    let mut weights = [1.0; 9];
    weights[0] = f32::INFINITY;
    let conv = Conv::new().padding(Padding::symmetric([1]));
    let op = Op::from(ConvPool { conv, pool: Pool::max([2]) });
    let i = f32::INFINITY;
    assert!(is_right(&op, weights, &[i; 4]) && is_right(&op, weights, &[f32::NAN, f32::NAN, f32::NAN, i]));
    assert!(!is_right(&op, weights, &[i, i, i, f32::NAN]), "the last window has none");
}

/// A sample states the bounds of the whole.
#[test]
fn one_element_has_the_bound_that_it_has_among_all() {
    let tensor = |shape: &[usize], scale: usize| {
        let n = shape.iter().product::<usize>();
        Tensor::from_f32(shape, (0..n).map(|i| ((i * scale) % 23) as f32 - 11.0).collect())
    };
    let (x, w) = (tensor(&[2, 4, 7, 9], 7).unwrap(), tensor(&[6, 2, 3, 3], 5).unwrap());
    let conv = Conv::new().groups(2).padding(Padding::symmetric([1])).accuracy(Accuracy::Tile);
    for op in [conv.clone().into(), ConvPool { conv, pool: Pool::max([2]) }.into()] {
        let problem = Problem::new(&op, &[x.desc(), w.desc()]).unwrap();
        let exact = &reference::evaluate(&problem, &[&x, &w]).unwrap()[0];
        let moved = |by: f64| {
            let values = exact.values.iter().zip(&exact.bound).map(|(v, b)| (v + by * b) as f32);
            Tensor::from_f32(&exact.desc.shape, values.collect()).unwrap()
        };
        let sample = |by| reference::compare_sample(&problem, &[&x, &w], &moved(by), 500, 1).unwrap();
        assert_eq!(sample(0.99), Some(None));
        assert!(matches!(sample(1.01), Some(Some(m)) if m.count > 400));
    }
}
