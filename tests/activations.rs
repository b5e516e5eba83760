//! Every activation over the whole range of each type of floats, and beside values that were computed without this library.

use half::{bf16, f16};
use wgpool::ActivationKind;
use wgpool::reference::{compare, evaluate};
use wgpool::{Activation, DType, Data, Op, Problem, Tensor, host};
use wgpool_testing::support::engine;

/// Activations of many digits; see `data/activations.py`.
const VALUES: &str = include_str!("data/activations.tsv");

/// Activations as PyTorch computes them; see `data/torch_activations.py`.
const TORCH: &str = include_str!("data/torch_activations.tsv");

/// The names of a table's columns but for the first, which holds arguments, and its rows.
fn table(text: &str) -> (Vec<&str>, Vec<Vec<f64>>) {
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names = lines.next().unwrap().skip(1).collect();
    (names, lines.map(|line| line.map(|field| field.parse().unwrap()).collect()).collect())
}

/// Compares all paths with the reference, or with the values that there should be, within the reference's bound; the
/// reference must be nearer by a factor.
fn check(activation: Activation, slope: f32, elements: impl Into<Data>, values: Option<(Vec<f64>, f64)>) {
    let elements = elements.into();
    let slope = Data::nearest(elements.dtype(), [f64::from(slope)]).unwrap();
    let [x, slope] = [elements, slope].map(|data| Tensor::new(&[data.len()], data).unwrap());
    let inputs = if activation == Activation::PRelu { vec![&x, &slope] } else { vec![&x] };
    let op = Op::from(activation);
    let descs: Vec<_> = inputs.iter().map(|input| input.desc()).collect();
    let problem = Problem::new(&op, &descs).unwrap();
    let mut exact = evaluate(&problem, &inputs).unwrap().remove(0);
    if let Some((values, factor)) = values {
        for ((&got, &value), &bound) in exact.values.iter().zip(&values).zip(&exact.bound) {
            let agrees = (got - value).abs() <= factor * bound + 1e-13 * value.abs();
            let same = got == value || got.is_nan() && value.is_nan();
            assert!(agrees || same, "reference, {activation:?}: {got:e}, not {value:e}");
        }
        exact.values = values;
    }
    let mut got = vec![("host", host::run(&op, &inputs))];
    if x.dtype() != DType::F16 || engine().caps().f16 {
        got.push(("GPU", engine().run(&op, &inputs)));
    }
    for (path, got) in got {
        let mismatch = compare(&exact, &got.unwrap()[0]).unwrap();
        if let Some(mismatch) = mismatch {
            let at = x.data().get(mismatch.at).unwrap();
            panic!("{path}, {activation:?} of {at:e}, {}, slope {slope:?}: {mismatch}", x.dtype());
        }
    }
}

#[test]
fn values_are_those_of_the_definitions() {
    let (names, rows) = table(VALUES);
    for kind in ActivationKind::ALL {
        assert!(names.contains(&kind.name()), "data/activations.py has no {}", kind.name());
    }
    for (column, name) in names.iter().enumerate() {
        let (arguments, values): (Vec<f32>, _) =
            rows.iter().map(|row| (row[0] as f32, row[column + 1])).unzip();
        // The bound is one of 32 bits.
        check(name.parse().unwrap(), 0.25, arguments, Some((values, 1e-6)));
    }
}

/// A column of PReLU's has its slope behind the name. PyTorch's softplus is the identity beyond 20, and our slope of hard
/// sigmoid has 32 bits.
#[test]
fn values_are_those_of_pytorch() {
    let (names, rows) = table(TORCH);
    for (column, name) in names.iter().enumerate() {
        let (name, slope) = name.split_once(' ').unwrap_or((name, "0"));
        let (arguments, values): (Vec<f32>, _) =
            rows.iter().map(|row| (row[0] as f32, row[column + 1])).unzip();
        check(name.parse().unwrap(), slope.parse().unwrap(), arguments, Some((values, 1.0)));
    }
}

#[test]
fn the_whole_range_is_within_the_bound() {
    // What subnormal arguments are multiplied to depends on whether a device has them.
    let range = (0..=u32::MAX).step_by(16_381).map(f32::from_bits).filter(|x| !x.is_subnormal());
    let ends = [0.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NAN].into_iter().flat_map(|x| [x, -x]);
    let near = (-100_000..100_000).map(|i| i as f32 * 1.1e-4);
    let elements: Vec<f32> = ends.chain(range).chain(near).collect();
    // Of 16 bits, all that there are.
    let half = |of: fn(u16) -> f64, dtype| {
        let smallest = if dtype == DType::F16 { 1.0 / 16384.0 } else { f64::from(f32::MIN_POSITIVE) };
        let all = (0..=u16::MAX).map(of).filter(|x| *x == 0.0 || x.abs() >= smallest || x.is_nan());
        Data::nearest(dtype, all).unwrap()
    };
    let halves = [
        half(|bits| f16::from_bits(bits).into(), DType::F16),
        half(|bits| bf16::from_bits(bits).into(), DType::BF16),
    ];
    for kind in ActivationKind::ALL {
        let given =
            [[0.3, 0.6], [-1.7, 0.2], [0.0, 0.0], [40.0, -3.0]].map(|parameters| kind.with(parameters));
        let others = if kind.parameters().is_empty() { &[] } else { &given[..] };
        for &activation in [kind.into()].iter().chain(others) {
            for elements in halves.iter().chain([&Data::from(elements.clone())]) {
                check(activation, -1.7, elements.clone(), None);
            }
        }
    }
}

#[test]
fn parameters_that_are_no_numbers_are_refused() {
    let x = Tensor::from_f32(&[1], vec![1.0]).unwrap();
    for kind in ActivationKind::ALL {
        for (i, (name, _)) in kind.parameters().iter().enumerate() {
            for wrong in [f32::NAN, f32::INFINITY] {
                let mut parameters = [0.5; 2];
                parameters[i] = wrong;
                let error = host::run(&kind.with(parameters).into(), &[&x]).unwrap_err().to_string();
                assert!(error.contains(name) && error.contains("finite"), "{error}");
            }
        }
    }
}
