//! Lowering: layers become operations with known shapes, each by itself. [`Program::joined`](crate::Program) joins them where
//! two make one.

mod flatten;
mod merge;
mod model;
mod reshape;
mod scaling;
#[cfg(feature = "training")]
pub(crate) mod training;
#[cfg(not(feature = "training"))]
mod untrained;

pub(crate) use model::{MOST_LAYERS, call_shapes, shapes_behind};
pub(crate) use reshape::middle;

use super::graph::{Graph, Value};
use super::layer::{Layer, LayerKind, Model, Origin};
use super::weight::Weight;
use flatten::Reorder;
use wgpool::error::{Error, Result};
use wgpool::spec::{Activation, Conv, GlobalPool, Layout, Op};
use wgpool::tensor::{TensorDesc, checked_elements};

/// A tensor between layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    value: Value,
    /// Set while the elements still await the reordering that a flattened `channels_first` tensor needs.
    reorder: Option<Reorder>,
}

impl From<Value> for Flow {
    fn from(value: Value) -> Flow {
        Flow { value, reorder: None }
    }
}

/// The graph of the layers so far.
pub(super) struct Lowering<'a> {
    model: &'a str,
    graph: Graph,
    /// The path of the layer that is lowered.
    layer: String,
    /// What that has come to.
    x: Flow,
    /// The first layer with a weight without values, and its shape.
    without_values: Option<(String, Vec<usize>)>,
    /// Set where weights are inputs.
    #[cfg(feature = "training")]
    training: Option<training::Weights>,
}

impl<'a> Lowering<'a> {
    /// With inputs of these shapes, given with their batch.
    pub fn new(
        model: &'a str,
        inputs: impl IntoIterator<Item = (String, Vec<usize>)>,
    ) -> Result<(Self, Vec<Flow>)> {
        let mut graph = Graph::new(model);
        let mut flows: Vec<Flow> = Vec::new();
        for (name, shape) in inputs {
            check_image(&shape)?;
            flows.push(graph.input(name, TensorDesc::f32(shape)).into());
        }
        let Some(&x) = flows.first() else {
            return Err(Error::document("model", format!("{model} has no input")));
        };
        let lowering = Lowering {
            model,
            graph,
            layer: String::new(),
            x,
            without_values: None,
            #[cfg(feature = "training")]
            training: None,
        };
        Ok((lowering, flows))
    }

    /// All calls of a model, each with its outputs. `path` stands before the names of its layers.
    fn calls(&mut self, model: &Model, path: &str, inputs: &[Flow]) -> Result<Vec<Vec<Flow>>> {
        let mut made: Vec<Vec<Flow>> = Vec::with_capacity(model.calls.len());
        for call in &model.calls {
            let Some(layer) = model.layers.get(call.layer) else {
                let (at, of) = (call.layer, model.layers.len());
                return Err(Error::document("model", format!("it calls layer {at}, but has {of}")));
            };
            let name = format!("{path}{}", layer.name);
            let mut read = Vec::with_capacity(call.inputs.len());
            for origin in &call.inputs {
                let flow = found(origin, inputs, &made);
                read.push(
                    flow.ok_or_else(|| Error::layer(self.model, &name, format!("it {}", absent(origin))))?,
                );
            }
            made.push(self.call(layer, name, &read)?);
        }
        Ok(made)
    }

    /// The outputs of a model.
    fn outputs(&mut self, model: &Model, path: &str, inputs: &[Flow]) -> Result<Vec<Flow>> {
        let made = self.calls(model, path, inputs)?;
        let output = |(name, origin): &(String, Origin)| {
            let reason = || format!("output {name} {}", absent(origin));
            found(origin, inputs, &made).ok_or_else(|| Error::document("model", reason()))
        };
        model.outputs.iter().map(output).collect()
    }

    /// What a layer makes of tensors.
    pub fn call(&mut self, layer: &Layer, name: String, inputs: &[Flow]) -> Result<Vec<Flow>> {
        self.graph.at(name.as_str());
        self.layer = name;
        let given = inputs.len();
        let refuse = |this: &Self, takes: &str| {
            Err(this.refuse(format!("{} takes {takes}, but {given} are given", layer.class)))
        };
        match (&layer.kind, inputs) {
            (LayerKind::Model(inner), _) if inner.inputs.len() != given => {
                refuse(self, &format!("{} inputs", inner.inputs.len()))
            }
            (LayerKind::Model(inner), _) => {
                let path = format!("{}/", self.layer);
                let frozen = self.freeze(!layer.trainable);
                let outputs = self.outputs(inner, &path, inputs);
                self.thaw(frozen);
                outputs
            }
            (LayerKind::Merge(merge), _) => {
                if let Some(takes) = merge.refuses(given) {
                    return refuse(self, takes);
                }
                let merged = self.merge(*merge, inputs);
                merged.map_err(|error| self.named(error))?;
                Ok(vec![self.x])
            }
            (_, &[x]) => {
                self.x = x;
                let frozen = self.freeze(!layer.trainable);
                let lowered = self.single(layer);
                self.thaw(frozen);
                lowered.map_err(|error| self.named(error))?;
                Ok(vec![self.x])
            }
            _ => refuse(self, "one input"),
        }
    }

