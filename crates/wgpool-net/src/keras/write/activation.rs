//! Activations as Keras has them.

use serde_json::{Value, json};

use super::fields::{Class, map, number};
use crate::layer::{Layer, LayerKind};
use wgpool::spec::{Activation, ActivationKind, Softmax};

/// What the field `activation` of a layer is: Keras' name, or the layer that has the parameter. One whose parameters Keras does not
/// have is another when it is read back, and refused then.
pub(super) fn field(activation: Activation, softmax: Option<Softmax>) -> Value {
    if softmax == Some(Softmax::last_axis()) && activation == Activation::None {
        return json!("softmax");
    }
    match (activation, softmax) {
        (_, Some(Softmax { axis })) => object("Softmax", json!({ "axis": axis })),
        (Activation::None, None) => json!("linear"),
        (Activation::LeakyRelu { alpha: 0.2 }, None) => json!("leaky_relu"),
        (Activation::LeakyRelu { alpha }, None) => {
            object("LeakyReLU", json!({ "negative_slope": number(alpha) }))
        }
        (Activation::Elu { alpha: 1.0 }, None) => json!("elu"),
        (Activation::Elu { alpha }, None) => object("ELU", json!({ "alpha": number(alpha) })),
        // Keras' `gelu` is the exact one.
        (Activation::GeluTanh, None) => json!("gelu"),
        // Keras' names have no hyphens.
        (other, None) => json!(ActivationKind::of(other).0.name().replace('-', "_")),
    }
}

fn object(class: &str, config: Value) -> Value {
    json!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": null })
}

/// A layer that is an activation, of the class that it had if that has the activation.
pub(super) fn layer(layer: &Layer, activation: Activation) -> Class {
    let class = |class: &str, config: Value| (class.to_owned(), map(config));
    match (layer.class.as_str(), activation) {
        ("ReLU", Activation::Relu) => class("ReLU", relu(None, 0.0)),
        ("ReLU", Activation::Relu6) => class("ReLU", relu(Some(6.0), 0.0)),
        ("ReLU", Activation::LeakyRelu { alpha }) => class("ReLU", relu(None, alpha)),
        ("LeakyReLU", Activation::LeakyRelu { alpha }) => {
            class("LeakyReLU", json!({ "negative_slope": number(alpha) }))
        }
        ("ELU", Activation::Elu { alpha }) => class("ELU", json!({ "alpha": number(alpha) })),
        _ => class("Activation", json!({ "activation": field(activation, None) })),
    }
}

/// Softmax as a layer.
pub(super) fn softmax(layer: &Layer, softmax: Softmax) -> Class {
    match layer.class == "Activation" {
        true => {
            ("Activation".to_owned(), map(json!({ "activation": field(Activation::None, Some(softmax)) })))
        }
        false => ("Softmax".to_owned(), map(json!({ "axis": softmax.axis }))),
    }
}

pub(super) fn relu(max_value: Option<f32>, negative_slope: f32) -> Value {
    json!({ "max_value": max_value.map(number), "negative_slope": number(negative_slope), "threshold": 0.0 })
}

/// The slopes of PReLU: the axes along which it has one slope where the input has more elements.
pub(super) fn prelu(slope: &[usize], shape: &[usize]) -> Value {
    let lengths = shape.iter().skip(1).zip(slope).zip(1..);
    let shared: Vec<usize> =
        lengths.filter(|((length, slope), _)| **slope == 1 && **length != 1).map(|(_, axis)| axis).collect();
    match shared.is_empty() {
        true => json!({ "shared_axes": null }),
        false => json!({ "shared_axes": shared }),
    }
}

/// The kind that a layer is read back as: those that mean the same are one.
pub(super) fn plain(kind: LayerKind) -> LayerKind {
    match kind {
        LayerKind::Relu { max_value: None, negative_slope: 0.0 } => LayerKind::Activation(Activation::Relu),
        LayerKind::Relu { max_value: None, negative_slope: alpha } => {
            LayerKind::Activation(Activation::LeakyRelu { alpha })
        }
        LayerKind::Relu { max_value: Some(6.0), negative_slope: 0.0 } => {
            LayerKind::Activation(Activation::Relu6)
        }
        other => other,
    }
}
