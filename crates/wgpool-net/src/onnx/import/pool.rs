//! Pooling and unpooling.

use super::call::Call;
use super::convolution::{Windows, windows};
use super::items::Item;
use crate::onnx::ElementType;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{GlobalPool, IndexNumbering, Layout, MaxUnpool, Padding, Pool, PoolKind};

fn window(call: &Call<'_, '_>) -> Result<Vec<usize>> {
    let Some(window) = call.node.ints("kernel_shape")? else {
        return Err(call.node.refused(Refusal::Structure, "attribute kernel_shape is missing"));
    };
    call.lengths("kernel_shape", &window)
}

fn pool(call: &Call<'_, '_>, kind: PoolKind) -> Result<Pool> {
    call.arity(1, 1)?;
    let window = window(call)?;
    let Windows { stride, dilation, padding } = windows(call, window.len())?;
    let ceil_mode = call.node.int_or("ceil_mode", 0)? != 0;
    Ok(Pool { stride, dilation, padding, ceil_mode, ..Pool::new(kind, window) })
}

/// Of its numbers in ONNX, which versions before 2 had as a float.
fn norm(call: &Call<'_, '_>) -> Result<PoolKind> {
    Ok(PoolKind::Lp { p: call.node.int_or("p", 2)? as f32 })
}

pub(super) fn max<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let mut spec = pool(call, PoolKind::Max)?;
    let indices = call.node.outputs().nth(1).is_some_and(|name| !name.is_empty());
    if indices {
        spec.indices = Some(match call.node.int_or("storage_order", 0)? {
            0 => IndexNumbering::WholeRowMajor,
            1 => IndexNumbering::WholeColumnMajor,
            other => {
                let reason = format!("attribute storage_order is {other}, but must be 0 or 1");
                return Err(call.node.refused(Refusal::Structure, reason));
            }
        });
    }
    let (x, ty) = (call.any(0)?, call.element_type(0)?);
    let outputs = call.graph().op(spec, &[x])?;
    Ok(outputs.into_iter().zip([ty, ElementType::I64]).map(|(value, ty)| Item::Run(value, ty)).collect())
}

pub(super) fn average<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let count_include_pad = call.node.int_or("count_include_pad", 0)? != 0;
    let spec = pool(call, PoolKind::Average { count_include_pad, divisor: None })?;
    let x = call.value(0)?;
    call.one(spec, &[x])
}

pub(super) fn lp<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let spec = pool(call, norm(call)?)?;
    let x = call.value(0)?;
    call.one(spec, &[x])
}

pub(super) fn global<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let kind = match call.node.op_type() {
        "GlobalMaxPool" => PoolKind::Max,
        "GlobalAveragePool" => PoolKind::Average { count_include_pad: false, divisor: None },
        _ => norm(call)?,
    };
    let x = call.value(0)?;
    call.one(GlobalPool { kind, layout: Layout::Nchw }, &[x])
}

/// Without `output_shape` the output is what pooling of these windows had at least; with it the indices still count in that
/// size, as ONNX' tests have it.
pub(super) fn unpool<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 3)?;
    let window = window(call)?;
    let Windows { stride, padding, .. } = windows(call, window.len())?;
    let (before, after) = match padding {
        Padding::Explicit { before, after } => (before, after),
        _ => (vec![0; window.len()], vec![0; window.len()]),
    };
    let shape = call.shape(0)?;
    let space = shape.get(2..).unwrap_or_default();
    if space.len() != window.len() {
        let reason = format!("its window {window:?} has not the spatial axes of {shape:?}");
        return Err(call.node.refused(Refusal::Shape, reason));
    }
    let mut usual = Vec::with_capacity(space.len());
    for (axis, (&length, &window)) in space.iter().zip(&window).enumerate() {
        let at = |list: &[usize]| list.get(axis).copied().unwrap_or(0) as i128;
        let length = (length as i128 - 1) * at(&stride) + window as i128 - at(&before) - at(&after);
        usual.push(usize::try_from(length).map_err(|_| {
            call.node.refused(Refusal::Shape, format!("the padding makes axis {axis} {length} long"))
        })?);
    }
    let mut spec = MaxUnpool { numbering: IndexNumbering::WholeRowMajor, ..MaxUnpool::new(usual.clone()) };
    if call.has(2) {
        let wanted = call.lengths("output_shape", &call.integers(2)?)?;
        if wanted.len() != shape.len() || wanted.get(..2) != shape.get(..2) {
            let reason =
                format!("output_shape is {wanted:?}, but its first two lengths must be those of {shape:?}");
            return Err(call.node.refused(Refusal::Shape, reason));
        }
        spec.output = wanted.get(2..).unwrap_or_default().to_vec();
        // Indices of a pooling layer count in what that has read.
        let indices = call.any(1)?;
        let pooled = call.graph().made_by(indices).and_then(|pool| pool.inputs.first());
        let pooled = pooled.and_then(|desc| desc.shape.get(2..)).map(<[usize]>::to_vec);
        spec.indexed = Some(pooled.unwrap_or(usual));
    }
    let inputs = [call.value(0)?, call.any(1)?];
    call.one(spec, &inputs)
}
