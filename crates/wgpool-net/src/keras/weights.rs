//! Weights: each layer's tensors by the names Keras gives them, checked against the shapes of the configuration.

use std::collections::BTreeSet;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::{Layer, LayerKind, Sequential, Weight};
use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, Tensor};

/// A weight that a layer waits for.
pub(super) struct Slot<'a> {
    /// Keras' name.
    pub name: &'static str,
    /// The shape that Keras stores.
    pub stored: Vec<usize>,
    weight: &'a mut Weight,
}

/// The weights of a layer in Keras' order.
pub(super) fn slots(layer: &mut Layer) -> Vec<Slot<'_>> {
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
pub(super) fn unread(layer: &Layer) -> Option<(&'static str, &'static str)> {
    matches!(layer.kind, LayerKind::Normalization(_)).then_some(("2", "count"))
}

impl Slot<'_> {
    /// Puts the stored tensor in its place.
    pub fn fill(self, tensor: Tensor) -> Result<()> {
        let shape = self.weight.shape().to_vec();
        *self.weight = Weight::Values(tensor.reshaped(&shape)?);
        Ok(())
    }
}

/// Refuses a stored shape other than the expected one.
pub(super) fn check_shape(model: &str, layer: &str, slot: &Slot<'_>, got: &[usize]) -> Result<()> {
    if got == slot.stored {
        return Ok(());
    }
    let (name, stored) = (slot.name, &slot.stored);
    let reason = format!("weight {name} has shape {got:?}, but the configuration makes it {stored:?}");
    Err(Error::layer(model, layer, reason))
}

/// Fills a model's weights from safetensors named `<layer>.<weight>`; every tensor must belong to a layer.
pub(super) fn from_safetensors(model: &mut Sequential, bytes: &[u8]) -> Result<()> {
    let wrong = |reason| Error::document("safetensors weights", reason);
    let file = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let mut left: BTreeSet<&str> = file.names().into_iter().collect();
    let name = model.name.clone();
    for layer in &mut model.layers {
        let layer_name = layer.name.clone();
        let error = |reason| Error::layer(&name, &layer_name, reason);
        for slot in slots(layer) {
            let key = format!("{layer_name}.{}", slot.name);
            left.remove(key.as_str());
            let Ok(view) = file.tensor(&key) else {
                return Err(error(format!(
                    "weight {} of shape {:?} is missing: the weights hold no tensor {key}",
                    slot.name, slot.stored
                )));
            };
            check_shape(&name, &layer_name, &slot, view.shape())?;
            let Some(values) = widen(view.dtype(), view.data())? else {
                let (name, dtype) = (slot.name, view.dtype());
                return Err(error(format!(
                    "weight {name} has element type {dtype:?}, but it must be F32, F16 or BF16"
                )));
            };
            slot.fill(Tensor::new(view.shape(), values)?)?;
        }
        if let Some((_, unread)) = unread(layer) {
            left.remove(format!("{layer_name}.{unread}").as_str());
        }
    }
    let Some(extra) = left.first() else { return Ok(()) };
    let owner = extra
        .rsplit_once('.')
        .and_then(|(layer, weight)| model.layers.iter().find(|l| l.name == layer).map(|l| (l, weight)));
    Err(match owner {
        Some((Layer { name: layer, class, .. }, weight)) => {
            let reason = format!(
                "the weights hold a tensor {weight}, which {class} with this configuration does not have"
            );
            Error::layer(&name, layer, reason)
        }
        None => {
            let count = left.len();
            wrong(format!("{count} tensors belong to no layer of model {name}, the first is {extra}"))
        }
    })
}

/// Elements as 32-bit floats; `None` for types that are not narrower floats.
fn widen(dtype: Dtype, bytes: &[u8]) -> Result<Option<Data>> {
    let halves = || bytes.as_chunks::<2>().0.iter();
    Ok(Some(match dtype {
        Dtype::F32 => Data::from_bytes(DType::F32, bytes)?,
        Dtype::F16 => Data::F32(collected(halves().map(|&b| f16::from_le_bytes(b).to_f32()))?),
        Dtype::BF16 => Data::F32(collected(halves().map(|&b| bf16::from_le_bytes(b).to_f32()))?),
        _ => return Ok(None),
    }))
}

/// Floats of a known number; an error where there is no memory for them.
fn collected(floats: impl ExactSizeIterator<Item = f32>) -> Result<Vec<f32>> {
    let mut v = Vec::new();
    v.try_reserve_exact(floats.len()).map_err(|_| Error::OutOfMemory {
        during: format!("allocating {} floats of weights", floats.len()),
        reason: "the host's memory does not hold them".into(),
    })?;
    v.extend(floats);
    Ok(v)
}
