//! Convolution problems, and dense layers as convolutions over a single element.

use super::image::Image;
use super::{Problem, Work, require_dtype, require_shape};
use crate::activation::ActivationKind;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, Strides, Windows, three};
use crate::outside::{self, Planes};
use crate::problem::PoolWork;
use crate::spec::{Accuracy, Activation, Conv, ConvPool, Dense, DenseLayout, KernelLayout, Layout, PoolKind};
use crate::tensor::TensorDesc;

/// Distance in elements between neighbours along each axis of a convolution kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct KernelStrides {
    /// Between output channels.
    pub o: usize,
    /// Between input channels of a group.
    pub i: usize,
    /// Between taps of each spatial axis.
    pub space: [usize; MAX_SPATIAL],
}

impl KernelStrides {
    /// Flat position of a weight.
    pub(crate) fn at(&self, o: usize, i: usize, [d, h, w]: [usize; MAX_SPATIAL]) -> usize {
        o * self.o + i * self.i + d * self.space[0] + h * self.space[1] + w * self.space[2]
    }
}

/// Convolution with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConvWork {
    /// Images; for a dense layer, rows.
    pub batch: usize,
    /// Groups.
    pub groups: usize,
    /// Input channels of each group.
    pub group_in: usize,
    /// Output channels of each group.
    pub group_out: usize,
    /// Windows along depth, height and width.
    pub axes: [Axis; MAX_SPATIAL],
    /// Type of input, kernel, bias and output, where floats are convolved; sums are kept in f32.
    pub dtype: DType,
    /// Strides of the input.
    pub input: Strides,
    /// Strides of the output.
    pub output: Strides,
    /// Strides of the kernel.
    pub kernel: KernelStrides,
    /// Memory order of input and output.
    pub layout: Layout,
    /// Whether there is a bias.
    pub bias: bool,
    /// Applied to each element of the result.
    pub activation: Activation,
    /// Numbers of PReLU's slope, 1 or as many as output channels; 0 with other activations.
    pub slope: usize,
    /// Which error the result may have.
    pub accuracy: Accuracy,
    /// Whether the last input is added before the activation.
    pub residual: bool,
}

impl ConvWork {
    /// Output channels of all groups.
    pub fn out_channels(&self) -> usize {
        self.groups * self.group_out
    }

    /// The number of the input that is added before the activation, if there is one.
    pub(crate) fn residual_input(&self) -> Option<usize> {
        self.residual.then_some(2 + usize::from(self.bias) + usize::from(self.slope > 0))
    }

    /// The same sums, to which nothing is added behind the bias and no activation applied.
    pub(crate) fn without_residual(&self) -> ConvWork {
        ConvWork { activation: Activation::None, slope: 0, residual: false, ..*self }
    }

    /// Input channels of all groups.
    pub fn in_channels(&self) -> usize {
        self.groups * self.group_in
    }

    /// Taps of a window.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.kernel).product()
    }

    /// Multiply-adds of the definition.
    pub(crate) fn macs(&self) -> u64 {
        (self.batch * self.pixels() * self.out_channels() * self.group_in * self.taps()) as u64
    }

    /// Whether any window has a tap outside the input.
    pub(crate) fn reaches_padding(&self) -> bool {
        self.axes.iter().any(|a| {
            let last = a.output.saturating_sub(1);
            a.taps_inside(0).len() < a.kernel || a.taps_inside(last).len() < a.kernel
        })
    }

    /// Whether little of what the windows cover lies outside the input: see [`outside`].
    pub(crate) fn little_outside(&self) -> bool {
        let (input, output) = (self.batch * self.in_channels(), self.batch * self.out_channels());
        outside::is_little(&self.axes, Planes { input, output, pairs: output.saturating_mul(self.group_in) })
    }

    /// The same of a transposed convolution, whose axes are its adjoint's: windows slide over the output.
    pub(crate) fn little_outside_transposed(&self) -> bool {
        let (input, output) = (self.batch * self.out_channels(), self.batch * self.in_channels());
        outside::is_little(&self.axes, Planes { input, output, pairs: input.saturating_mul(self.group_in) })
    }

    /// Whether an element's error may depend on all inputs of its tile, and Winograd's algorithm computes such windows.
    pub fn by_tiles(&self) -> bool {
        let [depth, rows, columns] = &self.axes;
        let fits = |a: &Axis| a.kernel == 3 && a.stride == 1 && a.dilation == 1;
        self.accuracy == Accuracy::Tile && *depth == Axis::UNIT && fits(rows) && fits(columns)
    }

    /// Whether the error of an element may grow with its sum, which may then be one chain.
    pub fn by_chains(&self) -> bool {
        self.accuracy == Accuracy::Chain && self.group_in * self.taps() < 1 << 23
    }

    /// Windows of an image.
    pub fn pixels(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }
}

