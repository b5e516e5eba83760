//! The convenience that uploads, computes, and reads back.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::Engine;
use super::filled::filled;
use super::scope::scoped;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::tensor::{Data, Tensor, TensorDesc};

/// A tensor's bytes, filled up to the whole words that a buffer is made of.
fn words(tensor: &Tensor) -> Cow<'_, [u8]> {
    let bytes = tensor.data().as_bytes();
    let size = tensor.desc().buffer_size() as usize;
    if bytes.len() == size {
        return Cow::Borrowed(bytes);
    }
    let mut padded = bytes.to_vec();
    padded.resize(size, 0);
    Cow::Owned(padded)
}

impl Engine {
    /// Computes a plan on `inputs` in one submission and waits for the result.
    ///
    /// # Errors
    /// If `inputs` are not what the plan was made for, and those of the device.
    pub fn run_plan(&self, plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        plan.problem.check(inputs)?;
        let op = plan.problem.op;
        let prepared = self.prepare(plan)?;
        let mut buffers = Vec::with_capacity(inputs.len());
        for input in inputs {
            buffers.push(self.upload(op, input)?);
        }
        let mut outputs = Vec::with_capacity(plan.problem.outputs.len());
        for desc in &plan.problem.outputs {
            outputs.push(self.storage(op, desc.buffer_size())?);
        }
        let binding = prepared.bind(
            &buffers.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
            &outputs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
        )?;
        let wanted: Vec<_> = outputs.iter().map(|b| b.slice(..)).zip(&plan.problem.outputs).collect();
        self.submit_and_read(op, &wanted, |encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            binding.encode(&mut pass);
        })
    }

    /// A storage buffer holding a tensor.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Limit`] and those of the device.
    pub fn upload(&self, op: &'static str, tensor: &Tensor) -> Result<wgpu::Buffer> {
        self.caps.check_tensor(op, &tensor.desc())?;
        let contents: &[u8] = &words(tensor);
        let size = contents.len();
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let during = || format!("uploading {size} bytes for {op}");
        pollster::block_on(filled(&self.device, "wgpool tensor", contents, usage, during))
    }

    /// An empty storage buffer of `size` bytes that can be written to and read back.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Limit`] and those of the device.
    pub fn storage(&self, op: &'static str, size: u64) -> Result<wgpu::Buffer> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        self.buffer(op, size, usage)
    }

    /// Writes a tensor into a buffer at `offset` before the next submission.
    pub(crate) fn write(&self, buffer: &wgpu::Buffer, offset: u64, tensor: &Tensor) -> Result<()> {
        let contents = words(tensor);
        pollster::block_on(scoped(
            &self.device,
            || format!("writing {} bytes", contents.len()),
            || self.queue.write_buffer(buffer, offset, &contents),
        ))
    }

    fn buffer(&self, op: &'static str, size: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        pollster::block_on(self.buffer_async(op, size, usage))
    }

    pub(super) async fn buffer_async(
        &self,
        op: &'static str,
        size: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer> {
        if size > self.caps.max_buffer {
            return Err(Error::Limit {
                op,
                limit: "max_buffer_size",
                needed: size,
                allowed: self.caps.max_buffer,
            });
        }
        scoped(
            &self.device,
            || format!("allocating {size} bytes for {op}"),
            || {
                self.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("wgpool tensor"),
                    size,
                    usage,
                    mapped_at_creation: false,
                })
            },
        )
        .await
    }

    /// Records with `record`, copies the tensors in `wanted` behind it, submits once, waits, and returns them.
    pub(crate) fn submit_and_read(
        &self,
        op: &'static str,
        wanted: &[(wgpu::BufferSlice<'_>, &TensorDesc)],
        record: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<Vec<Tensor>> {
        let mut staging = Vec::with_capacity(wanted.len());
        for (_, desc) in wanted {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            staging.push(self.buffer(op, desc.buffer_size(), usage)?);
        }
        let submission = pollster::block_on(scoped(
            &self.device,
            || format!("running {op}"),
            || {
                let mut encoder =
                    self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                record(&mut encoder);
                for ((slice, desc), staging) in wanted.iter().zip(&staging) {
                    encoder.copy_buffer_to_buffer(
                        slice.buffer(),
                        slice.offset(),
                        staging,
                        0,
                        desc.buffer_size(),
                    );
                }
                self.queue.submit([encoder.finish()])
            },
        ))?;
        self.read_staging(op, wanted, &staging, submission)
    }

    fn read_staging(
        &self,
        op: &'static str,
        wanted: &[(wgpu::BufferSlice<'_>, &TensorDesc)],
        staging: &[wgpu::Buffer],
        submission: wgpu::SubmissionIndex,
    ) -> Result<Vec<Tensor>> {
        let lost =
            |reason: String| Error::DeviceLost { during: format!("reading the result of {op}"), reason };
        let (sender, mapped) = std::sync::mpsc::channel();
        for buffer in staging {
            let sender = sender.clone();
            buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
                // The receiver lives until every buffer has answered, or the call has failed already.
                let _ = sender.send(result);
            });
        }
        // Else the loop below would wait for a sender that nobody holds.
        drop(sender);
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        self.device.poll(wait).map_err(|e| lost(e.to_string()))?;
        for _ in staging {
            answer(&mapped, &self.device).map_err(lost)?;
        }
        let mut tensors = Vec::with_capacity(wanted.len());
        for ((_, desc), buffer) in wanted.iter().zip(staging) {
            let view = buffer.slice(..).get_mapped_range().map_err(|e| lost(e.to_string()))?;
            let bytes = view.get(..desc.bytes()).unwrap_or_default();
            tensors.push(Tensor::new(&desc.shape, Data::from_bytes(desc.dtype, bytes))?);
        }
        Ok(tensors)
    }
}

/// Waits for one buffer to be mapped, after the submission that fills it is complete.
///
/// Another thread's poll may have collected the answer and be about to give it, so there may be none yet.
fn answer(
    mapped: &Receiver<Result<(), wgpu::BufferAsyncError>>,
    device: &wgpu::Device,
) -> Result<(), String> {
    loop {
        match mapped.recv_timeout(Duration::from_millis(5)) {
            Ok(answer) => return answer.map_err(|e| e.to_string()),
            Err(RecvTimeoutError::Disconnected) => return Err("a mapping was dropped".into()),
            Err(RecvTimeoutError::Timeout) => {
                device.poll(wgpu::PollType::Poll).map_err(|e| e.to_string())?;
            }
        }
    }
}
