//! Convolution of few channels: every way, and wrong versions noticed.

use wgpool::kernel::Reduce;
use wgpool::{
    Activation, Conv, ConvPool, DType, KernelLayout, Layout, Op, Padding, Pool, PoolKind, TensorDesc,
};
use wgpool_testing::verify::random::{Case, Rng};

use crate::ways::tensor;
use wgpool_testing::support::{self, assert_noticed, check_gpu, describe, engine, forced, is_wrong, mutant};

/// What becomes of the sums, and where channels lie.
type Way = (Option<Reduce>, Layout);

fn ways() -> Vec<Way> {
    let pools = [None, Some(Reduce::Max), Some(Reduce::Average), Some(Reduce::AveragePadded)];
    pools.into_iter().flat_map(|pool| [Layout::Nchw, Layout::Nhwc].map(|layout| (pool, layout))).collect()
}

/// The kernel that a way goes through.
fn kernel((pool, _): Way) -> &'static str {
    if pool.is_some() { "conv_pool/few_channels" } else { "conv/few_channels" }
}

/// A case that takes it.
fn case(rng: &mut Rng, f16: bool, way: Way) -> Case {
    let (op, descs) = spec(rng, way, f16);
    let kind = rng.between(0, 4);
    let inputs = descs.iter().map(|desc| tensor(rng, desc, kind)).collect();
    Case { op, inputs }
}

fn spec(rng: &mut Rng, (reduce, layout): Way, f16: bool) -> (Op, Vec<TensorDesc>) {
    let dtype = match rng.between(0, 7) {
        0 | 1 if f16 => DType::F16,
        2 | 3 => DType::BF16,
        _ => DType::F32,
    };
    let side = [1, 3, 3, 5][rng.between(0, 3)];
    let window = if rng.one_in(4) { vec![rng.between(1, 5), rng.between(1, 5)] } else { vec![side; 2] };
    let most = if rng.one_in(4) { 32 } else { 4 };
    let pooled = [[2, 2], [2, 2], [1, 3], [3, 1]][rng.between(0, 3)];
    let positions = if reduce.is_some() { pooled[0] * pooled[1] } else { 1 };
    // What is written out at most.
    let fours = (150 / (positions * window[0] * window[1])).min(4);
    let (group_in, out) = (rng.between(1, most), rng.between(1, 4 * fours));
    let space = [rng.between(10, 19), rng.between(10, 19)];
    let x = match layout {
        Layout::Nchw => vec![2, group_in, space[0], space[1]],
        Layout::Nhwc => vec![2, space[0], space[1], group_in],
    };
    let (kernel_layout, w) = match rng.one_in(2) {
        true => (KernelLayout::Oihw, [&[out, group_in], window.as_slice()].concat()),
        false => (KernelLayout::Hwio, [window.as_slice(), &[group_in, out]].concat()),
    };
    let conv = Conv {
        stride: (0..2).map(|_| if rng.one_in(3) { 2 } else { 1 }).collect(),
        padding: match rng.between(0, 2) {
            0 => Padding::Valid,
            1 => Padding::SameUpper,
            _ => Padding::Explicit { before: vec![rng.between(0, 4), 1], after: vec![2, rng.between(0, 4)] },
        },
        activation: Activation::LeakyRelu { alpha: 0.3 },
        layout,
        kernel_layout,
        ..Conv::new()
    };
    let shapes = if rng.one_in(4) { vec![x, w] } else { vec![x, w, vec![out]] };
    let descs = shapes.into_iter().map(|shape| TensorDesc { shape, dtype }).collect();
    let Some(reduce) = reduce else { return (conv.into(), descs) };
    let window = pooled;
    let kind = match reduce {
        Reduce::Max => PoolKind::Max,
        _ => PoolKind::Average {
            count_include_pad: reduce == Reduce::AveragePadded,
            divisor: rng.one_in(4).then_some(7),
        },
    };
    let pool = Pool {
        kind,
        stride: window.iter().map(|&n| n + usize::from(rng.one_in(4))).collect(),
        padding: if rng.one_in(2) { Padding::Valid } else { Padding::symmetric([1]) },
        ceil_mode: rng.one_in(2),
        layout,
        ..Pool::max(window.to_vec())
    };
    (ConvPool { conv, pool }.into(), descs)
}

#[test]
fn every_way_of_few_channels() {
    let mut rng = Rng::new(0xfe0);
    let mut failures = Vec::new();
    for way in ways() {
        let engine = forced(engine(), kernel(way));
        for _ in 0..5 {
            let case = case(&mut rng, engine.caps().f16, way);
            if let Err(reason) = check_gpu(&engine, &case) {
                failures.push(format!("{way:?}: {}\n    {reason}", describe(&case)));
            }
        }
    }
    let total = failures.len();
    failures.truncate(5);
    assert!(failures.is_empty(), "{total} failed, such as\n{}", failures.join("\n"));
}

type Mutant = support::Mutant<Option<Reduce>>;

const MUTANTS: &[Mutant] = &[
    mutant!(None, "the edge repeated", "select(0.0, f32(input[at]), there)", "f32(input[at])"),
    mutant!(None, "the first channel's weights", "c * (TAPS * FOURS)", "0u"),
    mutant!(None, "the first channel", "base + c * params.in_channel;", "base;"),
    mutant!(None, "the first image", "let base = image * params.in_batch", "let base = 0u"),
    mutant!(None, "a position twice", "sum_1_0_0 += part_1_0_0;", "sum_1_0_0 += part_0_0_0;"),
    mutant!(None, "four channels twice", "let w_1 = weights(weight + 1u)", "let w_1 = weights(weight)"),
    mutant!(None, "bias of the first", "min(channel, params.channels - 1u)", "0"),
    mutant!(None, "channels behind the last", "if (channel < params.channels)", "if (true)"),
    mutant!(None, "patches overlap", "* params.step", ""),
    mutant!(None, "no activation", "alpha_beta.x * x, x < 0.0", "x, x < 0.0"),
    mutant!(
        Some(Reduce::Max),
        "padding is pooled",
        "select(NOTHING, value_of(",
        "select(Values(0xf0000000u), value_of("
    ),
    mutant!(Some(Reduce::Max), "pooling is not padded", "- params.before", ""),
    mutant!(Some(Reduce::Average), "padding counts", "var count = rows *", "var count = 0u * rows + 4u *"),
    mutant!(Some(Reduce::Average), "the divisor ignored", "params.divisor != 0u", "false"),
    mutant!(Some(Reduce::AveragePadded), "padding does not count", "REDUCE == AVERAGE_PADDED", "false"),
];

#[test]
fn every_mutant_of_few_channels_is_caught() {
    assert_noticed(engine(), MUTANTS, |mutant, Mutant { on: pool, .. }| {
        let mut rng = Rng::new(5);
        let mut shows = ways().into_iter().filter(|way| way.0 == *pool).cycle().take(100);
        shows.any(|way| is_wrong(&forced(mutant, kernel(way)), &case(&mut rng, mutant.caps().f16, way)))
    });
}
