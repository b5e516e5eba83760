//! Operators of the app's own in a graph.

use std::sync::Arc;

use super::{Graph, Value};
use crate::custom::{Call, Node, Operator};
use crate::program::{Step, Task};
use wgpool::error::Result;

impl Graph {
    /// Adds an operator of the app's own, and gives its outputs. It is computed when the program runs, whatever it reads.
    ///
    /// # Errors
    /// [`Error::Operator`](wgpool::Error::Operator) of its shape function, with graph and node. [`custom`](crate::custom) has an example.
    pub fn custom(
        &mut self,
        operator: impl Operator + 'static,
        node: Node,
        inputs: &[Value],
    ) -> Result<Vec<Value>> {
        self.custom_of(Arc::new(operator), Node { given: vec![true; inputs.len()], ..node }, inputs)
    }

    pub(crate) fn custom_of(
        &mut self,
        operator: Arc<dyn Operator>,
        node: Node,
        inputs: &[Value],
    ) -> Result<Vec<Value>> {
        let (mut sources, mut descs) = (Vec::with_capacity(inputs.len()), Vec::with_capacity(inputs.len()));
        for &input in inputs {
            let (source, desc) = self.get(input)?;
            sources.push(source.clone());
            descs.push(desc.clone());
        }
        let known: Vec<_> = inputs.iter().map(|&input| self.known(input).map(Arc::as_ref)).collect();
        let made = Call::new(operator, Arc::new(node), descs, &known);
        let (call, asked) = made.map_err(|error| self.in_node(error))?;
        for output in &call.outputs {
            self.check_size(output)?;
        }
        self.computed_with
            .extend(inputs.iter().zip(asked).filter(|(_, asked)| *asked).map(|(&input, _)| input));
        Ok(self.push(Step { name: self.node.clone(), inputs: sources, task: Task::Custom(Box::new(call)) }))
    }
}
