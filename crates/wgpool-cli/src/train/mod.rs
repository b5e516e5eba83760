//! `wgpool train`: the tutorial's networks with and without pooling, or a network of one's own.

mod course;
mod curves;
mod data;
mod maps;
mod memory;
mod nets;
mod own;
mod photographs;
mod picture;
mod pooling;

use std::io::Write;
use std::path::{Path, PathBuf};

use wgpool::{Error, Result};

use super::args::{Place, TrainArgs};

/// The name of the checkpoint where none is asked for.
const CHECKPOINT: &str = "checkpoint.safetensors";

/// Runs the command.
pub fn run(args: &TrainArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    memory::keep();
    match args.is_pooling() {
        true => pooling::run(args, place, out),
        false => own::run(args, place, out),
    }
}

/// Where a run that is interrupted leaves what it has come to.
fn checkpoint(args: &TrainArgs) -> PathBuf {
    match (&args.checkpoint, &args.out) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.join(CHECKPOINT),
        (None, None) => PathBuf::from(CHECKPOINT),
    }
}

/// Makes the folder for results.
fn folder(args: &TrainArgs) -> Result<Option<&Path>> {
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.clone(), source })?;
    }
    Ok(args.out.as_deref())
}
