//! The arguments about how files become what a model takes.

use super::parse;
use crate::examples::{Numbers, Reading};
use crate::files::{Fit, Resize, Shorter};

/// How a model's inputs are read.
#[derive(Debug, clap::Args)]
pub struct ReadingArgs {
    /// Bring pictures to the size that the model takes
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "nearest")]
    resize: Option<Resize>,
    /// Bring the shorter side of pictures to N pixels and cut the middle out [N: 256 for 224 and so on]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, value_parser = parse::positive)]
    crop: Option<Option<usize>>,
    /// What a kind of models takes, where no other flag says something else
    #[arg(long, value_enum, value_name = "KIND")]
    preset: Option<Preset>,
    /// The order of colours
    #[arg(long, value_enum, value_name = "ORDER", default_value = "rgb")]
    channels: Order,
    /// What numbers from 0 to 1 are multiplied by: 255 for models of bytes
    #[arg(long, value_name = "SCALE", default_value = "1", allow_negative_numbers = true, value_parser = parse::factor)]
    scale: f32,
    /// What is taken away then: one number, or one for each channel
    #[arg(long, value_name = "MEAN", value_delimiter = ',', allow_negative_numbers = true, value_parser = parse::finite)]
    mean: Vec<f32>,
    /// What the rest is divided by: one number, or one for each channel
    #[arg(long, value_name = "STD", value_delimiter = ',', allow_negative_numbers = true, value_parser = parse::factor)]
    std: Vec<f32>,
    /// Convert arrays to f32 even where numbers change: to the nearest there are
    #[arg(long)]
    cast: bool,
}

/// The order of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Rgb,
    Bgr,
}

/// A kind of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Preset {
    /// Mean and standard deviation of ImageNet, and the middle of pictures
    Imagenet,
}

impl ReadingArgs {
    pub fn how(&self) -> Reading {
        let is_preset = self.preset == Some(Preset::Imagenet);
        let of_preset = |own: &[f32], preset: [f32; 3]| match own {
            [] if is_preset => preset.to_vec(),
            own => own.to_vec(),
        };
        let shorter = match self.crop {
            Some(Some(pixels)) => Some(Shorter::Pixels(pixels)),
            Some(None) => Some(Shorter::Usual),
            None => (is_preset && self.resize.is_none()).then_some(Shorter::Usual),
        };
        let how = self.resize.or(shorter.map(|_| Resize::Bilinear));
        Reading {
            fit: how.map(|how| Fit { how, shorter }),
            cast: self.cast,
            numbers: Numbers {
                bgr: self.channels == Order::Bgr,
                scale: self.scale,
                mean: of_preset(&self.mean, [0.485, 0.456, 0.406]),
                std: of_preset(&self.std, [0.229, 0.224, 0.225]),
            },
        }
    }
}
