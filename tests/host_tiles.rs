//! Convolutions large enough for several tiles, ranges of terms and threads: the host path against the reference.

use std::io::Write;

use wgpool::host::{self, Prepared, Simd};
use wgpool::reference::{compare, evaluate};
use wgpool::{Activation, Conv, ConvPool, Error, Op, Padding, Pool, Problem, Tensor};
use wgpool_testing::support::at_each_simd;

/// Values of both signs without a short period; with `special`, a few of them are not finite.
fn tensor(shape: &[usize], seed: u32, special: bool) -> Tensor {
    let mut state = seed;
    let elements = (0..shape.iter().product::<usize>())
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (special, i % 997) {
                (true, 400) => f32::NAN,
                (true, 500) => f32::INFINITY,
                (true, 900) => f32::NEG_INFINITY,
                _ => (state >> 8) as f32 / (1 << 23) as f32 - 1.0,
            }
        })
        .collect();
    Tensor::from_f32(shape, elements).expect("as many elements as the shape says")
}

/// Both `compute` and a prepared problem must agree with the reference.
fn agrees(op: impl Into<Op>, x: &[usize], w: &[usize], special: bool) {
    let op = op.into();
    let (x, w, b) = (tensor(x, 1, special), tensor(w, 2, false), tensor(&w[..1], 3, false));
    let problem = Problem::new(&op, &[x.desc(), w.desc(), b.desc()]).expect("a legal convolution");
    let exact = evaluate(&problem, &[&x, &w, &b]).expect("reference");
    at_each_simd(|simd| {
        let got = host::compute(&problem, &[&x, &w, &b]).expect("host path");
        if let Some(mismatch) = compare(&exact[0], &got[0]).expect("the same shapes") {
            panic!("{op:?} of {:?} and {:?}, {simd:?}: {mismatch}", x.shape(), w.shape());
        }
        let prepared =
            Prepared::new(problem.clone(), vec![w.clone(), b.clone()]).expect("weights of the problem");
        for _ in 0..2 {
            let again = prepared.run(&[&x]).expect("host path");
            assert!(
                compare(&exact[0], &again[0]).expect("the same shapes").is_none(),
                "{op:?} prepared, {simd:?}"
            );
        }
    });
}

fn conv() -> Conv {
    Conv::new().activation(Activation::Relu)
}

#[test]
fn planes_are_cut_into_tiles() {
    let pad = |n: usize| Padding::symmetric([n]);
    for special in [false, true] {
        agrees(conv(), &[1, 3, 131, 95], &[10, 3, 3, 3], special);
        agrees(conv().padding(pad(1)), &[1, 8, 70, 61], &[33, 8, 3, 3], special);
        agrees(conv().padding(pad(3)).stride([2]), &[2, 3, 97, 90], &[13, 3, 7, 7], special);
        agrees(
            conv().padding(pad(2)).stride([3, 2]).dilation([2, 1]),
            &[1, 4, 90, 77],
            &[7, 4, 3, 4],
            special,
        );
        agrees(conv().stride([1, 4]), &[3, 5, 40, 41], &[9, 5, 2, 1], special);
        agrees(conv().padding(Padding::SameUpper).groups(2), &[5, 12, 17, 10], &[16, 6, 5, 5], special);
        agrees(conv(), &[3, 40, 31, 29], &[20, 40, 1, 1], special);
    }
}

#[test]
fn one_and_three_axes_are_cut_into_tiles() {
    agrees(conv().padding(Padding::symmetric([4])), &[1, 6, 5003], &[11, 6, 9], false);
    agrees(conv().padding(Padding::symmetric([4])).stride([3]), &[2, 6, 5003], &[11, 6, 9], true);
    agrees(conv().padding(Padding::symmetric([1])), &[1, 4, 12, 15, 18], &[9, 4, 3, 3, 3], true);
    agrees(conv().stride([2]), &[1, 4, 13, 15, 19], &[9, 4, 3, 3, 3], false);
}

/// More terms than are summed at a time, and more than are summed in one chain of ranges.
#[test]
fn long_sums_are_summed_in_ranges() {
    for channels in [80, 150, 300, 460] {
        agrees(conv().padding(Padding::symmetric([1])), &[1, channels, 9, 11], &[14, channels, 3, 3], false);
    }
    agrees(conv().activation(Activation::Tanh), &[1, 3000, 6, 7], &[40, 3000, 1, 1], true);
}

