//! From a graph to a program: what no output needs is left out.

use std::collections::{BTreeMap, HashSet};

use super::Graph;
use crate::layer::Model;
use crate::program::{Port, Program, Source, remove_unread};
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
        let Graph { name, inputs, steps, .. } = self;
        let model = Model::branched(name.clone());
        let mut program = Program {
            name,
            inputs,
            outputs,
            results,
            steps,
            fusions: Vec::new(),
            model,
            initializers: BTreeMap::new(),
        };
        remove_unread(&mut program);
        Ok(program)
    }
}
