//! The class and the fields of each layer. What Keras' fields cannot say is found when the layer is read back.

use serde_json::{Map, Value, json};

use super::activation;
use super::fields::{Class, map};
use crate::axes::space;
use crate::keras::layers::transposed_edges;
use crate::layer::{Edges, Interpolation, Layer, LayerKind, Merge, Resize};
use crate::{BatchNorm, DropoutRate, Normalization, Rescale, Weight};
use wgpool::spec::{Activation, Conv, ConvTranspose, Layout, Padding, Pool, PoolKind, Softmax};

/// A layer that reads a tensor of this shape, with its batch; none for a model and for what Keras has no layer of.
pub(super) fn class(layer: &Layer, shape: &[usize]) -> Option<Class> {
    let rank = shape.len().saturating_sub(2);
    let of = |class: String, config: Value| Some((class, map(config)));
    let named = |class: &str, config: Value| Some((class.to_owned(), map(config)));
    match &layer.kind {
        LayerKind::Conv { spec, kernel, bias } => Some(conv(layer, spec, kernel, bias.is_some())),
        LayerKind::ConvTranspose { spec, kernel, bias } => {
            Some(transposed(spec, kernel, bias.is_some(), layer.softmax))
        }
        LayerKind::SeparableConv { depthwise, depthwise_kernel, pointwise_kernel, bias, activation } => {
            let (rank, [_, between]) = window(depthwise_kernel);
            let mut config = convolution(depthwise, depthwise_kernel, *activation, layer.softmax);
            config.insert("depth_multiplier".into(), json!(between / depthwise.groups.max(1)));
            config.insert("filters".into(), json!(window(pointwise_kernel).1[1]));
            config.insert("use_bias".into(), json!(bias.is_some()));
            Some((format!("SeparableConv{rank}D"), config))
        }
        LayerKind::Dense { spec, kernel, bias } => {
            let units = kernel.shape().last();
            let activation = activation::field(spec.activation, layer.softmax);
            named("Dense", json!({ "units": units, "activation": activation, "use_bias": bias.is_some() }))
        }
        LayerKind::Pool(pool) => pooling(pool),
        LayerKind::GlobalPool { spec, keepdims } => {
            let config = json!({ "data_format": format(spec.layout), "keepdims": keepdims });
            of(format!("Global{}{rank}D", of_kind(spec.kind)?), config)
        }
        LayerKind::AdaptivePool(spec) => {
            let rank = spec.output.len();
            let config = json!({ "output_size": alone(&spec.output), "data_format": format(spec.layout) });
            of(format!("Adaptive{}{rank}D", of_kind(spec.kind)?), config)
        }
        LayerKind::Activation(activation) => Some(activation::layer(layer, *activation)),
        LayerKind::Relu { max_value, negative_slope } => {
            named("ReLU", activation::relu(*max_value, *negative_slope))
        }
        LayerKind::PRelu { slope } => named("PReLU", activation::prelu(slope.shape(), shape)),
        LayerKind::Softmax(softmax) => Some(activation::softmax(layer, *softmax)),
        LayerKind::Flatten { from } => named("Flatten", json!({ "data_format": format(*from) })),
        LayerKind::Reshape(target) => named("Reshape", json!({ "target_shape": target })),
        LayerKind::Permute(dims) => named("Permute", json!({ "dims": dims })),
        LayerKind::Repeat(n) => named("RepeatVector", json!({ "n": n })),
        LayerKind::ZeroPad(edges) => {
            of(format!("ZeroPadding{}D", edges.before.len()), pads("padding", edges))
        }
        LayerKind::Crop(edges) if layer.class == "CenterCrop" => center(edges, shape),
        LayerKind::Crop(edges) => of(format!("Cropping{}D", edges.before.len()), pads("cropping", edges)),
        LayerKind::UpSample { factors, layout } => {
            let mut config = json!({ "size": alone(factors) });
            if factors.len() > 1 {
                config["data_format"] = json!(format(*layout));
            }
            of(format!("UpSampling{}D", factors.len()), config)
        }
        LayerKind::Resize(resize) => resized(layer, resize, shape),
        LayerKind::BatchNorm(norm) => named("BatchNormalization", batch_norm(norm)),
        LayerKind::Normalization(norm) => named("Normalization", normalization(norm)),
        // Keras adds offsets along the last axis, wherever channels lie.
        LayerKind::Rescale(Rescale { offset, layout: Layout::Nchw, .. }) if offset.len() > 1 => None,
        LayerKind::Rescale(Rescale { scale, offset, .. }) => {
            let each = |numbers: &[f64]| if let [one] = numbers { json!(one) } else { json!(numbers) };
            named("Rescaling", json!({ "scale": each(scale), "offset": each(offset) }))
        }
        // Of noise and random changes of images a model keeps no fields, and they do nothing where it predicts.
        LayerKind::Dropout => named("Identity", json!({})),
        LayerKind::DropoutRate(DropoutRate { rate, channels: None }) => {
            named("Dropout", json!({ "rate": rate }))
        }
        LayerKind::DropoutRate(DropoutRate { rate, channels: Some(layout) }) => {
            let mut config = json!({ "rate": rate });
            if rank > 1 {
                config["data_format"] = json!(format(*layout));
            }
            of(format!("SpatialDropout{rank}D"), config)
        }
        LayerKind::Merge(Merge::Concatenate { axis }) => named("Concatenate", json!({ "axis": axis })),
        LayerKind::Merge(merge) => of(format!("{merge:?}"), json!({})),
        LayerKind::Model(_) => None,
    }
}

