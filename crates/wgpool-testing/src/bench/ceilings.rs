//! What the memory and the arithmetic of a device give at most, measured by a copy and by chains of multiply-adds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::clock::Clock;
use super::measure::Sample;
use wgpool::engine::Engine;
use wgpool::error::Result;
use wgpool::host::Simd;
use wgpool::plan::fold;
use wgpool::testing::WORKGROUP;
use wgpool::testing::filled;
use wgpool::testing::scoped;
use wgpool::testing::simd;

/// The best that was seen of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// Bytes a second that a copy reads and writes, both counted.
    pub bandwidth: f64,
    /// Floating-point operations a second of 32-bit multiply-adds, two each.
    pub flops: f64,
}

impl Ceilings {
    /// The share of what is attainable: of the bandwidth or of the arithmetic, whichever is nearer its ceiling.
    pub fn share(&self, bytes_per_second: f64, flops_per_second: f64) -> f64 {
        (bytes_per_second / self.bandwidth).max(flops_per_second / self.flops)
    }

    /// Operations a second that the roof allows at `intensity` operations a byte.
    pub fn roof(&self, intensity: f64) -> f64 {
        self.flops.min(self.bandwidth * intensity)
    }

    /// Measures the CPU, with as many threads as the host path has.
    ///
    /// # Errors
    /// None that is known.
    pub fn of_host() -> Result<Ceilings> {
        let from = vec![1.0f32; HOST_COPY / 4];
        let mut to = vec![0.0f32; HOST_COPY / 4];
        let copy = best(|| {
            let start = Instant::now();
            to.par_chunks_mut(HOST_CHUNK).zip(from.par_chunks(HOST_CHUNK)).for_each(|(to, from)| {
                to.copy_from_slice(from);
            });
            black_box(&mut to);
            Ok(start.elapsed().as_secs_f64())
        })?;
        let threads = rayon::current_num_threads();
        let lanes = if simd::level() == Simd::Avx512 { WIDE_LANES } else { LANES };
        let flops = threads as f64 * (HOST_ROUNDS * lanes * 2) as f64;
        let fma = best(|| {
            let start = Instant::now();
            (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
                black_box(simd::wide(
                    #[inline(always)]
                    |simd| match simd {
                        Simd::Avx512 => chains::<WIDE_LANES>(simd, black_box(0.999), black_box(0.001)),
                        _ => chains::<LANES>(simd, black_box(0.999), black_box(0.001)),
                    },
                ));
            });
            Ok(start.elapsed().as_secs_f64())
        })?;
        Ok(Ceilings { bandwidth: 2.0 * HOST_COPY as f64 / copy, flops: flops / fma })
    }

    /// Measures a device by two shaders, and its memory by the driver's own copy too, whichever is better.
    ///
    /// # Errors
    /// Those of the device.
    pub fn of_gpu(engine: &Engine) -> Result<Ceilings> {
        let clock = Clock::new(engine)?;
        let software = engine.device().adapter_info().device_type == wgpu::DeviceType::Cpu;
        let limits = [engine.caps().max_binding, engine.caps().max_buffer];
        let size = if software { SOFTWARE_COPY } else { GPU_COPY };
        // Whole vectors of 16 bytes.
        let size = limits.into_iter().fold(size, u64::min) / 16 * 16;
        let memory = [engine.storage("bench", size)?, engine.storage("bench", size)?];

        let vectors = size / 16;
        let copy = Probe::new(engine, COPY, vectors.div_ceil(u64::from(WORKGROUP)), &memory, |row| {
            [vectors as u32, row, 0, 0]
        })?;
        let copied = best(|| Ok(seconds(copy.time(&clock, 1)?)))?;
        let driver = best(|| driver_copy(engine, &clock, &memory))?;

        let (workgroups, rounds) = if software { (64, 2048) } else { (8192, 1024) };
        let floats = [0.999f32.to_bits(), 0.001f32.to_bits()];
        let fma = Probe::new(engine, FMA, workgroups, &memory, |row| [rounds, row, floats[0], floats[1]])?;
        let computed = best(|| Ok(seconds(fma.time(&clock, 1)?)))?;
        // Sixteen multiply-adds of four lanes in a round.
        let flops = (workgroups * u64::from(WORKGROUP) * u64::from(rounds) * 16 * 4 * 2) as f64;
        Ok(Ceilings { bandwidth: 2.0 * size as f64 / copied.min(driver), flops: flops / computed })
    }
}

