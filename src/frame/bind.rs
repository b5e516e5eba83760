//! Pipelines of frames, and their bindings to textures and buffers.

use super::{FramePlan, FrameSource, OverlayPlan, overlay_plan, read_plan};
use crate::engine::Engine;
use crate::engine::bind::{Binding, bind_group, part_of};
use crate::engine::buffers::check_slice;
use crate::engine::filled::filled;
use crate::engine::pipelines::Pipeline;
use crate::engine::scope::{alive, scoped};
use crate::engine::usages::joined;
use crate::error::{Error, Result};
use crate::plan::Step;
use crate::tensor::TensorDesc;

/// A [`FramePlan`] whose pipeline is built.
#[derive(Clone, Debug)]
pub struct PreparedFrame {
    plan: FramePlan,
    ready: Ready,
}

/// An [`OverlayPlan`] whose pipeline is built.
#[derive(Clone, Debug)]
pub struct PreparedOverlay {
    plan: OverlayPlan,
    ready: Ready,
}

/// A pipeline that is built, and what it is dispatched with.
#[derive(Clone, Debug)]
struct Ready {
    engine: Engine,
    op: &'static str,
    pipeline: Pipeline,
    step: Step,
}

impl Engine {
    /// Builds the pipeline of a picture's way to a tensor, or finds it built.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] or [`Error::DeviceLost`] if it cannot be built.
    pub async fn prepare_frame_async(&self, plan: &FramePlan) -> Result<PreparedFrame> {
        let ready = self.ready(read_plan::OP, &plan.step).await?;
        Ok(PreparedFrame { plan: plan.clone(), ready })
    }

    /// Builds the pipeline of a tensor's way to a picture, or finds it built.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] or [`Error::DeviceLost`] if it cannot be built.
    pub async fn prepare_overlay_async(&self, plan: &OverlayPlan) -> Result<PreparedOverlay> {
        let ready = self.ready(overlay_plan::OP, &plan.step).await?;
        Ok(PreparedOverlay { plan: plan.clone(), ready })
    }

    async fn ready(&self, op: &'static str, step: &Step) -> Result<Ready> {
        let pipeline = self.pipelines.get(self.device(), step.kernel).await?;
        alive(self.device(), || format!("preparing {op}"))?;
        Ok(Ready { engine: self.clone(), op, pipeline, step: step.clone() })
    }
}

impl PreparedFrame {
    /// The plan.
    pub fn plan(&self) -> &FramePlan {
        &self.plan
    }

    /// Binds a texture to be read and a buffer for the whole tensor, all images of the batch.
    ///
    /// The view must be two-dimensional, of a texture with `TEXTURE_BINDING` usage, one sample a pixel, a format of
    /// floats or normalized integers, and (it or one of its mip levels) the planned size. The buffer needs what
    /// [`Prepared::bind_async`](crate::Prepared::bind_async) asks for.
    ///
    /// # Errors
    /// [`Error::Parameter`] and [`Error::Buffer`] name the rule that a texture or buffer breaks;
    /// [`Error::Parameter`] too if the plan reads a buffer; those of the device.
    pub async fn bind_texture_async(
        &self,
        frame: &wgpu::TextureView,
        output: wgpu::BufferSlice<'_>,
    ) -> Result<Binding> {
        let op = read_plan::OP;
        let FrameSource::Texture { width, height } = self.plan.spec().source else {
            let source = self.plan.spec().source;
            return Err(Error::parameter(op, "source", format_args!("{source}"), "a texture was bound"));
        };
        let texture = frame.texture();
        check_texture(op, texture, wgpu::TextureUsages::TEXTURE_BINDING, [width, height])?;
        let features = self.ready.engine.device().features();
        let sampled = texture.format().sample_type(None, Some(features));
        if !matches!(sampled, Some(wgpu::TextureSampleType::Float { .. })) {
            let rule = "it must be one of floats or normalized integers, such as Rgba8Unorm";
            return Err(Error::parameter(op, "texture format", texture.format(), rule));
        }
        self.ready.check_tensor("the output", &output, self.plan.output())?;
        let resources = [wgpu::BindingResource::TextureView(frame), resource(&output, self.plan.output())];
        self.ready.bind(resources).await
    }

