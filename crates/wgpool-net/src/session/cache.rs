//! Sessions for inputs of any shape: compiled when a shape comes, and a bounded number of them kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Session;
use super::gpu::Weights;
use super::shared::{Held, Shared};
use crate::memory::{Homes, Memory, plans};
use crate::program::{Program, check_descs, only_output};
use wgpool::backend::Backend;
use wgpool::engine::Engine;
use wgpool::error::{Error, Result};
use wgpool::plan::Plan;
use wgpool::tensor::{Tensor, TensorDesc};

const OP: &str = "session cache";

/// A model whose inputs have other shapes from run to run: batches, heights, lengths. For each set of shapes it compiles a
/// [`Session`] once, and keeps as many as it may; beyond, the one that ran longest ago goes.
///
/// Weights that are the same in several sessions are held once in host memory, and on a GPU uploaded once. What kernels
/// bring into an order of their own (`packed` of [`Session::explain`]) and the tensors between operations each session has for itself.
///
/// ```
/// use wgpool::{Backend, Pool, Tensor};
/// use wgpool_net::{LayerKind, Model, SessionCache};
/// let sessions = SessionCache::new(&Backend::Host, 4, |inputs| {
///     let shape = inputs.first().map_or(&[][..], |x| &x.shape);
///     let model = Model::new("any size", shape.get(1..).unwrap_or_default().to_vec());
///     model.layer("pool", LayerKind::Pool(Pool::max([2, 2]))).program(shape.first().copied().unwrap_or(1))
/// })?;
/// for side in [2, 4, 2] {
///     let x = Tensor::from_f32(&[1, 1, side, side], vec![1.0; side * side])?;
///     assert_eq!(sessions.run(&x)?.shape(), [1, 1, side / 2, side / 2]);
/// }
/// let uses = sessions.uses();
/// assert_eq!((uses.hits, uses.misses, uses.evictions), (1, 2, 0));
/// # Ok::<(), wgpool::Error>(())
/// ```
///
/// Of an ONNX model it is `SessionCache::of_onnx` (feature `onnx`).
pub struct SessionCache {
    backend: Backend,
    most: usize,
    lower: Box<Lower>,
    shared: Shared,
    kept: Mutex<Kept>,
}

type Lower = dyn Fn(&[TensorDesc]) -> Result<Program> + Send + Sync;

/// How a [`SessionCache`] was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheUses {
    /// Runs for whose shapes there was a session.
    pub hits: u64,
    /// Runs for whose shapes there was none, those that were refused too.
    pub misses: u64,
    /// Sessions that went for others.
    pub evictions: u64,
}

#[derive(Debug, Default)]
struct Kept {
    /// The one that ran last is the last.
    entries: Vec<Entry>,
    uses: CacheUses,
}

#[derive(Debug)]
struct Entry {
    inputs: Vec<TensorDesc>,
    session: Arc<Session>,
    /// Keeps the weights for other sessions.
    _weights: Vec<Arc<Held>>,
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes = self.shapes();
        let mut text = f.debug_struct("SessionCache");
        text.field("backend", &self.backend)
            .field("most", &self.most)
            .field("shapes", &shapes)
            .finish_non_exhaustive()
    }
}

impl SessionCache {
    /// At most `most` sessions of the programs that `lower` makes, which is told shapes and types of all inputs.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `most` is 0.
    pub fn new(
        backend: &Backend,
        most: usize,
        lower: impl Fn(&[TensorDesc]) -> Result<Program> + Send + Sync + 'static,
    ) -> Result<SessionCache> {
        if most == 0 {
            return Err(Error::parameter(OP, "most", most, "it must keep at least one session"));
        }
        let (shared, kept) = (Shared::default(), Mutex::default());
        Ok(SessionCache { backend: backend.clone(), most, lower: Box::new(lower), shared, kept })
    }

