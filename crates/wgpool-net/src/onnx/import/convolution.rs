//! Convolution and transposed convolution.

use super::call::Call;
use super::items::Item;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{Conv, ConvTranspose, Padding};

/// Attributes of windows, for `rank` spatial axes.
pub(super) struct Windows {
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    pub padding: Padding,
}

/// Reads them.
pub(super) fn windows(call: &Call<'_, '_>, rank: usize) -> Result<Windows> {
    let ones = |attribute: &str| -> Result<Vec<usize>> {
        let Some(list) = call.node.ints(attribute)? else { return Ok(vec![1; rank]) };
        let list = call.lengths(attribute, &list)?;
        check_length(call, attribute, list.len(), rank)?;
        Ok(list)
    };
    Ok(Windows { stride: ones("strides")?, dilation: ones("dilations")?, padding: padding(call, rank)? })
}

fn check_length(call: &Call<'_, '_>, attribute: &str, got: usize, wanted: usize) -> Result<()> {
    if got == wanted {
        return Ok(());
    }
    let reason = format!("attribute {attribute} has {got} numbers, but must have {wanted}");
    Err(call.node.refused(Refusal::Shape, reason))
}

fn padding(call: &Call<'_, '_>, rank: usize) -> Result<Padding> {
    let known = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"];
    Ok(match call.word("auto_pad", "NOTSET", &known)? {
        "VALID" => Padding::Valid,
        "SAME_UPPER" => Padding::SameUpper,
        "SAME_LOWER" => Padding::SameLower,
        _ => {
            let Some(pads) = call.node.ints("pads")? else { return Ok(Padding::Valid) };
            let pads = call.lengths("pads", &pads)?;
            check_length(call, "pads", pads.len(), 2 * rank)?;
            let (before, after) = pads.split_at(rank);
            Padding::Explicit { before: before.to_vec(), after: after.to_vec() }
        }
    })
}

/// The spatial axes, which data and kernel both have.
fn rank(call: &Call<'_, '_>) -> Result<usize> {
    let kernel = call.shape(1)?;
    let Some(window) = kernel.get(2..).filter(|window| !window.is_empty()) else {
        let reason = format!("its kernel {kernel:?} has no spatial axis");
        return Err(call.node.refused(Refusal::Shape, reason));
    };
    if let Some(given) = call.node.ints("kernel_shape")?
        && call.lengths("kernel_shape", &given)? != window
    {
        let reason = format!("attribute kernel_shape is {given:?}, but the kernel is {kernel:?}");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    Ok(window.len())
}

fn groups(call: &Call<'_, '_>) -> Result<usize> {
    let group = call.node.int_or("group", 1)?;
    usize::try_from(group)
        .map_err(|_| call.node.refused(Refusal::Shape, format!("attribute group {group} must be positive")))
}

pub(super) fn conv<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 3)?;
    let Windows { stride, dilation, padding } = windows(call, rank(call)?)?;
    let spec = Conv { stride, dilation, padding, groups: groups(call)?, ..Conv::new() };
    let inputs: Vec<_> = [call.value(0)?, call.value(1)?].into_iter().chain(call.optional(2)?).collect();
    call.one(spec, &inputs)
}

pub(super) fn transposed<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 3)?;
    let rank = rank(call)?;
    let Windows { stride, dilation, mut padding } = windows(call, rank)?;
    let mut output = None;
    if let Some(shape) = call.node.ints("output_shape")? {
        let shape = call.lengths("output_shape", &shape)?;
        // Batch and channels may stand in front.
        let lengths = shape.get(shape.len().saturating_sub(rank)..).unwrap_or_default();
        check_length(call, "output_shape", lengths.len(), rank)?;
        output = Some(lengths.to_vec());
        // The lengths determine the padding; the attribute says where the odd element goes.
        if padding != Padding::SameUpper {
            padding = Padding::SameLower;
        }
    }
    let output_padding = match call.node.ints("output_padding")? {
        Some(list) => call.lengths("output_padding", &list)?,
        None => vec![0; rank],
    };
    check_length(call, "output_padding", output_padding.len(), rank)?;
    let groups = groups(call)?;
    let spec =
        ConvTranspose { stride, dilation, padding, output_padding, output, groups, ..ConvTranspose::new() };
    let inputs: Vec<_> = [call.value(0)?, call.value(1)?].into_iter().chain(call.optional(2)?).collect();
    call.one(spec, &inputs)
}
