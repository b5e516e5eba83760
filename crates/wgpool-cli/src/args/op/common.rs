//! What the arguments of every operation have.

use std::path::{Path, PathBuf};

use clap::Args;
use wgpool::{Op, Result};

/// The arguments of one operation.
pub trait Arguments {
    /// The operation they describe, on an input of this shape.
    fn op(&self, input: &[usize]) -> Result<Op>;

    /// The files they name.
    fn files(&self) -> Files<'_>;
}

/// The files of an operation's tensors, in the operation's order.
pub struct Files<'a> {
    pub inputs: Vec<&'a Path>,
    pub outputs: Vec<&'a Path>,
}

impl<'a> Files<'a> {
    /// Further inputs.
    pub fn reads(mut self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.inputs.extend(paths.into_iter().map(PathBuf::as_path));
        self
    }

    /// Further outputs.
    pub fn writes(mut self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.outputs.extend(paths.into_iter().map(PathBuf::as_path));
        self
    }
}

/// What every operation has.
#[derive(Debug, Args)]
pub struct Common {
    /// The input: .npy or .safetensors
    pub input: PathBuf,
    /// The output: .npy or .safetensors
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

impl Common {
    pub fn files(&self) -> Files<'_> {
        Files { inputs: vec![&self.input], outputs: vec![&self.output] }
    }
}
