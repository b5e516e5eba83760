//! Programs computed one operation after the other.

use std::ops::Deref;
use std::sync::Arc;

use super::lifetimes::of;
use super::{Lifetime, Port, Program, Source, Step, lifetimes};
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::tensor::{Tensor, TensorDesc};

/// A value that a step reads, which others may read too.
enum Value<'a> {
    Borrowed(&'a Tensor),
    Shared(Arc<Tensor>),
}

impl Deref for Value<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match self {
            Value::Borrowed(tensor) => tensor,
            Value::Shared(tensor) => tensor,
        }
    }
}

impl<'a> Value<'a> {
    fn owned(self) -> Tensor {
        match self {
            Value::Borrowed(tensor) => tensor.clone(),
            Value::Shared(tensor) => Arc::unwrap_or_clone(tensor),
        }
    }

    /// In another shape: a copy only where others read it in this one.
    fn reshaped(self, shape: &[usize]) -> Result<Value<'a>> {
        match self.shape() == shape {
            true => Ok(self),
            false => Ok(Value::Shared(Arc::new(self.owned().reshaped(shape)?))),
        }
    }
}

/// The values of a run: its inputs, and the outputs that some step still reads.
struct Values<'a> {
    program: &'a Program,
    inputs: &'a [&'a Tensor],
    lifetimes: Vec<Vec<Lifetime>>,
    /// The outputs of each step, as long as they are there.
    made: Vec<Vec<Option<Arc<Tensor>>>>,
}

impl<'a> Values<'a> {
    /// Before the first step.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] for inputs that the program does not take.
    fn new(program: &'a Program, inputs: &'a [&'a Tensor]) -> Result<Values<'a>> {
        check_inputs("model", &program.name, &program.inputs, inputs)?;
        let lifetimes = lifetimes(program);
        let made = lifetimes.iter().map(|outputs| vec![None; outputs.len()]).collect();
        Ok(Values { program, inputs, lifetimes, made })
    }

    /// What a step reads, in the shapes that it takes. Whatever no later step reads is given away.
    fn arguments(&mut self, step: usize) -> Result<Vec<Value<'a>>> {
        let Some(of) = self.program.steps.get(step) else { return Ok(Vec::new()) };
        let mut arguments = Vec::with_capacity(of.inputs.len());
        for (i, (source, desc)) in of.inputs.iter().zip(of.input_descs()).enumerate() {
            let again = || of.inputs.get(i + 1..).is_some_and(|rest| rest.contains(source));
            let stays = |lifetime: &Lifetime| lifetime.is_result || lifetime.last > step || again();
            arguments.push(self.take(source, &desc.shape, stays)?);
        }
        Ok(arguments)
    }

    /// Keeps the outputs of a step that are read.
    fn keep(&mut self, step: usize, outputs: Vec<Tensor>) {
        let (Some(lifetimes), Some(made)) = (self.lifetimes.get(step), self.made.get_mut(step)) else {
            return;
        };
        for ((made, lifetime), output) in made.iter_mut().zip(lifetimes).zip(outputs) {
            *made = (lifetime.is_result || lifetime.last > step).then(|| Arc::new(output));
        }
    }

    /// The program's outputs, behind the last step.
    fn results(mut self) -> Result<Vec<Tensor>> {
        let mut results = Vec::with_capacity(self.program.results.len());
        for (i, (source, port)) in self.program.results.iter().zip(&self.program.outputs).enumerate() {
            let rest = self.program.results.get(i + 1..).unwrap_or_default();
            let again = |_: &Lifetime| rest.contains(source);
            results.push(self.take(source, &port.desc.shape, again)?.owned());
        }
        Ok(results)
    }

    fn take(
        &mut self,
        source: &'a Source,
        shape: &[usize],
        stays: impl Fn(&Lifetime) -> bool,
    ) -> Result<Value<'a>> {
        let value = match source {
            Source::Input(input) => self.inputs.get(*input).map(|&tensor| Value::Borrowed(tensor)),
            Source::Weight(weight) => Some(Value::Borrowed(weight.as_ref())),
            source => {
                let made = of(&mut self.made, source).zip(of(&mut self.lifetimes, source));
                let tensor = made.and_then(|(made, lifetime)| match stays(lifetime) {
                    true => made.clone(),
                    false => made.take(),
                });
                tensor.map(Value::Shared)
            }
        };
        // A program that names what is not there was not made by this crate.
        let rule = "it must be an input, or an output of a step before";
        value.ok_or_else(|| Error::parameter("program", "source", source, rule))?.reshaped(shape)
    }
}

