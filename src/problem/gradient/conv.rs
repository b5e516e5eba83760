//! Gradients of convolutions and fully connected layers.

use super::{GradientWork, problem, require_gradient, two};
use crate::error::{Error, Result};
use crate::geometry::{Axis, per_axis};
use crate::problem::conv::{check_kernel, check_no_residual, dense, resolved};
use crate::problem::image::Image;
use crate::problem::transposed::transposed;
use crate::problem::{ConvWork, KernelStrides, Problem, Work, require_dtype};
use crate::spec::gradient::{
    ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient, ConvWeightsGradient,
    DenseInputGradient, DenseWeightsGradient,
};
use crate::spec::{Activation, Conv, ConvTranspose, Dense, DenseLayout, KernelLayout};
use crate::tensor::{TensorDesc, checked_elements};

/// The gradient of a kernel: each weight's is the sum over all images and windows of what the weight is multiplied with, times
/// the gradient of the sum that the product goes to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeightsWork {
    /// The convolution whose kernel it is; of a transposed convolution the one that it is the adjoint of.
    pub conv: ConvWork,
    /// The input that its windows slide over.
    pub image: usize,
    /// The input with an element for each of its windows.
    pub windows: usize,
}

/// The operation that takes what this one gives to what it takes, with the same kernel: of a convolution the transposed one, whose
/// work has its axes, and of a transposed one the convolution.
fn adjoint(work: &ConvWork) -> ConvWork {
    ConvWork {
        group_in: work.group_out,
        group_out: work.group_in,
        input: work.output,
        output: work.input,
        kernel: KernelStrides { o: work.kernel.i, i: work.kernel.o, ..work.kernel },
        bias: false,
        ..*work
    }
}

/// The convolution that a transposed one is the adjoint of.
fn convolution(work: &ConvWork) -> ConvWork {
    let with_end = |axis: Axis| {
        let pad_after = axis.reach(axis.output).saturating_sub(axis.pad_before + axis.input);
        Axis { pad_after, ..axis }
    };
    ConvWork { axes: work.axes.map(with_end), ..adjoint(work) }
}

/// Refuses what is a gradient of its own.
fn check_no_activation(op: &'static str, activation: Activation) -> Result<()> {
    if activation == Activation::None {
        return Ok(());
    }
    let rule = "it must be none: its gradient is an operation of its own";
    Err(Error::parameter(op, "activation", activation, rule))
}

fn check_conv(op: &'static str, spec: &Conv, given: &TensorDesc, other: &TensorDesc) -> Result<()> {
    check_no_activation(op, spec.activation)?;
    check_no_residual(op, spec)?;
    require_dtype(op, "the other tensor", other.dtype, &[given.dtype])
}

fn check_transposed(
    op: &'static str,
    spec: &ConvTranspose,
    given: &TensorDesc,
    other: &TensorDesc,
) -> Result<()> {
    check_no_activation(op, spec.activation)?;
    require_dtype(op, "the other tensor", other.dtype, &[given.dtype])
}

/// Channels of a group.
fn of_group(op: &'static str, channels: usize, groups: usize) -> Result<usize> {
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(Error::parameter(op, "groups", groups, format!("it must divide {channels} channels")));
    }
    Ok(channels / groups)
}

/// The shape of a kernel of so many output channels, and input channels of a group.
fn kernel_shape(layout: KernelLayout, [o, i]: [usize; 2], window: &[usize]) -> Result<Vec<usize>> {
    let shape = match layout {
        KernelLayout::Oihw => [&[o, i], window].concat(),
        KernelLayout::Hwio => [window, &[i, o]].concat(),
    };
    checked_elements("kernel", &shape)?;
    Ok(shape)
}

pub(super) fn conv_input(spec: &ConvInputGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of a convolution's input";
    let [gradient, w] = two(op, "two (gradient, kernel)", inputs)?;
    check_conv(op, &spec.of, gradient, w)?;
    checked_elements("input", &spec.input)?;
    let x = TensorDesc { shape: spec.input.clone(), dtype: gradient.dtype };
    let (work, output) = resolved(op, &spec.of, x.dtype, &x, w, None)?;
    require_gradient(op, gradient, &output.shape)?;
    Ok(problem(op, inputs, x, Work::ConvTranspose(adjoint(&work))))
}

