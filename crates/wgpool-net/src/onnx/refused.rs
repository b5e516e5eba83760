//! Errors of ONNX files.

use wgpool::error::{Error, Refusal};

/// The error of a place in the file.
pub(super) fn refused(refusal: Refusal, at: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::network("ONNX model", refusal, at, reason)
}

/// A name from the file between quotation marks, or what it begins with: names may be as long as the file.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 100;
    match name.char_indices().nth(MOST) {
        None => format!("\"{name}\""),
        Some((end, _)) => format!("\"{}\"...", name.get(..end).unwrap_or_default()),
    }
}
