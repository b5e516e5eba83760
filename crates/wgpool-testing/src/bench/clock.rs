//! Timing one compute pass, on the wall and by the device's timestamps.

use std::time::Instant;

use super::measure::Sample;
use wgpool::engine::{Engine, Readback};
use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, TensorDesc};
use wgpool::testing::scoped;

/// Times passes of an engine's device; with timestamps at the pass' boundaries where the device has them.
#[derive(Debug)]
pub struct Clock {
    engine: Engine,
    stamps: Option<Stamps>,
}

#[derive(Debug)]
struct Stamps {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readback: Readback,
    /// Seconds of a tick.
    tick: f64,
}

/// Two timestamps of 64 bits.
const BYTES: u64 = 16;

impl Clock {
    /// A clock for `engine`'s device.
    ///
    /// # Errors
    /// Those of the device.
    pub fn new(engine: &Engine) -> Result<Clock> {
        let device = engine.device();
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(Clock { engine: engine.clone(), stamps: None });
        }
        let make = || {
            let ty = wgpu::QueryType::Timestamp;
            let set = device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count: 2 });
            let resolved = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("wgpool timestamps"),
                size: BYTES,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            (set, resolved)
        };
        let during = || "making timestamp queries".to_owned();
        let (set, resolved) = pollster::block_on(scoped(device, during, make))?;
        // Its words are read back as a tensor's.
        let desc = TensorDesc { shape: vec![BYTES as usize / 4], dtype: DType::I32 };
        let readback = Readback::new(engine, &desc, 1)?;
        let tick = f64::from(engine.queue().get_timestamp_period()) * 1e-9;
        Ok(Clock { engine: engine.clone(), stamps: Some(Stamps { set, resolved, readback, tick }) })
    }

    /// Whether the device offers timestamps.
    pub fn has_timestamps(&self) -> bool {
        self.stamps.is_some()
    }

    /// Records `runs` runs into one pass, submits, and waits for the end.
    ///
    /// # Errors
    /// Those of the device.
    pub fn time(&self, runs: usize, record: impl Fn(&mut wgpu::ComputePass<'_>)) -> Result<Sample> {
        let device = self.engine.device();
        let timestamp_writes = self.stamps.as_ref().map(|stamps| wgpu::ComputePassTimestampWrites {
            query_set: &stamps.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let submit = || {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            for _ in 0..runs {
                record(&mut pass);
            }
            drop(pass);
            self.engine.queue().submit([encoder.finish()]);
        };
        let start = Instant::now();
        pollster::block_on(scoped(device, || "timing".to_owned(), submit))?;
        self.wait()?;
        let wall = start.elapsed().as_secs_f64();
        let device = self.stamps.as_ref().map(|stamps| stamps.seconds(&self.engine)).transpose()?.flatten();
        let runs = runs.max(1) as f64;
        Ok(Sample { wall: wall / runs, device: device.map(|seconds| seconds / runs) })
    }

    /// Waits for all that was submitted.
    pub(super) fn wait(&self) -> Result<()> {
        let waited = self.engine.device().poll(wgpu::PollType::wait_indefinitely());
        waited
            .map(drop)
            .map_err(|e| Error::Gpu { during: "waiting for the device".into(), reason: e.to_string() })
    }
}

impl Stamps {
    /// Seconds between the two; nothing where the device gave none that can be (a pass that took no time at all).
    fn seconds(&self, engine: &Engine) -> Result<Option<f64>> {
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.resolve_query_set(&self.set, 0..2, &self.resolved, 0);
        let recorded = self.readback.record(&mut encoder, self.resolved.slice(..))?;
        let words = recorded.submitted(engine.queue().submit([encoder.finish()])).wait()?.into_data();
        let Data::I32(words) = words else { return Ok(None) };
        let stamp = |low: usize| {
            let word = |i: usize| words.get(i).map_or(0, |&w| u64::from(w as u32));
            word(low) | word(low + 1) << 32
        };
        let ticks = stamp(2).saturating_sub(stamp(0));
        Ok((ticks > 0).then_some(ticks as f64 * self.tick))
    }
}
