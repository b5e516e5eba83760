//! Pooling and depthwise convolution in patches, which hardware runs, on whatever adapter there is.

mod few_channels;
mod mutants;
mod ways;

use wgpool::kernel::{Across, KernelKey, PoolPlane};
use wgpool::{Caps, Conv, Padding, Plan, Pool, Tensor, TensorDesc};
use wgpool_testing::bench::cases;
use wgpool_testing::support::{check_gpu, describe, engine, forced};
use wgpool_testing::verify::random::{Case, Rng};

/// The kernels of a plan without their types, in words: what, taps, rows and columns of a patch.
fn kernels(plan: &Plan) -> Vec<String> {
    let words = |key: &KernelKey| match (key, ways::patch(key)) {
        (_, Some(patch)) => {
            let [h, w] = patch.taps;
            let what = if matches!(key, KernelKey::PoolPatch(_)) { "pool" } else { "depthwise" };
            format!("{what} {h}x{w}, {} rows of {:?}", patch.tall, patch.across)
        }
        (KernelKey::ConvPatch(patch), _) => {
            format!("{} channels at {:?}, pooled: {}", 4 * patch.fours, patch.positions, patch.pool.is_some())
        }
        (KernelKey::PoolPlane(PoolPlane { share, .. }), _) => format!("planes shared by {share}"),
        (KernelKey::PackGemm(_), _) => "pack".to_owned(),
        _ => format!("{key}"),
    };
    plan.steps.iter().map(|step| words(&step.kernel)).collect()
}

#[test]
fn hardware_runs_the_benchmarks_in_patches() {
    let columns = |stride, phase| format!("2 rows of {:?}", Across::Columns { stride, phase });
    let expected = [
        ("P1", vec![format!("pool 2x2, {}", columns(2, 0))]),
        ("P2", vec![format!("pool 3x3, {}", columns(2, 3))]),
        ("P3", vec![format!("pool 2x2, {}", columns(2, 0))]),
        ("P4", vec![format!("pool 3x3, {}", columns(1, 3))]),
        ("P5", vec!["planes shared by 8".to_owned()]),
        ("P6", vec![format!("pool 1x13, {}", columns(1, 2)), format!("pool 13x1, {}", columns(1, 0))]),
        ("P7", vec!["pool 2x2, 4 rows of Column".to_owned()]),
        ("C7", vec!["pack".to_owned(), "12 channels at [4, 1], pooled: false".to_owned()]),
        ("F2", vec!["pack".to_owned(), "12 channels at [2, 2], pooled: true".to_owned()]),
        ("C5", vec![format!("depthwise 3x3, {}", columns(1, 3))]),
    ];
    for (name, kernels_of) in expected {
        let [case] = <[_; 1]>::try_from(cases::named(&[name.to_owned()]).unwrap()).unwrap();
        let plan = Plan::new(&case.op, &case.descs(), &Caps::default()).unwrap();
        assert_eq!(kernels(&plan), kernels_of, "{name}");
        let inputs = case.tensors().unwrap();
        check_gpu(&engine().with_gpu_kernels(), &Case { op: case.op, inputs })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn other_windows_keep_their_kernels() {
    let x = [TensorDesc::f32([1, 8, 16, 16])];
    let first = |pool: Pool, caps: &Caps| Plan::new(&pool.into(), &x, caps).unwrap().steps[0].kernel;
    let is_patch = |key: KernelKey| ways::patch(&key).is_some();
    let hardware = Caps::default();
    let mut software = hardware.clone();
    software.software = true;
    for (pool, caps) in
        [(Pool::max([3]), &hardware), (Pool::max([3]), &software), (Pool::max([3]).dilation([2]), &hardware)]
    {
        assert!(is_patch(first(pool.clone(), caps)), "{pool:?}");
    }
    for pool in [
        Pool::average([3]).dilation([2]),
        Pool::max([8]),
        Pool::max([3]).indices(wgpool::IndexNumbering::PerPlane),
    ] {
        assert!(!is_patch(first(pool.clone(), &hardware)), "{pool:?}");
    }
}

#[test]
fn every_way_through_the_kernels() {
    let mut rng = Rng::new(0x9a7c);
    let mut failures = Vec::new();
    for way in ways::ways(engine().caps().f16) {
        let engine = forced(engine(), ways::kernel(way));
        for _ in 0..6 {
            let case = ways::case(&mut rng, engine.caps(), way);
            if let Err(reason) = check_gpu(&engine, &case) {
                failures.push(format!("{way:?}: {}\n    {reason}", describe(&case)));
            }
        }
    }
    let total = failures.len();
    failures.truncate(5);
    assert!(failures.is_empty(), "{total} failed, such as\n{}", failures.join("\n"));
}

/// Values that differ from their neighbours'.
fn values(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::from_f32(shape, (0..n).map(|i| ((i * 37 + i / 11) % 201) as f32 / 100.0 - 1.0).collect()).unwrap()
}

#[test]
fn batches_in_parts_and_narrow_offsets() {
    let hardware = engine().with_gpu_kernels();
    let pool = || -> wgpool::Op { Pool::max([3]).stride([1]).padding(Padding::symmetric([1])).into() };
    let depthwise = Conv::new().padding(Padding::symmetric([1])).groups(8).into();
    let nhwc = Pool::average([2]).layout(wgpool::Layout::Nhwc).into();
    let of = |op, shapes: &[&[usize]]| Case { op, inputs: shapes.iter().map(|s| values(s)).collect() };
    let cases = [
        of(pool(), &[&[6, 8, 16, 16]]),
        of(depthwise, &[&[6, 8, 16, 16], &[8, 1, 3, 3], &[8]]),
        of(nhwc, &[&[6, 16, 16, 8]]),
    ];
    for case in &cases {
        let descs: Vec<TensorDesc> = case.inputs.iter().map(Tensor::desc).collect();
        let mut caps = hardware.caps().clone();
        let fours = |caps: &Caps| -> Vec<bool> {
            let plan = Plan::new(&case.op, &descs, caps).unwrap();
            plan.steps.iter().map(|s| ways::patch(&s.kernel).expect("a patch").across.fours()).collect()
        };
        assert_eq!(fours(&caps), [true], "{}", describe(case));
        caps.max_binding = descs[0].buffer_size() / 2;
        assert!(fours(&caps).len() > 1, "{}", describe(case));
        check_gpu(&hardware.with_caps(caps), case).unwrap_or_else(|e| panic!("{}: {e}", describe(case)));
        // Where tensors may begin at any word, there are no whole vectors.
        caps = hardware.caps().clone();
        caps.offset_alignment = 4;
        assert_eq!(fours(&caps), [false], "{}", describe(case));
        check_gpu(&hardware.with_caps(caps), case).unwrap_or_else(|e| panic!("{}: {e}", describe(case)));
    }
}

/// Where they meet padding the reference accepts NaN as well; everywhere else they are factors like any other.
#[test]
fn weights_that_are_not_finite_are_factors_like_any_other() {
    let hardware = engine().with_gpu_kernels();
    for width in [8, 7] {
        for special in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let conv = Conv::new().padding(Padding::symmetric([1])).groups(2);
            let mut weights = values(&[2, 1, 3, 3]).as_f32().unwrap().to_vec();
            weights[0] = special;
            weights[9 + 5] = special;
            let inputs = vec![values(&[1, 2, 6, width]), Tensor::from_f32(&[2, 1, 3, 3], weights).unwrap()];
            let case = Case { op: conv.into(), inputs };
            check_gpu(&hardware, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        }
    }
}
