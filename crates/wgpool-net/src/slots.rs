//! The weights of layers as Keras names, orders and stores them.

use super::layer::{Layer, LayerKind, Model};
use super::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

/// A weight that a layer waits for.
pub(crate) struct Slot<'a> {
    /// Keras' name.
    pub name: &'static str,
    /// The shape that Keras stores.
    pub stored: Vec<usize>,
    weight: &'a mut Weight,
}

/// Visits every layer, in a model that is a layer instead of it, with its path: the names of such models and its own.
pub(crate) fn each_layer(
    model: &mut Model,
    visit: &mut dyn FnMut(&str, &mut Layer) -> Result<()>,
) -> Result<()> {
    for layer in &mut model.layers {
        let Layer { name, kind: LayerKind::Model(inner), .. } = layer else {
            visit(&layer.name.clone(), layer)?;
            continue;
        };
        each_layer(inner, &mut |path, layer| visit(&format!("{name}/{path}"), layer))?;
    }
    Ok(())
}

/// The weights of a layer in Keras' order.
pub(crate) fn slots(layer: &mut Layer) -> Vec<Slot<'_>> {
    let is_depthwise = layer.class.starts_with("Depthwise");
    fn plain<'a>(name: &'static str, weight: &'a mut Weight) -> Slot<'a> {
        Slot { name, stored: weight.shape().to_vec(), weight }
    }
    // Keras stores [space..., in, multiplier]; as HWIO with one group for each input channel it is
    // [space..., 1, in * multiplier], with the elements in the same order.
    fn depthwise<'a>(name: &'static str, weight: &'a mut Weight, channels: usize) -> Slot<'a> {
        let mut slot = plain(name, weight);
        if let [.., i, o] = slot.stored.as_mut_slice() {
            (*i, *o) = (channels, *o / channels.max(1));
        }
        slot
    }
    match &mut layer.kind {
        LayerKind::Conv { spec, kernel, bias } => {
            let kernel = match is_depthwise {
                true => depthwise("kernel", kernel, spec.groups),
                false => plain("kernel", kernel),
            };
            std::iter::once(kernel).chain(bias.as_mut().map(|b| plain("bias", b))).collect()
        }
        LayerKind::SeparableConv { depthwise: spec, depthwise_kernel, pointwise_kernel, bias, .. } => {
            let kernels = [
                depthwise("depthwise_kernel", depthwise_kernel, spec.groups),
                plain("pointwise_kernel", pointwise_kernel),
            ];
            kernels.into_iter().chain(bias.as_mut().map(|b| plain("bias", b))).collect()
        }
        LayerKind::PRelu { slope } => vec![plain("alpha", slope)],
        LayerKind::Normalization(norm) => {
            vec![plain("mean", &mut norm.mean), plain("variance", &mut norm.variance)]
        }
        LayerKind::Dense { kernel, bias, .. } | LayerKind::ConvTranspose { kernel, bias, .. } => {
            std::iter::once(plain("kernel", kernel)).chain(bias.as_mut().map(|b| plain("bias", b))).collect()
        }
        LayerKind::BatchNorm(norm) => {
            let gamma = norm.gamma.as_mut().map(|w| plain("gamma", w));
            let beta = norm.beta.as_mut().map(|w| plain("beta", w));
            let moving = [plain("moving_mean", &mut norm.mean), plain("moving_variance", &mut norm.variance)];
            gamma.into_iter().chain(beta).chain(moving).collect()
        }
        _ => vec![],
    }
}

/// A variable that Keras stores behind a layer's weights and does not use: its number and name.
pub(crate) fn unread(layer: &Layer) -> Option<(&'static str, &'static str)> {
    matches!(layer.kind, LayerKind::Normalization(_)).then_some(("2", "count"))
}

impl Slot<'_> {
    /// The tensor as Keras stores it.
    pub fn value(&self, model: &str, layer: &str) -> Result<Tensor> {
        match &*self.weight {
            Weight::Values(tensor) => Tensor::clone(tensor).reshaped(&self.stored),
            Weight::Shape(_) => {
                let reason =
                    format!("weight {} has no values: the model was read without weights", self.name);
                Err(Error::layer(model, layer, reason))
            }
        }
    }

    /// Leaves the shape alone of the weight.
    pub fn forget(self) {
        *self.weight = Weight::Shape(self.weight.shape().to_vec());
    }

    /// Puts the stored tensor in its place.
    pub fn fill(self, tensor: Tensor) -> Result<()> {
        let shape = self.weight.shape().to_vec();
        *self.weight = tensor.reshaped(&shape)?.into();
        Ok(())
    }
}

/// Refuses a stored shape other than the expected one.
pub(crate) fn check_shape(model: &str, layer: &str, slot: &Slot<'_>, got: &[usize]) -> Result<()> {
    if got == slot.stored {
        return Ok(());
    }
    let (name, stored) = (slot.name, &slot.stored);
    let reason = format!("weight {name} has shape {got:?}, but the configuration makes it {stored:?}");
    Err(Error::layer(model, layer, reason))
}
