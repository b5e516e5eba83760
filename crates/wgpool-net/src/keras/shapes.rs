//! Keras' layers that move elements: padding, cropping, sizes and shapes.

use serde_json::Value;

use super::fields::Fields;
use crate::axes::space;
use crate::layer::{Edges, Interpolation, LayerKind, Resize};
use crate::lower::middle;
use wgpool::error::Result;
use wgpool::spec::Layout;

/// The layer of a class over `rank` axes, or none of these.
pub(super) fn layer(
    fields: &Fields<'_>,
    stem: &str,
    rank: Option<usize>,
    shape: &[usize],
) -> Result<Option<LayerKind>> {
    Ok(Some(match (stem, rank) {
        ("ZeroPadding", Some(rank)) => LayerKind::ZeroPad(edges(fields, "padding", rank)?),
        ("Cropping", Some(rank)) => LayerKind::Crop(edges(fields, "cropping", rank)?),
        ("UpSampling", Some(rank)) => up_sampling(fields, rank, shape)?,
        ("Resizing", None) => resizing(fields)?,
        ("CenterCrop", None) => center_crop(fields, shape)?,
        ("RandomCrop", None) => random_crop(fields, shape)?,
        ("Reshape", None) => LayerKind::Reshape(reshape(fields, shape)?),
        ("Permute", None) => LayerKind::Permute(fields.counts("dims", shape.len().saturating_sub(1))?),
        ("RepeatVector", None) => LayerKind::Repeat(fields.count("n")?),
        _ => return Ok(None),
    }))
}

/// One number for all edges, one for each axis, or one for each edge.
fn edges(fields: &Fields<'_>, key: &str, rank: usize) -> Result<Edges> {
    let value = fields.required(key)?;
    let of = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([before, after]) => Ok([fields.whole_or_zero(key, before)?, fields.whole_or_zero(key, after)?]),
        None => Ok([fields.whole_or_zero(key, value)?; 2]),
        Some(_) => Err(fields.bad(key, value, "each axis must have two numbers")),
    };
    let each: Vec<[usize; 2]> = match value {
        Value::Array(axes) if rank > 1 && axes.len() == rank => axes.iter().map(of).collect::<Result<_>>()?,
        Value::Array(_) if rank > 1 => {
            return Err(fields.bad(key, value, &format!("it must hold {rank} axes")));
        }
        one => vec![of(one)?; rank],
    };
    let layout = fields.layout()?;
    let side = |at: usize| each.iter().map(|edges| edges[at]).collect();
    Ok(Edges { before: side(0), after: side(1), layout })
}

fn up_sampling(fields: &Fields<'_>, rank: usize, shape: &[usize]) -> Result<LayerKind> {
    let (factors, layout) = (fields.counts("size", rank)?, fields.layout()?);
    let interpolation = interpolation(fields, "nearest")?;
    match (interpolation, factors.as_slice(), space(layout, shape)) {
        (Interpolation::Bilinear, &[y, x], &[height, width]) => {
            let (Some(height), Some(width)) = (height.checked_mul(y), width.checked_mul(x)) else {
                return Err(fields.error(format!("size {factors:?} is too large for an input of {shape:?}")));
            };
            let size = [height, width];
            Ok(LayerKind::Resize(Resize { size, interpolation, crop_to_aspect_ratio: false, layout }))
        }
        _ => Ok(LayerKind::UpSample { factors, layout }),
    }
}

fn interpolation<'a>(fields: &Fields<'a>, default: &'a str) -> Result<Interpolation> {
    match fields.text_or("interpolation", default)? {
        "nearest" => Ok(Interpolation::Nearest),
        "bilinear" => Ok(Interpolation::Bilinear),
        other => Err(fields.error(format!(
            "{} has the interpolation {other:?}, but only nearest and bilinear are supported",
            fields.class
        ))),
    }
}

fn size(fields: &Fields<'_>) -> Result<[usize; 2]> {
    Ok([fields.count("height")?, fields.count("width")?])
}

fn resizing(fields: &Fields<'_>) -> Result<LayerKind> {
    for key in ["pad_to_aspect_ratio", "antialias"] {
        if fields.flag_or(key, false)? {
            return Err(fields.error(format!("Resizing with {key} is not supported")));
        }
    }
    Ok(LayerKind::Resize(Resize {
        size: size(fields)?,
        interpolation: interpolation(fields, "bilinear")?,
        crop_to_aspect_ratio: fields.flag_or("crop_to_aspect_ratio", false)?,
        layout: fields.layout()?,
    }))
}

/// Height and width of the images that a layer reads.
fn images(fields: &Fields<'_>, shape: &[usize], layout: Layout) -> Result<[usize; 2]> {
    match space(layout, shape) {
        &[height, width] => Ok([height, width]),
        _ => Err(fields.error(format!(
            "{} takes a batch of images with channels, but the layer before gives {:?} without its batch",
            fields.class,
            shape.get(1..).unwrap_or_default()
        ))),
    }
}

/// The middle of an image; one that is too small is resized to its largest part of the same aspect ratio, as Keras has it.
fn center_crop(fields: &Fields<'_>, shape: &[usize]) -> Result<LayerKind> {
    let (size, layout) = (size(fields)?, fields.layout()?);
    let from = images(fields, shape, layout)?;
    if from[0] >= size[0] && from[1] >= size[1] {
        return Ok(LayerKind::Crop(middle(from, size, layout)));
    }
    let interpolation = Interpolation::Bilinear;
    Ok(LayerKind::Resize(Resize { size, interpolation, crop_to_aspect_ratio: true, layout }))
}

/// Outside training Keras leaves images as they are, but takes them to have the size that is asked for.
fn random_crop(fields: &Fields<'_>, shape: &[usize]) -> Result<LayerKind> {
    let (size, from) = (size(fields)?, images(fields, shape, fields.layout()?)?);
    if size == from {
        return Ok(LayerKind::Dropout);
    }
    Err(fields.error(format!(
        "RandomCrop takes {size:?} of images of {from:?}; outside training Keras crops nothing, so that only images of that \
         size are supported (CenterCrop and Resizing crop always)"
    )))
}

/// The target shape; one length may be -1, which is what is left.
fn reshape(fields: &Fields<'_>, shape: &[usize]) -> Result<Vec<usize>> {
    let value = fields.required("target_shape")?;
    let Some(lengths) = value.as_array() else {
        return Err(fields.bad("target_shape", value, "it must be a list"));
    };
    let free = |length: &Value| length.as_i64() == Some(-1);
    let mut target = Vec::with_capacity(lengths.len());
    for length in lengths {
        target.push(if free(length) { 1 } else { fields.whole("target_shape", length)? });
    }
    let open: Vec<usize> = lengths.iter().enumerate().filter(|(_, l)| free(l)).map(|(at, _)| at).collect();
    let elements: usize = shape.iter().skip(1).product();
    let known = target.iter().try_fold(1usize, |n, &l| n.checked_mul(l));
    match (open.as_slice(), known) {
        ([], _) => {}
        (&[at], Some(known)) if elements.is_multiple_of(known) => {
            if let Some(length) = target.get_mut(at) {
                *length = elements / known;
            }
        }
        _ => {
            let rule =
                format!("one length may be -1, and the others must divide the {elements} elements before it");
            return Err(fields.bad("target_shape", value, &rule));
        }
    }
    Ok(target)
}
