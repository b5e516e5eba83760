//! Reductions, and softmax.

use super::call::Call;
use super::items::Item;
use crate::graph::Value;
use crate::onnx::ElementType;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{ArgKind, ArgReduce, Elementwise, GlobalPool, Layout, Reduce, ReduceKind, Softmax};

pub(super) fn reduce<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 2)?;
    let kind = match call.node.op_type() {
        "ReduceL1" => ReduceKind::L1,
        "ReduceL2" => ReduceKind::L2,
        "ReduceLogSum" => ReduceKind::LogSum,
        "ReduceLogSumExp" => ReduceKind::LogSumExp,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMean" => ReduceKind::Mean,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        "ReduceSumSquare" => ReduceKind::SumSquare,
        _ => ReduceKind::Sum,
    };
    let rank = call.rank(0)?;
    let keepdims = call.node.int_or("keepdims", 1)? != 0;
    let axes = call.list("axes", 1)?.filter(|axes| !axes.is_empty());
    let x = call.value(0)?;
    let axes = match axes {
        Some(axes) => call.node.axes(&axes, rank)?,
        None if call.node.int_or("noop_with_empty_axes", 0)? != 0 => return call.one_of(x),
        None => (0..rank).collect(),
    };
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    // Whole planes are pooled.
    let planes = (3..=5).contains(&rank) && sorted.iter().copied().eq(2..rank);
    let value = match kind {
        ReduceKind::Mean if planes => call.graph().one(GlobalPool::average(), &[x])?,
        ReduceKind::Max if planes => {
            call.graph().one(GlobalPool { layout: Layout::Nchw, ..GlobalPool::max() }, &[x])?
        }
        kind => {
            let axes = axes.iter().map(|&axis| axis as isize).collect();
            return call.one(Reduce { kind, axes, keepdims }, &[x]);
        }
    };
    let mut shape = call.shape(0)?;
    shape.truncate(2);
    if keepdims {
        shape.resize(rank, 1);
    }
    let value = call.graph().reshape(value, shape)?;
    call.one_of(value)
}

pub(super) fn arg<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(1, 1)?;
    let axis = call.node.axis(call.node.int_or("axis", 0)?, call.rank(0)?)? as isize;
    let keepdims = call.node.int_or("keepdims", 1)? != 0;
    let select_last = call.node.int_or("select_last_index", 0)? != 0;
    let kind = if call.node.op_type() == "ArgMax" { ArgKind::Max } else { ArgKind::Min };
    let x = call.value(0)?;
    let value = call.graph().one(ArgReduce { kind, axis, keepdims, select_last }, &[x])?;
    Ok(vec![Item::Run(value, ElementType::I64)])
}

/// The axis, and the shape that softmax runs in: before version 13 all axes from the given one on are one.
fn softmax_axis(call: &Call<'_, '_>) -> Result<(isize, Vec<usize>)> {
    call.arity(1, 1)?;
    let shape = call.shape(0)?;
    if call.opset() >= 13 {
        return Ok((call.node.axis(call.node.int_or("axis", -1)?, shape.len())? as isize, shape));
    }
    let axis = match call.node.int_or("axis", 1)? {
        axis if axis == shape.len() as i64 => shape.len(),
        axis => call.node.axis(axis, shape.len())?,
    };
    let (rows, columns) = shape.split_at(axis);
    Ok((1, vec![rows.iter().product(), columns.iter().product()]))
}

pub(super) fn softmax<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let (axis, rows) = softmax_axis(call)?;
    let x = call.value(0)?;
    let x = call.graph().reshape(x, rows)?;
    let value = call.graph().one(Softmax { axis }, &[x])?;
    back(call, value)
}

/// `x - log(sum(e^x))`.
pub(super) fn log_softmax<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    let (axis, rows) = softmax_axis(call)?;
    let x = call.value(0)?;
    let x = call.graph().reshape(x, rows)?;
    let reduce = Reduce { kind: ReduceKind::LogSumExp, axes: vec![axis], keepdims: true };
    let sums = call.graph().one(reduce, &[x])?;
    let value = call.graph().one(Elementwise::subtract(), &[x, sums])?;
    back(call, value)
}

fn back<'a>(call: &mut Call<'_, 'a>, value: Value) -> Result<Vec<Item<'a>>> {
    let shape = call.shape(0)?;
    if shape.is_empty() {
        return Err(call.node.refused(Refusal::Shape, "a number has no axis"));
    }
    let value = call.graph().reshape(value, shape)?;
    call.one_of(value)
}
