//! Models put together, and their weights by name.

use super::layer::{Call, Input, Layer, LayerKind, Model, Origin};
use super::slots::{check_shape, each_layer, slots};
use wgpool::error::{Error, Result};
use wgpool::spec::Accuracy;
use wgpool::tensor::{DType, Tensor};

/// How many numbers a model has learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameters {
    /// Those that training changes.
    pub trainable: u64,
    /// Those that it does not: frozen layers and the moving statistics of batch normalisation.
    pub non_trainable: u64,
}

impl Parameters {
    /// Both kinds.
    pub fn total(&self) -> u64 {
        self.trainable.saturating_add(self.non_trainable)
    }
}

impl Layer {
    /// How many numbers the layer has learnt.
    pub fn parameters(&self) -> Parameters {
        if let LayerKind::Model(inner) = &self.kind {
            let Parameters { trainable, non_trainable } = inner.parameters();
            return match self.trainable {
                true => Parameters { trainable, non_trainable },
                false => Parameters { trainable: 0, non_trainable: trainable.saturating_add(non_trainable) },
            };
        }
        let (trainable, fixed) = self.weights();
        let sum =
            |weights: &[&super::Weight]| weights.iter().fold(0u64, |n, w| n.saturating_add(w.elements()));
        // Keras counts how often a normalisation was adapted.
        let count = u64::from(matches!(self.kind, LayerKind::Normalization(_)));
        Parameters { trainable: sum(&trainable), non_trainable: sum(&fixed).saturating_add(count) }
    }
}

impl Model {
    /// A model without layers, for inputs of a shape given without its batch: [`Model::layer`] adds a row of them.
    pub fn new(name: impl Into<String>, input: impl Into<Vec<usize>>) -> Self {
        let mut model = Model::branched(name);
        let input = model.input("input", input);
        model.output("output", input);
        model
    }

    /// A model without inputs, layers and outputs.
    pub fn branched(name: impl Into<String>) -> Self {
        Model { name: name.into(), inputs: vec![], layers: vec![], calls: vec![], outputs: vec![] }
    }

    /// Adds a layer that reads what the last one of the row gives; its memory order is that of its own specification.
    pub fn layer(mut self, name: impl Into<String>, kind: LayerKind) -> Self {
        let layer = self.add(name, kind);
        self.append(layer);
        self
    }

    /// Calls a layer on the first output, which becomes what the layer gives.
    pub(super) fn append(&mut self, layer: usize) {
        let before: Vec<Origin> = self.outputs.first().map(|(_, origin)| *origin).into_iter().collect();
        let made = self.call(layer, &before);
        if let Some((_, output)) = self.outputs.first_mut() {
            *output = made;
        }
    }

