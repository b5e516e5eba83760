//! Kernels that read pages, as older drivers of llvmpipe run them, and patches, which those of Mesa 25 run instead, whichever
//! is there. Against the reference, poisoned and guarded; wrong ones are noticed.

use wgpool::kernel::{KernelKey, PoolPages, Taps};
use wgpool::{Conv, ConvPool, Engine, Layout, Op, Padding, Pool, Tensor};
use wgpool_testing::support::{Mutant, assert_noticed, check_gpu, describe, engine, is_wrong, mutant, plan};
use wgpool_testing::verify::random::Case;

/// The adapter as if it were that driver, or an older one, however small the work; none where no kernel reads pages.
fn paged(recent: bool) -> Option<Engine> {
    let mut caps = engine().caps().clone();
    if !caps.paged {
        println!("{} runs no kernel that reads pages", engine().adapter_name());
        return None;
    }
    (caps.fast_storage_loads, caps.min_macs_for_tiles) = (recent, 0);
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

/// Windows of two by two, in fours and one by one, of one page and of several.
fn cases() -> Vec<Case> {
    let padded = Pool::max([2, 2]).padding(Padding::symmetric([1]));
    vec![
        case(Pool::max([2, 2]), &[1, 3, 112, 112]),
        case(Pool::max([2, 2]), &[2, 5, 26, 26]),
        case(Pool::max([2, 2]), &[1, 1, 4, 6]),
        case(Pool::max([2, 2]), &[3, 64, 40, 24]),
        case(Pool::average([2, 2]), &[1, 9, 64, 64]),
        case(padded, &[1, 7, 33, 35]),
        case(Pool::max([2, 2]).layout(Layout::Nhwc), &[1, 20, 30, 13]),
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
    for recent in [false, true] {
        let Some(engine) = paged(recent) else { return };
        for case in cases() {
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
            assert_eq!(kernels(&engine, &case).iter().any(is_patch), recent, "{}", describe(&case));
        }
    }
}

#[test]
fn small_windows_and_few_channels_are_computed_in_patches() {
    let Some(engine) = paged(true) else { return };
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
    let Some(engine) = paged(false) else { return };
    let cases = cases();
    assert_noticed(&engine, MUTANTS, |mutant, _| cases.iter().any(|case| is_wrong(mutant, case)));
}

const DILATED: &[Mutant<()>] = &[
    mutant!("rows without dilation", "params.dilation.x", "1"),
    mutant!("columns without dilation", "params.dilation.y", "1"),
];

#[test]
fn wrong_dilations_are_noticed() {
    let Some(engine) = paged(true) else { return };
    let pool = case(Pool::max([3]).stride([1]).dilation([2]), &[1, 2, 9, 12]);
    let cases = [pool, depthwise(3, 1, 2)];
    assert_noticed(&engine, DILATED, |mutant, _| cases.iter().all(|case| is_wrong(mutant, case)));
}

fn depthwise(side: usize, stride: usize, dilation: usize) -> Case {
    let padding = Padding::symmetric([side / 2 * dilation]);
    let op: Op = Conv::new().groups(6).stride([stride]).dilation([dilation]).padding(padding).into();
    Case { op, inputs: vec![values(&[2, 6, 12, 16]), values(&[6, 1, side, side])] }
}

/// Windows that share columns, whose rows and columns lie partly in the padding.
fn shared() -> Vec<Case> {
    let pad = || Padding::symmetric([1]);
    let shape = [2, 3, 11, 16];
    vec![
        case(Pool::max([3, 3]).stride([1]).padding(pad()), &shape),
        case(Pool::max([3, 3]).stride([2]).padding(pad()), &shape),
        case(Pool::max([2, 2]).stride([1]).padding(Padding::SameUpper), &shape),
        case(Pool::average([3, 3]).stride([1]).padding(pad()), &shape),
        case(Pool::average([3, 3]).stride([2]).padding(pad()), &shape),
    ]
}

const COLUMNS: &[Mutant<()>] = &[
    mutant!(
        "a column behind the input",
        "vec4<u32>(u32(params.in_size.z))",
        "vec4<u32>(u32(params.in_size.z) + 1u)"
    ),
    mutant!("columns in another order", "column + vec4<i32>(0, 1, 2, 3)", "column + vec4<i32>(0, 1, 3, 2)"),
    mutant!("means of rows behind the input", "r < window.row && place.middle > 0", "place.middle > 0"),
    mutant!("columns from the first inside", "return columns.x;", "return max(columns.x, 0);"),
    mutant!("the windows' stride", "vec4<u32>(order0[0], order0[2]", "vec4<u32>(order0[0], order0[1]"),
];

#[test]
fn windows_that_share_columns_are_right_and_wrong_ones_are_noticed() {
    let Some(engine) = paged(false) else { return };
    for case in shared() {
        check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        let columns = |key: &KernelKey| match key {
            KernelKey::PoolPages(PoolPages { taps, .. }) => matches!(taps, Taps::Columns { .. }),
            _ => false,
        };
        assert!(kernels(&engine, &case).iter().any(columns), "{}", describe(&case));
    }
    let cases = shared();
    assert_noticed(&engine, COLUMNS, |mutant, _| cases.iter().any(|case| is_wrong(mutant, case)));
}
