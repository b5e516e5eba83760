//! Running a model on more examples than go into one batch.

use wgpool::{Backend, Error, Result, Tensor};
use wgpool_net::{Sequential, Session};

/// Runs `model` on all of `inputs` (f32, the batch outermost), at most `batch` at a time.
///
/// `done` hears how many examples are finished.
pub fn run(
    backend: &Backend,
    model: &Sequential,
    inputs: &Tensor,
    batch: usize,
    mut done: impl FnMut(usize),
) -> Result<Tensor> {
    let count = inputs.shape().first().copied().unwrap_or(0);
    if count == 0 {
        return model.program(0)?.run(backend, inputs);
    }
    let (mut elements, mut shape, mut session) = (Vec::new(), Vec::new(), None);
    for start in (0..count).step_by(batch) {
        let chunk = slice(inputs, start, batch.min(count - start))?;
        let size = chunk.shape()[0];
        // The last batch may be smaller and has a session of its own.
        let session = match &mut session {
            Some((compiled, session)) if *compiled == size => session,
            slot => &mut slot.insert((size, Session::compile(backend, model.program(size)?)?)).1,
        };
        let result = session.run(&chunk)?;
        shape = result.shape().to_vec();
        elements.extend_from_slice(result.as_f32()?);
        done(start + size);
    }
    if let Some(first) = shape.first_mut() {
        *first = count;
    }
    Tensor::from_f32(&shape, elements)
}

/// Examples `start..start + count` of an f32 tensor.
pub fn slice(tensor: &Tensor, start: usize, count: usize) -> Result<Tensor> {
    let elements = tensor.as_f32()?;
    let mut shape = tensor.shape().to_vec();
    let outside = || Error::Shape {
        op: "batch",
        tensor: "the input",
        got: tensor.shape().to_vec(),
        rule: format!("examples {start} to {} are asked for", start + count),
    };
    let all = shape.first_mut().ok_or_else(outside)?;
    let each = elements.len().checked_div(*all).unwrap_or(0);
    *all = count;
    let part = elements.get(start * each..(start + count) * each).ok_or_else(outside)?;
    Tensor::from_f32(&shape, part.to_vec())
}

/// The position of the largest element, the first of equals.
pub fn most_probable(probabilities: &[f32]) -> usize {
    let first = (0, f32::NEG_INFINITY);
    probabilities
        .iter()
        .enumerate()
        .fold(first, |(at, most), (i, &p)| if p > most { (i, p) } else { (at, most) })
        .0
}
