//! Arguments of pooling.

use std::path::PathBuf;

use clap::Args;
use wgpool::{
    AdaptivePool, FractionalMaxPool, GlobalPool, IndexNumbering, MaxUnpool, Op, Padding, Pool, PoolKind,
    Result,
};

use super::super::parse::{self, Sizes};
use super::common::{Arguments, Common, Files};
use super::names::{LayoutArg, NumberingArg};

/// What sliding windows have.
#[derive(Debug, Args)]
struct WindowArgs {
    /// Taps of the window
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    window: Sizes,
    /// Distance between windows [default: the window]
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    stride: Option<Sizes>,
    /// Distance between taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    dilation: Sizes,
    /// Padding of the input
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    padding: Padding,
    /// Count a last, incomplete window
    #[arg(long)]
    ceil: bool,
    #[command(flatten)]
    layout: LayoutArgs,
}

impl WindowArgs {
    fn pool(&self, kind: PoolKind) -> Pool {
        let stride = self.stride.as_ref().unwrap_or(&self.window);
        Pool::new(kind, self.window.0.clone())
            .stride(stride.0.clone())
            .dilation(self.dilation.0.clone())
            .padding(self.padding.clone())
            .ceil_mode(self.ceil)
            .layout(self.layout.layout.into())
    }
}

/// The memory order.
#[derive(Debug, Args)]
struct LayoutArgs {
    /// Memory order of input and output
    #[arg(long, value_enum, default_value = "nchw")]
    layout: LayoutArg,
}

/// Positions of maxima as a second output.
#[derive(Debug, Args)]
struct IndexArgs {
    /// File for the positions of the maxima (i32)
    #[arg(long, value_name = "FILE")]
    indices: Option<PathBuf>,
    /// How positions are numbered
    #[arg(long, value_enum, default_value = "plane", requires = "indices")]
    index_numbering: NumberingArg,
}

impl IndexArgs {
    /// The numbering, if there is a file to write positions to.
    fn numbering(&self) -> Option<IndexNumbering> {
        self.indices.as_ref().map(|_| self.index_numbering.into())
    }
}

/// The exponent of a norm.
#[derive(Debug, Args)]
struct NormArgs {
    /// The exponent, at least 1
    #[arg(short, long, default_value = "2")]
    p: f32,
    /// As PyTorch: no absolute values, and an incomplete window counts as if it were whole
    #[arg(long)]
    torch: bool,
}

impl NormArgs {
    fn kind(&self) -> PoolKind {
        let p = self.p;
        if self.torch { PoolKind::LpTorch { p } } else { PoolKind::Lp { p } }
    }
}

#[derive(Debug, Args)]
pub struct MaxPoolArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    indices: IndexArgs,
}

impl Arguments for MaxPoolArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(Pool { indices: self.indices.numbering(), ..self.window.pool(PoolKind::Max) }.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.window.layout.layout).writes(&self.indices.indices)
    }
}

#[derive(Debug, Args)]
pub struct AvgPoolArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    window: WindowArgs,
    /// Count padded elements in the divisor
    #[arg(long)]
    count_include_pad: bool,
    /// A divisor that replaces the count
    #[arg(long, value_name = "N")]
    divisor: Option<u32>,
}

impl Arguments for AvgPoolArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let kind = PoolKind::Average { count_include_pad: self.count_include_pad, divisor: self.divisor };
        Ok(self.window.pool(kind).into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.window.layout.layout)
    }
}

#[derive(Debug, Args)]
pub struct LpPoolArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    norm: NormArgs,
}

impl Arguments for LpPoolArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(self.window.pool(self.norm.kind()).into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.window.layout.layout)
    }
}

#[derive(Debug, Args)]
pub struct GlobalMaxArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    layout: LayoutArgs,
}

impl Arguments for GlobalMaxArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(GlobalPool::max().layout(self.layout.layout.into()).into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.layout.layout)
    }
}

#[derive(Debug, Args)]
pub struct GlobalAvgArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    layout: LayoutArgs,
}

impl Arguments for GlobalAvgArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(GlobalPool::average().layout(self.layout.layout.into()).into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.layout.layout)
    }
}

#[derive(Debug, Args)]
pub struct GlobalLpArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    norm: NormArgs,
}

impl Arguments for GlobalLpArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(GlobalPool { kind: self.norm.kind(), layout: self.layout.layout.into() }.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.layout.layout)
    }
}

