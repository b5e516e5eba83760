//! Pooling problems.

use super::image::Image;
use super::{Problem, Work, only_input};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, AxisPadding, AxisSpec, MAX_SPATIAL, Strides, Windows, per_axis, three};
use crate::outside::{self, Planes};
use crate::spec::{AdaptivePool, GlobalPool, IndexNumbering, Pool, PoolKind};
use crate::tensor::TensorDesc;

/// Pooling with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PoolWork {
    /// What is computed of each window.
    pub kind: PoolKind,
    /// Type of input and output elements.
    pub dtype: DType,
    /// Images.
    pub batch: usize,
    /// Channels of each.
    pub channels: usize,
    /// Windows along depth, height and width.
    pub axes: [Axis; MAX_SPATIAL],
    /// Strides of the input.
    pub input: Strides,
    /// Strides of the output.
    pub output: Strides,
    /// Numbering of the second output, if there is one.
    pub indices: Option<IndexNumbering>,
}

impl PoolWork {
    /// The number that the position `[d, h, w]` of channel `c` of image `n` has as an index.
    pub fn index(
        &self,
        numbering: IndexNumbering,
        n: usize,
        c: usize,
        [d, h, w]: [usize; MAX_SPATIAL],
    ) -> usize {
        let [depth, height, width] = self.axes.map(|a| a.input);
        let plane = depth * height * width;
        let row_major = (d * height + h) * width + w;
        match numbering {
            IndexNumbering::PerPlane => row_major,
            IndexNumbering::WholeRowMajor => (n * self.channels + c) * plane + row_major,
            IndexNumbering::WholeColumnMajor => {
                (n * self.channels + c) * plane + (w * height + h) * depth + d
            }
        }
    }

    /// Whether little of what the windows cover lies outside the input: see [`outside`].
    pub(crate) fn little_outside(&self) -> bool {
        let planes = self.batch * self.channels;
        outside::is_little(&self.axes, Planes { input: planes, output: planes, pairs: planes })
    }

    /// The largest number that [`PoolWork::index`] can return, plus one.
    fn index_end(&self, numbering: IndexNumbering) -> u128 {
        let plane: u128 = self.axes.iter().map(|a| a.input as u128).product();
        match numbering {
            IndexNumbering::PerPlane => plane,
            _ => plane * self.batch as u128 * self.channels as u128,
        }
    }
}

pub(super) fn sliding(spec: &Pool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = match spec.kind {
        PoolKind::Max => "max pooling",
        PoolKind::Average { .. } => "average pooling",
        PoolKind::Lp { .. } | PoolKind::LpTorch { .. } => "Lp pooling",
    };
    let input = only_input(op, inputs)?;
    let image = Image::of(op, &input.shape, spec.layout)?;
    let window = per_axis(op, "window", &spec.window, image.rank())?;
    let windows = Windows { stride: &spec.stride, dilation: &spec.dilation, padding: &spec.padding };
    let axes = windows.over(op, &image.space, &window, spec.ceil_mode)?;
    problem(op, spec.kind, spec.indices, input, &image, &axes)
}

pub(super) fn global(spec: &GlobalPool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = match spec.kind {
        PoolKind::Max => "global max pooling",
        PoolKind::Average { .. } => "global average pooling",
        PoolKind::Lp { .. } | PoolKind::LpTorch { .. } => "global Lp pooling",
    };
    let input = only_input(op, inputs)?;
    let image = Image::of(op, &input.shape, spec.layout)?;
    let axes = (image.space.iter().enumerate())
        .map(|(i, &input)| {
            let whole = AxisSpec { input, kernel: input, stride: 1, dilation: 1 };
            Axis::sliding(op, i, whole, AxisPadding::Explicit { before: 0, after: 0 }, false)
        })
        .collect::<Result<Vec<_>>>()?;
    problem(op, spec.kind, None, input, &image, &axes)
}

pub(super) fn adaptive(spec: &AdaptivePool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = match spec.kind {
        PoolKind::Max => "adaptive max pooling",
        _ => "adaptive average pooling",
    };
    if !matches!(spec.kind, PoolKind::Max | PoolKind::Average { divisor: None, .. }) {
        let rule = "it must be max or average without a divisor";
        return Err(Error::parameter("adaptive pooling", "kind", format_args!("{}", spec.kind), rule));
    }
    let input = only_input(op, inputs)?;
    let image = Image::of(op, &input.shape, spec.layout)?;
    let output = per_axis(op, "output", &spec.output, image.rank())?;
    let axes = (image.space.iter().zip(output).enumerate())
        .map(|(i, (&input, output))| Axis::adaptive(op, i, input, output))
        .collect::<Result<Vec<_>>>()?;
    problem(op, spec.kind, spec.indices, input, &image, &axes)
}

fn problem(
    op: &'static str,
    kind: PoolKind,
    indices: Option<IndexNumbering>,
    input: &TensorDesc,
    image: &Image,
    axes: &[Axis],
) -> Result<Problem> {
    check_kind(op, kind, indices)?;
    let out_space: Vec<usize> = axes.iter().map(|a| a.output).collect();
    let shape = image.shape_with(image.channels, &out_space)?;
    let work = PoolWork {
        kind,
        dtype: input.dtype,
        batch: image.batch,
        channels: image.channels,
        axes: three(axes, Axis::UNIT),
        input: Strides::of(image.layout, image.channels, image.space3()),
        output: Strides::of(image.layout, image.channels, three(&out_space, 1)),
        indices,
    };
    let outputs = outputs_with_indices(op, &work, shape)?;
    Ok(Problem { op, inputs: vec![input.clone()], outputs, work: Work::Pool(work) })
}

/// The pooled tensor and, if asked for, its indices.
pub(super) fn outputs_with_indices(
    op: &'static str,
    work: &PoolWork,
    shape: Vec<usize>,
) -> Result<Vec<TensorDesc>> {
    let mut outputs = vec![TensorDesc { shape: shape.clone(), dtype: work.dtype }];
    if let Some(numbering) = work.indices {
        if work.index_end(numbering) > i32::MAX as u128 + 1 {
            let rule = "positions must fit 31 bits";
            return Err(Error::too_large(
                "indices",
                format!(
                    "{op} of {} images, {} channels and {:?} elements",
                    work.batch,
                    work.channels,
                    work.axes.map(|axis| axis.input)
                ),
                rule,
            ));
        }
        outputs.push(TensorDesc { shape, dtype: DType::I32 });
    }
    Ok(outputs)
}

pub(super) fn check_kind(op: &'static str, kind: PoolKind, indices: Option<IndexNumbering>) -> Result<()> {
    match kind {
        PoolKind::Average { divisor: Some(0), .. } => {
            return Err(Error::parameter(op, "divisor", 0, "it must not be 0"));
        }
        PoolKind::Lp { p } | PoolKind::LpTorch { p } if !(p.is_finite() && p >= 1.0) => {
            return Err(Error::parameter(op, "p", p, "it must be finite and at least 1"));
        }
        _ => {}
    }
    if let Some(numbering) = indices
        && kind != PoolKind::Max
    {
        return Err(Error::parameter(
            op,
            "indices",
            format_args!("{numbering}"),
            "only max pooling has positions",
        ));
    }
    Ok(())
}
