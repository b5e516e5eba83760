//! Trains a small network to tell upright stripes from lying ones, keeps checkpoints, and infers with what it has learnt:
//! `cargo run --release -p wgpool-net --features training --example train`.

use wgpool::{Activation, Backend, Choice, Conv, Dense, KernelLayout, Layout, Pool, Result, Tensor};
use wgpool_net::train::{
    Dataset, Event, Fit, Initializer, Loss, Settings, Trainer, Wish, initialise, keras_adam,
};
use wgpool_net::{LayerKind, Model, Session, Weight};

const SIDE: usize = 12;

/// An image of stripes: upright ones have the label 1.
fn image(number: usize) -> (Vec<f32>, f32) {
    let (upright, width, shift) = (number.is_multiple_of(2), 1 + number / 2 % 2, number / 4 % 4);
    let pixel = |at: usize| {
        let along = if upright { at % SIDE } else { at / SIDE };
        let noise = (number * 7919 + at * 104_729) % 1000;
        f32::from(u8::from((along + shift) / width % 2 == 0)) + noise as f32 / 1000.0
    };
    ((0..SIDE * SIDE).map(pixel).collect(), f32::from(u8::from(upright)))
}

fn images(numbers: std::ops::Range<usize>) -> Result<(Tensor, Tensor)> {
    let n = numbers.len();
    let (pixels, labels): (Vec<Vec<f32>>, Vec<f32>) = numbers.map(image).unzip();
    Ok((Tensor::from_f32(&[n, SIDE, SIDE, 1], pixels.concat())?, Tensor::from_f32(&[n, 1], labels)?))
}

fn model() -> Model {
    let spec = Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio);
    let spec = spec.activation(Activation::Relu);
    let of = |shape: &[usize]| Weight::Shape(shape.to_vec());
    let conv = LayerKind::Conv { spec, kernel: of(&[3, 3, 1, 6]), bias: Some(of(&[6])) };
    let sigmoid = Dense::new().activation(Activation::Sigmoid);
    let dense = LayerKind::Dense { spec: sigmoid, kernel: of(&[150, 1]), bias: Some(of(&[1])) };
    Model::new("stripes", [SIDE, SIDE, 1])
        .layer("conv", conv)
        .layer("pool", LayerKind::Pool(Pool::max([2, 2]).layout(Layout::Nhwc)))
        .layer("flatten", LayerKind::Flatten { from: Layout::Nhwc })
        .layer("dense", dense)
}

fn main() -> Result<()> {
    let backend = Backend::open(&Choice::Auto)?.backend;
    let (train, other) = (images(0..256)?, images(256..320)?);
    let (data, validation) = (Dataset::new(&train.0, &train.1)?, Dataset::new(&other.0, &other.1)?);
    let mut model = model();
    initialise(&mut model, Initializer::GlorotUniform, 1)?;
    let settings = Settings::new(Loss::BinaryCrossEntropy, keras_adam(), 3e-3);
    let mut trainer = Trainer::new(&backend, model, settings)?;
    println!("{}", backend.name());
    trainer.fit(&data, Some(&validation), &Fit::epochs(5), |event| {
        if let Event::Epoch(epoch) = event {
            let (training, validation) = (epoch.training, epoch.validation.unwrap_or(epoch.training));
            println!(
                "epoch {}: loss {:.4}, of other images {:.4}, of which {:.1} % are right",
                epoch.epoch,
                training.loss,
                validation.loss,
                100.0 * validation.accuracy.unwrap_or_default()
            );
        }
        Wish::GoOn
    })?;
    // `Trainer::resume` goes on from it with the same bits.
    let checkpoint = std::env::temp_dir().join("wgpool-stripes.safetensors");
    trainer.save(&checkpoint)?;
    println!("checkpoint: {}", checkpoint.display());

    let Some(trained) = trainer.model()? else { return Ok(()) };
    let session = Session::compile(&backend, trained.program(1)?)?;
    let (pixels, label) = image(1000);
    let probability = session.run(&Tensor::from_f32(&[1, SIDE, SIDE, 1], pixels)?)?;
    println!("upright with probability {:.3}; it is {label}", probability.as_f32()?[0]);
    Ok(())
}
