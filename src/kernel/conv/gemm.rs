//! `conv/gemm.wgsl`, or `conv/cooperative.wgsl`: convolution as a product of matrices.

use super::cooperative::Cooperative;
use super::gemm_tile::GemmTile;
use super::params::{ConvGeometry, PoolGeometry};
use crate::kernel::common::*;

/// Convolution as a product of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvGemm {
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
    /// Whether the residual is added; not to parts of sums, and not where they are pooled.
    pub residual: bool,
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
    /// Bias, residual, activation, store.
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

impl Kernel for ConvGemm {
    fn row(&self) -> Row {
        let output = match self.finish {
            GemmFinish::Partial => shader!("lib/gemm_partial.wgsl"),
            _ => shader!("lib/gemm_output.wgsl"),
        };
        let lines = [SUM, TAPS, POOLING, self.activation.wgsl(), shader!("lib/gemm.wgsl"), output];
        let (finish, pool) = (shader!("lib/gemm_finish.wgsl"), shader!("lib/gemm_pool.wgsl"));
        let main: &[&str] = match (self.cooperative, self.tile) {
            (Some(_), _) => &[shader!("conv/cooperative.wgsl")],
            (None, GemmTile::Chain) => &[shader!("lib/gemm_chain.wgsl"), shader!("conv/gemm.wgsl")],
            (None, _) => &[shader!("lib/gemm_sums.wgsl"), shader!("conv/gemm.wgsl")],
        };
        let own = [&lines[..], &[finish, pool], main].concat();
        let mut row = typed(GemmParams::BLOCK, self.dtype, &own, (3, 1));
        row.workgroup = self.tile.workgroup();
        if let Some(matrices) = self.cooperative {
            row.text.insert(0, "enable wgpu_cooperative_matrix;\n");
            row.workgroup = matrices.workgroup();
            row = row.written(move |mark| matrices.lines(mark));
        }
        row.with("CHANNELS_LAST", self.channels_last)
            .with("TILE", self.tile.side())
            .with("TAPS", self.taps as u32)
            .with("FINISH", self.finish as u32)
    }

    fn every() -> Vec<ConvGemm> {
        use GemmFinish::*;
        let finishes = pairs(ActivationKind::ALL, [Store, Max, Average, AveragePadded]);
        let finishes = finishes.chain([(ActivationKind::None, Partial)]).map(|finish| (finish, false));
        let residuals = [ActivationKind::None, ActivationKind::Relu, ActivationKind::PRelu];
        let finishes = finishes.chain(residuals.map(|activation| ((activation, Store), true)));
        let windows = pairs([false, true], [GemmTaps::Point, GemmTaps::Plane, GemmTaps::Volume]);
        let tiles =
            pairs(FLOATS, [GemmTile::Small, GemmTile::Large, GemmTile::Chain].map(|tile| (tile, None)));
        let matrices = Cooperative::KINDS.map(|matrices| (DType::F16, (matrices.tile(), Some(matrices))));
        let mut every = Vec::new();
        for ((dtype, (tile, cooperative)), (channels_last, taps)) in pairs(tiles.chain(matrices), windows) {
            for ((activation, finish), residual) in finishes.clone() {
                every.push(ConvGemm {
                    dtype,
                    activation,
                    channels_last,
                    tile,
                    cooperative,
                    taps,
                    finish,
                    residual,
                });
            }
        }
        every
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
