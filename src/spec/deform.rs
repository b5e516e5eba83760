//! Deformable convolution: ONNX `DeformConv`, torchvision `deform_conv2d`.

use super::Conv;

/// Convolution whose taps are moved by offsets of their own at every output (Dai et al., "Deformable Convolutional Networks",
/// 2017; with a mask, Zhu et al., 2018), over one to three spatial axes.
///
/// A tap is at its place in the window plus its offset, and its value is interpolated linearly along each axis between the
/// elements around it. Elements outside the input are zeros, and a tap one or more away from the input, or at an offset
/// that is NaN, is zero.
///
/// Inputs, in this order: the tensor `[N, C, spatial...]`, the offsets `[N, offset_groups * taps * axes, out...]`, the mask
/// `[N, offset_groups * taps, out...]` if [`mask`](DeformConv::mask) says so, the kernel, and a bias `[out]` if there is one;
/// all f32, in NCHW and OIHW. The offsets of a tap are one for each axis, outermost first.
///
/// ```
/// use wgpool::{host, Conv, DeformConv, Op, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 3], vec![1., 2., 4.])?;
/// let w = Tensor::from_f32(&[1, 1, 1], vec![10.])?;
/// // The first element is read half an element to the right, the last one beyond the end.
/// let offsets = Tensor::from_f32(&[1, 1, 3], vec![0.5, 0., 1.])?;
/// let op = Op::from(DeformConv { conv: Conv::new(), offset_groups: 1, mask: false });
/// assert_eq!(host::run(&op, &[&x, &offsets, &w])?[0].as_f32()?, [15., 20., 0.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DeformConv {
    /// Windows, groups and activation.
    pub conv: Conv,
    /// Groups that the input channels are divided into, each with offsets (and a mask) of its own.
    pub offset_groups: usize,
    /// Whether every tap is multiplied by a mask.
    pub mask: bool,
}