    /// Binds a buffer of packed bytes to be read and a buffer for the whole tensor, all images of the batch.
    ///
    /// Each slice needs what [`Prepared::bind_async`](crate::Prepared::bind_async) asks for; the frame's must hold the bytes of
    /// [`FramePlan::frame`], filled up to whole words, and its buffer may not be the tensor's.
    ///
    /// # Errors
    /// [`Error::Buffer`] names the rule that a buffer breaks; [`Error::Parameter`] if the plan reads a texture; those of
    /// the device.
    pub async fn bind_buffer_async(
        &self,
        frame: wgpu::BufferSlice<'_>,
        output: wgpu::BufferSlice<'_>,
    ) -> Result<Binding> {
        let op = read_plan::OP;
        let source = self.plan.spec().source;
        if !matches!(source, FrameSource::Buffer { .. }) {
            return Err(Error::parameter(op, "source", format_args!("{source}"), "a buffer was bound"));
        }
        self.ready.check_tensor("the frame", &frame, self.plan.frame())?;
        self.ready.check_tensor("the output", &output, self.plan.output())?;
        if frame.buffer() == output.buffer() {
            return Err(Error::Buffer {
                op,
                tensor: "the output".into(),
                rule: "an output's buffer must be no other input's or output's",
                values: format!("offset {}, {} bytes", output.offset(), output.size()),
            });
        }
        let resources = [resource(&frame, self.plan.frame()), resource(&output, self.plan.output())];
        self.ready.bind(resources).await
    }
}

impl PreparedOverlay {
    /// The plan.
    pub fn plan(&self) -> &OverlayPlan {
        &self.plan
    }

    /// Binds the whole tensor, all images of the batch, and the texture to be written.
    ///
    /// The buffer needs what [`Prepared::bind_async`](crate::Prepared::bind_async) asks for. The view must be two-dimensional, of an
    /// `Rgba8Unorm` texture with `STORAGE_BINDING` usage and (it or one of its mip levels) the planned size.
    ///
    /// # Errors
    /// [`Error::Buffer`] and [`Error::Parameter`] name the rule that a buffer or texture breaks; those of the device.
    pub async fn bind_async(
        &self,
        tensor: wgpu::BufferSlice<'_>,
        picture: &wgpu::TextureView,
    ) -> Result<Binding> {
        let op = overlay_plan::OP;
        let desc = &self.plan.spec().tensor;
        self.ready.check_tensor("the tensor", &tensor, desc)?;
        let texture = picture.texture();
        let size = [self.plan.width(), self.plan.height()];
        check_texture(op, texture, wgpu::TextureUsages::STORAGE_BINDING, size)?;
        // Its view may have another format than its own; that it is this one, wgpu checks.
        let resources = [resource(&tensor, desc), wgpu::BindingResource::TextureView(picture)];
        self.ready.bind(resources).await
    }
}

fn resource<'a>(slice: &wgpu::BufferSlice<'a>, desc: &TensorDesc) -> wgpu::BindingResource<'a> {
    wgpu::BindingResource::Buffer(part_of(slice, desc, None))
}

fn check_texture(
    op: &'static str,
    texture: &wgpu::Texture,
    usage: wgpu::TextureUsages,
    size: [usize; 2],
) -> Result<()> {
    if !texture.usage().contains(usage) {
        let [has, needs] = [texture.usage(), usage].map(|usage| joined(usage.iter_names()));
        return Err(Error::parameter(
            op,
            "texture usage",
            format_args!("{has}"),
            format!("it needs {needs}"),
        ));
    }
    if texture.dimension() != wgpu::TextureDimension::D2 || texture.sample_count() != 1 {
        let values = (texture.dimension(), texture.sample_count());
        return Err(Error::parameter(op, "texture", values, "it must be D2, with one sample a pixel"));
    }
    // A view does not tell which level it begins at.
    let whole = [texture.width(), texture.height()];
    let level = |level: u32| whole.map(|length| (length >> level).max(1) as usize);
    if !(0..texture.mip_level_count()).any(|l| level(l) == size) {
        let rule = format!("{} x {} was planned", size[0], size[1]);
        return Err(Error::parameter(op, "texture size", whole, rule));
    }
    Ok(())
}

impl Ready {
    fn check_tensor(&self, tensor: &str, slice: &wgpu::BufferSlice<'_>, desc: &TensorDesc) -> Result<()> {
        let alignment = self.engine.device().limits().min_storage_buffer_offset_alignment;
        check_slice(self.op, tensor.to_owned(), slice, desc, u64::from(alignment))
    }

    /// The dispatch on what it reads and what it writes.
    async fn bind(&self, [read, written]: [wgpu::BindingResource<'_>; 2]) -> Result<Binding> {
        let Ready { engine, op, pipeline, step } = self;
        let device = engine.device();
        let during = || format!("writing the parameters of {op}");
        let usage = wgpu::BufferUsages::UNIFORM;
        let uniform = filled(device, "wgpool parameters", &step.params, usage, during).await?;
        let resources = [uniform.as_entire_binding(), read, written];
        let during = || format!("binding {op}");
        let group = scoped(device, during, || bind_group(device, &pipeline.layout, resources)).await?;
        Ok(Binding::single(pipeline.pipeline.clone(), group, step.grid))
    }
}
