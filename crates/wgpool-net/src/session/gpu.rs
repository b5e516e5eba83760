//! A program on a GPU.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use super::super::custom::{Pipelines, Recording};
use super::super::memory::{Home, Homes, Memory, Plans, Spot, pieces};
use super::super::program::{Port, Program, Source, Step, Task};
use super::shared::{Held, Shared};
use wgpool::engine::{Engine, Pending, PrepackedBinding, Readback};
use wgpool::error::{Error, Result};
use wgpool::tensor::{Tensor, TensorDesc};
use wgpool::wgpu;

const OP: &str = "session";

/// Where a session on a GPU has its weights from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weights<'a> {
    /// Its program.
    Own,
    /// A session of another batch size, with the same steps.
    Of(&'a GpuSession),
    /// Those that are held for sessions of other shapes; some may not be uploaded yet.
    Held(&'a Shared, &'a [Arc<Held>]),
}

#[derive(Debug)]
pub(in super::super) struct GpuSession {
    pub engine: Engine,
    bindings: Vec<Bound>,
    /// Of the app's shaders.
    pipelines: Pipelines,
    /// Which steps have their weights in reading order, which those do not have that other steps make.
    constant: Vec<bool>,
    /// The weights of each step as the layers have them.
    weights: Vec<Vec<wgpu::Buffer>>,
    /// How often weights were set, of all sessions that share them, and when this one prepacked them.
    set: Arc<AtomicU64>,
    prepacked: AtomicU64,
    places: Places,
    /// Of each output, for the first run that is in flight.
    readbacks: Vec<Readback>,
    /// What a run reads back.
    results: Vec<TensorDesc>,
}

/// A step on the session's buffers.
#[derive(Debug)]
enum Bound {
    /// What it would move is where it belongs.
    InPlace,
    Op(PrepackedBinding),
    Custom(Recording),
}

/// Which tensor it is, as long as it is there.
fn address(tensor: &Arc<Tensor>) -> usize {
    Arc::as_ptr(tensor).addr()
}

/// Where inputs, outputs and what lies between the operations are.
#[derive(Debug)]
struct Places {
    homes: Homes,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    scratch: Vec<Place>,
}

impl Places {
    async fn new(engine: &Engine, program: &Program, memory: &Memory<'_>, homes: Homes) -> Result<Places> {
        let own = async |given: &[wgpu::BufferSlice<'_>], sizes: &[u64]| -> Result<Vec<Place>> {
            if !given.is_empty() {
                return Ok(given.iter().map(Place::of).collect());
            }
            let mut places = Vec::with_capacity(sizes.len());
            for &size in sizes {
                let buffer = engine.tensor_buffer_async(OP, size).await?;
                places.push(Place { buffer, offset: 0, size });
            }
            Ok(places)
        };
        let sizes =
            |ports: &[Port]| -> Vec<u64> { ports.iter().map(|port| port.desc.buffer_size()).collect() };
        let inputs = own(&memory.inputs, &sizes(&program.inputs)).await?;
        let mut outputs = own(&memory.outputs, &sizes(&program.outputs)).await?;
        // An input that is an output stays where it is.
        for (output, source) in outputs.iter_mut().zip(&program.results) {
            if let Source::Input(input) = source
                && let Some(input) = inputs.get(*input)
            {
                output.clone_from(input);
            }
        }
        let scratch = own(&memory.scratch, &homes.scratch).await?;
        Ok(Places { homes, inputs, outputs, scratch })
    }

    fn at(&self, spot: Spot) -> Option<wgpu::BufferSlice<'_>> {
        let (places, at) = match spot.home {
            Home::Input(at) => (&self.inputs, at),
            Home::Output(at) => (&self.outputs, at),
            Home::Scratch(at) => (&self.scratch, at),
        };
        places.get(at).map(|place| place.from(spot.offset))
    }
}

