//! The arguments of `train`.

use std::path::PathBuf;

use super::{ReadingArgs, parse};

const EXAMPLES: &str = "\
`pooling` is the tutorial's experiment: two networks of three convolutions, with and without max
pooling, learn to tell sandals from sneakers by 640 photographs of Fashion-MNIST, which come with
the program. Batches are in the order of the file. With --out the networks, their weights and
training.png are written: curves, filters, and maps before and after pooling.

A model of one's own is trained by --data: a folder with a folder of pictures (PNG, JPEG) for each
class, or a safetensors file with `images` and `labels` (u8 images are divided by 255; classes are
counted from 0), and perhaps `val_images` and `val_labels`. Its output has one probability for two
classes, or one number for each class. Without --weights it begins with weights drawn from --seed.
With --out config.json, weights.safetensors, labels.txt and training.png are written.

The loss is cross-entropy, the optimiser Keras' Adam. Ctrl-C ends a run with a checkpoint, from
which --resume goes on with the same bits; with --checkpoint one is written behind every epoch too.
A second Ctrl-C ends at once.

Examples:
  wgpool train pooling --out run
  wgpool train pooling --size 64 --epochs 8 --adapter software
  wgpool train config.json --data photos/ --epochs 10 --resize=bilinear --out run
  wgpool train config.json --data digits.safetensors --checkpoint run.safetensors --resume";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// `pooling`, or a model: a config.json or a .keras archive
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Folder with a folder of pictures for each class, or a safetensors file
    #[arg(long, value_name = "DIR|FILE")]
    pub data: Option<PathBuf>,
    /// Part of the examples that --data is validated by, where it does not say which
    #[arg(long, value_name = "PART", default_value = "0.2", value_parser = parse::part)]
    pub validation: f64,
    /// Pixels of a side of the photographs of `pooling`: a multiple of 32 [default: 224]
    #[arg(long, value_name = "PIXELS", value_parser = parse::side, conflicts_with = "data")]
    pub size: Option<usize>,
    /// Epochs in all, those before --resume counted
    #[arg(long, value_name = "N", default_value = "4", value_parser = parse::positive)]
    pub epochs: usize,
    /// Examples of a step
    #[arg(long, value_name = "N", default_value = "32", value_parser = parse::positive)]
    pub batch: usize,
    /// The optimiser's rate
    #[arg(long, value_name = "RATE", default_value = "0.001", value_parser = parse::ratio)]
    pub rate: f64,
    /// What weights, the order of examples and dropout are drawn from
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Weights to begin with (.safetensors); for `pooling` a folder with init_nopool_64.safetensors and so on
    #[arg(long, value_name = "PATH")]
    pub weights: Option<PathBuf>,
    /// Folder for weights, curves and pictures
    #[arg(short, long, alias = "output", value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// File that is written behind every epoch; `pooling` puts the network's name into it [default: checkpoint.safetensors, in --out]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Go on from the checkpoint, if there is one
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

impl TrainArgs {
    /// Whether it is the tutorial's experiment.
    pub fn is_pooling(&self) -> bool {
        self.model.as_os_str() == "pooling" && self.data.is_none()
    }
}
