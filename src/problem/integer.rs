//! Integer convolution problems.

use super::conv::{ConvWork, check_bias, check_no_residual, resolved};
use super::{Problem, Work, require_dtype, require_values};
use crate::dtype::{BYTES, DType};
use crate::error::{Error, Result};
use crate::spec::{Activation, ConvInteger};
use crate::tensor::{Tensor, TensorDesc};

/// Integer convolution with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct IntegerWork {
    /// Windows, channels and strides of the convolution whose outputs are sums of i32.
    pub conv: ConvWork,
    /// Type of the input.
    pub input: DType,
    /// Type of the kernel.
    pub kernel: DType,
    /// Whether each output channel has a zero point of its own, and not one all.
    pub zero_each: bool,
    /// What makes bytes of the sums.
    pub requantize: Option<RequantizeWork>,
}

/// How sums become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequantizeWork {
    /// Type of the output.
    pub output: DType,
    /// Zero point of the output.
    pub zero: i32,
    /// Whether each output channel has a scale of its own, and not one all.
    pub scale_each: bool,
    /// Whether there is a bias.
    pub bias: bool,
}

impl RequantizeWork {
    /// The smallest and the largest number of the output's type.
    pub fn range(&self) -> (i32, i32) {
        range(self.output)
    }
}

fn range(dtype: DType) -> (i32, i32) {
    match dtype {
        DType::I8 => (i8::MIN.into(), i8::MAX.into()),
        _ => (u8::MIN.into(), u8::MAX.into()),
    }
}

pub(super) fn integer(spec: &ConvInteger, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "integer convolution";
    let expected = match spec.requantize {
        None => "four (input, kernel, zero point of each)",
        Some(_) => "five or six (input, kernel, zero point of each, scales, perhaps bias)",
    };
    let (x, w, x_zero, w_zero, rest) = match inputs {
        [x, w, x_zero, w_zero, rest @ ..] => (x, w, x_zero, w_zero, rest),
        _ => return Err(Error::arity(op, expected, inputs.len())),
    };
    require_dtype(op, "the kernel", w.dtype, &BYTES)?;
    require_dtype(op, "the zero point of the input", x_zero.dtype, &[x.dtype])?;
    require_dtype(op, "the zero points of the kernel", w_zero.dtype, &[w.dtype])?;
    if spec.conv.activation != Activation::None {
        return Err(Error::parameter(
            op,
            "activation",
            format_args!("{}", spec.conv.activation),
            "sums of integers take none",
        ));
    }
    check_no_residual(op, &spec.conv)?;
    let (conv, sums) = resolved(op, &spec.conv, DType::I32, x, w, None)?;
    let out = conv.out_channels();
    each(op, "the zero point of the input", x_zero, 1)?;
    let zero_each = each(op, "the zero points of the kernel", w_zero, out)?;
    let (requantize, output) = match (spec.requantize, rest) {
        (None, []) => (None, sums),
        (Some(spec), [scales] | [scales, _]) => {
            let bias = rest.get(1);
            require_dtype(op, "the scales", scales.dtype, &[DType::F32])?;
            if let Some(bias) = bias {
                require_dtype(op, "the bias", bias.dtype, &[DType::I32])?;
            }
            check_bias(op, bias, out)?;
            if !BYTES.contains(&spec.output) {
                return Err(Error::parameter(
                    op,
                    "output",
                    format_args!("{}", spec.output),
                    "it must be u8 or i8",
                ));
            }
            let (least, most) = range(spec.output);
            if !(least..=most).contains(&spec.zero) {
                let rule = format!("{} holds {least} to {most}", spec.output);
                return Err(Error::parameter(op, "zero", spec.zero, rule));
            }
            let scale_each = each(op, "the scales", scales, out)?;
            let work =
                RequantizeWork { output: spec.output, zero: spec.zero, scale_each, bias: bias.is_some() };
            (Some(work), TensorDesc { dtype: spec.output, ..sums })
        }
        _ => return Err(Error::arity(op, expected, inputs.len())),
    };
    let work = IntegerWork { conv, input: x.dtype, kernel: w.dtype, zero_each, requantize };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs: vec![output], work: Work::ConvInteger(work) })
}

/// Whether there is one number for each of `channels`; else there must be one for all.
fn each(op: &'static str, tensor: &'static str, desc: &TensorDesc, channels: usize) -> Result<bool> {
    match desc.shape.as_slice() {
        [] | [1] => Ok(false),
        &[n] if n == channels => Ok(true),
        got if channels == 1 => Err(Error::shape(op, tensor, got, "it must be one number")),
        got => {
            let rule = format!("it must be one number, or [{channels}], one for each output channel");
            Err(Error::shape(op, tensor, got, rule))
        }
    }
}

/// Refuses scales that no number can be multiplied by.
pub(super) fn check_scales(op: &'static str, scales: &Tensor) -> Result<()> {
    require_values(op, "the scales", scales, |_, scale| scale.is_finite(), "it must be finite")
}
