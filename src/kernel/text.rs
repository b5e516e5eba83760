//! What the texts of kernels are put together from.

/// A file of the folder `shaders`.
macro_rules! shader {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file))
    };
}
pub(crate) use shader;

pub(crate) const INDEX: &str = shader!("lib/index.wgsl");
pub(crate) const NUMBER: &str = shader!("lib/number.wgsl");
pub(crate) const SUM: &str = shader!("lib/sum.wgsl");
pub(crate) const ELEMENT: &str = shader!("lib/element.wgsl");
pub(crate) const PLACE: &str = shader!("lib/place.wgsl");
pub(crate) const TAPS: &str = shader!("lib/taps.wgsl");
pub(crate) const REACHED: &str = shader!("lib/reached.wgsl");
pub(crate) const POOLING: &str = shader!("lib/pooling.wgsl");
pub(crate) const FOLD: &str = shader!("lib/fold.wgsl");
pub(crate) const SOFTMAX: &str = shader!("lib/softmax.wgsl");
pub(crate) const KEY: &str = shader!("lib/key.wgsl");
pub(crate) const INSIDE: &str = shader!("lib/inside.wgsl");
pub(crate) const ROI: &str = shader!("lib/roi.wgsl");
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
