//! The same calls as the futures, waited for. In browsers nothing may block, so that this file is not compiled for them.

use std::sync::Arc;

use pollster::block_on;

use super::layer::Model;
use super::memory::{Homes, Memory, plans};
use super::program::{Program, Step, only_output};
use super::session::{Kind, Session, SessionCache, SplitSession, Weights};
use wgpool::backend::Backend;
use wgpool::engine::{Engine, Pending};
use wgpool::error::Result;
use wgpool::tensor::{Tensor, TensorDesc};

impl Model {
    /// [`Model::trace_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Model::trace_async`].
    pub fn trace(&self, backend: &Backend, input: &Tensor) -> Result<Vec<(String, Tensor)>> {
        block_on(self.trace_async(backend, input))
    }

    /// [`Model::trace_all_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Model::trace_all_async`].
    pub fn trace_all(&self, backend: &Backend, inputs: &[&Tensor]) -> Result<Vec<(String, Tensor)>> {
        block_on(self.trace_all_async(backend, inputs))
    }
}

impl Program {
    /// [`Program::run_all_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Program::run_all_async`].
    pub fn run_all(&self, backend: &Backend, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        block_on(self.run_all_async(backend, inputs))
    }

    /// [`Program::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Program::run_async`].
    pub fn run(&self, backend: &Backend, input: &Tensor) -> Result<Tensor> {
        block_on(self.run_async(backend, input))
    }
}

impl Step {
    /// [`Step::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Step::run_async`].
    pub fn run(&self, backend: &Backend, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        block_on(self.run_async(backend, inputs))
    }
}

impl SplitSession {
    /// [`SplitSession::compile_async`], waited for.
    ///
    /// # Errors
    /// Those of [`SplitSession::compile_async`].
    pub fn compile(
        engine: &Engine,
        program: Program,
        on_host: impl FnMut(&Step) -> bool,
    ) -> Result<SplitSession> {
        block_on(Self::compile_async(engine, program, on_host))
    }

    /// [`SplitSession::run_all_async`], waited for.
    ///
    /// # Errors
    /// Those of [`SplitSession::run_all_async`].
    pub fn run_all(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        block_on(self.run_all_async(inputs))
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
        let homes = Homes::new(&program);
        let plans = plans(engine, &program, memory, &homes)?;
        engine.prepare_all(&plans.ops)?;
        block_on(Self::on_gpu(engine, program, (plans, homes), memory, Weights::Own))
    }

    /// [`Session::with_batch_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Session::with_batch_async`].
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Memory, Model, Session};
    /// use wgpool::{Backend, Pool, Tensor};
    /// let model = Model::new("tiny", [1, 2, 2]).layer("pool", LayerKind::Pool(Pool::max([2, 2])));
    /// let one = Session::compile(&Backend::Host, model.program(1)?)?;
    /// let two = one.with_batch(2, &Memory::default())?;
    /// let x = Tensor::from_f32(&[2, 1, 2, 2], vec![1., 2., 3., 4., 8., 7., 6., 5.])?;
    /// assert_eq!(two.run(&x)?.as_f32()?, [4., 8.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn with_batch(&self, batch: usize, memory: &Memory<'_>) -> Result<Session> {
        if let Kind::Gpu(session) = &self.kind {
            let program = self.batched(batch)?;
            let plans = plans(&session.engine, &program, memory, &Homes::new(&program))?;
            session.engine.prepare_all(&plans.ops)?;
        }
        block_on(self.with_batch_async(batch, memory))
    }

    /// [`Session::set_weights_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Session::set_weights_async`].
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Model, Session};
    /// use wgpool::{Backend, Dense, Tensor};
    /// let kernel = Tensor::from_f32(&[2, 1], vec![1., 10.])?;
    /// let model = Model::new("tiny", [2])
    ///     .layer("sum", LayerKind::Dense { spec: Dense::new(), kernel: kernel.into(), bias: None });
    /// let mut session = Session::compile(&Backend::Host, model.program(1)?)?;
    /// session.set_weights([("sum/kernel", Tensor::from_f32(&[2, 1], vec![3., 5.])?)])?;
    /// assert_eq!(session.run(&Tensor::from_f32(&[1, 2], vec![1., 1.])?)?.as_f32()?, [8.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn set_weights<N: AsRef<str>>(
        &mut self,
        weights: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<()> {
        block_on(self.set_weights_async(weights))
    }

    /// [`Session::run_all_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Session::run_all_async`].
    pub fn run_all(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.check(inputs)?;
        match &self.kind {
            Kind::Cpu(backend) => self.program.run_all(backend, inputs),
            Kind::Host(steps) => self.run_on_host(steps, inputs),
            Kind::Gpu(session) => block_on(session.start(inputs))?.into_iter().map(Pending::wait).collect(),
        }
    }

    /// [`Session::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Session::run_async`].
    pub fn run(&self, input: &Tensor) -> Result<Tensor> {
        self.output()?;
        only_output("session", self.run_all(&[input])?)
    }
}

impl SessionCache {
    /// [`SessionCache::session_async`], waited for; pipelines are compiled in parallel.
    ///
    /// # Errors
    /// Those of [`SessionCache::session_async`].
    pub fn session(&self, inputs: &[TensorDesc]) -> Result<Arc<Session>> {
        block_on(self.session_after(inputs, |engine, plans| engine.prepare_all(plans).map(drop)))
    }

    /// [`SessionCache::run_all_async`], waited for.
    ///
    /// # Errors
    /// Those of [`SessionCache::run_all_async`].
    pub fn run_all(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let descs: Vec<TensorDesc> = inputs.iter().map(|input| input.desc()).collect();
        self.session(&descs)?.run_all(inputs)
    }

    /// [`SessionCache::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`SessionCache::run_async`].
    pub fn run(&self, input: &Tensor) -> Result<Tensor> {
        only_output("session cache", self.run_all(&[input])?)
    }
}

#[cfg(feature = "training")]
mod training {
    use super::{Backend, Model, Result, Tensor, block_on};
    use crate::train::{Dataset, Event, Fit, Metrics, Network, Settings, Trainer, Wish};

    impl Trainer {
        /// [`Trainer::new_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::new_async`].
        pub fn new(backend: &Backend, network: impl Into<Network>, settings: Settings) -> Result<Trainer> {
            block_on(Trainer::new_async(backend, network, settings))
        }

        /// [`Trainer::step_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::step_async`].
        pub fn step(&mut self, x: &Tensor, y: &Tensor) -> Result<Metrics> {
            block_on(self.step_async(x, y))
        }

        /// [`Trainer::fit_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::fit_async`].
        pub fn fit(
            &mut self,
            data: &Dataset<'_>,
            validation: Option<&Dataset<'_>>,
            fit: &Fit,
            then: impl FnMut(&Event) -> Wish,
        ) -> Result<()> {
            block_on(self.fit_async(data, validation, fit, then))
        }

        /// [`Trainer::evaluate_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::evaluate_async`].
        pub fn evaluate(&mut self, data: &Dataset<'_>) -> Result<Metrics> {
            block_on(self.evaluate_async(data))
        }

        /// [`Trainer::weights_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::weights_async`].
        pub fn weights(&self) -> Result<Vec<(String, Tensor)>> {
            block_on(self.weights_async())
        }

        /// [`Trainer::model_async`], waited for.
        ///
        /// # Errors
        /// Those of [`Trainer::model_async`].
        pub fn model(&self) -> Result<Option<Model>> {
            block_on(self.model_async())
        }
    }
}
