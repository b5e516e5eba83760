//! The arguments: what can be asked for, and the help a person reads.

mod network;
mod op;
mod parse;
mod reading;
mod train;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use wgpool::plan::Kernels;
use wgpool::{Choice, DType};

use crate::files::is_standard;
pub use network::{CheckArgs, NetworkArgs, ProfileArgs, RunArgs, ShapesArgs};
pub use op::names::AccuracyArg;
pub use op::{Arguments, Input, OpArgs, Plane};
pub use reading::ReadingArgs;
pub use train::TrainArgs;

const EXAMPLES: &str = "\
Examples:
  wgpool                                   show what it does: digits, speed, a seven
  wgpool --adapter software --out pictures the same on a software adapter, with pictures
  wgpool adapters                          what there is to run on
  wgpool summary model.onnx                what a model is made of
  wgpool predict model.keras seven.png     classify a picture
  wgpool maps model.keras seven.png -o maps  what each layer makes of it, as pictures
  wgpool run model.onnx -i image=photo.png run an ONNX model
  wgpool check model.onnx                  check each of its operations against the reference
  wgpool op max-pool --window 2x2 photo.png -o out.png
  wgpool verify --adapter software         check every operation against the reference
  wgpool bench --plot bench.svg            time the adapter beside the host path
  wgpool tune -o tuning.json               measure which kernels are the fastest here
  wgpool train pooling --out run           train two networks, with and without pooling

Adapters: `auto` is a hardware adapter, or the host path where there is none; `software` is an
adapter such as lavapipe; any other word is a part of an adapter's name.";

/// Pooling and convolution on the GPU, checked against a CPU reference.
///
/// Without a command it runs a demonstration: a small network reads 1,000 handwritten digits.
#[derive(Debug, Parser)]
#[command(name = "wgpool", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Where to compute: auto, gpu, software, host, reference, or part of an adapter's name
    #[arg(long, global = true, default_value = "auto", value_name = "WHERE")]
    adapter: String,

    /// File of `wgpool tune`: plans then choose the kernels that were the fastest on this adapter
    #[arg(long, global = true, value_name = "FILE")]
    tuning: Option<PathBuf>,

    /// The widest registers that the host path uses [default: the widest of this CPU]
    #[arg(long, global = true, value_name = "REGISTERS")]
    pub simd: Option<op::names::SimdArg>,

    /// Folder for the demonstration's pictures (PNG)
    #[arg(short, long, alias = "output", value_name = "DIR")]
    pub out: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Where to compute.
    pub fn place(&self) -> Place {
        // Never an error: every word is a choice.
        Place { choice: self.adapter.parse().unwrap_or_default(), tuning: self.tuning.clone() }
    }
}

impl Cli {
    /// Whether a result goes to standard output, so that what is said to a person does not.
    pub fn writes_to_stdout(&self) -> bool {
        let outputs: Vec<Option<&Path>> = match &self.command {
            Some(Command::Op(args)) => args.operation.arguments().files().outputs,
            Some(Command::Predict(args)) => vec![args.out.as_deref()],
            Some(Command::Tune(args)) => vec![Some(&args.out)],
            Some(Command::Bench(args)) => {
                vec![args.json.as_deref(), args.csv.as_deref(), args.plot.as_deref()]
            }
            _ => Vec::new(),
        };
        outputs.into_iter().flatten().any(is_standard)
    }
}

