//! ONNX operators as operations of this library.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::super::manifest::Node;
use super::windows::{check_kernel_shape, conv, group, ones, padding};
use super::{OP, causal, col2im, deform, integer, reduce, required, resize, strided};
use wgpool::error::{Error, Result};
use wgpool::spec::{
    Activation, ConvTranspose, GlobalPool, IndexNumbering, Layout, MaxRoiPool, MaxUnpool, Op, Padding, Pool,
    PoolKind, RoiAlign, RoiMode, Softmax,
};

/// Whether this library has the operator.
pub fn known(op: &str) -> bool {
    reduce::kind(op).is_some()
        || matches!(
            op,
            "MaxPool"
                | "AveragePool"
                | "LpPool"
                | "GlobalMaxPool"
                | "GlobalAveragePool"
                | "GlobalLpPool"
                | "MaxUnpool"
                | "RoiAlign"
                | "MaxRoiPool"
                | "Conv"
                | "ConvTranspose"
                | "ConvInteger"
                | "CausalConvWithState"
                | "Col2Im"
                | "DeformConv"
                | "QLinearConv"
                | "Relu"
                | "LeakyRelu"
                | "PRelu"
                | "Elu"
                | "Sigmoid"
                | "HardSigmoid"
                | "Tanh"
                | "HardSwish"
                | "Gelu"
                | "Mish"
                | "Softplus"
                | "Softmax"
                | "Transpose"
                | "Slice"
                | "Expand"
                | "Concat"
                | "Pad"
                | "ArgMax"
                | "ArgMin"
                | "Resize"
                | "Upsample"
        )
}

const MEAN: PoolKind = PoolKind::Average { count_include_pad: false, divisor: None };

