//! Keras' layer classes: each becomes one layer whose weights are known by their shapes.

use super::activation::{self, Act};
use super::fields::{Fields, Outer, is_model};
use super::{scaling, shapes};
use crate::{DropoutRate, Layer, LayerKind, Merge, Weight};
use wgpool::Softmax;
use wgpool::error::Result;
use wgpool::spec::{
    Activation, AdaptivePool, Conv, ConvTranspose, Dense, GlobalPool, KernelLayout, Layout, Padding, Pool,
};

/// What is supported, as errors list it.
pub(super) const SUPPORTED: &str = "InputLayer, Conv1D/2D/3D, Conv1D/2D/3DTranspose, DepthwiseConv1D/2D, \
    SeparableConv1D/2D, MaxPooling1D/2D/3D, AveragePooling1D/2D/3D, GlobalMaxPooling1D/2D/3D, \
    GlobalAveragePooling1D/2D/3D, AdaptiveMaxPooling1D/2D/3D, AdaptiveAveragePooling1D/2D/3D, Dense, Flatten, Reshape, \
    Permute, RepeatVector, ZeroPadding1D/2D/3D, Cropping1D/2D/3D, UpSampling1D/2D/3D, Resizing, CenterCrop, Rescaling, \
    Normalization, BatchNormalization, Activation, ReLU, LeakyReLU, PReLU, ELU, Softmax, Add, Subtract, Multiply, Average, \
    Maximum, Minimum, Concatenate, models as layers, and what only training uses: Dropout, \
    SpatialDropout1D/2D/3D, GaussianDropout, AlphaDropout, GaussianNoise, ActivityRegularization, Identity, RandomFlip \
    and other random layers";

/// Layers that leave their input as it is outside training.
const FOR_TRAINING: [&str; 27] = [
    "ActivityRegularization",
    "AlphaDropout",
    "AugMix",
    "CutMix",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
];

/// The layer of a configuration that reads tensors of these shapes, with their batch.
pub(super) fn layer(fields: &Fields<'_>, shapes: &[Vec<usize>], outer: &Outer<'_>) -> Result<Layer> {
    fields.check_dtype()?;
    if fields.get("quantization_config").is_some() {
        return Err(fields.error("quantized layers are not supported"));
    }
    let (kind, softmax) = match several(fields, shapes, outer)? {
        Some(kind) => (kind, None),
        // That it takes one is told when it is lowered.
        None => single(fields, shapes.first().map_or(&[], Vec::as_slice), outer.layout)?,
    };
    Ok(Layer {
        name: fields.layer.to_owned(),
        class: fields.class.to_owned(),
        trainable: fields.flag_or("trainable", true)?,
        kind,
        softmax,
    })
}

/// A layer that may read several tensors: one of them, or a model.
fn several(fields: &Fields<'_>, shapes: &[Vec<usize>], outer: &Outer<'_>) -> Result<Option<LayerKind>> {
    if is_model(fields.class) {
        let outer = Outer { shapes, ..*outer };
        let inner = (outer.model)(fields, &outer)?;
        if inner.inputs.len() != shapes.len() {
            let (takes, given) = (inner.inputs.len(), shapes.len());
            return Err(fields.error(format!("the model takes {takes} inputs, but {given} are given")));
        }
        return Ok(Some(LayerKind::Model(Box::new(inner))));
    }
    let merge = match fields.class {
        "Add" => Merge::Add,
        "Subtract" => Merge::Subtract,
        "Multiply" => Merge::Multiply,
        // Of keras.ops it is a weighted mean along axes.
        "Average" if !fields.is_operation => Merge::Average,
        "Maximum" => Merge::Maximum,
        "Minimum" => Merge::Minimum,
        "Concatenate" => Merge::Concatenate { axis: fields.axis_or("axis", -1)? },
        _ => return Ok(None),
    };
    // Operations line axes up from the last one, layers behind the batch.
    if fields.is_operation && shapes.iter().any(|shape| Some(shape.len()) != shapes.first().map(Vec::len)) {
        return Err(fields.error(format!("keras.ops gives {shapes:?} other axes than layers do")));
    }
    Ok(Some(LayerKind::Merge(merge)))
}

