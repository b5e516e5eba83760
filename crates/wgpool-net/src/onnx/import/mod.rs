//! From a file's graph to a [`Program`](crate::Program): node by node, for given shapes of the inputs.
//!
//! What depends on constants and shapes alone is computed here, so that shape arithmetic leaves nothing behind.

mod call;
mod convolution;
mod custom;
mod elements;
mod gather;
mod integers;
mod items;
mod moves;
mod norm;
mod pool;
mod product;
mod reduce;
mod resize;
mod table;

pub use table::operators;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::fold::{HostTensor, fold};
use super::refused::{quoted, refused};
use super::{Dim, ElementType, Model, Node, TensorType};
use crate::custom::{Operator, Operators};
use crate::graph::Graph;
use crate::program::Program;
use call::Call;
use items::{Import, Item, stored};
use wgpool::error::{Error, Refusal, Result};
use wgpool::tensor::TensorDesc;

/// For which shapes a model is lowered, and what it may take.
///
/// ```
/// let options = wgpool_net::onnx::Options::default().dim("batch", 4).shape("mask", [4, 1]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Lengths of named axes.
    pub dims: BTreeMap<String, usize>,
    /// Shapes of inputs by their names, where the file's own has axes of any length or is another.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Values of inputs that are known before the program runs, as the bytes of ONNX' tensors.
    pub known: BTreeMap<String, Vec<u8>>,
    /// Operators of the app's own, which go before those of wgpool.
    pub operators: Operators,
    /// The most bytes that a tensor may have; one that would have more is an error before anything is allocated.
    pub most_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            dims: BTreeMap::new(),
            shapes: BTreeMap::new(),
            known: BTreeMap::new(),
            operators: Operators::default(),
            most_bytes: 1 << 31,
        }
    }
}

impl Options {
    /// Gives an axis its length, wherever its name is.
    pub fn dim(mut self, name: impl Into<String>, length: usize) -> Self {
        self.dims.insert(name.into(), length);
        self
    }

    /// Gives an input its shape.
    pub fn shape(mut self, input: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        self.shapes.insert(input.into(), shape.into());
        self
    }

    /// Gives an input its value, as the bytes of an ONNX tensor: it becomes a constant, and no input of the program.
    pub fn known(mut self, input: impl Into<String>, tensor: impl Into<Vec<u8>>) -> Self {
        self.known.insert(input.into(), tensor.into());
        self
    }

    /// Adds an operator of the app's own, by domain and name. In ONNX' own domain, `""`, it goes before wgpool's of that name.
    pub fn operator(mut self, domain: &str, name: &str, operator: impl Operator + 'static) -> Self {
        self.operators.insert(domain, name, operator);
        self
    }

    /// Sets the most bytes of a tensor.
    pub fn most_bytes(mut self, bytes: usize) -> Self {
        self.most_bytes = bytes;
        self
    }
}

impl<'a> Model<'a> {
    /// The model as operations with known shapes. Integers that come out are i32, and each bool is an f32, 0 or 1.
    ///
    /// # Errors
    /// [`Error::Network`]: `Unsupported` with all operators that are not supported, or an attribute or type; `Shape` if an
    /// input's shape is not known, with its axes, or tensors do not fit; `Limit` for a tensor of more bytes than `options` permit.
    pub fn program(&self, options: &Options) -> Result<Program> {
        // Of one whose data lie in another file this is the error.
        self.program_with(options, |tensor| tensor.bytes().map(Cow::into_owned))
    }

