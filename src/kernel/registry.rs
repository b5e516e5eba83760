//! The text, the constants and the bindings of each kernel.

use super::gemm::{GemmFinish, GemmKernel};
use super::key::{ActivationKind, KernelKey, Reduce, Taps};
use crate::plan::PAGES;
use crate::tensor::DType;

/// Invocations of a workgroup. It is below every device's limit (256 in WebGPU, 128 in some drivers).
pub const WORKGROUP: u32 = 64;

/// Buffers of a kernel: binding 0 is the uniform block, then come pages, then the storage buffers that it reads, then
/// those it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bindings {
    /// Uniform bindings of tensors.
    pub pages: u32,
    /// Buffers it reads.
    pub reads: u32,
    /// Buffers it writes.
    pub writes: u32,
}

/// Invocations of a workgroup of the tiled convolution: one subgroup, so that few tiles occupy all cores.
pub const TILED_WORKGROUP: u32 = 8;

/// Pages of the input that depthwise convolutions read; kernel and bias take the rest.
pub(crate) const DEPTHWISE_PAGES: usize = PAGES - 2;

macro_rules! shader {
    ($file:literal) => {
        include_str!(concat!("../../shaders/", $file))
    };
}

pub(crate) const INDEX: &str = shader!("lib/index.wgsl");
pub(crate) const NUMBER: &str = shader!("lib/number.wgsl");
const SUM: &str = shader!("lib/sum.wgsl");
const TAPS: &str = shader!("lib/taps.wgsl");
const POOLING: &str = shader!("lib/pooling.wgsl");
const ACTIVATION: &str = shader!("lib/activation.wgsl");
const CONVOLVE: &str = shader!("lib/convolve.wgsl");
const ROI: &str = shader!("lib/roi.wgsl");
const SLIDING: &str = shader!("lib/pages.wgsl");
const NO_INDICES: &str = shader!("lib/no_indices.wgsl");

impl KernelKey {
    /// The shader's text.
    pub fn source(&self) -> String {
        match *self {
            KernelKey::Pool { dtype, indices, .. } => {
                let indices = if indices { shader!("lib/indices.wgsl") } else { NO_INDICES };
                [prelude(dtype), INDEX, NUMBER, SUM, TAPS, POOLING, indices, shader!("pool.wgsl")].concat()
            }
            KernelKey::PoolPages { taps, .. } => {
                let window = match taps {
                    Taps::Any => shader!("pool_page_loops.wgsl"),
                    Taps::Pairs => shader!("pool_page_pairs.wgsl"),
                    Taps::Few { .. } => shader!("pool_page_taps.wgsl"),
                };
                let own = shader!("pool_pages.wgsl").to_owned();
                paged(taps, PAGES, own, &[window, shader!("pool_page.wgsl")])
            }
            KernelKey::DepthwisePages { taps, .. } => {
                let window = match taps {
                    Taps::Any => shader!("depthwise_page_loops.wgsl"),
                    Taps::Few { .. } | Taps::Pairs => shader!("depthwise_page_taps.wgsl"),
                };
                let finish = match taps.fours() {
                    false => shader!("depthwise_finish_one.wgsl"),
                    true => shader!("depthwise_finish_four.wgsl"),
                };
                let own = [ACTIVATION, shader!("depthwise_pages.wgsl"), finish].concat();
                paged(taps, DEPTHWISE_PAGES, own, &[window, shader!("depthwise_page.wgsl")])
            }
            KernelKey::PoolPlane { dtype, .. } => {
                [prelude(dtype), INDEX, NUMBER, SUM, POOLING, shader!("pool_plane.wgsl")].concat()
            }
            KernelKey::Fractional { indices, .. } => {
                let indices = if indices { shader!("lib/indices_4.wgsl") } else { NO_INDICES };
                [INDEX, NUMBER, indices, shader!("fractional.wgsl")].concat()
            }
            KernelKey::Unpool { dtype, .. } => [prelude(dtype), INDEX, shader!("unpool.wgsl")].concat(),
            KernelKey::RoiAlign => [INDEX, NUMBER, SUM, ROI, shader!("roi_align.wgsl")].concat(),
            KernelKey::MaxRoi => [INDEX, NUMBER, ROI, shader!("roi_max.wgsl")].concat(),
            KernelKey::Conv { dtype, repair, .. } => convolution(dtype, repair, &[shader!("conv.wgsl")]),
            KernelKey::ConvTranspose { dtype, .. } => {
                convolution(dtype, false, &[shader!("conv_transpose.wgsl")])
            }
            KernelKey::ConvPool { dtype, repair, .. } => {
                convolution(dtype, repair, &[POOLING, shader!("conv_pool.wgsl")])
            }
            KernelKey::ConvTiled { tile, .. } => {
                let own = tile.source(shader!("conv_tiled.wgsl"));
                [INDEX, NUMBER, ACTIVATION, &own].concat()
            }
            KernelKey::PackWeights { dtype } => {
                [prelude(dtype), INDEX, NUMBER, shader!("pack_weights.wgsl")].concat()
            }
            KernelKey::ConvGemm(kernel) => gemm(kernel),
            KernelKey::PackGemm { dtype } => [prelude(dtype), INDEX, shader!("pack_gemm.wgsl")].concat(),
            KernelKey::ConvParts { dtype, .. } => {
                [prelude(dtype), INDEX, NUMBER, ACTIVATION, shader!("conv_parts.wgsl")].concat()
            }
            KernelKey::Dense { dtype, .. } => {
                [prelude(dtype), INDEX, NUMBER, SUM, ACTIVATION, shader!("dense.wgsl")].concat()
            }
            KernelKey::Frame(kernel) => kernel.source(),
            KernelKey::Softmax => [INDEX, NUMBER, SUM, shader!("softmax.wgsl")].concat(),
            KernelKey::Activation { .. } => [INDEX, NUMBER, ACTIVATION, shader!("activation.wgsl")].concat(),
        }
    }

