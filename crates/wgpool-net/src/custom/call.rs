//! A node of an app's operator on tensors of known shapes: what it may return.

use std::fmt;
use std::sync::Arc;

use super::{Failure, Gpu, Input, Node, Operator, Tolerance};
use wgpool::error::{Error, Result};
use wgpool::plan::Explanation;
use wgpool::reference::Exact;
use wgpool::tensor::{Data, Tensor, TensorDesc, checked_elements};

/// What the functions are called in errors.
const OUTPUTS: &str = "its shape function";
const HOST: &str = "its host function";
const REFERENCE: &str = "its reference";
const GPU: &str = "its GPU form";

/// Why it is computed as it is.
const WHY: &str = "an operator of the app";
const WHY_OWN: &str = "an operator of graphs alone";

/// An operator, with the node and the shapes that are known.
#[derive(Clone)]
pub struct Call {
    operator: Arc<dyn Operator>,
    pub(crate) node: Arc<Node>,
    pub(crate) inputs: Vec<TensorDesc>,
    pub(crate) outputs: Vec<TensorDesc>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { operator: _, node, inputs, outputs } = self;
        let mut text = f.debug_struct("Call");
        text.field("node", node).field("inputs", inputs).field("outputs", outputs).finish_non_exhaustive()
    }
}

/// The same operator, not only one that is alike.
impl PartialEq for Call {
    fn eq(&self, other: &Call) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator)
            && (&self.node, &self.inputs, &self.outputs) == (&other.node, &other.inputs, &other.outputs)
    }
}

impl Call {
    /// Asks for the outputs' shapes; which inputs' numbers were asked for comes back too.
    pub(crate) fn new(
        operator: Arc<dyn Operator>,
        node: Arc<Node>,
        inputs: Vec<TensorDesc>,
        known: &[Option<&Tensor>],
    ) -> Result<(Call, Vec<bool>)> {
        let refuse = |reason: String| Err(Error::operator(node.label(), OUTPUTS, reason));
        let views: Vec<Input<'_>> = (inputs.iter().enumerate())
            .map(|(at, desc)| {
                // Numbers that lie on a device alone are not known here.
                let known = known.get(at).copied().flatten().filter(|known| known.desc() == *desc);
                Input::new(desc, known)
            })
            .collect();
        let outputs = operator.outputs(&node, &views);
        let outputs = outputs.map_err(|source| Error::operator(node.label(), OUTPUTS, source))?;
        if outputs.len() < node.outputs.max(1) {
            let (given, named) = (outputs.len(), node.outputs.max(1));
            return refuse(format!("it gives {given} outputs, but the node has {named}"));
        }
        for (at, output) in outputs.iter().enumerate() {
            if let Err(error) = checked_elements("output", &output.shape) {
                return refuse(format!("output {at}: {error}"));
            }
        }
        let asked = views.iter().map(Input::was_asked).collect();
        Ok((Call { operator, node, inputs, outputs }, asked))
    }

    /// The same node on other tensors.
    pub(crate) fn on(&self, inputs: Vec<TensorDesc>, known: &[Option<&Tensor>]) -> Result<Call> {
        let (call, _) = Call::new(self.operator.clone(), self.node.clone(), inputs, known)?;
        if call.outputs.len() != self.outputs.len() {
            let (now, before) = (call.outputs.len(), self.outputs.len());
            let reason =
                format!("on {:?} it gives {now} outputs, but on others it gave {before}", call.inputs);
            return Err(Error::operator(self.node.label(), OUTPUTS, reason));
        }
        Ok(call)
    }

    /// What errors and explanations call the operator.
    pub fn label(&self) -> String {
        self.node.label()
    }

    /// The error of one of its functions.
    pub(super) fn failed(&self, during: &'static str, source: impl Into<Failure>) -> Error {
        Error::operator(self.label(), during, source)
    }

