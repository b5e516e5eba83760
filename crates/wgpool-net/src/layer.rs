//! Layers: what one line of a model's summary stands for.

use crate::BatchNorm;
use crate::weight::Weight;
use wgpool::spec::{Activation, Conv, Dense, GlobalPool, Layout, Pool, PoolKind, Softmax};

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
    /// An activation by itself.
    Activation(Activation),
    /// Softmax by itself.
    Softmax(Softmax),
    /// All axes behind the batch become one.
    Flatten {
        /// `Nhwc` keeps the elements' order; `Nchw` moves the second axis last first, as Keras' `channels_first`.
        from: Layout,
    },
    /// Normalisation with stored statistics.
    BatchNorm(BatchNorm),
    /// Identity: dropout does nothing outside training.
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
            LayerKind::Dense { .. } => "Dense".to_owned(),
            LayerKind::Pool(pool) => format!("{}{rank}D", pooling(pool.kind)),
            LayerKind::GlobalPool { spec, .. } => format!("Global{}{rank}D", pooling(spec.kind)),
            LayerKind::Activation(_) => "Activation".to_owned(),
            LayerKind::Softmax(_) => "Softmax".to_owned(),
            LayerKind::Flatten { .. } => "Flatten".to_owned(),
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
            LayerKind::Conv { kernel, bias, .. } | LayerKind::Dense { kernel, bias, .. } => {
                (std::iter::once(kernel).chain(bias).collect(), vec![])
            }
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
