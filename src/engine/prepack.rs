//! Weights brought once into the order that kernels read.

use super::Engine;
use super::bind::Binding;
use super::scope::alive;
use crate::error::Result;

/// A [`Binding`] whose weights have been brought into the order that its kernels read, so that it records what depends
/// on the data alone.
#[derive(Clone, Debug)]
pub struct PrepackedBinding {
    binding: Binding,
}

impl PrepackedBinding {
    /// Records the dispatches that depend on the data.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.binding.encode_data(pass);
    }

    /// The binding that was prepacked. After other weights were written into its buffers, its
    /// [`encode`](Binding::encode) reads those, and so does [`PrepackedBinding::encode`] in every pass behind it.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }
}

impl Binding {
    /// Brings the weights into the order that the kernels read, in one submission of its own if they have one: for weights
    /// that stay the same. They must be in their buffers, or on the way there on `engine`'s queue.
    ///
    /// [`Engine::prepack_async`] takes several bindings in one submission.
    ///
    /// # Errors
    /// Those of the device.
    ///
    /// ```
    /// # fn main() -> wgpool::Result<()> {
    /// # use wgpool::{Backend, Choice, Conv, Op, Tensor, TensorDesc};
    /// # let Backend::Gpu(engine) = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?.backend
    /// #     else { unreachable!() };
    /// let image = TensorDesc::f32([1, 16, 64, 64]);
    /// let kernel = Tensor::from_f32(&[16, 16, 3, 3], vec![0.5; 16 * 16 * 9])?;
    /// let plan = engine.plan(&Op::from(Conv::new()), &[image.clone(), kernel.desc()])?;
    /// let [input, output] = [&image, &plan.problem.outputs[0]]
    ///     .map(|desc| engine.tensor_buffer("example", desc.buffer_size()));
    /// let (input, output, kernel) = (input?, output?, engine.upload("example", &kernel)?);
    /// let binding = engine.prepare(&plan)?.bind(&[input.slice(..), kernel.slice(..)], &[output.slice(..)])?;
    /// let binding = pollster::block_on(binding.prepack_async(&engine))?;
    ///
    /// let mut encoder = engine.device().create_command_encoder(&Default::default());
    /// binding.encode(&mut encoder.begin_compute_pass(&Default::default()));
    /// engine.queue().submit([encoder.finish()]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn prepack_async(self, engine: &Engine) -> Result<PrepackedBinding> {
        engine.submit_prepacking(std::slice::from_ref(&self)).await?;
        Ok(PrepackedBinding { binding: self })
    }
}

impl Engine {
    /// [`Binding::prepack_async`] of several bindings, in one submission if any of them has something to do.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn prepack_async(&self, bindings: Vec<Binding>) -> Result<Vec<PrepackedBinding>> {
        self.submit_prepacking(&bindings).await?;
        Ok(bindings.into_iter().map(|binding| PrepackedBinding { binding }).collect())
    }

    async fn submit_prepacking(&self, bindings: &[Binding]) -> Result<()> {
        if !bindings.iter().any(Binding::prepacks_weights) {
            return Ok(());
        }
        let op = "prepacking weights";
        let record = |encoder: &mut wgpu::CommandEncoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            bindings.iter().for_each(|binding| binding.encode_weights(&mut pass));
        };
        self.submit_into(op, &[], record).await?;
        alive(self.device(), || op.to_owned())
    }
}
