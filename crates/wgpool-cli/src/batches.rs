//! Running a model on more examples than go into one batch.

use wgpool::{Backend, Error, Result, Tensor, TensorDesc};
use wgpool_net::{Model, Program, Session};

/// A model on a backend, compiled for the size of batch that came last.
pub struct Batches<'a> {
    backend: &'a Backend,
    /// The model for a size of batch.
    program: &'a dyn Fn(usize) -> Result<Program>,
    session: Option<(usize, Session)>,
}

impl<'a> Batches<'a> {
    pub fn new(backend: &'a Backend, program: &'a dyn Fn(usize) -> Result<Program>) -> Batches<'a> {
        Batches { backend, program, session: None }
    }

    /// What a batch of this size gives.
    pub fn output(&mut self, size: usize) -> Result<TensorDesc> {
        match size {
            0 => (self.program)(0)?.output().cloned(),
            size => self.session(size)?.output().cloned(),
        }
    }

    fn session(&mut self, size: usize) -> Result<&Session> {
        let session = match self.session.take().filter(|(compiled, _)| *compiled == size) {
            Some(session) => session,
            None => (size, Session::compile(self.backend, (self.program)(size)?)?),
        };
        Ok(&self.session.insert(session).1)
    }

    /// The outputs of one batch.
    pub fn run(&mut self, inputs: &Tensor) -> Result<Tensor> {
        let size = inputs.shape().first().copied().unwrap_or(0);
        if size == 0 {
            return (self.program)(0)?.run(self.backend, inputs);
        }
        self.session(size)?.run(inputs)
    }
}

/// Runs `model` on all of `inputs` (f32, the batch outermost), at most `batch` at a time.
///
/// `done` hears how many examples are finished.
pub fn run(
    backend: &Backend,
    model: &Model,
    inputs: &Tensor,
    batch: usize,
    mut done: impl FnMut(usize),
) -> Result<Tensor> {
    let count = inputs.shape().first().copied().unwrap_or(0);
    let program = |batch| model.program(batch);
    let mut batches = Batches::new(backend, &program);
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
