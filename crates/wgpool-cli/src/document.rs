//! Errors about files.

use std::path::Path;

use wgpool::Error;

/// An [`Error::Document`] about `path`.
pub fn document(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Document { document: path.display().to_string(), reason: reason.to_string() }
}
