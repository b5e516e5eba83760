//! Lowering: layers become operations with known shapes, joined where two make one.

mod flatten;
mod join;
mod model;
mod reshape;

pub(crate) use reshape::middle;

use std::borrow::Cow;
use std::sync::Arc;

use super::affine::Affine;
use super::layer::{Layer, LayerKind};
use super::program::{Port, Program, Source, Step};
use super::sequential::Sequential;
use super::weight::Weight;
use flatten::Reorder;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::{Activation, Conv, GlobalPool, Layout, Op};
use wgpool::tensor::{DType, Data, Tensor, TensorDesc, checked_elements};

/// The most weights that are made for a layer which has none: a few numbers in a document should not fill the memory.
const MOST_ONES: usize = 1 << 24;

/// An operation whose weights may still be known by their shapes alone.
struct Draft<'a> {
    layers: Vec<&'a str>,
    op: Op,
    input_shape: Vec<usize>,
    weights: Vec<Cow<'a, Weight>>,
    problem: Problem,
    /// Whether the weights are ones, which are made when all else is known.
    ones: bool,
    joins: Joins,
}

/// What the operation behind may take in.
enum Joins {
    Nothing,
    /// Zeros around the spatial axes.
    Zeros {
        before: Vec<usize>,
        after: Vec<usize>,
        layout: Layout,
    },
    /// A scale and shift of the channels.
    Affine {
        affine: Affine,
        layout: Layout,
        shape: Vec<usize>,
    },
}

/// The operations of the layers so far, and the shape of what they give.
pub(super) struct Lowering<'a> {
    model: &'a str,
    input: TensorDesc,
    /// Whether layers may join the operation before them.
    fuse: bool,
    drafts: Vec<Draft<'a>>,
    shape: Vec<usize>,
    /// Set while the elements still await the reordering that a flattened `channels_first` tensor needs.
    reorder: Option<Reorder>,
    /// The layer that set it.
    reorder_by: Option<&'a Layer>,
}

impl<'a> Lowering<'a> {
    pub fn new(model: &'a str, shape: &[usize], fuse: bool) -> Result<Self> {
        check_image(shape)?;
        let (input, shape) = (TensorDesc::f32(shape), shape.to_vec());
        Ok(Lowering { model, input, fuse, drafts: vec![], shape, reorder: None, reorder_by: None })
    }

    /// The shape of the last layer's output.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Adds a layer.
    pub fn push(&mut self, layer: &'a Layer) -> Result<()> {
        self.layer(layer).map_err(|error| match error {
            named @ Error::Layer { .. } => named,
            error => error.in_layer(self.model, &layer.name),
        })
    }

    fn refuse(&self, layer: &Layer, reason: impl Into<String>) -> Error {
        Error::layer(self.model, &layer.name, reason)
    }

