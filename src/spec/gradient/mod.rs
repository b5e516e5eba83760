//! Gradients: what a loss's gradient by an operation's output makes of its inputs and weights. Plain data, as all operations
//! are; each takes only what it needs, so that nothing else must be kept from the forward pass.

mod activation;
mod batch_norm;
mod conv;
mod dropout;
mod loss;
mod optimizer;
mod pool;
mod roi;

pub use activation::{ActivationGradient, PReluGradient, SoftmaxGradient};
pub use batch_norm::{BatchNormTraining, RunningVariance};
pub use conv::{
    ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient, ConvWeightsGradient,
    DenseInputGradient, DenseWeightsGradient,
};
pub use dropout::DropoutMask;
pub use loss::{BinaryCrossEntropy, CrossEntropy, CrossEntropyGradient};
pub use optimizer::{Optimizer, OptimizerFormula, OptimizerInput, OptimizerStep};
pub use pool::{MaxUnpoolGradient, PoolGradient, Pooling};
pub use roi::RoiAlignGradient;

use super::setters::setters;

/// The variants, and how each comes of its specification.
macro_rules! gradients {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident($spec:ident),)* }) => {
        $(#[$about])*
        pub enum $name {
            $($(#[$doc])* $variant($spec),)*
        }

        $(
            impl From<$spec> for $name {
                fn from(spec: $spec) -> $name {
                    $name::$variant(spec)
                }
            }

            impl From<$spec> for super::Op {
                fn from(spec: $spec) -> super::Op {
                    super::Op::Gradient(spec.into())
                }
            }
        )*
    };
}

gradients! {
    /// The gradient of one operation by one of its inputs.
    ///
    /// Where several paths lead to an element their gradients are added, always in the same order: results have the same bits in
    /// every run. The gradient by a bias is a sum, [`Reduce`](super::Reduce), of the output's over all axes but the channels.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
    #[non_exhaustive]
    Gradient {
        /// Of pooling.
        Pool(PoolGradient),
        /// Of region pooling.
        RoiAlign(RoiAlignGradient),
        /// Of max unpooling.
        MaxUnpool(MaxUnpoolGradient),
        /// Of a convolution by its input.
        ConvInput(ConvInputGradient),
        /// Of a convolution by its kernel.
        ConvWeights(ConvWeightsGradient),
        /// Of a transposed convolution by its input.
        ConvTransposeInput(ConvTransposeInputGradient),
        /// Of a transposed convolution by its kernel.
        ConvTransposeWeights(ConvTransposeWeightsGradient),
        /// Of a fully connected layer by its input.
        DenseInput(DenseInputGradient),
        /// Of a fully connected layer by its kernel.
        DenseWeights(DenseWeightsGradient),
        /// Of an activation.
        Activation(ActivationGradient),
        /// Of softmax.
        Softmax(SoftmaxGradient),
        /// A loss: the cross-entropy of softmax.
        CrossEntropy(CrossEntropy),
        /// Its gradient.
        CrossEntropyGradient(CrossEntropyGradient),
        /// Random numbers: a mask of dropout.
        Dropout(DropoutMask),
    }
}