fn single(fields: &Fields<'_>, shape: &[usize], model: Layout) -> Result<(LayerKind, Option<Softmax>)> {
    Ok(match split_rank(fields.class) {
        ("Conv", Some(rank)) => conv(fields, shape, rank)?,
        ("DepthwiseConv", Some(rank @ 1..=2)) => conv(fields, shape, rank)?,
        ("SeparableConv", Some(rank @ 1..=2)) => separable(fields, shape, rank)?,
        ("ConvTranspose", Some(rank)) => conv_transpose(fields, shape, rank)?,
        ("MaxPooling" | "AveragePooling", Some(rank)) => (LayerKind::Pool(pool(fields, rank)?), None),
        ("GlobalMaxPooling" | "GlobalAveragePooling", Some(rank)) => {
            (global_pool(fields, shape, rank)?, None)
        }
        ("AdaptiveMaxPooling" | "AdaptiveAveragePooling", Some(rank)) => {
            (LayerKind::AdaptivePool(adaptive_pool(fields, rank)?), None)
        }
        ("SpatialDropout", Some(rank)) => {
            (dropout(fields, Some(if rank == 1 { Layout::Nhwc } else { fields.layout()? })), None)
        }
        ("Dropout", None) => (dropout(fields, None), None),
        ("RandomZoom" | "RandomPosterization", None) => (LayerKind::Dropout, None),
        (class, None) if FOR_TRAINING.contains(&class) => (LayerKind::Dropout, None),
        ("Dense", None) => dense(fields, shape)?,
        ("Flatten", None) => (LayerKind::Flatten { from: fields.layout()? }, None),
        ("BatchNormalization", None) => (LayerKind::BatchNorm(scaling::batch_norm(fields, shape)?), None),
        ("Normalization", None) => (scaling::normalization(fields, shape)?, None),
        ("Rescaling", None) => (scaling::rescaling(fields, model)?, None),
        ("ReLU", None) => (activation::relu(fields)?, None),
        ("PReLU", None) => (activation::prelu(fields, shape)?, None),
        (stem, rank) => (special(fields, stem, rank, shape)?, None),
    })
}

/// A rate that is no number, or a shape of the noise, is only refused when the model is trained.
fn dropout(fields: &Fields<'_>, channels: Option<Layout>) -> LayerKind {
    let is_plain = fields.get("noise_shape").is_none();
    match fields.get("rate").and_then(serde_json::Value::as_f64) {
        Some(rate) if is_plain && (0.0..1.0).contains(&rate) => {
            LayerKind::DropoutRate(DropoutRate { rate, channels })
        }
        _ => LayerKind::Dropout,
    }
}

/// A layer that moves elements, or an activation.
fn special(fields: &Fields<'_>, stem: &str, rank: Option<usize>, shape: &[usize]) -> Result<LayerKind> {
    if let Some(kind) = shapes::layer(fields, stem, rank, shape)? {
        return Ok(kind);
    }
    match activation::layer(fields)? {
        Some(Act::Pointwise(activation)) => Ok(LayerKind::Activation(activation)),
        Some(Act::Softmax(softmax)) => Ok(LayerKind::Softmax(softmax)),
        None => Err(fields
            .error(format!("the layer class {} is not supported; supported are {SUPPORTED}", fields.class))),
    }
}