/// A part of a buffer, kept beyond a borrow.
#[derive(Clone, Debug)]
struct Place {
    buffer: wgpu::Buffer,
    offset: u64,
    size: u64,
}

impl Place {
    fn of(slice: &wgpu::BufferSlice<'_>) -> Place {
        Place { buffer: slice.buffer().clone(), offset: slice.offset(), size: slice.size() }
    }

    fn slice(&self) -> wgpu::BufferSlice<'_> {
        self.from(0)
    }

    /// What is behind a byte of it.
    fn from(&self, offset: u64) -> wgpu::BufferSlice<'_> {
        self.buffer.slice(self.offset + offset..self.offset + self.size)
    }
}

impl GpuSession {
    pub async fn new(
        engine: &Engine,
        program: &Program,
        (plans, homes): (Plans, Homes),
        memory: &Memory<'_>,
        from: Weights<'_>,
    ) -> Result<GpuSession> {
        let places = Places::new(engine, program, memory, homes).await?;
        engine.prepare_all_async(&plans.ops).await?;
        let mut scratch = Vec::new();
        for size in plans.scratch() {
            scratch.push(engine.tensor_buffer_async(OP, size).await?);
        }
        let shares = if let Weights::Of(session) = from { Some(session) } else { None };
        let set = shares.map_or_else(Arc::default, |session| session.set.clone());
        // What is set from here on is prepacked again.
        let prepacked = AtomicU64::new(set.load(Ordering::Acquire));
        let mut bindings = Vec::with_capacity(plans.ops.len());
        let mut weights = Vec::with_capacity(program.steps.len());
        let mut pipelines = shares.map_or_else(Pipelines::default, |session| session.pipelines.clone());
        let (mut ops, mut customs) = (plans.ops.iter(), plans.customs.into_iter());
        // Of each step what the app's operator records; none yet for operations, whose weights are prepacked together.
        let mut recordings = Vec::with_capacity(program.steps.len());
        // Weights that steps share are uploaded once.
        let mut uploaded: HashMap<usize, wgpu::Buffer> = HashMap::new();
        if let Weights::Held(shared, held) = from {
            let there =
                held.iter().filter_map(|held| Some((address(&held.tensor), held.buffer.get()?.clone())));
            uploaded.extend(there);
            pipelines.add(&shared.pipelines.lock().unwrap_or_else(PoisonError::into_inner));
        }
        for (i, step) in program.steps.iter().enumerate() {
            let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
            let shared = shares.and_then(|session| session.weights.get(i));
            let buffers = match shared {
                Some(shared) => shared.clone(),
                None => {
                    let mut own = Vec::new();
                    for weight in step.weights() {
                        let at = address(weight);
                        let buffer = match uploaded.get(&at) {
                            Some(buffer) => buffer.clone(),
                            None => engine.upload_async(OP, weight).await?,
                        };
                        uploaded.insert(at, buffer.clone());
                        own.push(buffer);
                    }
                    own
                }
            };
            let mut weight = buffers.iter();
            let inputs = step.inputs.iter().filter_map(|source| match places.homes.of(source) {
                Some(spot) => places.at(spot),
                None => weight.next().map(|buffer| buffer.slice(..)),
            });
            let inputs: Vec<_> = inputs.collect();
            let spots = places.homes.outputs(i);
            let outputs: Vec<_> = spots.into_iter().filter_map(|spot| places.at(spot)).collect();
            let mut recording = None;
            match &step.task {
                Task::Op { .. } if places.homes.is_in_place(i) => recording = Some(Bound::InPlace),
                Task::Op { .. } => {
                    if let Some(plan) = ops.next() {
                        let prepared = engine.prepare_async(plan).await.map_err(in_layer)?;
                        let bound = prepared.bind_in_async(&inputs, &outputs, &pieces(plan, &scratch)).await;
                        bindings.push(bound.map_err(in_layer)?);
                    }
                }
                Task::Custom(call) => {
                    if let Some(gpu) = customs.next() {
                        let bound = call.bind(engine, gpu, [&inputs, &outputs], &mut pipelines).await;
                        recording = Some(Bound::Custom(bound.map_err(in_layer)?));
                    }
                }
            }
            recordings.push(recording);
            weights.push(buffers);
        }
        let mut prepacked_bindings = engine.prepack_async(bindings).await?.into_iter();
        let bound = |recording: Option<Bound>| recording.or_else(|| prepacked_bindings.next().map(Bound::Op));
        let bindings = recordings.into_iter().filter_map(bound).collect();
        if let Weights::Held(shared, held) = from {
            for held in held {
                if let Some(buffer) = uploaded.get(&address(&held.tensor)) {
                    held.buffer.get_or_init(|| buffer.clone());
                }
            }
            shared.pipelines.lock().unwrap_or_else(PoisonError::into_inner).add(&pipelines);
        }
        let constant =
            |step: &Step| step.inputs.iter().skip(1).all(|input| matches!(input, Source::Weight(_)));
        let constant = program.steps.iter().map(constant).collect();
        let results: Vec<TensorDesc> = program.outputs.iter().map(|port| port.desc.clone()).collect();
        let readbacks = readbacks(engine, &results).await?;
        let engine = engine.clone();
        Ok(GpuSession {
            engine,
            bindings,
            pipelines,
            constant,
            weights,
            set,
            prepacked,
            places,
            readbacks,
            results,
        })
    }

