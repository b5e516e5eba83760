//! The text, the constants and the bindings of each kernel.

use super::key::{ActivationKind, KernelKey, Reduce};
use crate::tensor::DType;

/// Invocations of a workgroup. It is below every device's limit (256 in WebGPU, 128 in some drivers).
pub const WORKGROUP: u32 = 64;

/// Storage buffers of a kernel: binding 0 is the uniform block, then come those it reads, then those it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bindings {
    /// Buffers it reads.
    pub reads: u32,
    /// Buffers it writes.
    pub writes: u32,
}

macro_rules! shader {
    ($file:literal) => {
        include_str!(concat!("../../shaders/", $file))
    };
}

const INDEX: &str = shader!("lib/index.wgsl");
const NUMBER: &str = shader!("lib/number.wgsl");
const SUM: &str = shader!("lib/sum.wgsl");
const TAPS: &str = shader!("lib/taps.wgsl");
const POOLING: &str = shader!("lib/pooling.wgsl");
const ACTIVATION: &str = shader!("lib/activation.wgsl");

impl KernelKey {
    /// The shader's text.
    pub fn source(&self) -> String {
        match *self {
            KernelKey::Pool { dtype, indices, .. } => {
                let indices =
                    if indices { shader!("lib/indices.wgsl") } else { shader!("lib/no_indices.wgsl") };
                [prelude(dtype), INDEX, NUMBER, SUM, TAPS, POOLING, indices, shader!("pool.wgsl")].concat()
            }
            KernelKey::PoolPlane { dtype, .. } => {
                [prelude(dtype), INDEX, NUMBER, SUM, POOLING, shader!("pool_plane.wgsl")].concat()
            }
            KernelKey::Conv { .. } => [INDEX, NUMBER, TAPS, ACTIVATION, shader!("conv.wgsl")].concat(),
            KernelKey::Dense { .. } => [INDEX, NUMBER, SUM, ACTIVATION, shader!("dense.wgsl")].concat(),
            KernelKey::Softmax => [INDEX, NUMBER, SUM, shader!("softmax.wgsl")].concat(),
            KernelKey::Activation { .. } => [INDEX, NUMBER, ACTIVATION, shader!("activation.wgsl")].concat(),
        }
    }

    /// The values of the shader's `override` constants.
    pub fn overrides(&self) -> Vec<(&'static str, f64)> {
        let mut all = vec![("WORKGROUP", f64::from(WORKGROUP))];
        match *self {
            KernelKey::Pool { reduce, channels_last, .. } => {
                all.push(("REDUCE", f64::from(reduce as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
            }
            KernelKey::PoolPlane { reduce, .. } => all.push(("REDUCE", f64::from(reduce as u32))),
            KernelKey::Conv { activation, channels_last } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
                all.push(("CHANNELS_LAST", f64::from(channels_last)));
            }
            KernelKey::Dense { activation } | KernelKey::Activation { activation } => {
                all.push(("ACTIVATION", f64::from(activation as u32)));
            }
            KernelKey::Softmax => {}
        }
        all
    }

    /// How many buffers it reads and writes.
    pub fn bindings(&self) -> Bindings {
        match self {
            KernelKey::Pool { indices: true, .. } => Bindings { reads: 1, writes: 2 },
            KernelKey::Conv { .. } | KernelKey::Dense { .. } => Bindings { reads: 3, writes: 1 },
            KernelKey::Pool { .. }
            | KernelKey::PoolPlane { .. }
            | KernelKey::Softmax
            | KernelKey::Activation { .. } => Bindings { reads: 1, writes: 1 },
        }
    }

    /// Whether it needs 16-bit floats on the device.
    pub fn needs_f16(&self) -> bool {
        matches!(
            self,
            KernelKey::Pool { dtype: DType::F16, .. } | KernelKey::PoolPlane { dtype: DType::F16, .. }
        )
    }
}

impl std::fmt::Display for KernelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The two lines that make a kernel read and write elements of one type.
fn prelude(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 | DType::I32 => shader!("lib/f32.wgsl"),
        DType::F16 => shader!("lib/f16.wgsl"),
        DType::U8 => shader!("lib/u8.wgsl"),
        DType::I8 => shader!("lib/i8.wgsl"),
    }
}

/// Every key there can be: what tests compile and compare.
pub fn all() -> Vec<KernelKey> {
    let mut keys = vec![KernelKey::Softmax];
    let activations = [
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
    for activation in activations {
        keys.push(KernelKey::Dense { activation });
        keys.push(KernelKey::Activation { activation });
        for channels_last in [false, true] {
            keys.push(KernelKey::Conv { activation, channels_last });
        }
    }
    for dtype in [DType::F32, DType::F16, DType::U8, DType::I8] {
        for reduce in [Reduce::Max, Reduce::Average, Reduce::AveragePadded, Reduce::Lp] {
            if reduce != Reduce::Max && matches!(dtype, DType::U8 | DType::I8) {
                continue;
            }
            keys.push(KernelKey::PoolPlane { reduce, dtype });
            for channels_last in [false, true] {
                for indices in [false, true] {
                    if indices && reduce != Reduce::Max {
                        continue;
                    }
                    keys.push(KernelKey::Pool { reduce, dtype, indices, channels_last });
                }
            }
        }
    }
    keys
}
