//! The convolution of software adapters: every kind of tile against the reference, poisoned and guarded, and wrong
//! tiles noticed.

use std::collections::HashSet;

use wgpool::kernel::{ConvTiled, KernelKey, TileKeep, TileStep};
use wgpool::{Activation, Conv, ConvPool, Engine, Padding, Pool, PoolKind, Tensor};
use wgpool_testing::support::{Mutant, assert_noticed, check_gpu, describe, engine, is_wrong, mutant, plan};
use wgpool_testing::verify::random::Case;

/// The adapter with register tiles for every convolution, however small; none on adapters whose plans have no tiles.
fn tiled(subgroups: bool) -> Option<Engine> {
    let mut caps = engine().caps().clone();
    if caps.min_macs_for_tiles == u64::MAX {
        println!("{}: plans have no tiles", engine().adapter_name());
        let large = case(Conv::new().padding(Padding::symmetric([1])), None, [1, 64, 56, 56], [64, 64, 3, 3]);
        let is_tiled = |key: &KernelKey| matches!(key, KernelKey::ConvTiled(_));
        assert!(!plan(&large, engine()).steps.iter().any(|step| is_tiled(&step.kernel)));
        return None;
    }
    caps.paged = true;
    caps.min_macs_for_tiles = 0;
    caps.subgroups_of_eight &= subgroups;
    Some(engine().with_caps(caps))
}

/// Values of both signs whose sums round.
fn values(shape: &[usize], seed: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values = (0..n).map(|i| ((i * 31 + i / 7 + seed * 17) % 197) as f32 / 61.0 - 1.6).collect();
    Tensor::from_f32(shape, values).unwrap()
}

/// A convolution, with maximum pooling behind it or none, of `[n, c, h, w]` by `[out, c, kh, kw]`.
fn case(conv: Conv, pool: Option<usize>, x: [usize; 4], w: [usize; 4]) -> Case {
    let conv = conv.activation(Activation::Relu);
    let op = match pool {
        None => conv.into(),
        Some(side) => ConvPool { conv, pool: Pool::max([side, side]) }.into(),
    };
    Case { op, inputs: vec![values(&x, 1), values(&w, 2), values(&w[..1], 3)] }
}

fn check(case: &Case, engine: &Engine) {
    check_gpu(engine, case).unwrap_or_else(|e| panic!("{}: {e}", describe(case)));
}

/// Average pooling.
fn averages(window: &[usize], count_include_pad: bool, divisor: Option<u32>) -> Pool {
    Pool { kind: PoolKind::Average { count_include_pad, divisor }, ..Pool::average(window) }
}

