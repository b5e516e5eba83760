//! Which outputs of steps are there at the same time.

use super::{Program, Source};

/// From which step to which an output is kept, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub step: usize,
    pub output: usize,
    pub bytes: u64,
    /// The last step that reads it, or the step that makes it.
    pub last: usize,
    /// Whether it is an output of the program, which is kept to the end.
    pub is_result: bool,
}

/// The lifetimes of all outputs, in the order of the steps.
pub(crate) fn lifetimes(program: &Program) -> Vec<Lifetime> {
    let mut all = Vec::new();
    let mut first = Vec::with_capacity(program.steps.len());
    for (step, of) in program.steps.iter().enumerate() {
        first.push(all.len());
        for (output, desc) in of.problem.outputs.iter().enumerate() {
            all.push(Lifetime { step, output, bytes: desc.buffer_size(), last: step, is_result: false });
        }
    }
    let place = |source: &Source| match source {
        Source::Step { step, output } => first.get(*step).map(|first| first + output),
        Source::Input(_) | Source::Weight(_) => None,
    };
    for (reader, step) in program.steps.iter().enumerate() {
        for lifetime in step.inputs.iter().filter_map(place) {
            if let Some(lifetime) = all.get_mut(lifetime) {
                lifetime.last = reader;
            }
        }
    }
    for result in program.results.iter().filter_map(place) {
        if let Some(lifetime) = all.get_mut(result) {
            lifetime.is_result = true;
        }
    }
    all
}

/// Bytes of the outputs that are there at the same time at most, without those of the program.
pub(crate) fn peak(program: &Program) -> u64 {
    let mut change = vec![(0u64, 0u64); program.steps.len() + 1];
    for lifetime in lifetimes(program).iter().filter(|lifetime| !lifetime.is_result) {
        change[lifetime.step].0 += lifetime.bytes;
        change[lifetime.last + 1].1 += lifetime.bytes;
    }
    let mut now = 0;
    let at = change.iter().map(|(made, gone)| {
        now = now + made - gone;
        now
    });
    at.max().unwrap_or(0)
}
