//! Convolution as a product of matrices: its kernel's variants.

use super::block::{Block, Member};
use super::cooperative::Cooperative;
use super::params::{ConvGeometry, PoolGeometry, uniform};
use crate::activation::ActivationKind;
use crate::dtype::DType;

/// Output channels, and positions, that a workgroup computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum GemmTile {
    /// 32 by 32: 64 invocations with four channels at four positions each.
    Small = 32,
    /// 64 by 64: 128 invocations with eight channels at four positions each.
    Large = 64,
}

/// The windows of a convolution; the numbers are those of `TAPS` in the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum GemmTaps {
    /// One tap, and no padding: a product of two matrices.
    Point = 0,
    /// Windows without depth.
    Plane = 1,
    /// Any.
    Volume = 2,
}

/// What becomes of the sums; the numbers are those of `FINISH` in the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum GemmFinish {
    /// Bias, activation, store.
    Store = 0,
    /// They are parts of sums, and are stored as they are.
    Partial = 1,
    /// Bias, activation, the largest of each pooling window.
    Max = 2,
    /// Bias, activation, the mean of each pooling window's taps inside the convolution's output.
    Average = 3,
    /// The same, of the taps inside the padded output.
    AveragePadded = 4,
}

/// A variant of `conv/gemm.wgsl`, or of `conv/cooperative.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GemmKernel {
    /// Type of the elements; sums are kept in f32.
    pub dtype: DType,
    /// Applied to the sums; none for parts of them.
    pub activation: ActivationKind,
    /// Whether channels lie last.
    pub channels_last: bool,
    /// What a workgroup computes.
    pub tile: GemmTile,
    /// The cooperative matrices that multiply; nothing where each invocation does.
    pub cooperative: Option<Cooperative>,
    /// The windows.
    pub taps: GemmTaps,
    /// What becomes of the sums.
    pub finish: GemmFinish,
}

impl GemmKernel {
    /// Invocations of a workgroup.
    pub(crate) fn workgroup(self) -> u32 {
        self.cooperative.map_or(self.tile as u32 * 2, Cooperative::workgroup)
    }

    /// Every variant.
    pub(super) fn all(activations: &[ActivationKind]) -> Vec<GemmKernel> {
        use GemmFinish::*;
        let mut all = Vec::new();
        for dtype in [DType::F32, DType::F16] {
            for channels_last in [false, true] {
                for tile in [GemmTile::Small, GemmTile::Large] {
                    for taps in [GemmTaps::Point, GemmTaps::Plane, GemmTaps::Volume] {
                        for finish in [Store, Partial, Max, Average, AveragePadded] {
                            for &activation in activations {
                                if finish != Partial || activation == ActivationKind::None {
                                    all.push(GemmKernel {
                                        dtype,
                                        activation,
                                        channels_last,
                                        tile,
                                        cooperative: None,
                                        taps,
                                        finish,
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
        let by_invocations = all.clone();
        let f16 = by_invocations.into_iter().filter(|kernel| kernel.dtype == DType::F16);
        all.extend(f16.flat_map(|kernel| {
            let matching = Cooperative::KINDS.into_iter().filter(move |c| c.tile() == kernel.tile);
            matching.map(move |cooperative| GemmKernel { cooperative: Some(cooperative), ..kernel })
        }));
        all
    }
}

uniform! {
    /// Parameters of `conv/gemm.wgsl`.
    GemmParams {
        convolution: ConvGeometry,
        pooling: PoolGeometry,
        /// ROWS rows further: depth, height, width, channel.
        step: [u32; 4],
        /// Input channels of a group by taps.
        rows: u32,
        /// Rows of each part of a sum.
        part_rows: u32,
        parts: u32,
        /// Of the output, in each part.
        part_elements: u32,
        /// Tiles over a group's output channels.
        channel_tiles: u32,
        column_tiles: u32,
        /// Workgroups that have work.
        tiles: u32,
        /// Positions, or pooling windows, in all images.
        columns: u32,
        /// Pooling windows of a tile.
        windows: u32,
        identity: f32,
        nan: u32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pack/gemm.wgsl`.
    PackGemmParams {
        /// Of what a row's number counts, from the fastest on.
        length: [u32; 4],
        /// Of these in the kernel.
        stride: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        rows: u32,
        /// Channels of a tile.
        tile: u32,
        /// Tiles of a group.
        tiles: u32,
        /// Output channels of a group.
        group_out: u32,
        /// Invocations that have work.
        total: u32,
        pad_0: u32,
        pad_1: u32,
    }
}

uniform! {
    /// Parameters of `conv/parts.wgsl`.
    PartsParams {
        /// Elements of the output.
        total: u32,
        parts: u32,
        /// Of the output.
        channel_stride: u32,
        channels: u32,
        has_bias: u32,
        pad_0: u32,
        alpha_beta: [f32; 2],
    }
}
