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

/// The lifetimes of each step's outputs.
pub(crate) fn lifetimes(program: &Program) -> Vec<Vec<Lifetime>> {
    let of_step = |(step, of): (usize, &super::Step)| -> Vec<Lifetime> {
        let outputs = of.output_descs().iter().enumerate();
        let lifetime = |(output, desc): (usize, &wgpool::TensorDesc)| Lifetime {
            step,
            output,
            bytes: desc.buffer_size(),
            last: step,
            is_result: false,
        };
        outputs.map(lifetime).collect()
    };
    let mut all: Vec<Vec<Lifetime>> = program.steps.iter().enumerate().map(of_step).collect();
    for (reader, step) in program.steps.iter().enumerate() {
        for source in &step.inputs {
            if let Some(lifetime) = of(&mut all, source) {
                lifetime.last = reader;
            }
        }
    }
    for source in &program.results {
        if let Some(lifetime) = of(&mut all, source) {
            lifetime.is_result = true;
        }
    }
    all
}

/// What is there for an output of a step, in lists for all of them.
pub(super) fn of<'a, T>(all: &'a mut [Vec<T>], source: &Source) -> Option<&'a mut T> {
    match source {
        Source::Step { step, output } => all.get_mut(*step)?.get_mut(*output),
        Source::Input(_) | Source::Weight(_) => None,
    }
}

/// Bytes of the outputs that are there at the same time at most, without those of the program.
pub(crate) fn peak(program: &Program) -> u64 {
    let mut change = vec![(0u64, 0u64); program.steps.len() + 1];
    for lifetime in lifetimes(program).iter().flatten().filter(|lifetime| !lifetime.is_result) {
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
