//! A program made ready to run many times: on a GPU, weights uploaded, pipelines built, buffers bound, and one
//! submission a run.

mod gpu;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::explain::ProgramExplanation;
use super::memory::{Memory, plans, scratch_sizes};
use super::program::{Program, Step, check_input, only_output};
use super::sequential::Sequential;
pub(super) use gpu::GpuSession;
use wgpool::backend::Backend;
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::host::Prepared;
use wgpool::plan::Plan;
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// A model compiled for one batch size and one backend.
///
/// ```
/// use wgpool_net::{LayerKind, Sequential, Session};
/// use wgpool::{Backend, Layout, Pool, Tensor};
/// let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
/// let model = Sequential::new("tiny", [2, 2, 1]).layer("pool", LayerKind::Pool(pool));
/// let session = Session::compile(&Backend::Host, model.program(1)?)?;
/// let x = Tensor::from_f32(&[1, 2, 2, 1], vec![1., 4., 2., 3.])?;
/// assert_eq!(session.run(&x)?.as_f32()?, [4.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    /// Its weights are in `kind`, but for those of [`Kind::Cpu`].
    pub(super) program: Program,
    explanation: ProgramExplanation,
    pub(super) kind: Kind,
    /// The layers, which sessions that share weights share too.
    model: Arc<Mutex<Sequential>>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Gpu(Box<GpuSession>),
    Cpu(Backend),
    /// The host path, the weights of each step in reading order.
    Host(Vec<Prepared>),
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
        let plans = plans(engine, &program, memory)?;
        Self::on_gpu(engine, program, &plans, memory, None).await
    }

    pub(super) async fn on_gpu(
        engine: &Engine,
        mut program: Program,
        plans: &[Plan],
        memory: &Memory<'_>,
        shares: Option<&GpuSession>,
    ) -> Result<Session> {
        let explanation = program.explain_with(&Backend::Gpu(engine.clone()), plans)?;
        let session = GpuSession::new(engine, &program, plans, memory, shares).await?;
        program.steps.iter_mut().for_each(|step| step.weights.clear());
        let model = Arc::new(Mutex::new(program.model.clone()));
        Ok(Session { program, explanation, kind: Kind::Gpu(Box::new(session)), model })
    }

    pub(super) fn on_cpu(backend: &Backend, mut program: Program) -> Result<Session> {
        let explanation = program.explain(backend)?;
        let kind = match backend {
            Backend::Host => Kind::Host(on_host(&mut program)?),
            _ => Kind::Cpu(backend.clone()),
        };
        let model = Arc::new(Mutex::new(program.model.clone()));
        Ok(Session { program, explanation, kind, model })
    }

    /// The same model for another batch size. On a GPU it reads the same weights, and builds pipelines only where its
    /// plans take other kernels.
    ///
    /// `memory` is what it computes in; the other's buffers are not used. On the host path it has a copy of the weights.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a session of batch 0, which says nothing of others; those of [`Session::compile_in_async`].
    pub async fn with_batch_async(&self, batch: usize, memory: &Memory<'_>) -> Result<Session> {
        let program = self.batched(batch)?;
        match &self.kind {
            Kind::Gpu(session) => {
                let plans = plans(&session.engine, &program, memory)?;
                let other = Self::on_gpu(&session.engine, program, &plans, memory, Some(session)).await?;
                Ok(Session { model: self.model.clone(), ..other })
            }
            Kind::Cpu(backend) => Self::on_cpu(backend, program),
            Kind::Host(_) => Self::on_cpu(&Backend::Host, program),
        }
    }

    /// The program for another batch size; with its weights on the CPU.
    pub(super) fn batched(&self, batch: usize) -> Result<Program> {
        let mut program = Program { model: self.model().clone(), ..self.program.with_batch(batch)? };
        if let Kind::Host(steps) = &self.kind {
            for (step, prepared) in program.steps.iter_mut().zip(steps) {
                // Those that depend on the batch are there.
                if step.weights.is_empty() {
                    step.weights = prepared.weights().to_vec();
                }
            }
        }
        Ok(program)
    }

    /// Sets weights by their names, `layer/weight` as [`Sequential::weights`] gives them, in the order and shapes of Keras; all
    /// others stay what they are. The session keeps what its layers have, which it shares with the model that it was made of.
    ///
    /// On a GPU they are written into the buffers that are there, of sessions made by [`Session::with_batch_async`] too,
    /// before whatever is submitted next, and brought into the kernels' order by a submission. Nothing is compiled.
    ///
    /// # Errors
    /// Those of [`Sequential::set_weights`], and nothing has changed then; [`Error::Layer`] if with these weights the model
    /// becomes other operations, as where a shift that was none would lie in front of padding; those of the device.
    pub async fn set_weights_async<N: AsRef<str>>(
        &mut self,
        weights: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<()> {
        let mut model = self.model().clone();
        model.set_weights(weights)?;
        let mut from = model.program(1)?;
        if self.program.input.dtype == DType::F16 {
            from = from.in_f16()?;
        }
        self.take_weights(&from).await?;
        *self.model() = model;
        Ok(())
    }

    /// The layers that its operations were made of.
    fn model(&self) -> MutexGuard<'_, Sequential> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_weights(&mut self, from: &Program) -> Result<()> {
        self.check_weights(from)?;
        let name = &self.program.name;
        match &mut self.kind {
            Kind::Gpu(session) => session.set_weights(from).await?,
            Kind::Cpu(_) => {
                for (step, new) in self.program.steps.iter_mut().zip(&from.steps) {
                    if !step.depends_on_batch() {
                        step.weights.clone_from(&new.weights);
                    }
                }
            }
            Kind::Host(steps) => {
                let mut replaced = Vec::with_capacity(steps.len());
                for (prepared, new) in steps.iter().zip(&from.steps) {
                    replaced.push(match new.depends_on_batch() {
                        true => prepared.clone(),
                        false => Prepared::new(prepared.problem().clone(), new.weights.clone())
                            .map_err(|error| error.in_layer(name, &new.name))?,
                    });
                }
                *steps = replaced;
            }
        }
        Ok(())
    }

    fn check_weights(&self, from: &Program) -> Result<()> {
        let Program { name, steps, .. } = &self.program;
        let alike = |(step, new): (&Step, &Step)| {
            let weights = |step: &Step| step.problem.inputs.get(1..).map(<[TensorDesc]>::to_vec);
            let same = step.name == new.name && step.op == new.op;
            same && (step.depends_on_batch() || weights(step) == weights(new))
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

    /// Bytes of the two scratch buffers that a program needs on `engine`, for [`Memory::scratch`].
    ///
    /// Two, because a kernel may not write a buffer that it reads; each is as large as the largest tensor it holds.
    ///
    /// # Errors
    /// Those of the plans of its operations.
    pub fn scratch_sizes_of(engine: &Engine, program: &Program) -> Result<[u64; 2]> {
        Ok(scratch_sizes(&plans(engine, program, &Memory::default())?))
    }

    /// What goes in.
    pub fn input(&self) -> &TensorDesc {
        &self.program.input
    }

    /// What comes out.
    pub fn output(&self) -> &TensorDesc {
        &self.program.output
    }

    /// Which kernels it runs and why, the bytes they move, their arithmetic, and the memory it takes; of memory that
    /// the app has given, too.
    pub fn explain(&self) -> &ProgramExplanation {
        &self.explanation
    }

    /// Computes the model's output: on a GPU in one submission and without ever blocking, elsewhere while the future is
    /// polled.
    ///
    /// Several runs may be in flight on a GPU; each beyond the first takes a staging buffer of its own.
    ///
    /// # Errors
    /// [`Error::Shape`] if `input` is not what the session was made for; those of the backend.
    pub async fn run_async(&self, input: &Tensor) -> Result<Tensor> {
        self.check(input)?;
        match &self.kind {
            Kind::Cpu(backend) => self.program.run_async(backend, input).await,
            Kind::Host(steps) => self.run_on_host(steps, input),
            Kind::Gpu(session) => session.start(input).await?.read().await,
        }
    }

    pub(super) fn check(&self, input: &Tensor) -> Result<()> {
        check_input("session", &self.program.name, &self.program.input, input)
    }

    pub(super) fn run_on_host(&self, steps: &[Prepared], input: &Tensor) -> Result<Tensor> {
        let mut x = input.clone();
        for (step, prepared) in self.program.steps.iter().zip(steps) {
            let outputs = x.reshaped(&step.input_shape).and_then(|x| prepared.run(&[&x]));
            let outputs = outputs.map_err(|error| error.in_layer(&self.program.name, &step.name))?;
            x = only_output(prepared.problem().op, outputs)?;
        }
        x.reshaped(&self.program.output.shape)
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

    /// The buffer that [`Session::encode`] reads, on a GPU: fill it from the CPU or by a copy or shader of your own.
    pub fn input_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().map(GpuSession::input)
    }

    /// The buffer that [`Session::encode`] writes, on a GPU.
    pub fn output_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().map(GpuSession::output)
    }

    /// Bytes of GPU memory between the layers; input, output and weights are not counted.
    pub fn scratch_size(&self) -> u64 {
        self.gpu().map_or(0, GpuSession::scratch)
    }

    /// Records the whole model into the caller's encoder, from [`Session::input_buffer`] to
    /// [`Session::output_buffer`]. Submits nothing, allocates nothing.
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

/// The steps of a program, whose weights they take.
fn on_host(program: &mut Program) -> Result<Vec<Prepared>> {
    let name = &program.name;
    let steps = program.steps.iter_mut().map(|step| {
        let weights = std::mem::take(&mut step.weights);
        Prepared::new(step.problem.clone(), weights).map_err(|error| error.in_layer(name, &step.name))
    });
    steps.collect()
}
