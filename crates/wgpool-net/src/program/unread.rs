//! Steps that no output needs.

use super::{Program, Source, Step};

/// Removes the steps whose outputs nobody reads.
pub(crate) fn remove_unread(program: &mut Program) {
    let mut is_read = vec![false; program.steps.len()];
    let mark = |is_read: &mut Vec<bool>, source: &Source| {
        if let Source::Step { step, .. } = source
            && let Some(read) = is_read.get_mut(*step)
        {
            *read = true;
        }
    };
    program.results.iter().for_each(|source| mark(&mut is_read, source));
    // A step reads those before it alone.
    for (at, step) in program.steps.iter().enumerate().rev() {
        if is_read.get(at) == Some(&true) {
            step.inputs.iter().for_each(|source| mark(&mut is_read, source));
        }
    }
    let mut number = 0;
    let numbers: Vec<usize> = is_read
        .iter()
        .map(|&read| {
            number += usize::from(read);
            number.saturating_sub(1)
        })
        .collect();
    let mut read = is_read.iter();
    program.steps.retain(|_| read.next() == Some(&true));
    let sources = program.steps.iter_mut().flat_map(|step: &mut Step| &mut step.inputs);
    for source in sources.chain(&mut program.results) {
        if let Source::Step { step, .. } = source
            && let Some(&number) = numbers.get(*step)
        {
            *step = number;
        }
    }
}
