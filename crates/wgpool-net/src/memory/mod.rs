//! Where a session computes, and the plans for it.

mod homes;
mod views;

pub(super) use homes::{Home, Homes, Spot};

use super::custom::Gpu;
use super::program::{Port, Program, Task};
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::plan::{Caps, Plan};
use wgpool::problem::Problem;
use wgpool::wgpu::{BufferSlice, BufferUsages};

/// Buffers of the app that a session computes in, instead of its own. A list that is empty leaves these to the session.
///
/// All need the usage `STORAGE`; each output and scratch buffer must be no other one of them. On devices whose kernels
/// read in pages ([`Caps::for_buffers`](wgpool::Caps::for_buffers)), a session is planned for the usages and sizes that
/// these have.
#[derive(Clone, Debug, Default)]
pub struct Memory<'a> {
    /// What [`Session::encode`](crate::Session::encode) reads: one for each input.
    pub inputs: Vec<BufferSlice<'a>>,
    /// What [`Session::encode`](crate::Session::encode) writes: one for each output.
    pub outputs: Vec<BufferSlice<'a>>,
    /// The tensors between the operations: see [`Session::scratch_sizes_of`](crate::Session::scratch_sizes_of).
    pub scratch: Vec<BufferSlice<'a>>,
}

impl Memory<'_> {
    /// Refuses lists of other lengths than a program has.
    pub(super) fn check(&self, program: &Program, homes: &Homes) -> Result<()> {
        let lengths = [
            (self.inputs.len(), program.inputs.len(), "none, or a buffer for each input"),
            (self.outputs.len(), program.outputs.len(), "none, or a buffer for each output"),
            (self.scratch.len(), homes.scratch.len(), "none, or a buffer for each of the scratch sizes"),
        ];
        match lengths.into_iter().find(|(got, wanted, _)| *got > 0 && got != wanted) {
            Some((got, _, expected)) => Err(Error::Arity { op: "session", expected, got }),
            None => Ok(()),
        }
    }

    fn home(&self, home: Home) -> Option<&BufferSlice<'_>> {
        match home {
            Home::Input(input) => self.inputs.get(input),
            Home::Output(output) => self.outputs.get(output),
            Home::Scratch(scratch) => self.scratch.get(scratch),
        }
    }
}

/// How a GPU computes the steps: of each kind in order.
#[derive(Debug)]
pub(super) struct Plans {
    /// Of the operations of wgpool.
    pub ops: Vec<Plan>,
    /// Of the app's own operators.
    pub customs: Vec<Gpu>,
}

impl Plans {
    /// Bytes of the scratch memory of the operations' own kernels. The operations run one after another and share it: the largest
    /// piece of each takes the first buffer.
    pub fn scratch(&self) -> Vec<u64> {
        let mut all: Vec<u64> = Vec::new();
        for plan in &self.ops {
            for (at, (_, size)) in largest_first(plan).into_iter().enumerate() {
                match all.get_mut(at) {
                    Some(shared) => *shared = size.max(*shared),
                    None => all.push(size),
                }
            }
        }
        all
    }
}

/// Of the buffers for [`Plans::scratch`], those that a plan's pieces take, in the order of the pieces.
pub(super) fn pieces<'a, T>(plan: &Plan, shared: &'a [T]) -> Vec<&'a T> {
    let mut taken: Vec<(usize, &T)> =
        largest_first(plan).into_iter().map(|(piece, _)| piece).zip(shared).collect();
    taken.sort_by_key(|&(piece, _)| piece);
    taken.into_iter().map(|(_, buffer)| buffer).collect()
}

/// The pieces of a plan's scratch memory with their bytes.
fn largest_first(plan: &Plan) -> Vec<(usize, u64)> {
    let mut pieces: Vec<(usize, u64)> = plan.scratch.iter().copied().enumerate().collect();
    pieces.sort_by_key(|&(_, size)| std::cmp::Reverse(size));
    pieces
}

/// The plans of the operations, each for the buffers that its inputs lie in, and what the app's operators are on a GPU.
pub(super) fn plans(engine: &Engine, program: &Program, memory: &Memory<'_>, homes: &Homes) -> Result<Plans> {
    memory.check(program, homes)?;
    let caps = engine.caps();
    let plan = |step: &super::Step, problem: &Problem| {
        let mut usages: Option<BufferUsages> = None;
        for (source, desc) in step.inputs.iter().zip(&problem.inputs) {
            let Some(spot) = homes.of(source) else { continue };
            let has = match memory.home(spot.home) {
                Some(slice) => usages_of(caps, slice, spot.offset, desc.buffer_size()),
                // Of the session's own buffers parts alone may not be read in whole pages.
                None if spot.offset + caps.padded(desc.buffer_size())
                    <= caps.padded(size(program, homes, spot.home)) =>
                {
                    continue;
                }
                None => BufferUsages::STORAGE,
            };
            usages = Some(usages.map_or(has, |all| all & has));
        }
        let caps = usages.map_or_else(|| caps.clone(), |usages| caps.for_buffers(usages));
        Plan::of(problem.clone(), &caps)
    };
    let mut plans = Plans { ops: Vec::with_capacity(program.steps.len()), customs: Vec::new() };
    for (at, step) in program.steps.iter().enumerate() {
        let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
        match &step.task {
            Task::Op { .. } if homes.is_in_place(at) => {}
            Task::Op { problem, .. } => plans.ops.push(plan(step, problem).map_err(in_layer)?),
            Task::Custom(call) => plans.customs.push(call.gpu().map_err(in_layer)?),
        }
    }
    Ok(plans)
}

/// Bytes of a buffer of the session's own.
fn size(program: &Program, homes: &Homes, home: Home) -> u64 {
    let of_port = |port: Option<&Port>| port.map_or(0, |port| port.desc.buffer_size());
    match home {
        Home::Input(input) => of_port(program.inputs.get(input)),
        Home::Output(output) => of_port(program.outputs.get(output)),
        Home::Scratch(scratch) => homes.scratch.get(scratch).copied().unwrap_or(0),
    }
}

/// What kernels may use that read a tensor of `size` bytes at an offset in memory of the app.
fn usages_of(caps: &Caps, slice: &BufferSlice<'_>, offset: u64, size: u64) -> BufferUsages {
    let offset = slice.offset() + offset;
    let aligned = offset.is_multiple_of(u64::from(caps.uniform_alignment.max(1)));
    let whole = aligned && offset + caps.padded(size) <= slice.buffer().size();
    let usages = slice.buffer().usage();
    if whole { usages } else { usages - BufferUsages::UNIFORM }
}
