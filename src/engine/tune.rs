//! Measuring the kernels that compete for some work on the device there is.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollster::block_on;

use super::{Engine, Pending, PrepackedBinding};
use crate::error::{Error, Result};
use crate::plan::{CandidateInfo, Caps, Kernels, Plan, Tuned, TunedFor, Tuning, candidates, class};
use crate::problem::{Problem, Work};
use crate::reference::judge::{Judge, values};

/// What stands for the plan without any measurement.
const RULES: &str = "the rules' choice";
/// Measurements of each candidate.
const ROUNDS: usize = 9;
/// How long the runs of a measurement take together, about.
const MEASUREMENT: Duration = Duration::from_millis(10);
/// Runs of a measurement at most.
const MOST_RUNS: u32 = 1000;
/// Another kernel than the rules' must be so many times faster.
const CLEARLY: f64 = 1.05;
/// What takes so many times as long as the fastest in its first run is not measured.
const HOPELESS: u32 = 4;

/// What is measured next; see [`Engine::tune`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TuneProgress<'a> {
    /// The problem's number.
    pub problem: usize,
    /// How many problems there are.
    pub of: usize,
    /// The operation.
    pub op: &'static str,
    /// The candidate that is built and compared with the reference; nothing while they are timed.
    pub kernel: Option<&'a str>,
}

/// A candidate's plan that gave right results, ready to be timed.
struct Entrant {
    kernel: &'static str,
    target_workgroups: u32,
    binding: PrepackedBinding,
    /// Of its first run.
    once: Duration,
}

impl Tuning {
    /// Nothing yet, for this version of the crate on the engine's device.
    pub fn on(engine: &Engine) -> Tuning {
        let info = engine.device().adapter_info();
        let measured_on = TunedFor {
            adapter: engine.adapter_name(),
            driver: [info.driver, info.driver_info].join(" "),
            version: env!("CARGO_PKG_VERSION").into(),
            kernels: candidates().map(|c| c.name).collect::<Vec<_>>().join(" "),
        };
        Tuning { measured_on, fastest: BTreeMap::new() }
    }
}

impl Engine {
    /// The same device with plans that choose by what was measured on it.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it was measured on another adapter, driver or version, or among other kernels.
    pub fn with_tuning(&self, tuning: Tuning) -> Result<Engine> {
        let here = Tuning::on(self).measured_on;
        let TunedFor { adapter, driver, version, kernels } = &tuning.measured_on;
        for (parameter, measured, here) in [
            ("adapter", adapter, &here.adapter),
            ("driver", driver, &here.driver),
            ("version", version, &here.version),
            ("kernels", kernels, &here.kernels),
        ] {
            if measured != here {
                return Err(Error::parameter("tuning", parameter, measured, format!("here it is {here}")));
            }
        }
        Ok(self.with_caps(Caps { tuning: Some(Arc::new(tuning)), ..self.caps().clone() }))
    }

