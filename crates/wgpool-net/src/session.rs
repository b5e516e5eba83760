//! A program made ready to run many times: on a GPU, weights uploaded, pipelines built, buffers bound, and one
//! submission a run.

use super::explain::ProgramExplanation;
use super::memory::{Memory, plans, scratch_sizes};
use super::program::{Program, check_input, only_output};
use wgpool::backend::Backend;
use wgpool::engine::{Engine, Pending, PrepackedBinding, Readback};
use wgpool::error::{Error, Result};
use wgpool::host::Prepared;
use wgpool::plan::Plan;
use wgpool::tensor::{Tensor, TensorDesc};

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
    name: String,
    input: TensorDesc,
    output: TensorDesc,
    explanation: ProgramExplanation,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Gpu(Box<GpuSession>),
    Cpu { backend: Backend, program: Box<Program> },
    Host(Box<HostSession>),
}

/// A program on the host path, the weights of each step in reading order.
#[derive(Debug)]
pub(super) struct HostSession {
    steps: Vec<(String, Vec<usize>, Prepared)>,
    output: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct GpuSession {
    engine: Engine,
    bindings: Vec<PrepackedBinding>,
    input: Place,
    output: Place,
    /// Bytes of the buffers between the layers.
    scratch: [u64; 2],
    readback: Readback,
    /// What a run reads back.
    result: TensorDesc,
}

/// A part of a buffer, kept beyond a borrow.
#[derive(Clone, Debug)]
struct Place {
    buffer: wgpool::wgpu::Buffer,
    offset: u64,
    size: u64,
}

impl Place {
    fn of(slice: wgpool::wgpu::BufferSlice<'_>) -> Place {
        Place { buffer: slice.buffer().clone(), offset: slice.offset(), size: slice.size() }
    }

    fn slice(&self) -> wgpool::wgpu::BufferSlice<'_> {
        self.buffer.slice(self.offset..self.offset + self.size)
    }
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
        Self::on_gpu(engine, program, &plans, memory).await
    }

    pub(super) async fn on_gpu(
        engine: &Engine,
        program: Program,
        plans: &[Plan],
        memory: &Memory<'_>,
    ) -> Result<Session> {
        let explanation = program.explain_with(&Backend::Gpu(engine.clone()), plans)?;
        let session = GpuSession::new(engine, &program, plans, memory).await?;
        let kind = Kind::Gpu(Box::new(session));
        Ok(Session { name: program.name, input: program.input, output: program.output, explanation, kind })
    }

    pub(super) fn on_cpu(backend: &Backend, program: Program) -> Result<Session> {
        let (name, input, output) = (program.name.clone(), program.input.clone(), program.output.clone());
        let explanation = program.explain(backend)?;
        let kind = match backend {
            Backend::Host => Kind::Host(Box::new(HostSession::new(program)?)),
            _ => Kind::Cpu { backend: backend.clone(), program: Box::new(program) },
        };
        Ok(Session { name, input, output, explanation, kind })
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
        &self.input
    }

    /// What comes out.
    pub fn output(&self) -> &TensorDesc {
        &self.output
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
            Kind::Cpu { backend, program } => program.run_async(backend, input).await,
            Kind::Host(session) => session.run(&self.name, input),
            Kind::Gpu(session) => session.start(input).await?.read().await,
        }
    }

    pub(super) fn check(&self, input: &Tensor) -> Result<()> {
        check_input("session", &self.name, &self.input, input)
    }

    fn gpu(&self) -> Option<&GpuSession> {
        match &self.kind {
            Kind::Gpu(session) => Some(session),
            Kind::Cpu { .. } | Kind::Host(_) => None,
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The buffer that [`Session::encode`] reads, on a GPU: fill it from the CPU or by a copy or shader of your own.
    pub fn input_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().map(|session| &session.input.buffer)
    }

    /// The buffer that [`Session::encode`] writes, on a GPU.
    pub fn output_buffer(&self) -> Option<&wgpool::wgpu::Buffer> {
        self.gpu().map(|session| &session.output.buffer)
    }

    /// Bytes of GPU memory between the layers; input, output and weights are not counted.
    pub fn scratch_size(&self) -> u64 {
        self.gpu().map_or(0, |session| session.scratch.iter().sum())
    }

    /// Records the whole model into the caller's encoder, from [`Session::input_buffer`] to
    /// [`Session::output_buffer`]. Submits nothing, allocates nothing.
    ///
    /// # Errors
    /// [`Error::NoDevice`] if the session is not one of a GPU.
    pub fn encode(&self, encoder: &mut wgpool::wgpu::CommandEncoder) -> Result<()> {
        let session = self.gpu().ok_or_else(|| Error::NoDevice {
            adapter: self.explanation.backend.clone(),
            reason: "only a session on a GPU can be encoded".into(),
        })?;
        session.encode(encoder);
        Ok(())
    }
}

