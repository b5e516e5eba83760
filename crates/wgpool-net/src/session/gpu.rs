//! A program on a GPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::memory::{Memory, scratch_sizes};
use super::super::program::Program;
use wgpool::engine::{Engine, Pending, PrepackedBinding, Readback};
use wgpool::error::{Error, Result};
use wgpool::plan::Plan;
use wgpool::tensor::{Tensor, TensorDesc};
use wgpool::wgpu;

const OP: &str = "session";

#[derive(Debug)]
pub(in super::super) struct GpuSession {
    pub engine: Engine,
    bindings: Vec<PrepackedBinding>,
    /// The weights of each step as the layers have them.
    weights: Vec<Vec<wgpu::Buffer>>,
    /// How often weights were set, of all sessions that share them, and when this one prepacked them.
    set: Arc<AtomicU64>,
    prepacked: AtomicU64,
    input: Place,
    output: Place,
    /// Bytes of the buffers between the layers.
    scratch: [u64; 2],
    readback: Readback,
    /// What a run reads back.
    result: TensorDesc,
}

/// A part of a buffer, kept beyond a borrow.
#[derive(Clone, Debug)]
struct Place {
    buffer: wgpu::Buffer,
    offset: u64,
    size: u64,
}

impl Place {
    fn of(slice: wgpu::BufferSlice<'_>) -> Place {
        Place { buffer: slice.buffer().clone(), offset: slice.offset(), size: slice.size() }
    }

    fn slice(&self) -> wgpu::BufferSlice<'_> {
        self.buffer.slice(self.offset..self.offset + self.size)
    }
}

impl GpuSession {
    /// With weights of its own, or those of a session of another batch size.
    pub async fn new(
        engine: &Engine,
        program: &Program,
        plans: &[Plan],
        memory: &Memory<'_>,
        shares: Option<&GpuSession>,
    ) -> Result<GpuSession> {
        let own = async |given: Option<wgpu::BufferSlice<'_>>, size: u64| -> Result<Place> {
            match given {
                Some(slice) => Ok(Place::of(slice)),
                None => {
                    let buffer = engine.tensor_buffer_async(OP, size).await?;
                    Ok(Place { buffer, offset: 0, size })
                }
            }
        };
        let input = own(memory.input, program.input.buffer_size()).await?;
        let output = match plans.is_empty() {
            true => input.clone(),
            false => own(memory.output, program.output.buffer_size()).await?,
        };
        let scratch = scratch_sizes(plans);
        let [first, second] = memory.scratch.map_or([None, None], |given| given.map(Some));
        let turns = [own(first, scratch[0]).await?, own(second, scratch[1]).await?];

        engine.prepare_all_async(plans).await?;
        let set = shares.map_or_else(Arc::default, |session| session.set.clone());
        // What is set from here on is prepacked again.
        let prepacked = AtomicU64::new(set.load(Ordering::Acquire));
        let mut bindings = Vec::with_capacity(plans.len());
        let mut weights = Vec::with_capacity(plans.len());
        let mut from = &input;
        for (i, (plan, step)) in plans.iter().zip(&program.steps).enumerate() {
            let to = if i + 1 == plans.len() { &output } else { &turns[i % 2] };
            let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
            let shared = shares.and_then(|session| session.weights.get(i));
            let buffers = match shared.filter(|_| !step.depends_on_batch()) {
                Some(shared) => shared.clone(),
                None => {
                    let mut own = Vec::with_capacity(step.weights.len());
                    for weight in &step.weights {
                        own.push(engine.upload_async(OP, weight).await?);
                    }
                    own
                }
            };
            let mut inputs = vec![from.slice()];
            inputs.extend(buffers.iter().map(|w| w.slice(..)));
            let prepared = engine.prepare_async(plan).await.map_err(in_layer)?;
            bindings.push(prepared.bind_async(&inputs, &[to.slice()]).await.map_err(in_layer)?);
            weights.push(buffers);
            from = to;
        }
        let bindings = engine.prepack_async(bindings).await?;
        let readback = Readback::new_async(engine, &program.output, 1).await?;
        let (engine, result) = (engine.clone(), program.output.clone());
        Ok(GpuSession { engine, bindings, weights, set, prepacked, input, output, scratch, readback, result })
    }

    pub fn input(&self) -> &wgpu::Buffer {
        &self.input.buffer
    }

    pub fn output(&self) -> &wgpu::Buffer {
        &self.output.buffer
    }

    pub fn scratch(&self) -> u64 {
        self.scratch.iter().sum()
    }

    /// Writes the weights of a program of the same operations into the buffers, and prepacks them.
    pub async fn set_weights(&self, from: &Program) -> Result<()> {
        for (step, buffers) in from.steps.iter().zip(&self.weights) {
            if step.depends_on_batch() {
                continue;
            }
            for (weight, buffer) in step.weights.iter().zip(buffers) {
                self.engine.write(buffer, 0, weight).await?;
            }
        }
        self.set.fetch_add(1, Ordering::AcqRel);
        self.prepack().await
    }

    async fn prepack(&self) -> Result<()> {
        let set = self.set.load(Ordering::Acquire);
        self.engine.prepack_async(self.bindings.iter().map(|b| b.binding().clone()).collect()).await?;
        self.prepacked.store(set, Ordering::Release);
        Ok(())
    }

    fn is_prepacked(&self) -> bool {
        self.prepacked.load(Ordering::Acquire) == self.set.load(Ordering::Acquire)
    }

    /// Records everything; with the weights' order too if a session that shares them has set them since.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        let is_prepacked = self.is_prepacked();
        for binding in &self.bindings {
            match is_prepacked {
                true => binding.encode(pass),
                false => binding.binding().encode(pass),
            }
        }
    }

    /// Uploads, records and submits. Runs share the buffers: what is copied into the input and out of the output is
    /// part of the submission, so that each reads its own.
    pub async fn start(&self, input: &Tensor) -> Result<Pending> {
        if !self.is_prepacked() {
            self.prepack().await?;
        }
        let uploaded = self.engine.staging_async(OP, input).await?;
        let record = |encoder: &mut wgpu::CommandEncoder| {
            let Place { buffer, offset, .. } = &self.input;
            encoder.copy_buffer_to_buffer(&uploaded, 0, buffer, *offset, uploaded.size());
            self.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        };
        match self.engine.submit_into(OP, &self.readback, self.output.slice(), record).await {
            Err(Error::Busy { .. }) => {
                let own = Readback::new_async(&self.engine, &self.result, 1).await?;
                self.engine.submit_into(OP, &own, self.output.slice(), record).await
            }
            started => started,
        }
    }
}
