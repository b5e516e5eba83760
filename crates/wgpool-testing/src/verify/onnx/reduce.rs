//! `ReduceSum` and its kin, `ArgMax` and `ArgMin`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::super::manifest::Node;
use super::{numbers, required};
use wgpool::spec::{ArgKind, ArgReduce, Op, Reduce, ReduceKind};

/// What the operator reduces to.
pub(super) fn kind(op: &str) -> Option<ReduceKind> {
    Some(match op {
        "ReduceSum" => ReduceKind::Sum,
        "ReduceMean" => ReduceKind::Mean,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        "ReduceL1" => ReduceKind::L1,
        "ReduceL2" => ReduceKind::L2,
        "ReduceSumSquare" => ReduceKind::SumSquare,
        "ReduceLogSum" => ReduceKind::LogSum,
        "ReduceLogSumExp" => ReduceKind::LogSumExp,
        _ => return None,
    })
}

pub(super) fn reduce(
    node: &Node,
    attributes: Attributes<'_>,
    inputs: &[Option<Array>],
) -> Result<Call, Refusal> {
    let x = required(inputs, 0)?;
    let keepdims = attributes.flag(&["keepdims"])?.unwrap_or(true);
    let op: Op = match kind(&node.op) {
        Some(kind) => {
            let axes = numbers(attributes, inputs, 1, "axes")?.unwrap_or_default();
            let none = attributes.flag(&["noop_with_empty_axes"])?.unwrap_or(false);
            let all = || (0..x.shape.len() as isize).collect();
            let axes = match axes.as_slice() {
                [] if !none => all(),
                axes => axes.iter().map(|&axis| axis as isize).collect::<Vec<_>>(),
            };
            Reduce { kind, axes, keepdims }.into()
        }
        None => {
            let kind = if node.op == "ArgMax" { ArgKind::Max } else { ArgKind::Min };
            let axis = attributes.int(&["axis"])?.unwrap_or(0) as isize;
            let select_last = attributes.flag(&["select_last_index"])?.unwrap_or(false);
            ArgReduce { kind, axis, keepdims, select_last }.into()
        }
    };
    Ok(Call::new(op, vec![(Role::Data, x.clone())]))
}