fn format(layout: Layout) -> &'static str {
    match layout {
        Layout::Nhwc => "channels_last",
        Layout::Nchw => "channels_first",
    }
}

/// One number by itself, as layers over one axis have it.
fn alone(numbers: &[usize]) -> Value {
    if let [one] = numbers { json!(one) } else { json!(numbers) }
}

/// One number for each of the axes, where one may stand for all.
fn each(numbers: &[usize], rank: usize) -> Vec<usize> {
    if let [one] = numbers { vec![*one; rank] } else { numbers.to_vec() }
}

/// The number of axes of a kernel's window, and its last two lengths.
fn window(kernel: &Weight) -> (usize, [usize; 2]) {
    match kernel.shape() {
        [window @ .., second, last] => (window.len(), [*second, *last]),
        _ => (0, [0, 0]),
    }
}

/// The fields that convolutions have.
fn convolution(
    spec: &Conv,
    kernel: &Weight,
    activation: Activation,
    softmax: Option<Softmax>,
) -> Map<String, Value> {
    let (rank, _) = window(kernel);
    let size = kernel.shape().get(..rank).unwrap_or_default();
    let dilation = each(&spec.dilation, rank);
    let padding = match (&spec.padding, size, dilation.as_slice()) {
        (Padding::Explicit { before, after }, &[k], &[d])
            if after.iter().all(|&n| n == 0) && k > 1 && *before == [d.saturating_mul(k - 1)] =>
        {
            "causal"
        }
        (other, ..) => padding(other),
    };
    map(json!({
        "kernel_size": size,
        "strides": each(&spec.stride, rank),
        "padding": padding,
        "data_format": format(spec.layout),
        "dilation_rate": dilation,
        "activation": activation::field(activation, softmax),
    }))
}

fn padding(of: &Padding) -> &'static str {
    if *of == Padding::SameUpper { "same" } else { "valid" }
}

fn conv(layer: &Layer, spec: &Conv, kernel: &Weight, bias: bool) -> Class {
    let (rank, [_, outputs]) = window(kernel);
    let mut config = convolution(spec, kernel, spec.activation, layer.softmax);
    config.insert("use_bias".into(), json!(bias));
    if layer.class.starts_with("Depthwise") {
        config.insert("depth_multiplier".into(), json!(outputs / spec.groups.max(1)));
        return (format!("DepthwiseConv{rank}D"), config);
    }
    config.insert("filters".into(), json!(outputs));
    config.insert("groups".into(), json!(spec.groups));
    (format!("Conv{rank}D"), config)
}

