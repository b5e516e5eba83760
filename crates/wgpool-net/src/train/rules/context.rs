//! What a rule sees of the step whose gradient it makes.

use crate::graph::{Graph, Value};
use crate::program::{Source, Step};
use wgpool::error::{Error, Result};
use wgpool::spec::{Op, Reduce, ReduceKind};
use wgpool::tensor::TensorDesc;

/// The gradients by each input of a step; none where nothing needs it.
pub(in super::super) type ByInput = Vec<Option<Value>>;

/// A step of the forward pass, the gradient by its first output, and which of its inputs need one.
pub(in super::super) struct Context<'g> {
    pub graph: &'g mut Graph,
    /// A copy, since the graph grows.
    pub step: Step,
    /// The step's place.
    pub at: usize,
    /// Of the first output's shape.
    pub gradient: Value,
    pub needs: Vec<bool>,
}

impl Context<'_> {
    /// Whether an input needs a gradient.
    pub fn needs(&self, input: usize) -> bool {
        self.needs.get(input) == Some(&true)
    }

    /// The shape and type in which the step reads an input.
    pub fn input_desc(&self, input: usize) -> Result<TensorDesc> {
        let desc = self.step.input_descs().get(input).cloned();
        desc.ok_or_else(|| self.refuse("an input is missing"))
    }

    /// The shape in which the step reads an input.
    pub fn shape(&self, input: usize) -> Result<Vec<usize>> {
        self.input_desc(input).map(|desc| desc.shape)
    }

    /// An input of the forward pass, as the step reads it.
    pub fn input(&mut self, input: usize) -> Result<Value> {
        let desc = self.input_desc(input)?;
        let source = self.step.inputs.get(input).cloned();
        let source = source.ok_or_else(|| self.refuse("an input is missing"))?;
        Ok(self.graph.value_of(source, desc))
    }

    /// An output of the forward pass.
    pub fn output(&mut self, output: usize) -> Result<Value> {
        let desc = self.step.output_descs().get(output).cloned();
        let desc = desc.ok_or_else(|| self.refuse("an output is missing"))?;
        Ok(self.graph.value_of(Source::Step { step: self.at, output }, desc))
    }

    /// An operation with one output.
    pub fn one(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Result<Value> {
        self.graph.one(op, inputs)
    }

    /// Nothing for every input.
    pub fn none(&self) -> ByInput {
        vec![None; self.step.inputs.len()]
    }

    /// Of an operation with one input.
    pub fn only(&self, gradient: Value) -> ByInput {
        let mut all = self.none();
        if let Some(first) = all.first_mut() {
            *first = Some(gradient);
        }
        all
    }

    /// That the step has no gradient, and why.
    pub fn refuse(&self, reason: &str) -> Error {
        let reason = format!("{} has no gradient: {reason}", self.step.kind());
        self.graph.refusal(&self.step.name, reason)
    }

    /// The sum over all axes but one, as a bias has it.
    pub fn sum_but(&mut self, gradient: Value, axis: usize) -> Result<Value> {
        let rank = self.graph.desc(gradient)?.shape.len();
        let others: Vec<isize> =
            (0..rank).filter(|&other| other != axis).map(|other| other as isize).collect();
        if others.is_empty() {
            Ok(gradient)
        } else {
            self.one(Reduce::new(ReduceKind::Sum, others), &[gradient])
        }
    }

    /// The sum over the axes along which a tensor of this shape was broadcast, as NumPy does it.
    pub fn sum_to(&mut self, gradient: Value, shape: &[usize]) -> Result<Value> {
        let from = self.graph.desc(gradient)?.shape.clone();
        let extra = from.len().saturating_sub(shape.len());
        let is_repeated = |&axis: &usize| {
            let own = axis.checked_sub(extra).and_then(|at| shape.get(at)).copied().unwrap_or(1);
            own == 1 && from.get(axis) != Some(&1)
        };
        let axes: Vec<isize> = (0..from.len()).filter(is_repeated).map(|axis| axis as isize).collect();
        let sum = match axes.is_empty() {
            true => gradient,
            false => self.one(Reduce::new(ReduceKind::Sum, axes), &[gradient])?,
        };
        self.graph.reshape(sum, shape)
    }
}
