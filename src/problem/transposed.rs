//! Transposed convolution problems.

use super::conv::{
    ConvWork, KernelStrides, check_activation, check_bias, check_kernel, check_order, kernel_strides,
    three_inputs,
};
use super::image::Image;
use super::{Problem, Work};
use crate::error::{Error, Result};
use crate::geometry::{
    Axis, AxisPadding, MAX_LENGTH, Strides, axis_paddings, check_lengths, per_axis, three,
};
use crate::spec::{Accuracy, ConvTranspose, KernelLayout, Padding};
use crate::tensor::TensorDesc;

/// The parameters of one axis.
#[derive(Clone, Copy, Debug)]
struct AxisSpec {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    extra: usize,
    wanted: Option<usize>,
}

/// The axis of the convolution whose adjoint is wanted: its input is our output, and its output our input.
fn axis(op: &'static str, index: usize, spec: AxisSpec, padding: AxisPadding) -> Result<Axis> {
    let AxisSpec { input, kernel, stride, dilation, extra, wanted } = spec;
    let lengths = [("input", input), ("kernel", kernel), ("stride", stride), ("dilation", dilation)];
    check_lengths(op, index, &lengths)?;
    // Larger output padding would be positions of a longer input. The sums below stay far from the end of an i128,
    // whatever the numbers.
    let step = stride.max(dilation) as i128;
    let least = (input - 1) as i128 * stride as i128 + dilation as i128 * (kernel - 1) as i128 + 1;
    if extra > 0 && extra as i128 >= step {
        let rule = format!("on axis {index} it must be below stride {stride} or dilation {dilation}");
        return Err(Error::parameter(op, "output_padding", extra, rule));
    }
    if let Some(output) = wanted
        && output as i128 > least + step - 1
    {
        let rule = format!(
            "on axis {index} it must be at most {}: without padding {input} elements reach {least}, and output \
             padding is below stride {stride} or dilation {dilation}",
            least + step - 1
        );
        return Err(Error::parameter(op, "output", output, rule));
    }
    let reach = least + extra as i128;
    let (before, output) = match (wanted, padding) {
        (Some(output), _) => (cut(reach - output as i128, padding), output as i128),
        (None, AxisPadding::Same { .. }) => {
            let output = input as i128 * stride as i128;
            (cut(reach - output, padding), output)
        }
        (None, AxisPadding::Explicit { before, after }) => {
            (before as i128, reach - before as i128 - after as i128)
        }
    };
    if output < 1 || output > MAX_LENGTH as i128 || reach > MAX_LENGTH as i128 || before > MAX_LENGTH as i128
    {
        let rule = format!(
            "on axis {index} with input {input}, kernel {kernel}, stride {stride}, dilation {dilation}, output padding \
             {extra} and padding {padding} it must be from 1 to {MAX_LENGTH}"
        );
        return Err(Error::parameter(op, "output length", output, rule));
    }
    // What the windows of the last positions reach behind the output no path reads: there is no padding after it.
    let (pad_before, length) = (before as usize, output as usize);
    Ok(Axis { input: length, kernel, stride, dilation, pad_before, output: input, ..Axis::UNIT })
}

/// How much of `total` is cut off the start. A negative total is output padding: room that nothing is added to.
fn cut(total: i128, padding: AxisPadding) -> i128 {
    let total = total.max(0);
    match padding {
        AxisPadding::Same { upper: true } => total / 2,
        _ => total - total / 2,
    }
}

pub(super) fn transposed(spec: &ConvTranspose, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "transposed convolution";
    let (x, w, b) = three_inputs(op, inputs)?;
    check_activation(op, spec.activation)?;
    let image = Image::of(op, &x.shape, spec.layout)?;
    let rank = image.rank();
    check_kernel(op, x, w)?;
    let channels = |layout| match layout {
        KernelLayout::Oihw => (w.shape[1], w.shape[0]),
        KernelLayout::Hwio => (w.shape[rank], w.shape[rank + 1]),
    };
    let fits = |layout| channels(layout).1 == image.channels;
    check_order(op, spec.kernel_layout, w, fits, [image.channels, spec.groups])?;
    let (group_out, in_channels) = channels(spec.kernel_layout);
    let window = spec.kernel_layout.window(&w.shape);
    if spec.groups == 0 || !image.channels.is_multiple_of(spec.groups) {
        let rule = format!("it must divide the {} input channels", image.channels);
        return Err(Error::parameter(op, "groups", spec.groups, rule));
    }
    if in_channels != image.channels {
        let rule = format!("it must take the input's {} channels, not {in_channels}", image.channels);
        return Err(Error::shape(op, "the kernel", &w.shape, rule));
    }
    let out_channels = group_out.checked_mul(spec.groups).ok_or_else(|| {
        let rule = "they must fit the address space";
        Error::too_large("output channels", format!("{group_out} in each of {} groups", spec.groups), rule)
    })?;
    check_bias(op, b, out_channels)?;
    let stride = per_axis(op, "stride", &spec.stride, rank)?;
    let dilation = per_axis(op, "dilation", &spec.dilation, rank)?;
    let extra = per_axis(op, "output_padding", &spec.output_padding, rank)?;
    let wanted = match &spec.output {
        None => vec![None; rank],
        Some(lengths) => per_axis(op, "output", lengths, rank)?.into_iter().map(Some).collect(),
    };
    let paddings = axis_paddings(op, &spec.padding, rank)?;
    if spec.output.is_some() && matches!(spec.padding, Padding::Explicit { .. }) {
        let rule = "an output length determines the padding, so it cannot be given too";
        return Err(Error::parameter(op, "padding", format_args!("{}", spec.padding), rule));
    }
    let mut axes = Vec::with_capacity(rank);
    for i in 0..rank {
        let spec = AxisSpec {
            input: image.space[i],
            kernel: window[i],
            stride: stride[i],
            dilation: dilation[i],
            extra: extra[i],
            wanted: wanted[i],
        };
        axes.push(axis(op, i, spec, paddings[i])?);
    }
    let out_space: Vec<usize> = axes.iter().map(|a| a.input).collect();
    let shape = image.shape_with(out_channels, &out_space)?;
    // The input's channels lie where the output's are in a convolution.
    let adjoint = kernel_strides(spec.kernel_layout, in_channels, group_out, three(window, 1));
    let work = ConvWork {
        batch: image.batch,
        groups: spec.groups,
        group_in: image.channels / spec.groups,
        group_out,
        axes: three(&axes, Axis::UNIT),
        dtype: x.dtype,
        input: Strides::of(spec.layout, image.channels, image.space3()),
        output: Strides::of(spec.layout, out_channels, three(&out_space, 1)),
        kernel: KernelStrides { o: adjoint.i, i: adjoint.o, ..adjoint },
        layout: spec.layout,
        bias: b.is_some(),
        activation: spec.activation,
        slope: 0,
        accuracy: Accuracy::Element,
        residual: false,
    };
    let outputs = vec![TensorDesc { shape, dtype: x.dtype }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::ConvTranspose(work) })
}
