//! Products of matrices: dense layers, and convolutions of one tap for products of many.

use super::call::Call;
use super::items::Item;
use crate::graph::Value;
use wgpool::error::{Refusal, Result};
use wgpool::spec::{AsStrided, BinaryFunction, Conv, Dense, DenseLayout, ElementStep, Elementwise, Operand};

/// `alpha * A' * B' + beta * C`.
pub(super) fn gemm<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 3)?;
    let node = call.node;
    let (alpha, beta) = (node.float_or("alpha", 1.0)?, node.float_or("beta", 1.0)?);
    let (a, b) = (call.shape(0)?, call.shape(1)?);
    if a.len() != 2 || b.len() != 2 {
        return Err(node.refused(Refusal::Shape, format!("{a:?} and {b:?} must be matrices")));
    }
    let mut x = call.value(0)?;
    if node.int_or("transA", 0)? != 0 {
        x = call.graph().one(AsStrided::transpose(&a, &[1, 0])?, &[x])?;
    }
    let transposed = node.int_or("transB", 0)? != 0;
    let (layout, outputs) = if transposed { (DenseLayout::OutIn, b[0]) } else { (DenseLayout::InOut, b[1]) };
    let mut kernel = call.value(1)?;
    if alpha != 1.0 && call.graph().known(kernel).is_some() {
        kernel = scaled(call, kernel, alpha)?;
    }
    let scale_after = alpha != 1.0 && call.graph().known(kernel).is_none();
    let mut inputs = vec![x, kernel];
    let mut rest = None;
    if let Some(mut c) = call.optional(2)? {
        if beta != 1.0 {
            c = scaled(call, c, beta)?;
        }
        let shape = call.shape(2)?;
        let is_bias = shape.iter().product::<usize>() == outputs && shape.last() == Some(&outputs);
        match is_bias && !scale_after {
            true => inputs.push(call.graph().reshape(c, [outputs])?),
            false => rest = Some(c),
        }
    }
    let mut value = call.graph().one(Dense::new().kernel_layout(layout), &inputs)?;
    if scale_after {
        value = scaled(call, value, alpha)?;
    }
    if let Some(c) = rest {
        let shape = call.graph().desc(value)?.shape.clone();
        value = call.graph().one(Elementwise::add(), &[value, c])?;
        if call.graph().desc(value)?.shape != shape {
            return Err(node.refused(Refusal::Shape, format!("C does not broadcast to {shape:?}")));
        }
    }
    call.one_of(value)
}

fn scaled(call: &mut Call<'_, '_>, value: Value, by: f32) -> Result<Value> {
    let step = ElementStep::Binary(BinaryFunction::Multiply, Operand::Input(0), Operand::Number(by));
    call.graph().one(Elementwise { inputs: 1, steps: vec![step] }, &[value])
}

/// Products of matrices, whose first axes are broadcast.
pub(super) fn matmul<'a>(call: &mut Call<'_, 'a>) -> Result<Vec<Item<'a>>> {
    call.arity(2, 2)?;
    let (mut a, mut b) = (call.shape(0)?, call.shape(1)?);
    if a.is_empty() || b.is_empty() {
        return Err(call.node.refused(Refusal::Shape, "a number is no matrix"));
    }
    let (mut x, mut y) = (call.value(0)?, call.value(1)?);
    // A vector is a row on the left and a column on the right, without that axis in the result.
    let (row, column) = (a.len() == 1, b.len() == 1);
    if row {
        a.insert(0, 1);
        x = call.graph().reshape(x, a.clone())?;
    }
    if column {
        b.push(1);
        y = call.graph().reshape(y, b.clone())?;
    }
    let (&[ref outer @ .., m, k], &[ref other @ .., inner, n]) = (a.as_slice(), b.as_slice()) else {
        return Err(call.node.refused(Refusal::Shape, "a number is no matrix"));
    };
    if k != inner {
        return Err(call
            .node
            .refused(Refusal::Shape, format!("{a:?} has rows of {k}, but {b:?} columns of {inner}")));
    }
    let (mut shape, value) = if other.iter().all(|&length| length == 1) && other.len() <= outer.len() {
        let y = call.graph().reshape(y, [k, n])?;
        (outer.to_vec(), call.graph().one(Dense::new(), &[x, y])?)
    } else {
        let batches = broadcast(outer, other)
            .ok_or_else(|| call.node.refused(Refusal::Shape, format!("{a:?} and {b:?} do not broadcast")))?;
        let count: usize = batches.iter().product();
        let x = expanded(call, x, &a, &batches)?;
        let y = expanded(call, y, &b, &batches)?;
        // A group for each product: the right matrix is its image, and the left one its kernel of one tap.
        let image = call.graph().reshape(y, [1, count * k, n])?;
        let kernel = call.graph().reshape(x, [count * m, k, 1])?;
        (batches, call.graph().conv(image, kernel, None, Conv::new().groups(count.max(1)))?)
    };
    if !row {
        shape.push(m);
    }
    if !column {
        shape.push(n);
    }
    let value = call.graph().reshape(value, shape)?;
    call.one_of(value)
}

fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |list: &[usize], axis: usize| (axis + list.len()).checked_sub(rank).map_or(1, |at| list[at]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (one, other) if one == other => Some(one),
            (1, other) => Some(other),
            (one, 1) => Some(one),
            _ => None,
        })
        .collect()
}

fn expanded(call: &mut Call<'_, '_>, x: Value, shape: &[usize], batches: &[usize]) -> Result<Value> {
    let to = [batches, &shape[shape.len() - 2..]].concat();
    match shape == to {
        true => Ok(x),
        false => call.graph().one(AsStrided::expand(shape, &to)?, &[x]),
    }
}
