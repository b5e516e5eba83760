//! Models from files; in browsers there are none.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::weights::from_safetensors;
use super::{architecture, from_config};
use crate::Sequential;
use wgpool::error::{Error, Result};

/// The most bytes of configuration that are read from a file.
const LARGEST_CONFIG: u64 = 64 << 20;
/// The most bytes of weights that are read from a file.
const LARGEST_WEIGHTS: u64 = 4 << 30;

/// Loads a model with its weights: a `.keras` archive (feature `keras-archive`), a configuration, or a folder that
/// holds `config.json`.
///
/// Without `weights`, those of an archive are its own, and those of a configuration are `weights.safetensors`
/// beside it.
///
/// Archives are read by other crates (`zip`, `hdf5-reader`). If one of these panics, that is an error here too, except
/// in a program built with `panic = "abort"`, which it would end: such a program should load archives it trusts, or
/// a configuration with safetensors.
///
/// # Errors
/// [`Error::File`] if a file cannot be read, and those of [`from_config`].
pub fn load(path: impl AsRef<Path>, weights: Option<&Path>) -> Result<Sequential> {
    let (path, mut file, is_archive) = open(path.as_ref())?;
    let beside = path.with_file_name("weights.safetensors");
    let weights = match (weights, is_archive) {
        (None, true) => return archive(file, true),
        (Some(weights), true) => {
            let mut model = archive(file, false)?;
            from_safetensors(&mut model, &read_file(weights)?)?;
            return Ok(model);
        }
        (Some(weights), false) => weights,
        (None, false) => &beside,
    };
    let config = read(&path, &mut file, LARGEST_CONFIG)?;
    from_config(config, &read_file(weights)?)
}

/// Loads a model without its weights, from the same files as [`load`].
///
/// # Errors
/// [`Error::File`] if the file cannot be read, and those of [`architecture`].
pub fn load_architecture(path: impl AsRef<Path>) -> Result<Sequential> {
    let (path, mut file, is_archive) = open(path.as_ref())?;
    if is_archive { archive(file, false) } else { architecture(read(&path, &mut file, LARGEST_CONFIG)?) }
}

/// Opens a model's file and looks at its first bytes, which tell an archive whatever its name is.
fn open(path: &Path) -> Result<(std::path::PathBuf, File, bool)> {
    let path = if path.is_dir() { path.join("config.json") } else { path.to_owned() };
    let failed = |source| Error::File { path: path.clone(), source };
    let mut file = File::open(&path).map_err(failed)?;
    let mut magic = Vec::new();
    (&mut file).take(2).read_to_end(&mut magic).map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok((path, file, magic == b"PK"))
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    read(path, &mut file, LARGEST_WEIGHTS)
}

/// Reads at most `limit` bytes: a path may name a device that never ends.
fn read(path: &Path, file: &mut File, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        let reason = format!("it is larger than {limit} bytes");
        return Err(Error::document(path.display().to_string(), reason));
    }
    Ok(bytes)
}

#[cfg(feature = "keras-archive")]
fn archive(file: File, with_weights: bool) -> Result<Sequential> {
    super::archive::load(std::io::BufReader::new(file), with_weights)
}

#[cfg(not(feature = "keras-archive"))]
fn archive(_: File, _: bool) -> Result<Sequential> {
    let reason = "this build cannot read archives: it lacks the feature keras-archive";
    Err(Error::document("Keras archive", reason))
}