/// Input, kernel and, if there is one, bias.
pub(super) fn three_inputs<'a>(
    op: &'static str,
    inputs: &'a [TensorDesc],
) -> Result<(&'a TensorDesc, &'a TensorDesc, Option<&'a TensorDesc>)> {
    let (x, w, b) = match inputs {
        [x, w] => (x, w, None),
        [x, w, b] => (x, w, Some(b)),
        _ => {
            return Err(Error::arity(op, "two (input, kernel) or three (input, kernel, bias)", inputs.len()));
        }
    };
    require_dtype(op, "the kernel", w.dtype, &[x.dtype])?;
    if let Some(b) = b {
        require_dtype(op, "the bias", b.dtype, &[x.dtype])?;
    }
    Ok((x, w, b))
}

/// Refuses kernels of another rank than the input's, and empty ones.
pub(super) fn check_kernel(op: &'static str, x: &TensorDesc, w: &TensorDesc) -> Result<()> {
    if w.shape.len() != x.shape.len() {
        let rule = format!("an input of shape {:?} takes a kernel of rank {}", x.shape, x.shape.len());
        return Err(Error::rank(op, "the kernel", &w.shape, rule));
    }
    if w.shape.contains(&0) {
        return Err(Error::shape(op, "the kernel", &w.shape, "no axis may be 0"));
    }
    Ok(())
}

/// Refuses a kernel that would fit in the other order, and not in the one it is read in.
pub(super) fn check_order(
    op: &'static str,
    layout: KernelLayout,
    w: &TensorDesc,
    fits: impl Fn(KernelLayout) -> bool,
    [channels, groups]: [usize; 2],
) -> Result<()> {
    let (other, name) = match layout {
        KernelLayout::Oihw => (KernelLayout::Hwio, "KernelLayout::Hwio"),
        KernelLayout::Hwio => (KernelLayout::Oihw, "KernelLayout::Oihw"),
    };
    if fits(layout) || !fits(other) {
        return Ok(());
    }
    let rule = format!(
        "it is read as {layout} and does not fit {channels} input channels (groups {groups}); as {other} it would fit: \
         {name}"
    );
    Err(Error::shape(op, "the kernel", &w.shape, rule))
}

pub(super) fn check_bias(op: &'static str, bias: Option<&TensorDesc>, out_channels: usize) -> Result<()> {
    let meaning = ", one number for each output channel";
    bias.map_or(Ok(()), |bias| require_shape(op, "the bias", bias, &[out_channels], meaning))
}

/// Refuses an activation whose parameter is not a number that can be computed with.
pub(super) fn check_activation(op: &'static str, activation: Activation) -> Result<()> {
    let (kind, parameters) = ActivationKind::of(activation);
    match kind.parameters().iter().zip(parameters).find(|(_, value)| !value.is_finite()) {
        Some((&(name, _), value)) => Err(Error::parameter(op, name, value, "it must be finite")),
        None => Ok(()),
    }
}

