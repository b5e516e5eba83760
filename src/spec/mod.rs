//! What the user wants, in the frameworks' own terms: plain data, checked when a problem is made of it.

mod accuracy;
mod axes;
mod bits;
mod causal;
mod col2im;
mod conv;
mod deform;
mod dense;
mod elementwise;
#[cfg(feature = "gradients")]
pub mod gradient;
mod integer;
mod layout;
mod pad;
mod pool;
mod reduce;
mod resize;
mod roi;
pub(crate) mod setters;
pub(crate) mod strided;

pub use crate::activation::{Activation, ActivationKind};
pub use accuracy::Accuracy;
pub use axes::PerAxis;
pub use causal::CausalConv;
pub use col2im::Col2Im;
pub use conv::{Conv, ConvPool, ConvTranspose, KernelLayout};
pub use deform::DeformConv;
pub use dense::{Dense, DenseLayout, Softmax};
pub use elementwise::{BinaryFunction, ElementStep, Elementwise, Operand, UnaryFunction};
pub use integer::{ConvInteger, Requantize};
pub use layout::{Layout, Padding};
pub use pad::{Pad, PadMode};
pub use pool::{AdaptivePool, FractionalMaxPool, GlobalPool, IndexNumbering, MaxUnpool, Pool, PoolKind};
pub use reduce::{ArgKind, ArgReduce, Reduce, ReduceKind};
pub use resize::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};
pub use roi::{MaxRoiPool, RoiAlign, RoiMode};
pub use strided::{AsStrided, Concat};

/// One operation. It can be a key, with the inputs' [`TensorDesc`](crate::TensorDesc): two are equal if every field is, and
/// parameters that are floats if their bits are.
///
/// ```
/// use std::collections::HashMap;
/// use wgpool::{Activation, Op, Pool, TensorDesc};
/// let key = || (Op::from(Pool::max([2, 2])), TensorDesc::f32([1, 1, 4, 4]));
/// let plans = HashMap::from([(key(), "a plan")]);
/// assert_eq!(plans.get(&key()), Some(&"a plan"));
/// assert_ne!(Op::from(Activation::Elu { alpha: 0.5 }), Op::from(Activation::Elu { alpha: 0.25 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Op {
    /// Sliding-window pooling.
    Pool(Pool),
    /// Pooling of each whole plane to one value.
    GlobalPool(GlobalPool),
    /// Pooling into a given number of windows.
    AdaptivePool(AdaptivePool),
    /// Max pooling of windows at pseudo-random places.
    FractionalMaxPool(FractionalMaxPool),
    /// The inverse of max pooling.
    MaxUnpool(MaxUnpool),
    /// Bilinear pooling of regions.
    RoiAlign(RoiAlign),
    /// Max pooling of regions.
    MaxRoiPool(MaxRoiPool),
    /// Transposed convolution with bias and activation.
    ConvTranspose(ConvTranspose),
    /// Convolution, bias, activation and pooling.
    ConvPool(ConvPool),
    /// Convolution with bias and activation.
    Conv(Conv),
    /// Convolution of bytes.
    ConvInteger(ConvInteger),
    /// Convolution whose taps are moved.
    DeformConv(DeformConv),
    /// Windows that are added up to images.
    Col2Im(Col2Im),
    /// Causal convolution that goes on from call to call.
    CausalConv(CausalConv),
    /// A fully connected layer on the last axis.
    Dense(Dense),
    /// Softmax along one axis.
    Softmax(Softmax),
    /// An activation by itself, element by element.
    Activation(Activation),
    /// A formula of broadcast tensors.
    Elementwise(Elementwise),
    /// A copy of what strides say.
    AsStrided(AsStrided),
    /// Tensors one behind the other.
    Concat(Concat),
    /// Elements around a tensor.
    Pad(Pad),
    /// Axes made one value.
    Reduce(Reduce),
    /// The index of an element along an axis.
    ArgReduce(ArgReduce),
    /// Axes made longer or shorter.
    Resize(Resize),
    /// The gradient of an operation.
    #[cfg(feature = "gradients")]
    Gradient(gradient::Gradient),
}

impl Op {
    /// What is applied to each element of its result.
    ///
    /// ```
    /// use wgpool::{Activation, Dense, Op};
    /// assert_eq!(Op::from(Dense::new().activation(Activation::PRelu)).activation(), Activation::PRelu);
    /// ```
    pub fn activation(&self) -> Activation {
        match self {
            Op::Conv(spec) => spec.activation,
            Op::ConvTranspose(spec) => spec.activation,
            Op::ConvPool(spec) => spec.conv.activation,
            Op::DeformConv(spec) => spec.conv.activation,
            Op::CausalConv(spec) => spec.activation,
            Op::Dense(spec) => spec.activation,
            Op::Activation(activation) => *activation,
            _ => Activation::None,
        }
    }
}

macro_rules! op_from {
    ($($spec:ident),*) => {$(
        impl From<$spec> for Op {
            fn from(spec: $spec) -> Op {
                Op::$spec(spec)
            }
        }
    )*};
}
op_from!(
    Pool,
    GlobalPool,
    AdaptivePool,
    FractionalMaxPool,
    MaxUnpool,
    RoiAlign,
    MaxRoiPool,
    Conv,
    ConvTranspose,
    ConvPool,
    ConvInteger,
    DeformConv,
    Col2Im,
    CausalConv,
    Dense,
    Softmax,
    Activation,
    Elementwise,
    AsStrided,
    Concat,
    Pad,
    Reduce,
    ArgReduce,
    Resize
);
