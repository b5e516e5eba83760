//! A model as what it is lowered to.

use super::Lowering;
use crate::program::Program;
use crate::sequential::Sequential;
use wgpool::backend::Backend;
use wgpool::error::Result;
use wgpool::tensor::Tensor;

impl Sequential {
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
    /// Those of the layers' operations, with model and layer; [`Error::Layer`](wgpool::Error::Layer) if a weight is
    /// known by its shape alone.
    pub fn program(&self, batch: usize) -> Result<Program> {
        let mut lowering = Lowering::new(&self.name, &self.batched(batch), true)?;
        for layer in &self.layers {
            lowering.push(layer)?;
        }
        Ok(Program { model: self.clone(), ..lowering.finish()? })
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
