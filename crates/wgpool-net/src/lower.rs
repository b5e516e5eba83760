//! Lowering: layers become operations with known shapes, joined where two make one.

use std::borrow::Cow;

use super::batch_norm::BatchNorm;
use super::flatten::Reorder;
use super::layer::{Layer, LayerKind};
use super::program::{Program, Step};
use super::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::{Activation, DenseLayout, GlobalPool, KernelLayout, Layout, Op};
use wgpool::tensor::{TensorDesc, checked_elements};

/// An operation whose weights may still be known by their shapes alone.
struct Draft<'a> {
    layers: Vec<&'a str>,
    op: Op,
    input_shape: Vec<usize>,
    weights: Vec<Cow<'a, Weight>>,
    problem: Problem,
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
    reorder_by: &'a str,
}

impl<'a> Lowering<'a> {
    pub fn new(model: &'a str, shape: &[usize], fuse: bool) -> Result<Self> {
        check_image(shape)?;
        let (input, shape) = (TensorDesc::f32(shape), shape.to_vec());
        Ok(Lowering { model, input, fuse, drafts: vec![], shape, reorder: None, reorder_by: "" })
    }

    /// The shape of the last layer's output.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The reordering that the last layer's output still awaits, which the caller takes on itself.
    pub fn take_reorder(&mut self) -> Option<Reorder> {
        self.reorder.take()
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
            LayerKind::Dense { spec, .. } => spec.activation,
            LayerKind::Activation(activation) => *activation,
            _ => Activation::None,
        };
        if activation == Activation::PRelu {
            // A bias would be taken for it.
            return Err(self.refuse(layer, "PReLU takes a slope, which layers do not have"));
        }
        match &layer.kind {
            LayerKind::Conv { spec, kernel, bias } => {
                self.step(layer, Op::from(spec.clone()), weights(Cow::Borrowed(kernel), bias))?;
            }
            LayerKind::Dense { spec, kernel, bias } => {
                let kernel = match self.reorder.take() {
                    None => Cow::Borrowed(kernel),
                    Some(reorder) => Cow::Owned(reorder.dense_kernel(kernel, spec.kernel_layout)?),
                };
                self.step(layer, Op::from(*spec), weights(kernel, bias))?;
            }
            LayerKind::Pool(spec) => {
                if let Some(indices) = spec.indices {
                    let reason = format!("it asks for positions ({indices:?}), but a layer has one output");
                    return Err(self.refuse(layer, reason));
                }
                self.step(layer, Op::from(spec.clone()), vec![])?;
            }
            LayerKind::GlobalPool { spec, keepdims } => self.global_pool(layer, *spec, *keepdims)?,
            LayerKind::Activation(activation) => self.activation(layer, *activation)?,
            LayerKind::Softmax(spec) => self.step(layer, Op::from(*spec), vec![])?,
            LayerKind::Flatten { from } => {
                if *from == Layout::Nchw && self.reorder.is_none() {
                    self.reorder = Reorder::of(&self.shape);
                    self.reorder_by = &layer.name;
                }
                let (batch, rest) = self.shape.split_first().unwrap_or((&1, &[]));
                self.shape = vec![*batch, rest.iter().product()];
            }
            LayerKind::BatchNorm(norm) => self.batch_norm(layer, norm)?,
            LayerKind::Dropout => {}
        }
        if let Some(softmax) = layer.softmax {
            self.step(layer, Op::from(softmax), vec![])?;
        }
        Ok(())
    }

    /// Adds an operation.
    fn step(&mut self, layer: &'a Layer, op: Op, weights: Vec<Cow<'a, Weight>>) -> Result<()> {
        // Elements that lie in another order than Keras' pass through operations that treat all alike.
        if self.reorder.is_some() && !matches!(op, Op::Activation(_)) {
            let last = self.shape.len() as isize - 1;
            if !matches!(&op, Op::Softmax(s) if s.axis == -1 || s.axis == last) {
                let reason =
                    "it reads a flattened channels_first tensor, which only a dense layer or softmax can";
                return Err(self.refuse(layer, reason));
            }
        }
        let draft = Draft {
            layers: vec![&layer.name],
            input_shape: self.shape.clone(),
            problem: problem(&op, &self.shape, &weights)?,
            op,
            weights,
        };
        self.shape = output_shape(&draft.problem)?;
        check_image(&self.shape)?;
        self.drafts.push(draft);
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

    /// Joins the convolution or dense layer before it if that has no activation yet.
    fn activation(&mut self, layer: &'a Layer, activation: Activation) -> Result<()> {
        if activation == Activation::None {
            return Ok(());
        }
        if self.fuse
            && let Some(draft) = self.drafts.last_mut()
            && let Some(free) = free_activation(&mut draft.op)
        {
            *free = activation;
            draft.layers.push(&layer.name);
            draft.problem = problem(&draft.op, &draft.input_shape, &draft.weights)?;
            return Ok(());
        }
        self.step(layer, Op::from(activation), vec![])
    }

    /// Folds into the convolution or dense layer before it if that has no activation yet and its channels are
    /// those that are normalised.
    fn batch_norm(&mut self, layer: &'a Layer, norm: &'a BatchNorm) -> Result<()> {
        if self.fuse && self.reorder.is_none() && self.fold(layer, norm)? {
            return Ok(());
        }
        let (spec, reshaped, [scale, shift]) = norm.alone(&self.shape)?;
        let shape = std::mem::replace(&mut self.shape, reshaped);
        self.step(layer, Op::from(spec), vec![Cow::Owned(scale), Cow::Owned(shift)])?;
        self.shape = shape;
        Ok(())
    }

    fn fold(&mut self, layer: &'a Layer, norm: &'a BatchNorm) -> Result<bool> {
        let Some(draft) = self.drafts.last_mut() else { return Ok(false) };
        let (Some(affine), Some(_)) = (norm.affine()?, free_activation(&mut draft.op)) else {
            return Ok(false);
        };
        let (Some(kernel), bias) =
            (draft.weights.first().and_then(|w| w.tensor()), draft.weights.get(1).and_then(|w| w.tensor()))
        else {
            return Ok(false);
        };
        // After a reshape the axis that is normalised may be another than the channels of the operation.
        if output_shape(&draft.problem)? != self.shape {
            return Ok(false);
        }
        let axis = if norm.layout == Layout::Nchw { 1 } else { self.shape.len() - 1 };
        if self.shape.get(axis) != Some(&norm.channels()?) {
            return Ok(false);
        }
        let (kernel, bias) = match &draft.op {
            Op::Conv(spec) if spec.layout == norm.layout => {
                affine.fold(kernel, bias, spec.kernel_layout == KernelLayout::Hwio)?
            }
            Op::Dense(spec) if axis == self.shape.len() - 1 => {
                affine.fold(kernel, bias, spec.kernel_layout == DenseLayout::InOut)?
            }
            _ => return Ok(false),
        };
        draft.weights = vec![Cow::Owned(kernel.into()), Cow::Owned(bias.into())];
        draft.layers.push(&layer.name);
        draft.problem = problem(&draft.op, &draft.input_shape, &draft.weights)?;
        Ok(true)
    }

    /// The finished program.
    pub fn finish(self) -> Result<Program> {
        if self.reorder.is_some() {
            let reason = "it flattens a channels_first tensor, which needs a dense layer somewhere behind it";
            return Err(Error::layer(self.model, self.reorder_by, reason));
        }
        let mut steps: Vec<Step> = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            let name = draft.layers.join("+");
            let mut weights = Vec::with_capacity(draft.weights.len());
            for weight in draft.weights {
                match weight.into_owned() {
                    Weight::Values(tensor) => weights.push(tensor),
                    Weight::Shape(shape) => {
                        let reason = format!(
                            "its weight of shape {shape:?} has no values: the model was read without weights"
                        );
                        return Err(Error::layer(self.model, &name, reason));
                    }
                }
            }
            let Draft { op, input_shape, problem, .. } = Draft { weights: vec![], ..draft };
            steps.push(Step { name, op, input_shape, weights, problem });
        }
        let output = TensorDesc::f32(self.shape);
        Ok(Program { name: self.model.to_owned(), input: self.input, output, steps })
    }
}

/// Checks that one image's elements can be counted, which an empty batch would hide.
fn check_image(shape: &[usize]) -> Result<()> {
    checked_elements("model", shape)?;
    checked_elements("model", shape.get(1..).unwrap_or_default()).map(|_| ())
}

fn weights<'a>(kernel: Cow<'a, Weight>, bias: &'a Option<Weight>) -> Vec<Cow<'a, Weight>> {
    std::iter::once(kernel).chain(bias.iter().map(Cow::Borrowed)).collect()
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

/// The activation of an operation that has one to set and has not set it.
fn free_activation(op: &mut Op) -> Option<&mut Activation> {
    let activation = match op {
        Op::Conv(spec) => &mut spec.activation,
        Op::Dense(spec) => &mut spec.activation,
        _ => return None,
    };
    (*activation == Activation::None).then_some(activation)
}
