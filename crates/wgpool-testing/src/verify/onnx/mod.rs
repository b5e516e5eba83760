//! ONNX graphs: operators of this library, with changes of shape around them.

mod causal;
mod col2im;
mod deform;
mod integer;
mod operators;
mod reduce;
mod resize;
mod shapes;
mod strided;
mod windows;

use std::collections::HashMap;

use super::array::Array;
use super::attributes::Attributes;
use super::call::{Call, Refusal};
use super::manifest::Node;
use wgpool::error::{Error, Result};

/// The name of these operations in errors.
const OP: &str = "ONNX operator";

/// The first operator that this library does not have.
pub fn unknown_operator(nodes: &[Node]) -> Option<&str> {
    nodes.iter().map(|n| n.op.as_str()).find(|op| !operators::known(op) && !shapes::known(op))
}

/// Evaluates a graph on named inputs, each call by `compute`; returns the values named in `wanted`.
///
/// # Errors
/// Those of the operators and of `compute`; [`Error::Document`] for a name that nothing defines.
pub fn evaluate(
    nodes: &[Node],
    opset: i64,
    inputs: Vec<(String, Array)>,
    wanted: &[&str],
    mut compute: impl FnMut(&Call) -> Result<Vec<Array>, Refusal>,
) -> Result<Vec<Array>, Refusal> {
    let mut values: HashMap<String, Array> = inputs.into_iter().collect();
    for node in nodes {
        let mut given = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            given.push(match name.as_str() {
                "" => None,
                name => Some(values.get(name).ok_or_else(|| undefined(name))?.clone()),
            });
        }
        let results = if shapes::known(&node.op) {
            vec![shapes::apply(node, &given)?]
        } else {
            compute(&operators::call(node, opset, &given)?)?
        };
        for (i, name) in node.outputs.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let result = results.get(i).cloned().ok_or_else(|| {
                Refusal::Unsupported(format!("{} gives no output number {i} here", node.op))
            })?;
            values.insert(name.clone(), result);
        }
    }
    wanted.iter().map(|&name| values.get(name).cloned().ok_or_else(|| undefined(name).into())).collect()
}

fn undefined(name: &str) -> Error {
    Error::Document { document: "ONNX graph".into(), reason: format!("nothing defines {name:?}") }
}

/// The input number `i`, which has to be there.
fn required(inputs: &[Option<Array>], i: usize) -> Result<&Array> {
    inputs.get(i).and_then(Option::as_ref).ok_or(Error::Arity {
        op: OP,
        expected: "more than were given",
        got: inputs.iter().flatten().count(),
    })
}

/// Whole numbers that newer operator sets give as input `i`, and older ones as an attribute.
fn numbers(
    attributes: Attributes<'_>,
    inputs: &[Option<Array>],
    i: usize,
    name: &'static str,
) -> Result<Option<Vec<i64>>> {
    match inputs.get(i).and_then(Option::as_ref).map(Array::integers) {
        Some(Some(list)) => Ok(Some(list.to_vec())),
        Some(None) => Err(Error::parameter(OP, name, "a float", "it must be a list of integers")),
        None => attributes.ints(&[name]),
    }
}

/// Axes counted from the front.
fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut axes = Vec::with_capacity(list.len());
    for &axis in list {
        let at = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        match usize::try_from(at) {
            Ok(at) if at < rank && !axes.contains(&at) => axes.push(at),
            _ => {
                let rule = format!("each must be one of {rank} axes, once");
                return Err(Error::parameter(OP, "axes", list, rule));
            }
        }
    }
    Ok(axes)
}