    /// The values of the shader's `override` constants.
    pub fn overrides(&self) -> Vec<(&'static str, f64)> {
        if let KernelKey::ConvGemm(kernel) = self {
            return kernel.overrides();
        }
        let workgroup = match self {
            KernelKey::ConvTiled { .. } => TILED_WORKGROUP,
            _ => WORKGROUP,
        };
        let mut all = vec![("WORKGROUP", f64::from(workgroup))];
        match *self {
            KernelKey::Pool { reduce, channels_last, adaptive, .. } => {
                all.push(("REDUCE", f64::from(reduce as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
                all.push(("ADAPTIVE", f64::from(adaptive)));
            }
            KernelKey::PoolPages { reduce, taps } => {
                all.push(("REDUCE", f64::from(reduce as u32)));
                all.extend(taps.side().map(|side| ("TAPS", f64::from(side))));
            }
            KernelKey::DepthwisePages { activation, channels_last, taps } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
                all.extend(taps.side().map(|side| ("TAPS", f64::from(side))));
            }
            KernelKey::PoolPlane { reduce, .. } => all.push(("REDUCE", f64::from(reduce as u32))),
            KernelKey::Fractional { channels_last, .. } => {
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
            }
            KernelKey::Unpool { stage, .. } => all.push(("STAGE", f64::from(stage))),
            KernelKey::Conv { activation, channels_last, .. }
            | KernelKey::ConvTranspose { activation, channels_last, .. } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
            }
            KernelKey::ConvPool { activation, channels_last, reduce, .. } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
                all.push(("REDUCE", f64::from(reduce as u32)));
            }
            KernelKey::Dense { activation, .. }
            | KernelKey::ConvParts { activation, .. }
            | KernelKey::Activation { activation } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
            }
            KernelKey::ConvTiled { activation, first, last, .. } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
                all.push(("FIRST", f64::from(first)));
                all.push(("LAST", f64::from(last)));
            }
            KernelKey::Frame(kernel) => all.extend(kernel.overrides()),
            KernelKey::PackWeights { .. }
            | KernelKey::PackGemm { .. }
            | KernelKey::ConvGemm(_)
            | KernelKey::Softmax
            | KernelKey::RoiAlign
            | KernelKey::MaxRoi => {}
        }
        all
    }

    /// How many buffers it reads and writes; textures do not count.
    pub fn bindings(&self) -> Bindings {
        let (reads, writes) = match self {
            KernelKey::PoolPages { .. } | KernelKey::DepthwisePages { .. } => (0, 1),
            KernelKey::Pool { indices, .. } => (1, 1 + u32::from(*indices)),
            KernelKey::Fractional { indices, .. } => (2, 1 + u32::from(*indices)),
            KernelKey::Unpool { .. } => (2, 2),
            KernelKey::Conv { repair, .. } | KernelKey::ConvPool { repair, .. } => {
                (3 + u32::from(*repair), 1)
            }
            KernelKey::ConvTranspose { .. }
            | KernelKey::ConvGemm(_)
            | KernelKey::Dense { .. }
            | KernelKey::RoiAlign => (3, 1),
            KernelKey::PackWeights { .. } | KernelKey::ConvParts { .. } | KernelKey::MaxRoi => (2, 1),
            KernelKey::PackGemm { .. }
            | KernelKey::PoolPlane { .. }
            | KernelKey::ConvTiled { .. }
            | KernelKey::Softmax
            | KernelKey::Activation { .. } => (1, 1),
            KernelKey::Frame(kernel) => kernel.buffers(),
        };
        let pages = match self {
            KernelKey::PoolPages { .. } | KernelKey::DepthwisePages { .. } => PAGES as u32,
            KernelKey::ConvTiled { .. } => 1,
            _ => 0,
        };
        Bindings { pages, reads, writes }
    }

    /// Whether it needs 16-bit floats on the device.
    pub fn needs_f16(&self) -> bool {
        match self {
            KernelKey::Pool { dtype, .. }
            | KernelKey::PoolPlane { dtype, .. }
            | KernelKey::Unpool { dtype, .. }
            | KernelKey::Conv { dtype, .. }
            | KernelKey::ConvTranspose { dtype, .. }
            | KernelKey::ConvPool { dtype, .. }
            | KernelKey::PackWeights { dtype }
            | KernelKey::ConvGemm(GemmKernel { dtype, .. })
            | KernelKey::PackGemm { dtype }
            | KernelKey::ConvParts { dtype, .. }
            | KernelKey::Dense { dtype, .. } => *dtype == DType::F16,
            KernelKey::Frame(kernel) => kernel.dtype() == DType::F16,
            KernelKey::Fractional { .. }
            | KernelKey::ConvTiled { .. }
            | KernelKey::PoolPages { .. }
            | KernelKey::DepthwisePages { .. }
            | KernelKey::RoiAlign
            | KernelKey::MaxRoi
            | KernelKey::Softmax
            | KernelKey::Activation { .. } => false,
        }
    }
}

