//! Where a trainer's variables are: in the host's memory, or in buffers of a device.

use std::collections::BTreeMap;

use super::super::step::{Built, Role, Variable};
use crate::memory::Memory;
use crate::session::Session;
use wgpool::backend::Backend;
use wgpool::engine::{Engine, Pending, Readback, Recorded};
use wgpool::error::{Error, Result};
use wgpool::tensor::{Tensor, TensorDesc};
use wgpool::wgpu;

const OP: &str = "training";

/// A program made ready, and what its ends are.
#[derive(Debug)]
struct Ready {
    session: Session,
    inputs: Vec<Role>,
    updated: Vec<usize>,
    /// On a GPU: buffers of the inputs that are no variables, in the order of the inputs, and those of loss and result.
    fed: Vec<Option<wgpu::Buffer>>,
    ends: Vec<wgpu::Buffer>,
    readbacks: Vec<Readback>,
}

/// Which program of a trainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub is_step: bool,
    pub batch: usize,
}

#[derive(Debug)]
enum Variables {
    Host(Backend, Vec<Tensor>),
    /// What is read, and what a step writes.
    Gpu(Engine, Vec<wgpu::Buffer>, Vec<wgpu::Buffer>),
}

/// A trainer's variables, and the programs that read them.
#[derive(Debug)]
pub(super) struct Place {
    variables: Variables,
    descs: Vec<TensorDesc>,
    ready: BTreeMap<Key, Ready>,
    in_flight: usize,
}

/// Loss and result of a batch, perhaps on their way.
#[derive(Debug)]
pub(super) enum Ends {
    There(Vec<Tensor>),
    Pending(Vec<Pending>),
}

impl Ends {
    /// Loss and result.
    pub async fn read(self) -> Result<[Tensor; 2]> {
        let all = match self {
            Ends::There(all) => all,
            Ends::Pending(all) => {
                let mut read = Vec::with_capacity(all.len());
                for pending in all {
                    read.push(pending.read().await?);
                }
                read
            }
        };
        let got = all.len();
        <[Tensor; 2]>::try_from(all).map_err(|_| Error::arity(OP, "loss and result", got))
    }
}

impl Place {
    pub async fn new(
        backend: &Backend,
        variables: &[Variable],
        values: Vec<Tensor>,
        in_flight: usize,
    ) -> Result<Place> {
        let descs: Vec<TensorDesc> = variables.iter().map(|variable| variable.desc.clone()).collect();
        let variables = match backend {
            Backend::Gpu(engine) => {
                let (mut before, mut after) = (Vec::new(), Vec::new());
                for desc in &descs {
                    before.push(engine.tensor_buffer_async(OP, desc.buffer_size()).await?);
                    after.push(engine.tensor_buffer_async(OP, desc.buffer_size()).await?);
                }
                Variables::Gpu(engine.clone(), before, after)
            }
            backend => Variables::Host(backend.clone(), Vec::new()),
        };
        let mut place = Place { variables, descs, ready: BTreeMap::new(), in_flight };
        place.set(values).await?;
        Ok(place)
    }

    /// Sets all variables, before whatever is submitted next.
    pub async fn set(&mut self, values: Vec<Tensor>) -> Result<()> {
        match &mut self.variables {
            Variables::Host(_, own) => *own = values,
            Variables::Gpu(engine, before, _) => {
                for (buffer, value) in before.iter().zip(&values) {
                    engine.write(buffer, 0, value).await?;
                }
            }
        }
        Ok(())
    }

    /// All variables, behind what has been submitted.
    pub async fn get(&self) -> Result<Vec<Tensor>> {
        match &self.variables {
            Variables::Host(_, own) => Ok(own.clone()),
            Variables::Gpu(engine, before, _) => {
                let mut rings = Vec::with_capacity(before.len());
                for desc in &self.descs {
                    rings.push(Readback::new_async(engine, desc, 1).await?);
                }
                let copies: Vec<_> =
                    rings.iter().zip(before).map(|(ring, buffer)| (ring, buffer.slice(..))).collect();
                let mut values = Vec::with_capacity(before.len());
                for pending in engine.submit_into(OP, &copies, |_| {}).await? {
                    values.push(pending.read().await?);
                }
                Ok(values)
            }
        }
    }