fn every_kind() -> Vec<Case> {
    let pad = |n: usize| Padding::symmetric([n]);
    let mut cases = vec![
        case(Conv::new().padding(pad(1)), None, [2, 5, 9, 16], [16, 5, 3, 3]),
        case(Conv::new().padding(pad(1)).stride([2]), None, [1, 5, 9, 15], [10, 5, 3, 3]),
        case(Conv::new().padding(Padding::SameUpper), None, [2, 6, 10, 10], [5, 6, 5, 5]),
        case(Conv::new().stride([2]).padding(pad(2)), None, [1, 3, 15, 14], [4, 3, 5, 5]),
        case(Conv::new().padding(pad(3)), None, [1, 2, 9, 28], [7, 2, 7, 7]),
        case(Conv::new().stride([2]).padding(pad(3)), None, [1, 3, 21, 20], [8, 3, 7, 7]),
        case(Conv::new().padding(Padding::SameUpper), None, [1, 3, 2, 14], [4, 3, 1, 3]),
        case(Conv::new(), None, [3, 9, 5, 7], [17, 9, 1, 1]),
        case(Conv::new().dilation([2]).padding(pad(2)), None, [1, 5, 9, 11], [6, 5, 3, 3]),
        case(Conv::new().groups(2).padding(pad(1)), None, [1, 8, 7, 7], [10, 4, 3, 3]),
        case(Conv::new().padding(pad(1)), Some(2), [2, 5, 8, 12], [16, 5, 3, 3]),
        case(Conv::new(), Some(2), [1, 3, 11, 9], [10, 3, 3, 3]),
        case(Conv::new().padding(pad(1)), Some(3), [1, 4, 9, 12], [6, 4, 3, 3]),
        case(Conv::new(), Some(2), [1, 3, 8, 8], [8, 3, 1, 1]),
    ];
    // Windows that lie partly behind the convolution's end.
    let conv = Conv::new().padding(pad(1));
    let pool = Pool::max([2, 2]).ceil_mode(true);
    let ceil = case(conv.clone(), None, [1, 3, 9, 7], [4, 3, 3, 3]);
    cases.push(Case { op: ConvPool { conv, pool }.into(), ..ceil });
    // Means of windows, of those that reach behind the end, and of whole planes.
    let mean = |pool: Pool, padding: Padding, x: [usize; 4], w: [usize; 4]| {
        let conv = Conv::new().padding(padding);
        let alone = case(conv.clone(), None, x, w);
        Case { op: ConvPool { conv, pool }.into(), ..alone }
    };
    let behind = |count_include_pad| {
        let padding = Padding::Explicit { before: vec![0, 0], after: vec![1, 1] };
        averages(&[2, 2], count_include_pad, None).ceil_mode(true).padding(padding)
    };
    cases.push(mean(Pool::average([2, 2]), pad(1), [2, 5, 9, 13], [6, 5, 3, 3]));
    cases.push(mean(behind(true), pad(1), [1, 3, 8, 7], [4, 3, 3, 3]));
    cases.push(mean(behind(false), pad(1), [1, 3, 8, 7], [4, 3, 3, 3]));
    cases.push(mean(averages(&[3, 4], false, Some(7)), pad(1), [2, 3, 10, 17], [4, 3, 3, 3]));
    cases.push(mean(Pool::average([7, 9]), pad(1), [3, 5, 7, 9], [10, 5, 3, 3]));
    cases.push(mean(averages(&[40, 50], false, Some(3)), pad(0), [2, 5, 42, 52], [10, 5, 3, 3]));
    cases.push(mean(Pool::average([7, 7]), pad(0), [2, 36, 7, 7], [40, 36, 1, 1]));
    cases.push(mean(Pool::max([5, 4]), pad(1), [1, 3, 11, 9], [4, 3, 3, 3]));
    // More weights than pages hold: sums that go on from dispatch to dispatch.
    cases.push(case(Conv::new().padding(pad(1)), None, [1, 130, 5, 8], [16, 130, 3, 3]));
    cases.push(case(Conv::new().padding(pad(1)), None, [1, 1000, 5, 8], [16, 1000, 3, 3]));
    cases.push(case(Conv::new(), None, [2, 2100, 2, 4], [16, 2100, 1, 1]));
    // More than a page holds of the input: regions along the height, and both sides.
    cases.push(case(Conv::new().padding(pad(2)), None, [2, 5, 200, 50], [9, 5, 5, 5]));
    cases.push(case(Conv::new().stride([2]).padding(pad(1)), None, [1, 3, 40, 2000], [4, 3, 3, 3]));
    cases.push(case(Conv::new().padding(pad(1)), Some(2), [1, 9, 90, 110], [6, 9, 3, 3]));
    cases.push(case(Conv::new(), None, [2, 24, 40, 40], [9, 24, 1, 1]));
    // Several blocks of output channels a dispatch, the last one partly filled; and more than a page holds.
    cases.push(case(Conv::new().padding(pad(1)), None, [1, 20, 9, 16], [90, 20, 3, 3]));
    cases.push(case(Conv::new().groups(2).padding(pad(1)), Some(2), [1, 16, 8, 8], [76, 8, 3, 3]));
    cases.push(case(Conv::new(), None, [2, 64, 9, 7], [75, 64, 1, 1]));
    cases
}

#[test]
fn tiles_of_every_kind_are_right() {
    for subgroups in [false, true] {
        let Some(engine) = tiled(subgroups) else { return };
        let (mut steps, mut pools, mut channels, mut ends, mut pages) =
            (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
        let mut keeps = HashSet::new();
        for case in every_kind() {
            for step in plan(&case, &engine).steps {
                if let KernelKey::ConvTiled(ConvTiled { tile, first, last, .. }) = step.kernel {
                    steps.insert(tile.step);
                    pools.insert(tile.pool);
                    keeps.insert(tile.keep);
                    pages.insert(tile.pages);
                    channels.insert(tile.channels);
                    ends.insert((first, last));
                }
            }
            check(&case, &engine);
        }
        // One tap; rows of 3, 5 and 7, with the strides 1 and 2.
        assert_eq!(steps.len(), 6, "{steps:?}");
        assert!(steps.contains(&TileStep::Row { taps: 3, stride: 2 }));
        assert_eq!(pages, HashSet::from([1, 2, 4]));
        assert!(pools.is_superset(&HashSet::from([1, 2, 3, 4])), "{pools:?}");
        assert_eq!(keeps, HashSet::from([TileKeep::Each, TileKeep::Max, TileKeep::Mean, TileKeep::Sum]));
        assert_eq!(channels, HashSet::from([4, 8, 12, 16]));
        assert_eq!(ends, HashSet::from([(true, true), (true, false), (false, false), (false, true)]));
    }
}

/// Where they meet padding the reference accepts NaN as well; everywhere else they are factors like any other.
#[test]
fn weights_that_are_not_finite_are_factors_like_any_other() {
    let Some(engine) = tiled(true) else { return };
    let pad = || Conv::new().padding(Padding::symmetric([1]));
    for pool in [None, Some(2)] {
        for special in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let mut case = case(pad(), pool, [1, 3, 8, 8], [5, 3, 3, 3]);
            let mut weights = case.inputs[1].as_f32().unwrap().to_vec();
            weights[2 * 27 + 4] = special;
            weights[3 * 27] = special;
            case.inputs[1] = Tensor::from_f32(&[5, 3, 3, 3], weights).unwrap();
            check(&case, &engine);
        }
    }
}

