//! Deformable convolution problems.

use super::conv::{ConvWork, KernelStrides, check_no_residual, resolved};
use super::{Problem, Work, require_dtype, require_shape};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, Strides};
use crate::spec::{DeformConv, KernelLayout, Layout};
use crate::tensor::{TensorDesc, checked_elements};

/// Positions below this are exact in 32-bit floats, which offsets are added to.
const MOST_POSITIONS: usize = 1 << 24;

/// Deformable convolution with every length and stride known: samples are taken for each tap of each output, and convolved
/// as images of `channels * taps` channels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeformWork {
    /// The convolution whose taps are moved.
    pub conv: ConvWork,
    /// Spatial axes; the windows of those in front of them are of one element.
    pub rank: usize,
    /// Groups of input channels with offsets of their own.
    pub offset_groups: usize,
    /// Whether there is a mask.
    pub mask: bool,
    /// The convolution of the samples: one tap, and the kernel's taps as channels.
    pub sampled: ConvWork,
    /// The samples, `[N, C * taps, out...]`.
    pub samples: TensorDesc,
}

pub(super) fn deform(spec: &DeformConv, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "deformable convolution";
    check_no_residual(op, &spec.conv)?;
    let expected = match spec.mask {
        false => "three (input, offsets, kernel) or four (bias)",
        true => "four (input, offsets, mask, kernel) or five (bias)",
    };
    let (x, offsets, mask, w, b) = match (spec.mask, inputs) {
        (false, [x, offsets, w]) => (x, offsets, None, w, None),
        (false, [x, offsets, w, b]) => (x, offsets, None, w, Some(b)),
        (true, [x, offsets, mask, w]) => (x, offsets, Some(mask), w, None),
        (true, [x, offsets, mask, w, b]) => (x, offsets, Some(mask), w, Some(b)),
        _ => return Err(Error::arity(op, expected, inputs.len())),
    };
    let names = ["the offsets", "the kernel", "the mask", "the bias"];
    for (name, desc) in names.into_iter().zip([Some(offsets), Some(w), mask, b]) {
        desc.map_or(Ok(()), |desc| require_dtype(op, name, desc.dtype, &[DType::F32]))?;
    }
    if (spec.conv.layout, spec.conv.kernel_layout) != (Layout::Nchw, KernelLayout::Oihw) {
        let (layout, kernel) = (spec.conv.layout, spec.conv.kernel_layout);
        let orders = format_args!("{layout} with a kernel of {kernel}");
        return Err(Error::parameter(op, "layout", orders, "it must be NCHW with a kernel of OIHW"));
    }
    let (conv, output) = resolved(op, &spec.conv, DType::F32, x, w, b)?;
    let groups = spec.offset_groups;
    if groups == 0 || !conv.in_channels().is_multiple_of(groups) {
        let rule = format!("it must divide the {} input channels", conv.in_channels());
        return Err(Error::parameter(op, "offset_groups", groups, rule));
    }
    if let Some(axis) = conv.axes.iter().find(|axis| axis.reach(axis.output).max(axis.input) > MOST_POSITIONS)
    {
        let rule = "padded lengths must be at most 2^24, so that offsets are added exactly";
        return Err(Error::too_large(
            "axis",
            format!("{op}: {} padded elements", axis.reach(axis.output).max(axis.input)),
            rule,
        ));
    }
    let rank = x.shape.len() - 2;
    let out_space = &output.shape[2..];
    // The kernel's elements fit the address space, and so do its taps times a few axes.
    let shape = |tensor: &'static str, desc: &TensorDesc, of_group: usize| {
        let shape = [&[conv.batch, groups.saturating_mul(of_group)], out_space].concat();
        require_shape(op, tensor, desc, &shape, "")
    };
    shape("the offsets", offsets, conv.taps().saturating_mul(rank))?;
    mask.map_or(Ok(()), |mask| shape("the mask", mask, conv.taps()))?;
    let channels = conv.in_channels().saturating_mul(conv.taps());
    let samples = TensorDesc::f32([&[conv.batch, channels], out_space].concat());
    checked_elements("samples", &samples.shape)?;
    let space = conv.axes.map(|axis| axis.output);
    let sampled = ConvWork {
        group_in: conv.group_in * conv.taps(),
        axes: space.map(Axis::elements),
        input: Strides::of(Layout::Nchw, channels, space),
        kernel: KernelStrides { o: conv.kernel.o, i: 1, space: [1; MAX_SPATIAL] },
        ..conv
    };
    let work = DeformWork { conv, rank, offset_groups: groups, mask: spec.mask, sampled, samples };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs: vec![output], work: Work::Deform(Box::new(work)) })
}
