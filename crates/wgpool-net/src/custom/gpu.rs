//! What an app says of its operator on a GPU.

use std::fmt;

use super::{Failure, Wgsl};
use wgpool::engine::Engine;
use wgpool::wgpu::{self, WasmNotSend, WasmNotSendSync};

/// How a GPU computes an operator.
pub struct Gpu(pub(super) Form);

pub(super) enum Form {
    Wgsl(Wgsl),
    Own(Box<dyn Build>),
}

/// What an app's function binds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Buffers<'a> {
    /// The engine, with device and queue.
    pub engine: &'a Engine,
    /// The inputs that are given, each as long as its tensor, in whole words of 32 bits.
    pub inputs: Vec<wgpu::BufferBinding<'a>>,
    /// The outputs, none of which shares memory with an input.
    pub outputs: Vec<wgpu::BufferBinding<'a>>,
}

/// Records into a compute pass.
pub(super) trait Record: WasmNotSendSync {
    fn record(&self, pass: &mut wgpu::ComputePass<'_>);
}

impl<R: Fn(&mut wgpu::ComputePass<'_>) + WasmNotSendSync> Record for R {
    fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        self(pass);
    }
}

/// Makes what records, on buffers that stay.
pub(super) trait Build: WasmNotSend {
    fn build(self: Box<Self>, buffers: &Buffers<'_>) -> Result<Box<dyn Record>, Failure>;
}

struct Building<B>(B);

impl<B, R> Build for Building<B>
where
    B: FnOnce(&Buffers<'_>) -> Result<R, Failure> + WasmNotSend,
    R: Fn(&mut wgpu::ComputePass<'_>) + WasmNotSendSync + 'static,
{
    fn build(self: Box<Self>, buffers: &Buffers<'_>) -> Result<Box<dyn Record>, Failure> {
        Ok(Box::new((self.0)(buffers)?))
    }
}

impl From<Wgsl> for Gpu {
    fn from(wgsl: Wgsl) -> Gpu {
        Gpu(Form::Wgsl(wgsl))
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Wgsl(wgsl) => f.debug_tuple("Gpu").field(wgsl).finish(),
            Form::Own(_) => f.debug_tuple("Gpu").finish_non_exhaustive(),
        }
    }
}

impl Gpu {
    /// A pipeline of the app's own, or several. `build` is called once for each session, with the buffers that the session
    /// computes in, and makes pipelines and bind groups; what it returns records them into the session's compute pass, each
    /// time that the session is recorded. It may set any pipeline and bind group, and need not restore them.
    ///
    /// Errors that wgpu raises meanwhile are those of compiling the session.
    ///
    /// ```
    /// use wgpool::wgpu;
    /// use wgpool_net::custom::Gpu;
    /// # let pipeline: Option<wgpu::ComputePipeline> = None;
    /// # if let Some(pipeline) = pipeline {
    /// let gpu = Gpu::recorded(move |buffers| {
    ///     let group = buffers.engine.device().create_bind_group(&wgpu::BindGroupDescriptor {
    ///         label: None,
    ///         layout: &pipeline.get_bind_group_layout(0),
    ///         entries: &[
    ///             wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(buffers.inputs[0].clone()) },
    ///             wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Buffer(buffers.outputs[0].clone()) },
    ///         ],
    ///     });
    ///     Ok(move |pass: &mut wgpu::ComputePass<'_>| {
    ///         pass.set_pipeline(&pipeline);
    ///         pass.set_bind_group(0, &group, &[]);
    ///         pass.dispatch_workgroups(16, 1, 1);
    ///     })
    /// });
    /// # }
    /// ```
    pub fn recorded<R>(build: impl FnOnce(&Buffers<'_>) -> Result<R, Failure> + WasmNotSend + 'static) -> Gpu
    where
        R: Fn(&mut wgpu::ComputePass<'_>) + WasmNotSendSync + 'static,
    {
        Gpu(Form::Own(Box::new(Building(build))))
    }

    /// What explanations call it, and its workgroups if they are known.
    pub(super) fn name_and_workgroups(&self) -> (&'static str, Option<u64>) {
        match &self.0 {
            Form::Wgsl(wgsl) => ("app/wgsl", Some(wgsl.workgroups.iter().map(|&n| u64::from(n)).product())),
            Form::Own(_) => ("app/recorded", None),
        }
    }
}
