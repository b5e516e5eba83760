//! Pooling that reads pages, with invocations that compute runs of outputs and without: both against the reference,
//! poisoned and guarded, and wrong runs noticed.

mod support;

use support::{Mutant, assert_noticed, check_gpu, describe, descs, engine, is_wrong, mutant};
use wgpool::kernel::KernelKey;
use wgpool::verify::random::Case;
use wgpool::{Engine, Layout, Padding, Pool, Tensor};

/// The adapter with or without runs; none where no kernel reads pages.
fn paged(runs: bool) -> Option<Engine> {
    let mut caps = *engine().caps();
    if !caps.paged {
        println!("{} runs no kernel that reads pages", engine().adapter_name());
        return None;
    }
    caps.page_runs = runs;
    Some(engine().with_caps(caps))
}

fn case(pool: Pool, shape: &[usize]) -> Case {
    let n: usize = shape.iter().product();
    let values = (0..n).map(|i| ((i * 7919) % 100_003) as f32 / 50_000.0 - 1.0).collect();
    Case { op: pool.into(), inputs: vec![Tensor::from_f32(shape, values).unwrap()] }
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

fn in_runs(engine: &Engine, case: &Case) -> bool {
    let plan = engine.plan(&case.op, &descs(&case.inputs.iter().collect::<Vec<_>>())).unwrap();
    plan.steps.iter().any(|step| matches!(step.kernel, KernelKey::PoolPages { runs: true, .. }))
}

#[test]
fn pools_are_right_in_runs_and_without() {
    for runs in [false, true] {
        let Some(engine) = paged(runs) else { return };
        for case in cases() {
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            assert_eq!(in_runs(&engine, &case), runs, "{}", describe(&case));
        }
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