/// Where to compute, and by what measurements kernels are chosen there.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The adapter that was asked for.
    pub choice: Choice,
    /// The file of measurements.
    pub tuning: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the adapters, and which one `auto` takes
    Adapters(AdaptersArgs),
    /// List the kernels that plans choose from, which --kernels names
    Kernels(KernelsArgs),
    /// Show the layers or nodes, shapes and parameters of a model
    Summary(SummaryArgs),
    /// Classify pictures or arrays by a Keras or ONNX model
    Predict(PredictArgs),
    /// Run an ONNX or Keras model: any inputs, all outputs
    Run(RunArgs),
    /// Check each operation of a model against the reference
    Check(CheckArgs),
    /// Draw the feature maps of each layer of a Keras model
    Maps(MapsArgs),
    /// Run one operation on an array or a picture
    Op(Box<OpArgs>),
    /// Check results against a corpus of cases, or random ones against the reference
    Verify(VerifyArgs),
    /// Time the adapter beside the host path, and say how near their ceilings they are
    Bench(BenchArgs),
    /// Train the tutorial's networks with and without pooling, or a Keras model on data of your own
    Train(Box<TrainArgs>),
    /// Measure which kernels are the fastest on this adapter, for --tuning
    Tune(TuneArgs),
}

#[derive(Debug, clap::Args)]
pub struct AdaptersArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct KernelsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const SUMMARY_EXAMPLES: &str = "\
Of an ONNX model the shapes are shown that its nodes have for these lengths of the inputs, or else
those that the file declares. Parameters are the elements of weights, each counted where it is read first.

Examples:
  wgpool summary model.keras --explain
  wgpool summary model.onnx --dim batch=1 --shape image=1x3x224x224";

#[derive(Debug, clap::Args)]
#[command(after_help = SUMMARY_EXAMPLES)]
pub struct SummaryArgs {
    /// The model: an ONNX file, a config.json or a .keras archive
    pub model: PathBuf,
    #[command(flatten)]
    pub shapes: ShapesArgs,
    /// Print the kernels that compute one example too, the bytes they move, their arithmetic and the memory
    #[arg(long)]
    pub explain: bool,
    /// The weights for --explain [default: as for `predict`]
    #[arg(long, value_name = "FILE", requires = "explain")]
    pub weights: Option<PathBuf>,
}

const VERIFY_EXAMPLES: &str = "\
DIR holds manifest.json and the safetensors files that it names, in the format of ONNX or of
PyTorch cases. On a GPU each case also runs at another offset, in poisoned memory. Tensors of
types without kernels (f64, i32, i64) go in by an exact conversion, which the table counts.
With --kernels NAME, cases that this kernel does not compute count as unsupported.
The status is 1 if any case failed, and 2 if the corpus cannot be read or nothing in it could be
checked: it has no cases, or none that is supported.

Examples:
  wgpool verify corpus/onnx --adapter software
  wgpool verify --seed 7 --count 100 --json";

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// The corpus; without one, random cases of every operation are checked
    pub dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Seed of the random cases [default: another one each time, which is printed]
    #[arg(long, value_name = "N", conflicts_with = "dir")]
    pub seed: Option<u64>,
    /// Random cases of each kind of operation
    #[arg(long, value_name = "N", default_value = "50", value_parser = parse::positive, conflicts_with = "dir")]
    pub count: usize,
    /// The kernels: auto, gpu, cooperative, or names of `wgpool kernels` such as conv/gemm or 'conv/*'
    #[arg(long, alias = "kernel", value_parser = parse::kernels, default_value = "auto", value_name = "WHICH")]
    pub kernels: Which,
}

/// Which kernels run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The adapter's own
    Auto,
    /// Those that GPUs run
    Gpu,
    /// Those that GPUs run, with cooperative matrices for f16, which wgpu calls experimental
    Cooperative,
    /// These alone, where they apply
    These(Kernels),
}

const PREDICT_EXAMPLES: &str = "\
Inputs may hold one example or a batch. Pictures and u8 arrays are divided by 255, so that they
reach from 0 to 1; arrays of other types are converted where every number stays what it is, or by
--cast. A picture (PNG, JPEG) must have the size that the model takes, or --resize brings it to that
as load_img(target_size=...) does, by the nearest pixel. It is read as Keras' load_img does: for a
model of one channel colour becomes grey by ITU-R BT.601 (0.299 red + 0.587 green + 0.114 blue,
rounded), alpha is dropped but for models of four channels. 16 bits a channel stay 16 bits (they are
divided by 65535, where Keras drops the lower half of colours); 16-bit grey is an error for models
of colour. Decoders of JPEG differ by some levels.