    /// At most `most` sessions of an ONNX model, joined by [`Program::optimised`], whose inputs may have any shapes that the model takes. `options` say all else,
    /// such as its operators; the lengths of axes come from the inputs. The model's weights lie in the file.
    ///
    /// # Errors
    /// Those of [`onnx::Model::parse`](crate::onnx::Model::parse); [`Error::Parameter`] if `most` is 0.
    ///
    /// ```no_run
    /// use wgpool::{Backend, Choice, Tensor};
    /// use wgpool_net::{SessionCache, onnx};
    /// let backend = Backend::open(&Choice::Auto)?.backend;
    /// let sessions = SessionCache::of_onnx(&backend, 8, onnx::read("detector.onnx")?, onnx::Options::default())?;
    /// for side in [320, 640, 320] {
    ///     let picture = Tensor::from_f32(&[1, 3, side, side], vec![0.0; 3 * side * side])?;
    ///     println!("{:?}", sessions.run_all(&[&picture])?[0].shape());
    /// }
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    #[cfg(feature = "onnx")]
    pub fn of_onnx(
        backend: &Backend,
        most: usize,
        file: impl Into<Vec<u8>>,
        options: crate::onnx::Options,
    ) -> Result<SessionCache> {
        let file = file.into();
        crate::onnx::Model::parse(&file)?;
        Self::new(backend, most, move |inputs| {
            let model = crate::onnx::Model::parse(&file)?;
            let names: Vec<&str> = (model.inputs().map(|input| input.name()))
                .filter(|name| !options.known.contains_key(*name))
                .collect();
            if names.len() != inputs.len() {
                let expected = "as many inputs as the model has";
                return Err(Error::Arity { op: OP, expected, got: inputs.len() });
            }
            let shaped = names.into_iter().zip(inputs);
            let options =
                shaped.fold(options.clone(), |options, (name, desc)| options.shape(name, desc.shape.clone()));
            model.program(&options)?.optimised()
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it was used.
    pub fn uses(&self) -> CacheUses {
        self.kept().uses
    }

    /// Shapes and types of the inputs of each session that there is, the one that ran last at the end.
    pub fn shapes(&self) -> Vec<Vec<TensorDesc>> {
        self.kept().entries.iter().map(|entry| entry.inputs.clone()).collect()
    }

    /// Bytes of the weights that its sessions share: on a GPU these are on the device too.
    pub fn weight_bytes(&self) -> u64 {
        self.shared.bytes()
    }

    /// Lets go of all sessions, and of their weights: to have the memory, or the weights anew.
    pub fn clear(&self) {
        // Sessions are dropped when nobody waits for them.
        let entries = std::mem::take(&mut self.kept().entries);
        drop(entries);
        self.shared.forget_unused();
    }

    /// The session for inputs of these shapes and types, if there is one.
    fn find(&self, inputs: &[TensorDesc]) -> Option<Arc<Session>> {
        let mut kept = self.kept();
        let Some(at) = kept.entries.iter().position(|entry| entry.inputs == inputs) else {
            kept.uses.misses += 1;
            return None;
        };
        kept.uses.hits += 1;
        let entry = kept.entries.remove(at);
        let session = entry.session.clone();
        kept.entries.push(entry);
        Some(session)
    }

    /// The program for such inputs, on weights that are held.
    fn program(&self, inputs: &[TensorDesc]) -> Result<(Program, Vec<Arc<Held>>)> {
        let mut program = (self.lower)(inputs)?;
        check_descs(OP, &program.name, &program.inputs, inputs)?;
        let weights = self.shared.take(&mut program);
        Ok((program, weights))
    }

    /// Keeps a session, and lets others go for it.
    fn keep(&self, inputs: &[TensorDesc], session: Session, weights: Vec<Arc<Held>>) -> Arc<Session> {
        let session = Arc::new(session);
        let mut kept = self.kept();
        // Another call may have compiled the same meanwhile.
        if let Some(there) = kept.entries.iter().find(|entry| entry.inputs == inputs) {
            return there.session.clone();
        }
        let too_many = (kept.entries.len() + 1).saturating_sub(self.most);
        let gone: Vec<Entry> = kept.entries.drain(..too_many).collect();
        kept.uses.evictions += gone.len() as u64;
        kept.entries.push(Entry { inputs: inputs.to_vec(), session: session.clone(), _weights: weights });
        drop(kept);
        drop(gone);
        self.shared.forget_unused();
        session
    }

    /// The session for inputs of these shapes and types, which is compiled if there is none: to record it into an app's encoder, or to compile
    /// before the first run. Who has it keeps it, also when it goes for others. Calls that miss the same shapes at
    /// the same time compile each for itself, and one is kept.
    ///
    /// # Errors
    /// Those of lowering: for shapes that the model does not take what is wrong with them; [`Error::Arity`] and [`Error::Shape`] if the program is one for other
    /// inputs; those of [`Session::compile_async`]. Nothing is kept then.
    pub async fn session_async(&self, inputs: &[TensorDesc]) -> Result<Arc<Session>> {
        self.session_after(inputs, |_, _| Ok(())).await
    }

    /// With `prepare` for the plans of a session that is not there, before it is compiled.
    pub(crate) async fn session_after(
        &self,
        inputs: &[TensorDesc],
        prepare: impl FnOnce(&Engine, &[Plan]) -> Result<()>,
    ) -> Result<Arc<Session>> {
        if let Some(session) = self.find(inputs) {
            return Ok(session);
        }
        let compiled = async {
            let (program, weights) = self.program(inputs)?;
            let session = match &self.backend {
                Backend::Gpu(engine) => {
                    let (memory, homes) = (Memory::default(), Homes::new(&program));
                    let plans = plans(engine, &program, &memory, &homes)?;
                    prepare(engine, &plans.ops)?;
                    let held = Weights::Held(&self.shared, &weights);
                    Session::on_gpu(engine, program, (plans, homes), &memory, held).await?
                }
                backend => Session::on_cpu(backend, program)?,
            };
            Ok((session, weights))
        };
        let compiled: Result<(Session, Vec<Arc<Held>>)> = compiled.await;
        if compiled.is_err() {
            // Its weights go too.
            self.shared.forget_unused();
        }
        compiled.map(|(session, weights)| self.keep(inputs, session, weights))
    }

    /// Computes all outputs for inputs of any shapes that the model takes, as [`Session::run_all_async`].
    ///
    /// # Errors
    /// Those of [`SessionCache::session_async`] and [`Session::run_all_async`].
    pub async fn run_all_async(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let descs: Vec<TensorDesc> = inputs.iter().map(|input| input.desc()).collect();
        self.session_async(&descs).await?.run_all_async(inputs).await
    }

    /// Computes the output of a model with one input and one output, as [`SessionCache::run_all_async`].
    ///
    /// # Errors
    /// Those of [`SessionCache::run_all_async`]; [`Error::Arity`] if it has not one input and one output.
    pub async fn run_async(&self, input: &Tensor) -> Result<Tensor> {
        only_output(OP, self.run_all_async(&[input]).await?)
    }
}
