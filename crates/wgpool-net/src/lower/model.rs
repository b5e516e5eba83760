//! A model as what it is lowered to.

use super::{Flow, Lowering};
use crate::layer::{Layer, Model};
use crate::program::Program;
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

/// The most layers that a model computes in all: one that is a layer several times may hold others several times.
pub(crate) const MOST_LAYERS: usize = 1 << 14;

impl Lowering<'_> {
    /// The graph's program, with operations joined if they are to be.
    fn finish(mut self, outputs: Vec<(String, Flow)>, is_joined: bool) -> Result<Program> {
        if let Some((layer, shape)) = self.without_values {
            let reason =
                format!("its weight of shape {shape:?} has no values: the model was read without weights");
            return Err(Error::layer(self.model, &layer, reason));
        }
        for (name, flow) in outputs {
            (self.layer, self.x) = (name.clone(), flow);
            self.graph.at(name.as_str());
            self.in_order()?;
            self.graph.output(name, self.x.value);
        }
        let program = self.graph.finish()?;
        if is_joined { program.joined_layers() } else { Ok(program) }
    }
}

/// The shapes of a layer's outputs for inputs of these shapes, all with their batch.
pub(crate) fn shapes_behind(model: &str, layer: &Layer, inputs: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    let inputs = inputs.iter().enumerate().map(|(at, shape)| (at.to_string(), shape.clone()));
    let (mut lowering, inputs) = Lowering::new(model, inputs)?;
    let outputs = lowering.call(layer, layer.name.clone(), &inputs)?;
    outputs.into_iter().map(|flow| lowering.shape_of(flow).map(<[usize]>::to_vec)).collect()
}

/// The shapes of what each call of a model gives for inputs of these shapes, all with their batch.
pub(crate) fn call_shapes(model: &Model, inputs: &[Vec<usize>]) -> Result<Vec<Vec<Vec<usize>>>> {
    let inputs = inputs.iter().enumerate().map(|(at, shape)| (at.to_string(), shape.clone()));
    let (mut lowering, inputs) = Lowering::new(&model.name, inputs)?;
    let made = lowering.calls(model, "", &inputs)?;
    let shapes = |made: Vec<Flow>| -> Result<Vec<Vec<usize>>> {
        made.into_iter().map(|flow| lowering.shape_of(flow).map(<[usize]>::to_vec)).collect()
    };
    made.into_iter().map(shapes).collect()
}

impl Model {
    /// The shape of each layer's output, without the batch: the first one of its last call.
    ///
    /// # Errors
    /// Those of the layers' operations, with model and layer.
    pub fn output_shapes(&self) -> Result<Vec<Vec<usize>>> {
        let shapes = self.all_output_shapes()?;
        Ok(shapes.into_iter().map(|outputs| outputs.into_iter().next().unwrap_or_default()).collect())
    }

    /// The shapes of all outputs of each layer's last call.
    pub(crate) fn all_output_shapes(&self) -> Result<Vec<Vec<Vec<usize>>>> {
        let (mut lowering, inputs) = self.lowering(1)?;
        let made = lowering.calls(self, "", &inputs)?;
        let mut shapes = vec![vec![]; self.layers.len()];
        for (call, made) in self.calls.iter().zip(made) {
            let of = |flow| Ok(lowering.shape_of(flow)?.get(1..).unwrap_or_default().to_vec());
            if let Some(shapes) = shapes.get_mut(call.layer) {
                *shapes = made.into_iter().map(of).collect::<Result<_>>()?;
            }
        }
        Ok(shapes)
    }

    /// Lowers the model for a batch size.
    ///
    /// Scales, activations and padding join the convolution or dense layer before or behind them, where nothing else reads what
    /// is between, functions of elements in a row become one operation, dropout vanishes, and flattening only changes the shape
    /// that the next operation sees. [`Program::optimised`] joins pooling too.
    ///
    /// # Errors
    /// Those of the layers' operations, with model and layer; [`Error::Layer`] if a weight is known by its shape alone.
    pub fn program(&self, batch: usize) -> Result<Program> {
        let (mut lowering, inputs) = self.lowering(batch)?;
        let outputs = lowering.outputs(self, "", &inputs)?;
        let names = self.outputs.iter().map(|(name, _)| name.clone());
        Ok(Program { model: self.clone(), ..lowering.finish(names.zip(outputs).collect(), true)? })
    }

    /// The layer and first output of each call, in order and without joining any, to compare with another framework's: of a
    /// model with one input.
    ///
    /// # Errors
    /// Those of [`Model::program`] and of the backend.
    pub async fn trace_async(&self, backend: &Backend, input: &Tensor) -> Result<Vec<(String, Tensor)>> {
        self.trace_all_async(backend, &[input]).await
    }

    /// [`Model::trace_async`] for all inputs.
    ///
    /// # Errors
    /// Those of [`Model::program`] and of the backend.
    pub async fn trace_all_async(
        &self,
        backend: &Backend,
        inputs: &[&Tensor],
    ) -> Result<Vec<(String, Tensor)>> {
        if self.calls.is_empty() {
            return Ok(vec![]);
        }
        let batch = inputs.first().and_then(|input| input.shape().first().copied()).unwrap_or(1);
        let (mut lowering, flows) = self.lowering(batch)?;
        let made = lowering.calls(self, "", &flows)?;
        let first = made.iter().filter_map(|outputs| outputs.first().copied());
        let outputs: Vec<_> = first.enumerate().map(|(call, flow)| (call.to_string(), flow)).collect();
        let program = lowering.finish(outputs, false)?;
        let outputs = program.run_all_async(backend, inputs).await?;
        let name = |layer: usize| self.layers.get(layer).map(|layer| layer.name.clone()).unwrap_or_default();
        Ok(self.calls.iter().map(|call| name(call.layer)).zip(outputs).collect())
    }

    pub(super) fn lowering(&self, batch: usize) -> Result<(Lowering<'_>, Vec<Flow>)> {
        let size = self.size();
        if size > MOST_LAYERS {
            let reason =
                format!("it computes {size} layers, those of its models counted: {MOST_LAYERS} at most");
            return Err(Error::document("model", reason));
        }
        let batched = |shape: &[usize]| std::iter::once(batch).chain(shape.iter().copied()).collect();
        let inputs = self.inputs.iter().map(|input| (input.name.clone(), batched(&input.shape)));
        Lowering::new(&self.name, inputs)
    }
}
