//! `Transpose`, `Slice`, `Expand`, `Concat` and `Pad`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::super::manifest::Node;
use super::{OP, axes, numbers, required};
use wgpool::error::{Error, Result};
use wgpool::spec::{AsStrided, Concat, Op, Pad, PadMode};

pub(super) fn strided(
    node: &Node,
    attributes: Attributes<'_>,
    inputs: &[Option<Array>],
) -> Result<Call, Refusal> {
    let x = required(inputs, 0)?;
    let op: Op = match node.op.as_str() {
        "Transpose" => {
            let backwards = || (0..x.shape.len()).rev().collect();
            AsStrided::transpose(&x.shape, &attributes.lengths(&["perm"])?.unwrap_or_else(backwards))?.into()
        }
        "Slice" => slice(attributes, inputs, &x.shape)?.into(),
        "Expand" => AsStrided::expand(&x.shape, &lengths(&listed(attributes, inputs, 1, "shape")?)?)?.into(),
        "Concat" => {
            let axis = attributes.int(&["axis"])?.ok_or_else(|| attributes.missing("axis"))?;
            let inputs = inputs.iter().flatten().map(|array| (Role::Data, array.clone())).collect();
            return Ok(Call::new(Concat { axis: axis as isize }, inputs));
        }
        _ => pad(attributes, inputs, x)?.into(),
    };
    Ok(Call::new(op, vec![(Role::Data, x.clone())]))
}

/// Numbers that have to be there.
fn listed(
    attributes: Attributes<'_>,
    inputs: &[Option<Array>],
    i: usize,
    name: &'static str,
) -> Result<Vec<i64>> {
    numbers(attributes, inputs, i, name)?.ok_or_else(|| attributes.missing(name))
}

fn lengths(list: &[i64]) -> Result<Vec<usize>> {
    let lengths: Option<Vec<usize>> = list.iter().map(|&length| usize::try_from(length).ok()).collect();
    lengths.ok_or_else(|| Error::parameter(OP, "shape", list, "no length may be negative"))
}

/// `usual`, with `list` in place of it at the named axes, or at the first ones.
fn at_axes(usual: isize, list: &[i64], axes: &[usize], rank: usize) -> Vec<isize> {
    let mut all = vec![usual; rank];
    for (&axis, &number) in axes.iter().zip(list) {
        if let Some(slot) = all.get_mut(axis) {
            *slot = number as isize;
        }
    }
    all
}

fn slice(attributes: Attributes<'_>, inputs: &[Option<Array>], shape: &[usize]) -> Result<AsStrided> {
    let rank = shape.len();
    let (starts, ends) = (listed(attributes, inputs, 1, "starts")?, listed(attributes, inputs, 2, "ends")?);
    let axes = match numbers(attributes, inputs, 3, "axes")? {
        Some(list) => axes(&list, rank)?,
        None => (0..starts.len()).collect(),
    };
    let steps = numbers(attributes, inputs, 4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    let [starts, ends, steps] =
        [(0, starts), (isize::MAX, ends), (1, steps)].map(|(usual, list)| at_axes(usual, &list, &axes, rank));
    AsStrided::slice(shape, &starts, &ends, &steps)
}

fn pad(attributes: Attributes<'_>, inputs: &[Option<Array>], x: &Array) -> Result<Pad> {
    let rank = x.shape.len();
    let pads = listed(attributes, inputs, 1, "pads")?;
    let axes = match numbers(attributes, inputs, 3, "axes")? {
        Some(list) => axes(&list, rank)?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Error::parameter(OP, "pads", pads, "it must be begins, then as many ends"));
    }
    let (before, after) = pads.split_at(axes.len());
    let constant = match inputs.get(2).and_then(Option::as_ref) {
        Some(array) => array.get(0).unwrap_or(0.0),
        None => attributes.float(&["value"])?.unwrap_or(0.0),
    };
    let mode = match attributes.word(&["mode"]) {
        None | Some("constant") => PadMode::Constant(constant as f32),
        Some("reflect") => PadMode::Reflect,
        Some("edge") => PadMode::Edge,
        Some("wrap") => PadMode::Wrap,
        Some(other) => {
            return Err(Error::parameter(OP, "mode", other, "it must be constant, reflect, edge or wrap"));
        }
    };
    Ok(Pad::new(at_axes(0, before, &axes, rank), at_axes(0, after, &axes, rank)).mode(mode))
}
