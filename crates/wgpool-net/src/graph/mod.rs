//! Networks built value by value: branches, sums, several inputs and outputs.

#[cfg(feature = "training")]
mod access;
mod custom;
mod finish;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::program::{Port, Source, Step};
use wgpool::error::{Error, Result};
use wgpool::host;
use wgpool::problem::Problem;
use wgpool::spec::{AsStrided, Conv, Op};
use wgpool::tensor::{Tensor, TensorDesc, checked_elements};

/// A tensor of a [`Graph`]: an input, a constant, or an output of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    graph: u64,
    at: usize,
}

/// A network under construction, whose shapes are known. Each operation is checked when it is added.
///
/// ```
/// use wgpool::{Activation, Backend, Conv, Op, Padding, Tensor, TensorDesc};
/// use wgpool_net::Graph;
/// let mut g = Graph::new("branches");
/// let x = g.input("x", TensorDesc::f32([1, 1, 1, 3]));
/// let kernel = g.constant(Tensor::from_f32(&[1, 1, 1, 1], vec![2.0])?);
/// let doubled = g.at("double").conv(x, kernel, None, Conv::new())?;
/// let positive = g.at("positive").op(Activation::Relu, &[doubled])?[0];
/// g.output("doubled", doubled);
/// g.output("positive", positive);
/// let program = g.finish()?;
/// let x = Tensor::from_f32(&[1, 1, 1, 3], vec![1., -2., 3.])?;
/// let outputs = program.run_all(&Backend::Host, &[&x])?;
/// assert_eq!(outputs[0].as_f32()?, [2., -4., 6.]);
/// assert_eq!(outputs[1].as_f32()?, [2., 0., 6.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    id: u64,
    name: String,
    /// What the next operations belong to.
    node: String,
    inputs: Vec<Port>,
    values: Vec<(Source, TensorDesc)>,
    steps: Vec<Step>,
    outputs: Vec<(String, Value)>,
    /// Constants that others were computed of.
    computed_with: HashSet<Value>,
    most_bytes: usize,
}

impl Graph {
    /// A graph without inputs.
    pub fn new(name: impl Into<String>) -> Graph {
        static GRAPHS: AtomicU64 = AtomicU64::new(0);
        Graph {
            id: GRAPHS.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            node: String::new(),
            inputs: Vec::new(),
            values: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
            computed_with: HashSet::new(),
            most_bytes: usize::MAX,
        }
    }

    /// Refuses values of more bytes, before anything is allocated for them: for files that are not trusted.
    pub fn most_bytes(mut self, bytes: usize) -> Graph {
        self.most_bytes = bytes;
        self
    }

    /// Names what the next operations belong to, in errors and explanations.
    pub fn at(&mut self, node: impl Into<String>) -> &mut Graph {
        self.node = node.into();
        self
    }

    /// An input.
    pub fn input(&mut self, name: impl Into<String>, desc: TensorDesc) -> Value {
        self.inputs.push(Port::new(name, desc.clone()));
        self.value(Source::Input(self.inputs.len() - 1), desc)
    }

    /// Numbers that stay from run to run. An `Arc` shares them with others.
    pub fn constant(&mut self, tensor: impl Into<Arc<Tensor>>) -> Value {
        let tensor = tensor.into();
        let desc = tensor.desc();
        self.value(Source::Weight(tensor), desc)
    }

    fn value(&mut self, source: Source, desc: TensorDesc) -> Value {
        self.values.push((source, desc));
        Value { graph: self.id, at: self.values.len() - 1 }
    }

    fn get(&self, value: Value) -> Result<&(Source, TensorDesc)> {
        let found = self.values.get(value.at).filter(|_| value.graph == self.id);
        found.ok_or_else(|| self.refuse("a value of another graph is none of this one"))
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::layer(&self.name, &self.node, reason)
    }

    fn in_node(&self, error: Error) -> Error {
        match error {
            named @ (Error::Layer { .. } | Error::InLayer { .. }) => named,
            error => error.in_layer(&self.name, &self.node),
        }
    }

    /// Shape and type of a value.
    ///
    /// # Errors
    /// [`Error::Layer`] for a value of another graph.
    pub fn desc(&self, value: Value) -> Result<&TensorDesc> {
        self.get(value).map(|(_, desc)| desc)
    }

    /// The numbers of a value that is a constant, or was computed of constants alone.
    pub fn known(&self, value: Value) -> Option<&Arc<Tensor>> {
        match self.get(value) {
            Ok((Source::Weight(tensor), _)) => Some(tensor),
            _ => None,
        }
    }

    /// A constant that is what it was when it was added, for each operation that reads it.
    #[cfg(feature = "onnx")]
    pub(crate) fn unchanged(&self, value: Value) -> Option<Arc<Tensor>> {
        self.known(value).filter(|_| !self.computed_with.contains(&value)).cloned()
    }