    /// Refuses tensors that it was not made for.
    fn check(&self, inputs: &[&Tensor]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            let expected = "as many as the operator was made for";
            return Err(Error::arity("custom operator", expected, inputs.len()));
        }
        for (input, desc) in inputs.iter().zip(&self.inputs) {
            if input.desc() != *desc {
                let rule = format!("the operator was made for {desc}, this is {}", input.dtype());
                return Err(Error::shape("custom operator", "an input", input.shape(), rule));
            }
        }
        Ok(())
    }

    /// Refuses outputs other than the shape function said.
    fn check_outputs<'a>(
        &self,
        during: &'static str,
        descs: impl ExactSizeIterator<Item = &'a TensorDesc>,
    ) -> Result<()> {
        if descs.len() != self.outputs.len() {
            let (given, said) = (descs.len(), self.outputs.len());
            let reason = format!("it gives {given} outputs, but the shape function says {said}");
            return Err(self.failed(during, reason));
        }
        match descs.zip(&self.outputs).enumerate().find(|(_, (given, said))| given != said) {
            None => Ok(()),
            Some((at, (given, said))) => {
                let reason = format!("output {at} is {given}, but the shape function says {said}");
                Err(self.failed(during, reason))
            }
        }
    }

    /// The host function's outputs.
    pub(crate) fn on_host(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.check(inputs)?;
        let outputs = self.operator.host(&self.node, inputs);
        let outputs = outputs.map_err(|source| self.failed(HOST, source))?;
        let descs: Vec<TensorDesc> = outputs.iter().map(Tensor::desc).collect();
        self.check_outputs(HOST, descs.iter()).map(|()| outputs)
    }

    /// The reference's outputs: those of the host function within the tolerance, where the app has no other.
    pub(crate) fn exact(&self, inputs: &[&Tensor]) -> Result<Vec<Exact>> {
        self.check(inputs)?;
        let exact = self.operator.reference(&self.node, inputs);
        if let Some(exact) = exact.map_err(|source| self.failed(REFERENCE, source))? {
            self.check_outputs(REFERENCE, exact.iter().map(|exact| &exact.desc))?;
            return Ok(exact);
        }
        let Tolerance { absolute, relative } = self.operator.tolerance();
        let within = |tensor: Tensor| {
            let values: Vec<f64> = (0..tensor.data().len()).filter_map(|at| tensor.data().get(at)).collect();
            // What is infinite is so everywhere.
            let bound = |value: &f64| if value.is_finite() { absolute + relative * value.abs() } else { 0.0 };
            let bounds = values.iter().map(bound).collect();
            Exact::new(tensor.desc(), values, bounds)
        };
        self.on_host(inputs)?.into_iter().map(within).collect()
    }

    /// The reference's outputs, rounded to their types.
    pub(crate) fn on_reference(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let round = |exact: &Exact| {
            Tensor::new(&exact.desc.shape, Data::nearest(exact.desc.dtype, exact.values.iter().copied())?)
        };
        self.exact(inputs)?.iter().map(round).collect()
    }

    /// How a GPU computes it.
    pub(crate) fn gpu(&self) -> Result<Gpu> {
        let gpu = self.operator.gpu(&self.node, &self.inputs, &self.outputs);
        let gpu = gpu.map_err(|source| self.failed(GPU, source))?;
        gpu.ok_or_else(|| self.failed(GPU, "the operator has none, so that it runs on the host path alone"))
    }

    /// What it does and moves; on a GPU by `gpu`.
    pub(crate) fn explain(&self, gpu: Option<&Gpu>) -> Explanation {
        let own = self.operator.kernel();
        let kernel = gpu.map(Gpu::name_and_workgroups).map(|(name, groups)| (own.unwrap_or(name), groups));
        let why = if own.is_some() { WHY_OWN } else { WHY };
        Explanation::of_operator(self.label(), [&self.inputs, &self.outputs], kernel, why)
    }
}
