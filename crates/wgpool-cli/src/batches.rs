//! Running a model on more examples than go into one batch.

use wgpool::{Backend, Error, Result, Tensor};
use wgpool_net::{Sequential, Session};

/// A model on a backend, compiled for the size of batch that came last.
pub struct Batches<'a> {
    backend: &'a Backend,
    model: &'a Sequential,
    session: Option<(usize, Session)>,
}

impl<'a> Batches<'a> {
    pub fn new(backend: &'a Backend, model: &'a Sequential) -> Batches<'a> {
        Batches { backend, model, session: None }
    }

    /// The outputs of one batch.
    pub fn run(&mut self, inputs: &Tensor) -> Result<Tensor> {
        let size = inputs.shape().first().copied().unwrap_or(0);
        if size == 0 {
            return self.model.program(0)?.run(self.backend, inputs);
        }
        let session = match &mut self.session {
            Some((compiled, session)) if *compiled == size => session,
            slot => {
                let session = Session::compile(self.backend, self.model.program(size)?)?;
                &mut slot.insert((size, session)).1
            }
        };
        session.run(inputs)
    }
}

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
    let mut batches = Batches::new(backend, model);
    let (mut elements, mut shape) = (Vec::new(), Vec::new());
    for start in (0..count).step_by(batch) {
        let size = batch.min(count - start);
        let result = batches.run(&slice(inputs, start, size)?)?;
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
