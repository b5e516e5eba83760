//! Every workload of the case table, the host path beside the adapter.
//!
//! `cargo bench`, or one of them: `cargo bench -- P1`. The device is opened, the tensors uploaded and the weights
//! packed outside the timed part; the clock stops when the device has finished. Software adapters are named as such.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wgpool::{Backend, Choice, Problem};
use wgpool_testing::bench::{GpuRun, HostRun, cases};

fn ops(c: &mut Criterion) {
    let engine = [Choice::Gpu, Choice::Software].iter().find_map(|choice| {
        let Ok(Backend::Gpu(engine)) = Backend::open(choice).map(|o| o.backend) else { return None };
        Some(engine)
    });
    let engine = engine.expect("an adapter; on Debian: apt-get install libvulkan1 mesa-vulkan-drivers");
    println!("host path beside {}", engine.adapter_name());
    for case in cases::all() {
        let inputs = case.tensors().expect("the case table holds legal shapes");
        let problem = Problem::new(&case.op, &case.descs()).expect("the case table holds legal operations");
        let ops = [case.op.clone()];
        let mut group = c.benchmark_group(&case.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        group.throughput(Throughput::Elements(problem.outputs[0].elements() as u64));
        let host = HostRun::new(&ops, &inputs).expect("the case table holds legal operations");
        group.bench_function(BenchmarkId::from_parameter("host"), |b| {
            b.iter(|| host.run().expect("the host path computes it"));
        });
        let adapter = if engine.caps().software { "software adapter" } else { "gpu" };
        // Made when it is first run, so that a case which the filter leaves out costs nothing.
        let mut gpu = None;
        group.bench_function(BenchmarkId::from_parameter(adapter), |b| {
            let start = || GpuRun::start(&engine, &ops, &inputs).expect("the adapter computes it").0;
            let gpu = gpu.get_or_insert_with(start);
            b.iter_custom(|count| {
                let sample = gpu.time(count as usize).expect("the adapter computes it");
                Duration::from_secs_f64(sample.wall * count as f64)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, ops);
criterion_main!(benches);