impl HostSession {
    fn new(program: Program) -> Result<HostSession> {
        let name = program.name;
        let steps = (program.steps.into_iter())
            .map(|step| match Prepared::new(step.problem, step.weights) {
                Ok(prepared) => Ok((step.name, step.input_shape, prepared)),
                Err(error) => Err(error.in_layer(&name, &step.name)),
            })
            .collect::<Result<_>>()?;
        Ok(HostSession { steps, output: program.output.shape })
    }

    pub(super) fn run(&self, name: &str, input: &Tensor) -> Result<Tensor> {
        let mut x = input.clone();
        for (layer, shape, prepared) in &self.steps {
            let outputs = x.reshaped(shape).and_then(|x| prepared.run(&[&x]));
            let outputs = outputs.map_err(|error| error.in_layer(name, layer))?;
            x = only_output(prepared.problem().op, outputs)?;
        }
        x.reshaped(&self.output)
    }
}

impl GpuSession {
    async fn new(
        engine: &Engine,
        program: &Program,
        plans: &[Plan],
        memory: &Memory<'_>,
    ) -> Result<GpuSession> {
        let op = "session";
        let own = async |given: Option<wgpool::wgpu::BufferSlice<'_>>, size: u64| -> Result<Place> {
            match given {
                Some(slice) => Ok(Place::of(slice)),
                None => {
                    let buffer = engine.tensor_buffer_async(op, size).await?;
                    Ok(Place { buffer, offset: 0, size })
                }
            }
        };
        let input = own(memory.input, program.input.buffer_size()).await?;
        let output = match plans.is_empty() {
            true => input.clone(),
            false => own(memory.output, program.output.buffer_size()).await?,
        };
        let scratch = scratch_sizes(plans);
        let [first, second] = memory.scratch.map_or([None, None], |given| given.map(Some));
        let turns = [own(first, scratch[0]).await?, own(second, scratch[1]).await?];

        engine.prepare_all_async(plans).await?;
        let mut bindings = Vec::with_capacity(plans.len());
        let mut from = &input;
        for (i, (plan, step)) in plans.iter().zip(&program.steps).enumerate() {
            let to = if i + 1 == plans.len() { &output } else { &turns[i % 2] };
            let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
            let mut weights = Vec::with_capacity(step.weights.len());
            for weight in &step.weights {
                weights.push(engine.upload_async(op, weight).await?);
            }
            let mut inputs = vec![from.slice()];
            inputs.extend(weights.iter().map(|w| w.slice(..)));
            let prepared = engine.prepare_async(plan).await.map_err(in_layer)?;
            bindings.push(prepared.bind_async(&inputs, &[to.slice()]).await.map_err(in_layer)?);
            from = to;
        }
        let bindings = engine.prepack_async(bindings).await?;
        let readback = Readback::new_async(engine, &program.output, 1).await?;
        let (engine, result) = (engine.clone(), program.output.clone());
        Ok(GpuSession { engine, bindings, input, output, scratch, readback, result })
    }

    fn encode(&self, encoder: &mut wgpool::wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&wgpool::wgpu::ComputePassDescriptor::default());
        for binding in &self.bindings {
            binding.encode(&mut pass);
        }
    }

    /// Uploads, records and submits. Runs share the buffers: what is copied into the input and out of the output is
    /// part of the submission, so that each reads its own.
    pub(super) async fn start(&self, input: &Tensor) -> Result<Pending> {
        let op = "session";
        let uploaded = self.engine.staging_async(op, input).await?;
        let record = |encoder: &mut wgpool::wgpu::CommandEncoder| {
            let Place { buffer, offset, .. } = &self.input;
            encoder.copy_buffer_to_buffer(&uploaded, 0, buffer, *offset, uploaded.size());
            self.encode(encoder);
        };
        match self.engine.submit_into(op, &self.readback, self.output.slice(), record).await {
            Err(Error::Busy { .. }) => {
                let own = Readback::new_async(&self.engine, &self.result, 1).await?;
                self.engine.submit_into(op, &own, self.output.slice(), record).await
            }
            started => started,
        }
    }
}