--crop keeps proportions, as torchvision's Resize and CenterCrop do: pixels of --resize=bilinear,
unless nearest is said. Then, of arrays of pictures too, the model gets (SCALE * x - MEAN) / STD for
each channel, in the model's order. --preset imagenet is what classifiers from PyTorch mostly take:
--crop (or --resize, where that is said) --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225. Those of
Keras' preprocess_input are --mean 0.5 --std 0.5 (mode tf), and --channels bgr --scale 255 --mean
103.939,116.779,123.68 (mode caffe).

ONNX models have one input, f32 pictures of 1 or 3 channels behind the batch, channels first or last,
and one f32 output; `wgpool run` takes others. A batch that the file fixes is filled up with zeros.

Examples:
  wgpool predict model.keras seven.png
  wgpool predict model.keras photos/*.jpg --resize --labels labels.txt --top 5 --json
  wgpool predict resnet50.onnx dog.jpg --preset imagenet --softmax --labels imagenet.txt
  wgpool predict model.onnx photo.png --size 320x256 --resize=bilinear --mean 0.5 --std 0.5
  wgpool predict config.json --weights weights.safetensors digits.npy --out probabilities.npy";

#[derive(Debug, clap::Args)]
#[command(after_help = PREDICT_EXAMPLES)]
pub struct PredictArgs {
    /// The model: an ONNX file, a config.json or a .keras archive
    pub model: PathBuf,
    /// The inputs: NPY, safetensors (one tensor, or the one named `input`), PNG, JPEG, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The weights (.safetensors) [default: the archive's own, or weights.safetensors beside config.json]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// File for the model's outputs: .npy, .safetensors, or - for NPY on standard output
    #[arg(short, long, alias = "output", value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Height and width of the pictures, where the model leaves them open: 224, or 240x320
    #[arg(long, value_name = "SIZE", value_parser = parse::pair)]
    pub size: Option<[usize; 2]>,
    /// Make probabilities of the outputs: exp(x) over the sum of all classes
    #[arg(long)]
    pub softmax: bool,
    /// Names of the classes: a line each, or JSON, a list or Keras' imagenet_class_index.json
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Classes that are shown of each example [default: 3]
    #[arg(long, value_name = "K", value_parser = parse::positive)]
    pub top: Option<usize>,
    /// Print JSON
    #[arg(long, conflicts_with = "explain")]
    pub json: bool,
    /// Examples that are computed together [default: 64, or as many as the model's own batch has]
    #[arg(long, value_name = "N", value_parser = parse::positive)]
    pub batch: Option<usize>,
    /// Print the kernels of each layer too, the bytes they move, their arithmetic and the memory
    #[arg(long)]
    pub explain: bool,
}

const MAPS_EXAMPLES: &str = "\
For the input and each layer with maps a sheet is written, 00_input.png, 01_conv.png and so on: its
channels side by side in grey, each from black, its smallest number, to white, its largest.

Example:
  wgpool maps model.keras seven.png -o maps";

#[derive(Debug, clap::Args)]
#[command(after_help = MAPS_EXAMPLES)]
pub struct MapsArgs {
    /// The model: a config.json or a .keras archive
    pub model: PathBuf,
    /// One example: a picture (PNG, JPEG) or an array (NPY, safetensors), read as by `predict`
    pub input: PathBuf,
    /// The folder
    #[arg(short, long, alias = "output", value_name = "DIR")]
    pub out: PathBuf,
    /// The weights (.safetensors) [default: as for `predict`]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

const BENCH_EXAMPLES: &str = "\
Operations of your own (--op) are max 2x2, max 3x3/2 pad 1, avg 3x3/1, global max, global avg,
conv 3x3 64->128, conv 3x3/2 64->128 same groups 2 dilation 2 relu, conv 3x3 3->10 + max 2x2,
depthwise 3x3, transposed 4x4/2 64->32 pad 1, dense 512->10, softmax, or an activation: a window with
its stride, channels in and out, then padding and the rest; convolution has a bias, and no padding
unless it is named. --specs takes a list of {\"op\": WORDS, \"shape\": [1, 64, 56, 56]}, or of
{\"op\": OPERATION, \"shapes\": [[...], ...]} with the operation as wgpool's feature serde writes it;
name and dtype may be added.

Each result is compared with the reference before it is timed; a wrong one is not timed, and the
status is then 1. Times are medians of a run in the steady state, where many runs are recorded
together and waited for once, with weights packed. Host path and adapter are timed in turns.
Ceilings are measured first: bytes a second of a copy, and 32-bit multiply-adds a second.

--kernels 'conv/*' times each of these kernels that applies to a case, side by side, whatever the plan would choose.

--compare takes two files that --json wrote, or two folders of six or more: rounds, the first of A
right before or after the first of B and so on, as scripts/bench_compare.sh runs them. It prints the
wall time of B over that of A for each case and place: the median, over the rounds, of the ratios
of their medians, and the 95 % interval of the sign test. The geometric mean of the cases is taken
in each round first. Single files are compared by Welch's t on the logarithms of their measurements,
which says nothing about the next run. `slower` and `faster` mean that the interval does not hold
1. The status is 1 if any case's interval lies wholly above --fail-above.

Examples:
  wgpool bench
  wgpool bench --adapter software --quick --case P1,C2
  wgpool bench --op 'conv 3x3 64->64 same' --shape 1x64x56x56 --shape 8x64x28x28 --csv own.csv
  wgpool bench model.keras --batch 1,32
  wgpool bench model.onnx --quick --profile times.svg
  wgpool bench --kernels 'conv/*' --case C2,C4
  wgpool bench --json bench.json --plot bench.svg
  wgpool bench --fusion --scaling --json more.json
  wgpool bench --compare before/ after/ --fail-above 1.03";

#[derive(Debug, clap::Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub struct BenchArgs {
    /// A model (an ONNX file of one input, a config.json or a .keras archive): its operations one by one, and all of it with copies in and out
    pub model: Option<PathBuf>,
    /// Its weights [default: as for `predict`]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub weights: Option<PathBuf>,
    /// Sizes of its batches [default: 1]
    #[arg(long = "batch", value_name = "1,32", value_delimiter = ',', value_parser = parse::positive, requires = "model")]
    pub batches: Vec<usize>,
    /// Length of an axis that an ONNX model names, as tokens=16
    #[arg(long = "dim", value_name = "NAME=LENGTH", value_parser = parse::dim, requires = "model")]
    pub dims: Vec<(String, usize)>,
    /// An operation of your own, as 'conv 3x3 64->64 same' or 'max 2x2', on each --shape
    #[arg(long = "op", value_name = "WORDS", requires = "shapes")]
    pub ops: Vec<String>,
    /// The shape of its input, batch and channels first, as 1x64x56x56
    #[arg(long = "shape", value_name = "SHAPE", value_parser = parse::sizes, requires = "ops")]
    pub shapes: Vec<parse::Sizes>,
    /// File of operations of your own (JSON)
    #[arg(long, value_name = "FILE")]
    pub specs: Option<PathBuf>,
    /// Only these cases, by their short names
    #[arg(long = "case", value_name = "P1,C2", value_delimiter = ',')]
    pub cases: Vec<String>,
    /// Fewer and shorter measurements
    #[arg(long)]
    pub quick: bool,
    /// The kernels: auto, gpu, cooperative, or names of `wgpool kernels` such as conv/gemm or 'conv/*'
    #[arg(long, alias = "kernel", value_parser = parse::kernels, default_value = "auto", value_name = "WHICH")]
    pub kernels: Which,
    /// Type of the elements; sums of 16-bit floats are kept in 32 bits
    #[arg(long, value_parser = parse::float, default_value = "f32", value_name = "f32|f16|bf16")]
    pub dtype: DType,
    /// What the error of an element may depend on: with `tile`, the convolutions that this permits Winograd's algorithm for;
    /// with `chain`, all convolutions
    #[arg(long, value_enum, default_value = "element", conflicts_with = "scaling")]
    pub accuracy: AccuracyArg,
    /// Time against batch and side instead of the cases (or beside those that --case names)
    #[arg(long)]
    pub scaling: bool,
    /// Convolution with pooling in one kernel beside two, instead of the cases (or beside those that --case names)
    #[arg(long)]
    pub fusion: bool,
    /// File for all figures (JSON)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// File for the times of all cases (CSV)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// File for a picture: the roofline with every case on it, and the times (.svg or .png)
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Compare what two builds measured: A and B are files of --json, or folders of them; measures nothing
    #[arg(
        long,
        num_args = 2,
        value_names = ["A", "B"],
        conflicts_with_all = ["model", "ops", "specs", "cases", "quick", "scaling", "fusion", "json", "csv", "plot", "profile", "export", "kernels", "dtype", "accuracy"]
    )]
    pub compare: Vec<PathBuf>,
    /// With --compare: status 1 if the interval of any case lies wholly above this ratio, as in 1.03
    #[arg(long, value_name = "RATIO", value_parser = parse::ratio, requires = "compare")]
    pub fail_above: Option<f64>,
    /// Folder for the cases themselves, with inputs and checked results as NPY, for other programs; measures nothing
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "quick", "scaling", "fusion", "json", "csv", "plot", "profile"])]
    pub export: Option<PathBuf>,
}

const TUNE_EXAMPLES: &str = "\
Plans choose kernels by rules. This measures the kernels that apply to the operations of a model, or
to the workloads of `bench`, compares each result with the reference, and keeps what is clearly
faster than the rules' choice. The file holds for this adapter, driver and version of wgpool;
elsewhere it is ignored. What it held before for the same stays in it. It is replaced when all is
measured, or the budget is spent: until then the old file stays.

Examples:
  wgpool tune -o tuning.json
  wgpool tune model.keras --batch 32 --budget 2m -o tuning.json
  wgpool predict model.keras seven.png --tuning tuning.json";

#[derive(Debug, clap::Args)]
#[command(after_help = TUNE_EXAMPLES)]
pub struct TuneArgs {
    /// The model: a config.json or a .keras archive [default: the workloads of `bench`]
    pub model: Option<PathBuf>,
    /// The weights [default: as for `predict`]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub weights: Option<PathBuf>,
    /// Examples that the model computes together
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse::positive, requires = "model")]
    pub batch: usize,
    /// Only these workloads, by their short names
    #[arg(long = "case", value_name = "P1,C2", value_delimiter = ',', conflicts_with = "model")]
    pub cases: Vec<String>,
    /// Time to measure for, at most
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub budget: Duration,
    /// The file
    #[arg(short, long, alias = "output", value_name = "FILE")]
    pub out: PathBuf,
}

/// Reads the process's arguments.
pub fn parse() -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse()?;
    if cli.command.is_some() && cli.out.is_some() {
        let message = "--out DIR belongs to the demonstration; give a command's own --out after its name";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(cli)
}

/// Prints help and versions on stdout, and anything else as one line on stderr.
pub fn report(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that went away has seen enough.
        let _ = write!(std::io::stdout(), "{}", error.render());
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return super::fail("an operation is missing (see `wgpool op --help`)");
    }
    super::fail(&one_line(error))
}

/// The gist of clap's error: what is wrong, and a suggestion if it has one.
fn one_line(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let parts: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let text = parts.join("; ").replace(":; ", ": ");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => {
            let usage = usage.to_string();
            let usage = usage.trim().trim_start_matches("Usage:").trim();
            format!("{text} (usage: {usage})")
        }
        _ => format!("{text} (see `wgpool --help`)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn clap_errors_become_one_line() {
        let error = Cli::try_parse_from(["wgpool", "--adaptor", "host"]).expect_err("no such flag");
        let line = one_line(&error);
        assert!(line.starts_with("unexpected argument '--adaptor' found"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}
