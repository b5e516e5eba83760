//! Keras' layers that scale and shift channels.

use serde_json::Value;

use super::fields::Fields;
use crate::affine::affine_of;
use crate::axes::channels;
use crate::{BatchNorm, LayerKind, Normalization, Rescale, Weight};
use wgpool::error::Result;
use wgpool::spec::Layout;

/// The channel axis as a memory order.
fn channel_axis(fields: &Fields<'_>, axis: isize, shape: &[usize]) -> Result<Layout> {
    let last = shape.len() as isize - 1;
    match axis {
        _ if last < 1 => Err(fields.error(format!("{} needs an axis behind the batch", fields.class))),
        _ if axis == -1 || axis == last => Ok(Layout::Nhwc),
        _ if axis == 1 || axis == -last => Ok(Layout::Nchw),
        _ => Err(fields.error(format!(
            "{} has axis {axis}, but only the channel axis (1 or {last}) is supported",
            fields.class
        ))),
    }
}

pub(super) fn batch_norm(fields: &Fields<'_>, shape: &[usize]) -> Result<BatchNorm> {
    let layout = channel_axis(fields, fields.axis_or("axis", -1)?, shape)?;
    let vector = || Weight::Shape(vec![channels(layout, shape)]);
    Ok(BatchNorm {
        gamma: fields.flag_or("scale", true)?.then(vector),
        beta: fields.flag_or("center", true)?.then(vector),
        mean: vector(),
        variance: vector(),
        epsilon: fields.number("epsilon")?.unwrap_or(1e-3),
        momentum: fields.number("momentum")?.unwrap_or(0.99),
        layout,
    })
}

/// With weights if it was adapted; a scale and offset if the configuration holds mean and variance.
pub(super) fn normalization(fields: &Fields<'_>, shape: &[usize]) -> Result<LayerKind> {
    let all = match fields.map.get("axis") {
        Some(Value::Null) => true,
        Some(Value::Array(axes)) => axes.is_empty(),
        _ => false,
    };
    let layout = match all {
        true => Layout::Nhwc,
        false => channel_axis(fields, fields.axis_or("axis", -1)?, shape)?,
    };
    let invert = fields.flag_or("invert", false)?;
    let vector = || Weight::Shape(if all { vec![] } else { vec![channels(layout, shape)] });
    match (fields.numbers("mean")?, fields.numbers("variance")?) {
        (None, None) => {
            let (mean, variance) = (vector(), vector());
            Ok(LayerKind::Normalization(Normalization { mean, variance, invert, layout }))
        }
        (Some(mean), Some(variance)) => {
            if let Some(below) = variance.iter().find(|v| **v < 0.0) {
                return Err(fields
                    .error(format!("Normalization has the variance {below}, but it must not be negative")));
            }
            let each = mean.iter().zip(&variance);
            let each = each.map(|(&mean, &variance)| affine_of(mean, variance, invert));
            let (scale, offset) = each.unzip();
            if mean.len() != variance.len() {
                return Err(fields.error(format!(
                    "Normalization has {} means but {} variances",
                    mean.len(),
                    variance.len()
                )));
            }
            Ok(LayerKind::Rescale(Rescale { scale, offset, layout }))
        }
        _ => Err(fields.error("Normalization has one of mean and variance, but needs both or neither")),
    }
}

/// `layout` is the model's: the configuration does not hold it.
pub(super) fn rescaling(fields: &Fields<'_>, layout: Layout) -> Result<LayerKind> {
    let numbers = |key: &str, default: f64| Ok(fields.numbers(key)?.unwrap_or_else(|| vec![default]));
    let scale = fields.numbers("scale")?.ok_or_else(|| fields.error("Rescaling lacks scale"))?;
    let offset: Result<Vec<f64>> = numbers("offset", 0.0);
    Ok(LayerKind::Rescale(Rescale { scale, offset: offset?, layout }))
}
