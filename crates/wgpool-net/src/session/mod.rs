//! A program made ready to run many times: on a GPU, weights uploaded, pipelines built, buffers bound, and one
//! submission a run.

mod cache;
mod gpu;
#[cfg(not(target_arch = "wasm32"))]
mod profile;
mod shared;
mod split;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::explain::ProgramExplanation;
use super::layer::Model;
use super::memory::{Homes, Memory, Plans, plans};
use super::program::{Port, Program, Settable, Source, Step, check_inputs, only_output};
pub use cache::{CacheUses, SessionCache};
pub(super) use gpu::{GpuSession, Weights};
#[cfg(not(target_arch = "wasm32"))]
pub use profile::{Clock, Profile, StepTime};
pub use split::SplitSession;
use wgpool::backend::Backend;
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::host::Prepared;
use wgpool::problem::Problem;
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// A model compiled for given shapes and one backend.
///
/// ```
/// use wgpool_net::{LayerKind, Model, Session};
/// use wgpool::{Backend, Layout, Pool, Tensor};
/// let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
/// let model = Model::new("tiny", [2, 2, 1]).layer("pool", LayerKind::Pool(pool));
/// let session = Session::compile(&Backend::Host, model.program(1)?)?;
/// let x = Tensor::from_f32(&[1, 2, 2, 1], vec![1., 4., 2., 3.])?;
/// assert_eq!(session.run(&x)?.as_f32()?, [4.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    /// Without its weights on a GPU.
    pub(super) program: Program,
    explanation: ProgramExplanation,
    pub(super) kind: Kind,
    /// The layers, which sessions that share weights share too.
    model: Arc<Mutex<Model>>,
    /// The initializers of the file that the model was read from.
    initializers: Arc<BTreeMap<String, Settable>>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Gpu(Box<GpuSession>),
    Cpu(Backend),
    /// The host path: each step with its weights in reading order, none for an operator of the app's own.
    Host(Vec<Option<Prepared>>),
}

impl Session {
    /// Makes a program ready to run on a backend, in buffers of its own.
    ///
    /// # Errors
    /// Those of the plans of its operations, and of the device.
    pub async fn compile_async(backend: &Backend, program: Program) -> Result<Session> {
        match backend {
            Backend::Gpu(engine) => Self::compile_in_async(engine, program, &Memory::default()).await,
            _ => Self::on_cpu(backend, program),
        }
    }

    /// Makes a program ready to run on a GPU, in buffers of the app where `memory` names some.
    ///
    /// Submits once where kernels want weights in another order; runs submit nothing but what the app asks for.
    ///
    /// # Errors
    /// Those of [`Session::compile_async`]; [`Error::Buffer`] for a buffer that breaks a rule.
    pub async fn compile_in_async(engine: &Engine, program: Program, memory: &Memory<'_>) -> Result<Session> {
        let homes = Homes::new(&program);
        let plans = plans(engine, &program, memory, &homes)?;
        Self::on_gpu(engine, program, (plans, homes), memory, Weights::Own).await
    }

    pub(super) async fn on_gpu(
        engine: &Engine,
        mut program: Program,
        (plans, homes): (Plans, Homes),
        memory: &Memory<'_>,
        weights: Weights<'_>,
    ) -> Result<Session> {
        let explanation = program.explain_with(&Backend::Gpu(engine.clone()), Some((&plans, &homes)))?;
        let session = GpuSession::new(engine, &program, (plans, homes), memory, weights).await?;
        let initializers = Arc::new(program.take_initializers());
        program.release_weights()?;
        let model = Arc::new(Mutex::new(program.model.clone()));
        Ok(Session { program, explanation, kind: Kind::Gpu(Box::new(session)), model, initializers })
    }

    pub(super) fn on_cpu(backend: &Backend, mut program: Program) -> Result<Session> {
        let explanation = program.explain(backend)?;
        let kind = match backend {
            Backend::Host => Kind::Host(on_host(&program)?),
            _ => Kind::Cpu(backend.clone()),
        };
        let initializers = Arc::new(program.take_initializers());
        let model = Arc::new(Mutex::new(program.model.clone()));
        Ok(Session { program, explanation, kind, model, initializers })
    }

