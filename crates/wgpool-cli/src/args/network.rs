//! The arguments about models of ONNX, and of `run` and `check`.

use std::path::{Path, PathBuf};

use wgpool::{Error, Result};
use wgpool_net::onnx::Options;

use super::{Which, parse};

/// Lengths that a model leaves open.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ShapesArgs {
    /// Length of an axis that an ONNX model names, as batch=4
    #[arg(long = "dim", value_name = "NAME=LENGTH", value_parser = parse::dim)]
    pub dims: Vec<(String, usize)>,
    /// Shape of an input, as image=1x3x224x224 [default: that of its file, or the model's own]
    #[arg(long = "shape", value_name = "NAME=SHAPE", value_parser = parse::shape)]
    pub shapes: Vec<(String, Vec<usize>)>,
}

impl ShapesArgs {
    /// Refuses lengths for a model that leaves none open.
    pub fn check_none(&self) -> Result<()> {
        let flags = [
            ("--dim", self.dims.first().map(|(name, _)| name)),
            ("--shape", self.shapes.first().map(|(name, _)| name)),
        ];
        match flags.into_iter().find_map(|(flag, name)| Some((flag, name?))) {
            Some((flag, name)) => {
                Err(Error::parameter("command line", flag, name, "it is for ONNX models here"))
            }
            None => Ok(()),
        }
    }

    /// As the importer takes them.
    pub fn options(&self) -> Options {
        let options = self.dims.iter().fold(Options::default(), |options, (name, n)| options.dim(name, *n));
        self.shapes.iter().fold(options, |options, (name, shape)| options.shape(name, shape.clone()))
    }
}

/// Times of a model's operations.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// Time each operation and print a table; FILE gets the times too (.json), or a picture of them (.svg)
    #[arg(long, value_name = "FILE", num_args = 0..=1, value_parser = parse::profile)]
    profile: Option<Option<PathBuf>>,
    /// Runs that --profile takes medians of
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse::positive, requires = "profile")]
    pub profile_runs: usize,
}

impl ProfileArgs {
    pub fn is_wanted(&self) -> bool {
        self.profile.is_some()
    }

    pub fn file(&self) -> Option<&Path> {
        self.profile.as_ref()?.as_deref()
    }
}

/// A model and what goes in.
#[derive(Debug, clap::Args)]
pub struct NetworkArgs {
    /// The model: an ONNX file (tensors in other files are read from its folder), a config.json or a .keras archive
    pub model: PathBuf,
    /// An input: NPY, safetensors, PNG, JPEG, or - for standard input; NAME= may be left out of the only one
    #[arg(short, long = "input", value_name = "NAME=FILE", value_parser = parse::named_file)]
    pub inputs: Vec<(String, PathBuf)>,
    /// The weights of a Keras model [default: as for `predict`]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub shapes: ShapesArgs,
    /// Compute the operators of ONNX one by one: none joins another
    #[arg(long)]
    pub no_join: bool,
    /// Convert arrays to the input's type even where numbers change: to the nearest there are
    #[arg(long)]
    pub cast: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const RUN_EXAMPLES: &str = "\
Arrays are converted to the type of the input where every number stays what it is, or by --cast: bool
and integers as 0, 1 and i32. Pictures are read as by `op`: numbers from 0 to 1 (bytes where the model
takes them), channels first, or last where the model has 1, 3 or 4 of them there; grey for one channel.
Outputs are printed; with --out each is written as NAME.npy instead, integers as i32 and bools as f32.

--profile runs the model again, by timestamps of the device around a compute pass of each operation;
where it has none, by the host's clock around a submission of each, and on the CPU around each
operation. The sum is not the time of a run, which overlaps them and copies inputs and outputs.

Examples:
  wgpool run model.onnx --input image=photo.png
  wgpool run model.onnx -i ids=ids.npy -i mask=mask.npy --dim batch=1 --out results
  wgpool run model.onnx -i x.npy --json --adapter host
  wgpool run model.onnx -i x.npy --adapter software --profile times.svg";

#[derive(Debug, clap::Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Folder for the outputs, NAME.npy each; characters that are no letters, digits, '-', '_' or '.' become '_'
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Print the kernels too, the bytes they move, their arithmetic and the memory
    #[arg(long, conflicts_with = "json")]
    pub explain: bool,
}

const CHECK_EXAMPLES: &str = "\
Each operation of the model is computed on the adapter and by the reference in 64 bits, on the same
inputs: those that it gets in this model on this adapter. The first with an element outside its bound
is named, with the element, and the status is 1. Inputs that are not given are random: floats from -1 to
1, and integers and truth values 0 or 1. Weights are those of the model.

Examples:
  wgpool check model.onnx --adapter software
  wgpool check model.onnx -i image=photo.png --no-join
  wgpool check model.onnx --dim batch=2 --seed 7 --json";

#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Seed of random inputs
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
    /// The kernels: auto, gpu, cooperative, or names of `wgpool kernels` such as conv/gemm or 'conv/*'
    #[arg(long, alias = "kernel", value_parser = parse::kernels, default_value = "auto", value_name = "WHICH")]
    pub kernels: Which,
}