pub(super) fn conv_weights(spec: &ConvWeightsGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of a convolution's kernel";
    let [x, gradient] = two(op, "two (input, gradient)", inputs)?;
    check_conv(op, &spec.of, x, gradient)?;
    let (image, by) =
        (Image::of(op, &x.shape, spec.of.layout)?, Image::of(op, &gradient.shape, spec.of.layout)?);
    let window = per_axis(op, "window", &spec.window, image.rank())?;
    let channels = [by.channels, of_group(op, image.channels, spec.of.groups)?];
    let w = TensorDesc { shape: kernel_shape(spec.of.kernel_layout, channels, &window)?, dtype: x.dtype };
    check_kernel(op, x, &w)?;
    let (conv, output) = resolved(op, &spec.of, x.dtype, x, &w, None)?;
    require_gradient(op, gradient, &output.shape)?;
    let work = WeightsWork { conv, image: 0, windows: 1 };
    Ok(problem(op, inputs, w, Work::Gradient(GradientWork::Weights(Box::new(work)))))
}

/// A transposed convolution that was checked.
fn passed(
    op: &'static str,
    spec: &ConvTranspose,
    [x, w]: [&TensorDesc; 2],
    gradient: &TensorDesc,
) -> Result<ConvWork> {
    let passed = transposed(spec, &[x.clone(), w.clone()])?;
    if let Some(output) = passed.outputs.first() {
        require_gradient(op, gradient, &output.shape)?;
    }
    match passed.work {
        Work::ConvTranspose(work) => Ok(work),
        _ => Err(Error::parameter(op, "of", spec, "it must be a transposed convolution")),
    }
}

pub(super) fn transposed_input(spec: &ConvTransposeInputGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of a transposed convolution's input";
    let [gradient, w] = two(op, "two (gradient, kernel)", inputs)?;
    check_transposed(op, &spec.of, gradient, w)?;
    checked_elements("input", &spec.input)?;
    let x = TensorDesc { shape: spec.input.clone(), dtype: gradient.dtype };
    let work = passed(op, &spec.of, [&x, w], gradient)?;
    Ok(problem(op, inputs, x, Work::Conv(convolution(&work))))
}

pub(super) fn transposed_weights(
    spec: &ConvTransposeWeightsGradient,
    inputs: &[TensorDesc],
) -> Result<Problem> {
    let op = "gradient of a transposed convolution's kernel";
    let [x, gradient] = two(op, "two (input, gradient)", inputs)?;
    check_transposed(op, &spec.of, x, gradient)?;
    let (image, by) =
        (Image::of(op, &x.shape, spec.of.layout)?, Image::of(op, &gradient.shape, spec.of.layout)?);
    let window = per_axis(op, "window", &spec.window, image.rank())?;
    let channels = [image.channels, of_group(op, by.channels, spec.of.groups)?];
    let w = TensorDesc { shape: kernel_shape(spec.of.kernel_layout, channels, &window)?, dtype: x.dtype };
    let work = passed(op, &spec.of, [x, &w], gradient)?;
    let work = WeightsWork { conv: convolution(&work), image: 1, windows: 0 };
    Ok(problem(op, inputs, w, Work::Gradient(GradientWork::Weights(Box::new(work)))))
}

pub(super) fn dense_input(spec: &DenseInputGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of a dense layer's input";
    let [_, w] = two(op, "two (gradient, kernel)", inputs)?;
    check_no_activation(op, spec.of.activation)?;
    if w.shape.len() != 2 {
        return Err(Error::rank(op, "the kernel", &w.shape, "it must have two axes"));
    }
    // What the kernel takes and gives is exchanged.
    let kernel_layout = match spec.of.kernel_layout {
        DenseLayout::InOut => DenseLayout::OutIn,
        DenseLayout::OutIn => DenseLayout::InOut,
    };
    Ok(Problem { op, ..dense(&Dense { kernel_layout, ..spec.of }, inputs)? })
}

pub(super) fn dense_weights(spec: &DenseWeightsGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of a dense layer's kernel";
    let [x, gradient] = two(op, "two (input, gradient)", inputs)?;
    check_no_activation(op, spec.of.activation)?;
    require_dtype(op, "the gradient", gradient.dtype, &[x.dtype])?;
    let (Some(&features), Some(&units)) = (x.shape.last(), gradient.shape.last()) else {
        let rule = "input and gradient must have at least one axis";
        return Err(Error::rank(op, "the gradient", &gradient.shape, rule));
    };
    let shape = match spec.of.kernel_layout {
        DenseLayout::InOut => vec![features, units],
        DenseLayout::OutIn => vec![units, features],
    };
    let w = TensorDesc { shape, dtype: x.dtype };
    checked_elements("kernel", &w.shape)?;
    let passed = dense(&spec.of, &[x.clone(), w.clone()])?;
    if let Some(output) = passed.outputs.first() {
        require_gradient(op, gradient, &output.shape)?;
    }
    let Work::Conv(conv) = passed.work else {
        return Err(Error::parameter(op, "of", spec.of, "it must be a dense layer"));
    };
    let work = WeightsWork { conv, image: 0, windows: 1 };
    Ok(problem(op, inputs, w, Work::Gradient(GradientWork::Weights(Box::new(work)))))
}
