//! Values at the ends of what numbers can say: zeros of both signs, powers beyond the range of floats, more windows than 16
//! bits count. On every path; wrong kernels are noticed.

use wgpool_testing::support;

use wgpool::{
    AdaptivePool, DType, Data, Engine, GlobalPool, Layout, Op, Padding, Pool, PoolKind, Tensor, host,
    reference,
};
use wgpool_testing::support::{Mutant, assert_noticed, check_gpu, describe, engine, is_wrong, mutant};
use wgpool_testing::verify::random::Case;

/// Zeros of both signs among numbers below; most windows' maxima are zeros.
fn zeros(shape: &[usize], dtype: DType) -> Tensor {
    let n = shape.iter().product::<usize>();
    let values = [0.0, -0.0, -1.0, -0.0, -2.0, -1.0, 0.0, -3.0, -1.0];
    let values = (0..n).map(|i| values[(i * 7919) % 1_009 % 9]);
    Tensor::new(shape, Data::nearest(dtype, values).unwrap()).unwrap()
}

fn case(op: impl Into<Op>, shape: &[usize], dtype: DType) -> Case {
    Case { op: op.into(), inputs: vec![zeros(shape, dtype)] }
}

/// Maxima that kernels of every kind compute: windows in loops, unrolled, side by side and sharing columns, whole planes, two
/// passes; channels first and last.
fn maxima(dtype: DType) -> Vec<Case> {
    let same = |side: usize| Pool::max([side]).stride([1]).padding(Padding::SameUpper);
    let nhwc = |pool: Pool| pool.layout(Layout::Nhwc);
    let global = |layout| GlobalPool { layout, ..GlobalPool::max() };
    vec![
        case(Pool::max([2, 2]), &[2, 3, 8, 16], dtype),
        case(Pool::max([2, 2]), &[2, 3, 7, 9], dtype),
        case(nhwc(Pool::max([2, 2])), &[2, 6, 7, 5], dtype),
        case(same(3), &[1, 3, 9, 16], dtype),
        case(same(3).stride([2]), &[1, 3, 9, 16], dtype),
        case(nhwc(same(3)), &[1, 6, 7, 8], dtype),
        case(same(7), &[1, 2, 11, 12], dtype),
        case(same(13), &[1, 2, 20, 20], dtype),
        case(Pool::max([4, 5]).stride([2, 3]).dilation([2, 1]), &[1, 2, 15, 17], dtype),
        case(Pool::max([2, 3, 2]), &[1, 2, 5, 7, 6], dtype),
        case(global(Layout::Nchw), &[3, 5, 6, 7], dtype),
        case(global(Layout::Nhwc), &[2, 20, 17, 5], dtype),
        case(AdaptivePool { kind: PoolKind::Max, ..AdaptivePool::max([3, 4]) }, &[1, 2, 7, 9], dtype),
    ]
}

/// The kernels of older software adapters and of recent ones, one of which the device's are, and those of GPUs.
fn engines() -> Vec<Engine> {
    let [older, recent] = [false, true].map(|fast| {
        let mut caps = engine().caps().clone();
        caps.fast_storage_loads = fast;
        engine().with_caps(caps)
    });
    vec![older, engine().with_gpu_kernels(), recent]
}

#[test]
fn the_first_of_equal_maxima_stays_bit_for_bit() {
    for dtype in DType::ALL.iter().copied().filter(|dtype| dtype.is_float()) {
        for case in maxima(dtype) {
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            support::judge(&case.op, &inputs, &host::run(&case.op, &inputs).unwrap())
                .unwrap_or_else(|e| panic!("host, {}: {e}", describe(&case)));
            let engines = engines().into_iter().filter(|e| dtype != DType::F16 || e.caps().f16);
            for engine in engines {
                check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            }
        }
    }
}

#[test]
fn a_zero_of_the_other_sign_is_no_first_zero() {
    let x = Tensor::from_f32(&[1, 1, 1, 2], vec![-0.0, 0.0]).unwrap();
    let op = Op::from(Pool::max([1, 2]));
    let [y] = <[Tensor; 1]>::try_from(reference::run(&op, &[&x]).unwrap()).unwrap();
    assert!(y.as_f32().unwrap()[0].is_sign_negative());
    assert!(support::judge(&op, &[&x], &[y]).is_ok());
    let plus = Tensor::from_f32(&[1, 1, 1, 1], vec![0.0]).unwrap();
    assert!(support::judge(&op, &[&x], &[plus]).is_err());
}