/// Keras' padding that cuts off and adds the same; where there is none, one that does not.
fn transposed(spec: &ConvTranspose, kernel: &Weight, bias: bool, softmax: Option<Softmax>) -> Class {
    let (rank, [outputs, _]) = window(kernel);
    let size = kernel.shape().get(..rank).unwrap_or_default();
    let (stride, dilation) = (each(&spec.stride, rank), each(&spec.dilation, rank));
    let cut = |side: &[usize], axis: usize| each(side, rank).get(axis).copied().unwrap_or(0);
    let wanted = |axis: usize| {
        let (before, after) = match &spec.padding {
            Padding::Explicit { before, after } => (cut(before, axis), cut(after, axis)),
            _ => (0, 0),
        };
        [before, after, cut(&spec.output_padding, axis)]
    };
    let axes = || size.iter().zip(&stride).zip(&dilation).enumerate();
    let fits = |same: bool, added: Option<usize>, axis: usize, [taps, stride, dilation]: [usize; 3]| {
        transposed_edges(same, added, [taps, stride, dilation]) == Some(wanted(axis))
    };
    let mut found = ("valid", Value::Null);
    'found: for (same, name) in [(false, "valid"), (true, "same")] {
        if axes()
            .all(|(axis, ((&taps, &stride), &dilation))| fits(same, None, axis, [taps, stride, dilation]))
        {
            found = (name, Value::Null);
            break 'found;
        }
        let added = axes().map(|(axis, ((&taps, &stride), &dilation))| {
            (0..stride).find(|&added| fits(same, Some(added), axis, [taps, stride, dilation]))
        });
        if let Some(added) = added.collect::<Option<Vec<usize>>>() {
            found = (name, json!(added));
            break 'found;
        }
    }
    let config = json!({
        "filters": outputs,
        "kernel_size": size,
        "strides": stride,
        "padding": found.0,
        "output_padding": found.1,
        "data_format": format(spec.layout),
        "dilation_rate": dilation,
        "activation": activation::field(spec.activation, softmax),
        "use_bias": bias,
    });
    (format!("Conv{rank}DTranspose"), map(config))
}

/// What Keras calls pooling; it has none of powers.
fn of_kind(kind: PoolKind) -> Option<&'static str> {
    match kind {
        PoolKind::Max => Some("MaxPooling"),
        PoolKind::Average { .. } => Some("AveragePooling"),
        _ => None,
    }
}

fn pooling(pool: &Pool) -> Option<Class> {
    let rank = pool.window.len();
    let config = json!({
        "pool_size": pool.window,
        "strides": each(&pool.stride, rank),
        "padding": padding(&pool.padding),
        "data_format": format(pool.layout),
    });
    Some((format!("{}{rank}D", of_kind(pool.kind)?), map(config)))
}

/// What is added or taken away at the ends of axes; over one axis `Cropping1D` has no memory order.
fn pads(key: &str, edges: &Edges) -> Value {
    let each: Vec<[usize; 2]> = edges.before.iter().zip(&edges.after).map(|(&a, &b)| [a, b]).collect();
    let mut config = json!({ key: if let [one] = each.as_slice() { json!(one) } else { json!(each) } });
    if each.len() > 1 || key == "padding" {
        config["data_format"] = json!(format(edges.layout));
    }
    config
}

/// The size of a layer's output.
fn sized(class: &str, [height, width]: [usize; 2], layout: Layout) -> Option<Class> {
    let config = json!({ "height": height, "width": width, "data_format": format(layout) });
    Some((class.to_owned(), map(config)))
}

fn center(edges: &Edges, shape: &[usize]) -> Option<Class> {
    let left = |axis: usize| {
        let cut = edges.before.get(axis)? + edges.after.get(axis)?;
        space(edges.layout, shape).get(axis)?.checked_sub(cut)
    };
    sized("CenterCrop", [left(0)?, left(1)?], edges.layout)
}

fn resized(layer: &Layer, resize: &Resize, shape: &[usize]) -> Option<Class> {
    let [height, width] = resize.size;
    let interpolation = match resize.interpolation {
        Interpolation::Nearest => "nearest",
        Interpolation::Bilinear => "bilinear",
    };
    if layer.class == "CenterCrop" && resize.crop_to_aspect_ratio {
        return sized("CenterCrop", resize.size, resize.layout);
    }
    if let (true, &[from, across]) = (layer.class == "UpSampling2D", space(resize.layout, shape)) {
        let config = json!({
            "size": [height / from.max(1), width / across.max(1)],
            "data_format": format(resize.layout),
            "interpolation": interpolation,
        });
        return Some(("UpSampling2D".to_owned(), map(config)));
    }
    let config = json!({
        "height": height,
        "width": width,
        "interpolation": interpolation,
        "crop_to_aspect_ratio": resize.crop_to_aspect_ratio,
        "data_format": format(resize.layout),
    });
    Some(("Resizing".to_owned(), map(config)))
}

/// The axis of the channels.
fn axis(layout: Layout) -> isize {
    if layout == Layout::Nchw { 1 } else { -1 }
}

fn batch_norm(norm: &BatchNorm) -> Value {
    json!({
        "axis": axis(norm.layout),
        "momentum": norm.momentum,
        "epsilon": norm.epsilon,
        "center": norm.beta.is_some(),
        "scale": norm.gamma.is_some(),
    })
}

fn normalization(norm: &Normalization) -> Value {
    let axis = if norm.mean.shape().is_empty() { Value::Null } else { json!(axis(norm.layout)) };
    json!({ "axis": axis, "invert": norm.invert, "mean": null, "variance": null })
}