#[test]
fn buffers_without_the_usage_get_the_general_kernel() {
    let Some(engine) = tiled(true) else { return };
    let case = case(Conv::new().padding(Padding::symmetric([1])), None, [1, 5, 9, 16], [16, 5, 3, 3]);
    let hardware = plan(&case, &engine.with_gpu_kernels());
    assert!(!hardware.steps.iter().any(|s| matches!(s.kernel, KernelKey::ConvTiled(_))));
    check(&case, &engine.with_gpu_kernels());
}

const MUTANTS: &[Mutant<()>] = &[
    mutant!("padding is not zero", "select(0.0, input[", "select(1.0, input["),
    mutant!("a row lies in the padding", "u32(y_at) < params.in_size.y", "u32(y_at) < params.in_size.y + 1u"),
    mutant!("the wrong chunk", "let chunk = page % params.chunks;", "let chunk = 0u;"),
    mutant!("channels behind the chunks", "channel < params.group_in;", "true;"),
    mutant!("the wrong region", "place * params.start_step", "place.yxzw * params.start_step"),
    mutant!("no bias", "sum + weights0[weights_at + params.bias_at + four]", "sum"),
    mutant!("the first block's weights", "weights_at = block * params.blocks.z", "weights_at = 0u"),
    mutant!("the first block's channels", "+ block * params.blocks.w", ""),
    mutant!("tiles of the block before", "number - block * params.blocks.x", "number - block * 8u"),
    mutant!("blocks packed as chunks", "part / params.blocks % params.chunks", "part % params.chunks"),
    mutant!("the next tap's weights", "+ number) * FOURS", "+ number + 1u) * FOURS"),
    mutant!("the first page once more", "input1[", "input0["),
    mutant!("a sum begins anew", "t0_0 += a0_0;", "t0_0 = a0_0;"),
    mutant!("chunks forget the one before", "if (FIRST) {", "if (true) {"),
    mutant!("channels behind the last", "if (channel < outputs) {", "if (true) {"),
    mutant!("tiles behind the last", "if (works && x < params.bounds.x", "if (x < params.bounds.x + 1u"),
    mutant!("the wrong image", "params.first.w + tile.w", "tile.w"),
    mutant!(
        "the wrong image of a page",
        "start = dot(tile, params.tile_step)",
        "start = dot(tile.xyz, params.tile_step.xyz)"
    ),
    mutant!("negative NaN is below all numbers", "0x807fffffu", "0x80000000u"),
    mutant!("the wrong rows of windows", "row * params.steps_along.y", "row * params.steps_along.x"),
    mutant!("what lies behind the end in a mean", "select(vec4<f32>(), values, inside)", "values"),
    mutant!("a mean counts what is not there", "min(params.pool.z - x, POOL)", "POOL"),
    mutant!("the divisor is forgotten", "params.pool.w != 0u", "false"),
    mutant!("the smallest of a window", "max(*key, select(", "min(*key, select("),
    mutant!(
        "packed in the wrong order",
        "let tap = row % params.window.w;",
        "let tap = row / params.window.w;"
    ),
];

#[test]
fn wrong_tiles_are_noticed() {
    let Some(engine) = tiled(true) else { return };
    let pad = || Conv::new().padding(Padding::symmetric([1]));
    let mut nan = case(pad(), Some(2), [2, 3, 6, 7], [5, 3, 3, 3]);
    let mut pixels = nan.inputs[0].as_f32().unwrap().to_vec();
    // Its bits are below those of every number.
    pixels[60] = f32::from_bits(0xffc0_0000);
    nan.inputs[0] = Tensor::from_f32(&[2, 3, 6, 7], pixels).unwrap();
    let finite = case(pad(), None, [2, 17, 5, 9], [5, 17, 3, 3]);
    let chunks = case(pad(), None, [1, 1000, 3, 4], [16, 1000, 3, 3]);
    let regions = case(pad(), None, [2, 6, 90, 110], [4, 6, 3, 3]);
    let blocks = case(pad(), None, [1, 40, 9, 16], [37, 40, 3, 3]);
    // What lies behind an image's channels is not its own, even times a weight of 0.
    let mut behind = case(Conv::new(), None, [2, 17, 3, 5], [5, 17, 1, 1]);
    let mut pixels = behind.inputs[0].as_f32().unwrap().to_vec();
    pixels[17 * 15] = f32::INFINITY;
    behind.inputs[0] = Tensor::from_f32(&[2, 17, 3, 5], pixels).unwrap();
    // Means of windows that lie partly behind the end, and with a divisor.
    let mean = |pool: Pool| {
        let op = ConvPool { conv: pad(), pool: pool.ceil_mode(true) }.into();
        Case { op, ..case(pad(), None, [1, 3, 9, 7], [4, 3, 3, 3]) }
    };
    let means = [mean(Pool::average([2, 2])), mean(averages(&[2, 2], false, Some(3)))];
    let cases: Vec<Case> = [finite, nan, behind, regions, blocks, chunks].into_iter().chain(means).collect();
    assert_noticed(&engine, MUTANTS, |mutant, wrong| {
        cases.iter().any(|case| wrong.changes(&plan(case, mutant)) && is_wrong(mutant, case))
    });
}