    /// How many tensors a kernel may read that writes one.
    pub fn most_inputs(&self) -> usize {
        match &self.variables {
            Variables::Host(..) => usize::MAX,
            Variables::Gpu(engine, ..) => (engine.caps().max_storage_buffers as usize).saturating_sub(1),
        }
    }

    pub fn has(&self, key: Key) -> bool {
        self.ready.contains_key(&key)
    }

    /// Makes a program ready.
    pub async fn compile(&mut self, key: Key, built: Built) -> Result<()> {
        let Built { program, inputs, updated } = built;
        let ports: Vec<TensorDesc> = program.inputs.iter().map(|port| port.desc.clone()).collect();
        let ends: Vec<TensorDesc> = program.outputs.iter().take(2).map(|port| port.desc.clone()).collect();
        let ready = match &self.variables {
            Variables::Host(backend, _) => {
                let session = Session::compile_async(backend, program).await?;
                Ready { session, inputs, updated, fed: vec![], ends: vec![], readbacks: vec![] }
            }
            Variables::Gpu(engine, before, after) => {
                let (mut fed, mut made, mut readbacks) = (Vec::new(), Vec::new(), Vec::new());
                for (role, desc) in inputs.iter().zip(&ports) {
                    fed.push(match role {
                        Role::Variable(_) => None,
                        _ => Some(engine.tensor_buffer_async(OP, desc.buffer_size()).await?),
                    });
                }
                for desc in &ends {
                    made.push(engine.tensor_buffer_async(OP, desc.buffer_size()).await?);
                    readbacks.push(Readback::new_async(engine, desc, self.in_flight).await?);
                }
                let variable = |at: &usize| before.get(*at).map(|buffer| buffer.slice(..));
                let inputs_of: Vec<wgpu::BufferSlice<'_>> = (inputs.iter().zip(&fed))
                    .filter_map(|(role, own)| match (role, own) {
                        (Role::Variable(at), _) => variable(at),
                        (_, own) => own.as_ref().map(|buffer| buffer.slice(..)),
                    })
                    .collect();
                let outputs_of: Vec<wgpu::BufferSlice<'_>> = made
                    .iter()
                    .chain(updated.iter().filter_map(|&at| after.get(at)))
                    .map(|buffer| buffer.slice(..))
                    .collect();
                let memory = Memory { inputs: inputs_of, outputs: outputs_of, scratch: vec![] };
                let session = Session::compile_in_async(engine, program, &memory).await?;
                Ready { session, inputs, updated, fed, ends: made, readbacks }
            }
        };
        self.ready.insert(key, ready);
        Ok(())
    }

    /// The session of a program that is ready.
    pub fn session(&self, key: Key) -> Option<&Session> {
        self.ready.get(&key).map(|ready| &ready.session)
    }

    /// Runs a program. `given` makes what each input that is no variable takes. On a GPU all is one submission, and nothing is waited
    /// for.
    pub async fn run(
        &mut self,
        key: Key,
        given: impl Fn(Role, &TensorDesc) -> Result<Tensor>,
    ) -> Result<Ends> {
        let ready = self.ready.get(&key).ok_or_else(not_ready)?;
        let made = ready.given(given)?;
        match &mut self.variables {
            Variables::Host(_, own) => {
                let inputs = ready.inputs.iter().zip(&made).filter_map(|(role, made)| match role {
                    Role::Variable(at) => own.get(*at),
                    _ => made.as_ref(),
                });
                let mut outputs = ready.session.run_all_async(&inputs.collect::<Vec<_>>()).await?;
                let after = outputs.split_off(outputs.len().min(2));
                for (&at, value) in ready.updated.iter().zip(after) {
                    if let Some(place) = own.get_mut(at) {
                        *place = value;
                    }
                }
                Ok(Ends::There(outputs))
            }
            Variables::Gpu(engine, before, after) => {
                let uploads = ready.upload(engine, &made).await?;
                let record = |encoder: &mut wgpu::CommandEncoder| {
                    ready.record(encoder, &uploads, (before, after, &self.descs))
                };
                engine.submit_into(OP, &ready.copies(), record).await.map(Ends::Pending)
            }
        }
    }