impl std::fmt::Display for KernelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The two lines that make a kernel read and write elements of one type.
pub(crate) fn prelude(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 | DType::I32 => shader!("lib/f32.wgsl"),
        DType::F16 => shader!("lib/f16.wgsl"),
        DType::U8 => shader!("lib/u8.wgsl"),
        DType::I8 => shader!("lib/i8.wgsl"),
    }
}

/// A kernel that reads a tensor through pages: its own text, and what it does with each page, once for each: uniform
/// buffers can be neither passed to functions nor numbered at run time. `PAGE` in the text becomes the page's number.
fn paged(taps: Taps, pages: usize, own: String, of_each: &[&str]) -> String {
    let (width, load) = match taps.fours() {
        false => (shader!("lib/one.wgsl"), shader!("lib/page_one.wgsl")),
        true => (shader!("lib/four.wgsl"), shader!("lib/page_four.wgsl")),
    };
    let count = match taps {
        Taps::Any | Taps::Pairs => "",
        Taps::Few { .. } => shader!("lib/few_taps.wgsl"),
    };
    let page = [&[load], of_each].concat().concat();
    let pages: String = (0..pages).map(|number| page.replace("PAGE", &number.to_string())).collect();
    [INDEX, NUMBER, SUM, width, count, SLIDING, &own, &pages].concat()
}

