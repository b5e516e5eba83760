//! Where a session computes, and the plans for it.

use super::program::Program;
use wgpool::engine::Engine;
use wgpool::error::Result;
use wgpool::plan::{Caps, Plan};
use wgpool::tensor::TensorDesc;

/// Buffers of the app that a session computes in, instead of its own.
///
/// All need the usage `STORAGE`; each output and scratch buffer must be no other one of them. On devices whose kernels
/// read in pages ([`Caps::for_buffers`](wgpool::Caps::for_buffers)), a session is planned for the usages and sizes that
/// these have.
#[derive(Clone, Debug, Default)]
pub struct Memory<'a> {
    /// What [`Session::encode`](crate::Session::encode) reads.
    pub input: Option<wgpool::wgpu::BufferSlice<'a>>,
    /// What [`Session::encode`](crate::Session::encode) writes.
    pub output: Option<wgpool::wgpu::BufferSlice<'a>>,
    /// The tensors between the layers, which are written in turn: see [`Session::scratch_sizes_of`](crate::Session::scratch_sizes_of).
    pub scratch: Option<[wgpool::wgpu::BufferSlice<'a>; 2]>,
}

/// The plans of the operations, each for the buffer that its input lies in.
pub(super) fn plans(engine: &Engine, program: &Program, memory: &Memory<'_>) -> Result<Vec<Plan>> {
    (program.steps.iter().enumerate())
        .map(|(i, step)| {
            let given = match i {
                0 => memory.input,
                _ => memory.scratch.map(|turns| turns[(i - 1) % 2]),
            };
            let input = step.problem.inputs.first().map_or(0, TensorDesc::buffer_size);
            let caps = given.map_or_else(|| engine.caps().clone(), |slice| caps_for(engine, slice, input));
            Plan::of(step.problem.clone(), &caps).map_err(|error| error.in_layer(&program.name, &step.name))
        })
        .collect()
}

/// What kernels may use that read a tensor of `size` bytes from a buffer of the app.
fn caps_for(engine: &Engine, slice: wgpool::wgpu::BufferSlice<'_>, size: u64) -> Caps {
    let caps = engine.caps();
    let aligned = slice.offset().is_multiple_of(u64::from(caps.uniform_alignment.max(1)));
    let whole = aligned && slice.offset() + caps.padded(size) <= slice.buffer().size();
    let usages = slice.buffer().usage();
    caps.for_buffers(if whole { usages } else { usages - wgpool::wgpu::BufferUsages::UNIFORM })
}

/// All but the last step write two buffers in turn.
pub(super) fn scratch_sizes(plans: &[Plan]) -> [u64; 2] {
    let mut sizes = [4, 4];
    for (i, plan) in plans.iter().take(plans.len().saturating_sub(1)).enumerate() {
        let size = plan.problem.outputs.iter().map(TensorDesc::buffer_size).max().unwrap_or(0);
        sizes[i % 2] = sizes[i % 2].max(size);
    }
    sizes
}
