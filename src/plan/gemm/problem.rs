//! What is multiplied.

use super::rows::rows;
use crate::dtype::DType;
use crate::geometry::{Axis, Strides};
use crate::plan::Slot;
use crate::problem::{ConvWork, KernelStrides, PoolWork};
use crate::spec::{Accuracy, Activation, Layout};

/// For each group, the product of a matrix of weights, `channels` by `depth`, and a matrix of data, `depth` by `columns`.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Gemm {
    pub groups: usize,
    pub channels: usize,
    pub depth: usize,
    pub columns: usize,
    pub dtype: DType,
    /// Elements from a group's data to the next one's.
    pub group_data: usize,
    /// How columns of the data are read, and those of the result written: windows of images. The columns of a plain matrix
    /// are the elements of an image of one row.
    pub(super) windows: ConvWork,
    /// What pools the result before it is stored.
    pub(super) pool: Option<PoolWork>,
}

/// Where its matrices are. The weights are packed in the order of the tiles; see [`pack`](super::pack).
pub(in crate::plan) struct Operands {
    pub weights: Slot,
    pub data: Slot,
    pub bias: Slot,
    pub result: Slot,
}

impl Gemm {
    /// A convolution, or a dense layer: the data are what its windows read of the input, which is not stored so. Pooling
    /// comes behind it, with windows that do not overlap.
    pub fn of_windows(work: &ConvWork, pool: Option<&PoolWork>) -> Gemm {
        Gemm {
            groups: work.groups,
            channels: work.group_out,
            depth: rows(work),
            columns: work.batch * work.pixels(),
            dtype: work.dtype,
            group_data: work.group_in * work.input.c,
            windows: *work,
            pool: pool.copied(),
        }
    }

    /// Plain matrices of f32, one group's behind the other's.
    pub fn of_matrices(groups: usize, channels: usize, depth: usize, columns: usize) -> Gemm {
        let space = [1, 1, columns];
        let windows = ConvWork {
            batch: 1,
            groups,
            group_in: depth,
            group_out: channels,
            axes: [Axis::UNIT, Axis::UNIT, Axis::elements(columns)],
            dtype: DType::F32,
            input: Strides::of(Layout::Nchw, groups * depth, space),
            output: Strides::of(Layout::Nchw, groups * channels, space),
            kernel: KernelStrides { o: depth, i: 1, space: [0; 3] },
            layout: Layout::Nchw,
            bias: false,
            activation: Activation::None,
            slope: 0,
            accuracy: Accuracy::Element,
            residual: false,
        };
        Gemm::of_windows(&windows, None)
    }

    /// Rows of all groups' results.
    pub fn all_channels(&self) -> usize {
        self.groups * self.channels
    }

    /// Elements of the result, before it is pooled.
    pub fn elements(&self) -> usize {
        self.all_channels() * self.columns
    }

    /// Two for each product that is added.
    pub fn flops(&self) -> u64 {
        let terms = (self.all_channels() as u64).saturating_mul(self.depth as u64);
        terms.saturating_mul(2 * self.columns as u64)
    }
}
