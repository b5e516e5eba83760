//! Segments of the forward pass that are computed again: the same bits in less memory.

use wgpool::spec::KernelLayout;
use wgpool::{Activation, Backend, Conv, Data, Dense, GlobalPool, Layout, Padding, Pool, Tensor};
use wgpool_net::train::{Clip, Initializer, Loss, Recompute, Settings, Trainer, initialise, keras_adam};
use wgpool_net::{BatchNorm, DropoutRate, LayerKind, Merge, Model, Origin, Weight};
use wgpool_testing::support::engine;

/// Blocks of convolution, normalisation, activation, dropout and a sum, with pooling between.
pub fn deep() -> Model {
    let mut model = Model::branched("deep");
    let mut x = model.input("x", [16, 16, 2]);
    let add = |model: &mut Model, name: String, kind: LayerKind, from: &[Origin]| {
        let layer = model.add(name, kind);
        model.call(layer, from)
    };
    for block in 0..6 {
        let inputs = if block == 0 { 2 } else { 6 };
        let spec = Conv::new()
            .layout(Layout::Nhwc)
            .kernel_layout(KernelLayout::Hwio)
            .padding(Padding::SAME)
            .activation(if block % 2 == 0 { Activation::Silu } else { Activation::Relu });
        let conv = |inputs: usize| LayerKind::Conv {
            spec: spec.clone(),
            kernel: Weight::Shape(vec![3, 3, inputs, 6]),
            bias: Some(Weight::Shape(vec![6])),
        };
        let each = || Weight::Shape(vec![6]);
        let norm = BatchNorm {
            gamma: Some(each()),
            beta: Some(each()),
            mean: each(),
            variance: each(),
            epsilon: 1e-3,
            momentum: 0.9,
            layout: Layout::Nhwc,
        };
        let a = add(&mut model, format!("conv{block}"), conv(inputs), &[x]);
        let b = add(&mut model, format!("norm{block}"), LayerKind::BatchNorm(norm), &[a]);
        let rate = DropoutRate { rate: 0.2, channels: None };
        let c = add(&mut model, format!("drop{block}"), LayerKind::DropoutRate(rate), &[b]);
        x = add(&mut model, format!("sum{block}"), LayerKind::Merge(Merge::Add), &[a, c]);
        if block == 2 {
            let pool = LayerKind::Pool(Pool::max([2, 2]).layout(Layout::Nhwc));
            x = add(&mut model, "pool".into(), pool, &[x]);
        }
    }
    let mean = LayerKind::GlobalPool { spec: GlobalPool::average().layout(Layout::Nhwc), keepdims: false };
    let mean = add(&mut model, "mean".into(), mean, &[x]);
    let dense = LayerKind::Dense { spec: Dense::new(), kernel: Weight::Shape(vec![6, 3]), bias: None };
    let out = add(&mut model, "out".into(), dense, &[mean]);
    model.output("out", out);
    initialise(&mut model, Initializer::HeNormal, 5).unwrap();
    model
}

pub fn settings(recompute: Recompute) -> Settings {
    let clip = Some(Clip::GlobalNorm(1.0));
    Settings { batch: 4, recompute, clip, ..Settings::new(Loss::SoftmaxCrossEntropy, keras_adam(), 0.01) }
}

pub fn batch() -> (Tensor, Tensor) {
    let x = (0..4 * 16 * 16 * 2).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
    (Tensor::from_f32(&[4, 16, 16, 2], x).unwrap(), Tensor::new(&[4], Data::I32(vec![0, 2, 1, 2])).unwrap())
}

/// The least memory between operations, and the bits of all weights after some steps.
fn trained(backend: &Backend, recompute: Recompute) -> (u64, Vec<u8>) {
    let mut trainer = Trainer::new(backend, deep(), settings(recompute)).unwrap();
    let (x, y) = batch();
    for _ in 0..3 {
        trainer.step(&x, &y).unwrap();
    }
    // The optimiser's states are in them since the second step.
    let weights = trainer.weights().unwrap();
    let bits = weights.iter().flat_map(|(_, tensor)| tensor.data().as_bytes().to_vec()).collect();
    (trainer.explain().unwrap().least_between, bits)
}

#[test]
fn results_have_the_same_bits_in_less_memory() {
    for backend in [Backend::Host, Backend::Gpu(engine().clone())] {
        let (all, expected) = trained(&backend, Recompute::Nothing);
        let (one, bits) = trained(&backend, Recompute::Segments(1));
        assert!(one == all && bits == expected, "one segment is nothing computed again");
        let (two, bits) = trained(&backend, Recompute::Segments(2));
        assert!(bits == expected, "two segments on {}", backend.name());
        let (four, bits) = trained(&backend, Recompute::Segments(4));
        assert!(bits == expected, "four segments on {}", backend.name());
        println!("{all} bytes, {two} in two segments, {four} in four");
        assert!(two.max(four) < all * 4 / 5, "{all}, {two}, {four} bytes on {}", backend.name());
        let (below, bits) = trained(&backend, Recompute::Below(two));
        assert!(below <= two && bits == expected, "{below}, not {two} bytes");
        let (kept, _) = trained(&backend, Recompute::Below(all));
        assert_eq!(kept, all);
        let text = Trainer::new(&backend, deep(), settings(Recompute::Below(10))).unwrap_err().to_string();
        assert!(text.contains("10") && text.contains("bytes at least"), "{text}");
    }
    let none =
        Trainer::new(&Backend::Host, deep(), settings(Recompute::Segments(0))).unwrap_err().to_string();
    assert!(none.contains("segments"), "{none}");
}
