//! One workload on the host path and on an adapter, checked and then timed in turns.

use super::cases::Case;
use super::check::{Checked, Judge};
use super::gpu::GpuRun;
use super::host::HostRun;
use super::measure::{Effort, Timed, Timing, interleaved};
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::{Accuracy, Op};
use wgpool::tensor::Tensor;

/// One workload, measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseReport {
    /// The workload's name.
    pub name: String,
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
    first: Option<f64>,
}

impl<'a> Field<'a> {
    /// Computes each row of operations on the host path and the adapter, and has the results judged.
    fn start(
        engine: Option<&Engine>,
        ways: &[&[Op]],
        inputs: &'a [Tensor],
        judge: &Judge<'_>,
    ) -> Result<Field<'a>> {
        let mut field = Field::default();
        for ops in ways {
            let host = HostRun::new(ops, inputs)?;
            let output = host.run()?;
            field.judge("host path", judge, &output)?;
            field.hosts.push(host);
            let Some(engine) = engine else { continue };
            match GpuRun::start(engine, ops, inputs) {
                Ok((run, first)) => {
                    field.judge("adapter", judge, &first.output)?;
                    field.first.get_or_insert(first.took.as_secs_f64());
                    field.gpus.push(run);
                }
                Err(lost @ Error::DeviceLost { .. }) => return Err(lost),
                Err(error) => field.faults.push(format!("adapter: {error}")),
            }
        }
        Ok(field)
    }

    fn judge(&mut self, who: &str, judge: &Judge<'_>, output: &Tensor) -> Result<()> {
        if let Some(fault) = judge.fault(output)? {
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
    let inputs = case.tensors()?;
    let problem = Problem::new(&case.op, &case.descs())?;
    let judge = Judge::new(&problem, &inputs)?;
    let field = Field::start(engine, &[std::slice::from_ref(&case.op)], &inputs, &judge)?;
    let (host, gpu) = field.time(effort)?;
    let tensors = problem.inputs.iter().chain(&problem.outputs);
    Ok(CaseReport {
        name: case.name.clone(),
        accuracy: case.accuracy(),
        bytes: tensors.map(|desc| desc.bytes() as u64).sum(),
        flops: problem.flops().unwrap_or(0),
        checked: judge.checked,
        host: host.into_iter().next(),
        gpu: gpu.into_iter().next(),
        first_result: field.first.filter(|_| field.faults.is_empty()),
        kernels: field.gpus.into_iter().flat_map(|run| run.kernels).collect(),
        faults: field.faults,
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
    let field = Field::start(engine, &[std::slice::from_ref(&case.op), &two], &inputs, &judge)?;
    let (host, gpu) = field.time(effort)?;
    let mut kernels = field.gpus.into_iter().map(|run| run.kernels);
    Ok(Some(FusionReport {
        name: case.name.clone(),
        checked: judge.checked,
        host: host.try_into().ok(),
        gpu: gpu.try_into().ok(),
        kernels: [(); 2].map(|()| kernels.next().unwrap_or_default()),
        faults: field.faults,
    }))
}
