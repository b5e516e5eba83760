//! What waits, reads the environment, or reads and writes files: the same calls as the futures, for scripts, tests and
//! worker threads. In browsers nothing may block and none of the rest is there, so that this file is not compiled for
//! them; nothing in the crate uses it.

use std::path::Path;

use pollster::block_on;
use rayon::prelude::*;
use wgpu::{Buffer, BufferSlice, TextureView};

use super::bind::kernels;
use super::{
    AdapterSummary, Binding, Engine, Pending, PrepackedBinding, Prepared, Readback, Search, adapters_async,
    open_cooperative_async, open_device_async,
};
use crate::backend::{Backend, Fallback, Opened};
use crate::choice::Choice;
use crate::error::{Error, Result};
use crate::frame::{FramePlan, OverlayPlan, PreparedFrame, PreparedOverlay};
use crate::plan::Plan;
use crate::spec::Op;
use crate::tensor::{Tensor, TensorDesc};
use crate::{host, reference, threads};

/// A file that is longer is no pipeline cache of ours.
const MOST_BYTES: u64 = 256 << 20;

impl Search {
    /// As the environment says: `WGPU_BACKEND` restricts the APIs, `WGPU_ADAPTER_NAME` the adapters to those whose name
    /// contains it; wgpu's other variables, such as `WGPU_VALIDATION`, hold too.
    pub fn from_env() -> Search {
        Search {
            instance: wgpu::InstanceDescriptor::new_without_display_handle_from_env(),
            name: std::env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.is_empty()),
        }
    }
}

/// [`adapters_async`], waited for, of the APIs that `WGPU_BACKEND` allows.
pub fn adapters() -> Vec<AdapterSummary> {
    block_on(adapters_async(Search { name: None, ..Search::from_env() }))
}

/// [`open_device_async`], waited for, on the adapters that [`Search::from_env`] finds.
///
/// # Errors
/// Those of [`open_device_async`].
pub fn open_device(choice: &Choice) -> Result<(wgpu::Device, wgpu::Queue)> {
    block_on(open_device_async(choice, Search::from_env()))
}

/// [`open_cooperative_async`], waited for, on the adapters that [`Search::from_env`] finds.
///
/// # Errors
/// Those of [`open_cooperative_async`].
pub fn open_cooperative(choice: &Choice, experimental: wgpu::ExperimentalFeatures) -> Result<Engine> {
    block_on(open_cooperative_async(choice, Search::from_env(), experimental))
}

impl Backend {
    /// [`Backend::open_async`], waited for, on the adapters that [`Search::from_env`] finds.
    ///
    /// # Errors
    /// Those of [`Backend::open_async`].
    ///
    /// ```
    /// use wgpool::{Backend, Choice};
    /// let opened = Backend::open(&Choice::Host)?;
    /// assert!(matches!(opened.backend, Backend::Host));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn open(choice: &Choice) -> Result<Opened> {
        block_on(Backend::open_async(choice, Search::from_env()))
    }

    /// [`Backend::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Backend::run_async`].
    pub fn run(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        match self {
            Backend::Gpu(engine) => engine.run(op, inputs),
            Backend::Host => host::run(op, inputs),
            Backend::Reference => reference::run(op, inputs),
        }
    }

    /// [`Backend::run_or_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Backend::run_or_async`].
    ///
    /// ```
    /// use wgpool::{Backend, Fallback, Op, Pool, Tensor};
    /// let x = Tensor::from_f32(&[1, 1, 2], vec![1., 2.])?;
    /// let (outputs, on_host) = Backend::Host.run_or(&Op::from(Pool::max([2])), &[&x], Fallback::Host)?;
    /// assert_eq!((outputs[0].as_f32()?, on_host), (&[2.0][..], false));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn run_or(&self, op: &Op, inputs: &[&Tensor], fallback: Fallback) -> Result<(Vec<Tensor>, bool)> {
        fallback.of(self.run(op, inputs), op, inputs)
    }
}

/// The calls that do nothing but wait for the future of the same call.
macro_rules! waited {
    ($($type:ident { $($name:ident => $future:ident($($argument:ident: $of:ty),*) -> $result:ty;)* })*) => {
        $(impl $type {$(
            #[doc = concat!("[`", stringify!($type), "::", stringify!($future), "`], waited for.")]
            ///
            /// # Errors
            #[doc = concat!("Those of [`", stringify!($type), "::", stringify!($future), "`].")]
            pub fn $name(&self, $($argument: $of),*) -> Result<$result> {
                block_on(self.$future($($argument),*))
            }
        )*})*
    };
}

