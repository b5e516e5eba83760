//! What plans choose for llvmpipe of Mesa 25 alone, on any adapter whose kernels read pages: runs of outputs, and patches
//! instead of pages. Against the reference, poisoned and guarded, beside what they choose for older ones; wrong runs are
//! noticed.

mod support;

use support::{Mutant, assert_noticed, check_gpu, describe, descs, engine, is_wrong, mutant};
use wgpool::kernel::KernelKey;
use wgpool::verify::random::Case;
use wgpool::{Conv, Engine, Layout, Op, Padding, Pool, Tensor};

/// The adapter as if it were that driver, or an older one; none where no kernel reads pages.
fn paged(recent: bool) -> Option<Engine> {
    let mut caps = *engine().caps();
    if !caps.paged {
        println!("{} runs no kernel that reads pages", engine().adapter_name());
        return None;
    }
    caps.llvmpipe_25 = recent;
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

/// Windows of two by two whose outputs are and are no whole runs, in fours and one by one, of one page and of several.
fn cases() -> Vec<Case> {
    let padded = Pool::max([2, 2]).padding(Padding::symmetric([1]));
    vec![
        case(Pool::max([2, 2]), &[1, 3, 112, 112]),
        case(Pool::max([2, 2]), &[2, 5, 26, 26]),
        case(Pool::max([2, 2]), &[1, 1, 4, 6]),
        case(Pool::max([2, 2]), &[3, 64, 40, 24]),
        case(Pool::average([2, 2]), &[1, 9, 64, 64]),
        case(padded, &[1, 7, 33, 35]),
        case(Pool::max([2, 2]).stride([1]), &[1, 2, 50, 37]),
        case(Pool::max([2, 2]).layout(Layout::Nhwc), &[1, 20, 30, 13]),
    ]
}

fn kernels(engine: &Engine, case: &Case) -> Vec<KernelKey> {
    let plan = engine.plan(&case.op, &descs(&case.inputs.iter().collect::<Vec<_>>())).unwrap();
    plan.steps.iter().map(|step| step.kernel).collect()
}

#[test]
fn pools_are_right_in_runs_and_without() {
    for runs in [false, true] {
        let Some(engine) = paged(runs) else { return };
        for case in cases() {
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            let in_runs = |key: &KernelKey| matches!(key, KernelKey::PoolPages { runs: true, .. });
            assert_eq!(kernels(&engine, &case).iter().any(in_runs), runs, "{}", describe(&case));
        }
    }
}

#[test]
fn large_windows_that_overlap_are_computed_in_patches() {
    let Some(engine) = paged(true) else { return };
    let same = |side: usize| Pool::max([side]).stride([1]).padding(Padding::SameUpper);
    let depthwise = |side: usize| {
        let op: Op = Conv::new().groups(6).padding(Padding::SameUpper).into();
        Case { op, inputs: vec![values(&[2, 6, 12, 20]), values(&[6, 1, side, side])] }
    };
    let shape = [2, 5, 12, 20];
    for (case, patches) in [
        (case(same(3), &shape), 0),
        (case(same(5), &shape), 1),
        // In two passes.
        (case(same(9), &shape), 2),
        (case(Pool::average([5, 4]).stride([2]), &shape), 1),
        (case(Pool::max([4, 4]), &shape), 0),
        (case(same(5).dilation([2]), &shape), 0),
        (depthwise(3), 0),
        (depthwise(5), 1),
    ] {
        let patch =
            |key: &&KernelKey| matches!(key, KernelKey::PoolPatch { .. } | KernelKey::DepthwisePatch { .. });
        assert_eq!(kernels(&engine, &case).iter().filter(patch).count(), patches, "{}", describe(&case));
        check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

const MUTANTS: &[Mutant<()>] = &[
    mutant!("runs overlap", "(SIDE_BY_SIDE * RUN) + ", "(SIDE_BY_SIDE * (RUN - 1u)) + "),
    mutant!("a run ends early", "i < RUN;", "i + 1u < RUN;"),
    mutant!("neighbours lie apart", "first + i * SIDE_BY_SIDE", "first + i * (SIDE_BY_SIDE + 1u)"),
    mutant!("outputs behind the chunk", "if (place.local < chunk.count) {", "if (true) {"),
];

#[test]
fn wrong_runs_are_noticed() {
    let Some(engine) = paged(true) else { return };
    let cases = cases();
    assert_noticed(&engine, MUTANTS, |mutant, _| cases.iter().any(|case| is_wrong(mutant, case)));
}
