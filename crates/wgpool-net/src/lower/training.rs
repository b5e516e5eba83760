//! Lowering for training: weights are inputs of the graph, normalisation takes the batch's statistics, and dropout drops.

use std::collections::BTreeMap;

use super::Lowering;
use crate::affine::BatchNorm;
use crate::axes::{channel_axis, channels};
use crate::dropout::DropoutRate;
use crate::graph::{Graph, Value};
use crate::layer::{Layer, LayerKind, Model};
use crate::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{BatchNormTraining, DropoutMask, RunningVariance};
use wgpool::spec::{BinaryFunction, Elementwise};
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// What the weights of a graph have become.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    /// Whether it is a step of training: else statistics stay what they are, and nothing is dropped.
    pub is_step: bool,
    is_frozen: bool,
    by_name: BTreeMap<String, Value>,
    /// What training changes, in the order of use, `layer/weight`.
    pub parameters: Vec<(String, Value)>,
    /// The parameters' values, of a program; a model has them by their names.
    pub values: Vec<std::sync::Arc<Tensor>>,
    /// Running statistics, and what a step makes of them.
    pub statistics: Vec<Statistic>,
    /// Inputs from which masks of dropout are drawn: what [`DropoutMask`] takes.
    pub masks: Vec<Value>,
}

/// A running mean or variance.
#[derive(Clone, Debug)]
pub(crate) struct Statistic {
    pub name: String,
    pub before: Value,
    pub after: Option<Value>,
}

/// A network whose weights are inputs.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    pub graph: Graph,
    /// The network's own inputs and outputs.
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub weights: Weights,
}

impl Model {
    /// Lowers the model for training, or for the evaluation of what is trained.
    pub(crate) fn trained(&self, batch: usize, is_step: bool) -> Result<Trained> {
        let (mut lowering, inputs) = self.lowering(batch)?;
        lowering.training = Some(Weights { is_step, ..Weights::default() });
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for flow in lowering.outputs(self, "", &inputs)? {
            lowering.x = flow;
            lowering.in_order()?;
            outputs.push(lowering.x.value);
        }
        if let Some((layer, shape)) = lowering.without_values {
            let reason =
                format!("its weight of shape {shape:?} has no values, which a frozen layer must have");
            return Err(Error::layer(&self.name, &layer, reason));
        }
        let inputs = inputs.into_iter().map(|flow| flow.value).collect();
        let weights = lowering.training.unwrap_or_default();
        Ok(Trained { graph: lowering.graph, inputs, outputs, weights })
    }
}

