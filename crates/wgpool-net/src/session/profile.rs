//! How long each operation of a session takes.

use std::time::Instant;

use pollster::block_on;

use super::{GpuSession, Kind, Session, run_prepared};
use crate::explain::LayerCost;
use crate::program::Step;
use wgpool::engine::{Engine, Readback};
use wgpool::error::{Error, Result};
use wgpool::host::in_thread_pool;
use wgpool::tensor::{DType, Data, Tensor, TensorDesc};
use wgpool::wgpu;

const OP: &str = "profile";

/// Operations whose two timestamps one set of queries holds.
const IN_A_SET: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;

/// What operations were timed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// The device's own timestamps, before and after a compute pass of each operation.
    Timestamps,
    /// The host's clock around a submission of each operation, which was waited for: the device has no timestamps. What a
    /// submission costs is part of each time.
    Submissions,
    /// The host's clock around each operation, which the CPU computes.
    Host,
}

/// The times of one operation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepTime {
    /// Its layer or node, operation, shapes and kernels.
    pub cost: LayerCost,
    /// Seconds of each run, in their order.
    pub samples: Vec<f64>,
}

impl StepTime {
    /// The median in seconds.
    pub fn median(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
        (at(sorted.len().saturating_sub(1) / 2) + at(sorted.len() / 2)) / 2.0
    }
}

/// How long each operation of a [`Session`] takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The model's name.
    pub name: String,
    /// Where it computed.
    pub backend: String,
    /// What the operations were timed by.
    pub clock: Clock,
    /// The operations, in order.
    pub steps: Vec<StepTime>,
}

impl Profile {
    /// The sum of the medians in seconds. A run may take less, because operations are timed apart, and more, because it
    /// copies inputs and outputs too.
    pub fn total(&self) -> f64 {
        self.steps.iter().map(StepTime::median).sum()
    }
}

