//! `Resize` and `Upsample`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::super::manifest::Node;
use super::{OP, axes, numbers, required};
use wgpool::error::Error;
use wgpool::spec::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};

pub(super) fn resize(
    node: &Node,
    attributes: Attributes<'_>,
    opset: i64,
    inputs: &[Option<Array>],
) -> Result<Call, Refusal> {
    let x = required(inputs, 0)?;
    let rank = x.shape.len();
    // Before, there were neither regions nor sizes.
    let old = node.op == "Upsample" || opset < 11;
    let unsupported = |what: &str| Err(Refusal::Unsupported(format!("Resize with {what}")));
    if attributes.flag(&["antialias"])?.unwrap_or(false) {
        return unsupported("antialias");
    }
    if !matches!(attributes.word(&["keep_aspect_ratio_policy"]), None | Some("stretch")) {
        return unsupported("a ratio that is kept");
    }
    let axes = match attributes.ints(&["axes"])? {
        Some(list) => axes(&list, rank)?,
        None => (0..rank).collect(),
    };
    let mut shape = x.shape.clone();
    let mut scales = None;
    if let Some(sizes) = numbers(attributes, inputs, 3, "sizes")?.filter(|sizes| !sizes.is_empty()) {
        for (&axis, &size) in axes.iter().zip(&sizes) {
            let size = usize::try_from(size);
            *shape.get_mut(axis).ok_or_else(|| attributes.missing("sizes"))? =
                size.map_err(|_| Error::parameter(OP, "sizes", &sizes, "no length may be negative"))?;
        }
    } else {
        let given = required(inputs, if old { 1 } else { 2 })?;
        let mut factors = vec![1.0; rank];
        for (i, &axis) in axes.iter().enumerate() {
            let factor = given.get(i).unwrap_or(1.0);
            if let Some((length, slot)) = shape.get_mut(axis).zip(factors.get_mut(axis)) {
                *slot = factor as f32;
                *length = (*length as f64 * factor).floor() as usize;
            }
        }
        scales = Some(factors);
    }
    let rounding = match attributes.word(&["nearest_mode"]) {
        None if old => NearestRounding::Floor,
        None | Some("round_prefer_floor") => NearestRounding::RoundPreferFloor,
        Some("round_prefer_ceil") => NearestRounding::RoundPreferCeil,
        Some("floor") => NearestRounding::Floor,
        Some("ceil") => NearestRounding::Ceil,
        Some(other) => return unsupported(other),
    };
    let mode = match attributes.word(&["mode"]) {
        None | Some("nearest") => ResizeMode::Nearest(rounding),
        Some("linear") => ResizeMode::Linear,
        Some("cubic") => ResizeMode::Cubic {
            coefficient: attributes.float(&["cubic_coeff_a"])?.unwrap_or(-0.75) as f32,
            exclude_outside: attributes.flag(&["exclude_outside"])?.unwrap_or(false),
        },
        Some(other) => return unsupported(other),
    };
    let coordinates = match attributes.word(&["coordinate_transformation_mode"]) {
        None if old => ResizeCoordinates::Asymmetric,
        None | Some("half_pixel") => ResizeCoordinates::HalfPixel,
        Some("half_pixel_symmetric") => ResizeCoordinates::HalfPixelSymmetric,
        Some("pytorch_half_pixel") => ResizeCoordinates::PytorchHalfPixel,
        Some("asymmetric") => ResizeCoordinates::Asymmetric,
        Some("align_corners") => ResizeCoordinates::AlignCorners,
        Some(other) => return unsupported(other),
    };
    Ok(Call::new(Resize { shape, scales, mode, coordinates }, vec![(Role::Data, x.clone())]))
}
