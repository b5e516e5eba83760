//! All that a benchmark found, and as JSON.

use serde_json::{Value, json};

use super::ceilings::Ceilings;
use super::contest::{CaseReport, FusionReport};
use super::measure::{Spread, Timing};
use wgpool::engine::Engine;
use wgpool::host::Simd;
use wgpool::testing::SEED;

/// The version of the JSON that [`Report::to_json`] writes.
pub const SCHEMA: u32 = 1;

/// What the adapter is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// The adapter's name.
    pub name: String,
    /// The graphics API.
    pub api: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether it computes on the CPU: then its figures say nothing about GPUs.
    pub software: bool,
    /// Whether its kernels are those that hardware would run, on a software adapter.
    pub with_gpu_kernels: bool,
    /// Whether its kernels multiply cooperative matrices, where elements are f16.
    pub cooperative: bool,
    /// Whether it gives timestamps.
    pub timestamps: bool,
}

impl Device {
    /// The adapter of an engine.
    pub fn of(engine: &Engine) -> Device {
        let info = engine.device().adapter_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        Device {
            name: info.name.clone(),
            api: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            software,
            cooperative: engine.caps().cooperative.is_some(),
            with_gpu_kernels: software && !engine.caps().software,
            timestamps: engine.device().features().contains(wgpu::Features::TIMESTAMP_QUERY),
        }
    }

    /// Its name, and that it is a software adapter if it is.
    pub fn label(&self) -> String {
        let kernels = if self.with_gpu_kernels { ", running the kernels of hardware" } else { "" };
        let kind = if self.software { ": SOFTWARE ADAPTER, no GPU" } else { "" };
        let matrices = if self.cooperative { ", with cooperative matrices" } else { "" };
        format!("{} ({}){kind}{kernels}{matrices}", self.name, self.api)
    }

    /// What its columns are called.
    pub fn short(&self) -> &'static str {
        if self.software { "software adapter" } else { "GPU" }
    }
}

/// The machine that everything ran on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// The operating system and its version.
    pub os: String,
    /// The processor's architecture, as `x86_64`.
    pub arch: &'static str,
}

/// Workloads of growing size.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scaling {
    /// What grows, and in which operation.
    pub name: &'static str,
    /// The sizes, smallest first.
    pub cases: Vec<CaseReport>,
}

impl Scaling {
    /// A row of workloads.
    pub fn new(name: &'static str, cases: Vec<CaseReport>) -> Scaling {
        Scaling { name, cases }
    }

    /// How far the time of each workload is from linear: its time per byte as a multiple of the largest workload's.
    pub fn deviations(&self, side: impl Fn(&CaseReport) -> Option<&Timing>) -> Vec<Option<f64>> {
        let per_byte = |case: &CaseReport| Some(side(case)?.wall.median / case.bytes.max(1) as f64);
        let largest = self.cases.last().and_then(per_byte);
        self.cases.iter().map(|case| Some(per_byte(case)? / largest?)).collect()
    }
}

/// All that a benchmark found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The day it ran, as `2026-01-31`, in UTC.
    pub date: String,
    /// The adapter, if there is one.
    pub device: Option<Device>,
    /// Where it ran.
    pub machine: Machine,
    /// Threads of the host path.
    pub threads: usize,
    /// Its registers.
    pub simd: Simd,
    /// Whether it was only a first look, with few measurements.
    pub quick: bool,
    /// The CPU's ceilings.
    pub host: Ceilings,
    /// The adapter's.
    pub gpu: Option<Ceilings>,
    /// The workloads.
    pub cases: Vec<CaseReport>,
    /// Those of growing size.
    pub scaling: Vec<Scaling>,
    /// Those in one kernel and in two.
    pub fusion: Vec<FusionReport>,
}

impl Report {
    /// What was wrong, with the workload's name.
    pub fn faults(&self) -> Vec<String> {
        let scaled = self.scaling.iter().flat_map(|s| &s.cases);
        let cases = self.cases.iter().chain(scaled).map(|c| (&c.name, &c.faults));
        let all = cases.chain(self.fusion.iter().map(|f| (&f.name, &f.faults)));
        all.flat_map(|(name, faults)| faults.iter().map(move |fault| format!("{name}: {fault}"))).collect()
    }

