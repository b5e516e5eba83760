//! Checkpoints in files; in browsers there are none.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use pollster::block_on;

use super::super::network::Network;
use super::super::settings::Settings;
use super::Trainer;
use crate::keras::config_json;
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};

/// Writes a file whole or not at all: into one beside it, which is brought to the disk and then takes its name.
///
/// # Errors
/// [`Error::File`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What is left of it is of no use.
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)?;
    // The name is on the disk when its folder is. Not every system can open folders.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

impl Trainer {
    /// Writes [a checkpoint](Trainer::checkpoint_async), whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`], and those of the backend.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), &block_on(self.checkpoint_async())?)
    }

    /// Writes [the weights](Trainer::weights_safetensors_async), whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`], and those of the backend.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), &block_on(self.weights_safetensors_async())?)
    }

    /// Writes the model as it is trained into a folder, which is made where it is missing: `config.json` as Keras writes it, and the
    /// weights beside it as `weights.safetensors`. [`keras::load`](crate::keras::load) reads the folder.
    ///
    /// # Errors
    /// Those of [`keras::config_json`](crate::keras::config_json), before anything is written; [`Error::Document`] for a network that is
    /// a program; [`Error::File`], and those of the backend.
    pub fn save_model(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let Network::Model(model) = &self.network else {
            let reason = format!("{} is a program of operations, not a model of layers", self.network.name());
            return Err(Error::document("training", reason));
        };
        let (config, weights) = (config_json(model)?, block_on(self.weights_safetensors_async())?);
        std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })?;
        write_whole(&folder.join("weights.safetensors"), &weights)?;
        write_whole(&folder.join("config.json"), config.as_bytes())
    }

    /// Goes on from the checkpoint of a file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read; those of [`Trainer::new_async`] and [`Trainer::restore_async`].
    pub fn resume(
        backend: &Backend,
        network: impl Into<Network>,
        settings: Settings,
        path: impl AsRef<Path>,
    ) -> Result<Trainer> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let mut trainer = Trainer::new(backend, network, settings)?;
        block_on(trainer.restore_async(&bytes)).map_err(|error| error.in_file(path))?;
        Ok(trainer)
    }
}