/// Refuses a residual in an operation that convolves and does more.
pub(super) fn check_no_residual(op: &'static str, spec: &Conv) -> Result<()> {
    match spec.residual {
        true => Err(Error::parameter(op, "residual", true, "it is added by a convolution alone")),
        false => Ok(()),
    }
}

pub(super) fn conv(spec: &Conv, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "convolution";
    let (x, w, b) = three_inputs(op, inputs)?;
    let (work, output) = resolved(op, spec, x.dtype, x, w, b)?;
    let work = ConvWork { accuracy: spec.accuracy, ..work };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs: vec![output], work: Work::Conv(work) })
}

/// A convolution that computes and stores elements of `dtype`, and its output; it looks at no input's type.
pub(super) fn resolved(
    op: &'static str,
    spec: &Conv,
    dtype: DType,
    x: &TensorDesc,
    w: &TensorDesc,
    b: Option<&TensorDesc>,
) -> Result<(ConvWork, TensorDesc)> {
    check_activation(op, spec.activation)?;
    let image = Image::of(op, &x.shape, spec.layout)?;
    let rank = image.rank();
    check_kernel(op, x, w)?;
    let channels = |layout| match layout {
        KernelLayout::Oihw => (w.shape[0], w.shape[1]),
        KernelLayout::Hwio => (w.shape[rank + 1], w.shape[rank]),
    };
    let groups = spec.groups;
    let fits = |layout| {
        let (out, group_in) = channels(layout);
        groups > 0 && out.is_multiple_of(groups) && group_in.checked_mul(groups) == Some(image.channels)
    };
    check_order(op, spec.kernel_layout, w, fits, [image.channels, groups])?;
    let (out_channels, group_in) = channels(spec.kernel_layout);
    let window = spec.kernel_layout.window(&w.shape);
    if groups == 0 || image.channels % groups != 0 || out_channels % groups != 0 {
        let rule = format!(
            "it must divide the {} input channels and the {out_channels} output channels",
            image.channels
        );
        return Err(Error::parameter(op, "groups", groups, rule));
    }
    if group_in != image.channels / groups {
        let rule = format!(
            "it must take {} input channels ({} channels of the input in {groups} groups), not {group_in}",
            image.channels / groups,
            image.channels
        );
        return Err(Error::shape(op, "the kernel", &w.shape, rule));
    }
    check_bias(op, b, out_channels)?;
    let windows = Windows { stride: &spec.stride, dilation: &spec.dilation, padding: &spec.padding };
    let axes = windows.over(op, &image.space, window, false)?;
    let out_space: Vec<usize> = axes.iter().map(|a| a.output).collect();
    let window = three(window, 1);
    let group_out = out_channels / groups;
    let shape = image.shape_with(out_channels, &out_space)?;
    let work = ConvWork {
        batch: image.batch,
        groups,
        group_in,
        group_out,
        axes: three(&axes, Axis::UNIT),
        dtype,
        input: Strides::of(spec.layout, image.channels, image.space3()),
        output: Strides::of(spec.layout, out_channels, three(&out_space, 1)),
        kernel: kernel_strides(spec.kernel_layout, out_channels, group_in, window),
        layout: spec.layout,
        bias: b.is_some(),
        activation: spec.activation,
        slope: 0,
        // Those built on this one are exact, or have bounds of their own.
        accuracy: Accuracy::Element,
        residual: false,
    };
    Ok((work, TensorDesc { shape, dtype }))
}

pub(super) fn kernel_strides(
    layout: KernelLayout,
    out_channels: usize,
    group_in: usize,
    [d, h, w]: [usize; MAX_SPATIAL],
) -> KernelStrides {
    match layout {
        KernelLayout::Oihw => {
            let taps = d * h * w;
            KernelStrides { o: group_in * taps, i: taps, space: [h * w, w, 1] }
        }
        KernelLayout::Hwio => {
            let io = group_in * out_channels;
            KernelStrides { o: 1, i: out_channels, space: [h * w * io, w * io, io] }
        }
    }
}