    /// Measures the kernels that compete for each problem on this device, and says which were the fastest: by a
    /// twentieth at least than what plans choose by their rules. A convolution with pooling is measured in its parts too.
    ///
    /// Each result is compared with the reference before it is timed; a wrong one is logged and never taken. Values are
    /// pseudo-random and the same each time. It takes `budget`, and as long as the kernel takes that is measured when it ends: a problem that is not measured to its end by then,
    /// and all behind it, are not in the result, nor are they where `progress`, called before each kernel,
    /// breaks off. Whatever else the device does meanwhile disturbs the measurement.
    ///
    /// It blocks, and is not there in browsers.
    ///
    /// # Errors
    /// Those of the device, and [`Error::OutOfMemory`].
    ///
    /// ```
    /// # fn main() -> wgpool::Result<()> {
    /// # use std::{ops::ControlFlow, time::Duration};
    /// # use wgpool::{Backend, Choice, Op, Pool, Problem, TensorDesc};
    /// # let Backend::Gpu(engine) = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?.backend
    /// #     else { unreachable!() };
    /// let problem = Problem::new(&Op::from(Pool::max([2])), &[TensorDesc::f32([1, 8, 32, 32])])?;
    /// let tuning = engine.tune(&[problem], Duration::from_secs(5), |_| ControlFlow::Continue(()))?;
    /// let engine = engine.with_tuning(tuning)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tune(
        &self,
        problems: &[Problem],
        budget: Duration,
        mut progress: impl FnMut(TuneProgress<'_>) -> ControlFlow<()>,
    ) -> Result<Tuning> {
        // A budget beyond the end of time is none.
        let end = Instant::now().checked_add(budget);
        let mut tuning = Tuning::on(self);
        let problems: Vec<Problem> = problems.iter().flat_map(parts).collect();
        for (i, problem) in problems.iter().enumerate() {
            let Some((class, candidates)) = class(&problem.work) else { continue };
            if tuning.fastest.contains_key(&class) {
                continue;
            }
            let mut stop = |kernel: Option<&str>| {
                let next = TuneProgress { problem: i, of: problems.len(), op: problem.op, kernel };
                end.is_some_and(|end| Instant::now() >= end) || progress(next).is_break()
            };
            // What comes after it is chosen by what is known already, as it will be.
            let engine =
                self.with_caps(Caps { tuning: Some(Arc::new(tuning.clone())), ..self.caps().clone() });
            match engine.fastest(problem, &candidates, &mut stop)? {
                Some(fastest) => tuning.fastest.extend(fastest.map(|fastest| (class, fastest))),
                None => break,
            }
        }
        Ok(tuning)
    }