    /// The same model for another batch size, as [`Program::with_batch`]. It reads the same weights, and on a GPU builds pipelines only where its
    /// plans take other kernels.
    ///
    /// `memory` is what it computes in; the other's buffers are not used.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a session of batch 0, which says nothing of others; those of [`Session::compile_in_async`].
    pub async fn with_batch_async(&self, batch: usize, memory: &Memory<'_>) -> Result<Session> {
        let program = self.batched(batch)?;
        let other = match &self.kind {
            Kind::Gpu(session) => {
                let engine = &session.engine;
                let homes = Homes::new(&program);
                let plans = plans(engine, &program, memory, &homes)?;
                let weights = Weights::Of(session);
                let other = Self::on_gpu(engine, program, (plans, homes), memory, weights).await?;
                Session { model: self.model.clone(), ..other }
            }
            Kind::Cpu(backend) => Self::on_cpu(backend, program)?,
            Kind::Host(_) => Self::on_cpu(&Backend::Host, program)?,
        };
        Ok(Session { initializers: self.initializers.clone(), ..other })
    }

    /// The program for another batch size, of the layers as they are now.
    pub(super) fn batched(&self, batch: usize) -> Result<Program> {
        Ok(Program { model: self.model().clone(), ..self.program.with_batch(batch)? })
    }

