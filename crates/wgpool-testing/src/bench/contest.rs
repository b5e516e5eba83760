//! One workload on the host path and on an adapter, checked and then timed in turns.

use std::time::Instant;

use super::cases::Case;
use super::check::Checked;
use super::gpu::GpuRun;
use super::host::HostRun;
use super::measure::{Effort, Sample, Timed, Timing, interleaved};
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::plan::Kernels;
use wgpool::problem::Problem;
use wgpool::spec::{Accuracy, Op};
use wgpool::tensor::{Tensor, TensorDesc};
use wgpool::testing::Judge;

/// One workload, measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseReport {
    /// The workload's name, and behind it that of the kernel that was asked for.
    pub name: String,
    /// That kernel; see [`measure_each`].
    pub kernel: Option<&'static str>,
    /// Which error its results may have.
    pub accuracy: Accuracy,
    /// Shapes and types of what goes in.
    pub inputs: Vec<TensorDesc>,
    /// Shapes and types of what comes out.
    pub outputs: Vec<TensorDesc>,
    /// Bytes of its tensors, each counted once.
    pub bytes: u64,
    /// Its arithmetic; see [`Problem::flops`].
    pub flops: u64,
    /// What was compared with the reference.
    pub checked: Checked,
    /// What was wrong with results, or went wrong. Then nothing is timed.
    pub faults: Vec<String>,
    /// The host path's time.
    pub host: Option<Timing>,
    /// The adapter's time, where there is one.
    pub gpu: Option<Timing>,
    /// Seconds from shapes and tensors in host memory to the first result on the adapter, pipelines built anew.
    pub first_result: Option<f64>,
    /// The adapter's kernels.
    pub kernels: Vec<String>,
}

/// A convolution with pooling in one kernel, beside the same in two operations.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FusionReport {
    /// The workload's name.
    pub name: String,
    /// What was compared with the reference.
    pub checked: Checked,
    /// What was wrong with results, or went wrong. Then nothing is timed.
    pub faults: Vec<String>,
    /// The host path: in one operation, and in two.
    pub host: Option<[Timing; 2]>,
    /// The adapter, where there is one: in one operation, and in two recorded in one pass.
    pub gpu: Option<[Timing; 2]>,
    /// The adapter's kernels, in one operation and in two.
    pub kernels: [Vec<String>; 2],
}

/// Runs of one workload that are ready to be timed.
#[derive(Default)]
struct Field<'a> {
    hosts: Vec<HostRun<'a>>,
    gpus: Vec<GpuRun>,
    faults: Vec<String>,
    firsts: Vec<f64>,
}

impl<'a> Field<'a> {
    /// Computes operations in a row on the host path, and has the result judged.
    fn host(&mut self, ops: &[Op], inputs: &'a [Tensor], judge: &Judge<'_>) -> Result<()> {
        let host = HostRun::new(ops, inputs)?;
        let output = host.run()?;
        self.judge("host path", judge, &output)?;
        self.hosts.push(host);
        Ok(())
    }

    /// The same on an adapter.
    fn gpu(
        &mut self,
        (who, engine): (&str, &Engine),
        ops: &[Op],
        inputs: &[Tensor],
        judge: &Judge<'_>,
    ) -> Result<()> {
        match GpuRun::start(engine, ops, inputs) {
            Ok((run, first)) => {
                self.judge(who, judge, &first.output)?;
                self.firsts.push(first.took.as_secs_f64());
                self.gpus.push(run);
            }
            Err(lost @ Error::DeviceLost { .. }) => return Err(lost),
            Err(error) => self.faults.push(format!("{who}: {error}")),
        }
        Ok(())
    }

    fn judge(&mut self, who: &str, judge: &Judge<'_>, output: &Tensor) -> Result<()> {
        if let Some(fault) = judge.fault(std::slice::from_ref(output))? {
            self.faults.push(format!("{who}: {fault}"));
        }
        Ok(())
    }

    /// The times of the host path and of the adapter, in the order of the ways; none where there is a fault.
    fn time(&self, effort: Effort) -> Result<(Vec<Timing>, Vec<Timing>)> {
        if !self.faults.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let hosts = self.hosts.iter().map(|run| run as &dyn Timed);
        let all: Vec<&dyn Timed> = hosts.chain(self.gpus.iter().map(|run| run as &dyn Timed)).collect();
        let mut host = interleaved(&all, effort)?;
        let gpu = host.split_off(self.hosts.len().min(host.len()));
        Ok((host, gpu))
    }
}

/// Checks and times a workload on the host path and, if there is one, on an adapter.
///
/// # Errors
/// Those of the host path, and a lost device. A wrong result, or an error of the adapter's, is a fault in the report.
pub fn measure(engine: Option<&Engine>, case: &Case, effort: Effort) -> Result<CaseReport> {
    let engines: Vec<_> = engine.map(|engine| (None, engine.clone())).into_iter().collect();
    let mut reports = contest(&engines, case, effort)?;
    let none = Error::Arity { op: "bench", expected: "at least one place to run on", got: 0 };
    reports.pop().ok_or(none)
}

/// Checks and times a workload on the host path and, side by side, with each of `kernels` that applies to it; nothing
/// where none does. The first report has the host path's time.
///
/// # Errors
/// Those of [`measure`].
pub fn measure_each(
    engine: &Engine,
    kernels: &Kernels,
    case: &Case,
    effort: Effort,
) -> Result<Vec<CaseReport>> {
    let mut engines = Vec::new();
    for kernel in kernels.each() {
        let mut caps = engine.caps().clone();
        caps.kernels = Kernels::named(kernel.name)?;
        let engine = engine.with_caps(caps);
        match engine.plan(&case.op, &case.descs()) {
            Err(Error::Kernel { .. }) => {}
            _ => engines.push((Some(kernel.name), engine)),
        }
    }
    if engines.is_empty() { Ok(Vec::new()) } else { contest(&engines, case, effort) }
}

