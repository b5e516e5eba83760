//! `wgpool bench MODEL`: its operations one by one, and all of it.

use std::path::Path;

use wgpool::{Backend, DType, Engine, Result, Tensor};
use wgpool_net::{Profile, Program, Session, Step};
use wgpool_testing::bench::{self, Calls, CaseReport, Effort, cases::Case};

use crate::args::BenchArgs;
use crate::network::Network;

/// A model for one size of batch.
pub struct Model {
    program: Program,
    batch: usize,
    /// Its operations.
    pub cases: Vec<Case>,
}

/// The model for each size of batch.
pub fn load(args: &BenchArgs, path: &Path, batches: &[usize]) -> Result<Vec<Model>> {
    let network = Network::load(path, args.weights.as_deref())?;
    let of = |&batch: &usize| {
        let program = network.batch(batch, &args.dims)?;
        program.input().and_then(|_| program.output())?;
        // The cases' inputs are f32: what reads indices or bytes is timed in the whole model alone.
        let is_f32 = |step: &&Step| step.input_descs().iter().all(|desc| desc.dtype == DType::F32);
        let cases = program.steps.iter().filter(is_f32).filter_map(|step| {
            let shapes = step.input_descs().iter().map(|desc| desc.shape.clone()).collect();
            // The first word is the case's short name.
            let name = step.name.split_whitespace().collect::<Vec<_>>().join("_");
            let op = step.op()?.clone();
            Some(Case { name: format!("{name} batch {batch}"), op, shapes, dtype: DType::F32 })
        });
        Ok(Model { cases: cases.collect(), program, batch })
    };
    batches.iter().map(of).collect()
}

impl Model {
    /// Times the operations within the whole model, on the adapter or else the host path.
    pub fn profile(&self, engine: Option<&Engine>, runs: usize) -> Result<Profile> {
        let backend = engine.map_or(Backend::Host, |engine| Backend::Gpu(engine.clone()));
        Session::compile(&backend, self.program.clone())?.profile(&[&self.input()?], runs)
    }

    /// Numbers from 0 to 1.
    fn input(&self) -> Result<Tensor> {
        let desc = self.program.input()?;
        Tensor::from_f32(&desc.shape, (0..desc.elements()).map(|i| (i % 256) as f32 / 255.0).collect())
    }

    /// Times the whole model, from an input in host memory to the output there, after its operations were checked and
    /// timed one by one.
    pub fn whole(&self, engine: Option<&Engine>, parts: &[CaseReport], effort: Effort) -> Result<CaseReport> {
        let session = |backend: &Backend| Session::compile(backend, self.program.clone());
        let host = session(&Backend::Host)?;
        let gpu = engine.map(|engine| session(&Backend::Gpu(engine.clone()))).transpose()?;
        let input = self.input()?;
        let run = |session: &Session| session.run(&input).map(drop);
        let (on_host, on_gpu) = (|| run(&host), || gpu.as_ref().map_or(Ok(()), run));
        let gpu = gpu.as_ref().map(|_| &on_gpu as &dyn Fn() -> Result<()>);
        let calls = Calls { host: &on_host, gpu };
        let descs = [input.desc(), self.program.output()?.clone()];
        bench::measure_calls(format!("model batch {}", self.batch), descs, parts, calls, effort)
    }
}
