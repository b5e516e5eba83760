//! From a graph to a program: what no output needs is left out.

use std::collections::HashSet;

use super::Graph;
use crate::program::{Port, Program, Source, Step};
use wgpool::error::Result;

impl Graph {
    /// The program, without the operations whose results nobody reads.
    ///
    /// # Errors
    /// [`Error::Layer`](wgpool::Error::Layer) if the graph has no output, or two inputs or outputs of one name.
    pub fn finish(mut self) -> Result<Program> {
        if self.outputs.is_empty() {
            return Err(self.refuse("it has no output"));
        }
        let names: [Vec<&String>; 2] = [
            self.inputs.iter().map(|port| &port.name).collect(),
            self.outputs.iter().map(|(name, _)| name).collect(),
        ];
        for (names, what) in names.into_iter().zip(["inputs", "outputs"]) {
            let mut seen = HashSet::new();
            if let Some(twice) = names.into_iter().find(|name| !seen.insert(*name)) {
                return Err(self.refuse(format!("two {what} have the name {twice:?}")));
            }
        }
        let (mut results, mut outputs) = (Vec::new(), Vec::new());
        for (name, value) in std::mem::take(&mut self.outputs) {
            let source = &self.get(value)?.0;
            // Each output has memory of its own, which a step writes.
            let is_own = matches!(source, Source::Step { .. }) && !results.contains(source);
            let value = if is_own { value } else { self.at(&name).copied(value)? };
            let (source, desc) = self.get(value)?.clone();
            results.push(source);
            outputs.push(Port::new(name, desc));
        }
        let mut program =
            Program { name: self.name, inputs: self.inputs, outputs, results, steps: self.steps };
        remove_unread(&mut program);
        Ok(program)
    }
}

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
