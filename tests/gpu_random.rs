//! Every operation on random specifications: the GPU against the reference, poisoned and guarded. On a software adapter,
//! which has kernels of its own, those that hardware runs are tested too.
//!
//! Half of the cases are run, since software adapters take long to build pipelines; with `WGPOOL_RANDOM=1` all are.

use wgpool_testing::support::{all_cases, case as case_of, check_gpu, describe, engine};
use wgpool_testing::verify::random::{Family, Rng};

/// Runs `count` random cases of a family, or half as many, and reports all that fail.
fn random(family: Family, count: usize) {
    let count = if all_cases() { count } else { count.div_ceil(2) };
    let engine = engine();
    let mut hardware = engine.with_gpu_kernels();
    if family == Family::ConvTile {
        // Winograd's algorithm wherever it can be, whether or not it is reckoned to be faster.
        let mut caps = hardware.caps().clone();
        (caps.flops_per_byte, caps.flops_per_dispatch) = (0, 0);
        hardware = hardware.with_caps(caps);
    }
    let engines = if hardware.caps() == engine.caps() { vec![engine] } else { vec![engine, &hardware] };
    let mut rng = Rng::new(0x5eed ^ family as u64);
    let mut failures = Vec::new();
    for number in 0..count {
        let case = case_of(engine, family, &mut rng);
        for engine in &engines {
            if let Err(reason) = check_gpu(engine, &case) {
                let paged = engine.caps().paged;
                failures.push(format!("case {number}, paged {paged}: {}\n    {reason}", describe(&case)));
            }
        }
    }
    let total = failures.len();
    failures.truncate(5);
    assert!(failures.is_empty(), "{total} of {count} failed, such as\n{}", failures.join("\n"));
}

#[test]
fn max_pooling() {
    random(Family::MaxPool, 300);
}

#[test]
fn average_pooling() {
    random(Family::AveragePool, 200);
}

#[test]
fn lp_pooling() {
    random(Family::LpPool, 120);
}

#[test]
fn global_pooling() {
    random(Family::GlobalPool, 150);
}

#[test]
fn convolution() {
    random(Family::Conv, 300);
}

#[test]
fn dense() {
    random(Family::Dense, 120);
}

#[test]
fn softmax() {
    random(Family::Softmax, 60);
}

#[test]
fn activation() {
    random(Family::Activation, 80);
}

#[test]
fn adaptive_pooling() {
    random(Family::AdaptivePool, 150);
}

#[test]
fn fractional_pooling() {
    random(Family::FractionalMaxPool, 80);
}

#[test]
fn unpooling() {
    random(Family::MaxUnpool, 120);
}

#[test]
fn regions_aligned() {
    random(Family::RoiAlign, 100);
}

#[test]
fn regions_rounded() {
    random(Family::MaxRoiPool, 100);
}

#[test]
fn transposed_convolution() {
    random(Family::ConvTranspose, 250);
}

#[test]
fn integer_convolution() {
    random(Family::ConvInteger, 250);
}

#[test]
fn deformable_convolution() {
    random(Family::DeformConv, 200);
}

#[test]
fn windows_added_up_to_images() {
    random(Family::Col2Im, 150);
}

#[test]
fn causal_convolution() {
    random(Family::CausalConv, 200);
}

#[test]
fn convolution_with_pooling() {
    random(Family::ConvPool, 250);
}

#[test]
fn formulas() {
    random(Family::Elementwise, 250);
}

#[test]
fn convolution_by_tile() {
    random(Family::ConvTile, 60);
}

#[test]
fn convolution_by_chain() {
    random(Family::ConvChain, 150);
}

#[test]
fn strided_copies() {
    random(Family::AsStrided, 250);
}

#[test]
fn concatenation() {
    random(Family::Concat, 150);
}

#[test]
fn padding() {
    random(Family::Pad, 250);
}

#[test]
fn axes_made_one_value() {
    random(Family::Reduce, 300);
}

#[test]
fn indices_of_extremes() {
    random(Family::ArgReduce, 150);
}

#[test]
fn interpolation() {
    random(Family::Resize, 250);
}

#[test]
fn gradients_of_pooling() {
    random(Family::PoolGradient, 300);
}

#[test]
fn gradients_of_unpooling() {
    random(Family::MaxUnpoolGradient, 100);
}

#[test]
fn gradients_of_inputs() {
    random(Family::InputGradient, 200);
}

#[test]
fn gradients_of_kernels() {
    random(Family::WeightsGradient, 250);
}

#[test]
fn gradients_of_activations() {
    random(Family::ActivationGradient, 150);
}

#[test]
fn gradients_of_softmax() {
    random(Family::SoftmaxGradient, 100);
}

#[test]
fn cross_entropy() {
    random(Family::CrossEntropy, 150);
}

#[test]
fn gradients_of_regions() {
    random(Family::RoiAlignGradient, 120);
}

#[test]
fn masks_of_dropout() {
    random(Family::DropoutMask, 100);
}
