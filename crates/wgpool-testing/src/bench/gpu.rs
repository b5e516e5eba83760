//! Operations in a row on a GPU, bound once and run many times.

use std::time::{Duration, Instant};

use super::clock::Clock;
use super::measure::{Sample, Timed};
use wgpool::engine::{Engine, PrepackedBinding, Readback};
use wgpool::error::{Error, Result};
use wgpool::spec::Op;
use wgpool::tensor::{Tensor, TensorDesc};

/// Operations of which each reads the output of the one before it, with buffers bound and weights prepacked.
#[derive(Debug)]
pub struct GpuRun {
    bindings: Vec<PrepackedBinding>,
    clock: Clock,
    /// Names of the kernels that a run dispatches.
    pub kernels: Vec<String>,
}

/// The first result of a [`GpuRun`].
#[derive(Debug)]
pub struct First {
    /// The output of the last operation.
    pub output: Tensor,
    /// From shapes to the result in host memory: plans, pipelines, uploads, bindings, the run and the way back.
    pub took: Duration,
}

impl GpuRun {
    /// Makes `ops` ready to run on `inputs` (those of the first; the others take one), and runs them once. No pipeline
    /// that is already built is used; a driver may have compiled code of its own on disk.
    ///
    /// # Errors
    /// Those of the plans and of the device; [`Error::Arity`] for no operation.
    pub fn start(engine: &Engine, ops: &[Op], inputs: &[Tensor]) -> Result<(GpuRun, First)> {
        let clock = Clock::new(engine)?;
        let name = "bench";
        let cold = engine.without_pipelines();
        let start = Instant::now();
        let mut descs: Vec<TensorDesc> = inputs.iter().map(Tensor::desc).collect();
        let mut buffers = inputs.iter().map(|t| engine.upload(name, t)).collect::<Result<Vec<_>>>()?;
        let (mut bindings, mut kernels) = (Vec::with_capacity(ops.len()), Vec::new());
        for op in ops {
            let plan = cold.plan(op, &descs)?;
            let outputs = (plan.problem.outputs.iter())
                .map(|desc| engine.tensor_buffer(name, desc.buffer_size()))
                .collect::<Result<Vec<_>>>()?;
            bindings.push(cold.prepare(&plan)?.bind(
                &buffers.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
                &outputs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
            )?);
            kernels.extend(plan.explain().steps.iter().filter(|s| !s.prepack).map(|s| s.name()));
            (descs, buffers) = (plan.problem.outputs, outputs);
        }
        let none = || Error::Arity { op: name, expected: "at least one operation", got: 0 };
        let (Some(desc), Some(buffer)) = (descs.first(), buffers.first()) else { return Err(none()) };
        let readback = Readback::new(engine, desc, 1)?;
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        bindings.iter().for_each(|binding| binding.encode(&mut pass));
        drop(pass);
        let recorded = readback.record(&mut encoder, buffer.slice(..))?;
        let output = recorded.submitted(engine.queue().submit([encoder.finish()])).wait()?;
        let took = start.elapsed();
        let bindings = engine.prepack(bindings)?;
        Ok((GpuRun { bindings, clock, kernels }, First { output, took }))
    }

    /// Times `count` runs recorded together and waited for once; weights stay prepacked.
    ///
    /// # Errors
    /// Those of the device.
    pub fn time(&self, count: usize) -> Result<Sample> {
        self.clock.time(count, |pass| self.bindings.iter().for_each(|binding| binding.encode(pass)))
    }
}

impl Timed for GpuRun {
    fn time(&self, count: usize) -> Result<Sample> {
        GpuRun::time(self, count)
    }
}