    pub fn inputs(&self) -> impl Iterator<Item = &wgpu::Buffer> {
        self.places.inputs.iter().map(|place| &place.buffer)
    }

    pub fn outputs(&self) -> impl Iterator<Item = &wgpu::Buffer> {
        self.places.outputs.iter().map(|place| &place.buffer)
    }

    pub fn scratch(&self) -> u64 {
        self.places.homes.bytes()
    }

    /// Writes the weights of a program of the same operations into the buffers, and prepacks them.
    pub async fn set_weights(&self, from: &Program) -> Result<()> {
        for (step, buffers) in from.steps.iter().zip(&self.weights) {
            for (weight, buffer) in step.weights().zip(buffers) {
                self.engine.write(buffer, 0, weight).await?;
            }
        }
        self.set.fetch_add(1, Ordering::AcqRel);
        self.prepack().await
    }

    /// Writes some weights, each given by an operation and its place among the weights of that.
    pub async fn write_weights(&self, weights: &[((usize, usize), &Tensor)]) -> Result<()> {
        for ((step, weight), tensor) in weights {
            if let Some(buffer) = self.weights.get(*step).and_then(|weights| weights.get(*weight)) {
                self.engine.write(buffer, 0, tensor).await?;
            }
        }
        self.set.fetch_add(1, Ordering::AcqRel);
        self.prepack().await
    }

    async fn prepack(&self) -> Result<()> {
        let set = self.set.load(Ordering::Acquire);
        let ops = self.bindings.iter().filter_map(|bound| match bound {
            Bound::Op(binding) => Some(binding.binding().clone()),
            Bound::Custom(_) | Bound::InPlace => None,
        });
        self.engine.prepack_async(ops.collect()).await?;
        self.prepacked.store(set, Ordering::Release);
        Ok(())
    }

    fn is_prepacked(&self) -> bool {
        self.prepacked.load(Ordering::Acquire) == self.set.load(Ordering::Acquire)
    }

