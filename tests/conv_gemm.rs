//! The convolution kernels that hardware runs, on whatever adapter there is: products of matrices.

mod support;

use std::collections::BTreeSet;

use support::{check_gpu, describe, descs, engine};
use wgpool::kernel::{GemmFinish, GemmTaps, GemmTile, KernelKey};
use wgpool::verify::random::{Family, Rng};

/// Plans for devices of several sizes, so that tiles of both sizes and divided sums come up on small tensors.
const FILLS: [u32; 4] = [1, 2, 8, 128];

/// What tells the ways through the kernel apart.
fn way(key: KernelKey) -> Option<(u32, u32, u32, bool)> {
    match key {
        KernelKey::ConvGemm(k) => Some((k.tile as u32, k.taps as u32, k.finish as u32, k.channels_last)),
        _ => None,
    }
}

/// Runs random cases on their hardware kernels, as far as these are products of matrices, and reports the ways taken.
fn random(family: Family, count: usize) -> BTreeSet<(u32, u32, u32, bool)> {
    let hardware = engine().as_hardware();
    let mut rng = Rng::new(0x6e33 ^ family as u64);
    let (mut failures, mut ways, mut ran) = (Vec::new(), BTreeSet::new(), 0);
    while ran < count {
        let case = family.case(&mut rng, hardware.caps().f16);
        let engine = hardware.with_fill(FILLS[rng.between(0, FILLS.len() - 1)]);
        let inputs: Vec<_> = case.inputs.iter().collect();
        let plan = engine.plan(&case.op, &descs(&inputs)).unwrap();
        let taken: Vec<_> = plan.steps.iter().filter_map(|step| way(step.kernel)).collect();
        if taken.is_empty() {
            continue;
        }
        ran += 1;
        ways.extend(taken);
        if let Err(reason) = check_gpu(&engine, &case) {
            let kernels: Vec<_> = plan.steps.iter().map(|s| s.kernel.to_string()).collect();
            failures.push(format!("{}\n    {}\n    {reason}", describe(&case), kernels.join(", ")));
        }
    }
    let total = failures.len();
    failures.truncate(5);
    assert!(failures.is_empty(), "{total} of {count} failed, such as\n{}", failures.join("\n"));
    ways
}

/// That every tile, window and layout came up with every one of `finishes`.
fn assert_all_ways(ways: &BTreeSet<(u32, u32, u32, bool)>, finishes: &[GemmFinish]) {
    for tile in [GemmTile::Small, GemmTile::Large] {
        for taps in [GemmTaps::Point, GemmTaps::Plane, GemmTaps::Volume] {
            for &finish in finishes {
                for channels_last in [false, true] {
                    let way = (tile as u32, taps as u32, finish as u32, channels_last);
                    assert!(
                        ways.contains(&way),
                        "{tile:?} {taps:?} {finish:?} {channels_last} never came up"
                    );
                }
            }
        }
    }
}

#[test]
fn convolution() {
    let ways = random(Family::Conv, 150);
    println!("{} ways: {ways:?}", ways.len());
}

#[test]
fn convolution_with_pooling() {
    let ways = random(Family::ConvPool, 150);
    println!("{} ways: {ways:?}", ways.len());
}
