//! `Accuracy::Chain`: chains are within its bound in any order, and what is wrong is outside.

use wgpool::{Accuracy, Conv, ConvPool, DType, Op, Padding, Plan, Pool, Problem, Tensor, host, reference};
use wgpool_testing::support::{at_each_simd, engine};
use wgpool_testing::verify::random::Rng;

fn conv(accuracy: Accuracy) -> Conv {
    Conv::new().accuracy(accuracy)
}

/// Errors of a convolution of one pixel by one window, in bounds: of its output if that were `got`.
fn error(accuracy: Accuracy, x: &[f32], w: &[f32], got: f64) -> f64 {
    let [x, w] = [x, w].map(|data| Tensor::from_f32(&[1, data.len(), 1], data.to_vec()).unwrap());
    let problem = Problem::new(&conv(accuracy).into(), &[x.desc(), w.desc()]).unwrap();
    let exact = &reference::evaluate(&problem, &[&x, &w]).unwrap()[0];
    (got - exact.values[0]).abs() / exact.bound[0]
}

/// A chain of multiply-adds.
fn chain<'a>(terms: impl Iterator<Item = (&'a f32, &'a f32)>, fused: bool) -> f32 {
    terms.fold(0.0, |sum, (x, w)| if fused { x.mul_add(*w, sum) } else { sum + x * w })
}

/// The same in halves of halves.
fn in_halves(x: &[f32], w: &[f32]) -> f32 {
    match x.len() {
        1 => x[0] * w[0],
        len => in_halves(&x[..len / 2], &w[..len / 2]) + in_halves(&x[len / 2..], &w[len / 2..]),
    }
}

/// Numbers from 1/2 to 1, and every other negative if `signed`.
fn numbers(rng: &mut Rng, count: usize, signed: bool) -> Vec<f32> {
    let number = |i: usize, rng: &mut Rng| {
        let number = 0.5 + rng.between(0, 1 << 22) as f32 / (1 << 23) as f32;
        if signed && i % 2 == 1 { -number } else { number }
    };
    (0..count).map(|i| number(i, rng)).collect()
}

#[test]
fn chains_in_any_order_are_within_it() {
    let rng = &mut Rng::new(11);
    for count in [1, 2, 9, 100, 576, 2304, 20_000] {
        for signed in [false, true] {
            let (x, w) = (numbers(rng, count, signed), numbers(rng, count, false));
            for fused in [false, true] {
                let forwards = chain(x.iter().zip(&w), fused);
                let backwards = chain(x.iter().zip(&w).rev(), fused);
                for got in [forwards, backwards, in_halves(&x, &w)] {
                    let error = error(Accuracy::Chain, &x, &w, got.into());
                    assert!(error < 1.0, "{count} terms, signed {signed}, fused {fused}: {error}");
                }
            }
        }
    }
}

/// Each term is just below what changes a sum of 1: all are lost. So no bound that is much smaller would do, and that of
/// `Element` is smaller.
#[test]
fn it_is_as_large_as_it_must_be() {
    for count in [100, 1000, 10_000] {
        let mut x = vec![0.499 * f32::EPSILON; count];
        x[0] = 1.0;
        let w = vec![1.0; count];
        let got = f64::from(chain(x.iter().zip(&w), false));
        assert_eq!(got, 1.0);
        let error = |accuracy| error(accuracy, &x, &w, got);
        assert!((0.95..1.0).contains(&error(Accuracy::Chain)), "{count}: {}", error(Accuracy::Chain));
        assert!(error(Accuracy::Element) > 5.0, "{count}: {}", error(Accuracy::Element));
    }
}

#[test]
fn a_missing_term_and_sums_in_16_bits_are_outside_it() {
    let rng = &mut Rng::new(12);
    for count in [2, 9, 100, 576, 1152] {
        let (x, w) = (numbers(rng, count, true), numbers(rng, count, false));
        for at in 0..count {
            let term = |i: usize| if i == at { 0.0 } else { f64::from(x[i]) * f64::from(w[i]) };
            let error = error(Accuracy::Chain, &x, &w, (0..count).map(term).sum());
            assert!(error > 1.0, "{count} terms without number {at}: {error}");
        }
        // A term of the next channel, and one that is taken twice.
        let shifted: f64 = x.iter().zip(w.iter().cycle().skip(1)).map(|(x, w)| f64::from(x * w)).sum();
        let twice = f64::from(x[0] * w[0]) + f64::from(in_halves(&x, &w));
        for (what, got) in [("shifted", shifted), ("twice", twice)] {
            let error = error(Accuracy::Chain, &x, &w, got);
            assert!(error > 1.0, "{count} terms, {what}: {error}");
        }
    }
    for count in [9, 100, 576] {
        for dtype in [DType::F16, DType::BF16] {
            let rounded = |v: f32| wgpool::Data::nearest(dtype, [f64::from(v)]).unwrap().get(0).unwrap();
            let (x, w) = (numbers(rng, count, false), numbers(rng, count, false));
            let got = x.iter().zip(&w).fold(0.0, |sum, (x, w)| rounded((sum + f64::from(x * w)) as f32));
            let error = error(Accuracy::Chain, &x, &w, got);
            assert!(error > 1.0, "{count} terms in {dtype}: {error}");
        }
    }
}