const MUTANTS: &[Mutant<()>] = &[
    mutant!(
        "+0 whatever comes first",
        "select(bitcast<f32>(bits), largest.zero, largest.order == ZERO)",
        "bitcast<f32>(bits)"
    ),
    mutant!(
        "the last zero of loops",
        "for (var w = place.last - 1; w >= 0; w--)",
        "for (var w = 0; w < place.last; w++)"
    ),
    mutant!("patches forget -0", "above = min(above, key - MINUS_ZERO);", ""),
    mutant!(
        "the last zero of a patch",
        "y + r * params.dilation.x",
        "y + (rows - 1 - r) * params.dilation.x"
    ),
    mutant!("the last zero of a plane", "shared_first[own] = min(", "shared_first[own] = max("),
    mutant!("any zero of a plane", "if (is_zero(best)) {", "if (false) {"),
];

#[test]
fn a_wrong_zero_is_noticed() {
    let cases = maxima(DType::F32);
    for mutant in MUTANTS {
        let notices = |mutant: &Engine| cases.iter().any(|case| is_wrong(mutant, case));
        let mut engines = engines();
        // Which kernels an adapter runs is its own affair: one of the three runs those that are changed.
        let last = engines.pop().into_iter().collect::<Vec<_>>();
        let noticed = engines.iter().chain(&last).any(|e| notices(&e.with_edited_shaders(mutant.edit)));
        assert!(noticed, "{}: not noticed", mutant.name);
    }
}

fn lp(p: f32) -> PoolKind {
    PoolKind::Lp { p }
}

/// Norms whose powers leave the range of 64-bit floats, by hand: `(sum |x|^p)^(1/p)`.
#[test]
fn powers_of_norms_leave_the_range_of_no_path() {
    let root_of_4 = |p: f64| 4f64.powf(1.0 / p);
    for (p, x, expected) in [
        (100.0, [3e3, 3e3, 3e3, 3e3], 3e3 * root_of_4(100.0)),
        (20.0, [1e-17, 1e-17, -1e-17, 1e-17], 1e-17 * root_of_4(20.0)),
        (200.0, [1e38, -1e38, 1e38, 1e38], 1e38 * root_of_4(200.0)),
        (7.0, [1e-37, 1e-37, 1e-37, 1e-37], 1e-37 * root_of_4(7.0)),
        (150.0, [0.0; 4], 0.0),
        (150.0, [f32::NEG_INFINITY, 1.0, 2.0, 3.0], f64::INFINITY),
    ] {
        let x = Tensor::from_f32(&[1, 1, 2, 2], x.to_vec()).unwrap();
        for op in [
            Op::from(Pool { kind: lp(p), ..Pool::max([2, 2]) }),
            GlobalPool { kind: lp(p), ..GlobalPool::max() }.into(),
            Pool { kind: PoolKind::LpTorch { p }, ..Pool::max([2, 2]) }.into(),
        ] {
            // An odd power of a negative number is negative.
            if matches!(&op, Op::Pool(pool) if pool.kind == PoolKind::LpTorch { p }) && p == 7.0 {
                continue;
            }
            let device = engine().run(&op, &[&x]).unwrap();
            let host = host::run(&op, &[&x]).unwrap();
            let reference = reference::run(&op, &[&x]).unwrap();
            for (path, y) in [("reference", reference), ("host", host), ("device", device)] {
                let got = f64::from(y[0].as_f32().unwrap()[0]);
                let near = got == expected || (got - expected).abs() <= 4e-6 * expected;
                assert!(near, "{path}, {op:?} of {:?}: {got}, not {expected}", x.as_f32());
            }
        }
    }
}

#[test]
fn there_may_be_more_adaptive_windows_than_16_bits_count() {
    let x = |n: usize| {
        let values = (0..2 * n).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        Tensor::from_f32(&[1, 2, n], values).unwrap()
    };
    for (input, output) in [(16, 65_535), (16, 65_536), (70_001, 65_537), (65_536, 70_003), (3, 100_000)] {
        for op in [AdaptivePool::average([output]), AdaptivePool::max([output])] {
            let case = Case { op: op.into(), inputs: vec![x(input)] };
            check_gpu(engine(), &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        }
    }
    let case = Case { op: AdaptivePool::average([70_003]).into(), inputs: vec![x(65_536)] };
    const MUTANTS: &[Mutant<()>] = &[
        mutant!(
            "a bit too few",
            "for (var bit = 31u; bit > 0u; bit--)",
            "for (var bit = 16u; bit > 0u; bit--)"
        ),
        mutant!("the product wraps", "if (all(max(a, c) <= vec3<u32>(65535u))) {", "if (true) {"),
        mutant!("windows end early", "vec3<u32>(part.rest != vec3<u32>())", "vec3<u32>()"),
    ];
    assert_noticed(engine(), MUTANTS, |mutant, _| is_wrong(mutant, &case));
}