/// A kernel on top of `lib/convolve.wgsl`.
fn convolution(dtype: DType, repair: bool, own: &[&str]) -> String {
    let output = if repair { shader!("lib/when_not_finite.wgsl") } else { shader!("lib/always.wgsl") };
    let shared = [prelude(dtype), INDEX, NUMBER, TAPS, ACTIVATION, output, CONVOLVE].concat();
    shared + &own.concat()
}

fn gemm(kernel: GemmKernel) -> String {
    let output = match kernel.finish {
        GemmFinish::Partial => shader!("lib/gemm_partial.wgsl"),
        _ => shader!("lib/gemm_output.wgsl"),
    };
    let shared = [prelude(kernel.dtype), INDEX, NUMBER, SUM, TAPS, POOLING, ACTIVATION].concat();
    let own = [shader!("lib/gemm.wgsl"), output, shader!("lib/gemm_pool.wgsl"), shader!("conv_gemm.wgsl")];
    shared + &own.concat()
}

const ACTIVATIONS: [ActivationKind; 9] = [
    ActivationKind::None,
    ActivationKind::Relu,
    ActivationKind::Relu6,
    ActivationKind::LeakyRelu,
    ActivationKind::Sigmoid,
    ActivationKind::Tanh,
    ActivationKind::Silu,
    ActivationKind::Gelu,
    ActivationKind::GeluTanh,
];

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
    let mut keys = vec![KernelKey::Softmax, KernelKey::RoiAlign, KernelKey::MaxRoi];
    keys.extend([DType::F32, DType::F16].map(|dtype| KernelKey::PackWeights { dtype }));
    for activation in ACTIVATIONS {
        keys.push(KernelKey::Activation { activation });
        for channels_last in [false, true] {
            let all = WINDOWS.iter().filter(|taps| !(channels_last && taps.fours()));
            keys.extend(all.map(|&taps| KernelKey::DepthwisePages { activation, channels_last, taps }));
        }
        for dtype in [DType::F32, DType::F16] {
            keys.push(KernelKey::Dense { dtype, activation });
            keys.push(KernelKey::ConvParts { dtype, activation });
            for channels_last in [false, true] {
                keys.push(KernelKey::ConvTranspose { dtype, activation, channels_last });
                for repair in [false, true] {
                    keys.push(KernelKey::Conv { dtype, activation, channels_last, repair });
                    for reduce in [Reduce::Max, Reduce::Average, Reduce::AveragePadded] {
                        keys.push(KernelKey::ConvPool { dtype, activation, channels_last, reduce, repair });
                    }
                }
            }
        }
    }
    keys.extend(tiled());
    keys.extend([DType::F32, DType::F16].map(|dtype| KernelKey::PackGemm { dtype }));
    keys.extend(GemmKernel::all(&ACTIVATIONS).into_iter().map(KernelKey::ConvGemm));
    for channels_last in [false, true] {
        for indices in [false, true] {
            keys.push(KernelKey::Fractional { indices, channels_last });
        }
    }
    for reduce in [Reduce::Max, Reduce::Average, Reduce::AveragePadded] {
        keys.extend(WINDOWS.map(|taps| KernelKey::PoolPages { reduce, taps }));
        keys.push(KernelKey::PoolPages { reduce, taps: Taps::Pairs });
    }
    for dtype in [DType::F32, DType::F16, DType::U8, DType::I8] {
        keys.extend((0..3).map(|stage| KernelKey::Unpool { stage, dtype }));
        let reductions = [Reduce::Max, Reduce::Average, Reduce::AveragePadded, Reduce::Lp, Reduce::LpTorch];
        for reduce in reductions {
            if reduce != Reduce::Max && matches!(dtype, DType::U8 | DType::I8) {
                continue;
            }
            if reduce != Reduce::LpTorch {
                keys.push(KernelKey::PoolPlane { reduce, dtype });
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
    for activation in ACTIVATIONS {
        keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first: false, last: true }));
    }
    keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first, last: false }));
    keys.extend(tile.map(|tile| KernelKey::ConvTiled { tile, activation, first: false, last: false }));
    keys
}