/// The taps outside the input are no terms, and groups have theirs alone.
#[test]
fn terms_are_those_of_the_element() {
    let bounds = |accuracy, channels: usize| {
        let ones = |shape: &[usize]| Tensor::from_f32(shape, vec![1.0; shape.iter().product()]).unwrap();
        let (x, w) = (ones(&[1, 2 * channels, 5]), ones(&[2, channels, 3]));
        let op = conv(accuracy).groups(2).padding(Padding::symmetric([1])).into();
        let problem = Problem::new(&op, &[x.desc(), w.desc()]).unwrap();
        reference::evaluate(&problem, &[&x, &w]).unwrap().swap_remove(0).bound
    };
    for (at, bound) in bounds(Accuracy::Chain, 40).into_iter().enumerate() {
        let terms = if matches!(at % 5, 0 | 4) { 80.0 } else { 120.0 };
        let roundings = bound / (terms * 2f64.powi(-24));
        assert!((roundings - terms - 1.0).abs() < 0.1, "{at}: {roundings}");
    }
    // `Element` permits 16 roundings.
    assert_eq!(bounds(Accuracy::Chain, 4), bounds(Accuracy::Element, 4));
}

/// Host path and adapter, where sums are long.
#[test]
fn every_path_is_within_it() {
    let rng = &mut Rng::new(13);
    let mut tensor = |shape: &[usize]| {
        let count = shape.iter().product();
        Tensor::from_f32(shape, numbers(rng, count, true)).unwrap()
    };
    let pad = |accuracy| conv(accuracy).padding(Padding::symmetric([1]));
    let chain = pad(Accuracy::Chain);
    let pooled = ConvPool::new(chain.clone(), Pool::max([2, 2]));
    let ops: [(Op, &[usize], &[usize]); 4] = [
        (chain.clone().into(), &[1, 150, 9, 11], &[64, 150, 3, 3]),
        (chain.clone().into(), &[2, 300, 7, 6], &[14, 300, 3, 3]),
        (chain.layout(wgpool::Layout::Nhwc).into(), &[2, 9, 11, 300], &[40, 300, 3, 3]),
        (pooled.into(), &[1, 200, 10, 12], &[48, 200, 3, 3]),
    ];
    for (op, x, w) in ops {
        let (x, w) = (tensor(x), tensor(w));
        let problem = Problem::new(&op, &[x.desc(), w.desc()]).unwrap();
        let exact = &reference::evaluate(&problem, &[&x, &w]).unwrap()[0];
        let mut of_element = op.clone();
        match &mut of_element {
            Op::Conv(conv) => conv.accuracy = Accuracy::Element,
            Op::ConvPool(both) => both.conv.accuracy = Accuracy::Element,
            _ => unreachable!("a convolution"),
        }
        let element = Problem::new(&of_element, &[x.desc(), w.desc()]).unwrap();
        at_each_simd(|simd| {
            let got = host::compute(&problem, &[&x, &w]).unwrap();
            // The permission is used.
            let by_element = host::compute(&element, &[&x, &w]).unwrap();
            assert_ne!(got, by_element, "{op:?}, {simd:?}");
            assert_eq!(reference::compare(exact, &got[0]).unwrap(), None, "{op:?}, {simd:?}");
        });
        for engine in [engine(), &engine().with_gpu_kernels()] {
            let got = engine.run(&op, &[&x, &w]).unwrap();
            assert_eq!(reference::compare(exact, &got[0]).unwrap(), None, "{op:?}");
            let plan = Plan::of(problem.clone(), engine.caps()).unwrap();
            assert!(!plan.steps.iter().any(|step| step.kernel.to_string().contains("Winograd")), "{op:?}");
        }
    }
}
