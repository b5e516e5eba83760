//! Where a session computes, and the plans for it.

use super::custom::Gpu;
use super::program::{Lifetime, Program, Source, Task, lifetimes};
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

    fn slice(&self, program: &Program, homes: &Homes, source: &Source) -> Option<&BufferSlice<'_>> {
        match homes.of(source)? {
            Home::Input(input) => self.inputs.get(input),
            Home::Output(output) => self.outputs.get(output),
            Home::Scratch(scratch) => self.scratch.get(scratch),
        }
        .filter(|_| !program.steps.is_empty())
    }
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Input(usize),
    Output(usize),
    Scratch(usize),
}

/// Where all values lie. A kernel may not write a buffer that it reads, so that values share whole buffers, and only
/// those that are never there at the same time.
#[derive(Clone, Debug)]
pub(super) struct Homes {
    /// Of each output of each step.
    steps: Vec<Vec<Home>>,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
}

impl Homes {
    /// Large values choose first; each takes the smallest buffer that is free as long as it is there.
    pub fn new(program: &Program) -> Homes {
        let outputs = |step: &super::Step| vec![Home::Scratch(0); step.output_descs().len()];
        let mut homes = Homes { steps: program.steps.iter().map(outputs).collect(), scratch: Vec::new() };
        for (i, result) in program.results.iter().enumerate() {
            homes.set(result, Home::Output(i));
        }
        let all = lifetimes(program).into_iter().flatten();
        let mut between: Vec<Lifetime> = all.filter(|lifetime| !lifetime.is_result).collect();
        between.sort_by_key(|lifetime| std::cmp::Reverse(lifetime.bytes));
        let mut buffers: Vec<Buffer> = Vec::new();
        for lifetime in between {
            let free = buffers.iter().rposition(|buffer| buffer.is_free(&lifetime));
            let at = free.unwrap_or(buffers.len());
            if at == buffers.len() {
                buffers.push(Buffer::default());
                homes.scratch.push(lifetime.bytes);
            }
            if let Some(buffer) = buffers.get_mut(at) {
                buffer.used.insert(lifetime.step, lifetime.last);
            }
            homes.set(&Source::Step { step: lifetime.step, output: lifetime.output }, Home::Scratch(at));
        }
        homes
    }

    fn set(&mut self, source: &Source, home: Home) {
        if let Source::Step { step, output } = source
            && let Some(place) = self.steps.get_mut(*step).and_then(|outputs| outputs.get_mut(*output))
        {
            *place = home;
        }
    }

    /// Where a value lies that is no weight.
    pub fn of(&self, source: &Source) -> Option<Home> {
        match source {
            Source::Input(input) => Some(Home::Input(*input)),
            Source::Step { step, output } => self.steps.get(*step)?.get(*output).copied(),
            Source::Weight(_) => None,
        }
    }

    /// Where the outputs of a step lie.
    pub fn outputs(&self, step: usize) -> &[Home] {
        self.steps.get(step).map_or(&[], Vec::as_slice)
    }
}

/// When a buffer is in use: from which step to which.
#[derive(Default)]
struct Buffer {
    used: std::collections::BTreeMap<usize, usize>,
}

impl Buffer {
    fn is_free(&self, lifetime: &Lifetime) -> bool {
        let before = self.used.range(..=lifetime.last).next_back();
        before.is_none_or(|(_, &last)| last < lifetime.step)
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
    let plan = |step: &super::Step, problem: &Problem| {
        let mut usages = None;
        for (source, desc) in step.inputs.iter().zip(&problem.inputs) {
            if let Some(slice) = memory.slice(program, homes, source) {
                let has = usages_of(engine.caps(), slice, desc.buffer_size());
                usages = Some(usages.map_or(has, |all: BufferUsages| all & has));
            }
        }
        let caps = usages.map_or_else(|| engine.caps().clone(), |usages| engine.caps().for_buffers(usages));
        Plan::of(problem.clone(), &caps)
    };
    let mut plans = Plans { ops: Vec::with_capacity(program.steps.len()), customs: Vec::new() };
    for step in &program.steps {
        let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
        match &step.task {
            Task::Op { problem, .. } => plans.ops.push(plan(step, problem).map_err(in_layer)?),
            Task::Custom(call) => plans.customs.push(call.gpu().map_err(in_layer)?),
        }
    }
    Ok(plans)
}

/// What kernels may use that read a tensor of `size` bytes from a buffer of the app.
fn usages_of(caps: &Caps, slice: &BufferSlice<'_>, size: u64) -> BufferUsages {
    let aligned = slice.offset().is_multiple_of(u64::from(caps.uniform_alignment.max(1)));
    let whole = aligned && slice.offset() + caps.padded(size) <= slice.buffer().size();
    let usages = slice.buffer().usage();
    if whole { usages } else { usages - BufferUsages::UNIFORM }
}
