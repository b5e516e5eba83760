//! The convenience that uploads, computes, and reads back.

use std::borrow::Cow;

use super::Engine;
use super::filled::filled;
use super::readback::{Pending, Readback};
use super::scope::{alive, scoped};
use crate::error::{Error, Result};
use crate::memory;
use crate::plan::{Plan, roi::check_regions};
use crate::spec::Op;
use crate::tensor::{Tensor, TensorDesc};

/// A tensor's bytes, filled up to the whole words that a buffer is made of.
fn words(tensor: &Tensor) -> Result<Cow<'_, [u8]>> {
    padded(tensor.data().as_bytes(), tensor.desc().buffer_size())
}

/// Bytes, with zeros behind them up to `size`.
fn padded(bytes: &[u8], size: u64) -> Result<Cow<'_, [u8]>> {
    let size = size as usize;
    if bytes.len() == size {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut whole = memory::room(size)?;
    whole.extend_from_slice(bytes);
    whole.resize(size, 0);
    Ok(Cow::Owned(whole))
}

impl Engine {
    /// Computes a plan on `inputs` in one submission.
    ///
    /// # Errors
    /// If `inputs` are not what the plan was made for, and those of the device.
    pub async fn run_plan_async(&self, plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(each!(pending in self.start(plan, inputs).await? => pending.read().await?))
    }

