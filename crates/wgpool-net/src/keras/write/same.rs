//! Whether a model that was read back is the one that was written.

use super::activation;
use crate::Rescale;
use crate::layer::{Layer, LayerKind, Model};
use crate::slots::{Slot, each_layer, slots};
use wgpool::error::{Error, Result};
use wgpool::spec::{Accuracy, Padding};

/// The layers of a model with their paths, as they compare: weights as shapes, and what means the same as one.
fn plain(model: &Model) -> Result<Vec<(String, Layer)>> {
    let mut layers = Vec::new();
    each_layer(&mut model.clone(), &mut |path, layer| {
        slots(layer).into_iter().for_each(Slot::forget);
        let mut layer = layer.clone();
        layer.kind = activation::plain(layer.kind);
        normal(&mut layer.kind);
        layers.push((path.to_owned(), layer));
        Ok(())
    })?;
    Ok(layers)
}

/// One number for each axis, where one may stand for all.
fn spread(numbers: &mut Vec<usize>, rank: usize) {
    if let [one] = numbers.as_slice() {
        *numbers = vec![*one; rank];
    }
}

/// Padding whose numbers are 0 is none.
fn unpadded(padding: &mut Padding) {
    if let Padding::Explicit { before, after } = padding
        && before.iter().chain(after.iter()).all(|&n| n == 0)
    {
        *padding = Padding::Valid;
    }
}

/// The same for all that computes the same.
fn normal(kind: &mut LayerKind) {
    match kind {
        LayerKind::Conv { spec, kernel, .. }
        | LayerKind::SeparableConv { depthwise: spec, depthwise_kernel: kernel, .. } => {
            let rank = kernel.shape().len().saturating_sub(2);
            spread(&mut spec.stride, rank);
            spread(&mut spec.dilation, rank);
            unpadded(&mut spec.padding);
            // How sums are rounded is no part of a network.
            spec.accuracy = Accuracy::default();
        }
        LayerKind::ConvTranspose { spec, kernel, .. } => {
            let rank = kernel.shape().len().saturating_sub(2);
            spread(&mut spec.stride, rank);
            spread(&mut spec.dilation, rank);
            spread(&mut spec.output_padding, rank);
            unpadded(&mut spec.padding);
        }
        LayerKind::Pool(spec) => {
            let rank = spec.window.len();
            spread(&mut spec.stride, rank);
            if spec.dilation.iter().all(|&n| n == 1) {
                spec.dilation = vec![1];
            }
            unpadded(&mut spec.padding);
        }
        LayerKind::Rescale(Rescale { scale, offset, layout }) if scale.len() == 1 && offset.len() == 1 => {
            *layout = Default::default();
        }
        _ => {}
    }
}

/// A kind of layer as it may stand in a message.
pub(super) fn excerpt(kind: &LayerKind) -> String {
    let text = format!("{kind:?}");
    match text.char_indices().nth(400) {
        None => text,
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

/// Refuses a layer that was read back as another one.
pub(super) fn check(written: &Model, read: &Model) -> Result<()> {
    let (written_layers, read_layers) = (plain(written)?, plain(read)?);
    for (path, own) in &written_layers {
        let Some((_, other)) = read_layers.iter().find(|(name, _)| name == path) else {
            return Err(Error::layer(&written.name, path, "Keras' configuration has no place for it"));
        };
        if (&own.kind, own.softmax, own.trainable) != (&other.kind, other.softmax, other.trainable) {
            let reason = format!(
                "Keras has no layer for {}: the nearest is {}",
                excerpt(&own.kind),
                excerpt(&other.kind)
            );
            return Err(Error::layer(&written.name, path, reason));
        }
    }
    Ok(())
}
