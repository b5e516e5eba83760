//! `ConvInteger` and `QLinearConv`.

use super::super::array::{Array, Element, Values};
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::windows::{check_kernel_shape, conv};
use super::{OP, required};
use wgpool::error::{Error, Result};
use wgpool::spec::{ConvInteger, Requantize};
use wgpool::tensor::DType;

/// Inputs: x, w, and perhaps the zero point of each.
pub(super) fn conv_integer(attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let (x, w) = (required(inputs, 0)?, required(inputs, 1)?);
    check_kernel_shape(attributes, w)?;
    let zero = |i: usize, of: &Array| match inputs.get(i).and_then(Option::as_ref) {
        Some(zero) => zero.clone(),
        None => Array { shape: vec![], element: of.element, values: Values::Int(vec![0]) },
    };
    let op = ConvInteger { conv: conv(attributes)?, requantize: None };
    Ok(call(op, [x.clone(), w.clone(), zero(2, x), zero(3, w)].into()))
}

/// Inputs: x, its scale and zero point, the same of w and of y, and perhaps a bias.
pub(super) fn qlinear_conv(attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let w = required(inputs, 3)?;
    check_kernel_shape(attributes, w)?;
    let y_zero = required(inputs, 7)?;
    let output = match y_zero.element {
        Element::I8 => DType::I8,
        Element::U8 => DType::U8,
        other => return Err(Refusal::Unsupported(format!("QLinearConv to {other}"))),
    };
    let zero = single(y_zero, "y_zero_point")? as i32;
    let (x_scale, y_scale) = (required(inputs, 1)?, required(inputs, 6)?);
    let w_scales = required(inputs, 4)?;
    let of_w: Vec<f32> =
        (0..w_scales.values.len()).filter_map(|i| w_scales.get(i)).map(|v| v as f32).collect();
    let scales =
        Requantize::scales(single(x_scale, "x_scale")? as f32, &of_w, single(y_scale, "y_scale")? as f32)?;
    let scales = Array {
        shape: w_scales.shape.clone(),
        element: Element::F32,
        values: Values::Float(scales.into_iter().map(f64::from).collect()),
    };
    let op = ConvInteger { conv: conv(attributes)?, requantize: Some(Requantize { output, zero }) };
    let (x, x_zero, w_zero) = (required(inputs, 0)?, required(inputs, 2)?, required(inputs, 5)?);
    let mut all = vec![x.clone(), w.clone(), x_zero.clone(), w_zero.clone(), scales];
    all.extend(inputs.get(8).and_then(Option::as_ref).cloned());
    Ok(call(op, all))
}

fn call(op: ConvInteger, inputs: Vec<Array>) -> Call {
    Call::new(op, inputs.into_iter().map(|array| (Role::Own, array)).collect())
}

/// The one element of an array.
fn single(array: &Array, name: &'static str) -> Result<f64> {
    array.get(0).filter(|_| array.values.len() == 1).ok_or_else(|| {
        let rule = "it must be one number that is known";
        Error::parameter(OP, name, &array.shape, rule)
    })
}