/// A report for each engine, of which the first has the host path's time; one where there is no engine.
fn contest(
    engines: &[(Option<&'static str>, Engine)],
    case: &Case,
    effort: Effort,
) -> Result<Vec<CaseReport>> {
    let inputs = case.tensors()?;
    let problem = Problem::new(&case.op, &case.descs())?;
    let judge = Judge::new(&problem, &inputs)?;
    let (ops, mut field) = (std::slice::from_ref(&case.op), Field::default());
    field.host(ops, &inputs, &judge)?;
    for (kernel, engine) in engines {
        field.gpu((kernel.unwrap_or("adapter"), engine), ops, &inputs, &judge)?;
    }
    let (host, gpu) = field.time(effort)?;
    let tensors = problem.inputs.iter().chain(&problem.outputs);
    let (mut host, mut gpu) = (host.into_iter(), gpu.into_iter());
    let (mut firsts, mut gpus) = (field.firsts.into_iter(), field.gpus.into_iter());
    let kernels = engines.iter().map(|&(kernel, _)| kernel);
    let mut report = |kernel: Option<&'static str>| CaseReport {
        name: kernel.map_or_else(|| case.name.clone(), |kernel| format!("{} {kernel}", case.name)),
        kernel,
        accuracy: case.accuracy(),
        inputs: problem.inputs.clone(),
        outputs: problem.outputs.clone(),
        bytes: tensors.clone().map(|desc| desc.bytes() as u64).sum(),
        flops: problem.flops().unwrap_or(0),
        checked: Checked::by(&judge, &problem),
        host: host.next(),
        gpu: gpu.next(),
        first_result: firsts.next().filter(|_| field.faults.is_empty()),
        kernels: gpus.next().map(|run| run.kernels).unwrap_or_default(),
        faults: field.faults.clone(),
    };
    Ok(if engines.is_empty() { vec![report(None)] } else { kernels.map(report).collect() })
}

/// Calls that compute the same, from an input in host memory to an output there.
#[derive(Clone, Copy)]
pub struct Calls<'a> {
    /// On the host path.
    pub host: &'a dyn Fn() -> Result<()>,
    /// On the adapter, where there is one.
    pub gpu: Option<&'a dyn Fn() -> Result<()>>,
}

struct Call<'a>(&'a dyn Fn() -> Result<()>);

impl Timed for Call<'_> {
    fn time(&self, count: usize) -> Result<Sample> {
        let start = Instant::now();
        (0..count).try_for_each(|_| (self.0)())?;
        Ok(Sample { wall: start.elapsed().as_secs_f64() / count.max(1) as f64, device: None })
    }
}

/// Times what is computed by several operations in a row, by calls; `parts` are these operations, checked one by one. With
/// a fault in any of them nothing is timed.
///
/// Bytes and arithmetic are the sums of the parts'.
///
/// # Errors
/// Those of the calls.
pub fn measure_calls(
    name: String,
    [input, output]: [TensorDesc; 2],
    parts: &[CaseReport],
    calls: Calls<'_>,
    effort: Effort,
) -> Result<CaseReport> {
    let faults: Vec<String> = parts.iter().flat_map(|part| part.faults.clone()).collect();
    let all: Vec<Call<'_>> = std::iter::once(calls.host).chain(calls.gpu).map(Call).collect();
    let all: Vec<&dyn Timed> = all.iter().map(|call| call as &dyn Timed).collect();
    let times = if faults.is_empty() { interleaved(&all, effort)? } else { Vec::new() };
    let mut times = times.into_iter();
    Ok(CaseReport {
        name,
        kernel: None,
        accuracy: Accuracy::Element,
        inputs: vec![input],
        outputs: vec![output],
        bytes: parts.iter().map(|part| part.bytes).sum(),
        flops: parts.iter().map(|part| part.flops).sum(),
        checked: Checked::sum(parts.iter().map(|part| part.checked)),
        faults,
        host: times.next(),
        gpu: times.next(),
        first_result: None,
        kernels: parts.iter().flat_map(|part| part.kernels.clone()).collect(),
    })
}

/// Checks and times a convolution with pooling in one operation beside the same in two; nothing for other workloads.
///
/// # Errors
/// Those of [`measure`].
pub fn measure_fusion(engine: Option<&Engine>, case: &Case, effort: Effort) -> Result<Option<FusionReport>> {
    let Some(two) = case.unfused() else { return Ok(None) };
    let inputs = case.tensors()?;
    let problem = Problem::new(&case.op, &case.descs())?;
    let judge = Judge::new(&problem, &inputs)?;
    let mut field = Field::default();
    for ops in [std::slice::from_ref(&case.op), &two] {
        field.host(ops, &inputs, &judge)?;
        if let Some(engine) = engine {
            field.gpu(("adapter", engine), ops, &inputs, &judge)?;
        }
    }
    let (host, gpu) = field.time(effort)?;
    let mut kernels = field.gpus.into_iter().map(|run| run.kernels);
    Ok(Some(FusionReport {
        name: case.name.clone(),
        checked: Checked::by(&judge, &problem),
        host: host.try_into().ok(),
        gpu: gpu.try_into().ok(),
        kernels: [(); 2].map(|()| kernels.next().unwrap_or_default()),
        faults: field.faults,
    }))
}
