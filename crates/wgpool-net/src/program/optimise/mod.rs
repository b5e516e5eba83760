//! Operations that join the one before them, where nobody else reads it.

mod affine;
mod elements;
mod join;

pub(crate) use join::free_activation;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Program, Source, Step, remove_unread};
use wgpool::error::Result;
use wgpool::problem::Problem;
use wgpool::spec::Op;
use wgpool::tensor::{Tensor, TensorDesc};

impl Program {
    /// The same outputs of fewer operations: scales, padding, activations and pooling join the convolution before or behind them,
    /// and functions of elements in a row become one kernel.
    ///
    /// What a convolution takes in is rounded with its weights, so that results differ by as much as their bounds permit.
    ///
    /// # Errors
    /// Those of the joined operations, with model and layer, and [`Error::OutOfMemory`](wgpool::Error::OutOfMemory).
    pub fn optimised(mut self) -> Result<Program> {
        let mut readers = readers(&self);
        for at in 0..self.steps.len() {
            while self.join(at, &mut readers)? {}
        }
        remove_unread(&mut self);
        Ok(self)
    }

    /// Lets a step take in one whose output nobody else reads; whether it did.
    fn join(&mut self, at: usize, readers: &mut [usize]) -> Result<bool> {
        let Some(step) = self.steps.get(at) else { return Ok(false) };
        for (input, source) in step.inputs.iter().enumerate() {
            let &Source::Step { step: number, output: 0 } = source else { continue };
            let Some(before) = self.steps.get(number) else { continue };
            if readers.get(number) != Some(&1) || before.problem.outputs.len() != 1 {
                continue;
            }
            let Some((joined, problem)) = joined(&Pair { before, step, input })? else { continue };
            let name = format!("{}+{}", before.name, step.name);
            let inputs = joined.inputs.into_iter().map(|(source, _)| source).collect();
            let joined = Step { name, op: joined.op, inputs, problem };
            count(readers, before, |n| n.saturating_sub(1));
            count(readers, step, |n| n.saturating_sub(1));
            count(readers, &joined, |n| n + 1);
            if let Some(step) = self.steps.get_mut(at) {
                *step = joined;
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// How many steps read each step; one whose output is a result is read once more than anything joins.
fn readers(program: &Program) -> Vec<usize> {
    let mut readers = vec![0; program.steps.len()];
    program.steps.iter().for_each(|step| count(&mut readers, step, |n| n + 1));
    for result in &program.results {
        if let Source::Step { step, .. } = result
            && let Some(readers) = readers.get_mut(*step)
        {
            *readers += 2;
        }
    }
    readers
}

/// Changes the numbers of the steps that a step reads, each once.
fn count(readers: &mut [usize], step: &Step, change: impl Fn(usize) -> usize) {
    let read: BTreeSet<usize> = (step.inputs.iter())
        .filter_map(|source| match source {
            Source::Step { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    for number in read {
        if let Some(readers) = readers.get_mut(number) {
            *readers = change(*readers);
        }
    }
}

/// A step, and one that makes one of its inputs, for it alone.
struct Pair<'a> {
    before: &'a Step,
    step: &'a Step,
    /// Which input that is, or the first of them.
    input: usize,
}

impl Pair<'_> {
    /// Whether the step reads the other as its first input alone, in the shape that it has.
    fn is_first(&self) -> bool {
        let same = self.step.inputs.first();
        self.input == 0
            && self.step.problem.inputs.first() == self.before.problem.outputs.first()
            && !self.step.inputs.iter().skip(1).any(|source| Some(source) == same)
    }
}

/// The operation that does what both do, if there is one.
fn joined(pair: &Pair<'_>) -> Result<Option<(Joined, Problem)>> {
    type Join = fn(&Pair<'_>) -> Result<Option<Joined>>;
    let joins: [Join; 6] =
        [join::activation, join::slope, join::padding, affine::behind, join::pooling, elements::chain];
    for join in joins {
        let Some(joined) = join(pair)? else { continue };
        let descs: Vec<TensorDesc> = joined.inputs.iter().map(|(_, desc)| desc.clone()).collect();
        // What does not go together stays apart.
        if let Ok(problem) = Problem::new(&joined.op, &descs)
            && problem.outputs == pair.step.problem.outputs
        {
            return Ok(Some((joined, problem)));
        }
    }
    Ok(None)
}

/// What two steps become.
struct Joined {
    op: Op,
    inputs: Vec<(Source, TensorDesc)>,
}

/// The inputs of a step with their shapes.
fn inputs(step: &Step) -> Vec<(Source, TensorDesc)> {
    step.inputs.iter().cloned().zip(step.problem.inputs.iter().cloned()).collect()
}

fn weight(tensor: Tensor) -> (Source, TensorDesc) {
    let desc = tensor.desc();
    (Source::Weight(Arc::new(tensor)), desc)
}

/// A weight that a step has as an input.
fn weight_at(step: &Step, at: usize) -> Option<&Tensor> {
    match step.inputs.get(at)? {
        Source::Weight(tensor) => Some(tensor),
        _ => None,
    }
}
