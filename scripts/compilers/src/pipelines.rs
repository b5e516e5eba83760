//! Which kernels, with which constants, a compiler is given.

use std::collections::HashSet;

use wgpool::kernel::{self, ActivationKind, KernelKey, Target};

/// The activation whose lines are the most.
const LONGEST: ActivationKind = ActivationKind::Gelu;

/// Of the register tiles, which llvmpipe alone is given, DXC is given one in so many.
const TILES: usize = 17;

/// A text and constants.
pub struct Pipeline {
    pub key: KernelKey,
    pub text: String,
    pub constants: Vec<(&'static str, f64)>,
}

impl std::fmt::Display for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.key.fmt(f)
    }
}

/// Every kernel that `is_wanted`, its text for `target`, each text with all constants that there are for it. The activation
/// is the longest, or, with `activations`, every one.
fn pipelines(target: Target, activations: bool, is_wanted: impl Fn(&KernelKey) -> bool) -> Vec<Pipeline> {
    let keys = kernel::all().into_iter().filter(is_wanted);
    let mut known = HashSet::new();
    let pipelines = keys.map(|mut key| {
        if let Some(activation) = key.activation_mut().filter(|_| !activations) {
            *activation = LONGEST;
        }
        Pipeline { key, text: key.source_for(target), constants: key.overrides() }
    });
    pipelines.filter(|p| known.insert(format!("{:?}{}", p.constants, p.text))).collect()
}

/// No compiler here knows wgpu's cooperative matrices, which are SPIR-V's.
fn is_cooperative(key: &KernelKey) -> bool {
    matches!(key, KernelKey::ConvGemm(kernel) if kernel.cooperative.is_some())
}

/// What a device with FXC can be given.
pub fn for_fxc(activations: bool) -> Vec<Pipeline> {
    pipelines(Target::Native, activations, KernelKey::suits_fxc)
}

/// What any device of Direct3D 12 can be given.
pub fn for_dxc(activations: bool) -> Vec<Pipeline> {
    let mut tiles = 0;
    let mut all = pipelines(Target::Native, activations, |key| !is_cooperative(key));
    all.retain(|pipeline| {
        let is_tile = matches!(pipeline.key, KernelKey::ConvTiled(_));
        tiles += usize::from(is_tile);
        !is_tile || tiles % TILES == 1
    });
    all
}

/// What a browser can be given.
pub fn for_browser(activations: bool) -> Vec<Pipeline> {
    pipelines(Target::Browser, activations, |key| !is_cooperative(key))
}