    /// Computes `op` on `inputs` in one submission. It never blocks: several such futures may be in flight at once.
    ///
    /// # Errors
    /// Those of [`Plan::new`] and of the device.
    ///
    /// ```
    /// # fn main() -> wgpool::Result<()> {
    /// # use wgpool::{Backend, Choice, Op, Pool, Tensor};
    /// # let Backend::Gpu(engine) = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?.backend
    /// #     else { unreachable!() };
    /// let x = Tensor::from_f32(&[1, 1, 4], vec![1., 2., 3., 4.])?;
    /// let op = Op::from(Pool::max([2]));
    /// let outputs = pollster::block_on(engine.run_async(&op, &[&x]))?;
    /// assert_eq!(outputs[0].as_f32()?, [2., 4.]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run_async(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
        self.run_plan_async(&self.plan(op, &descs)?, inputs).await
    }

    /// Uploads, records and submits; what it returns waits for the results.
    pub(super) async fn start(&self, plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Pending>> {
        plan.problem.check(inputs)?;
        check_regions(&plan.problem, inputs, &self.caps)?;
        let op = plan.problem.op;
        let prepared = self.prepare_async(plan).await?;
        let buffers = each!(input in inputs => self.upload_async(op, input).await?);
        let descs = &plan.problem.outputs;
        let outputs = each!(desc in descs => self.tensor_memory(op, desc.buffer_size()).await?);
        let binding = prepared
            .bind_async(
                &buffers.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
                &outputs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
            )
            .await?;
        let wanted: Vec<_> =
            outputs.iter().zip(descs).map(|(b, desc)| (b.slice(..desc.buffer_size()), desc)).collect();
        self.submit(op, &wanted, |encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            binding.encode(&mut pass);
        })
        .await
    }

    /// A storage buffer holding a tensor.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Limit`] and those of the device.
    pub async fn upload_async(&self, op: &'static str, tensor: &Tensor) -> Result<wgpu::Buffer> {
        self.caps.check_buffer(op, &tensor.desc())?;
        let size = tensor.desc().buffer_size();
        let contents = padded(tensor.data().as_bytes(), self.caps.padded(size))?;
        let during = || format!("uploading {size} bytes for {op}");
        filled(&self.device, "wgpool tensor", &contents, self.usage(), during).await
    }

    /// A buffer that holds a tensor and can be copied from: for a copy into a tensor's buffer that is recorded in the
    /// encoder of what reads it, so that several runs may be in flight.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Limit`] and those of the device.
    pub async fn staging_async(&self, op: &'static str, tensor: &Tensor) -> Result<wgpu::Buffer> {
        self.caps.check_buffer(op, &tensor.desc())?;
        let contents = words(tensor)?;
        let during = || format!("uploading {} bytes for {op}", contents.len());
        let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        filled(&self.device, "wgpool input", &contents, usage, during).await
    }

    /// An empty storage buffer of `size` bytes that can be written to and read back.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Limit`] and those of the device.
    pub async fn storage_async(&self, op: &'static str, size: u64) -> Result<wgpu::Buffer> {
        let buffer = self.buffer_async(op, size, self.usage()).await?;
        alive(&self.device, || format!("allocating {size} bytes for {op}")).map(|()| buffer)
    }

    /// An empty buffer for a tensor of `size` bytes, made so that this device's kernels read it the fastest way:
    /// like [`Engine::storage_async`], and longer where they read whole pages.
    ///
    /// # Errors
    /// Those of [`Engine::storage_async`].
    pub async fn tensor_buffer_async(&self, op: &'static str, size: u64) -> Result<wgpu::Buffer> {
        let buffer = self.tensor_memory(op, size).await?;
        alive(&self.device, || format!("allocating {size} bytes for {op}")).map(|()| buffer)
    }

    /// [`Engine::tensor_buffer_async`], but a lost device gives a buffer that is none.
    pub(super) async fn tensor_memory(&self, op: &'static str, size: u64) -> Result<wgpu::Buffer> {
        self.buffer_async(op, self.caps.padded(size), self.usage()).await
    }

    /// What tensors are used for.
    pub(super) fn usage(&self) -> wgpu::BufferUsages {
        match self.caps.paged {
            true => STORAGE | wgpu::BufferUsages::UNIFORM,
            false => STORAGE,
        }
    }

    /// Runs `call`, which calls wgpu, and gives the first error that wgpu raises meanwhile on this thread: for an app's own
    /// shaders, pipelines and bind groups on the engine's device. The app's error handlers see nothing of it.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] and [`Error::DeviceLost`], with what `during` says.
    pub async fn scoped_async<T>(&self, during: impl Fn() -> String, call: impl FnOnce() -> T) -> Result<T> {
        scoped(&self.device, during, call).await
    }

    /// Writes a tensor into a buffer at `offset` before the next submission.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn write(&self, buffer: &wgpu::Buffer, offset: u64, tensor: &Tensor) -> Result<()> {
        let contents = words(tensor)?;
        let during = || format!("writing {} bytes", contents.len());
        scoped(&self.device, during, || self.queue.write_buffer(buffer, offset, &contents)).await
    }

    pub(super) async fn buffer_async(
        &self,
        op: &'static str,
        size: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer> {
        if size > self.caps.max_buffer {
            let (limit, allowed) = ("max_buffer_size", self.caps.max_buffer);
            return Err(Error::Limit { op, limit, needed: size, allowed });
        }
        let during = || format!("allocating {size} bytes for {op}");
        let label = Some("wgpool tensor");
        let buffer = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false };
        scoped(&self.device, during, || self.device.create_buffer(&buffer)).await
    }

    /// Records with `record`, copies the tensors in `wanted` behind it, and submits once.
    #[doc(hidden)]
    pub async fn submit(
        &self,
        op: &'static str,
        wanted: &[(wgpu::BufferSlice<'_>, &TensorDesc)],
        record: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<Vec<Pending>> {
        let rings = each!((_, desc) in wanted => Readback::new_async(self, desc, 1).await?);
        let copies: Vec<_> = rings.iter().zip(wanted).map(|(ring, (slice, _))| (ring, *slice)).collect();
        self.submit_into(op, &copies, record).await
    }

    /// Records with `record`, copies each tensor into a free slot of its ring, and submits once. `op` names it in errors.
    ///
    /// # Errors
    /// Those of [`Readback::record`], without anything submitted, and of the device.
    pub async fn submit_into(
        &self,
        op: &'static str,
        copies: &[(&Readback, wgpu::BufferSlice<'_>)],
        record: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<Vec<Pending>> {
        let submit = || {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            record(&mut encoder);
            let recorded = (copies.iter())
                .map(|(ring, from)| ring.record(&mut encoder, *from))
                .collect::<Result<Vec<_>>>()?;
            let submission = self.queue.submit([encoder.finish()]);
            Ok(recorded.into_iter().map(|one| one.submitted(submission.clone())).collect())
        };
        scoped(&self.device, || format!("running {op}"), submit).await?
    }
}

/// What tensors in storage are used for.
const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);
