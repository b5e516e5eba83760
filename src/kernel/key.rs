//! The kernels that there are, and the key that tells one pipeline from another.

use std::fmt;

use super::bindings::Bindings;
use super::block::Block;
#[cfg(feature = "gradients")]
use super::gradient::*;
use super::packed;
use super::row::{Kernel, Row};
use super::text::{alpha_beta_of, filled, with_residual};
use super::{conv::*, depthwise::*, frame::*, other::*, pack::*, pool::*, winograd::*};
use crate::activation::ActivationKind;

/// Of a list of kernels: the enum over them, and what is the same for each.
macro_rules! kernels {
    ($($(#[$on:meta])* $kernel:ident,)*) => {
        /// A pipeline's identity: the only thing its text and constants are made from.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)] // the kernels' own types say what they are
        pub enum KernelKey {
            $($(#[$on])* $kernel($kernel),)*
        }

        $($(#[$on])* impl From<$kernel> for KernelKey {
            fn from(kernel: $kernel) -> KernelKey {
                KernelKey::$kernel(kernel)
            }
        })*

        impl KernelKey {
            fn kernel(&self) -> &dyn Kernel {
                match self {
                    $($(#[$on])* KernelKey::$kernel(kernel) => kernel,)*
                }
            }
        }

        /// Every key there can be; of those with numbers that may be anything, some: what tests compile and compare.
        pub fn all() -> Vec<KernelKey> {
            let mut all = Vec::new();
            $($(#[$on])* all.extend($kernel::every().into_iter().map(KernelKey::from));)*
            all
        }
    };
}

kernels! {
    Pool, PoolPlane, PoolPages, PoolPatch, Fractional, Unpool, RoiAlign, MaxRoi,
    DepthwisePatch,
    Conv, ConvTranspose, ConvPool, ConvTiled, ConvGemm, ConvPatch, ConvParts, ConvInteger, Requantize,
    DeformSamples, CausalSequence, Dense,
    PackGemm, PackInput, PackInteger, PackWeights,
    WinogradWeights, WinogradInput, WinogradOutput,
    Activation, Arg, Col2Im, Elementwise, ReduceAxes, Resize, Softmax, SoftmaxRows, Strided,
    FrameRead, FrameShow,
    #[cfg(feature = "gradients")]
    PoolGradient,
    #[cfg(feature = "gradients")]
    PoolGradientApart,
    #[cfg(feature = "gradients")]
    UnpoolGradient,
    #[cfg(feature = "gradients")]
    RoiAlignGradient,
    #[cfg(feature = "gradients")]
    WeightsGradient,
    #[cfg(feature = "gradients")]
    WeightsGradientTiles,
    #[cfg(feature = "gradients")]
    WeightsGradientDepthwise,
    #[cfg(feature = "gradients")]
    ActivationGradient,
    #[cfg(feature = "gradients")]
    SoftmaxGradient,
    #[cfg(feature = "gradients")]
    CrossEntropy,
    #[cfg(feature = "gradients")]
    DropoutMask,
}

impl KernelKey {
    /// The shader's text, but for lines that some compilers need.
    pub(super) fn text(&self) -> String {
        let Row { text, lines, block, dtype, bindings, words, .. } = self.row();
        let last = bindings.pages + bindings.buffers();
        let slopes = (bindings.slopes > 0).then_some(last - bindings.residuals);
        let activates = self.activation().map(|_| alpha_beta_of(slopes, dtype)).unwrap_or_default();
        let adds = self.residual().map(|residual| with_residual(residual.then_some(last), dtype));
        let text = filled(&text.concat(), lines) + &activates + &adds.unwrap_or_default() + &block.wgsl();
        if words || dtype.row().lanes == 1 { text } else { packed::text(&text) }
    }

    /// Whether it adds a residual; nothing of kernels that never do.
    fn residual(&self) -> Option<bool> {
        match self {
            KernelKey::Conv(Conv { residual, .. })
            | KernelKey::ConvTiled(ConvTiled { residual, .. })
            | KernelKey::ConvGemm(ConvGemm { residual, .. })
            | KernelKey::ConvParts(ConvParts { residual, .. })
            | KernelKey::WinogradOutput(WinogradOutput { residual, .. }) => Some(*residual),
            _ => None,
        }
    }

    /// What it is made of, with PReLU's slope if that is its activation.
    fn row(&self) -> Row {
        let mut row = self.kernel().row();
        row.bindings.slopes = u32::from(self.activation() == Some(ActivationKind::PRelu));
        row.bindings.residuals = u32::from(self.residual() == Some(true));
        row
    }

    fn activation(mut self) -> Option<ActivationKind> {
        self.activation_mut().copied()
    }

    /// Its activation, if its results may have one.
    pub fn activation_mut(&mut self) -> Option<&mut ActivationKind> {
        match self {
            KernelKey::DepthwisePatch(DepthwisePatch { activation, .. })
            | KernelKey::Conv(Conv { activation, .. })
            | KernelKey::ConvTranspose(ConvTranspose { activation, .. })
            | KernelKey::ConvPool(ConvPool { activation, .. })
            | KernelKey::ConvTiled(ConvTiled { activation, .. })
            | KernelKey::ConvGemm(ConvGemm { activation, .. })
            | KernelKey::ConvPatch(ConvPatch { activation, .. })
            | KernelKey::ConvParts(ConvParts { activation, .. })
            | KernelKey::WinogradOutput(WinogradOutput { activation, .. })
            | KernelKey::Dense(Dense { activation, .. })
            | KernelKey::Activation(Activation { activation, .. }) => Some(activation),
            _ => None,
        }
    }

    /// The parameters that it reads. Its text ends with their structure.
    pub fn block(&self) -> Block {
        self.kernel().row().block
    }

    /// The values of the shader's `override` constants.
    pub fn overrides(&self) -> Vec<(&'static str, f64)> {
        let Row { workgroup, constants, .. } = self.kernel().row();
        [vec![("WORKGROUP", f64::from(workgroup))], constants].concat()
    }

    /// How many buffers it reads and writes; textures do not count.
    pub fn bindings(&self) -> Bindings {
        self.row().bindings
    }

    /// The layout of its bind group.
    pub(crate) fn layout(&self) -> Vec<wgpu::BindGroupLayoutEntry> {
        let Row { bindings, texture, .. } = self.row();
        bindings.layout(texture)
    }

    /// Whether it needs 16-bit floats on the device.
    pub fn needs_f16(&self) -> bool {
        self.kernel().row().dtype.row().needs_f16
    }
}

impl fmt::Debug for KernelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kernel().fmt(f)
    }
}

impl fmt::Display for KernelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kernel().fmt(f)
    }
}
