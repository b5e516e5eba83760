//! Which types of elements each operation takes.

use crate::dtype::{BYTES, DType, FLOATS, ORDERED};
#[cfg(feature = "gradients")]
use crate::spec::gradient::Gradient;
use crate::spec::{Op, PoolKind};

impl Op {
    /// The types that the elements of its first input may have. Those of kernels, biases and states are the same; positions are
    /// i32, and what else there is f32.
    ///
    /// ```
    /// use wgpool::{DType, Op, Pool};
    /// assert!(Op::from(Pool::max(2)).types().contains(&DType::U8));
    /// assert!(!Op::from(Pool::average(2)).types().contains(&DType::U8));
    /// ```
    pub fn types(&self) -> &'static [DType] {
        let pooled = |kind| if kind == PoolKind::Max { &ORDERED[..] } else { &FLOATS };
        match self {
            Op::Pool(spec) => pooled(spec.kind),
            Op::GlobalPool(spec) => pooled(spec.kind),
            Op::AdaptivePool(spec) => pooled(spec.kind),
            Op::MaxUnpool(_) => &ORDERED,
            Op::Conv(_) | Op::ConvTranspose(_) | Op::ConvPool(_) | Op::Dense(_) => &FLOATS,
            Op::Col2Im(_)
            | Op::CausalConv(_)
            | Op::Elementwise(_)
            | Op::Reduce(_)
            | Op::ArgReduce(_)
            | Op::Resize(_)
            | Op::RoiAlign(_)
            | Op::MaxRoiPool(_)
            | Op::Softmax(_)
            | Op::Activation(_) => &FLOATS,
            #[cfg(feature = "gradients")]
            Op::Gradient(Gradient::CrossEntropy(_) | Gradient::CrossEntropyGradient(_)) => &[DType::F32],
            #[cfg(feature = "gradients")]
            Op::Gradient(Gradient::Dropout(_)) => &[DType::I32],
            #[cfg(feature = "gradients")]
            Op::Gradient(_) => &FLOATS,
            Op::ConvInteger(_) => &BYTES,
            Op::FractionalMaxPool(_) | Op::DeformConv(_) => &[DType::F32],
            Op::AsStrided(_) | Op::Concat(_) | Op::Pad(_) => DType::ALL,
        }
    }
}
