//! Every workload of the case table, the host path beside the adapter.
//!
//! `cargo bench`, or one of them: `cargo bench -- P1`. The device is opened and the tensors uploaded outside the
//! timed part; the clock stops when the device has finished. Software adapters are named as such.

#[path = "cases.rs"]
mod cases;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wgpool::{Backend, Choice, Engine, Problem, Tensor, TensorDesc, host};

/// Times `count` runs recorded into one submission, waited for once.
fn time_gpu(engine: &Engine, case: &cases::Case, inputs: &[Tensor], count: u64) -> wgpool::Result<Duration> {
    let descs: Vec<TensorDesc> = inputs.iter().map(Tensor::desc).collect();
    let plan = engine.plan(&case.op, &descs)?;
    let ins = inputs.iter().map(|t| engine.upload("bench", t)).collect::<wgpool::Result<Vec<_>>>()?;
    let outs = (plan.problem.outputs.iter())
        .map(|desc| engine.storage("bench", desc.buffer_size()))
        .collect::<wgpool::Result<Vec<_>>>()?;
    let binding = engine.prepare(&plan)?.bind(
        &ins.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
        &outs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
    )?;
    // The first run pays for what is done once.
    submit(engine, &binding, 1);
    let start = Instant::now();
    submit(engine, &binding, count);
    Ok(start.elapsed())
}

fn submit(engine: &Engine, binding: &wgpool::Binding, count: u64) {
    let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    for _ in 0..count {
        binding.encode(&mut pass);
    }
    drop(pass);
    engine.queue().submit([encoder.finish()]);
    engine.device().poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
}

fn ops(c: &mut Criterion) {
    let engine = [Choice::Gpu, Choice::Software].iter().find_map(|choice| {
        let Ok(Backend::Gpu(engine)) = Backend::open(choice).map(|o| o.backend) else { return None };
        Some(engine)
    });
    let engine = engine.expect("an adapter; on Debian: apt-get install libvulkan1 mesa-vulkan-drivers");
    println!("host path beside {}", engine.adapter_name());
    for case in cases::all() {
        let inputs = case.tensors();
        let refs: Vec<&Tensor> = inputs.iter().collect();
        let descs: Vec<TensorDesc> = inputs.iter().map(Tensor::desc).collect();
        let problem = Problem::new(&case.op, &descs).expect("the case table holds legal operations");
        let mut group = c.benchmark_group(case.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        group.throughput(Throughput::Elements(problem.outputs[0].elements() as u64));
        group.bench_function(BenchmarkId::from_parameter("host"), |b| {
            b.iter(|| host::compute(&problem, &refs).expect("the host path computes it"));
        });
        let adapter = if engine.caps().software { "software adapter" } else { "gpu" };
        group.bench_function(BenchmarkId::from_parameter(adapter), |b| {
            b.iter_custom(|count| time_gpu(&engine, &case, &inputs, count).expect("the adapter computes it"));
        });
        group.finish();
    }
}

criterion_group!(benches, ops);
criterion_main!(benches);
