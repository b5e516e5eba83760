//! What the user wants, in the frameworks' own terms: plain data, checked when a problem is made of it.

mod activation;
mod conv;
mod dense;
mod layout;
mod pool;

pub use activation::Activation;
pub use conv::{Conv, KernelLayout};
pub use dense::{Dense, DenseLayout, Softmax};
pub use layout::{Layout, Padding};
pub use pool::{GlobalPool, IndexNumbering, Pool, PoolKind};

/// One operation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Sliding-window pooling.
    Pool(Pool),
    /// Pooling of each whole plane to one value.
    GlobalPool(GlobalPool),
    /// Convolution with bias and activation.
    Conv(Conv),
    /// A fully connected layer on the last axis.
    Dense(Dense),
    /// Softmax along one axis.
    Softmax(Softmax),
    /// An activation by itself, element by element.
    Activation(Activation),
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
op_from!(Pool, GlobalPool, Conv, Dense, Softmax, Activation);
