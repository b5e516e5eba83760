//! What reverse mode sees and changes of a graph: its steps, and which value is which step's.

use super::{Graph, Value};
use crate::program::{Source, Step};
use wgpool::error::{Error, Result};
use wgpool::tensor::TensorDesc;

impl Graph {
    /// The steps so far.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many inputs there are so far.
    pub(crate) fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// Shape and type of an input.
    pub(crate) fn input_desc(&self, input: usize) -> Option<&TensorDesc> {
        self.inputs.get(input).map(|port| &port.desc)
    }

    /// Where a value comes from.
    pub(crate) fn source(&self, value: Value) -> Result<&Source> {
        self.get(value).map(|(source, _)| source)
    }

    /// A source as a value of this shape.
    pub(crate) fn value_of(&mut self, source: Source, desc: TensorDesc) -> Value {
        self.value(source, desc)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the next operations belong to.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// An error of a node of this graph.
    pub(crate) fn refusal(&self, node: &str, reason: impl Into<String>) -> Error {
        Error::layer(&self.name, node, reason)
    }

    /// Adds a step whose inputs are named as this graph numbers them.
    pub(crate) fn add(&mut self, step: Step) {
        self.push(step);
    }

    /// Puts steps in the place of one. The last of them makes what that made, and may make more outputs; those before
    /// it are read by these steps alone, which name them as they will be numbered.
    pub(crate) fn replace(&mut self, at: usize, by: Vec<Step>) {
        let more = by.len().saturating_sub(1);
        let moved = |source: &mut Source| {
            if let Source::Step { step, .. } = source
                && *step >= at
            {
                *step += more;
            }
        };
        self.steps.iter_mut().skip(at + 1).flat_map(|step| &mut step.inputs).for_each(moved);
        self.values.iter_mut().map(|(source, _)| source).for_each(moved);
        self.steps.splice(at..=at, by);
    }
}