    /// The report as JSON.
    ///
    /// - `schema` (a number that changes when the meaning of a field does), `version` (of this crate), `date`, `quick`
    /// - `host`: `cpu`, `os`, `arch`, `threads`, `simd` (`baseline`, `avx2` or `avx512`), `ceilings`; `adapter`: null, or `name`, `api`, `driver`, `software`, `hardware_kernels`,
    ///   `cooperative_matrices`, `timestamps`, `ceilings`. Ceilings are `gbs` (GB/s of a copy, reads and writes counted) and `gflops` (GFLOP/s
    ///   of 32-bit multiply-adds, two operations each).
    /// - `cases`: `name`, `accuracy` (`element`, `tile` or `chain`, see [`Accuracy`](wgpool::Accuracy)), `inputs` and `outputs` (each `shape` and `dtype`), `bytes` (of all tensors, each once), `flops` (by the definition), `checked` (`elements`, of
    ///   which `compared` with the reference, drawn by `seed` if not all), `faults` (texts; then no times),
    ///   `host` and `gpu`: null, or `wall` and `timestamp` (null, or `median_ms`, `p10_ms`, `p90_ms`, `samples_ms`: each
    ///   measurement in its order), `runs_together`, `samples` (how many), `gbs`, `gflops`, `share` (of the ceiling that is nearer, 1 is all); `first_result_ms`, `kernels`.
    /// - `scaling`: `name`, `cases` as above, each with `host_deviation` and `gpu_deviation` (time per byte as a
    ///   multiple of the largest case's).
    /// - `fusion`: `name`, `checked`, `faults`, `host` and `gpu`: null, or `fused` and `two_kernels` as `host` above
    ///   without rates, and `speedup` (the time of two kernels over that of one); `kernels`.
    pub fn to_json(&self) -> Value {
        let ceilings = |c: &Ceilings| json!({ "gbs": c.bandwidth / 1e9, "gflops": c.flops / 1e9 });
        let adapter = self.device.as_ref().map(|d| {
            json!({
                "name": d.name, "api": d.api, "driver": d.driver, "software": d.software,
                "hardware_kernels": d.with_gpu_kernels || !d.software, "cooperative_matrices": d.cooperative,
                "timestamps": d.timestamps,
                "ceilings": self.gpu.as_ref().map(ceilings),
            })
        });
        let scaling: Vec<Value> = self.scaling.iter().map(|row| self.scaling_json(row)).collect();
        json!({
            "schema": SCHEMA,
            "version": env!("CARGO_PKG_VERSION"),
            "date": self.date,
            "quick": self.quick,
            "host": {
                "cpu": self.machine.cpu, "os": self.machine.os, "arch": self.machine.arch,
                "threads": self.threads, "simd": self.simd.to_string(), "ceilings": ceilings(&self.host),
            },
            "adapter": adapter,
            "cases": self.cases.iter().map(|case| self.case_json(case)).collect::<Vec<_>>(),
            "scaling": scaling,
            "fusion": self.fusion.iter().map(fusion_json).collect::<Vec<_>>(),
        })
    }

    fn case_json(&self, case: &CaseReport) -> Value {
        let side = |timing: &Option<Timing>, ceilings: Option<&Ceilings>| {
            let (timing, ceilings) = (timing.as_ref()?, ceilings?);
            let [gbs, gflops, share] = rates(case, timing, ceilings);
            let mut value = timing_json(timing);
            value["gbs"] = gbs.into();
            value["gflops"] = gflops.into();
            value["share"] = share.into();
            Some(value)
        };
        json!({
            "name": case.name,
            "accuracy": case.accuracy,
            "inputs": case.inputs,
            "outputs": case.outputs,
            "bytes": case.bytes,
            "flops": case.flops,
            "checked": checked_json(case.checked),
            "faults": case.faults,
            "host": side(&case.host, Some(&self.host)),
            "gpu": side(&case.gpu, self.gpu.as_ref()),
            "first_result_ms": case.first_result.map(|s| s * 1e3),
            "kernels": case.kernels,
        })
    }

    fn scaling_json(&self, row: &Scaling) -> Value {
        let host = row.deviations(|c| c.host.as_ref());
        let gpu = row.deviations(|c| c.gpu.as_ref());
        let cases = row.cases.iter().zip(host).zip(gpu).map(|((case, host), gpu)| {
            let mut value = self.case_json(case);
            value["host_deviation"] = host.into();
            value["gpu_deviation"] = gpu.into();
            value
        });
        json!({ "name": row.name, "cases": cases.collect::<Vec<_>>() })
    }
}

/// GB/s, GFLOP/s, and the share of the nearer ceiling.
pub fn rates(case: &CaseReport, timing: &Timing, ceilings: &Ceilings) -> [f64; 3] {
    let seconds = timing.best_known();
    let (bytes, flops) = (case.bytes as f64 / seconds, case.flops as f64 / seconds);
    [bytes / 1e9, flops / 1e9, ceilings.share(bytes, flops)]
}

fn checked_json(checked: super::Checked) -> Value {
    match checked {
        super::Checked::All { elements } => json!({ "elements": elements, "compared": elements }),
        super::Checked::Sample { drawn, elements } => {
            json!({ "elements": elements, "compared": drawn, "seed": SEED })
        }
    }
}

fn timing_json(timing: &Timing) -> Value {
    let spread = |s: &Spread, all: Vec<f64>| {
        let [median, p10, p90] = [s.median, s.p10, s.p90].map(|seconds| seconds * 1e3);
        let all: Vec<f64> = all.iter().map(|seconds| seconds * 1e3).collect();
        json!({ "median_ms": median, "p10_ms": p10, "p90_ms": p90, "samples_ms": all })
    };
    let wall = timing.samples.iter().map(|sample| sample.wall).collect();
    let device = timing.samples.iter().filter_map(|sample| sample.device).collect();
    json!({
        "wall": spread(&timing.wall, wall),
        "timestamp": timing.device.as_ref().map(|s| spread(s, device)),
        "runs_together": timing.runs,
        "samples": timing.samples.len(),
    })
}

fn fusion_json(fusion: &FusionReport) -> Value {
    let side = |both: &Option<[Timing; 2]>| {
        both.as_ref().map(|[fused, two]| {
            json!({
                "fused": timing_json(fused),
                "two_kernels": timing_json(two),
                "speedup": two.best_known() / fused.best_known(),
            })
        })
    };
    json!({
        "name": fusion.name,
        "checked": checked_json(fusion.checked),
        "faults": fusion.faults,
        "host": side(&fusion.host),
        "gpu": side(&fusion.gpu),
        "kernels": { "fused": fusion.kernels[0], "two_kernels": fusion.kernels[1] },
    })
}
