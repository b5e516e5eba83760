//! Layers in a row, each reading the output of the one before it.

use super::layer::{Layer, LayerKind};
use super::lower::Lowering;
use super::program::Program;
use super::slots::{check_shape, slots};
use wgpool::backend::Backend;
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

    /// A layer's weights in the order and shapes that Keras' `get_weights` gives.
    ///
    /// # Errors
    /// [`Error::Layer`] if there is no such layer, or it was read without weights.
    pub fn layer_weights(&self, layer: &str) -> Result<Vec<Tensor>> {
        let mut found = self.layers.get(self.position(layer)?).cloned();
        let slots = found.as_mut().map(slots).unwrap_or_default();
        slots.into_iter().map(|slot| slot.value(&self.name, layer)).collect()
    }

    /// Sets a layer's weights, in the order and shapes that Keras' `get_weights` gives. A session takes them by
    /// [`Session::set_weights_async`](crate::Session::set_weights_async).
    ///
    /// # Errors
    /// [`Error::Layer`] if there is no such layer, or the weights are not as many, or one has another shape or type, with
    /// its name; nothing has changed then.
    pub fn set_weights(&mut self, layer: &str, weights: Vec<Tensor>) -> Result<()> {
        let at = self.position(layer)?;
        let Sequential { name, layers, .. } = self;
        let slots = layers.get_mut(at).map(slots).unwrap_or_default();
        if slots.len() != weights.len() {
            let names: Vec<&str> = slots.iter().map(|slot| slot.name).collect();
            let reason = format!("it has the weights {names:?}, but {} are given", weights.len());
            return Err(Error::layer(name, layer, reason));
        }
        for (slot, weight) in slots.iter().zip(&weights) {
            check_shape(name, layer, slot, weight.shape())?;
            if weight.dtype() != DType::F32 {
                let reason = format!("weight {} is of {}, but it must be of f32", slot.name, weight.dtype());
                return Err(Error::layer(name, layer, reason));
            }
        }
        slots.into_iter().zip(weights).try_for_each(|(slot, weight)| slot.fill(weight))
    }

    fn position(&self, layer: &str) -> Result<usize> {
        let at = self.layers.iter().position(|l| l.name == layer);
        at.ok_or_else(|| {
            let names: Vec<&str> = self.layers.iter().map(|l| l.name.as_str()).collect();
            Error::layer(&self.name, layer, format!("there is no such layer; there are {}", names.join(", ")))
        })
    }

    /// How many numbers the model has learnt.
    pub fn parameters(&self) -> Parameters {
        self.layers.iter().map(Layer::parameters).fold(Parameters::default(), |sum, p| Parameters {
            trainable: sum.trainable.saturating_add(p.trainable),
            non_trainable: sum.non_trainable.saturating_add(p.non_trainable),
        })
    }

    /// The shape of each layer's output, without the batch.
    ///
    /// # Errors
    /// Those of the layers' operations, with model and layer.
    pub fn output_shapes(&self) -> Result<Vec<Vec<usize>>> {
        let mut lowering = Lowering::new(&self.name, &self.batched(1), false)?;
        let mut shapes = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            lowering.push(layer)?;
            shapes.push(lowering.shape().get(1..).unwrap_or_default().to_vec());
        }
        Ok(shapes)
    }

    /// Lowers the model for a batch size.
    ///
    /// Activations and batch normalisation join the convolution or dense layer before them where that has no
    /// activation, dropout vanishes, and flattening only changes the shape that the next operation sees.
    ///
    /// # Errors
    /// Those of the layers' operations, with model and layer; [`Error::Layer`] if a weight is
    /// known by its shape alone.
    pub fn program(&self, batch: usize) -> Result<Program> {
        let mut lowering = Lowering::new(&self.name, &self.batched(batch), true)?;
        for layer in &self.layers {
            lowering.push(layer)?;
        }
        lowering.finish()
    }

    /// Every layer's name and output, layer by layer without fusing, to compare with another framework's.
    ///
    /// # Errors
    /// Those of [`Sequential::program`] and of the backend.
    pub async fn trace_async(&self, backend: &Backend, input: &Tensor) -> Result<Vec<(String, Tensor)>> {
        let batch = input.shape().first().copied().unwrap_or(1);
        // The whole model's program checks the input, and every layer before anything is computed.
        let expected = Lowering::new(&self.name, &self.batched(batch), false)?.finish()?;
        let mut x = expected.run_async(backend, input).await?;
        self.output_shapes()?;
        let mut outputs = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let mut lowering = Lowering::new(&self.name, x.shape(), false)?;
            lowering.push(layer)?;
            x = lowering.finish()?.run_async(backend, &x).await?;
            outputs.push((layer.name.clone(), x.clone()));
        }
        Ok(outputs)
    }

    fn batched(&self, batch: usize) -> Vec<usize> {
        std::iter::once(batch).chain(self.input.iter().copied()).collect()
    }
}