    /// The operation that makes a value.
    #[cfg(feature = "onnx")]
    pub(crate) fn made_by(&self, value: Value) -> Option<&Problem> {
        match self.get(value) {
            Ok((Source::Step { step, .. }, _)) => self.steps.get(*step).and_then(Step::problem),
            _ => None,
        }
    }

    /// Adds an operation, and gives its outputs. What is computed of constants alone is computed here and becomes one.
    ///
    /// # Errors
    /// Those of the operation, with graph and node.
    pub fn op(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Result<Vec<Value>> {
        let op = op.into();
        let (mut sources, mut descs) = (Vec::with_capacity(inputs.len()), Vec::with_capacity(inputs.len()));
        for &input in inputs {
            let (source, desc) = self.get(input)?;
            sources.push(source.clone());
            descs.push(desc.clone());
        }
        let problem = Problem::new(&op, &descs).map_err(|error| self.in_node(error))?;
        for output in &problem.outputs {
            self.check_size(output)?;
        }
        if !inputs.is_empty() && inputs.iter().all(|&input| self.known(input).is_some()) {
            let known: Vec<&Tensor> =
                inputs.iter().filter_map(|&input| self.known(input)).map(Arc::as_ref).collect();
            let outputs = host::run(&op, &known).map_err(|error| self.in_node(error))?;
            self.computed_with.extend(inputs);
            return Ok(outputs.into_iter().map(|output| self.constant(output)).collect());
        }
        Ok(self.step(op, sources, problem))
    }

    fn step(&mut self, op: Op, inputs: Vec<Source>, problem: Problem) -> Vec<Value> {
        self.push(Step::new(&self.node, op, inputs, problem))
    }

    fn push(&mut self, of: Step) -> Vec<Value> {
        let (step, outputs) = (self.steps.len(), of.output_descs().to_vec());
        self.steps.push(of);
        let values = outputs.into_iter().enumerate();
        values.map(|(output, desc)| self.value(Source::Step { step, output }, desc)).collect()
    }

    /// A value with memory of its own.
    fn copied(&mut self, value: Value) -> Result<Value> {
        let (source, desc) = self.get(value)?.clone();
        let order: Vec<usize> = (0..desc.shape.len()).collect();
        let op = Op::from(AsStrided::transpose(&desc.shape, &order)?);
        let problem = Problem::new(&op, &[desc]).map_err(|error| self.in_node(error))?;
        Ok(self.step(op, vec![source], problem).pop().unwrap_or(value))
    }

    /// Adds an operation with one output.
    ///
    /// # Errors
    /// Those of [`Graph::op`].
    pub fn one(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Result<Value> {
        let outputs = self.op(op, inputs)?;
        outputs.first().copied().ok_or_else(|| self.refuse("an operation without outputs"))
    }

    /// Convolution with a kernel and perhaps a bias; both may be computed values.
    ///
    /// # Errors
    /// Those of [`Graph::op`].
    pub fn conv(&mut self, x: Value, kernel: Value, bias: Option<Value>, spec: Conv) -> Result<Value> {
        let inputs: Vec<Value> = [x, kernel].into_iter().chain(bias).collect();
        self.one(spec, &inputs)
    }

    /// The same elements in the same order under another shape. Nothing is computed.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shape has more or fewer elements.
    pub fn reshape(&mut self, value: Value, shape: impl Into<Vec<usize>>) -> Result<Value> {
        let shape = shape.into();
        let (source, desc) = self.get(value)?.clone();
        let elements = checked_elements("reshape", &shape).map_err(|error| self.in_node(error))?;
        if elements != desc.elements() {
            let rule = format!("it must have as many elements as {shape:?}");
            return Err(self.in_node(Error::shape("reshape", "the input", &desc.shape, rule)));
        }
        let source = match source {
            Source::Weight(tensor) if desc.shape != shape => {
                self.computed_with.insert(value);
                Source::Weight(Arc::new(Arc::unwrap_or_clone(tensor).reshaped(&shape)?))
            }
            source => source,
        };
        Ok(self.value(source, TensorDesc { shape, ..desc }))
    }

    /// Makes a value an output.
    pub fn output(&mut self, name: impl Into<String>, value: Value) {
        self.outputs.push((name.into(), value));
    }

    fn check_size(&self, desc: &TensorDesc) -> Result<()> {
        let elements = checked_elements("value", &desc.shape).map_err(|error| self.in_node(error))?;
        let bytes = elements.saturating_mul(desc.dtype.size());
        if bytes > self.most_bytes {
            return Err(self.refuse(format!(
                "its output {desc} has {bytes} bytes, and {} are permitted",
                self.most_bytes
            )));
        }
        Ok(())
    }
}
