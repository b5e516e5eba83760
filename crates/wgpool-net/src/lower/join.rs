//! Layers that join the operation before or behind them.

use std::borrow::Cow;

use super::{Draft, Joins, Lowering, output_shape, problem, weights};
use crate::affine::{self, Affine};
use crate::axes::channels;
use crate::layer::Layer;
use crate::program::free_activation;
use crate::weight::Weight;
use wgpool::error::Result;
use wgpool::spec::{Activation, Conv, Dense, Layout, Op, Padding};

impl<'a> Lowering<'a> {
    /// A convolution, which takes in zeros and a scale of channels that come before it.
    pub(super) fn conv(
        &mut self,
        layer: &'a Layer,
        spec: &Conv,
        kernel: &'a Weight,
        bias: Option<&'a Weight>,
    ) -> Result<()> {
        self.in_order()?;
        let mut spec = spec.clone();
        let mut layers = vec![];
        if let Some(draft) = self.take(|joins, shape| match joins {
            Joins::Zeros { before, after, layout } => {
                *layout == spec.layout && padded(&spec.padding, before, after, shape).is_some()
            }
            _ => false,
        }) && let Joins::Zeros { before, after, .. } = &draft.joins
        {
            spec.padding = padded(&spec.padding, before, after, &self.shape).unwrap_or_default();
            layers = draft.layers;
            self.shape = draft.input_shape;
        }
        let (layout, valid) = (spec.layout, spec.padding == Padding::Valid);
        self.behind_affine(layers, layer, Op::from(spec), Cow::Borrowed(kernel), bias, |joins, shape| {
            matches!(joins, Joins::Affine { affine, layout: l, shape: s }
                if *l == layout && s == shape && (valid || affine.keeps_zero()))
        })
    }

    /// A dense layer, which takes in a scale and shift of its inputs and the order in which they are.
    pub(super) fn dense(
        &mut self,
        layer: &'a Layer,
        spec: &Dense,
        kernel: &'a Weight,
        bias: Option<&'a Weight>,
    ) -> Result<()> {
        let kernel = match self.reorder.take() {
            None => Cow::Borrowed(kernel),
            Some(reorder) => Cow::Owned(reorder.dense_kernel(kernel, spec.kernel_layout)?),
        };
        self.behind_affine(vec![], layer, Op::from(*spec), kernel, bias, |joins, shape| {
            matches!(joins, Joins::Affine { layout, shape: s, .. }
                if s == shape && (*layout == Layout::Nhwc || shape.len() == 2))
        })
    }

    /// Adds an operation, with the scale and shift before it if `takes` says that it takes them.
    fn behind_affine(
        &mut self,
        mut layers: Vec<&'a str>,
        layer: &'a Layer,
        op: Op,
        kernel: Cow<'a, Weight>,
        bias: Option<&'a Weight>,
        takes: impl Fn(&Joins, &[usize]) -> bool,
    ) -> Result<()> {
        let mut inputs = weights(kernel, bias);
        let outputs = output_shape(&problem(&op, &self.shape, &inputs)?)?;
        let outputs = match &op {
            Op::Conv(spec) => channels(spec.layout, &outputs),
            _ => channels(Layout::Nhwc, &outputs),
        };
        let mut folded = None;
        if let [kernel, bias @ ..] = inputs.as_slice()
            && let Some(kernel) = kernel.tensor()
            && bias.iter().all(|bias| bias.tensor().is_some())
            && let Some(Draft { joins: joins @ Joins::Affine { affine, .. }, .. }) = self.drafts.last()
            && takes(joins, &self.shape)
        {
            let bias = bias.first().and_then(|bias| bias.tensor());
            folded = affine.before(&op, kernel, bias, outputs)?;
        }
        if let Some(folded) = folded
            && let Some(draft) = self.take(takes)
        {
            inputs = folded.map(Cow::Owned).into();
            layers.splice(0..0, draft.layers);
        }
        layers.push(&layer.name);
        self.add(layers, op, inputs, false)
    }

