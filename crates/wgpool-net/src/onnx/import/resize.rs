//! Images of another size.

use super::call::Call;
use super::items::Item;
use crate::onnx::refused::quoted;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};

/// `Upsample` and version 10 know scales alone, from the first element on.
pub(super) fn upsample<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 2)?;
    let scales = match (call.has(1), call.node.floats("scales")?) {
        (true, _) => factors(call, 1)?,
        (false, Some(scales)) => scales,
        (false, None) => return Err(call.node.refused(Refusal::Structure, "the scales are missing")),
    };
    let mode = mode(call, NearestRounding::Floor)?;
    let axes: Vec<usize> = (0..call.rank(0)?).collect();
    scaled(call, &axes, &scales, mode, ResizeCoordinates::Asymmetric)
}

pub(super) fn resize<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    if call.opset() < 11 {
        return upsample(call);
    }
    call.arity(1, 4)?;
    let unsupported = |what: &str| call.node.refused(Refusal::Unsupported, format!("resizing with {what}"));
    if call.node.int_or("antialias", 0)? != 0 {
        return Err(unsupported("antialias"));
    }
    let policy = call.node.text_or("keep_aspect_ratio_policy", "stretch")?;
    if policy != "stretch" {
        return Err(unsupported(&format!("the policy {}", quoted(policy))));
    }
    let coordinates = match call.node.text_or("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => ResizeCoordinates::HalfPixel,
        "half_pixel_symmetric" => ResizeCoordinates::HalfPixelSymmetric,
        "pytorch_half_pixel" => ResizeCoordinates::PytorchHalfPixel,
        "asymmetric" => ResizeCoordinates::Asymmetric,
        "align_corners" => ResizeCoordinates::AlignCorners,
        other => return Err(unsupported(&format!("the coordinates {}", quoted(other)))),
    };
    let mode = mode(call, NearestRounding::RoundPreferFloor)?;
    let shape = call.shape(0)?;
    let axes = match call.node.ints("axes")? {
        Some(axes) => call.node.axes(&axes, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    // An empty list stands for none.
    let given = |at: usize| call.has(at) && call.shape(at).is_ok_and(|shape| shape != [0]);
    match (given(2), given(3)) {
        (true, false) => {
            let scales = factors(call, 2)?;
            scaled(call, &axes, &scales, mode, coordinates)
        }
        (false, true) => {
            let sizes = call.lengths("sizes", &call.integers(3)?)?;
            check_count(call, "sizes", sizes.len(), axes.len())?;
            let mut to = shape;
            axes.iter().zip(sizes).for_each(|(&axis, size)| to[axis] = size);
            let x = call.value(0)?;
            call.one(Resize { shape: to, scales: None, mode, coordinates }, &[x])
        }
        _ => Err(call.node.refused(Refusal::Structure, "either scales or sizes must be given")),
    }
}

fn check_count(call: &Call<'_, '_>, what: &str, got: usize, wanted: usize) -> Result<()> {
    if got == wanted {
        return Ok(());
    }
    let reason = format!("{what} have {got} numbers for {wanted} axes");
    Err(call.node.refused(Refusal::Shape, reason))
}

/// Scales from an input.
fn factors(call: &Call<'_, '_>, at: usize) -> Result<Vec<f32>> {
    Ok(call.known(at)?.f64s().into_iter().map(|number| number as f32).collect())
}

/// Each length times its scale, rounded down.
fn scaled<'a>(
    call: &mut Call<'_, 'a>,
    axes: &[usize],
    scales: &[f32],
    mode: ResizeMode,
    coordinates: ResizeCoordinates,
) -> Result<Vec<Item<'a>>> {
    check_count(call, "scales", scales.len(), axes.len())?;
    let mut shape = call.shape(0)?;
    let mut factors = vec![1.0; shape.len()];
    for (&axis, &scale) in axes.iter().zip(scales) {
        let length = (shape[axis] as f64 * f64::from(scale)).floor();
        if !(0.0..=usize::MAX as f64).contains(&length) || scale <= 0.0 {
            let reason = format!("scale {scale} of axis {axis} must be positive");
            return Err(call.node.refused(Refusal::Shape, reason));
        }
        (shape[axis], factors[axis]) = (length as usize, scale);
    }
    let x = call.value(0)?;
    call.one(Resize { shape, scales: Some(factors), mode, coordinates }, &[x])
}

fn mode(call: &Call<'_, '_>, usual: NearestRounding) -> Result<ResizeMode> {
    let node = call.node;
    let rounding = match node.text("nearest_mode")? {
        None => usual,
        Some("round_prefer_floor") => NearestRounding::RoundPreferFloor,
        Some("round_prefer_ceil") => NearestRounding::RoundPreferCeil,
        Some("floor") => NearestRounding::Floor,
        Some("ceil") => NearestRounding::Ceil,
        Some(other) => {
            let reason = format!("attribute nearest_mode is {}", quoted(other));
            return Err(node.refused(Refusal::Structure, reason));
        }
    };
    Ok(match node.text_or("mode", "nearest")? {
        "nearest" => ResizeMode::Nearest(rounding),
        // Version 7 and 9 call it so too.
        "linear" | "bilinear" => ResizeMode::Linear,
        "cubic" => ResizeMode::Cubic {
            coefficient: node.float_or("cubic_coeff_a", -0.75)?,
            exclude_outside: node.int_or("exclude_outside", 0)? != 0,
        },
        other => {
            let reason = format!("attribute mode is {}", quoted(other));
            return Err(node.refused(Refusal::Structure, reason));
        }
    })
}