/// The call that a node makes.
///
/// # Errors
/// [`Refusal::Unsupported`] for an operator that is not known, else whatever rule the node breaks.
pub fn call(node: &Node, opset: i64, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let attributes = Attributes { op: OP, map: &node.attributes };
    let x = required(inputs, 0)?;
    let data = (Role::Data, x.clone());
    let only = |op: Op| Ok(Call::new(op, vec![data.clone()]));
    let parameter = |name, usual: f64| attributes.float(&[name]).map(|given| given.unwrap_or(usual) as f32);
    match node.op.as_str() {
        "MaxPool" => {
            let mut pool = window(attributes, PoolKind::Max)?;
            if node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
                pool.indices = Some(match attributes.int(&["storage_order"])?.unwrap_or(0) {
                    0 => IndexNumbering::WholeRowMajor,
                    1 => IndexNumbering::WholeColumnMajor,
                    other => {
                        return Err(Error::parameter(OP, "storage_order", other, "it must be 0 or 1").into());
                    }
                });
            }
            only(pool.into())
        }
        "AveragePool" => {
            let count_include_pad = attributes.flag(&["count_include_pad"])?.unwrap_or(false);
            only(window(attributes, PoolKind::Average { count_include_pad, divisor: None })?.into())
        }
        "LpPool" => only(window(attributes, norm(attributes)?)?.into()),
        "GlobalMaxPool" => only(GlobalPool::max().into()),
        "GlobalAveragePool" => only(GlobalPool { kind: MEAN, layout: Layout::Nchw }.into()),
        "GlobalLpPool" => only(GlobalPool { kind: norm(attributes)?, layout: Layout::Nchw }.into()),
        "MaxUnpool" => {
            let op = unpool(attributes, x, inputs.get(2).and_then(Option::as_ref))?;
            Ok(Call::new(op, vec![data, (Role::Index, required(inputs, 1)?.clone())]))
        }
        "RoiAlign" => {
            let op = roi_align(attributes, opset)?;
            let (regions, images) = (required(inputs, 1)?.clone(), required(inputs, 2)?.clone());
            Ok(Call::new(op, vec![data, (Role::Place, regions), (Role::Index, images)]))
        }
        "MaxRoiPool" => {
            let output =
                attributes.lengths(&["pooled_shape"])?.ok_or_else(|| attributes.missing("pooled_shape"))?;
            let &[height, width] = output.as_slice() else {
                return Err(
                    Error::parameter(OP, "pooled_shape", output, "it must be height and width").into()
                );
            };
            let spatial_scale = attributes.float(&["spatial_scale"])?.unwrap_or(1.0) as f32;
            let op = MaxRoiPool { output: [height, width], spatial_scale, layout: Layout::Nchw };
            Ok(Call::new(op, vec![data, (Role::Place, required(inputs, 1)?.clone())]))
        }
        "Conv" | "ConvTranspose" => {
            let weight = required(inputs, 1)?;
            check_kernel_shape(attributes, weight)?;
            let op: Op = if node.op == "Conv" {
                conv(attributes)?.into()
            } else {
                transposed(attributes, x.shape.len().saturating_sub(2))?.into()
            };
            let tensors = inputs.iter().flatten().map(|t| (Role::Data, t.clone())).collect();
            Ok(Call::new(op, tensors))
        }
        "DeformConv" => deform::deform_conv(attributes, inputs),
        "Col2Im" => col2im::col2im(attributes, inputs),
        "CausalConvWithState" => causal::causal_conv(attributes, inputs),
        "ConvInteger" => integer::conv_integer(attributes, inputs),
        "QLinearConv" => integer::qlinear_conv(attributes, inputs),
        "Relu" => only(Activation::Relu.into()),
        "LeakyRelu" => only(Activation::LeakyRelu { alpha: parameter("alpha", 0.01)? }.into()),
        "PRelu" => {
            // Its axes are the last ones of the input's.
            let mut slope = required(inputs, 1)?.clone();
            let missing = x.shape.len().saturating_sub(slope.shape.len());
            slope.shape.splice(..0, std::iter::repeat_n(1, missing));
            Ok(Call::new(Activation::PRelu, vec![data, (Role::Data, slope)]))
        }
        "Elu" => only(Activation::Elu { alpha: parameter("alpha", 1.0)? }.into()),
        "Sigmoid" => only(Activation::Sigmoid.into()),
        "HardSigmoid" => {
            let (alpha, beta) = (parameter("alpha", 0.2)?, parameter("beta", 0.5)?);
            only(Activation::HardSigmoid { alpha, beta }.into())
        }
        "Tanh" => only(Activation::Tanh.into()),
        "HardSwish" => only(Activation::HardSwish.into()),
        "Gelu" => match attributes.word(&["approximate"]) {
            None | Some("none") => only(Activation::Gelu.into()),
            Some("tanh") => only(Activation::GeluTanh.into()),
            Some(other) => Err(Error::parameter(OP, "approximate", other, "it must be none or tanh").into()),
        },
        "Mish" => only(Activation::Mish.into()),
        "Softplus" => only(Activation::Softplus.into()),
        "Softmax" => match attributes.int(&["axis"])? {
            // Before, softmax ran over all axes from the given one.
            axis if opset >= 13 => only(Softmax { axis: axis.unwrap_or(-1) as isize }.into()),
            axis if axis.unwrap_or(1) == x.shape.len() as i64 - 1 => only(Softmax { axis: -1 }.into()),
            _ => Err(Refusal::Unsupported("Softmax over several axes".into())),
        },
        "Transpose" | "Slice" | "Expand" | "Concat" | "Pad" => strided::strided(node, attributes, inputs),
        "Resize" | "Upsample" => resize::resize(node, attributes, opset, inputs),
        "ArgMax" | "ArgMin" => reduce::reduce(node, attributes, inputs),
        op if reduce::kind(op).is_some() => reduce::reduce(node, attributes, inputs),
        other => Err(Refusal::Unsupported(format!("{other} is not an operation of this library"))),
    }
}

fn window(attributes: Attributes<'_>, kind: PoolKind) -> Result<Pool> {
    let window = attributes.lengths(&["kernel_shape"])?.ok_or_else(|| attributes.missing("kernel_shape"))?;
    Ok(Pool::new(kind, window)
        .stride(ones(attributes, "strides")?)
        .dilation(ones(attributes, "dilations")?)
        .padding(padding(attributes)?)
        .ceil_mode(attributes.flag(&["ceil_mode"])?.unwrap_or(false)))
}

fn norm(attributes: Attributes<'_>) -> Result<PoolKind> {
    Ok(PoolKind::Lp { p: attributes.float(&["p"])?.unwrap_or(2.0) as f32 })
}