    /// The last operation, if layers may be joined and `takes` says so of it and the shape that is reached.
    fn take(&mut self, takes: impl Fn(&Joins, &[usize]) -> bool) -> Option<Draft<'a>> {
        let taken = self.fuse && self.drafts.last().is_some_and(|draft| takes(&draft.joins, &self.shape));
        if taken { self.drafts.pop() } else { None }
    }

    /// Joins the convolution or dense layer before it if that has no activation yet.
    pub(super) fn activation(&mut self, layer: &'a Layer, activation: Activation) -> Result<()> {
        if activation == Activation::None {
            return Ok(());
        }
        if self.fuse
            && let Some(draft) = self.drafts.last_mut()
            && let Some(free) = free_activation(&mut draft.op)
        {
            *free = activation;
            draft.layers.push(&layer.name);
            draft.joins = Joins::Nothing;
            draft.problem = problem(&draft.op, &draft.input_shape, &draft.weights)?;
            return Ok(());
        }
        self.step(layer, Op::from(activation), vec![])
    }

    /// Joins the convolution or dense layer before it if that has no activation yet and the slopes are those of its channels.
    pub(super) fn prelu(&mut self, layer: &'a Layer, slope: &'a Weight) -> Result<()> {
        self.in_order()?;
        let of_channels = |layout: Layout, shape: &[usize]| {
            let mut each = vec![1; shape.len().saturating_sub(1)];
            let axis = if layout == Layout::Nchw { each.first_mut() } else { each.last_mut() };
            if let Some(axis) = axis {
                *axis = channels(layout, shape);
            }
            each
        };
        if self.fuse
            && let Some(draft) = self.drafts.last_mut()
            && output_shape(&draft.problem)? == self.shape
            && slope.shape() == of_channels(layout_of(&draft.op), &self.shape)
            && let Some(free) = free_activation(&mut draft.op)
        {
            *free = Activation::PRelu;
            draft.layers.push(&layer.name);
            draft.joins = Joins::Nothing;
            let elements = vec![channels(layout_of(&draft.op), &self.shape)];
            draft.weights.push(Cow::Owned(match slope.tensor() {
                Some(tensor) => tensor.clone().reshaped(&elements)?.into(),
                None => Weight::Shape(elements),
            }));
            draft.problem = problem(&draft.op, &draft.input_shape, &draft.weights)?;
            return Ok(());
        }
        self.step(layer, Op::from(Activation::PRelu), vec![Cow::Borrowed(slope)])
    }

    /// `min(x, max)` where `x` is not negative, else `slope * x`.
    pub(super) fn relu(&mut self, layer: &'a Layer, max: Option<f32>, slope: f32) -> Result<()> {
        let below = if slope == 0.0 { Activation::Relu } else { Activation::LeakyRelu { alpha: slope } };
        let all = |scale: f32, shift: f32, shape: &[usize]| {
            let channels = channels(Layout::Nhwc, shape);
            Affine { scale: vec![f64::from(scale); channels], shift: vec![f64::from(shift); channels] }
        };
        match max {
            None => self.activation(layer, below),
            Some(6.0) if slope == 0.0 => self.activation(layer, Activation::Relu6),
            // The scale joins the layer behind.
            Some(max) if slope == 0.0 => {
                self.activation(layer, Activation::HardSigmoid { alpha: 1.0 / max, beta: 0.0 })?;
                self.affine(layer, Some(all(max, 0.0, &self.shape)), Layout::Nhwc)
            }
            // max - relu(max - x)
            Some(max) => {
                self.activation(layer, below)?;
                self.affine(layer, Some(all(-1.0, max, &self.shape)), Layout::Nhwc)?;
                self.activation(layer, Activation::Relu)?;
                self.affine(layer, Some(all(-1.0, max, &self.shape)), Layout::Nhwc)
            }
        }
    }

    /// Scales and shifts channels. Folds into the convolution or dense layer before it if that has no activation yet
    /// and its channels are those.
    pub(super) fn affine(&mut self, layer: &'a Layer, affine: Option<Affine>, layout: Layout) -> Result<()> {
        if self.fuse
            && let Some(affine) = &affine
            && self.fold(layer, affine, layout)?
        {
            return Ok(());
        }
        let channels = channels(layout, &self.shape);
        let Some((&batch, rest)) = self.shape.split_first() else { return Ok(()) };
        let space = rest.iter().product::<usize>() / channels.max(1);
        let reshaped = match layout {
            Layout::Nchw => vec![batch, channels, space],
            Layout::Nhwc => vec![batch, space, channels],
        };
        let shape = std::mem::replace(&mut self.shape, reshaped);
        let (spec, weights) = affine::alone(affine.as_ref(), layout, channels)?;
        self.step(layer, Op::from(spec), weights.map(Cow::Owned).into())?;
        self.shape.clone_from(&shape);
        if let (Some(draft), Some(affine)) = (self.drafts.last_mut(), affine) {
            draft.joins = Joins::Affine { affine, layout, shape };
        }
        Ok(())
    }

    fn fold(&mut self, layer: &'a Layer, affine: &Affine, layout: Layout) -> Result<bool> {
        let Some(draft) = self.drafts.last_mut() else { return Ok(false) };
        if free_activation(&mut draft.op).is_none() {
            return Ok(false);
        }
        let (Some(kernel), bias) =
            (draft.weights.first().and_then(|w| w.tensor()), draft.weights.get(1).and_then(|w| w.tensor()))
        else {
            return Ok(false);
        };
        // After a reshape the axis that is scaled may be another than the channels of the operation.
        let channels_are_outputs = layout_of(&draft.op) == layout || self.shape.len() == 2;
        if !channels_are_outputs || output_shape(&draft.problem)? != self.shape {
            return Ok(false);
        }
        let Some(folded) = affine.after(&draft.op, kernel, bias)? else { return Ok(false) };
        draft.weights = folded.map(Cow::Owned).into();
        draft.joins = Joins::Nothing;
        draft.layers.push(&layer.name);
        draft.problem = problem(&draft.op, &draft.input_shape, &draft.weights)?;
        Ok(true)
    }
}

/// Where the channels of an operation's output lie.
fn layout_of(op: &Op) -> Layout {
    match op {
        Op::Conv(spec) => spec.layout,
        Op::ConvTranspose(spec) => spec.layout,
        _ => Layout::Nhwc,
    }
}

/// A convolution's padding with zeros around its input too; `None` where they depend on each other.
fn padded(own: &Padding, before: &[usize], after: &[usize], shape: &[usize]) -> Option<Padding> {
    let rank = shape.len().checked_sub(2)?;
    let each = |numbers: &[usize]| match numbers {
        &[one] => vec![one; rank],
        each => each.to_vec(),
    };
    let sum =
        |a: &[usize], b: &[usize]| a.iter().zip(b).map(|(a, b)| a.checked_add(*b)).collect::<Option<_>>();
    match own {
        Padding::Valid => Some(Padding::Explicit { before: before.to_vec(), after: after.to_vec() }),
        Padding::Explicit { before: b, after: a } => {
            Some(Padding::Explicit { before: sum(&each(b), before)?, after: sum(&each(a), after)? })
        }
        _ => None,
    }
}
