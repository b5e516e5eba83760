//! Weights that training begins with.

use super::random::Random;
use crate::layer::{Layer, LayerKind, Model};
use crate::slots::{each_layer, slots};
use wgpool::error::{Error, Result};
use wgpool::spec::{DenseLayout, KernelLayout};
use wgpool::tensor::Tensor;

/// What kernels are drawn from; Keras' names and rules, where `in` and `out` are the numbers of a kernel that one output reads and
/// that one input is read by. All other weights begin with what Keras has: biases, shifts, slopes and means with 0, scales
/// and variances with 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Initializer {
    /// Uniform up to `sqrt(6 / (in + out))`: `GlorotUniform`, Keras' own (Glorot and Bengio, 2010).
    #[default]
    GlorotUniform,
    /// Uniform up to `sqrt(6 / in)`: `HeUniform` (He et al., 2015).
    HeUniform,
    /// Normal with the deviation `sqrt(2 / in)`, drawn again beyond two deviations, which is made up for: `HeNormal`.
    HeNormal,
    /// Zeros.
    Zeros,
}

/// The deviation of a normal distribution of deviation 1 that is cut off at two.
const CUT: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    fn draw(self, random: &mut Random, [read, written]: [f64; 2]) -> f32 {
        let uniform = |random: &mut Random, square: f64| ((2.0 * random.unit() - 1.0) * square.sqrt()) as f32;
        match self {
            Initializer::GlorotUniform => uniform(random, 6.0 / (read + written)),
            Initializer::HeUniform => uniform(random, 6.0 / read),
            Initializer::HeNormal => loop {
                let normal = random.normal();
                if normal.abs() <= 2.0 {
                    return (normal * (2.0 / read).sqrt() / CUT) as f32;
                }
            },
            Initializer::Zeros => 0.0,
        }
    }
}

/// Axes of a kernel as it is stored: what one output reads, and what one input is read by.
fn fans(layer: &Layer, stored: &[usize]) -> [f64; 2] {
    let is_turned = match &layer.kind {
        LayerKind::Conv { spec, .. } => spec.kernel_layout == KernelLayout::Oihw,
        LayerKind::ConvTranspose { spec, .. } => spec.kernel_layout == KernelLayout::Oihw,
        LayerKind::SeparableConv { depthwise, .. } => depthwise.kernel_layout == KernelLayout::Oihw,
        LayerKind::Dense { spec, .. } => spec.kernel_layout == DenseLayout::OutIn,
        _ => false,
    };
    let product = |lengths: &[usize]| lengths.iter().product::<usize>().max(1) as f64;
    match (stored, is_turned) {
        ([o, i, window @ ..], true) => {
            let window = product(window);
            [*i as f64 * window, *o as f64 * window]
        }
        ([window @ .., i, o], false) => {
            let window = product(window);
            [*i as f64 * window, *o as f64 * window]
        }
        _ => [1.0, 1.0],
    }
}

/// Gives every weight of a model the value that training begins with, drawn from the seed and the weight's name: the same for
/// the same seed, whatever the order of layers.
///
/// ```
/// use wgpool_net::train::{Initializer, initialise};
/// use wgpool_net::{LayerKind, Model, Weight};
/// use wgpool::Dense;
/// let kernel = Weight::Shape(vec![4, 2]);
/// let dense = LayerKind::Dense { spec: Dense::new(), kernel, bias: Some(Weight::Shape(vec![2])) };
/// let mut model = Model::new("tiny", [4]).layer("dense", dense);
/// initialise(&mut model, Initializer::GlorotUniform, 7)?;
/// let weights = model.weights()?;
/// assert!(weights[0].1.as_f32()?.iter().all(|w| w.abs() <= 1.0));
/// assert_eq!(weights[1].1.as_f32()?, [0.0, 0.0]);
/// # Ok::<(), wgpool::Error>(())
/// ```
///
/// # Errors
/// [`Error::OutOfMemory`], [`Error::TooLarge`].
pub fn initialise(model: &mut Model, kernels: Initializer, seed: u64) -> Result<()> {
    let name = model.name.clone();
    each_layer(model, &mut |path, layer| {
        let of = layer.clone();
        for slot in slots(layer) {
            let elements: usize = slot.stored.iter().product();
            let mut values: Vec<f32> = Vec::new();
            values.try_reserve_exact(elements).map_err(|_| Error::OutOfMemory {
                during: format!("allocating the weights of {name}"),
                reason: "the host's memory does not hold them".into(),
            })?;
            match slot.name {
                weight if weight.ends_with("kernel") => {
                    let mut random = Random::named(seed, &format!("{path}/{weight}"));
                    let fans = fans(&of, &slot.stored);
                    values.extend((0..elements).map(|_| kernels.draw(&mut random, fans)));
                }
                "gamma" | "moving_variance" | "variance" => values.resize(elements, 1.0),
                _ => values.resize(elements, 0.0),
            }
            let shape = slot.stored.clone();
            slot.fill(Tensor::from_f32(&shape, values)?)?;
        }
        Ok(())
    })
}
