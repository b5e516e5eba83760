//! One step of a program: an operation of wgpool, or an operator of the app's own.

use std::sync::Arc;

use super::Source;
use crate::custom;
use wgpool::backend::Backend;
use wgpool::error::Result;
use wgpool::problem::Problem;
use wgpool::reference::{self, Exact};
use wgpool::spec::Op;
use wgpool::tensor::{Tensor, TensorDesc};

/// One step of a [`Program`](super::Program).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The layer or node it comes from; those that were fused are joined by `+`.
    pub name: String,
    /// Where each of its inputs comes from. It takes on the shape that the step reads, which has as many elements in the
    /// same order.
    pub inputs: Vec<Source>,
    pub(crate) task: Task,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every step is an operation of wgpool")]
pub(crate) enum Task {
    /// An operation of wgpool, with every shape known.
    Op { op: Op, problem: Problem },
    /// An operator of the app's own.
    Custom(Box<custom::Call>),
}

impl Task {
    /// What computes `op`.
    pub fn of(op: Op, problem: Problem) -> Task {
        Task::Op { op, problem }
    }

    /// The same on other tensors, some of which are known.
    pub fn on(&self, inputs: Vec<TensorDesc>, sources: &[Source]) -> Result<Task> {
        match self {
            Task::Op { op, .. } => Ok(Task::of(op.clone(), Problem::new(op, &inputs)?)),
            Task::Custom(call) => {
                let known: Vec<Option<&Tensor>> = sources.iter().map(Source::known).collect();
                Ok(Task::Custom(Box::new(call.on(inputs, &known)?)))
            }
        }
    }
}

impl Step {
    pub(crate) fn new(name: impl Into<String>, op: Op, inputs: Vec<Source>, problem: Problem) -> Step {
        Step { name: name.into(), inputs, task: Task::of(op, problem) }
    }

    /// The operation of wgpool that it is; none for an operator of the app's own ([`custom`]).
    pub fn op(&self) -> Option<&Op> {
        match &self.task {
            Task::Op { op, .. } => Some(op),
            Task::Custom(_) => None,
        }
    }

    /// The operation with every shape known; none for an operator of the app's own.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.task {
            Task::Op { problem, .. } => Some(problem),
            Task::Custom(_) => None,
        }
    }

    /// The operator of the app's own that it is.
    pub(crate) fn custom(&self) -> Option<&custom::Call> {
        match &self.task {
            Task::Op { .. } => None,
            Task::Custom(call) => Some(call),
        }
    }

    /// What it computes, as errors and explanations call it.
    pub fn kind(&self) -> String {
        match &self.task {
            Task::Op { problem, .. } => problem.op.to_owned(),
            Task::Custom(call) => call.label(),
        }
    }

    /// Shapes and types of its inputs.
    pub fn input_descs(&self) -> &[TensorDesc] {
        match &self.task {
            Task::Op { problem, .. } => &problem.inputs,
            Task::Custom(call) => &call.inputs,
        }
    }

    /// Shapes and types of its outputs.
    pub fn output_descs(&self) -> &[TensorDesc] {
        match &self.task {
            Task::Op { problem, .. } => &problem.outputs,
            Task::Custom(call) => &call.outputs,
        }
    }

    /// The weights among its inputs, in order.
    pub fn weights(&self) -> impl Iterator<Item = &Arc<Tensor>> {
        self.inputs.iter().filter_map(|input| match input {
            Source::Weight(tensor) => Some(tensor),
            _ => None,
        })
    }

    /// Computes it by itself on tensors of the shapes that it reads: on a GPU without ever blocking, elsewhere while the future is polled.
    ///
    /// # Errors
    /// Those of the backend, and of the app's operator.
    pub async fn run_async(&self, backend: &Backend, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        match (&self.task, backend) {
            (Task::Op { op, .. }, backend) => backend.run_async(op, inputs).await,
            (Task::Custom(call), Backend::Gpu(engine)) => call.on_gpu(engine, inputs).await,
            (Task::Custom(call), Backend::Reference) => call.on_reference(inputs),
            (Task::Custom(call), _) => call.on_host(inputs),
        }
    }

    /// Its outputs in 64-bit floats, with the bound of each element: the reference's, or that of the app's operator.
    ///
    /// # Errors
    /// Those of [`reference::evaluate`], and of the app's operator.
    pub fn exact(&self, inputs: &[&Tensor]) -> Result<Vec<Exact>> {
        match &self.task {
            Task::Op { problem, .. } => reference::evaluate(problem, inputs),
            Task::Custom(call) => call.exact(inputs),
        }
    }
}
