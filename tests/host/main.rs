//! The host path against the reference, within the bounds that the reference states.

mod cases;
mod conv;
mod conv_pool;
mod dense;
mod elementwise;
mod placed;
mod pool;
mod regions;
mod transposed;

use cases::{Random, agrees, shape};
use conv::kernel_shape;
use wgpool::{Conv, GlobalPool, KernelLayout, Layout, Pool, Problem, Tensor, host};

/// Equal terms are the worst case: the rounding errors of a chain of additions all point the same way.
#[test]
fn long_sums_of_equal_terms_stay_within_the_bound() {
    let mut random = Random::new(12);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            for channels in [30, 57, 128, 512] {
                for _ in 0..3 {
                    let (a, b) = (random.float().abs() + 0.1, random.float().abs() + 0.1);
                    let x_shape = shape(layout, 1, channels, &[5, 5]);
                    let x = Tensor::from_f32(&x_shape, vec![a; channels * 25]).expect("tensor");
                    let w_shape = kernel_shape(kernel_layout, 7, channels, &[3, 3]);
                    let w = Tensor::from_f32(&w_shape, vec![b; channels * 63]).expect("tensor");
                    let conv = Conv::new().layout(layout).kernel_layout(kernel_layout);
                    assert!(agrees(&conv.into(), &[&x, &w]));
                }
            }
        }
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[40, 40]), vec![0.1; 3200]).expect("tensor");
        let w = Tensor::from_f32(&[2, 1, 31, 31], vec![0.3; 2 * 961]).expect("tensor");
        assert!(agrees(&Conv::new().groups(2).layout(layout).into(), &[&x, &w]));
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[224, 224]), vec![0.1; 2 * 50_176]).expect("tensor");
        assert!(agrees(&GlobalPool::average().layout(layout).into(), &[&x]));
        for window in [[50, 50], [200, 3], [3, 200]] {
            for stride in [50, 200] {
                let pool = Pool::average(window).stride([stride]).layout(layout);
                assert!(agrees(&pool.into(), &[&x]));
            }
        }
        assert!(agrees(&Pool::average([90, 3]).stride([1, 40]).layout(layout).into(), &[&x]));
        assert!(agrees(&Pool::average([3, 90]).stride([40, 1]).layout(layout).into(), &[&x]));
        assert!(agrees(&Pool::average([60, 60]).stride([2, 2]).layout(layout).into(), &[&x]));
    }
}

#[test]
fn other_tensors_than_the_problem_s_are_refused() {
    let x = Tensor::from_f32(&[1, 1, 4], vec![0.0; 4]).expect("tensor");
    let other = Tensor::from_f32(&[1, 1, 5], vec![0.0; 5]).expect("tensor");
    let problem = Problem::new(&Pool::max([2]).into(), &[x.desc()]).expect("problem");
    assert!(host::compute(&problem, &[&other]).is_err());
    assert!(host::compute(&problem, &[]).is_err());
    assert!(host::compute(&problem, &[&x, &x]).is_err());
}