    /// Sets weights by their names, `layer/weight` as [`Model::weights`] gives them, in the order and shapes of Keras; all
    /// others stay what they are. The session keeps what its layers have, which it shares with the model that it was made of.
    /// Of an ONNX model they are the file's initializers, in the file's shapes and types; one whose numbers went into others, as those of
    /// a `BatchNormalization` that was joined with a convolution, is an error that says so.
    ///
    /// On a GPU they are written into the buffers that are there, of sessions made by [`Session::with_batch_async`] too,
    /// before whatever is submitted next, and brought into the kernels' order by a submission. Nothing is compiled.
    ///
    /// # Errors
    /// Those of [`Model::set_weights`], and nothing has changed then; [`Error::Layer`] if with these weights the model
    /// becomes other operations, as where a shift that was none would lie in front of padding, and for an initializer that there is not
    /// or that cannot be set, with the reason; those of the device.
    pub async fn set_weights_async<N: AsRef<str>>(
        &mut self,
        weights: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<()> {
        if !self.initializers.is_empty() {
            return self.set_initializers(weights.into_iter().collect()).await;
        }
        let mut model = self.model().clone();
        model.set_weights(weights)?;
        let batch = self.program.inputs.first().and_then(|input| input.desc.shape.first());
        let mut from = model.program(batch.copied().unwrap_or(1))?;
        if self.program.inputs.iter().any(|input| input.desc.dtype == DType::F16) {
            from = from.in_f16()?;
        }
        self.take_weights(&from).await?;
        *self.model() = model;
        Ok(())
    }

    async fn set_initializers<N: AsRef<str>>(&mut self, given: Vec<(N, Tensor)>) -> Result<()> {
        let initializers = self.initializers.clone();
        let mut set = Vec::with_capacity(given.len());
        for (name, tensor) in given {
            let name = name.as_ref();
            let Some(settable) = initializers.get(name) else {
                return Err(Error::layer(&self.program.name, name, "the model has no such initializer"));
            };
            let places = settable.places(&self.program.name, name, &tensor)?;
            set.push((Arc::new(tensor), places));
        }
        if let Kind::Gpu(session) = &self.kind {
            // Operations that share one read the same buffer.
            let firsts = set.iter().filter_map(|(tensor, places)| Some((*places.first()?, tensor.as_ref())));
            let of_step = |((step, input), tensor): ((usize, usize), _)| {
                let inputs = self.program.steps.get(step)?.inputs.get(..input)?;
                let weight = inputs.iter().filter(|source| matches!(source, Source::Weight(_))).count();
                Some(((step, weight), tensor))
            };
            return session.write_weights(&firsts.filter_map(of_step).collect::<Vec<_>>()).await;
        }
        let mut program = self.program.clone();
        let mut changed = BTreeSet::new();
        for (tensor, places) in set {
            for &(step, input) in places {
                if let Some(source) = program.steps.get_mut(step).and_then(|step| step.inputs.get_mut(input))
                {
                    *source = Source::Weight(tensor.clone());
                    changed.insert(step);
                }
            }
        }
        if let Kind::Host(prepared) = &mut self.kind {
            let mut fresh = Vec::with_capacity(changed.len());
            for at in changed {
                if let Some(step) = program.steps.get(at) {
                    fresh.push((at, prepare(&program.name, step)?));
                }
            }
            for (at, step) in fresh {
                if let Some(prepared) = prepared.get_mut(at) {
                    *prepared = step;
                }
            }
        }
        self.program = program;
        Ok(())
    }

    /// The layers that its operations were made of.
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_weights(&mut self, from: &Program) -> Result<()> {
        self.check_weights(from)?;
        match &mut self.kind {
            Kind::Gpu(session) => session.set_weights(from).await?,
            kind => {
                let mut program = self.program.clone();
                for (step, new) in program.steps.iter_mut().zip(&from.steps) {
                    let weights = step.inputs.iter_mut().zip(&new.inputs);
                    for (weight, new) in weights.filter(|(_, new)| matches!(new, Source::Weight(_))) {
                        weight.clone_from(new);
                    }
                }
                if let Kind::Host(steps) = kind {
                    *steps = on_host(&program)?;
                }
                self.program = program;
            }
        }
        Ok(())
    }

    fn check_weights(&self, from: &Program) -> Result<()> {
        let Program { name, steps, .. } = &self.program;
        let alike = |(step, new): (&Step, &Step)| {
            let weights = |step: &Step| step.input_descs().get(1..).map(<[TensorDesc]>::to_vec);
            step.name == new.name && step.op() == new.op() && weights(step) == weights(new)
        };
        let differs = steps.iter().zip(&from.steps).find(|pair| !alike(*pair)).map(|(step, _)| step);
        match differs.or(steps.last().filter(|_| steps.len() != from.steps.len())) {
            None => Ok(()),
            Some(step) => {
                let reason =
                    "with these weights the layers become other operations: compile a session of their model";
                Err(Error::layer(name, &step.name, reason))
            }
        }
    }

    /// Bytes of the scratch buffers that a program needs, for [`Memory::scratch`].
    ///
    /// Values that are never there at the same time share one, and others where no kernel would write a buffer that it reads. They begin at
    /// multiples of 256 bytes.
    pub fn scratch_sizes_of(program: &Program) -> Vec<u64> {
        Homes::new(program).scratch
    }

    /// What goes in.
    pub fn inputs(&self) -> &[Port] {
        &self.program.inputs
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Port] {
        &self.program.outputs
    }

    /// The only input, as [`Program::input`].
    ///
    /// # Errors
    /// [`Error::Arity`] if there are none or several.
    pub fn input(&self) -> Result<&TensorDesc> {
        self.program.input()
    }

    /// The only output, as [`Program::output`].
    ///
    /// # Errors
    /// [`Error::Arity`] if there are none or several.
    pub fn output(&self) -> Result<&TensorDesc> {
        self.program.output()
    }

    /// Which kernels it runs and why, the bytes they move, their arithmetic, and the memory it takes; of memory that
    /// the app has given, too.
    pub fn explain(&self) -> &ProgramExplanation {
        &self.explanation
    }

    /// Computes all outputs for all inputs: on a GPU in one submission and without ever blocking, elsewhere while the future is
    /// polled.
    ///
    /// Several runs may be in flight on a GPU; each beyond the first takes staging buffers of its own.
    ///
    /// # Errors
    /// [`Error::Arity`] and [`Error::Shape`] if `inputs` are not what the session was made for; those of the backend.
    pub async fn run_all_async(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.check(inputs)?;
        match &self.kind {
            Kind::Cpu(backend) => self.program.run_all_async(backend, inputs).await,
            Kind::Host(steps) => self.run_on_host(steps, inputs),
            Kind::Gpu(session) => {
                let pending = session.start(inputs).await?;
                let mut outputs = Vec::with_capacity(pending.len());
                for output in pending {
                    outputs.push(output.read().await?);
                }
                Ok(outputs)
            }
        }
    }

    /// Computes the output of a model with one input and one output, as [`Session::run_all_async`].
    ///
    /// # Errors
    /// Those of [`Session::run_all_async`]; [`Error::Arity`] if it has not one input and one output.
    pub async fn run_async(&self, input: &Tensor) -> Result<Tensor> {
        self.output()?;
        only_output("session", self.run_all_async(&[input]).await?)
    }

    pub(super) fn check(&self, inputs: &[&Tensor]) -> Result<()> {
        check_inputs("session", &self.program.name, &self.program.inputs, inputs)
    }

    pub(super) fn run_on_host(&self, steps: &[Option<Prepared>], inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut steps = steps.iter();
        let run = || {
            self.program.run_with(inputs, |step, inputs| {
                let Some(prepared) = steps.next() else { return Ok(Vec::new()) };
                let outputs = run_prepared(step, prepared.as_ref(), inputs);
                outputs.map_err(|error| error.in_layer(&self.program.name, &step.name))
            })
        };
        // Where there are no threads, nothing can be sent to one.
        #[cfg(not(target_arch = "wasm32"))]
        let run = || wgpool::host::in_thread_pool(run)?;
        #[cfg(target_arch = "wasm32")]
        let mut run = run;
        run()
    }

    fn gpu(&self) -> Option<&GpuSession> {
        match &self.kind {
            Kind::Gpu(session) => Some(session),
            Kind::Cpu(_) | Kind::Host(_) => None,
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// The buffers that [`Session::encode`] reads, on a GPU, one for each input: fill them from the CPU or by a copy or shader of
    /// your own. None on the CPU.
    pub fn input_buffers(&self) -> Vec<&wgpool::wgpu::Buffer> {
        self.gpu().map_or(Vec::new(), |session| session.inputs().collect())
    }

    /// The buffers that [`Session::encode`] writes, on a GPU, one for each output. None on the CPU.
    pub fn output_buffers(&self) -> Vec<&wgpool::wgpu::Buffer> {
        self.gpu().map_or(Vec::new(), |session| session.outputs().collect())
    }

    /// The first of [`Session::input_buffers`].
    pub fn input_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().and_then(|session| session.inputs().next())
    }

    /// The first of [`Session::output_buffers`].
    pub fn output_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().and_then(|session| session.outputs().next())
    }

    /// Bytes of GPU memory between the operations; inputs, outputs and weights are not counted.
    pub fn scratch_size(&self) -> u64 {
        self.gpu().map_or(0, GpuSession::scratch)
    }

    /// Records the whole model into the caller's encoder, from [`Session::input_buffers`] to
    /// [`Session::output_buffers`]. Submits nothing, allocates nothing.
    ///
    /// # Errors
    /// [`Error::NoDevice`] if the session is not one of a GPU.
    pub fn encode(&self, encoder: &mut wgpool::wgpu::CommandEncoder) -> Result<()> {
        self.encode_in_pass(&mut encoder.begin_compute_pass(&wgpool::wgpu::ComputePassDescriptor::default()))
    }

    /// Records the whole model as [`Session::encode`], into a pass that may hold what fills its input and reads its output too.
    ///
    /// # Errors
    /// Those of [`Session::encode`].
    pub fn encode_in_pass(&self, pass: &mut wgpool::wgpu::ComputePass<'_>) -> Result<()> {
        let session = self.gpu().ok_or_else(|| Error::NoDevice {
            adapter: self.explanation.backend.clone(),
            reason: "only a session on a GPU can be encoded".into(),
        })?;
        session.encode(pass);
        Ok(())
    }
}

/// A step on what it reads, of which the last, but for a residual, are the weights that it holds.
fn run_prepared(step: &Step, prepared: Option<&Prepared>, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let Some(prepared) = prepared else {
        return step.custom().map_or(Ok(Vec::new()), |call| call.on_host(inputs));
    };
    let (inputs, residual) = inputs.split_at(inputs.len().saturating_sub(residuals(prepared.problem())));
    let data = inputs.len().saturating_sub(prepared.weights().len());
    prepared.run(&[inputs.get(..data).unwrap_or_default(), residual].concat())
}

/// How many of its last inputs are residuals, which are no weights.
fn residuals(problem: &Problem) -> usize {
    usize::from(problem.work.conv().is_some_and(|conv| conv.residual))
}

/// The steps of a program, with the weights that are their last inputs in reading order.
fn on_host(program: &Program) -> Result<Vec<Option<Prepared>>> {
    program.steps.iter().map(|step| prepare(&program.name, step)).collect()
}

fn prepare(model: &str, step: &Step) -> Result<Option<Prepared>> {
    let Some(problem) = step.problem() else { return Ok(None) };
    let last = step.inputs.iter().rev().skip(residuals(problem)).map_while(|input| match input {
        Source::Weight(weight) => Some(weight.clone()),
        _ => None,
    });
    let mut weights: Vec<_> = last.collect();
    weights.reverse();
    Prepared::new(problem.clone(), weights).map(Some).map_err(|error| error.in_layer(model, &step.name))
}