    /// Records everything; with the weights' order too if a session that shares them has set them since.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        let is_prepacked = self.is_prepacked();
        (0..self.bindings.len()).for_each(|step| self.encode_step(step, is_prepacked, pass));
    }

    /// Records one step.
    pub fn encode_step(&self, step: usize, is_prepacked: bool, pass: &mut wgpu::ComputePass<'_>) {
        if let (Some(binding), Some(constant)) = (self.bindings.get(step), self.constant.get(step)) {
            match binding {
                Bound::Op(binding) if is_prepacked && *constant => binding.encode(pass),
                Bound::Op(binding) => binding.binding().encode(pass),
                Bound::Custom(recording) => recording.encode(pass),
                Bound::InPlace => {}
            }
        }
    }

    /// Prepacks where a session that shares the weights has set them, and puts inputs where the GPU can copy them.
    pub async fn upload(&self, inputs: &[&Tensor]) -> Result<Vec<wgpu::Buffer>> {
        if !self.is_prepacked() {
            self.prepack().await?;
        }
        let mut uploaded = Vec::with_capacity(inputs.len());
        for input in inputs {
            uploaded.push(self.engine.staging_async(OP, input).await?);
        }
        Ok(uploaded)
    }

    /// Records copies of what was uploaded into the inputs.
    pub fn encode_inputs(&self, uploaded: &[wgpu::Buffer], encoder: &mut wgpu::CommandEncoder) {
        for (uploaded, Place { buffer, offset, .. }) in uploaded.iter().zip(&self.places.inputs) {
            encoder.copy_buffer_to_buffer(uploaded, 0, buffer, *offset, uploaded.size());
        }
    }

    /// Uploads, records and submits. Runs share the buffers: what is copied into the inputs and out of the outputs is
    /// part of the submission, so that each reads its own.
    pub async fn start(&self, inputs: &[&Tensor]) -> Result<Vec<Pending>> {
        let uploaded = self.upload(inputs).await?;
        let record = |encoder: &mut wgpu::CommandEncoder| {
            self.encode_inputs(&uploaded, encoder);
            self.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        };
        match self.engine.submit_into(OP, &self.copies(&self.readbacks), record).await {
            Err(Error::Busy { .. }) => {
                let own = readbacks(&self.engine, &self.results).await?;
                self.engine.submit_into(OP, &self.copies(&own), record).await
            }
            started => started,
        }
    }

    fn copies<'a>(&'a self, readbacks: &'a [Readback]) -> Vec<(&'a Readback, wgpu::BufferSlice<'a>)> {
        readbacks.iter().zip(self.places.outputs.iter().map(Place::slice)).collect()
    }
}

async fn readbacks(engine: &Engine, results: &[TensorDesc]) -> Result<Vec<Readback>> {
    let mut readbacks = Vec::with_capacity(results.len());
    for desc in results {
        readbacks.push(Readback::new_async(engine, desc, 1).await?);
    }
    Ok(readbacks)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Session, SessionCache};
    use crate::{LayerKind, Model};
    use wgpool::{Backend, Conv, Layout, Tensor, TensorDesc};
    use wgpool_testing::support;

    /// The buffers of a session's weights.
    fn weights(session: &Session) -> Vec<wgpool::wgpu::Buffer> {
        let Kind::Gpu(session) = &session.kind else { panic!("it is none of a GPU") };
        session.weights.concat()
    }

    #[test]
    fn sessions_of_a_cache_read_the_same_buffers() {
        let backend = Backend::Gpu(support::engine().clone());
        let lower = |inputs: &[TensorDesc]| {
            let kernel = Tensor::from_f32(&[1, 1, 1, 2], vec![1.0, 2.0])?;
            let spec = Conv::new().layout(Layout::Nhwc);
            let model = Model::new("tiny", inputs[0].shape[1..].to_vec());
            model.layer("conv", LayerKind::Conv { spec, kernel: kernel.into(), bias: None }).program(1)
        };
        let cache = SessionCache::new(&backend, 1, lower).unwrap();
        let session = |side: usize| cache.session(&[TensorDesc::f32([1, side, side, 1])]).unwrap();
        let (first, second) = (session(3), session(4));
        assert_eq!((weights(&first).len(), cache.shapes().len()), (1, 1));
        assert_eq!(weights(&first), weights(&second));
        // Of a cache that was cleared they are others.
        cache.clear();
        assert_ne!(weights(&session(3)), weights(&second));
    }
}