impl Session {
    /// Times each operation in `runs` runs, after one that is not counted: on a GPU by timestamps where the device has
    /// [`wgpu::Features::TIMESTAMP_QUERY`], and else by a submission for each; on the CPU by the host's clock. Not in browsers.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no runs; [`Error::Arity`] and [`Error::Shape`] if `inputs` are not what the session was made
    /// for; those of the backend.
    ///
    /// ```
    /// use wgpool_net::{Clock, LayerKind, Model, Session};
    /// use wgpool::{Backend, Pool, Tensor};
    /// let model = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// let session = Session::compile(&Backend::Host, model.program(1)?)?;
    /// let profile = session.profile(&[&Tensor::from_f32(&[1, 1, 2, 2], vec![1., 4., 2., 3.])?], 5)?;
    /// assert_eq!((profile.clock, profile.steps[0].samples.len()), (Clock::Host, 5));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn profile(&self, inputs: &[&Tensor], runs: usize) -> Result<Profile> {
        if runs == 0 {
            return Err(Error::parameter(OP, "runs", runs, "it must be at least 1"));
        }
        self.check(inputs)?;
        let (clock, times) = match &self.kind {
            Kind::Gpu(session) => on_gpu(session, self.program.steps.len(), inputs, runs)?,
            Kind::Host(steps) => (
                Clock::Host,
                in_thread_pool(|| {
                    self.on_host_clock(inputs, runs, |at, step, inputs| {
                        run_prepared(step, steps.get(at).and_then(Option::as_ref), inputs)
                    })
                })??,
            ),
            Kind::Cpu(backend) => {
                (Clock::Host, self.on_host_clock(inputs, runs, |_, step, inputs| step.run(backend, inputs))?)
            }
        };
        let of_step = |(at, cost): (usize, &LayerCost)| StepTime {
            cost: cost.clone(),
            samples: times.iter().map(|run| run.get(at).copied().unwrap_or(0.0)).collect(),
        };
        Ok(Profile {
            name: self.program.name.clone(),
            backend: self.explanation.backend.clone(),
            clock,
            steps: self.explanation.layers.iter().enumerate().map(of_step).collect(),
        })
    }

    /// Seconds of each step in each run.
    fn on_host_clock(
        &self,
        inputs: &[&Tensor],
        runs: usize,
        compute: impl Fn(usize, &Step, &[&Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Vec<f64>>> {
        let run = |_| {
            let mut times = Vec::with_capacity(self.program.steps.len());
            self.program.run_with(inputs, |step, inputs| {
                let begun = Instant::now();
                let outputs = compute(times.len(), step, inputs);
                times.push(begun.elapsed().as_secs_f64());
                outputs.map_err(|error| error.in_layer(&self.program.name, &step.name))
            })?;
            Ok(times)
        };
        run(0)?;
        (0..runs).map(run).collect()
    }
}

/// Seconds of each step in each run, and how they were taken.
fn on_gpu(
    session: &GpuSession,
    steps: usize,
    inputs: &[&Tensor],
    runs: usize,
) -> Result<(Clock, Vec<Vec<f64>>)> {
    let engine = &session.engine;
    let has_timestamps = engine.device().features().contains(wgpu::Features::TIMESTAMP_QUERY);
    let clock = if has_timestamps { Clock::Timestamps } else { Clock::Submissions };
    if steps == 0 {
        return Ok((clock, vec![Vec::new(); runs]));
    }
    let uploaded = block_on(session.upload(inputs))?;
    // Two words for each of two timestamps; of a submission one is read to wait for it.
    let stamps = Stamps::new(engine, if has_timestamps { 4 * steps } else { 1 })?;
    let run = |_| match has_timestamps {
        true => stamps.run(session, steps, &uploaded),
        false => stamps.submissions(session, steps, &uploaded),
    };
    run(0)?;
    Ok((clock, (0..runs).map(run).collect::<Result<_>>()?))
}

/// What a run's timestamps are read from.
struct Stamps<'a> {
    engine: &'a Engine,
    resolved: wgpu::Buffer,
    readback: Readback,
    /// Bytes that are read.
    size: u64,
}

impl Stamps<'_> {
    fn new(engine: &Engine, words: usize) -> Result<Stamps<'_>> {
        // The words of timestamps are read back as a tensor's.
        let desc = TensorDesc { shape: vec![words], dtype: DType::I32 };
        let size = desc.buffer_size();
        let resolved = block_on(engine.tensor_buffer_async(OP, size))?;
        Ok(Stamps { engine, resolved, readback: Readback::new(engine, &desc, 1)?, size })
    }

    /// Submits what is recorded and waits for it.
    fn submit(&self, record: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Vec<i32>> {
        let copies = [(&self.readback, self.resolved.slice(..self.size))];
        let pending = block_on(self.engine.submit_into(OP, &copies, record))?;
        let mut words = Vec::new();
        for tensor in pending {
            if let Data::I32(read) = tensor.wait()?.into_data() {
                words = read;
            }
        }
        Ok(words)
    }

    /// One run, a compute pass for each step.
    fn run(&self, session: &GpuSession, steps: usize, uploaded: &[wgpu::Buffer]) -> Result<Vec<f64>> {
        let device = self.engine.device();
        let words = self.submit(|encoder| {
            session.encode_inputs(uploaded, encoder);
            for first in (0..steps).step_by(IN_A_SET) {
                let count = IN_A_SET.min(steps - first);
                let queries = 2 * count as u32;
                let ty = wgpu::QueryType::Timestamp;
                let query_set =
                    &device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count: queries });
                for (step, query) in (first..first + count).zip((0..).step_by(2)) {
                    let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                        query_set,
                        beginning_of_pass_write_index: Some(query),
                        end_of_pass_write_index: Some(query + 1),
                    });
                    let pass = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
                    session.encode_step(step, true, &mut encoder.begin_compute_pass(&pass));
                }
                let size = 8 * u64::from(queries);
                let resolved = device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("wgpool timestamps"),
                    size,
                    usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                    mapped_at_creation: false,
                });
                encoder.resolve_query_set(query_set, 0..queries, &resolved, 0);
                encoder.copy_buffer_to_buffer(&resolved, 0, &self.resolved, 16 * first as u64, size);
            }
        })?;
        let stamps: Vec<u64> = words
            .chunks_exact(2)
            .map(|word| word.iter().rev().fold(0, |all, &word| all << 32 | u64::from(word as u32)))
            .collect();
        let tick = f64::from(self.engine.queue().get_timestamp_period()) * 1e-9;
        let seconds = |pair: &[u64]| match *pair {
            [begin, end] => end.saturating_sub(begin) as f64 * tick,
            _ => 0.0,
        };
        Ok(stamps.chunks_exact(2).map(seconds).collect())
    }

    /// One run, a submission for each step.
    fn submissions(&self, session: &GpuSession, steps: usize, uploaded: &[wgpu::Buffer]) -> Result<Vec<f64>> {
        self.submit(|encoder| session.encode_inputs(uploaded, encoder))?;
        let timed = |step| {
            let begun = Instant::now();
            self.submit(|encoder| {
                let pass = wgpu::ComputePassDescriptor::default();
                session.encode_step(step, true, &mut encoder.begin_compute_pass(&pass));
            })?;
            Ok(begun.elapsed().as_secs_f64())
        };
        (0..steps).map(timed).collect()
    }
}