/// Output channels that fill the lanes of registers, or nearly: images, groups, axes, strides, and sums of several ranges.
#[test]
fn output_channels_lie_in_lanes() {
    let pad = |n: usize| Padding::symmetric([n]);
    for special in [false, true] {
        agrees(conv().padding(pad(1)), &[1, 8, 31, 29], &[64, 8, 3, 3], special);
        agrees(conv().padding(pad(2)), &[5, 6, 9, 7], &[48, 6, 5, 5], special);
        agrees(conv().padding(pad(3)).stride([2]), &[2, 3, 45, 40], &[32, 3, 7, 7], special);
        agrees(
            conv().padding(pad(2)).dilation([2, 1]).stride([1, 3]),
            &[1, 5, 30, 27],
            &[60, 5, 3, 4],
            special,
        );
        agrees(conv().groups(3), &[2, 12, 11, 10], &[180, 4, 1, 2], special);
        agrees(conv(), &[3, 20, 13, 7], &[144, 20, 1, 1], special);
        agrees(conv().activation(Activation::Tanh), &[1, 4, 9, 19], &[16, 4, 2, 2], special);
        // What pixels read is gathered: with strides, of groups, in several ranges of terms.
        agrees(conv().stride([2]), &[1, 70, 15, 14], &[256, 70, 1, 1], special);
        agrees(conv().padding(pad(1)).groups(2), &[3, 18, 12, 9], &[400, 9, 1, 1], special);
    }
    agrees(conv().padding(pad(4)), &[1, 6, 503], &[29, 6, 9], false);
    agrees(conv().padding(pad(1)), &[1, 4, 6, 9, 8], &[31, 4, 3, 3, 3], true);
    agrees(conv().padding(pad(1)), &[1, 290, 7, 8], &[100, 290, 3, 3], false);
    agrees(conv(), &[1, 1500, 7, 7], &[208, 1500, 1, 1], false);
    agrees(ConvPool::new(conv().padding(pad(1)), Pool::max([2, 2])), &[1, 8, 70, 61], &[64, 8, 3, 3], true);
}

/// Rows shorter than registers, rows that end inside one, and rows of several.
#[test]
fn planes_of_any_width_are_computed() {
    let same = || conv().padding(Padding::SAME);
    for width in [1, 2, 3, 5, 7, 8, 9, 14, 15, 16, 17, 28, 33] {
        for special in [false, true] {
            agrees(same().groups(7), &[2, 7, 14, width], &[7, 1, 3, 3], special);
            agrees(same().groups(3).stride([2]), &[1, 3, 13, 2 * width], &[6, 1, 5, 5], special);
        }
        agrees(same().groups(2).stride([3, 1]), &[1, 2, 10, width], &[2, 1, 4, 2], false);
        agrees(same().groups(2).dilation([2, 3]), &[1, 2, 3, width], &[2, 1, 3, 3], false);
        agrees(conv().groups(2), &[1, 2, 9, width + 40], &[2, 1, 1, 41], false);
        agrees(same().groups(3), &[1, 3, width], &[3, 1, 9], false);
        agrees(same().groups(3), &[1, 3, 4, 5, width], &[3, 1, 2, 3, 3], true);
    }
}

/// Weights are packed for some registers, and may be read with others.
#[test]
fn weights_packed_for_other_registers() {
    let (x, w) = (tensor(&[1, 5, 12, 13], 1, false), tensor(&[96, 5, 3, 3], 2, false));
    let problem = Problem::new(&conv().into(), &[x.desc(), w.desc()]).expect("a legal convolution");
    let exact = evaluate(&problem, &[&x, &w]).expect("reference");
    at_each_simd(|packed| {
        let prepared = Prepared::new(problem.clone(), vec![w.clone()]).expect("weights of the problem");
        for read in [Simd::Baseline, Simd::Avx2, Simd::Avx512] {
            host::limit_simd(read);
            let got = prepared.run(&[&x]).expect("host path");
            assert_eq!(compare(&exact[0], &got[0]).expect("the same shapes"), None, "{packed:?}, {read:?}");
        }
        host::limit_simd(packed);
    });
}

#[test]
fn pooled_tiles_agree() {
    for special in [false, true] {
        for pool in [
            Pool::max([2]),
            Pool::max([3]).stride([2]).padding(Padding::symmetric([1])),
            Pool::average([3]).stride([1]).padding(Padding::symmetric([1])),
            Pool::max([5, 2]).stride([3, 1]),
        ] {
            let padded = conv().padding(Padding::symmetric([1]));
            agrees(ConvPool { conv: padded, pool: pool.clone() }, &[2, 5, 83, 70], &[12, 5, 3, 3], special);
            let grouped = conv().stride([2]).groups(2);
            agrees(ConvPool { conv: grouped, pool }, &[1, 6, 161, 90], &[10, 3, 3, 3], special);
        }
    }
}

#[test]
fn other_weights_than_the_problem_s_are_refused() {
    let (x, w) = (tensor(&[1, 3, 9, 9], 1, false), tensor(&[4, 3, 3, 3], 2, false));
    let problem = Problem::new(&Conv::new().into(), &[x.desc(), w.desc()]).expect("a legal convolution");
    assert!(matches!(Prepared::new(problem.clone(), vec![x.clone()]), Err(Error::Shape { .. })));
    let many = vec![w.clone(); 3];
    assert!(matches!(Prepared::new(problem.clone(), many), Err(Error::Arity { .. })));
    let prepared = Prepared::new(problem, vec![w.clone()]).expect("its weights");
    assert!(matches!(prepared.run(&[]), Err(Error::Arity { .. })));
    assert!(matches!(prepared.run(&[&w]), Err(Error::Shape { .. })));
}

/// What a run of the tests has not shown is said past the test harness, which keeps what tests print.
#[test]
fn registers_that_this_machine_lacks_are_named() {
    let mut tested = Vec::new();
    at_each_simd(|simd| tested.push(simd));
    assert!(tested.contains(&Simd::Baseline));
    for simd in [Simd::Avx2, Simd::Avx512].iter().filter(|simd| !tested.contains(simd)) {
        writeln!(std::io::stderr(), "not tested on this machine: the host path with {simd:?}").unwrap();
    }
}