    fn layer(&mut self, layer: &'a Layer) -> Result<()> {
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
            return Err(self.refuse(layer, "PReLU takes a slope: it is a layer of its own"));
        }
        match &layer.kind {
            LayerKind::Conv { spec, kernel, bias } => self.conv(layer, spec, kernel, bias.as_ref())?,
            LayerKind::SeparableConv { depthwise, depthwise_kernel, pointwise_kernel, bias, activation } => {
                self.conv(layer, depthwise, depthwise_kernel, None)?;
                let (layout, kernel_layout) = (depthwise.layout, depthwise.kernel_layout);
                let pointwise = Conv::new().layout(layout).kernel_layout(kernel_layout);
                self.conv(layer, &pointwise.activation(*activation), pointwise_kernel, bias.as_ref())?;
            }
            LayerKind::ConvTranspose { spec, kernel, bias } => {
                self.step(layer, Op::from(spec.clone()), weights(Cow::Borrowed(kernel), bias.as_ref()))?;
            }
            LayerKind::Dense { spec, kernel, bias } => self.dense(layer, spec, kernel, bias.as_ref())?,
            LayerKind::Pool(spec) => {
                if spec.indices.is_some() {
                    let reason = "it asks for positions, but a layer has one output";
                    return Err(self.refuse(layer, reason));
                }
                self.step(layer, Op::from(spec.clone()), vec![])?;
            }
            LayerKind::GlobalPool { spec, keepdims } => self.global_pool(layer, *spec, *keepdims)?,
            LayerKind::AdaptivePool(spec) => self.step(layer, Op::from(spec.clone()), vec![])?,
            LayerKind::Activation(activation) => self.activation(layer, *activation)?,
            LayerKind::Relu { max_value, negative_slope } => self.relu(layer, *max_value, *negative_slope)?,
            LayerKind::PRelu { slope } => self.prelu(layer, slope)?,
            LayerKind::Softmax(spec) => self.step(layer, Op::from(*spec), vec![])?,
            LayerKind::Flatten { from } => self.flatten(layer, *from)?,
            LayerKind::Reshape(shape) => self.reshape(shape)?,
            LayerKind::Permute(order) => self.permute(layer, order)?,
            LayerKind::Repeat(times) => self.repeat(layer, *times)?,
            LayerKind::ZeroPad(edges) => self.zero_pad(layer, edges)?,
            LayerKind::Crop(edges) => self.crop(layer, edges)?,
            LayerKind::UpSample { factors, layout } => self.up_sample(layer, factors, *layout)?,
            LayerKind::Resize(resize) => self.resize(layer, resize)?,
            LayerKind::BatchNorm(norm) => {
                self.in_order()?;
                let affine = norm.affine(&self.shape)?;
                self.affine(layer, affine, norm.layout)?;
            }
            LayerKind::Normalization(norm) => {
                self.in_order()?;
                let affine = norm.affine(&self.shape)?;
                self.affine(layer, affine, norm.layout)?;
            }
            LayerKind::Rescale(rescale) => {
                self.in_order()?;
                let affine = rescale.affine(&self.shape)?;
                self.affine(layer, Some(affine), rescale.layout)?;
            }
            LayerKind::Dropout => {}
        }
        if let Some(softmax) = layer.softmax {
            self.step(layer, Op::from(softmax), vec![])?;
        }
        Ok(())
    }

    /// Adds an operation.
    fn step(&mut self, layer: &'a Layer, op: Op, weights: Vec<Cow<'a, Weight>>) -> Result<()> {
        self.add(vec![&layer.name], op, weights, false)
    }

    /// Adds an operation whose weights, of this shape, are ones.
    fn step_of_ones(&mut self, layer: &'a Layer, op: Op, kernel: Vec<usize>) -> Result<()> {
        let elements = kernel.iter().try_fold(1usize, |n, &length| n.checked_mul(length));
        if elements.is_none_or(|n| n > MOST_ONES) {
            let reason =
                format!("its windows and channels {kernel:?} are too large: {MOST_ONES} elements at most");
            return Err(self.refuse(layer, reason));
        }
        self.add(vec![&layer.name], op, vec![Cow::Owned(Weight::Shape(kernel))], true)
    }

    fn add(&mut self, layers: Vec<&'a str>, op: Op, weights: Vec<Cow<'a, Weight>>, ones: bool) -> Result<()> {
        // Elements that lie in another order than Keras' pass through operations that treat all alike.
        let last = self.shape.len() as isize - 1;
        let any_order = match &op {
            Op::Activation(activation) => *activation != Activation::PRelu,
            Op::Dense(_) => true,
            Op::Softmax(s) => s.axis == -1 || s.axis == last,
            _ => false,
        };
        if !any_order {
            self.in_order()?;
        }
        let input_shape = self.shape.clone();
        let problem = problem(&op, &input_shape, &weights)?;
        self.shape = output_shape(&problem)?;
        check_image(&self.shape)?;
        self.drafts.push(Draft { layers, input_shape, problem, op, weights, ones, joins: Joins::Nothing });
        Ok(())
    }

    fn global_pool(&mut self, layer: &'a Layer, spec: GlobalPool, keepdims: bool) -> Result<()> {
        self.step(layer, Op::from(spec), vec![])?;
        if !keepdims {
            let &[batch, second, .., last] = self.shape.as_slice() else { return Ok(()) };
            let channels = if spec.layout == Layout::Nchw { second } else { last };
            self.shape = vec![batch, channels];
        }
        Ok(())
    }

    /// The finished program.
    pub fn finish(mut self) -> Result<Program> {
        self.in_order()?;
        let mut steps: Vec<Step> = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            let name = draft.layers.join("+");
            let mut weights = Vec::with_capacity(draft.weights.len());
            for weight in draft.weights {
                match weight.into_owned() {
                    Weight::Shape(shape) if draft.ones => weights.push(Arc::new(ones(&shape)?)),
                    Weight::Values(tensor) => weights.push(tensor),
                    Weight::Shape(shape) => {
                        let reason = format!(
                            "its weight of shape {shape:?} has no values: the model was read without weights"
                        );
                        return Err(Error::layer(self.model, &name, reason));
                    }
                }
            }
            let from = steps.len().checked_sub(1).map_or(Source::Input(0), Source::step);
            let weights = weights.into_iter().map(Source::Weight);
            let inputs = std::iter::once(from).chain(weights).collect();
            steps.push(Step { name, op: draft.op, inputs, problem: draft.problem });
        }
        Ok(Program {
            name: self.model.to_owned(),
            inputs: vec![Port::new("input", self.input)],
            outputs: vec![Port::new("output", TensorDesc::f32(self.shape))],
            results: vec![steps.len().checked_sub(1).map_or(Source::Input(0), Source::step)],
            steps,
            fusions: Vec::new(),
            model: Sequential::new(self.model, []),
        })
    }
}

/// Checks that one image's elements can be counted, which an empty batch would hide.
fn check_image(shape: &[usize]) -> Result<()> {
    checked_elements("model", shape)?;
    checked_elements("model", shape.get(1..).unwrap_or_default()).map(|_| ())
}

fn weights<'a>(kernel: Cow<'a, Weight>, bias: Option<&'a Weight>) -> Vec<Cow<'a, Weight>> {
    std::iter::once(kernel).chain(bias.map(Cow::Borrowed)).collect()
}

fn ones(shape: &[usize]) -> Result<Tensor> {
    let mut data = Tensor::zeros(shape, DType::F32)?.into_data();
    if let Data::F32(values) = &mut data {
        values.fill(1.0);
    }
    Tensor::new(shape, data)
}

fn problem(op: &Op, input: &[usize], weights: &[Cow<'_, Weight>]) -> Result<Problem> {
    let inputs: Vec<TensorDesc> =
        std::iter::once(TensorDesc::f32(input)).chain(weights.iter().map(|w| w.desc())).collect();
    Problem::new(op, &inputs)
}

fn output_shape(problem: &Problem) -> Result<Vec<usize>> {
    match problem.outputs.as_slice() {
        [output] => Ok(output.shape.clone()),
        outputs => {
            Err(Error::Arity { op: problem.op, expected: "one output of a layer", got: outputs.len() })
        }
    }
}