    /// The candidate that is the fastest for `problem`, if it is not what the rules choose; nothing where `stop` said so.
    fn fastest(
        &self,
        problem: &Problem,
        candidates: &[CandidateInfo],
        stop: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<Option<Option<Tuned>>> {
        let rules = Plan::of(problem.clone(), self.caps())?;
        let mut plans = vec![(RULES, self.caps().target_workgroups, rules)];
        // Where plans are given no register tiles, building one takes the driver ten seconds and more, which no budget bounds.
        let tiles = self.caps().min_macs_for_tiles < u64::MAX;
        for candidate in candidates.iter().filter(|c| tiles || !c.name.ends_with("/register_tiles")) {
            for target_workgroups in
                [4, 1, 16].map(|n| (self.caps().target_workgroups.saturating_mul(n) / 4).max(1))
            {
                let kernels = Kernels::named(candidate.name)?;
                let caps = Caps { kernels, target_workgroups, ..self.caps().clone() };
                let plan = Plan::of(problem.clone(), &caps);
                // Some do not apply.
                plans.extend(plan.ok().map(|plan| (candidate.name, target_workgroups, plan)));
            }
        }
        // The same steps need be measured once.
        let mut distinct: Vec<(&'static str, u32, Plan)> = Vec::new();
        for plan in plans {
            if distinct.iter().all(|known| known.2.steps != plan.2.steps) {
                distinct.push(plan);
            }
        }
        if distinct.len() < 2 {
            return Ok(Some(None));
        }
        let inputs = problem
            .inputs
            .iter()
            .enumerate()
            .map(|(i, desc)| values(desc, i as u64))
            .collect::<Result<Vec<_>>>()?;
        let judge = Judge::new(problem, &inputs)?;
        let mut entrants: Vec<Entrant> = Vec::new();
        for (kernel, target_workgroups, plan) in &distinct {
            if stop(Some(kernel)) {
                return Ok(None);
            }
            match self.entrant(kernel, *target_workgroups, plan, &judge) {
                Ok(entrant) => entrants.extend(entrant),
                Err(lost @ Error::DeviceLost { .. }) => return Err(lost),
                Err(error) => log::warn!("{kernel} is not measured: {error}"),
            }
        }
        let fastest = entrants.iter().map(|e| e.once).min().unwrap_or_default();
        entrants.retain(|e| e.kernel == RULES || e.once <= fastest * HOPELESS);
        self.contest(&entrants, stop)
    }

    /// A plan that is bound, run and compared with the reference; nothing where its result is wrong.
    fn entrant(
        &self,
        kernel: &'static str,
        target_workgroups: u32,
        plan: &Plan,
        judge: &Judge<'_>,
    ) -> Result<Option<Entrant>> {
        let (op, descs) = (plan.problem.op, &plan.problem.outputs);
        let inputs = judge.inputs.iter().map(|t| self.upload(op, t)).collect::<Result<Vec<_>>>()?;
        let outputs = (descs.iter().map(|desc| self.tensor_buffer(op, desc.buffer_size())))
            .collect::<Result<Vec<_>>>()?;
        let inputs: Vec<_> = inputs.iter().map(|b| b.slice(..)).collect();
        let slices: Vec<_> = outputs.iter().map(|b| b.slice(..)).collect();
        let binding = self.prepare(plan)?.bind(&inputs, &slices)?.prepack(self)?;
        let wanted: Vec<_> =
            outputs.iter().zip(descs).map(|(b, desc)| (b.slice(..desc.buffer_size()), desc)).collect();
        let results = block_on(self.submit(op, &wanted, |encoder| {
            binding.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        }))?;
        let results = results.into_iter().map(Pending::wait).collect::<Result<Vec<_>>>()?;
        if let Some(fault) = judge.fault(&results)? {
            log::error!("{kernel} is wrong on this device, and not taken: {fault}");
            return Ok(None);
        }
        let once = self.time(&binding, 1)?;
        Ok(Some(Entrant { kernel, target_workgroups, binding, once }))
    }

    /// The time of one of `count` runs, which are recorded together and waited for once.
    fn time(&self, binding: &PrepackedBinding, count: u32) -> Result<Duration> {
        let start = Instant::now();
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        (0..count).for_each(|_| binding.encode(&mut pass));
        drop(pass);
        let index = self.queue().submit([encoder.finish()]);
        let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: None };
        self.device()
            .poll(wait)
            .map_err(|error| Error::Gpu { during: "tuning".into(), reason: error.to_string() })?;
        Ok(start.elapsed() / count)
    }

    /// Times all of them in turns: the fastest, where that is clearly faster than what the rules choose; nothing where `stop`
    /// said so.
    fn contest(
        &self,
        entrants: &[Entrant],
        stop: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<Option<Option<Tuned>>> {
        let runs = |e: &Entrant| {
            (MEASUREMENT.as_nanos() / e.once.as_nanos().max(1)).clamp(1, MOST_RUNS.into()) as u32
        };
        let mut times = vec![Vec::with_capacity(ROUNDS); entrants.len()];
        for _ in 0..ROUNDS {
            if stop(None) {
                return Ok(None);
            }
            for (entrant, times) in entrants.iter().zip(&mut times) {
                times.push(self.time(&entrant.binding, runs(entrant))?.as_secs_f64());
            }
        }
        let Some(first) = times.first() else { return Ok(Some(None)) };
        // Where the rules' choice gives wrong results or none, whatever is right is better.
        let rules_work = entrants.first().is_some_and(|first| first.kernel == RULES);
        // How many times faster each is than the first, in the median of the rounds and in the third worst of them.
        let faster = times.iter().map(|times| {
            let mut ratios: Vec<f64> = first.iter().zip(times).map(|(first, time)| first / time).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            (ratios[ROUNDS / 2], ratios[ROUNDS / 4])
        });
        let taken = entrants
            .iter()
            .zip(faster)
            .filter(|(_, (median, low))| !rules_work || *median >= CLEARLY && *low > 1.0);
        let fastest = taken.max_by(|a, b| a.1.0.total_cmp(&b.1.0)).map(|(entrant, _)| entrant);
        Ok(Some(fastest.map(|e| Tuned { kernel: e.kernel.into(), target_workgroups: e.target_workgroups })))
    }
}

/// A convolution with pooling, and its parts before it; any other problem by itself.
fn parts(problem: &Problem) -> Vec<Problem> {
    let Work::ConvPool(both) = &problem.work else { return vec![problem.clone()] };
    let between = vec![both.between.clone()];
    let conv = Problem {
        op: "convolution",
        outputs: between.clone(),
        work: Work::Conv(both.conv),
        ..problem.clone()
    };
    let pool = Problem { op: "pooling", inputs: between, work: Work::Pool(both.pool), ..problem.clone() };
    vec![conv, pool, problem.clone()]
}