    /// Records a program into an encoder of the app's.
    pub async fn encode(
        &self,
        key: Key,
        given: impl Fn(Role, &TensorDesc) -> Result<Tensor>,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Vec<Recorded>> {
        let ready = self.ready.get(&key).ok_or_else(not_ready)?;
        let Variables::Gpu(engine, before, after) = &self.variables else {
            let reason = "only training on a GPU can be encoded".to_owned();
            return Err(Error::NoDevice { adapter: "the host".into(), reason });
        };
        let copies = ready.copies();
        if copies.iter().any(|(ring, _)| ring.free_slots() == 0) {
            return Err(Error::Busy { what: "steps of training", in_flight: self.in_flight });
        }
        let uploads = ready.upload(engine, &ready.given(given)?).await?;
        ready.record(encoder, &uploads, (before, after, &self.descs));
        copies.into_iter().map(|(ring, from)| ring.record(encoder, from)).collect()
    }
}

fn not_ready() -> Error {
    Error::document(OP, "the program was not made ready")
}

/// A tensor on its way into a buffer.
type Upload<'a> = (wgpu::Buffer, &'a wgpu::Buffer);

impl Ready {
    /// What each input that is no variable takes.
    fn given(&self, given: impl Fn(Role, &TensorDesc) -> Result<Tensor>) -> Result<Vec<Option<Tensor>>> {
        let mut made = Vec::with_capacity(self.inputs.len());
        for (role, port) in self.inputs.iter().zip(self.session.inputs()) {
            made.push(match role {
                Role::Variable(_) => None,
                role => Some(checked(given(*role, &port.desc)?, &port.desc, *role)?),
            });
        }
        Ok(made)
    }

    async fn upload(&self, engine: &Engine, made: &[Option<Tensor>]) -> Result<Vec<Upload<'_>>> {
        let mut uploads = Vec::new();
        for (made, buffer) in made.iter().zip(&self.fed) {
            if let (Some(made), Some(buffer)) = (made, buffer) {
                uploads.push((engine.staging_async(OP, made).await?, buffer));
            }
        }
        Ok(uploads)
    }

    /// Where loss and result are copied to.
    fn copies(&self) -> Vec<(&Readback, wgpu::BufferSlice<'_>)> {
        self.readbacks.iter().zip(self.ends.iter().map(|buffer| buffer.slice(..))).collect()
    }

    /// Records a whole step: what it is given, the program, and its variables' new values.
    fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        uploads: &[Upload<'_>],
        (before, after, descs): (&[wgpu::Buffer], &[wgpu::Buffer], &[TensorDesc]),
    ) {
        for (from, to) in uploads {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
        }
        // It was compiled on this device, where it can be encoded.
        let _ = self.session.encode(encoder);
        for &at in &self.updated {
            if let (Some(from), Some(to), Some(desc)) = (after.get(at), before.get(at), descs.get(at)) {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, desc.buffer_size());
            }
        }
    }
}

/// Refuses tensors that a program does not take.
fn checked(tensor: Tensor, desc: &TensorDesc, role: Role) -> Result<Tensor> {
    if tensor.desc() == *desc {
        return Ok(tensor);
    }
    let what = match role {
        Role::Examples => "the examples",
        Role::Targets => "the targets",
        _ => "an input",
    };
    let rule = format!("the network takes {desc}, this is {}", tensor.dtype());
    Err(Error::shape(OP, what, tensor.shape(), rule))
}
