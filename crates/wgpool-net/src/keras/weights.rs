//! Weights: each layer's tensors by the names Keras gives them, checked against the shapes of the configuration.

use std::collections::BTreeSet;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::Model;
use crate::slots::{check_shape, each_layer, slots, unread};
use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, Tensor};

/// Fills a model's weights from safetensors named `<layer>.<weight>`; every tensor must belong to a layer.
pub(super) fn from_safetensors(model: &mut Model, bytes: &[u8]) -> Result<()> {
    let wrong = |reason| Error::document("safetensors weights", reason);
    let file = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let mut left: BTreeSet<&str> = file.names().into_iter().collect();
    let name = model.name.clone();
    let mut classes: Vec<(String, String)> = Vec::new();
    each_layer(model, &mut |layer_name, layer| {
        classes.push((layer_name.to_owned(), layer.class.clone()));
        let error = |reason| Error::layer(&name, layer_name, reason);
        for slot in slots(layer) {
            let key = format!("{layer_name}.{}", slot.name);
            left.remove(key.as_str());
            let Ok(view) = file.tensor(&key) else {
                return Err(error(format!(
                    "weight {} of shape {:?} is missing: the weights hold no tensor {key}",
                    slot.name, slot.stored
                )));
            };
            check_shape(&name, layer_name, &slot, view.shape())?;
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
        Ok(())
    })?;
    let Some(extra) = left.first() else { return Ok(()) };
    let owner = extra
        .rsplit_once('.')
        .and_then(|(layer, weight)| classes.iter().find(|(path, _)| path == layer).map(|l| (l, weight)));
    Err(match owner {
        Some(((layer, class), weight)) => {
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
