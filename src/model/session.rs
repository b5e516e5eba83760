//! A program made ready to run many times: on a GPU, weights uploaded, pipelines built, buffers bound, and one
//! submission a run.

use std::sync::{Mutex, PoisonError};

use super::program::Program;
use crate::backend::Backend;
use crate::engine::{Binding, Engine};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::tensor::{Tensor, TensorDesc};

/// A model compiled for one batch size and one backend.
///
/// ```
/// use wgpool::model::{LayerKind, Sequential, Session};
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
    name: String,
    input: TensorDesc,
    output: TensorDesc,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Gpu(Box<GpuSession>),
    Cpu { backend: Backend, program: Box<Program> },
}

#[derive(Debug)]
struct GpuSession {
    engine: Engine,
    bindings: Vec<Binding>,
    input: wgpu::Buffer,
    output: wgpu::Buffer,
    /// Bytes of the buffers between the layers.
    scratch: u64,
    /// One run at a time: runs share the buffers.
    running: Mutex<()>,
}

impl Session {
    /// Makes a program ready to run on a backend.
    ///
    /// # Errors
    /// Those of the plans of its operations, and of the device.
    pub fn compile(backend: &Backend, program: Program) -> Result<Session> {
        let (name, input, output) = (program.name.clone(), program.input.clone(), program.output.clone());
        let kind = match backend {
            Backend::Gpu(engine) => Kind::Gpu(Box::new(GpuSession::new(engine, &program)?)),
            Backend::Host | Backend::Reference => {
                Kind::Cpu { backend: backend.clone(), program: Box::new(program) }
            }
        };
        Ok(Session { name, input, output, kind })
    }

    /// What goes in.
    pub fn input(&self) -> &TensorDesc {
        &self.input
    }

    /// What comes out.
    pub fn output(&self) -> &TensorDesc {
        &self.output
    }

    /// Computes the model's output; on a GPU in one submission.
    ///
    /// # Errors
    /// [`Error::Shape`] if `input` is not what the session was made for; those of the backend.
    pub fn run(&self, input: &Tensor) -> Result<Tensor> {
        if input.desc() != self.input {
            return Err(Error::Shape {
                op: "session",
                tensor: "the input",
                got: input.shape().to_vec(),
                rule: format!(
                    "{} was compiled for {:?} of {}, this is {}",
                    self.name,
                    self.input.shape,
                    self.input.dtype,
                    input.dtype()
                ),
            });
        }
        match &self.kind {
            Kind::Cpu { backend, program } => program.run(backend, input),
            Kind::Gpu(session) => session.run(input, &self.output),
        }
    }

    /// The buffer that [`Session::encode`] reads, on a GPU: fill it from the CPU or by a copy or shader of your own.
    pub fn input_buffer(&self) -> Option<&wgpu::Buffer> {
        match &self.kind {
            Kind::Gpu(session) => Some(&session.input),
            Kind::Cpu { .. } => None,
        }
    }

    /// The buffer that [`Session::encode`] writes, on a GPU.
    pub fn output_buffer(&self) -> Option<&wgpu::Buffer> {
        match &self.kind {
            Kind::Gpu(session) => Some(&session.output),
            Kind::Cpu { .. } => None,
        }
    }

    /// Bytes of GPU memory between the layers; the input's and the output's buffers and weights are not counted.
    pub fn scratch_size(&self) -> u64 {
        match &self.kind {
            Kind::Gpu(session) => session.scratch,
            Kind::Cpu { .. } => 0,
        }
    }

    /// Records the whole model into the caller's encoder, from [`Session::input_buffer`] to
    /// [`Session::output_buffer`]; submits nothing.
    ///
    /// # Errors
    /// [`Error::NoDevice`] if the session is not one of a GPU.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        match &self.kind {
            Kind::Gpu(session) => {
                session.encode(encoder);
                Ok(())
            }
            Kind::Cpu { backend, .. } => Err(Error::NoDevice {
                adapter: backend.name(),
                reason: "only a session on a GPU can be encoded".into(),
            }),
        }
    }
}

impl GpuSession {
    fn new(engine: &Engine, program: &Program) -> Result<GpuSession> {
        let op = "session";
        let plans: Vec<Plan> = (program.steps.iter())
            .map(|step| {
                Plan::of(step.problem.clone(), engine.caps())
                    .map_err(|error| error.in_layer(&program.name, &step.name))
            })
            .collect::<Result<_>>()?;
        let input = engine.storage(op, program.input.buffer_size())?;
        // Steps write two buffers in turn, each as large as the largest it holds; the last writes the output.
        let inner = plans.len().saturating_sub(1);
        let mut sizes = [0u64; 2];
        for (i, plan) in plans.iter().take(inner).enumerate() {
            let size = plan.problem.outputs.iter().map(TensorDesc::buffer_size).max().unwrap_or(0);
            sizes[i % 2] = sizes[i % 2].max(size);
        }
        let turns = [engine.storage(op, sizes[0].max(4))?, engine.storage(op, sizes[1].max(4))?];
        let output = match plans.is_empty() {
            true => input.clone(),
            false => engine.storage(op, program.output.buffer_size())?,
        };
        let mut bindings = Vec::with_capacity(plans.len());
        let mut from = &input;
        for (i, (plan, step)) in plans.iter().zip(&program.steps).enumerate() {
            let to = if i == inner { &output } else { &turns[i % 2] };
            let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
            let weights: Vec<wgpu::Buffer> =
                step.weights.iter().map(|w| engine.upload(op, w)).collect::<Result<_>>()?;
            let mut inputs = vec![from.slice(..)];
            inputs.extend(weights.iter().map(|w| w.slice(..)));
            let prepared = engine.prepare(plan).map_err(in_layer)?;
            bindings.push(prepared.bind(&inputs, &[to.slice(..)]).map_err(in_layer)?);
            from = to;
        }
        let scratch = sizes.iter().sum();
        Ok(GpuSession { engine: engine.clone(), bindings, input, output, scratch, running: Mutex::new(()) })
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for binding in &self.bindings {
            binding.encode(&mut pass);
        }
    }

    fn run(&self, input: &Tensor, output: &TensorDesc) -> Result<Tensor> {
        let _alone = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.engine.write(&self.input, 0, input)?;
        let wanted = [(self.output.slice(..), output)];
        let outputs = self.engine.submit_and_read("session", &wanted, |encoder| self.encode(encoder))?;
        outputs.into_iter().next().ok_or(Error::Arity { op: "session", expected: "one output", got: 0 })
    }
}
