//! Models from files; in browsers there are none.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::architecture;
use super::weights::from_safetensors;
use crate::Model;
use wgpool::error::{Error, Result};

/// What HDF5 files begin with.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
/// The most bytes of configuration that are read from a file.
const LARGEST_CONFIG: u64 = 64 << 20;
/// The most bytes of weights that are read from a file.
const LARGEST_WEIGHTS: u64 = 4 << 30;

/// Loads a model with its weights: a `.keras` archive (feature `keras-archive`), a configuration, or a folder that
/// holds `config.json`, as Keras writes it without zipping too.
///
/// Without `weights`, those of an archive are its own, and those of a configuration are `weights.safetensors`
/// beside it, or `model.weights.h5`. `weights` may be of either kind; which it is, its first bytes tell.
///
/// Archives and weights in HDF5 are read by other crates (`zip`, `hdf5-reader`). If one of these panics, that is an error here
/// too, except in a program built with `panic = "abort"`, which it would end: such a program should load archives it trusts, or
/// a configuration with safetensors.
///
/// # Errors
/// [`Error::File`] if a file cannot be read, and those of [`from_config`](super::from_config), with the file's name.
pub fn load(path: impl AsRef<Path>, weights: Option<&Path>) -> Result<Model> {
    let (path, file, is_archive) = open(path.as_ref())?;
    if is_archive && weights.is_none() {
        return archive(file, true).map_err(|error| error.in_file(&path));
    }
    let mut model = without_weights(&path, file, is_archive)?;
    let beside = |name: &str| path.with_file_name(name);
    let weights = match weights {
        Some(weights) => weights.to_owned(),
        None => {
            let hdf5 = Some(beside("model.weights.h5")).filter(|hdf5| hdf5.is_file());
            hdf5.filter(|_| !beside("weights.safetensors").exists()).unwrap_or(beside("weights.safetensors"))
        }
    };
    let mut file = File::open(&weights).map_err(|source| Error::File { path: weights.clone(), source })?;
    let bytes = read(&weights, &mut file, LARGEST_WEIGHTS)?;
    let filled = match bytes.starts_with(HDF5) {
        true => from_hdf5(&mut model, bytes),
        false => from_safetensors(&mut model, &bytes),
    };
    filled.map(|()| model).map_err(|error| error.in_file(&weights))
}

/// Loads a model without its weights, from the same files as [`load`].
///
/// # Errors
/// [`Error::File`] if the file cannot be read, and those of [`architecture`].
pub fn load_architecture(path: impl AsRef<Path>) -> Result<Model> {
    let (path, file, is_archive) = open(path.as_ref())?;
    without_weights(&path, file, is_archive)
}

fn without_weights(path: &Path, mut file: File, is_archive: bool) -> Result<Model> {
    let model = match is_archive {
        true => archive(file, false),
        false => architecture(read(path, &mut file, LARGEST_CONFIG)?),
    };
    model.map_err(|error| error.in_file(path))
}

/// Opens a model's file and looks at its first bytes, which tell an archive whatever its name is.
fn open(path: &Path) -> Result<(PathBuf, File, bool)> {
    let path = if path.is_dir() { path.join("config.json") } else { path.to_owned() };
    let failed = |source| Error::File { path: path.clone(), source };
    let mut file = File::open(&path).map_err(failed)?;
    let mut magic = Vec::new();
    (&mut file).take(HDF5.len() as u64).read_to_end(&mut magic).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if magic == HDF5 {
        let reason = "it is an HDF5 file: models are read from .keras archives, so save it as one (model.save(\"NAME.keras\")); \
                      weights alone (.weights.h5) go with their config.json";
        return Err(Error::document("Keras model", reason).in_file(&path));
    }
    Ok((path, file, magic.starts_with(b"PK")))
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
fn archive(file: File, with_weights: bool) -> Result<Model> {
    super::archive::load(std::io::BufReader::new(file), with_weights)
}

#[cfg(feature = "keras-archive")]
fn from_hdf5(model: &mut Model, bytes: Vec<u8>) -> Result<()> {
    super::archive::weights(model, bytes)
}

#[cfg(not(feature = "keras-archive"))]
fn archive(_: File, _: bool) -> Result<Model> {
    let reason = "this build cannot read archives: it lacks the feature keras-archive";
    Err(Error::document("Keras archive", reason))
}

#[cfg(not(feature = "keras-archive"))]
fn from_hdf5(_: &mut Model, _: Vec<u8>) -> Result<()> {
    let reason = "this build cannot read HDF5: it lacks the feature keras-archive";
    Err(Error::document("Keras weights", reason))
}
