//! Every kernel there is, for tests to compile and compare.

use super::conv_patch::ConvPatch;
use super::gemm::GemmKernel;
use super::key::{KernelKey, Reduce, Taps};
use super::patch::Patch;
use crate::activation::ActivationKind;
use crate::dtype::DType;

const WINDOWS: [Taps; 5] = [
    Taps::Any,
    Taps::Few { side: 2, fours: false },
    Taps::Few { side: 2, fours: true },
    Taps::Few { side: 3, fours: false },
    Taps::Few { side: 3, fours: true },
];

/// Every key there can be, but those of [`FrameKernel::ALL`](crate::frame::FrameKernel::ALL), which bind textures
/// too: what tests compile and compare.
pub fn all() -> Vec<KernelKey> {
    let mut keys = vec![KernelKey::Softmax, KernelKey::SoftmaxRows, KernelKey::RoiAlign, KernelKey::MaxRoi];
    keys.extend([KernelKey::PackInput, KernelKey::DeformSamples]);
    keys.extend([DType::F32, DType::F16].map(|dtype| KernelKey::PackWeights { dtype }));
    for dtype in [DType::F32, DType::F16] {
        keys.extend([KernelKey::Col2Im { dtype }, KernelKey::CausalSequence { dtype }]);
    }
    for dtype in [DType::U8, DType::I8] {
        keys.extend([KernelKey::PackInteger { dtype }, KernelKey::Requantize { dtype }]);
        keys.extend([false, true].map(|channels_last| KernelKey::ConvInteger { dtype, channels_last }));
    }
    for &activation in ActivationKind::ALL {
        keys.push(KernelKey::Activation { activation });
        for channels_last in [false, true] {
            let all = WINDOWS.iter().chain(&Taps::COLUMNS).filter(|taps| !(channels_last && taps.fours()));
            keys.extend(all.map(|&taps| KernelKey::DepthwisePages { activation, channels_last, taps }));
        }
        for dtype in [DType::F32, DType::F16] {
            keys.push(KernelKey::Dense { dtype, activation });
            keys.push(KernelKey::ConvParts { dtype, activation });
            for channels_last in [false, true] {
                keys.push(KernelKey::ConvTranspose { dtype, activation, channels_last });
                keys.push(KernelKey::Conv { dtype, activation, channels_last });
                for reduce in [Reduce::Max, Reduce::Average, Reduce::AveragePadded] {
                    keys.push(KernelKey::ConvPool { dtype, activation, channels_last, reduce });
                }
            }
        }
    }
    keys.extend(tiled());
    keys.extend([DType::F32, DType::F16].map(|dtype| KernelKey::PackGemm { dtype }));
    keys.extend(GemmKernel::all(ActivationKind::ALL).into_iter().map(KernelKey::ConvGemm));
    for dtype in [DType::F32, DType::F16] {
        keys.extend([KernelKey::WinogradWeights { dtype }, KernelKey::WinogradInput { dtype }]);
        for &activation in ActivationKind::ALL {
            keys.extend([false, true].map(|pool| KernelKey::WinogradOutput { dtype, activation, pool }));
        }
    }
    keys.extend(ConvPatch::kinds().into_iter().map(KernelKey::ConvPatch));
    for patch in Patch::kinds() {
        keys.push(KernelKey::PoolPatch { reduce: Reduce::Max, patch });
        keys.push(KernelKey::PoolPatch { reduce: Reduce::Average, patch });
        keys.push(KernelKey::DepthwisePatch { activation: ActivationKind::Relu, patch });
    }
    for channels_last in [false, true] {
        for indices in [false, true] {
            keys.push(KernelKey::Fractional { indices, channels_last });
        }
    }
    for reduce in [Reduce::Max, Reduce::Average, Reduce::AveragePadded] {
        for runs in [false, true] {
            keys.extend(WINDOWS.map(|taps| KernelKey::PoolPages { reduce, taps, runs }));
            keys.push(KernelKey::PoolPages { reduce, taps: Taps::Pairs, runs });
            keys.extend(Taps::COLUMNS.map(|taps| KernelKey::PoolPages { reduce, taps, runs }));
        }
    }
    for dtype in [DType::F32, DType::F16, DType::U8, DType::I8] {
        keys.extend((0..3).map(|stage| KernelKey::Unpool { stage, dtype }));
        let reductions = [Reduce::Max, Reduce::Average, Reduce::AveragePadded, Reduce::Lp, Reduce::LpTorch];
        for reduce in reductions {
            if reduce != Reduce::Max && matches!(dtype, DType::U8 | DType::I8) {
                continue;
            }
            if reduce != Reduce::LpTorch {
                keys.extend([8, 64].map(|share| KernelKey::PoolPlane { reduce, dtype, share }));
            }
            for channels_last in [false, true] {
                for indices in [false, true] {
                    for adaptive in [false, true] {
                        if (!indices || reduce == Reduce::Max)
                            && (!adaptive || !matches!(reduce, Reduce::Lp | Reduce::LpTorch))
                        {
                            keys.push(KernelKey::Pool { reduce, dtype, indices, channels_last, adaptive });
                        }
                    }
                }
            }
        }
    }
    keys
}

/// The tiled convolution: every tile, and for one of them everything else.
fn tiled() -> Vec<KernelKey> {
    let (activation, first, last) = (ActivationKind::None, true, true);
    let tiles = crate::plan::tiles();
    let mut keys: Vec<_> =
        tiles.iter().map(|&tile| KernelKey::ConvTiled { tile, activation, first, last }).collect();
    let tile = tiles.first().copied();
    for &activation in ActivationKind::ALL {
        keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first: false, last: true }));
    }
    keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first, last: false }));
    keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first: false, last: false }));
    keys
}
