//! Usages of buffers and textures, for messages.

/// The names of flags, as wgpu has them: `STORAGE | COPY_DST`.
pub(crate) fn joined<T>(names: impl Iterator<Item = (&'static str, T)>) -> String {
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" | ") }
}