impl Lowering<'_> {
    /// Sets whether weights stay what they are, unless what is around them is frozen, and says whether they did.
    pub(super) fn freeze(&mut self, frozen: bool) -> bool {
        let Some(weights) = &mut self.training else { return true };
        let before = weights.is_frozen;
        weights.is_frozen |= frozen;
        before
    }

    /// Sets whether weights stay what they are.
    pub(super) fn thaw(&mut self, frozen: bool) {
        if let Some(weights) = &mut self.training {
            weights.is_frozen = frozen;
        }
    }

    /// Whether the weights of the layer are inputs.
    pub(super) fn is_trained(&self) -> bool {
        self.training.as_ref().is_some_and(|weights| !weights.is_frozen)
    }

    /// Whether it is a step of training.
    fn is_step(&self) -> bool {
        self.training.as_ref().is_some_and(|weights| weights.is_step)
    }

    /// The input that a weight has become; the same for every call of its layer.
    pub(super) fn trained_weight(&mut self, name: &str, desc: TensorDesc) -> Option<Value> {
        self.is_trained().then(|| self.named_input(name, desc, true).0)
    }

    /// An input for a weight, and whether it is there only now.
    fn named_input(&mut self, name: &str, desc: TensorDesc, is_parameter: bool) -> (Value, bool) {
        let name = format!("{}/{name}", self.layer);
        if let Some(&value) = self.training.as_ref().and_then(|weights| weights.by_name.get(&name)) {
            return (value, false);
        }
        let value = self.graph.input(&name, desc);
        if let Some(weights) = &mut self.training {
            weights.by_name.insert(name.clone(), value);
            if is_parameter {
                weights.parameters.push((name, value));
            }
        }
        (value, true)
    }

    /// Normalisation by the batch, or by the running statistics.
    pub(super) fn trained_norm(&mut self, norm: &BatchNorm) -> Result<()> {
        self.in_order()?;
        let shape = self.shape()?;
        // Refuses what inference does.
        norm.affine(&shape)?;
        let axis = channel_axis(norm.layout, shape.len());
        let of = BatchNormTraining { axis, rank: shape.len(), epsilon: norm.epsilon as f32 };
        let mut each = vec![1; shape.len()];
        if let Some(channel) = each.get_mut(axis) {
            *channel = channels(norm.layout, &shape);
        }
        let x = self.x.value;
        let (mean, is_new) = self.statistic("moving_mean", &norm.mean, &each)?;
        let (variance, _) = self.statistic("moving_variance", &norm.variance, &each)?;
        let (mean, variance) = match self.is_step() {
            false => (mean, variance),
            true => {
                let elements: usize = shape.iter().product::<usize>() / channels(norm.layout, &shape).max(1);
                let of_batch = self.graph.one(of.mean(), &[x])?;
                let squares = self.graph.one(of.centred_squares(), &[x, of_batch])?;
                let spread = self.graph.one(of.mean(), &[squares])?;
                let factor = of.variance_factor(RunningVariance::Biased, elements);
                for (before, batch) in [(mean, of_batch), (variance, spread)] {
                    let share = 1.0 - norm.momentum;
                    let after = self.graph.one(of.running(share, factor), &[before, batch])?;
                    self.after(before, after, is_new)?;
                }
                (of_batch, spread)
            }
        };
        let scale = self.graph.one(of.scale(), &[variance])?;
        let mut y = self.graph.one(of.normalised(), &[x, mean, scale])?;
        let functions = [BinaryFunction::Multiply, BinaryFunction::Add];
        let weights = [("gamma", &norm.gamma), ("beta", &norm.beta)];
        for (function, (name, weight)) in functions.into_iter().zip(weights) {
            if let Some(weight) = weight {
                let weight = self.weight(name, weight);
                let weight = self.graph.reshape(weight, each.clone())?;
                y = self.graph.one(Elementwise::binary(function), &[y, weight])?;
            }
        }
        self.x.value = y;
        Ok(())
    }

    fn statistic(&mut self, name: &str, weight: &Weight, each: &[usize]) -> Result<(Value, bool)> {
        let (before, is_new) = self.named_input(name, weight.desc(), false);
        let name = format!("{}/{name}", self.layer);
        if let Some(weights) = &mut self.training
            && is_new
        {
            weights.statistics.push(Statistic { name, before, after: None });
        }
        // The shape in which the formulas read it.
        Ok((self.graph.reshape(before, each)?, is_new))
    }

    /// What a step makes of a statistic: a layer that is called several times changes it again and again.
    fn after(&mut self, before: Value, after: Value, is_first: bool) -> Result<()> {
        if !is_first {
            let reason = "it normalises the batch in several calls, whose running statistics are not defined";
            return Err(self.refuse(reason));
        }
        let source = self.graph.source(before)?.clone();
        let mut place = None;
        for (at, statistic) in self.training.iter().flat_map(|weights| &weights.statistics).enumerate() {
            if *self.graph.source(statistic.before)? == source {
                place = Some((at, self.graph.desc(statistic.before)?.shape.clone()));
            }
        }
        if let Some((at, shape)) = place {
            let after = self.graph.reshape(after, shape)?;
            if let Some(statistic) = self.training.as_mut().and_then(|weights| weights.statistics.get_mut(at))
            {
                statistic.after = Some(after);
            }
        }
        Ok(())
    }

    /// Elements or channels dropped at random in steps of training.
    pub(super) fn dropout(&mut self, layer: &Layer) -> Result<()> {
        if !self.is_step() {
            return Ok(());
        }
        let DropoutRate { rate, channels: whole } = match layer.kind {
            LayerKind::DropoutRate(rate) => rate,
            _ if layer.class == "Identity" => return Ok(()),
            _ => return Err(self.refuse(format!("{} is not trained with", layer.class))),
        };
        if !(0.0..1.0).contains(&rate) {
            return Err(self.refuse(format!("its rate is {rate}, but it must be from 0 to less than 1")));
        }
        if rate == 0.0 {
            return Ok(());
        }
        self.in_order()?;
        let shape = self.shape()?;
        let mask = match whole {
            None => shape,
            Some(layout) => {
                let axis = channel_axis(layout, shape.len());
                let kept = |(at, &n): (usize, &usize)| if at == 0 || at == axis { n } else { 1 };
                shape.iter().enumerate().map(kept).collect()
            }
        };
        let count = self.training.as_ref().map_or(0, |weights| weights.masks.len());
        let state = TensorDesc { shape: vec![4], dtype: DType::I32 };
        let state = self.graph.input(format!("{}/mask {count}", self.layer), state);
        if let Some(weights) = &mut self.training {
            weights.masks.push(state);
        }
        let mask = self.graph.one(DropoutMask::new(rate, mask), &[state])?;
        self.x.value = self.graph.one(Elementwise::multiply(), &[self.x.value, mask])?;
        Ok(())
    }
}
