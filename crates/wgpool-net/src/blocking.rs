//! The same calls as the futures, waited for. In browsers nothing may block, so that this file is not compiled for them.

use pollster::block_on;

use super::memory::{Memory, plans};
use super::program::Program;
use super::sequential::Sequential;
use super::session::{Kind, Session};
use wgpool::backend::Backend;
use wgpool::engine::Engine;
use wgpool::error::Result;
use wgpool::tensor::Tensor;

impl Sequential {
    /// [`Sequential::trace_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Sequential::trace_async`].
    pub fn trace(&self, backend: &Backend, input: &Tensor) -> Result<Vec<(String, Tensor)>> {
        block_on(self.trace_async(backend, input))
    }
}

impl Program {
    /// [`Program::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Program::run_async`].
    pub fn run(&self, backend: &Backend, input: &Tensor) -> Result<Tensor> {
        let mut x = self.checked(input)?;
        for step in &self.steps {
            let inputs = step.inputs(&self.name, x)?;
            let inputs: Vec<&Tensor> = inputs.iter().chain(&step.weights).collect();
            x = step.output(&self.name, backend.run(&step.op, &inputs))?;
        }
        x.reshaped(&self.output.shape)
    }
}

impl Session {
    /// [`Session::compile_async`], waited for; pipelines are compiled in parallel.
    ///
    /// # Errors
    /// Those of [`Session::compile_async`].
    pub fn compile(backend: &Backend, program: Program) -> Result<Session> {
        match backend {
            Backend::Gpu(engine) => Self::compile_in(engine, program, &Memory::default()),
            _ => Self::on_cpu(backend, program),
        }
    }

    /// [`Session::compile_in_async`], waited for; pipelines are compiled in parallel.
    ///
    /// # Errors
    /// Those of [`Session::compile_in_async`].
    pub fn compile_in(engine: &Engine, program: Program, memory: &Memory<'_>) -> Result<Session> {
        let plans = plans(engine, &program, memory)?;
        engine.prepare_all(&plans)?;
        block_on(Self::on_gpu(engine, program, &plans, memory))
    }

    /// [`Session::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Session::run_async`].
    pub fn run(&self, input: &Tensor) -> Result<Tensor> {
        self.check(input)?;
        match &self.kind {
            Kind::Cpu { backend, program } => program.run(backend, input),
            Kind::Host(session) => session.run(self.name(), input),
            Kind::Gpu(session) => block_on(session.start(input))?.wait(),
        }
    }
}
