//! Layers: what one line of a model's summary stands for.

use crate::affine::{BatchNorm, Normalization, Rescale};
use crate::weight::Weight;
use wgpool::spec::{
    Activation, AdaptivePool, Conv, ConvTranspose, Dense, GlobalPool, Layout, Pool, PoolKind, Softmax,
};

/// Elements before and after each spatial axis, outermost axis first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edges {
    /// Elements before each axis.
    pub before: Vec<usize>,
    /// Elements after each axis.
    pub after: Vec<usize>,
    /// Memory order of the input and output.
    pub layout: Layout,
}

/// How images of another size are computed; pixels lie in the middle of their squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest pixel, where each length is a whole multiple or part of the other.
    Nearest,
    /// Of the four nearest pixels, by their distances.
    Bilinear,
}

/// Images of another size: Keras' `Resizing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Height and width of the output.
    pub size: [usize; 2],
    /// How its pixels are computed.
    pub interpolation: Interpolation,
    /// Whether to take the largest part in the middle with the output's aspect ratio, instead of all.
    pub crop_to_aspect_ratio: bool,
    /// Memory order of the images.
    pub layout: Layout,
}

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayerKind {
    /// Convolution with bias and activation.
    Conv {
        /// Strides, padding, groups, activation and memory order.
        spec: Conv,
        /// The kernel, in the order that `spec.kernel_layout` says.
        kernel: Weight,
        /// One number for each output channel.
        bias: Option<Weight>,
    },
    /// Transposed convolution with bias and activation.
    ConvTranspose {
        /// Strides, padding, groups, activation and memory order.
        spec: ConvTranspose,
        /// The kernel, in the order that `spec.kernel_layout` says.
        kernel: Weight,
        /// One number for each output channel.
        bias: Option<Weight>,
    },
    /// A depthwise convolution, and one of a single tap behind it.
    SeparableConv {
        /// Strides, padding, groups and memory order of the first; it has no activation.
        depthwise: Conv,
        /// Its kernel.
        depthwise_kernel: Weight,
        /// The kernel of the second, in the same order.
        pointwise_kernel: Weight,
        /// One number for each output channel.
        bias: Option<Weight>,
        /// Applied to the sums of the second.
        activation: Activation,
    },
    /// A fully connected layer on the last axis.
    Dense {
        /// Activation and order of the kernel.
        spec: Dense,
        /// The kernel.
        kernel: Weight,
        /// One number for each unit.
        bias: Option<Weight>,
    },
    /// Sliding-window pooling; a pool that also asks for positions has two outputs and is refused.
    Pool(Pool),
    /// Pooling of each whole plane.
    GlobalPool {
        /// What is computed of each plane.
        spec: GlobalPool,
        /// Whether the spatial axes stay, with length 1: Keras' default is `[N, C]`.
        keepdims: bool,
    },
    /// Pooling into a given number of windows.
    AdaptivePool(AdaptivePool),
    /// An activation by itself.
    Activation(Activation),
    /// `min(x, max_value)` where `x` is not negative, else `negative_slope * x`.
    Relu {
        /// The largest result, positive.
        max_value: Option<f32>,
        /// Slope of the negative side.
        negative_slope: f32,
    },
    /// `x` where it is positive, else its slope times `x`: Keras' `PReLU`.
    PRelu {
        /// The input's shape without its batch, with 1 for the axes that share a slope.
        slope: Weight,
    },
    /// Softmax by itself.
    Softmax(Softmax),
    /// All axes behind the batch become one.
    Flatten {
        /// `Nhwc` keeps the elements' order; `Nchw` moves the second axis last first, as Keras' `channels_first`.
        from: Layout,
    },
    /// Other lengths behind the batch, in the same order of elements.
    Reshape(Vec<usize>),
    /// Axes in another order; they are numbered from 1 behind the batch.
    Permute(Vec<usize>),
    /// `[N, features]` so many times, as `[N, times, features]`.
    Repeat(usize),
    /// Zeros around the spatial axes.
    ZeroPad(Edges),
    /// The spatial axes without so many elements at their ends.
    Crop(Edges),
    /// Each element so many times.
    UpSample {
        /// How many times along each spatial axis.
        factors: Vec<usize>,
        /// Memory order of input and output.
        layout: Layout,
    },
    /// Images of another size.
    Resize(Resize),
    /// Batch normalisation with stored statistics.
    BatchNorm(BatchNorm),
    /// Normalisation with given mean and variance.
    Normalization(Normalization),
    /// A factor and an offset.
    Rescale(Rescale),
    /// Identity: dropout, noise and random changes of images do nothing outside training.
    Dropout,
}

