//! The bound: what it is, and that it fails for algorithms that are wrong.

use crate::inputs::{conv, tensor};
use wgpool::{Accuracy, Padding, Problem, Tensor, reference};
use wgpool_testing::verify::random::Rng;

/// Matrices of `F(m x m, 3 x 3)`, in 32-bit floats.
#[derive(Clone)]
struct Matrices {
    output: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
    input: Vec<Vec<f32>>,
}

fn f2() -> Matrices {
    Matrices {
        output: vec![vec![1., 1., 1., 0.], vec![0., 1., -1., -1.]],
        weights: vec![vec![1., 0., 0.], vec![0.5, 0.5, 0.5], vec![0.5, -0.5, 0.5], vec![0., 0., 1.]],
        input: vec![
            vec![1., 0., -1., 0.],
            vec![0., 1., 1., 0.],
            vec![0., -1., 1., 0.],
            vec![0., 1., 0., -1.],
        ],
    }
}

fn f4() -> Matrices {
    let (sixth, small, middle) = (1. / 6., 1. / 24., 1. / 12.);
    Matrices {
        output: vec![
            vec![1., 1., 1., 1., 1., 0.],
            vec![0., 1., -1., 2., -2., 0.],
            vec![0., 1., 1., 4., 4., 0.],
            vec![0., 1., -1., 8., -8., 1.],
        ],
        weights: vec![
            vec![0.25, 0., 0.],
            vec![-sixth, -sixth, -sixth],
            vec![-sixth, sixth, -sixth],
            vec![small, middle, sixth],
            vec![small, -middle, sixth],
            vec![0., 0., 1.],
        ],
        input: vec![
            vec![4., 0., -5., 0., 1., 0.],
            vec![0., -4., -4., 1., 1., 0.],
            vec![0., 4., -4., -1., 1., 0.],
            vec![0., -2., -1., 2., 1., 0.],
            vec![0., 2., -1., -2., 1., 0.],
            vec![0., 4., 0., -5., 0., 1.],
        ],
    }
}

/// `m d m^T` in 32-bit floats, in plain order.
fn both_sides(m: &[Vec<f32>], d: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let times = |a: &[Vec<f32>], row: &[f32]| -> Vec<f32> {
        (0..a[0].len()).map(|j| row.iter().zip(a).fold(0.0, |sum, (x, a)| sum + x * a[j])).collect()
    };
    let half: Vec<Vec<f32>> = m.iter().map(|row| times(d, row)).collect();
    let transposed: Vec<Vec<f32>> = (0..m[0].len()).map(|j| m.iter().map(|row| row[j]).collect()).collect();
    half.iter().map(|row| times(&transposed, row)).collect()
}

/// The convolution of one image with padding 1, tile by tile; `edge` inputs of a tile are missing at its end.
fn winograd(f: &Matrices, x: &Tensor, w: &Tensor, edge: usize) -> Vec<f32> {
    let (m, points) = (f.output.len(), f.input.len());
    let [_, channels, height, width] = *x.shape() else { panic!() };
    let outs = w.shape()[0];
    let (x, w) = (x.as_f32().unwrap(), w.as_f32().unwrap());
    let mut y = vec![0.0; outs * height * width];
    for o in 0..outs {
        for row in (0..height).step_by(m) {
            for column in (0..width).step_by(m) {
                let mut sums = vec![vec![0f32; points]; points];
                for c in 0..channels {
                    let at = |i: usize, j: usize| {
                        let inside = (1..=height).contains(&(row + i)) && (1..=width).contains(&(column + j));
                        let there = inside && i < points - edge;
                        if there { x[(c * height + row + i - 1) * width + column + j - 1] } else { 0.0 }
                    };
                    let d: Vec<Vec<f32>> =
                        (0..points).map(|i| (0..points).map(|j| at(i, j)).collect()).collect();
                    let g: Vec<Vec<f32>> =
                        (0..3).map(|i| w[(o * channels + c) * 9 + 3 * i..][..3].to_vec()).collect();
                    let (v, u) = (both_sides(&f.input, &d), both_sides(&f.weights, &g));
                    for p in 0..points {
                        for q in 0..points {
                            sums[p][q] += u[p][q] * v[p][q];
                        }
                    }
                }
                for (i, line) in both_sides(&f.output, &sums).iter().enumerate() {
                    for (j, &value) in line.iter().enumerate() {
                        if row + i < height && column + j < width {
                            y[(o * height + row + i) * width + column + j] = value;
                        }
                    }
                }
            }
        }
    }
    y
}

/// The worst error in bounds of the elements with that accuracy.
fn worst(accuracy: Accuracy, x: &Tensor, w: &Tensor, y: &[f32]) -> f64 {
    let op = conv().padding(Padding::symmetric([1])).accuracy(accuracy).into();
    let problem = Problem::new(&op, &[x.desc(), w.desc()]).unwrap();
    let exact = &reference::evaluate(&problem, &[x, w]).unwrap()[0];
    let errors = y.iter().zip(&exact.values).map(|(y, exact)| (f64::from(*y) - exact).abs());
    errors.zip(&exact.bound).map(|(error, bound)| error / bound).fold(0.0, f64::max)
}

fn case() -> [Tensor; 2] {
    let rng = &mut Rng::new(6);
    [tensor(rng, &[1, 20, 11, 14]), tensor(rng, &[3, 20, 3, 3])]
}

#[test]
fn right_algorithms_are_within_it() {
    let [x, w] = case();
    for f in [f2(), f4()] {
        let error = worst(Accuracy::Tile, &x, &w, &winograd(&f, &x, &w, 0));
        assert!(error < 1.0, "{error}");
    }
    // Inputs that the tile's other outputs alone read make errors that an element's own window does not explain.
    let mut values = x.as_f32().unwrap().to_vec();
    values.iter_mut().step_by(5).for_each(|v| *v *= 1e6);
    let rough = Tensor::from_f32(x.shape(), values).unwrap();
    let y = winograd(&f4(), &rough, &w, 0);
    assert!(worst(Accuracy::Tile, &rough, &w, &y) < 1.0);
    assert!(worst(Accuracy::Element, &rough, &w, &y) > 1.0);
}

#[test]
fn every_wrong_constant_is_outside_it() {
    let [x, w] = case();
    for f in [f2(), f4()] {
        for which in 0..3 {
            let side = |f: &Matrices| match which {
                0 => f.output.clone(),
                1 => f.weights.clone(),
                _ => f.input.clone(),
            };
            let rows = side(&f);
            for (i, row) in rows.iter().enumerate() {
                for (j, &factor) in row.iter().enumerate().filter(|&(_, &factor)| factor != 0.0) {
                    let mut wrong = f.clone();
                    let of = match which {
                        0 => &mut wrong.output,
                        1 => &mut wrong.weights,
                        _ => &mut wrong.input,
                    };
                    of[i][j] = 1.01 * factor;
                    let error = worst(Accuracy::Tile, &x, &w, &winograd(&wrong, &x, &w, 0));
                    assert!(error > 1.0, "matrix {which}, row {i}, column {j}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_missing_edge_is_outside_it() {
    let [x, w] = case();
    for f in [f2(), f4()] {
        assert!(worst(Accuracy::Tile, &x, &w, &winograd(&f, &x, &w, 1)) > 1.0);
    }
}
