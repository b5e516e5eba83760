//! Pooling problems.

use super::image::Image;
use super::{Problem, Work, only_input, require_dtype};
use crate::error::{Error, Result};
use crate::geometry::{Axis, AxisPadding, AxisSpec, MAX_SPATIAL, Strides, axis_paddings, per_axis, three};
use crate::spec::{GlobalPool, IndexNumbering, Pool, PoolKind};
use crate::tensor::{DType, TensorDesc};

/// Pooling with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
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
        PoolKind::Lp { .. } => "Lp pooling",
    };
    let input = only_input(op, inputs)?;
    let image = Image::of(op, &input.shape, spec.layout)?;
    let rank = image.rank();
    let window = per_axis(op, "window", &spec.window, rank)?;
    let stride = per_axis(op, "stride", &spec.stride, rank)?;
    let dilation = per_axis(op, "dilation", &spec.dilation, rank)?;
    let paddings = axis_paddings(op, &spec.padding, rank)?;
    let axes = (0..rank)
        .map(|i| {
            let axis = AxisSpec {
                input: image.space[i],
                kernel: window[i],
                stride: stride[i],
                dilation: dilation[i],
            };
            Axis::sliding(op, i, axis, paddings[i], spec.ceil_mode)
        })
        .collect::<Result<Vec<_>>>()?;
    problem(op, spec.kind, spec.indices, input, &image, &axes)
}

pub(super) fn global(spec: &GlobalPool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = match spec.kind {
        PoolKind::Max => "global max pooling",
        PoolKind::Average { .. } => "global average pooling",
        PoolKind::Lp { .. } => "global Lp pooling",
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

fn problem(
    op: &'static str,
    kind: PoolKind,
    indices: Option<IndexNumbering>,
    input: &TensorDesc,
    image: &Image,
    axes: &[Axis],
) -> Result<Problem> {
    check_kind(op, kind, indices, input.dtype)?;
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
    let mut outputs = vec![TensorDesc { shape: shape.clone(), dtype: input.dtype }];
    if let Some(numbering) = indices {
        if work.index_end(numbering) > i32::MAX as u128 + 1 {
            return Err(Error::TooLarge {
                what: "indices",
                values: format!("{op} of shape {:?}, {numbering:?}", input.shape),
                rule: "positions must fit 31 bits",
            });
        }
        outputs.push(TensorDesc { shape, dtype: DType::I32 });
    }
    Ok(Problem { op, inputs: vec![input.clone()], outputs, work: Work::Pool(work) })
}

fn check_kind(op: &'static str, kind: PoolKind, indices: Option<IndexNumbering>, dtype: DType) -> Result<()> {
    let float = [DType::F32, DType::F16];
    match kind {
        PoolKind::Max => {
            require_dtype(op, "the input", dtype, &[float[0], float[1], DType::U8, DType::I8])?;
        }
        PoolKind::Average { divisor, .. } => {
            require_dtype(op, "the input", dtype, &float)?;
            if divisor == Some(0) {
                return Err(Error::parameter(op, "divisor", 0, "it must not be 0"));
            }
        }
        PoolKind::Lp { p } => {
            require_dtype(op, "the input", dtype, &float)?;
            if !(p.is_finite() && p >= 1.0) {
                return Err(Error::parameter(op, "p", p, "it must be finite and at least 1"));
            }
        }
    }
    if let Some(numbering) = indices
        && kind != PoolKind::Max
    {
        return Err(Error::parameter(op, "indices", numbering, "only max pooling has positions"));
    }
    Ok(())
}
