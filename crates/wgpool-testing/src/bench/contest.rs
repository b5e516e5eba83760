//! One workload on the host path and on an adapter, checked and then timed in turns.

use super::cases::Case;
use super::check::Checked;
use super::gpu::GpuRun;
use super::host::HostRun;
use super::measure::{Effort, Timed, Timing, interleaved};
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::plan::Kernels;
use wgpool::problem::Problem;
use wgpool::spec::{Accuracy, Op};
use wgpool::tensor::Tensor;
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