    fn named(&self, error: Error) -> Error {
        match error {
            named @ (Error::Layer { .. } | Error::InLayer { .. }) => named,
            error => error.in_layer(self.model, &self.layer),
        }
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::layer(self.model, &self.layer, reason)
    }

    /// Shape and type of what a layer has come to.
    pub fn shape_of(&self, flow: Flow) -> Result<&[usize]> {
        self.graph.desc(flow.value).map(|desc| desc.shape.as_slice())
    }

    fn shape(&self) -> Result<Vec<usize>> {
        self.shape_of(self.x).map(<[usize]>::to_vec)
    }

    /// The same elements under another shape.
    fn set_shape(&mut self, shape: impl Into<Vec<usize>>) -> Result<()> {
        self.x.value = self.graph.reshape(self.x.value, shape)?;
        Ok(())
    }

    /// A layer that reads one tensor.
    fn single(&mut self, layer: &Layer) -> Result<()> {
        let activation = match &layer.kind {
            LayerKind::Conv { spec, .. } => spec.activation,
            LayerKind::ConvTranspose { spec, .. } => spec.activation,
            LayerKind::SeparableConv { activation, .. } => *activation,
            LayerKind::Dense { spec, .. } => spec.activation,
            LayerKind::Activation(activation) => *activation,
            _ => Activation::None,
        };
        if activation == Activation::PRelu {
            // A bias would be taken for it.
            return Err(self.refuse("PReLU takes a slope: it is a layer of its own"));
        }
        match &layer.kind {
            LayerKind::Conv { spec, kernel, bias } => {
                self.weighted(spec.clone(), ("kernel", kernel), bias.as_ref())?
            }
            LayerKind::SeparableConv { depthwise, depthwise_kernel, pointwise_kernel, bias, activation } => {
                self.weighted(depthwise.clone(), ("depthwise_kernel", depthwise_kernel), None)?;
                let (layout, kernel_layout) = (depthwise.layout, depthwise.kernel_layout);
                let pointwise = Conv::new().layout(layout).kernel_layout(kernel_layout);
                let pointwise = pointwise.activation(*activation);
                self.weighted(pointwise, ("pointwise_kernel", pointwise_kernel), bias.as_ref())?;
            }
            LayerKind::ConvTranspose { spec, kernel, bias } => {
                self.weighted(spec.clone(), ("kernel", kernel), bias.as_ref())?;
            }
            LayerKind::Dense { spec, kernel, bias } => {
                if self.is_trained() {
                    // The kernel's rows stay where they are.
                    self.in_order()?;
                }
                match self.x.reorder.take() {
                    None => self.weighted(*spec, ("kernel", kernel), bias.as_ref())?,
                    Some(reorder) => {
                        let kernel = reorder.dense_kernel(kernel, spec.kernel_layout)?;
                        self.weighted(*spec, ("kernel", &kernel), bias.as_ref())?;
                    }
                }
            }
            LayerKind::Pool(spec) if spec.indices.is_some() => {
                return Err(self.refuse("it asks for positions, but a layer has one output"));
            }
            LayerKind::Pool(spec) => self.step(spec.clone(), &[])?,
            LayerKind::GlobalPool { spec, keepdims } => self.global_pool(*spec, *keepdims)?,
            LayerKind::AdaptivePool(spec) => self.step(spec.clone(), &[])?,
            LayerKind::Activation(activation) => self.activation(*activation)?,
            LayerKind::Relu { max_value, negative_slope } => self.relu(*max_value, *negative_slope)?,
            LayerKind::PRelu { slope } => {
                let slope = self.weight("alpha", slope);
                self.step(Activation::PRelu, &[slope])?;
            }
            LayerKind::Softmax(spec) => self.step(*spec, &[])?,
            LayerKind::Flatten { from } => self.flatten(*from)?,
            LayerKind::Reshape(shape) => self.reshape(shape)?,
            LayerKind::Permute(order) => self.permute(order)?,
            LayerKind::Repeat(times) => self.repeat(*times)?,
            LayerKind::ZeroPad(edges) => self.zero_pad(edges)?,
            LayerKind::Crop(edges) => self.crop(edges)?,
            LayerKind::UpSample { factors, layout } => self.up_sample(factors, *layout)?,
            LayerKind::Resize(resize) => self.resize(resize)?,
            #[cfg(feature = "training")]
            LayerKind::BatchNorm(norm) if self.is_trained() => self.trained_norm(norm)?,
            LayerKind::BatchNorm(norm) => {
                let affine = norm.affine(&self.shape()?)?;
                self.affine(affine, norm.layout)?;
            }
            LayerKind::Normalization(norm) => {
                let affine = norm.affine(&self.shape()?)?;
                self.affine(affine, norm.layout)?;
            }
            LayerKind::Rescale(rescale) => {
                let affine = rescale.affine(&self.shape()?)?;
                self.affine(Some(affine), rescale.layout)?;
            }
            // Those of several tensors are lowered before.
            LayerKind::Dropout | LayerKind::DropoutRate(_) => self.dropout(layer)?,
            LayerKind::Merge(_) | LayerKind::Model(_) => {}
        }
        match layer.softmax {
            Some(softmax) => self.step(softmax, &[]),
            None => Ok(()),
        }
    }

