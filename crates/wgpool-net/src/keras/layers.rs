//! Keras' layer classes: each becomes one layer whose weights are known by their shapes.

use super::activation::{self, Act};
use super::fields::Fields;
use crate::{BatchNorm, Layer, LayerKind, Weight};
use wgpool::error::Result;
use wgpool::spec::{Activation, Conv, Dense, GlobalPool, KernelLayout, Layout, Padding, Pool};

/// What is supported, as errors list it.
pub(super) const SUPPORTED: &str = "InputLayer, Conv1D/2D/3D, DepthwiseConv1D/2D, MaxPooling1D/2D/3D, \
    AveragePooling1D/2D/3D, GlobalMaxPooling1D/2D/3D, GlobalAveragePooling1D/2D/3D, Dense, Flatten, Dropout, \
    SpatialDropout1D/2D/3D, Activation, ReLU, LeakyReLU, ELU, Softmax, BatchNormalization";

/// The layer of a configuration that reads a tensor of `shape` (with its batch).
pub(super) fn layer(fields: &Fields<'_>, shape: &[usize]) -> Result<Layer> {
    fields.check_dtype()?;
    if fields.get("quantization_config").is_some() {
        return Err(fields.error("quantized layers are not supported"));
    }
    let (kind, softmax) = match split_rank(fields.class) {
        ("Conv", Some(rank)) => conv(fields, shape, rank)?,
        ("DepthwiseConv", Some(rank @ 1..=2)) => conv(fields, shape, rank)?,
        ("MaxPooling" | "AveragePooling", Some(rank)) => (LayerKind::Pool(pool(fields, rank)?), None),
        ("GlobalMaxPooling" | "GlobalAveragePooling", Some(rank)) => {
            (global_pool(fields, shape, rank)?, None)
        }
        ("SpatialDropout", Some(_)) | ("Dropout", None) => (LayerKind::Dropout, None),
        ("Dense", None) => dense(fields, shape)?,
        ("Flatten", None) => (LayerKind::Flatten { from: layout(fields)? }, None),
        ("BatchNormalization", None) => (LayerKind::BatchNorm(batch_norm(fields, shape)?), None),
        _ => match activation::layer(fields)? {
            Some(Act::Pointwise(activation)) => (LayerKind::Activation(activation), None),
            Some(Act::Softmax(softmax)) => (LayerKind::Softmax(softmax), None),
            None => {
                return Err(fields.error(format!(
                    "the layer class {} is not supported; supported are {SUPPORTED}",
                    fields.class
                )));
            }
        },
    };
    Ok(Layer {
        name: fields.layer.to_owned(),
        class: fields.class.to_owned(),
        trainable: fields.flag_or("trainable", true)?,
        kind,
        softmax,
    })
}

/// `Conv2D` as `Conv` over two axes.
fn split_rank(class: &str) -> (&str, Option<usize>) {
    for (suffix, rank) in [("1D", 1), ("2D", 2), ("3D", 3)] {
        if let Some(stem) = class.strip_suffix(suffix) {
            return (stem, Some(rank));
        }
    }
    (class, None)
}

/// Whether a layer's memory order is part of what the whole model must agree on.
pub(super) fn has_layout(class: &str) -> bool {
    let (stem, rank) = split_rank(class);
    rank.is_some() && stem != "SpatialDropout"
}

pub(super) fn layout(fields: &Fields<'_>) -> Result<Layout> {
    match fields.text_or("data_format", "channels_last")? {
        "channels_last" => Ok(Layout::Nhwc),
        "channels_first" => Ok(Layout::Nchw),
        other => {
            Err(fields
                .error(format!("data_format is {other:?}, but it must be channels_last or channels_first")))
        }
    }
}

/// The channels of an input of `rank` spatial axes.
fn channels(fields: &Fields<'_>, shape: &[usize], rank: usize, layout: Layout) -> Result<usize> {
    match (shape, layout) {
        ([_, c, ..], Layout::Nchw) | ([_, .., c], Layout::Nhwc) if shape.len() == rank + 2 => Ok(*c),
        _ => Err(fields.error(format!(
            "{} takes a batch of {rank} spatial axes and channels, but the layer before gives {:?} without its batch",
            fields.class,
            shape.get(1..).unwrap_or_default()
        ))),
    }
}

fn padding(fields: &Fields<'_>) -> Result<Padding> {
    match fields.text_or("padding", "valid")? {
        "valid" => Ok(Padding::Valid),
        "same" => Ok(Padding::SameUpper),
        other => Err(fields.error(format!("padding {other:?} of {} is not supported", fields.class))),
    }
}

/// Splits an activation into what the operation itself applies and a softmax behind it.
fn epilogue(fields: &Fields<'_>) -> Result<(Activation, Option<wgpool::Softmax>)> {
    Ok(match activation::activation(fields)? {
        Act::Pointwise(activation) => (activation, None),
        Act::Softmax(softmax) => (Activation::None, Some(softmax)),
    })
}

