//! Files of `wgpool tune`.

use std::path::Path;

use wgpool::plan::Tuning;
use wgpool::{Engine, Result};

use super::read_bytes;
use crate::document;
use crate::terminal::note;

/// The engine with what the file says; without it, and with one line on stderr, where the file is missing, damaged or of
/// another device.
pub fn with_tuning(engine: Engine, path: &Path) -> Engine {
    let tuned = read(path).and_then(|tuning| engine.with_tuning(tuning));
    tuned.unwrap_or_else(|error| {
        note(&format!("{} is ignored: {error}", path.display()));
        engine
    })
}

/// What the file says.
pub fn read(path: &Path) -> Result<Tuning> {
    serde_json::from_slice(&read_bytes(path)?).map_err(|error| document(path, error))
}
