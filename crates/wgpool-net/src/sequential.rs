//! Layers in a row, each reading the output of the one before it.

use super::layer::{Layer, LayerKind};
use super::slots::{check_shape, slots};
use wgpool::error::{Error, Result};
use wgpool::spec::Accuracy;
use wgpool::tensor::{DType, Tensor};

/// A model of layers in a row, as Keras' `Sequential`.
///
/// ```
/// use wgpool_net::{LayerKind, Sequential};
/// use wgpool::{Backend, Conv, GlobalPool, Layout, Padding, Tensor};
/// let kernel = Tensor::from_f32(&[2, 1, 1, 1], vec![1., 10.])?;
/// let model = Sequential::new("tiny", [1, 2, 2])
///     .layer("conv", LayerKind::Conv { spec: Conv::new(), kernel: kernel.into(), bias: None })
///     .layer("mean", LayerKind::GlobalPool { spec: GlobalPool::average(), keepdims: false });
/// assert_eq!(model.parameters().total(), 2);
/// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 2., 3., 6.])?;
/// assert_eq!(model.program(1)?.run(&Backend::Host, &x)?.as_f32()?, [3., 30.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// The model's name.
    pub name: String,
    /// The shape of its input, without the batch.
    pub input: Vec<usize>,
    /// Its layers, first to last.
    pub layers: Vec<Layer>,
}

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
        let (trainable, fixed) = self.weights();
        let sum =
            |weights: &[&super::Weight]| weights.iter().fold(0u64, |n, w| n.saturating_add(w.elements()));
        // Keras counts how often a normalisation was adapted.
        let count = u64::from(matches!(self.kind, LayerKind::Normalization(_)));
        Parameters { trainable: sum(&trainable), non_trainable: sum(&fixed).saturating_add(count) }
    }
}

impl Sequential {
    /// A model without layers, for inputs of a shape given without its batch.
    pub fn new(name: impl Into<String>, input: impl Into<Vec<usize>>) -> Self {
        Sequential { name: name.into(), input: input.into(), layers: vec![] }
    }

    /// Adds a layer; its memory order is that of its own specification.
    pub fn layer(mut self, name: impl Into<String>, kind: LayerKind) -> Self {
        let class = kind.class(self.input.len().saturating_sub(1));
        self.layers.push(Layer { name: name.into(), class, trainable: true, kind, softmax: None });
        self
    }

    /// Sets which error the results of all convolutions may have.
    ///
    /// ```no_run
    /// use wgpool::{Accuracy, Op};
    /// use wgpool_net::keras;
    /// let model = keras::load("data/mnist/config.json", Some("data/mnist/weights.safetensors".as_ref()))?;
    /// let program = model.accuracy(Accuracy::Tile).program(1)?;
    /// assert!(program.steps.iter().any(|step| matches!(&step.op, Op::Conv(c) if c.accuracy == Accuracy::Tile)));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        for layer in &mut self.layers {
            if let LayerKind::Conv { spec, .. } | LayerKind::SeparableConv { depthwise: spec, .. } =
                &mut layer.kind
            {
                spec.accuracy = accuracy;
            }
        }
        self
    }

    /// Every weight with its name, `layer/weight`, in Keras' order and shapes.
    ///
    /// # Errors
    /// [`Error::Layer`] if the model was read without weights.
    pub fn weights(&self) -> Result<Vec<(String, Tensor)>> {
        let mut weights = Vec::new();
        for layer in &self.layers {
            for slot in slots(&mut layer.clone()) {
                weights.push((format!("{}/{}", layer.name, slot.name), slot.value(&self.name, &layer.name)?));
            }
        }
        Ok(weights)
    }

    /// Sets weights by their names, `layer/weight` as in [`Sequential::weights`]; all others stay what they are. A session takes
    /// them in the same way: [`Session::set_weights_async`](crate::Session::set_weights_async).
    ///
    /// # Errors
    /// [`Error::Layer`] for a layer or a weight that there is not, with those there are, and for another shape or type, with
    /// both; nothing has changed then.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Sequential};
    /// use wgpool::{Dense, Tensor};
    /// let kernel = Tensor::from_f32(&[2, 1], vec![1., 10.])?;
    /// let mut model = Sequential::new("tiny", [2])
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

    fn set_weight(&mut self, path: &str, weight: Tensor) -> Result<()> {
        let (layer, wanted) = path.rsplit_once('/').unwrap_or((path, ""));
        let at = self.position(layer)?;
        let Sequential { name, layers, .. } = self;
        let slots = layers.get_mut(at).map(slots).unwrap_or_default();
        let names: Vec<&str> = slots.iter().map(|slot| slot.name).collect();
        let Some(slot) = slots.into_iter().find(|slot| slot.name == wanted) else {
            let reason = format!("it has no weight {wanted:?}; its weights are {}", one_of(&names));
            return Err(Error::layer(name, layer, reason));
        };
        check_shape(name, layer, &slot, weight.shape())?;
        if weight.dtype() != DType::F32 {
            let reason = format!("weight {wanted} is of {}, but it must be of f32", weight.dtype());
            return Err(Error::layer(name, layer, reason));
        }
        slot.fill(weight)
    }

    fn position(&self, layer: &str) -> Result<usize> {
        let at = self.layers.iter().position(|l| l.name == layer);
        at.ok_or_else(|| {
            let names: Vec<&str> = self.layers.iter().map(|l| l.name.as_str()).collect();
            Error::layer(&self.name, layer, format!("there is no such layer; there are {}", one_of(&names)))
        })
    }

    /// How many numbers the model has learnt.
    pub fn parameters(&self) -> Parameters {
        self.layers.iter().map(Layer::parameters).fold(Parameters::default(), |sum, p| Parameters {
            trainable: sum.trainable.saturating_add(p.trainable),
            non_trainable: sum.non_trainable.saturating_add(p.non_trainable),
        })
    }
}

/// Names one behind the other, or that there are none.
fn one_of(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