/// Bytes of the tensors that are copied: more than caches hold.
const HOST_COPY: usize = 64 << 20;
const SOFTWARE_COPY: u64 = 64 << 20;
const GPU_COPY: u64 = 512 << 20;

/// Elements that a task copies.
const HOST_CHUNK: usize = 1 << 18;

/// Twelve registers of eight lanes, in chains that do not wait for each other.
const LANES: usize = 12 * 8;
/// The same for registers of AVX-512.
const WIDE_LANES: usize = 12 * 16;
const HOST_ROUNDS: usize = 1 << 20;

/// How long a ceiling is looked for, and how often at least.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const ATTEMPTS: usize = 5;

/// The shortest of repeated measurements, in seconds: what is asked is what can be reached. The first is a warm-up.
fn best(mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    measure()?;
    let begin = Instant::now();
    let (mut least, mut attempts) = (f64::INFINITY, 0);
    while attempts < ATTEMPTS || begin.elapsed() < LONG_ENOUGH {
        least = least.min(measure()?);
        attempts += 1;
    }
    Ok(least.max(1e-9))
}

fn seconds(sample: Sample) -> f64 {
    sample.device.unwrap_or(sample.wall)
}

#[inline(always)]
fn chains<const N: usize>(simd: Simd, factor: f32, term: f32) -> f32 {
    let mut lanes: [f32; N] = std::array::from_fn(|i| i as f32);
    for _ in 0..HOST_ROUNDS {
        for lane in &mut lanes {
            *lane = simd::mul_add(simd, *lane, factor, term);
        }
    }
    lanes.iter().sum()
}

/// Seconds of the driver's own copy from one buffer to the other.
fn driver_copy(engine: &Engine, clock: &Clock, [from, to]: &[wgpu::Buffer; 2]) -> Result<f64> {
    let start = Instant::now();
    let submit = || {
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
        engine.queue().submit([encoder.finish()]);
    };
    pollster::block_on(scoped(engine.device(), || "copying".to_owned(), submit))?;
    clock.wait()?;
    Ok(start.elapsed().as_secs_f64())
}

const COPY: &str = include_str!("../../shaders/bench/copy.wgsl");
const FMA: &str = include_str!("../../shaders/bench/fma.wgsl");

/// A shader that is no kernel of any operation, bound to two buffers.
struct Probe {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    grid: [u32; 3],
}

impl Probe {
    /// `params` are made of the invocations in a row of the grid.
    fn new(
        engine: &Engine,
        source: &'static str,
        workgroups: u64,
        [from, to]: &[wgpu::Buffer; 2],
        params: impl Fn(u32) -> [u32; 4],
    ) -> Result<Probe> {
        let device = engine.device();
        let grid = fold(workgroups, engine.caps().max_workgroups).unwrap_or([1; 3]);
        let words = params(grid[0] * WORKGROUP);
        let during = || "building a probe".to_owned();
        let usage = wgpu::BufferUsages::UNIFORM;
        let params = filled(device, "wgpool probe", bytemuck::cast_slice(&words), usage, during);
        let params = pollster::block_on(params)?;
        let build = || {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("wgpool probe"),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
            let constants = [("WORKGROUP", f64::from(WORKGROUP))];
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("wgpool probe"),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
            let entries: Vec<_> = ([&params, from, to].into_iter().enumerate())
                .map(|(i, buffer)| wgpu::BindGroupEntry {
                    binding: i as u32,
                    resource: buffer.as_entire_binding(),
                })
                .collect();
            let layout = pipeline.get_bind_group_layout(0);
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("wgpool probe"),
                layout: &layout,
                entries: &entries,
            });
            Probe { pipeline, group, grid }
        };
        pollster::block_on(scoped(device, during, build))
    }

    fn time(&self, clock: &Clock, count: usize) -> Result<Sample> {
        let [x, y, z] = self.grid;
        clock.time(count, |pass| {
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            pass.dispatch_workgroups(x, y, z);
        })
    }
}
