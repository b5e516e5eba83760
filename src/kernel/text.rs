//! What the texts of kernels are put together from.

use crate::dtype::DType;

/// A file of the folder `shaders`.
macro_rules! shader {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file))
    };
}
pub(crate) use shader;

pub(crate) const INDEX: &str = shader!("lib/index.wgsl");
pub(crate) const EACH: &str = shader!("lib/each.wgsl");
pub(crate) const ROW_BASE: &str = shader!("lib/row_base.wgsl");
#[cfg(feature = "gradients")]
pub(crate) const EACH_ROW: &str = shader!("lib/each_row.wgsl");
pub(crate) const NUMBER: &str = shader!("lib/number.wgsl");
pub(crate) const SUM: &str = shader!("lib/sum.wgsl");
pub(crate) const ELEMENT: &str = shader!("lib/element.wgsl");
pub(crate) const PLACE: &str = shader!("lib/place.wgsl");
pub(crate) const DIVIDED: &str = shader!("lib/divided.wgsl");
pub(crate) const TAPS: &str = shader!("lib/taps.wgsl");
pub(crate) const REACHED: &str = shader!("lib/reached.wgsl");
pub(crate) const POOLING: &str = shader!("lib/pooling.wgsl");
pub(crate) const FOLD: &str = shader!("lib/fold.wgsl");
pub(crate) const SOFTMAX: &str = shader!("lib/softmax.wgsl");
pub(crate) const KEY: &str = shader!("lib/key.wgsl");
pub(crate) const INSIDE: &str = shader!("lib/inside.wgsl");
pub(crate) const ROI: &str = shader!("lib/roi.wgsl");
pub(crate) const ROI_BINS: &str = shader!("lib/roi_bins.wgsl");
pub(crate) const ROI_SAMPLES: &str = shader!("lib/roi_samples.wgsl");
pub(crate) const NO_INDICES: &str = shader!("lib/no_indices.wgsl");

/// `template` with the lines that `lines` has for each of its lines marked `//: name`.
pub(crate) fn filled(template: &str, lines: impl Fn(&str) -> Vec<String>) -> String {
    let mut text = String::new();
    for line in template.lines() {
        match line.trim_start().strip_prefix("//: ") {
            None => text.push_str(line),
            Some(name) => text.push_str(&lines(name).join("\n")),
        }
        text.push('\n');
    }
    text
}

/// What the parameters of an activation are in an output channel: those of the block or, where `slopes` is the binding of
/// PReLU's, of which there are as many as the block's say in two parts, that of the channel.
pub(crate) fn alpha_beta_of(slopes: Option<u32>, dtype: DType) -> String {
    let Some(binding) = slopes else {
        return "\nfn alpha_beta_of(channel: u32) -> vec2<f32> {\n    return params.alpha_beta;\n}\n"
            .to_owned();
    };
    read(binding, "slopes", dtype) + shader!("lib/slopes.wgsl")
}

/// What a sum with bias is with the residual's element for the output's at `at`, where `residual` is its binding.
pub(crate) fn with_residual(residual: Option<u32>, dtype: DType) -> String {
    match residual {
        None => "\nfn with_residual(sum: f32, at: u32) -> f32 {\n    return sum;\n}\n".to_owned(),
        Some(binding) => read(binding, "residuals", dtype) + shader!("lib/residuals.wgsl"),
    }
}

/// A buffer of elements that is read.
fn read(binding: u32, name: &str, dtype: DType) -> String {
    // Kernels of f32 alone have no `Word`.
    let element = if dtype == DType::F32 { "f32" } else { "Word" };
    format!("\n@group(0) @binding({binding}) var<storage, read> {name}: array<{element}>;\n")
}
