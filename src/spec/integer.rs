//! Integer convolution: ONNX `ConvInteger` and `QLinearConv`.

use super::Conv;
use crate::dtype::DType;
use crate::error::{Error, Result};

/// Convolution of bytes, exact in 32-bit integers: ONNX `ConvInteger`, and with [`Requantize`] `QLinearConv`.
///
/// `y[n, o, ...] = sum (x - x_zero) * (w - w_zero[o])`; padding counts as `x_zero`. Sums wrap at 32 bits, as ONNX allows,
/// which takes more than 33,025 terms.
///
/// Inputs, in this order: the tensor (u8 or i8), the kernel (u8 or i8, not necessarily the same), the tensor's zero point
/// (one element of the tensor's type), and the kernel's zero points (of the kernel's type: one, or `[out]`). Output: i32.
/// With [`Requantize`] there follow the scales (f32: one, or `[out]`) and, if there is one, a bias `[out]` of i32.
///
/// ```
/// use wgpool::{host, Conv, ConvInteger, Data, Op, Tensor};
/// let x = Tensor::new(&[1, 1, 1, 3], Data::U8(vec![1, 2, 255]))?;
/// let w = Tensor::new(&[1, 1, 1, 2], Data::I8(vec![10, -1]))?;
/// let (x_zero, w_zero) = (Tensor::new(&[], Data::U8(vec![1]))?, Tensor::new(&[], Data::I8(vec![0]))?);
/// let op = Op::from(ConvInteger { conv: Conv::new(), requantize: None });
/// assert_eq!(host::run(&op, &[&x, &w, &x_zero, &w_zero])?[0].data(), &Data::I32(vec![-1, -244]));
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ConvInteger {
    /// Windows, groups and memory orders; it must have no activation: `ReLU` is the output's range.
    pub conv: Conv,
    /// What makes bytes of the sums; without it they are the result.
    pub requantize: Option<Requantize>,
}

/// How sums become bytes again: `saturate(round(scale * (sum + bias)) + zero)`, where halves round to even.
///
/// The sum is rounded to f32 and multiplied by the scale in f32, as ONNX Runtime does, so that the result is the same to the
/// last bit everywhere. Scales must be finite.
///
/// ```
/// use wgpool::{host, Conv, ConvInteger, DType, Data, Op, Requantize, Tensor};
/// let bytes = |shape: &[usize], v: &[u8]| Tensor::new(shape, Data::U8(v.to_vec()));
/// let (x, w, zero) = (bytes(&[1, 1, 4], &[1, 3, 5, 255])?, bytes(&[1, 1, 1], &[1])?, bytes(&[1], &[0])?);
/// let scales = Requantize::scales(0.5, &[2.0], 2.0)?;
/// assert_eq!(scales, [0.5]);
/// let scale = Tensor::from_f32(&[1], scales)?;
/// let requantize = Some(Requantize { output: DType::I8, zero: 10 });
/// let op = Op::from(ConvInteger { conv: Conv::new(), requantize });
/// let y = host::run(&op, &[&x, &w, &zero, &zero, &scale])?;
/// // 0.5 and 2.5 round to even, and 137.5 is more than an i8 holds.
/// assert_eq!(y[0].data(), &Data::I8(vec![10, 12, 12, 127]));
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Requantize {
    /// Type of the output: u8 or i8.
    pub output: DType,
    /// Zero point of the output, within its type's range.
    pub zero: i32,
}

impl Requantize {
    /// The scales of sums: `input * kernel / output` for each of the kernel's scales, in f32 and in this order.
    ///
    /// # Errors
    /// [`Error::Value`] for a quotient that is not finite.
    pub fn scales(input: f32, kernel: &[f32], output: f32) -> Result<Vec<f32>> {
        (kernel.iter().enumerate())
            .map(|(at, &kernel)| {
                let scale = input * kernel / output;
                scale.is_finite().then_some(scale).ok_or_else(|| Error::Value {
                    op: "integer convolution",
                    tensor: "the scales",
                    at,
                    value: scale.to_string(),
                    rule: format!("{input} * {kernel} / {output} must be finite"),
                })
            })
            .collect()
    }
}
