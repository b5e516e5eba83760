//! Arguments of pooling of regions.

use std::path::PathBuf;

use clap::Args;
use wgpool::{MaxRoiPool, Op, Result, RoiAlign};

use super::super::parse;
use super::common::{Arguments, Common, Files};
use super::names::{LayoutArg, RoiModeArg};

/// What both kinds of region pooling have.
#[derive(Debug, Args)]
struct BinArgs {
    /// Bins along height and width: HxW, or N for both
    #[arg(long, value_name = "SIZE", value_parser = parse::pair)]
    output_size: [usize; 2],
    /// What a region's coordinates are multiplied by
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    spatial_scale: f32,
    /// Memory order of images and output
    #[arg(long, value_enum, default_value = "nchw")]
    layout: LayoutArg,
}

#[derive(Debug, Args)]
pub struct RoiAlignArgs {
    #[command(flatten)]
    common: Common,
    /// The regions, [regions, 4]: x1, y1, x2, y2
    #[arg(long, value_name = "FILE")]
    regions: PathBuf,
    /// The number of each region's image, [regions] of i32
    #[arg(long, value_name = "FILE")]
    images: PathBuf,
    #[command(flatten)]
    bins: BinArgs,
    /// Samples of a bin along each axis; 0 takes as many as it has pixels
    #[arg(long, value_name = "N", default_value = "0")]
    sampling_ratio: usize,
    /// Shift coordinates by half a pixel, as ONNX half_pixel and torchvision aligned=True
    #[arg(long)]
    half_pixel: bool,
    /// How samples are joined
    #[arg(long, value_enum, default_value = "average")]
    mode: RoiModeArg,
}

impl Arguments for RoiAlignArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let align = RoiAlign {
            output: self.bins.output_size,
            sampling_ratio: self.sampling_ratio,
            spatial_scale: self.bins.spatial_scale,
            half_pixel: self.half_pixel,
            mode: self.mode.into(),
            layout: self.bins.layout.into(),
        };
        Ok(align.into())
    }

    fn files(&self) -> Files<'_> {
        let files = self.common.files().image(self.bins.layout);
        files.reads([&self.regions]).positions(&self.images, None)
    }
}

#[derive(Debug, Args)]
pub struct MaxRoiArgs {
    #[command(flatten)]
    common: Common,
    /// The regions, [regions, 5]: image, x1, y1, x2, y2
    #[arg(long, value_name = "FILE")]
    regions: PathBuf,
    #[command(flatten)]
    bins: BinArgs,
}

impl Arguments for MaxRoiArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let pool = MaxRoiPool {
            output: self.bins.output_size,
            spatial_scale: self.bins.spatial_scale,
            layout: self.bins.layout.into(),
        };
        Ok(pool.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.bins.layout).reads([&self.regions])
    }
}