/// Convolution and pooling with every length and stride known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConvPoolWork {
    /// The convolution.
    pub conv: ConvWork,
    /// The pooling.
    pub pool: PoolWork,
    /// The tensor between them.
    pub between: TensorDesc,
}

pub(super) fn conv_pool(spec: &ConvPool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "convolution with pooling";
    check_no_residual(op, &spec.conv)?;
    if spec.pool.layout != spec.conv.layout {
        let rule = format!("it must be the convolution's {}", spec.conv.layout);
        return Err(Error::parameter(
            op,
            "layout of the pooling",
            format_args!("{}", spec.pool.layout),
            rule,
        ));
    }
    if spec.pool.indices.is_some() || !matches!(spec.pool.kind, PoolKind::Max | PoolKind::Average { .. }) {
        let rule = "it must be max or average pooling without indices";
        let indices = if spec.pool.indices.is_some() { " with indices" } else { "" };
        return Err(Error::parameter(op, "pooling", format_args!("{}{indices}", spec.pool.kind), rule));
    }
    let conv = conv(&spec.conv, inputs)?;
    let pool = super::pool::sliding(&spec.pool, &conv.outputs)?;
    let (Work::Conv(conv_work), Work::Pool(pool_work), [between]) =
        (conv.work, pool.work, conv.outputs.as_slice())
    else {
        return Err(Error::arity(op, "one tensor between", conv.outputs.len()));
    };
    let work = ConvPoolWork { conv: conv_work, pool: pool_work, between: between.clone() };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs: pool.outputs, work: Work::ConvPool(Box::new(work)) })
}

pub(super) fn dense(spec: &Dense, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "dense";
    let (x, w, b) = three_inputs(op, inputs)?;
    check_activation(op, spec.activation)?;
    let Some((&features, rows)) = x.shape.split_last() else {
        return Err(Error::rank(op, "the input", &[], "it must have at least one axis"));
    };
    let &[first, second] = w.shape.as_slice() else {
        return Err(Error::rank(op, "the kernel", &w.shape, "it must have two axes"));
    };
    let (other, of_other, name) = match spec.kernel_layout {
        DenseLayout::InOut => (DenseLayout::OutIn, second, "DenseLayout::OutIn"),
        DenseLayout::OutIn => (DenseLayout::InOut, first, "DenseLayout::InOut"),
    };
    let (group_in, group_out, kernel) = match spec.kernel_layout {
        DenseLayout::InOut => (first, second, KernelStrides { o: 1, i: second, space: [0; MAX_SPATIAL] }),
        DenseLayout::OutIn => (second, first, KernelStrides { o: second, i: 1, space: [0; MAX_SPATIAL] }),
    };
    if group_in != features || features == 0 || group_out == 0 {
        let mut rule = format!(
            "read as {} it must take the {features} features of an input of shape {:?}, and neither may be 0",
            spec.kernel_layout, x.shape
        );
        if of_other == features && !w.shape.contains(&0) {
            rule += &format!("; as {other} it would fit: {name}");
        }
        return Err(Error::shape(op, "the kernel", &w.shape, rule));
    }
    check_bias(op, b, group_out)?;
    let work = ConvWork {
        batch: rows.iter().product(),
        groups: 1,
        group_in,
        group_out,
        axes: [Axis::UNIT; MAX_SPATIAL],
        dtype: x.dtype,
        input: Strides::of(Layout::Nhwc, group_in, [1; MAX_SPATIAL]),
        output: Strides::of(Layout::Nhwc, group_out, [1; MAX_SPATIAL]),
        kernel,
        layout: Layout::Nhwc,
        bias: b.is_some(),
        activation: spec.activation,
        slope: 0,
        accuracy: Accuracy::Element,
        residual: false,
    };
    let mut shape = rows.to_vec();
    shape.push(group_out);
    Ok(Problem {
        op,
        inputs: inputs.to_vec(),
        outputs: vec![TensorDesc { shape, dtype: x.dtype }],
        work: Work::Conv(work),
    })
}