    /// As [`Model::program`], with `external` for the bytes of tensors that lie in other files, such as
    /// [`Folder::read`](super::Folder::read).
    ///
    /// # Errors
    /// Those of [`Model::program`] and of `external`.
    ///
    /// ```rust,no_run
    /// use wgpool::{Backend, Choice, Tensor};
    /// use wgpool_net::{Session, onnx};
    ///
    /// let file = onnx::read("resnet50.onnx")?;
    /// let model = onnx::Model::parse(&file)?;
    /// let folder = onnx::Folder::of_model("resnet50.onnx")?;
    /// let options = onnx::Options::default().dim("batch", 1);
    /// let program = model.program_with(&options, |tensor| folder.read(tensor))?.optimised()?;
    /// let backend = Backend::open(&Choice::Auto)?.backend;
    /// let session = Session::compile(&backend, program)?;
    /// let picture = Tensor::from_f32(&[1, 3, 224, 224], vec![0.0; 3 * 224 * 224])?;
    /// let outputs = session.run_all(&[&picture])?;
    /// println!("{}: {:?}", session.outputs()[0].name, outputs[0].shape());
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn program_with(
        &self,
        options: &Options,
        external: impl Fn(&super::Tensor<'a>) -> Result<Vec<u8>>,
    ) -> Result<Program> {
        let file = self.graph();
        table::check(self, &options.operators)?;
        let graph = Graph::new(file.name()).most_bytes(options.most_bytes);
        let opset = self.opset("").unwrap_or_default();
        let mut import = Import { graph, opset, most_bytes: options.most_bytes, items: HashMap::new() };
        let customs = custom::Customs::of(self, &options.operators)?;
        for tensor in file.initializers() {
            let known = match tensor.external()? {
                Some(_) => HostTensor::new(tensor.shape()?, tensor.element_type()?, external(&tensor)?)?,
                None => HostTensor::of(&tensor)?,
            };
            import.items.insert(tensor.name(), Item::known(known));
        }
        for input in file.inputs() {
            if let Some(bytes) = options.known.get(input.name()) {
                let tensor = super::Tensor::parse(bytes)?;
                let bytes = tensor.bytes()?.into_owned();
                let known = HostTensor::new(tensor.shape()?, tensor.element_type()?, bytes)?;
                import.items.insert(input.name(), Item::known(known));
            }
            if !import.items.contains_key(input.name()) {
                let (desc, ty) = described(input.name(), &input.tensor_type()?, options)?;
                import.check_size(input.name(), &desc)?;
                let value = import.graph.input(input.name(), desc);
                import.items.insert(input.name(), Item::Run(value, ty));
            }
        }
        for node in file.nodes() {
            import.node(node, &customs)?;
        }
        for output in file.outputs() {
            let name = output.name();
            let item = import.items.get(name).cloned();
            let item =
                item.ok_or_else(|| refused(Refusal::Structure, quoted(name), "it is made by nothing"))?;
            let value = import.value(&item, &format!("output {}", quoted(name)))?;
            let declared = output.tensor_type()?.elements;
            if let Some(declared) = declared.filter(|&declared| declared != item.element_type()) {
                let reason = format!("it is declared {declared}, but is {}", item.element_type());
                return Err(refused(Refusal::Type, format!("output {}", quoted(name)), reason));
            }
            import.graph.output(name, value);
        }
        let mut initializers = BTreeMap::new();
        for tensor in file.initializers() {
            if let Some(Item::Known(constant)) = import.items.get(tensor.name()) {
                initializers.insert(tensor.name().to_owned(), import.initializer(constant));
            }
        }
        let mut program = import.graph.finish()?;
        program.set_initializers(initializers);
        Ok(program)
    }
}

/// The shape of an input, from the options or the file.
fn described(name: &str, ty: &TensorType<'_>, options: &Options) -> Result<(TensorDesc, ElementType)> {
    let at = || format!("input {}", quoted(name));
    let elements = ty.elements.unwrap_or(ElementType::F32);
    let Some(dtype) = stored(elements) else {
        return Err(refused(
            Refusal::Unsupported,
            at(),
            format!("inputs of the type {elements} are not read"),
        ));
    };
    if let Some(shape) = options.shapes.get(name) {
        let fits = ty.dims.as_ref().is_none_or(|dims| {
            let fits = |(dim, given): (&Dim<'_>, &usize)| dim.length().is_none_or(|known| known == *given);
            dims.len() == shape.len() && dims.iter().zip(shape).all(fits)
        });
        if !fits {
            let reason = format!("the file declares {}, but {shape:?} is given", shape_text(ty));
            return Err(refused(Refusal::Shape, at(), reason));
        }
        return Ok((TensorDesc { shape: shape.clone(), dtype }, elements));
    }
    let length = |dim: &Dim<'_>| match dim {
        Dim::Named(name) => options.dims.get(*name).copied(),
        dim => dim.length(),
    };
    let shape: Option<Vec<usize>> = ty.dims.as_ref().and_then(|dims| dims.iter().map(length).collect());
    match shape {
        Some(shape) => Ok((TensorDesc { shape, dtype }, elements)),
        None => {
            let reason = format!("its shape is {}: give the lengths that are open", shape_text(ty));
            Err(refused(Refusal::Shape, at(), reason))
        }
    }
}

/// A shape as a file declares it.
fn shape_text(ty: &TensorType<'_>) -> String {
    ty.axes().unwrap_or_else(|| "not declared".to_owned())
}

impl<'a> Import<'a> {
    fn node(&mut self, node: Node<'a>, customs: &custom::Customs<'a, '_>) -> Result<()> {
        if let Some(operator) = customs.find(&node) {
            return customs.lower(self, node, operator);
        }
        let mut inputs = Vec::new();
        for name in node.inputs() {
            inputs.push(self.items.get(name).cloned());
        }
        while inputs.last().is_some_and(Option::is_none) {
            inputs.pop();
        }
        let known: Option<Vec<Option<&HostTensor<'a>>>> = inputs
            .iter()
            .map(|input| match input {
                None => Some(None),
                Some(Item::Known(constant)) => Some(Some(&constant.tensor)),
                Some(Item::Run(..)) => None,
            })
            .collect();
        let folded = match known {
            Some(known) => fold(&node, &known, self.opset, self.most_bytes / 8)?,
            None => None,
        };
        let outputs: Vec<Item<'a>> = match folded {
            Some(tensors) => {
                for input in inputs.iter().flatten() {
                    if let Item::Known(constant) = input {
                        constant.compute_with();
                    }
                }
                tensors.into_iter().map(Item::known).collect()
            }
            None => {
                let row = table::row(&node)?;
                self.graph.at(node.title());
                let mut call = Call { node, inputs, import: self };
                (row.lower)(&mut call).map_err(|error| in_node(&node, error))?
            }
        };
        for (at, name) in node.outputs().enumerate().filter(|(_, name)| !name.is_empty()) {
            let Some(item) = outputs.get(at) else {
                let reason = format!("its output {} is not supported", quoted(name));
                return Err(node.refused(Refusal::Unsupported, reason));
            };
            self.items.insert(name, item.clone());
        }
        Ok(())
    }
}

/// An error of an operation, as one of the file.
fn in_node(node: &Node<'_>, error: Error) -> Error {
    let error = match error {
        Error::InLayer { source, .. } => *source,
        other => other,
    };
    match error {
        named @ (Error::Network { .. } | Error::OutOfMemory { .. }) => named,
        Error::Layer { reason, .. } => node.refused(Refusal::Limit, reason),
        Error::Type { .. } => node.refused(Refusal::Type, error.to_string()),
        Error::TooLarge { .. } => node.refused(Refusal::Limit, error.to_string()),
        error => node.refused(Refusal::Shape, error.to_string()),
    }
}
