//! Causal convolution that goes on from call to call: ONNX `CausalConvWithState`.

use super::Activation;

/// Depthwise convolution along a sequence that looks at no later element, and hands on what the next part of the sequence
/// needs: ONNX `CausalConvWithState`, the short convolution of Mamba and other linear-attention models.
///
/// `y[n, c, t] = activation(bias[c] + sum_k w[c, 0, k] * s[n, c, t + k])`, where `s` is the state (zeros if there is none)
/// and behind it the input.
///
/// Inputs, in this order, all f32 or all f16: the tensor `[N, C, L]`, the state `[N, C, K - 1]` if
/// [`state`](CausalConv::state) says so, the kernel `[C, 1, K]`, and a bias `[C]` if there is one. Outputs: `[N, C, L]`, and
/// the state for the next part of the sequence, the last `K - 1` elements of `s`, `[N, C, K - 1]`.
///
/// ```
/// use wgpool::{host, Activation, CausalConv, Op, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 3], vec![1., 2., 3.])?;
/// let w = Tensor::from_f32(&[1, 1, 2], vec![10., 1.])?;
/// let op = Op::from(CausalConv { state: false, activation: Activation::None });
/// let first = host::run(&op, &[&x, &w])?;
/// assert_eq!((first[0].as_f32()?, first[1].as_f32()?), (&[1., 12., 23.][..], &[3.][..]));
/// let op = Op::from(CausalConv { state: true, activation: Activation::None });
/// assert_eq!(host::run(&op, &[&x, &first[1], &w])?[0].as_f32()?, [31., 12., 23.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CausalConv {
    /// Whether there is a state of what came before the input.
    pub state: bool,
    /// Applied to each element of the first output.
    pub activation: Activation,
}
