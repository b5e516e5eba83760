//! Models as data: layers, what one line of a summary stands for, and which of them reads what.

use crate::affine::{BatchNorm, Normalization, Rescale};
use crate::dropout::DropoutRate;
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

/// How several tensors become one. Those of fewer axes get axes of length 1 behind the batch, and lengths of 1 fit any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merge {
    /// The sum.
    Add,
    /// The first without the second, of two.
    Subtract,
    /// The product.
    Multiply,
    /// The mean.
    Average,
    /// The largest element.
    Maximum,
    /// The smallest element.
    Minimum,
    /// One behind the other along an axis; they have the same number of axes.
    Concatenate {
        /// The axis, counted from the batch on, or from the end where it is negative.
        axis: isize,
    },
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
    /// Identity: noise and random changes of images do nothing outside training, and are not trained with.
    Dropout,
    /// Identity outside training; there elements are dropped at random.
    DropoutRate(DropoutRate),
    /// Several tensors become one.
    Merge(Merge),
    /// A model whose inputs and outputs are the layer's.
    Model(Box<Model>),
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
            LayerKind::DropoutRate(DropoutRate { channels: None, .. }) => "Dropout".to_owned(),
            LayerKind::DropoutRate(_) => format!("SpatialDropout{rank}D"),
            LayerKind::Merge(Merge::Concatenate { .. }) => "Concatenate".to_owned(),
            LayerKind::Merge(merge) => format!("{merge:?}"),
            LayerKind::Model(inner) => if inner.is_row() { "Sequential" } else { "Functional" }.to_owned(),
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

/// A model of layers: in a row, as Keras' `Sequential`, or with branches, several inputs and outputs, as its `Functional`.
///
/// ```
/// use wgpool_net::{LayerKind, Model};
/// use wgpool::{Backend, Conv, GlobalPool, Layout, Padding, Tensor};
/// let kernel = Tensor::from_f32(&[2, 1, 1, 1], vec![1., 10.])?;
/// let model = Model::new("tiny", [1, 2, 2])
///     .layer("conv", LayerKind::Conv { spec: Conv::new(), kernel: kernel.into(), bias: None })
///     .layer("mean", LayerKind::GlobalPool { spec: GlobalPool::average(), keepdims: false });
/// assert_eq!(model.parameters().total(), 2);
/// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 2., 3., 6.])?;
/// assert_eq!(model.program(1)?.run(&Backend::Host, &x)?.as_f32()?, [3., 30.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
///
/// A layer is there once, and each [`Call`] of it computes with the same weights:
///
/// ```
/// use wgpool_net::{LayerKind, Merge, Model};
/// use wgpool::{Backend, Dense, Tensor};
/// let mut model = Model::branched("twice");
/// let x = model.input("x", [1]);
/// let kernel = Tensor::from_f32(&[1, 1], vec![3.])?;
/// let triple = model.add("triple", LayerKind::Dense { spec: Dense::new(), kernel: kernel.into(), bias: None });
/// let three = model.call(triple, &[x]);
/// let nine = model.call(triple, &[three]);
/// let sum = model.add("sum", LayerKind::Merge(Merge::Add));
/// let sum = model.call(sum, &[x, three, nine]);
/// model.output("sum", sum);
/// let x = Tensor::from_f32(&[1, 1], vec![2.])?;
/// assert_eq!(model.program(1)?.run(&Backend::Host, &x)?.as_f32()?, [2. + 6. + 18.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The model's name.
    pub name: String,
    /// What goes in.
    pub inputs: Vec<Input>,
    /// Its layers, each once, with its weights.
    pub layers: Vec<Layer>,
    /// What is computed, in order: a call reads inputs and those before it alone.
    pub calls: Vec<Call>,
    /// What comes out, by names.
    pub outputs: Vec<(String, Origin)>,
}

/// An input of a [`Model`].
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape, without the batch.
    pub shape: Vec<usize>,
    /// How many layers stand before it in the summary.
    pub place: usize,
}

/// One use of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The layer's place in [`Model::layers`].
    pub layer: usize,
    /// What it reads.
    pub inputs: Vec<Origin>,
}

/// Where a tensor of a [`Model`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An input of the model, by its place among them.
    Input(usize),
    /// An output of a call.
    Call {
        /// The call's place in [`Model::calls`].
        call: usize,
        /// The output's place: only a model that is a layer has others than 0.
        output: usize,
    },
}

impl Model {
    /// Whether each layer reads the one before it, and the last one's output is the model's.
    pub(super) fn is_row(&self) -> bool {
        let last = |at: usize| match at.checked_sub(1) {
            None => Origin::Input(0),
            Some(call) => Origin::Call { call, output: 0 },
        };
        let in_row = |(at, call): (usize, &Call)| call.layer == at && call.inputs == [last(at)];
        self.inputs.len() == 1
            && self.calls.len() == self.layers.len()
            && self.calls.iter().enumerate().all(in_row)
            && matches!(self.outputs.as_slice(), [(_, origin)] if *origin == last(self.calls.len()))
    }
}
