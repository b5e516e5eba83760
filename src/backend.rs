//! One place to run an operation: a GPU, the host path or the reference, behind the same call.

use crate::choice::Choice;
use crate::engine::{Engine, Search, open_device_async};
use crate::error::{Error, Result};
use crate::plan::Explanation;
use crate::problem::Problem;
use crate::spec::Op;
use crate::tensor::{Tensor, TensorDesc};
use crate::{host, reference, threads};

/// Where operations run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// A wgpu device.
    Gpu(Engine),
    /// The fast CPU path.
    Host,
    /// The 64-bit reference: slow and exact.
    Reference,
}

/// What to do with an operation that a device cannot compute, such as 16-bit floats without `SHADER_F16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Return the error.
    #[default]
    Refuse,
    /// Compute it on the host path.
    Host,
}

impl Fallback {
    /// The result of a device, or of the host path where the device cannot compute it and may be replaced; whether it was.
    pub(crate) fn of(
        self,
        result: Result<Vec<Tensor>>,
        op: &Op,
        inputs: &[&Tensor],
    ) -> Result<(Vec<Tensor>, bool)> {
        match (result, self) {
            (Err(Error::Feature { .. } | Error::Limit { .. } | Error::TooLarge { .. }), Fallback::Host) => {
                Ok((host::run(op, inputs)?, true))
            }
            (result, _) => Ok((result?, false)),
        }
    }
}

/// A backend, and why it was taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The backend.
    pub backend: Backend,
    /// One sentence for people.
    pub reason: String,
}

impl Backend {
    /// Opens the backend that `choice` asks for, on the adapters that `search` finds.
    ///
    /// [`Choice::Auto`] takes a hardware adapter, or else the host path: it is faster than a software adapter.
    /// Only a name in `search` makes it take one.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] and [`Error::NoDevice`]; `Auto`, `Host` and `Reference` have no such errors.
    ///
    /// ```
    /// use wgpool::{Backend, Choice, engine::Search};
    /// # pollster::block_on(async {
    /// let opened = Backend::open_async(&Choice::Auto, Search::default()).await?;
    /// println!("{}: {}", opened.backend.name(), opened.reason);
    /// # Ok::<(), wgpool::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn open_async(choice: &Choice, search: Search) -> Result<Opened> {
        let opened = |backend, reason: String| Ok(Opened { backend, reason });
        let name = search.name.clone();
        let gpu = async {
            let (device, queue) = open_device_async(choice, search).await?;
            Ok(Backend::Gpu(Engine::from_device(&device, &queue)))
        };
        match choice {
            Choice::Host => opened(Backend::Host, "the host path was asked for".into()),
            Choice::Reference => opened(Backend::Reference, "the reference was asked for".into()),
            Choice::Gpu | Choice::Software | Choice::Named(_) => {
                opened(gpu.await?, "this adapter was asked for".into())
            }
            Choice::Auto => match (gpu.await, name) {
                (Ok(gpu), None) => opened(gpu, "auto takes the best adapter that is not software".into()),
                (Ok(gpu), Some(name)) => {
                    opened(gpu, format!("auto takes the best adapter whose name contains {name:?}"))
                }
                (Err(Error::NoAdapter { reason, .. }), _) => opened(
                    Backend::Host,
                    format!(
                        "no hardware adapter ({reason}); the host path is faster than a software adapter"
                    ),
                ),
                (Err(error), _) => opened(Backend::Host, format!("the GPU cannot be used: {error}")),
            },
        }
    }

    /// Computes `op` on `inputs`: on a GPU without ever blocking, elsewhere while the future is polled.
    ///
    /// # Errors
    /// Those of [`Problem::new`](crate::Problem::new), and on a GPU those of the device.
    pub async fn run_async(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        match self {
            Backend::Gpu(engine) => engine.run_async(op, inputs).await,
            Backend::Host => host::run(op, inputs),
            Backend::Reference => reference::run(op, inputs),
        }
    }

    /// Computes `op` on `inputs`, and where the device lacks a feature or has too low a limit, does what `fallback`
    /// says. The answer tells whether the host path computed it.
    ///
    /// # Errors
    /// Those of [`Backend::run_async`]; with [`Fallback::Host`] not [`Error::Feature`], [`Error::Limit`] and what is
    /// [`Error::TooLarge`] for the device alone.
    pub async fn run_or_async(
        &self,
        op: &Op,
        inputs: &[&Tensor],
        fallback: Fallback,
    ) -> Result<(Vec<Tensor>, bool)> {
        fallback.of(self.run_async(op, inputs).await, op, inputs)
    }

    /// Which kernels compute `op` on tensors like `inputs` and why, the bytes they move, their arithmetic and memory.
    /// Computes nothing.
    ///
    /// # Errors
    /// Those of [`Problem::new`] and, on a GPU, of [`Plan::new`](crate::Plan::new).
    pub fn explain(&self, op: &Op, inputs: &[TensorDesc]) -> Result<Explanation> {
        self.explain_problem(&Problem::new(op, inputs)?, false)
    }

    /// [`Backend::explain`] of a problem; `prepared` says whether the host path prepares the weights once for many runs.
    ///
    /// # Errors
    /// On a GPU those of [`Plan::of`](crate::Plan::of).
    pub fn explain_problem(&self, problem: &Problem, prepared: bool) -> Result<Explanation> {
        match self {
            Backend::Gpu(engine) => Ok(crate::plan::Plan::of(problem.clone(), engine.caps())?.explain()),
            Backend::Host | Backend::Reference => {
                Ok(Explanation::on_cpu(problem, self.why(problem, prepared)))
            }
        }
    }

    /// How it computes, where a plan would say why its kernel was chosen.
    pub(crate) fn path(&self) -> &'static str {
        match self {
            Backend::Gpu(_) => "kernels on the GPU",
            Backend::Host => "the host path",
            Backend::Reference => "the reference, in 64-bit floats",
        }
    }

    /// Why a problem is computed as it is, where there is no plan.
    fn why(&self, problem: &Problem, kept: bool) -> &'static str {
        let algorithm = match self {
            Backend::Host => crate::host::algorithm(problem, kept),
            _ => None,
        };
        algorithm.unwrap_or_else(|| self.path())
    }

    /// What computes, for people: the adapter's name and backend, or the path's name.
    pub fn name(&self) -> String {
        match self {
            Backend::Gpu(engine) => engine.adapter_name(),
            Backend::Host => format!("host path ({} threads)", threads::count()),
            Backend::Reference => "reference (64-bit, one thread)".to_owned(),
        }
    }
}
