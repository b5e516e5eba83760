//! What compilers have to do with kernels: what they read, and what they can build in time.

use super::conv::{GemmFinish, GemmTile};
use super::key::KernelKey;
use crate::dtype::DType;

/// What parses a shader's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// naga, in a program on any system.
    Native,
    /// A browser, which knows WGSL's features by their `enable` lines alone. naga 30 refuses the line of subgroups.
    Browser,
}

impl Target {
    /// Of what this crate is built for.
    pub const HERE: Target = if cfg!(target_arch = "wasm32") { Target::Browser } else { Target::Native };
}

impl KernelKey {
    /// The shader's text.
    pub fn source(&self) -> String {
        self.source_for(Target::HERE)
    }

    /// The shader's text for what parses it.
    pub fn source_for(&self, target: Target) -> String {
        let subgroups = matches!(self, KernelKey::ConvTiled(kernel) if kernel.tile.broadcast);
        let enable = if subgroups && target == Target::Browser { "enable subgroups;\n" } else { "" };
        enable.to_owned() + &self.text()
    }

    /// Whether FXC builds the pipeline in a second or so: FXC is the compiler of Direct3D 12 where there is no DXC. Plans for
    /// devices with [`Caps::fxc`](crate::plan::Caps::fxc) have no other kernels.
    ///
    /// It knows neither subgroups nor 16-bit floats, takes minutes over uniform arrays of 64 KiB, and seconds over the
    /// sums of a large tile that go through the loops of pooling, or that are chains of eight by eight.
    pub fn suits_fxc(&self) -> bool {
        match self {
            KernelKey::ConvTiled(_) | KernelKey::PoolPages(_) => false,
            KernelKey::ConvGemm(kernel) => {
                let pools = !matches!(kernel.finish, GemmFinish::Store | GemmFinish::Partial);
                !(self.needs_f16()
                    || pools && kernel.tile == GemmTile::Large
                    || kernel.tile == GemmTile::Chain)
            }
            // It takes seconds over the stores of many elements that share words.
            KernelKey::ConvPatch(kernel) => kernel.dtype == DType::F32,
            _ => !self.needs_f16(),
        }
    }
}
