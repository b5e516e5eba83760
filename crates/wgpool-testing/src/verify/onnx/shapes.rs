//! Operators that only change a tensor's shape, which is done here.

use super::super::array::{Array, Values};
use super::super::attributes::Attributes;
use super::super::manifest::Node;
use super::{OP, axes, numbers, required};
use wgpool::error::{Error, Result};

/// Whether it is one of these operators.
pub fn known(op: &str) -> bool {
    matches!(op, "Unsqueeze" | "Squeeze" | "Reshape" | "Flatten" | "Identity" | "Dropout")
}

/// The result of a node that changes a shape.
pub fn apply(node: &Node, inputs: &[Option<Array>]) -> Result<Array> {
    let attributes = Attributes { op: OP, map: &node.attributes };
    let x = required(inputs, 0)?;
    let numbers = |name: &'static str| numbers(attributes, inputs, 1, name);
    let shape = match node.op.as_str() {
        "Unsqueeze" => unsqueezed(&x.shape, &numbers("axes")?.ok_or_else(|| attributes.missing("axes"))?)?,
        "Squeeze" => squeezed(&x.shape, numbers("axes")?)?,
        "Reshape" => {
            let wanted = numbers("shape")?.ok_or_else(|| attributes.missing("shape"))?;
            reshaped(&x.shape, &wanted, attributes.flag(&["allowzero"])?.unwrap_or(false))?
        }
        "Flatten" => {
            let axis = attributes.int(&["axis"])?.unwrap_or(1);
            let rank = x.shape.len();
            let at = if axis < 0 { axis + rank as i64 } else { axis };
            let at = usize::try_from(at).ok().filter(|&at| at <= rank);
            let at = at.ok_or_else(|| Error::parameter(OP, "axis", axis, format!("the rank is {rank}")))?;
            let (outer, inner) = x.shape.split_at(at);
            vec![outer.iter().product(), inner.iter().product()]
        }
        _ => x.shape.clone(),
    };
    let elements = |shape: &[usize]| shape.iter().try_fold(1usize, |n, &l| n.checked_mul(l));
    if elements(&shape) != elements(&x.shape) {
        let rule = format!("it must have as many elements as {:?}", x.shape);
        return Err(Error::Shape { op: OP, tensor: "the new shape", got: shape, rule });
    }
    let values: Values = x.values.clone();
    Ok(Array { shape, element: x.element, values })
}

fn unsqueezed(shape: &[usize], list: &[i64]) -> Result<Vec<usize>> {
    let mut shape = shape.to_vec();
    let mut axes = axes(list, shape.len() + list.len())?;
    axes.sort_unstable();
    for axis in axes {
        shape.insert(axis, 1);
    }
    Ok(shape)
}

fn squeezed(shape: &[usize], list: Option<Vec<i64>>) -> Result<Vec<usize>> {
    let Some(list) = list else { return Ok(shape.iter().copied().filter(|&l| l != 1).collect()) };
    let axes = axes(&list, shape.len())?;
    if axes.iter().any(|&axis| shape.get(axis) != Some(&1)) {
        return Err(Error::parameter(OP, "axes", list, format!("each must be 1 long in {shape:?}")));
    }
    Ok((0..shape.len())
        .filter(|axis| !axes.contains(axis))
        .filter_map(|axis| shape.get(axis).copied())
        .collect())
}

fn reshaped(shape: &[usize], wanted: &[i64], keep_zero: bool) -> Result<Vec<usize>> {
    let wrong = |rule: &str| Error::parameter(OP, "shape", wanted, rule);
    let mut lengths = Vec::with_capacity(wanted.len());
    for (axis, &length) in wanted.iter().enumerate() {
        lengths.push(match length {
            -1 => None,
            0 if !keep_zero => Some(*shape.get(axis).ok_or_else(|| wrong("a 0 needs an axis to copy"))?),
            _ => Some(usize::try_from(length).map_err(|_| wrong("no length may be negative but -1"))?),
        });
    }
    let known = lengths.iter().flatten().try_fold(1usize, |n, &l| n.checked_mul(l));
    let known = known.ok_or_else(|| wrong("it must fit the address space"))?;
    let all: usize = shape.iter().product();
    let rest = all.checked_div(known).unwrap_or(0);
    if lengths.iter().filter(|l| l.is_none()).count() > 1 {
        return Err(wrong("only one length may be -1"));
    }
    Ok(lengths.into_iter().map(|l| l.unwrap_or(rest)).collect())
}