impl LayerKind {
    /// The Keras class of a layer over `rank` spatial axes.
    pub(super) fn class(&self, rank: usize) -> String {
        let pooling = |kind: PoolKind| match kind {
            PoolKind::Max => "MaxPooling",
            PoolKind::Average { .. } => "AveragePooling",
            _ => "LpPooling",
        };
        match self {
            LayerKind::Conv { .. } => format!("Conv{rank}D"),
            LayerKind::ConvTranspose { .. } => format!("Conv{rank}DTranspose"),
            LayerKind::SeparableConv { .. } => format!("SeparableConv{rank}D"),
            LayerKind::Dense { .. } => "Dense".to_owned(),
            LayerKind::Pool(pool) => format!("{}{rank}D", pooling(pool.kind)),
            LayerKind::GlobalPool { spec, .. } => format!("Global{}{rank}D", pooling(spec.kind)),
            LayerKind::AdaptivePool(spec) => format!("Adaptive{}{rank}D", pooling(spec.kind)),
            LayerKind::Activation(_) => "Activation".to_owned(),
            LayerKind::Relu { .. } => "ReLU".to_owned(),
            LayerKind::PRelu { .. } => "PReLU".to_owned(),
            LayerKind::Softmax(_) => "Softmax".to_owned(),
            LayerKind::Flatten { .. } => "Flatten".to_owned(),
            LayerKind::Reshape(_) => "Reshape".to_owned(),
            LayerKind::Permute(_) => "Permute".to_owned(),
            LayerKind::Repeat(_) => "RepeatVector".to_owned(),
            LayerKind::ZeroPad(_) => format!("ZeroPadding{rank}D"),
            LayerKind::Crop(_) => format!("Cropping{rank}D"),
            LayerKind::UpSample { .. } => format!("UpSampling{rank}D"),
            LayerKind::Resize(_) => "Resizing".to_owned(),
            LayerKind::Normalization(_) => "Normalization".to_owned(),
            LayerKind::Rescale(_) => "Rescaling".to_owned(),
            LayerKind::BatchNorm(_) => "BatchNormalization".to_owned(),
            LayerKind::Dropout => "Dropout".to_owned(),
        }
    }
}

/// One layer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The layer's name, unique in its model.
    pub name: String,
    /// The Keras class that the summary shows.
    pub class: String,
    /// Whether the layer's weights count as trainable.
    pub trainable: bool,
    /// What it computes.
    pub kind: LayerKind,
    /// A softmax that ends the layer, as Keras' `activation="softmax"` of a dense layer or convolution.
    pub softmax: Option<Softmax>,
}

impl Layer {
    /// The weights that training changes, and those that it does not.
    pub(super) fn weights(&self) -> (Vec<&Weight>, Vec<&Weight>) {
        let (mut trainable, mut fixed) = match &self.kind {
            LayerKind::Conv { kernel, bias, .. }
            | LayerKind::ConvTranspose { kernel, bias, .. }
            | LayerKind::Dense { kernel, bias, .. } => {
                (std::iter::once(kernel).chain(bias).collect(), vec![])
            }
            LayerKind::SeparableConv { depthwise_kernel, pointwise_kernel, bias, .. } => {
                ([depthwise_kernel, pointwise_kernel].into_iter().chain(bias).collect(), vec![])
            }
            LayerKind::PRelu { slope } => (vec![slope], vec![]),
            LayerKind::Normalization(norm) => (vec![], vec![&norm.mean, &norm.variance]),
            LayerKind::BatchNorm(norm) => {
                (norm.gamma.iter().chain(&norm.beta).collect(), vec![&norm.mean, &norm.variance])
            }
            _ => (vec![], vec![]),
        };
        if !self.trainable {
            fixed.append(&mut trainable);
        }
        (trainable, fixed)
    }
}
