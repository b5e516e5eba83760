//! Pooling on software adapters in pages and in patches, whichever is taken there, and patches where loads from storage are
//! fast. Against the reference, poisoned and guarded; wrong ones are noticed.

use wgpool::kernel::KernelKey;
use wgpool::{Conv, ConvPool, Engine, Layout, Op, Padding, Pool, Tensor};
use wgpool_testing::support::{
    Mutant, assert_noticed, check_gpu, describe, engine, forced, is_wrong, mutant, plan,
};
use wgpool_testing::verify::random::Case;

/// The adapter, if its kernels read pages.
fn paged() -> Option<&'static Engine> {
    let engine = engine();
    if !engine.caps().paged {
        println!("{} runs no kernel that reads pages", engine.adapter_name());
        return None;
    }
    Some(engine)
}

/// The same as if loads from storage were fast, however small the work.
fn recent() -> Option<Engine> {
    let mut caps = paged()?.caps().clone();
    (caps.fast_storage_loads, caps.min_macs_for_tiles) = (true, 0);
    Some(engine().with_caps(caps))
}

fn values(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values = (0..n).map(|i| ((i * 7919) % 100_003) as f32 / 50_000.0 - 1.0).collect();
    Tensor::from_f32(shape, values).unwrap()
}

fn case(pool: Pool, shape: &[usize]) -> Case {
    Case { op: pool.into(), inputs: vec![values(shape)] }
}

/// Windows of one page and of several, which share columns or do not, and lie partly in the padding.
fn cases() -> Vec<Case> {
    let padded = Pool::max([2, 2]).padding(Padding::symmetric([1]));
    let pad = || Padding::symmetric([1]);
    let shape = [2, 3, 11, 16];
    vec![
        case(Pool::max([2, 2]), &[1, 3, 112, 112]),
        case(Pool::max([2, 2]), &[2, 5, 26, 26]),
        case(Pool::max([2, 2]), &[1, 1, 4, 6]),
        case(Pool::max([2, 2]), &[3, 64, 40, 24]),
        case(Pool::average([2, 2]), &[1, 9, 64, 64]),
        case(padded, &[1, 7, 33, 35]),
        case(Pool::max([2, 2]).layout(Layout::Nhwc), &[1, 20, 30, 13]),
        case(Pool::max([3, 3]).stride([1]).padding(pad()), &shape),
        case(Pool::max([3, 3]).stride([2]).padding(pad()), &shape),
        case(Pool::max([2, 2]).stride([1]).padding(Padding::SameUpper), &shape),
        case(Pool::average([3, 3]).stride([1]).padding(pad()), &shape),
        case(Pool::average([3, 3]).stride([2]).padding(pad()), &shape),
    ]
}

fn kernels(engine: &Engine, case: &Case) -> Vec<KernelKey> {
    plan(case, engine).steps.iter().map(|step| step.kernel).collect()
}

fn is_patch(key: &KernelKey) -> bool {
    matches!(key, KernelKey::PoolPatch(_) | KernelKey::DepthwisePatch(_) | KernelKey::ConvPatch(_))
}

#[test]
fn pools_are_right_in_pages_and_in_patches() {
    let Some(engine) = paged() else { return };
    for case in cases() {
        for (kernel, patches) in [("pool/uniform", false), ("pool/patch", true)] {
            let forced = forced(engine, kernel);
            check_gpu(&forced, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            assert_eq!(kernels(&forced, &case).iter().any(is_patch), patches, "{}", describe(&case));
        }
        assert!(kernels(engine, &case).iter().any(is_patch), "{}", describe(&case));
    }
    // What is not unrolled.
    for pool in [Pool::average([3]).dilation([2]), Pool::max([2, 3, 2]), Pool::average([8])] {
        let shape = if pool.window.len() == 3 { vec![1, 2, 9, 12, 10] } else { vec![1, 2, 19, 22] };
        let case = case(pool, &shape);
        assert!(kernels(engine, &case).iter().all(|key| matches!(key, KernelKey::PoolPages(_))));
        check_gpu(engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

#[test]
fn small_windows_and_few_channels_are_computed_in_patches() {
    let Some(engine) = recent() else { return };
    let same = |side: usize| Pool::max([side]).stride([1]).padding(Padding::SameUpper);
    let shape = [2, 5, 12, 20];
    let images = || vec![values(&[2, 3, 20, 24]), values(&[10, 3, 3, 3])];
    let both = ConvPool { conv: Conv::new(), pool: Pool::max([2, 2]) };
    for (case, patches) in [
        (case(same(3), &shape), 1),
        (case(Pool::max([2, 2]).stride([1]), &[1, 2, 50, 37]), 1),
        // In two passes.
        (case(same(9), &shape), 2),
        (case(Pool::average([5, 4]).stride([2]), &shape), 1),
        (case(same(5).dilation([2]), &shape), 1),
        // Means of dilated windows are not unrolled.
        (case(Pool::average([3]).stride([1]).dilation([2]), &shape), 0),
        (depthwise(3, 1, 1), 1),
        (depthwise(5, 1, 1), 1),
        (depthwise(3, 2, 2), 1),
        (Case { op: Conv::new().into(), inputs: images() }, 1),
        (Case { op: both.into(), inputs: images() }, 1),
    ] {
        let found = kernels(&engine, &case).iter().filter(|key| is_patch(key)).count();
        assert_eq!(found, patches, "{}", describe(&case));
        check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

const MUTANTS: &[Mutant<()>] =
    &[mutant!("outputs behind the chunk", "if (place.local < chunk.count) {", "if (true) {")];

#[test]
fn wrong_chunks_are_noticed() {
    let Some(engine) = paged() else { return };
    let cases = cases();
    assert_noticed(&forced(engine, "pool/uniform"), MUTANTS, |mutant, _| {
        cases.iter().any(|case| is_wrong(mutant, case))
    });
}

const DILATED: &[Mutant<()>] = &[
    mutant!("rows without dilation", "params.dilation.x", "1"),
    mutant!("columns without dilation", "params.dilation.y", "1"),
];

#[test]
fn wrong_dilations_are_noticed() {
    let Some(engine) = recent() else { return };
    let pool = case(Pool::max([3]).stride([1]).dilation([2]), &[1, 2, 9, 12]);
    let cases = [pool, depthwise(3, 1, 2)];
    assert_noticed(&engine, DILATED, |mutant, _| cases.iter().all(|case| is_wrong(mutant, case)));
}

fn depthwise(side: usize, stride: usize, dilation: usize) -> Case {
    let padding = Padding::symmetric([side / 2 * dilation]);
    let op: Op = Conv::new().groups(6).stride([stride]).dilation([dilation]).padding(padding).into();
    Case { op, inputs: vec![values(&[2, 6, 12, 16]), values(&[6, 1, side, side])] }
}