waited! {
    Engine {
        prepare => prepare_async(plan: &Plan) -> Prepared;
        prepare_frame => prepare_frame_async(plan: &FramePlan) -> PreparedFrame;
        prepare_overlay => prepare_overlay_async(plan: &OverlayPlan) -> PreparedOverlay;
        prepack => prepack_async(bindings: Vec<Binding>) -> Vec<PrepackedBinding>;
        upload => upload_async(op: &'static str, tensor: &Tensor) -> Buffer;
        storage => storage_async(op: &'static str, size: u64) -> Buffer;
        tensor_buffer => tensor_buffer_async(op: &'static str, size: u64) -> Buffer;
    }
    Prepared {
        bind => bind_async(inputs: &[BufferSlice<'_>], outputs: &[BufferSlice<'_>]) -> Binding;
        bind_in => bind_in_async(
            inputs: &[BufferSlice<'_>], outputs: &[BufferSlice<'_>], scratch: &[&Buffer]
        ) -> Binding;
    }
    PreparedFrame {
        bind_texture => bind_texture_async(frame: &TextureView, output: BufferSlice<'_>) -> Binding;
        bind_buffer => bind_buffer_async(frame: BufferSlice<'_>, output: BufferSlice<'_>) -> Binding;
    }
    PreparedOverlay {
        bind => bind_async(tensor: BufferSlice<'_>, picture: &TextureView) -> Binding;
    }
}

impl Engine {
    /// [`Engine::prepare_all_async`], waited for: different pipelines are compiled in parallel, on the threads of rayon's
    /// global pool. Where it cannot be started, they are compiled one after the other.
    ///
    /// # Errors
    /// Those of [`Engine::prepare_all_async`].
    pub fn prepare_all(&self, plans: &[Plan]) -> Result<Vec<Prepared>> {
        if threads::started().is_err() {
            return block_on(self.prepare_all_async(plans));
        }
        kernels(plans)
            .into_par_iter()
            .try_for_each(|key| block_on(self.pipelines.get(&self.device, key)).map(drop))?;
        block_on(self.all_prepared(plans))
    }

    /// [`Engine::run_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Engine::run_async`].
    pub fn run(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
        self.run_plan(&self.plan(op, &descs)?, inputs)
    }

    /// [`Engine::run_plan_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Engine::run_plan_async`].
    pub fn run_plan(&self, plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        block_on(self.start(plan, inputs))?.into_iter().map(Pending::wait).collect()
    }

    /// This engine with a pipeline cache read from the file `path`; see [`Engine::with_pipeline_cache_data`].
    /// [`Engine::save_pipeline_cache`] writes it.
    ///
    /// A file that is missing, damaged, or made for another adapter, driver or version is ignored with a log line.
    pub fn with_pipeline_cache(&self, path: &Path) -> Engine {
        let ignored = |reason: &dyn std::fmt::Display| {
            log::warn!("pipeline cache {}: {reason}, ignored", path.display());
        };
        let bytes = match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MOST_BYTES => {
                ignored(&"too long");
                Vec::new()
            }
            Ok(_) => std::fs::read(path).inspect_err(|error| ignored(error)).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        block_on(async {
            match self.with_pipeline_cache_data(&bytes).await {
                Err(error) if !bytes.is_empty() => {
                    ignored(&error);
                    self.with_pipeline_cache_data(&[]).await
                }
                made => made,
            }
        })
        .inspect_err(|error| ignored(error))
        .unwrap_or_else(|_| self.clone())
    }

    /// Writes the pipeline cache to `path`, whole or not at all. Returns whether there was one to write.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written.
    pub fn save_pipeline_cache(&self, path: &Path) -> Result<bool> {
        let Some(data) = self.pipeline_cache_data() else { return Ok(false) };
        // A name of its own, so that two programs saving at once do not mix.
        let part = path.with_extension(format!("part{}", std::process::id()));
        let written = std::fs::write(&part, data).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        written.map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(true)
    }
}

impl Binding {
    /// [`Binding::prepack_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Binding::prepack_async`].
    pub fn prepack(self, engine: &Engine) -> Result<PrepackedBinding> {
        block_on(self.prepack_async(engine))
    }
}

impl Readback {
    /// [`Readback::new_async`], waited for.
    ///
    /// # Errors
    /// Those of [`Readback::new_async`].
    pub fn new(engine: &Engine, desc: &TensorDesc, slots: usize) -> Result<Readback> {
        block_on(Readback::new_async(engine, desc, slots))
    }
}

impl Pending {
    /// The result; the thread sleeps until its submission is done, and not for later ones.
    ///
    /// wgpu holds a lock meanwhile which other threads need to present a surface or to destroy a buffer: where a window
    /// is drawn beside it, use [`Pending::read`] or [`Pending::try_read`].
    ///
    /// # Errors
    /// Those of [`Pending::read`].
    pub fn wait(self) -> Result<Tensor> {
        self.sleep();
        self.take()
    }
}