/// `Conv2D` as `Conv` over two axes.
fn split_rank(class: &str) -> (&str, Option<usize>) {
    let classes = [("Conv1DTranspose", 1), ("Conv2DTranspose", 2), ("Conv3DTranspose", 3)];
    if let Some((_, rank)) = classes.into_iter().find(|(transposed, _)| *transposed == class) {
        return ("ConvTranspose", Some(rank));
    }
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

/// Of a transposed convolution: what is cut off its result, and what is added at the end.
fn transposed_padding(
    fields: &Fields<'_>,
    spec: &ConvTranspose,
    window: &[usize],
) -> Result<[Vec<usize>; 3]> {
    let same = match fields.text_or("padding", "valid")? {
        "same" => true,
        "valid" => false,
        other => return Err(fields.error(format!("padding {other:?} of {} is not supported", fields.class))),
    };
    let added = match fields.get("output_padding") {
        None => None,
        Some(_) => Some(fields.counts_or_zero("output_padding", window.len())?),
    };
    let mut edges = [vec![], vec![], vec![]];
    for (axis, ((&taps, &stride), &dilation)) in
        window.iter().zip(&spec.stride).zip(&spec.dilation).enumerate()
    {
        let added = added.as_ref().and_then(|each| each.get(axis)).copied();
        let Some(own) = transposed_edges(same, added, [taps, stride, dilation]) else {
            return Err(fields.error(format!("a window of {taps} taps {dilation} apart is too large")));
        };
        for (edges, n) in edges.iter_mut().zip(own) {
            edges.push(n);
        }
    }
    Ok(edges)
}

/// Along one axis of a transposed convolution, what is cut off its result before and after, and what is added at the end; none where the
/// window is too large. `added` is Keras' `output_padding`.
pub(super) fn transposed_edges(
    same: bool,
    added: Option<usize>,
    [taps, stride, dilation]: [usize; 3],
) -> Option<[usize; 3]> {
    let window = i64::try_from(taps.checked_sub(1)?.checked_mul(dilation)?).ok()?.checked_add(1)?;
    let (stride, added) = (i64::try_from(stride).ok()?, added.map(|n| n as i64));
    // Zeros around the input with zeros between its elements, of which a window without padding has one less than it is long.
    let [before, after] = match (same, added) {
        (false, added) => [window - 1, window - 1 + added.unwrap_or((stride - window).max(0))],
        (true, added) => {
            let all = added.map_or(stride + window - 2, |added| window + window % 2 - 2 + added);
            let before = (all - all / 2).min(window - 1);
            [before, all - before]
        }
    };
    let cut = [before, after].map(|zeros| window - 1 - zeros);
    Some([cut[0].max(0), cut[1].max(0), (-cut[1]).max(0)].map(|n| n as usize))
}

/// Splits an activation into what the operation itself applies and a softmax behind it.
fn epilogue(fields: &Fields<'_>) -> Result<(Activation, Option<Softmax>)> {
    Ok(match activation::activation(fields)? {
        Act::Pointwise(activation) => (activation, None),
        Act::Softmax(softmax) => (Activation::None, Some(softmax)),
    })
}

fn bias(fields: &Fields<'_>, outputs: usize) -> Result<Option<Weight>> {
    Ok(fields.flag_or("use_bias", true)?.then(|| Weight::Shape(vec![outputs])))
}

fn conv(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<(LayerKind, Option<Softmax>)> {
    let layout = fields.layout()?;
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

/// A depthwise convolution as [`conv`] has it, but for its kernel's name, and one of a single tap.
fn separable(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<(LayerKind, Option<Softmax>)> {
    let layout = fields.layout()?;
    let inputs = channels(fields, shape, rank, layout)?;
    let (multiplier, outputs) = (fields.count_or("depth_multiplier", 1)?, fields.count("filters")?);
    let pixels = shape.iter().product::<usize>() / inputs.max(1);
    let between = inputs.checked_mul(multiplier).filter(|&n| pixels.checked_mul(n.max(outputs)).is_some());
    let between = between.ok_or_else(|| {
        fields
            .error(format!("depth_multiplier {multiplier} with {outputs} filters is too large for {shape:?}"))
    })?;
    let (activation, softmax) = epilogue(fields)?;
    let depthwise = Conv::new()
        .stride(fields.counts_or("strides", rank, vec![1; rank])?)
        .dilation(fields.counts_or("dilation_rate", rank, vec![1; rank])?)
        .padding(padding(fields)?)
        .groups(inputs)
        .layout(layout)
        .kernel_layout(KernelLayout::Hwio);
    let window = fields.counts("kernel_size", rank)?;
    let depthwise_kernel = Weight::Shape([window, vec![1, between]].concat());
    let pointwise_kernel = Weight::Shape([vec![1; rank], vec![between, outputs]].concat());
    let bias = bias(fields, outputs)?;
    Ok((
        LayerKind::SeparableConv { depthwise, depthwise_kernel, pointwise_kernel, bias, activation },
        softmax,
    ))
}

fn conv_transpose(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<(LayerKind, Option<Softmax>)> {
    let layout = fields.layout()?;
    let inputs = channels(fields, shape, rank, layout)?;
    let outputs = fields.count("filters")?;
    let window = fields.counts("kernel_size", rank)?;
    let (activation, softmax) = epilogue(fields)?;
    let mut spec = ConvTranspose {
        dilation: fields.counts_or("dilation_rate", rank, vec![1; rank])?,
        activation,
        layout,
        kernel_layout: KernelLayout::Hwio,
        ..ConvTranspose::new().stride(fields.counts_or("strides", rank, vec![1; rank])?)
    };
    let [before, after, output_padding] = transposed_padding(fields, &spec, &window)?;
    (spec.padding, spec.output_padding) = (Padding::Explicit { before, after }, output_padding);
    let kernel = Weight::Shape([window, vec![outputs, inputs]].concat());
    Ok((LayerKind::ConvTranspose { spec, kernel, bias: bias(fields, outputs)? }, softmax))
}

fn dense(fields: &Fields<'_>, shape: &[usize]) -> Result<(LayerKind, Option<Softmax>)> {
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
    Ok(pool.stride(stride).padding(padding(fields)?).layout(fields.layout()?))
}

fn global_pool(fields: &Fields<'_>, shape: &[usize], rank: usize) -> Result<LayerKind> {
    let layout = fields.layout()?;
    channels(fields, shape, rank, layout)?;
    let max = fields.class.starts_with("GlobalMax");
    let spec = if max { GlobalPool::max() } else { GlobalPool::average() };
    Ok(LayerKind::GlobalPool { spec: spec.layout(layout), keepdims: fields.flag_or("keepdims", false)? })
}

fn adaptive_pool(fields: &Fields<'_>, rank: usize) -> Result<AdaptivePool> {
    let output = fields.counts("output_size", rank)?;
    let max = fields.class.starts_with("AdaptiveMax");
    let pool = if max { AdaptivePool::max(output) } else { AdaptivePool::average(output) };
    Ok(AdaptivePool { layout: fields.layout()?, ..pool })
}