/// Refuses inputs that `name` does not take.
pub(crate) fn check_inputs(
    op: &'static str,
    name: &str,
    expected: &[Port],
    inputs: &[&Tensor],
) -> Result<()> {
    let descs: Vec<TensorDesc> = inputs.iter().map(|input| input.desc()).collect();
    check_descs(op, name, expected, &descs)
}

/// Refuses shapes and types of inputs that `name` does not take.
pub(crate) fn check_descs(
    op: &'static str,
    name: &str,
    expected: &[Port],
    inputs: &[TensorDesc],
) -> Result<()> {
    if inputs.len() != expected.len() {
        return Err(Error::Arity { op, expected: "as many inputs as the program has", got: inputs.len() });
    }
    for (port, got) in expected.iter().zip(inputs) {
        let expected = &port.desc;
        if got != expected {
            let name =
                if inputs.len() == 1 { name.to_owned() } else { format!("{name}: input {}", port.name) };
            let rule =
                format!("{name} takes {:?} of {}, this is {}", expected.shape, expected.dtype, got.dtype);
            return Err(Error::shape(op, "the input", &got.shape, rule));
        }
    }
    Ok(())
}

/// The only output of a run.
pub(crate) fn only_output(op: &'static str, mut outputs: Vec<Tensor>) -> Result<Tensor> {
    let got = outputs.len();
    let last = outputs.pop().filter(|_| got == 1);
    last.ok_or(Error::Arity { op, expected: "one output, or a call that gives all", got })
}

impl Program {
    /// Computes the outputs for all inputs, each step by `compute`, in order: on what the steps before it gave, in the shapes
    /// that it takes.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] if `inputs` are not what the program was made for; the first of `compute`.
    ///
    /// ```
    /// use wgpool::{Backend, Error, Pool, Tensor};
    /// use wgpool_net::{LayerKind, Model};
    /// let model = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 4., 2., 3.])?;
    /// let mut names = vec![];
    /// model.program(1)?.run_with::<Error>(&[&x], |step, inputs| {
    ///     names.push(step.name.clone());
    ///     step.run(&Backend::Host, inputs)
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn run_with<'p, E: From<Error>>(
        &'p self,
        inputs: &[&Tensor],
        mut compute: impl FnMut(&'p Step, &[&Tensor]) -> Result<Vec<Tensor>, E>,
    ) -> Result<Vec<Tensor>, E> {
        let mut values = Values::new(self, inputs)?;
        for (i, step) in self.steps.iter().enumerate() {
            let arguments = values.arguments(i)?;
            let arguments: Vec<&Tensor> = arguments.iter().map(|value| &**value).collect();
            values.keep(i, compute(step, &arguments)?);
        }
        Ok(values.results()?)
    }

    /// Computes the outputs for all inputs, operation by operation: on a GPU without ever blocking, elsewhere while the future
    /// is polled.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] if `inputs` are not what the program was made for; those of the backend, with model
    /// and layer.
    pub async fn run_all_async(&self, backend: &Backend, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut values = Values::new(self, inputs)?;
        for (i, step) in self.steps.iter().enumerate() {
            let arguments = values.arguments(i)?;
            let arguments: Vec<&Tensor> = arguments.iter().map(|value| &**value).collect();
            let outputs = step.run_async(backend, &arguments).await;
            values.keep(i, outputs.map_err(|error| error.in_layer(&self.name, &step.name))?);
        }
        values.results()
    }

    /// Computes the output of a program with one input and one output, as [`Program::run_all_async`].
    ///
    /// # Errors
    /// Those of [`Program::run_all_async`]; [`Error::Arity`] if it has not one input and one output.
    pub async fn run_async(&self, backend: &Backend, input: &Tensor) -> Result<Tensor> {
        self.output()?;
        only_output("model", self.run_all_async(backend, &[input]).await?)
    }
}
