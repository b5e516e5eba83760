//! Which block of parameters each kernel reads.

use super::block::Block;
use super::conv_patch::ConvPatchParams;
use super::gemm::{GemmParams, PackGemmParams, PartsParams};
use super::key::KernelKey;
use super::params::{
    ActivationParams, CausalParams, Col2ImParams, ConvParams, DeformParams, DenseParams, FractionalParams,
    PackInputParams, PackIntegerParams, PackParams, PagesParams, PlaneParams, PoolParams, RequantizeParams,
    RoiParams, SoftmaxParams, TiledParams, UnpoolParams,
};
use super::patch::PatchParams;
use super::winograd::WinogradParams;

impl KernelKey {
    /// The parameters that it reads. Its text ends with their structure.
    pub fn block(&self) -> Block {
        match self {
            KernelKey::Pool { .. } => PoolParams::BLOCK,
            KernelKey::PoolPages { .. } | KernelKey::DepthwisePages { .. } => PagesParams::BLOCK,
            KernelKey::PoolPatch { .. } | KernelKey::DepthwisePatch { .. } => PatchParams::BLOCK,
            KernelKey::PoolPlane { .. } => PlaneParams::BLOCK,
            KernelKey::Fractional { .. } => FractionalParams::BLOCK,
            KernelKey::Unpool { .. } => UnpoolParams::BLOCK,
            KernelKey::RoiAlign | KernelKey::MaxRoi => RoiParams::BLOCK,
            KernelKey::Conv { .. }
            | KernelKey::ConvTranspose { .. }
            | KernelKey::ConvPool { .. }
            | KernelKey::ConvInteger { .. } => ConvParams::BLOCK,
            KernelKey::PackInteger { .. } => PackIntegerParams::BLOCK,
            KernelKey::Requantize { .. } => RequantizeParams::BLOCK,
            KernelKey::ConvTiled { .. } => TiledParams::BLOCK,
            KernelKey::PackInput => PackInputParams::BLOCK,
            KernelKey::PackWeights { .. } => PackParams::BLOCK,
            KernelKey::ConvGemm(_) => GemmParams::BLOCK,
            KernelKey::WinogradWeights { .. }
            | KernelKey::WinogradInput { .. }
            | KernelKey::WinogradOutput { .. } => WinogradParams::BLOCK,
            KernelKey::ConvPatch(_) => ConvPatchParams::BLOCK,
            KernelKey::PackGemm { .. } => PackGemmParams::BLOCK,
            KernelKey::ConvParts { .. } => PartsParams::BLOCK,
            KernelKey::DeformSamples => DeformParams::BLOCK,
            KernelKey::Col2Im { .. } => Col2ImParams::BLOCK,
            KernelKey::CausalSequence { .. } => CausalParams::BLOCK,
            KernelKey::Dense { .. } => DenseParams::BLOCK,
            KernelKey::Softmax | KernelKey::SoftmaxRows => SoftmaxParams::BLOCK,
            KernelKey::Activation { .. } => ActivationParams::BLOCK,
            KernelKey::Frame(kernel) => kernel.block(),
        }
    }
}
