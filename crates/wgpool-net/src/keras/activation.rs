//! Keras' activations: a name, or a serialised function or layer.

use serde_json::Value;

use super::fields::{Fields, excerpt};
use crate::{LayerKind, Weight};
use wgpool::error::Result;
use wgpool::spec::{Activation, ActivationKind, Softmax};

/// What an activation of a layer becomes.
pub(super) enum Act {
    Pointwise(Activation),
    Softmax(Softmax),
}

/// Keras' names have no hyphens, which the command line's have; PReLU is a layer alone.
fn names() -> String {
    let all = ActivationKind::ALL.iter().flat_map(|kind| kind.names());
    all.filter(|&name| !name.contains('-') && name != "prelu")
        .chain(["softmax"])
        .collect::<Vec<_>>()
        .join(", ")
}

fn named(name: &str, keras_2: bool) -> Option<Act> {
    match name {
        "softmax" => Some(Act::Softmax(Softmax::last_axis())),
        "hard_sigmoid" if keras_2 => Some(Act::Pointwise(Activation::HardSigmoid { alpha: 0.2, beta: 0.5 })),
        "prelu" => None,
        // Steeper than PyTorch's.
        "leaky_relu" => Some(Act::Pointwise(Activation::LeakyRelu { alpha: 0.2 })),
        _ => ActivationKind::named(name).map(|kind| Act::Pointwise(kind.into())),
    }
}

/// The activation in the field `activation`; absent or null is linear.
pub(super) fn activation(fields: &Fields<'_>) -> Result<Act> {
    let Some(value) = fields.get("activation") else { return Ok(Act::Pointwise(Activation::None)) };
    let unknown = || {
        fields.error(format!(
            "{} has the activation {}; supported are {}",
            fields.class,
            excerpt(value),
            names()
        ))
    };
    match value {
        Value::String(name) => named(name, fields.keras_2).ok_or_else(unknown),
        Value::Object(object) => {
            let class = object.get("class_name").and_then(Value::as_str).unwrap_or_default();
            match (class, object.get("config")) {
                ("function", Some(Value::String(name))) => named(name, fields.keras_2).ok_or_else(unknown),
                ("ReLU" | "LeakyReLU" | "ELU" | "Softmax" | "Activation", Some(Value::Object(map))) => {
                    layer(&Fields { class, map, ..*fields })?.ok_or_else(unknown)
                }
                _ => Err(unknown()),
            }
        }
        _ => Err(unknown()),
    }
}

/// The activation that a layer of its own is, by its class; `None` for other classes.
pub(super) fn layer(fields: &Fields<'_>) -> Result<Option<Act>> {
    Ok(Some(match fields.class {
        "ReLU" => match relu(fields)? {
            LayerKind::Activation(activation) => Act::Pointwise(activation),
            _ => {
                return Err(
                    fields.error("this ReLU is supported as a layer, but not as the activation of one")
                );
            }
        },
        "LeakyReLU" => {
            // Keras 2 called the slope alpha.
            let slope = fields.number("negative_slope")?.or(fields.number("alpha")?);
            Act::Pointwise(leaky(fields, slope.unwrap_or(0.3))?)
        }
        "ELU" => {
            let alpha = float(fields, "alpha", fields.number("alpha")?.unwrap_or(1.0))?;
            Act::Pointwise(Activation::Elu { alpha })
        }
        "Softmax" => {
            // An axis that is not said is the last, but none is all of them.
            if let Some(none @ Value::Null) = fields.map.get("axis") {
                return Err(fields.bad(
                    "axis",
                    none,
                    "it must be a whole number: softmax over all axes is not supported",
                ));
            }
            Act::Softmax(Softmax { axis: fields.axis_or("axis", -1)? })
        }
        "Activation" => match fields.get("activation") {
            // An object may hold another Activation, which would nest without end.
            Some(Value::Object(object))
                if object.get("class_name").and_then(Value::as_str) == Some("Activation") =>
            {
                return Err(fields.error("an Activation inside an Activation is not supported"));
            }
            _ => activation(fields)?,
        },
        _ => return Ok(None),
    }))
}

fn leaky(fields: &Fields<'_>, slope: f64) -> Result<Activation> {
    Ok(Activation::LeakyRelu { alpha: float(fields, "negative slope", slope)? })
}

fn float(fields: &Fields<'_>, name: &str, number: f64) -> Result<f32> {
    let float = number as f32;
    match float.is_finite() {
        true => Ok(float),
        false => Err(fields.error(format!("the {name} {number:e} is not a 32-bit float"))),
    }
}

/// The layer PReLU: a slope for each element, or for all along `shared_axes`, which are numbered from 1 behind the batch.
pub(super) fn prelu(fields: &Fields<'_>, shape: &[usize]) -> Result<LayerKind> {
    let mut slope = shape.get(1..).unwrap_or_default().to_vec();
    if let Some(value) = fields.get("shared_axes") {
        let axes = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for axis in axes {
            let axis = fields.whole("shared_axes", axis)?;
            let Some(length) = slope.get_mut(axis - 1) else {
                let rule = format!("the input has {} axes behind its batch", shape.len().saturating_sub(1));
                return Err(fields.bad("shared_axes", value, &rule));
            };
            *length = 1;
        }
    }
    Ok(LayerKind::PRelu { slope: Weight::Shape(slope) })
}

/// The layer ReLU.
pub(super) fn relu(fields: &Fields<'_>) -> Result<LayerKind> {
    let max = fields.number("max_value")?;
    let slope = fields.number("negative_slope")?.unwrap_or(0.0);
    let threshold = fields.number("threshold")?.unwrap_or(0.0);
    // Numbers of which a 32-bit float has the inverse too.
    if threshold != 0.0 || max.is_some_and(|max| !(1e-30..1e30).contains(&max)) {
        let max = max.map_or_else(|| "none".to_owned(), |max| max.to_string());
        return Err(fields.error(format!(
            "ReLU with max_value {max}, negative_slope {slope} and threshold {threshold} is not supported: threshold must \
             be 0, and max_value absent or from 1e-30 to 1e30"
        )));
    }
    Ok(match max {
        None if slope == 0.0 => LayerKind::Activation(Activation::Relu),
        None => LayerKind::Activation(leaky(fields, slope)?),
        Some(6.0) if slope == 0.0 => LayerKind::Activation(Activation::Relu6),
        Some(max) => LayerKind::Relu {
            max_value: Some(max as f32),
            negative_slope: float(fields, "negative slope", slope)?,
        },
    })
}