/// Without `output_shape` the output is what pooling of these windows had at least; with it the indices still count
/// in that size, as the ONNX tests have it.
fn unpool(attributes: Attributes<'_>, x: &Array, output_shape: Option<&Array>) -> Result<Op> {
    let window = attributes.lengths(&["kernel_shape"])?.ok_or_else(|| attributes.missing("kernel_shape"))?;
    let stride = ones(attributes, "strides")?;
    let space = x.shape.get(2..).unwrap_or_default();
    let rank = space.len();
    let pads = attributes.lengths(&["pads"])?.unwrap_or_else(|| vec![0; 2 * rank]);
    let mut usual = Vec::with_capacity(rank);
    for (axis, &input) in space.iter().enumerate() {
        let at = |list: &[usize], axis: usize| list.get(axis).or(list.first()).copied().unwrap_or(0) as i128;
        let pad = if pads.len() == 2 * rank { at(&pads, axis) + at(&pads, axis + rank) } else { -1 };
        let length = (input as i128 - 1) * at(&stride, axis) + at(&window, axis) - pad;
        match usize::try_from(length) {
            Ok(length) if pad >= 0 => usual.push(length),
            _ => {
                return Err(Error::parameter(
                    OP,
                    "pads",
                    pads,
                    format!("they make axis {axis} {length} long"),
                ));
            }
        }
    }
    let mut unpool = MaxUnpool::new(usual.clone());
    unpool.numbering = IndexNumbering::WholeRowMajor;
    if let Some(shape) = output_shape {
        let list = shape.integers().unwrap_or_default();
        let rule = format!("it must be batch, channels and {rank} lengths");
        let lengths: Option<Vec<usize>> = list.iter().map(|&l| usize::try_from(l).ok()).collect();
        let lengths = lengths.filter(|l| l.len() == rank + 2 && l.get(..2) == x.shape.get(..2));
        let lengths = lengths.ok_or_else(|| Error::parameter(OP, "output_shape", list, rule))?;
        unpool.output = lengths.get(2..).unwrap_or_default().to_vec();
        unpool.indexed = Some(usual);
    }
    Ok(unpool.into())
}

fn roi_align(attributes: Attributes<'_>, opset: i64) -> Result<Op> {
    let length = |name: &'static str| -> Result<usize> {
        let length = attributes.int(&[name])?.unwrap_or(1);
        usize::try_from(length).map_err(|_| Error::parameter(OP, name, length, "it must be positive"))
    };
    let mode = match attributes.word(&["mode"]) {
        None | Some("avg") => RoiMode::Average,
        Some("max") => RoiMode::Max,
        Some(other) => return Err(Error::parameter(OP, "mode", other, "it must be avg or max")),
    };
    let half_pixel = match attributes.word(&["coordinate_transformation_mode"]) {
        Some("half_pixel") => true,
        Some("output_half_pixel") => false,
        // The attribute came with operator set 16; before, nothing was shifted.
        None => opset >= 16,
        Some(other) => {
            let rule = "it must be half_pixel or output_half_pixel";
            return Err(Error::parameter(OP, "coordinate_transformation_mode", other, rule));
        }
    };
    Ok(RoiAlign {
        output: [length("output_height")?, length("output_width")?],
        sampling_ratio: attributes.int(&["sampling_ratio"])?.unwrap_or(0).max(0) as usize,
        spatial_scale: attributes.float(&["spatial_scale"])?.unwrap_or(1.0) as f32,
        half_pixel,
        mode,
        layout: Layout::Nchw,
    }
    .into())
}

fn transposed(attributes: Attributes<'_>, rank: usize) -> Result<ConvTranspose> {
    let output = attributes.lengths(&["output_shape"])?;
    // Batch and channels may stand in front.
    let output = output.map(|list| match list.len() {
        n if n == rank + 2 => list.get(2..).unwrap_or_default().to_vec(),
        _ => list,
    });
    let padding = match (&output, attributes.word(&["auto_pad"])) {
        // The output's lengths determine the padding; the attribute says where the odd element goes.
        (Some(_), Some("SAME_UPPER")) => Padding::SameUpper,
        (Some(_), _) => Padding::SameLower,
        (None, _) => padding(attributes)?,
    };
    Ok(ConvTranspose {
        stride: ones(attributes, "strides")?,
        dilation: ones(attributes, "dilations")?,
        padding,
        output_padding: attributes.lengths(&["output_padding"])?.unwrap_or_else(|| vec![0]),
        output,
        groups: group(attributes)?,
        ..ConvTranspose::new()
    })
}