    /// Adds an input, of a shape without the batch.
    pub fn input(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Origin {
        self.inputs.push(Input { name: name.into(), shape: shape.into(), place: self.layers.len() });
        Origin::Input(self.inputs.len() - 1)
    }

    /// Adds a layer that nothing calls yet, and gives its place.
    pub fn add(&mut self, name: impl Into<String>, kind: LayerKind) -> usize {
        let rank = self.inputs.first().map_or(0, |input| input.shape.len().saturating_sub(1));
        let class = kind.class(rank);
        self.layers.push(Layer { name: name.into(), class, trainable: true, kind, softmax: None });
        self.layers.len() - 1
    }

    /// Calls a layer, and gives its first output.
    pub fn call(&mut self, layer: usize, inputs: &[Origin]) -> Origin {
        self.calls.push(Call { layer, inputs: inputs.to_vec() });
        Origin::Call { call: self.calls.len() - 1, output: 0 }
    }

    /// Makes a tensor an output.
    pub fn output(&mut self, name: impl Into<String>, origin: Origin) {
        self.outputs.push((name.into(), origin));
    }

    /// How many layers are computed in all, those of models that are layers too.
    pub(super) fn size(&self) -> usize {
        let size = |layer: &Layer| if let LayerKind::Model(inner) = &layer.kind { inner.size() } else { 1 };
        let sizes: Vec<usize> = self.layers.iter().map(size).collect();
        let of_call = |call: &Call| sizes.get(call.layer).copied().unwrap_or(0);
        self.calls.iter().map(of_call).fold(0, usize::saturating_add)
    }

    /// Sets which error the results of all convolutions may have.
    ///
    /// ```no_run
    /// use wgpool::{Accuracy, Op};
    /// use wgpool_net::keras;
    /// let model = keras::load("data/mnist/config.json", Some("data/mnist/weights.safetensors".as_ref()))?;
    /// let program = model.accuracy(Accuracy::Tile).program(1)?;
    /// assert!(program.steps.iter().any(|step| matches!(step.op(), Some(Op::Conv(c)) if c.accuracy == Accuracy::Tile)));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        for layer in &mut self.layers {
            match &mut layer.kind {
                LayerKind::Conv { spec, .. } | LayerKind::SeparableConv { depthwise: spec, .. } => {
                    spec.accuracy = accuracy;
                }
                LayerKind::Model(inner) => **inner = std::mem::take(&mut **inner).accuracy(accuracy),
                _ => {}
            }
        }
        self
    }

    /// Every weight with its name, `layer/weight`, in Keras' order and shapes; in a model that is a layer, `model/layer/weight`.
    ///
    /// # Errors
    /// [`Error::Layer`] if the model was read without weights.
    pub fn weights(&self) -> Result<Vec<(String, Tensor)>> {
        let mut weights = Vec::new();
        each_layer(&mut self.clone(), &mut |path, layer| {
            for slot in slots(layer) {
                weights.push((format!("{path}/{}", slot.name), slot.value(&self.name, path)?));
            }
            Ok(())
        })?;
        Ok(weights)
    }

    /// Sets weights by their names, `layer/weight` as in [`Model::weights`]; all others stay what they are. A session takes
    /// them in the same way: [`Session::set_weights_async`](crate::Session::set_weights_async).
    ///
    /// # Errors
    /// [`Error::Layer`] for a layer or a weight that there is not, with those there are, and for another shape or type, with
    /// both; nothing has changed then.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Model};
    /// use wgpool::{Dense, Tensor};
    /// let kernel = Tensor::from_f32(&[2, 1], vec![1., 10.])?;
    /// let mut model = Model::new("tiny", [2])
    ///     .layer("sum", LayerKind::Dense { spec: Dense::new(), kernel: kernel.into(), bias: None });
    /// model.set_weights([("sum/kernel", Tensor::from_f32(&[2, 1], vec![3., 5.])?)])?;
    /// assert_eq!(model.weights()?[0].1.as_f32()?, [3., 5.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn set_weights<N: AsRef<str>>(
        &mut self,
        weights: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<()> {
        let mut changed = self.clone();
        for (name, weight) in weights {
            changed.set_weight(name.as_ref(), weight)?;
        }
        *self = changed;
        Ok(())
    }

    fn set_weight(&mut self, name: &str, weight: Tensor) -> Result<()> {
        let (wanted_layer, wanted) = name.rsplit_once('/').unwrap_or((name, ""));
        let (model, mut weight) = (self.name.clone(), Some(weight));
        let (mut paths, mut is_there) = (Vec::new(), false);
        each_layer(self, &mut |path, layer| {
            paths.push(path.to_owned());
            // A name may hold a stroke itself.
            if path != wanted_layer && path != name {
                return Ok(());
            }
            is_there = true;
            let wanted = if path == wanted_layer { wanted } else { "" };
            let slots = slots(layer);
            let names: Vec<&str> = slots.iter().map(|slot| slot.name).collect();
            let Some(slot) = slots.into_iter().find(|slot| slot.name == wanted) else {
                let reason = format!("it has no weight {wanted:?}; its weights are {}", one_of(&names));
                return Err(Error::layer(&model, path, reason));
            };
            let Some(weight) = weight.take() else { return Ok(()) };
            check_shape(&model, path, &slot, weight.shape())?;
            if weight.dtype() != DType::F32 {
                let reason = format!("weight {wanted} is of {}, but it must be of f32", weight.dtype());
                return Err(Error::layer(&model, path, reason));
            }
            slot.fill(weight)
        })?;
        match is_there {
            true => Ok(()),
            false => {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                let reason = format!("there is no such layer; there are {}", one_of(&paths));
                Err(Error::layer(&self.name, wanted_layer, reason))
            }
        }
    }

    /// How many numbers the model has learnt.
    pub fn parameters(&self) -> Parameters {
        self.layers.iter().map(Layer::parameters).fold(Parameters::default(), |sum, p| Parameters {
            trainable: sum.trainable.saturating_add(p.trainable),
            non_trainable: sum.non_trainable.saturating_add(p.non_trainable),
        })
    }
}

/// A model without a name.
impl Default for Model {
    fn default() -> Model {
        Model::branched("")
    }
}

/// Names one behind the other, or that there are none.
fn one_of(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