fn bias(fields: &Fields<'_>, outputs: usize) -> Result<Option<Weight>> {
    Ok(fields.flag_or("use_bias", true)?.then(|| Weight::Shape(vec![outputs])))
}

fn conv(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<(LayerKind, Option<wgpool::Softmax>)> {
    let layout = layout(fields)?;
    let inputs = channels(fields, shape, rank, layout)?;
    let window = fields.counts("kernel_size", rank)?;
    let dilation = fields.counts_or("dilation_rate", rank, vec![1; rank])?;
    let (groups, outputs) = if fields.class.starts_with("Depthwise") {
        let multiplier = fields.count_or("depth_multiplier", 1)?;
        let outputs = inputs.checked_mul(multiplier);
        (inputs, outputs.ok_or_else(|| fields.error(format!("depth_multiplier {multiplier} is too large")))?)
    } else {
        (fields.count_or("groups", 1)?, fields.count("filters")?)
    };
    if inputs % groups != 0 || outputs % groups != 0 {
        return Err(fields
            .error(format!("groups {groups} must divide {inputs} input channels and {outputs} filters")));
    }
    // No padding of Keras' makes an image larger, so this bounds the output before its strides are computed.
    let pixels = shape.iter().product::<usize>() / inputs.max(1);
    if pixels.checked_mul(outputs).is_none() {
        return Err(fields.error(format!("{outputs} filters are too large for an input of shape {shape:?}")));
    }
    let padding = match (rank, window.as_slice(), dilation.as_slice()) {
        // A causal convolution sees only what came before: all padding is at the start.
        (1, &[k], &[d]) if fields.text_or("padding", "valid")? == "causal" => {
            Padding::Explicit { before: vec![d.saturating_mul(k - 1)], after: vec![0] }
        }
        _ => padding(fields)?,
    };
    let (activation, softmax) = epilogue(fields)?;
    let spec = Conv::new()
        .stride(fields.counts_or("strides", rank, vec![1; rank])?)
        .dilation(dilation)
        .padding(padding)
        .groups(groups)
        .activation(activation)
        .layout(layout)
        .kernel_layout(KernelLayout::Hwio);
    let mut kernel = window;
    kernel.extend([inputs / groups, outputs]);
    Ok((LayerKind::Conv { spec, kernel: Weight::Shape(kernel), bias: bias(fields, outputs)? }, softmax))
}

fn dense(fields: &Fields<'_>, shape: &[usize]) -> Result<(LayerKind, Option<wgpool::Softmax>)> {
    let units = fields.count("units")?;
    let &[_, .., inputs] = shape else {
        return Err(fields.error("a dense layer needs an input with at least one axis behind the batch"));
    };
    let (activation, softmax) = epilogue(fields)?;
    let kernel = Weight::Shape(vec![inputs, units]);
    Ok((
        LayerKind::Dense { spec: Dense::new().activation(activation), kernel, bias: bias(fields, units)? },
        softmax,
    ))
}

fn pool(fields: &Fields<'_>, rank: usize) -> Result<Pool> {
    let window = fields.counts("pool_size", rank)?;
    let stride = fields.counts_or("strides", rank, window.clone())?;
    // Keras leaves padding out of an average's count, which is Pool::average.
    let pool = if fields.class.starts_with("Max") { Pool::max(window) } else { Pool::average(window) };
    Ok(pool.stride(stride).padding(padding(fields)?).layout(layout(fields)?))
}

fn global_pool(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<LayerKind> {
    let layout = layout(fields)?;
    channels(fields, shape, rank, layout)?;
    let max = fields.class.starts_with("GlobalMax");
    let spec = if max { GlobalPool::max() } else { GlobalPool::average() };
    Ok(LayerKind::GlobalPool { spec: spec.layout(layout), keepdims: fields.flag_or("keepdims", false)? })
}

fn batch_norm(fields: &Fields<'_>, shape: &[usize]) -> Result<BatchNorm> {
    let axis = fields.axis_or("axis", -1)?;
    let last = shape.len() as isize - 1;
    let layout = match axis {
        _ if last < 1 => return Err(fields.error("batch normalisation needs an axis behind the batch")),
        _ if axis == -1 || axis == last => Layout::Nhwc,
        _ if axis == 1 || axis == -last => Layout::Nchw,
        _ => {
            return Err(fields.error(format!(
                "BatchNormalization has axis {axis}, but only the channel axis (1 or {last}) is supported"
            )));
        }
    };
    let channels = match layout {
        Layout::Nchw => shape.get(1),
        Layout::Nhwc => shape.last(),
    };
    let vector = || Weight::Shape(channels.map_or(vec![], |&c| vec![c]));
    Ok(BatchNorm {
        gamma: fields.flag_or("scale", true)?.then(vector),
        beta: fields.flag_or("center", true)?.then(vector),
        mean: vector(),
        variance: vector(),
        epsilon: fields.number("epsilon")?.unwrap_or(1e-3),
        layout,
    })
}