    /// An operation with a kernel and perhaps a bias.
    fn weighted(
        &mut self,
        op: impl Into<Op>,
        (name, kernel): (&'static str, &Weight),
        bias: Option<&Weight>,
    ) -> Result<()> {
        let mut weights = vec![self.weight(name, kernel)];
        weights.extend(bias.map(|bias| self.weight("bias", bias)));
        self.step(op, &weights)
    }

    /// A weight, by its name in the layer; of one that is known by its shape alone an input, which no finished program has.
    #[cfg_attr(not(feature = "training"), allow(unused_variables, reason = "only training names weights"))]
    fn weight(&mut self, name: &'static str, weight: &Weight) -> Value {
        #[cfg(feature = "training")]
        if let Some(value) = self.trained_weight(name, weight.desc()) {
            return value;
        }
        self.constant(weight)
    }

    /// A weight that is no input of training.
    fn constant(&mut self, weight: &Weight) -> Value {
        match weight {
            Weight::Values(tensor) => self.graph.constant(tensor.clone()),
            Weight::Shape(shape) => {
                if self.without_values.is_none() {
                    self.without_values = Some((self.layer.clone(), shape.clone()));
                }
                self.graph.input("weight", TensorDesc::f32(shape.clone()))
            }
        }
    }

    /// Adds an operation.
    fn step(&mut self, op: impl Into<Op>, weights: &[Value]) -> Result<()> {
        let op = op.into();
        // Elements that lie in another order than Keras' pass through operations that treat all alike.
        let last = self.shape_of(self.x)?.len() as isize - 1;
        let any_order = match &op {
            Op::Activation(activation) => *activation != Activation::PRelu,
            Op::Dense(_) => true,
            Op::Softmax(s) => s.axis == -1 || s.axis == last,
            _ => false,
        };
        if !any_order {
            self.in_order()?;
        }
        let inputs: Vec<Value> = std::iter::once(self.x.value).chain(weights.iter().copied()).collect();
        self.x.value = self.graph.one(op, &inputs)?;
        check_image(self.shape_of(self.x)?)
    }

    fn global_pool(&mut self, spec: GlobalPool, keepdims: bool) -> Result<()> {
        self.step(spec, &[])?;
        if let (false, &[batch, second, .., last]) = (keepdims, self.shape()?.as_slice()) {
            self.set_shape([batch, if spec.layout == Layout::Nchw { second } else { last }])?;
        }
        Ok(())
    }

    fn activation(&mut self, activation: Activation) -> Result<()> {
        if activation == Activation::None { Ok(()) } else { self.step(activation, &[]) }
    }
}

/// Where a call or output finds what it reads.
fn found(origin: &Origin, inputs: &[Flow], made: &[Vec<Flow>]) -> Option<Flow> {
    match origin {
        Origin::Input(input) => inputs.get(*input).copied(),
        Origin::Call { call, output } => made.get(*call)?.get(*output).copied(),
    }
}

/// That it does not.
pub(crate) fn absent(origin: &Origin) -> String {
    match origin {
        Origin::Input(input) => format!("reads input {input}, which there is not"),
        Origin::Call { call, output } => {
            format!("reads output {output} of call {call}, which no call before it gives")
        }
    }
}

/// Checks that one image's elements can be counted, which an empty batch would hide.
fn check_image(shape: &[usize]) -> Result<()> {
    checked_elements("model", shape)?;
    checked_elements("model", shape.get(1..).unwrap_or_default()).map(|_| ())
}