/// The number of windows.
#[derive(Debug, Args)]
struct CountArgs {
    /// Number of windows
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    output_size: Sizes,
    #[command(flatten)]
    layout: LayoutArgs,
}

#[derive(Debug, Args)]
pub struct AdaptiveMaxArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    count: CountArgs,
    #[command(flatten)]
    indices: IndexArgs,
}

impl Arguments for AdaptiveMaxArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let pool =
            AdaptivePool::max(self.count.output_size.0.clone()).layout(self.count.layout.layout.into());
        Ok(AdaptivePool { indices: self.indices.numbering(), ..pool }.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.count.layout.layout).writes(&self.indices.indices)
    }
}

#[derive(Debug, Args)]
pub struct AdaptiveAvgArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    count: CountArgs,
}

impl Arguments for AdaptiveAvgArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let pool = AdaptivePool::average(self.count.output_size.0.clone());
        Ok(pool.layout(self.count.layout.layout.into()).into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().image(self.count.layout.layout)
    }
}

#[derive(Debug, Args)]
pub struct FractionalArgs {
    #[command(flatten)]
    common: Common,
    /// Random samples from 0 up to 1, [batch, channels, axes]; of two axes the last one's come first
    #[arg(long, value_name = "FILE")]
    samples: PathBuf,
    /// Taps of the window
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    window: Sizes,
    #[command(flatten)]
    count: CountArgs,
    #[command(flatten)]
    indices: IndexArgs,
}

impl Arguments for FractionalArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let pool = FractionalMaxPool {
            window: self.window.0.clone(),
            output: self.count.output_size.0.clone(),
            indices: self.indices.numbering(),
            layout: self.count.layout.layout.into(),
        };
        Ok(pool.into())
    }

    fn files(&self) -> Files<'_> {
        self.common
            .files()
            .image(self.count.layout.layout)
            .reads([&self.samples])
            .writes(&self.indices.indices)
    }
}

#[derive(Debug, Args)]
pub struct UnpoolArgs {
    #[command(flatten)]
    common: Common,
    /// The positions of the values (i32), as max pooling writes them
    #[arg(long, value_name = "FILE")]
    indices: PathBuf,
    /// How positions are numbered
    #[arg(long, value_enum, default_value = "plane")]
    index_numbering: NumberingArg,
    /// Lengths of the output; else those that pooling of --window had at least. With both, the lengths must be some
    /// that such pooling can have had
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, required_unless_present = "window")]
    output_size: Option<Sizes>,
    /// Lengths that the positions count in [default: those of the output]
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    indexed_size: Option<Sizes>,
    /// Taps of the window of the pooling
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    window: Option<Sizes>,
    /// Distance between its windows [default: the window]
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, requires = "window")]
    stride: Option<Sizes>,
    /// Its padding before and after each axis
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, requires = "window", default_value = "0")]
    padding: Sizes,
    #[command(flatten)]
    layout: LayoutArgs,
}

impl Arguments for UnpoolArgs {
    fn op(&self, input: &[usize]) -> Result<Op> {
        // Where there are no such axes the operation says so.
        let space = match self.layout.layout {
            LayoutArg::Nchw => input.get(2..),
            LayoutArg::Nhwc => input.len().checked_sub(1).and_then(|last| input.get(1..last)),
        };
        let space = space.unwrap_or_default();
        let stated = self.output_size.as_ref().map(|size| size.0.clone());
        let output = match (stated, &self.window) {
            (stated, None) => stated.unwrap_or_default(),
            (stated, Some(Sizes(window))) => {
                let stride = self.stride.as_ref().map_or(window, |stride| &stride.0);
                let padding = &self.padding.0;
                if let Some(output) = &stated {
                    MaxUnpool::check_output(space, window, stride, padding, output)?;
                }
                stated.map_or_else(|| MaxUnpool::output_of(space, window, stride, padding), Ok)?
            }
        };
        let unpool = MaxUnpool {
            indexed: self.indexed_size.as_ref().map(|size| size.0.clone()),
            numbering: self.index_numbering.into(),
            layout: self.layout.layout.into(),
            ..MaxUnpool::new(output)
        };
        Ok(unpool.into())
    }

    fn files(&self) -> Files<'_> {
        let layout = self.layout.layout.into();
        self.common.files().image(layout).positions(&self.indices, Some(layout))
    }
}
