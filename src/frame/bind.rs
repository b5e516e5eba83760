//! Pipelines of frames, and their bindings to textures and buffers.

use super::{FramePlan, FrameSource, OverlayPlan, overlay_plan, read_plan};
use crate::engine::Engine;
use crate::engine::bind::{Binding, check_slice};
use crate::engine::filled::filled;
use crate::engine::pipelines::Pipeline;
use crate::engine::scope::{alive, scoped};
use crate::error::{Error, Result};
use crate::plan::Step;
use crate::tensor::TensorDesc;

/// A [`FramePlan`] whose pipeline is built.
#[derive(Clone, Debug)]
pub struct PreparedFrame {
    engine: Engine,
    plan: FramePlan,
    pipeline: Pipeline,
}

/// An [`OverlayPlan`] whose pipeline is built.
#[derive(Clone, Debug)]
pub struct PreparedOverlay {
    engine: Engine,
    plan: OverlayPlan,
    pipeline: Pipeline,
}

impl Engine {
    /// Builds the pipeline of a picture's way to a tensor, or finds it built.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] or [`Error::DeviceLost`] if it cannot be built.
    pub async fn prepare_frame_async(&self, plan: &FramePlan) -> Result<PreparedFrame> {
        let pipeline = self.frame_pipeline(&plan.step, read_plan::OP).await?;
        Ok(PreparedFrame { engine: self.clone(), plan: plan.clone(), pipeline })
    }

    /// Builds the pipeline of a tensor's way to a picture, or finds it built.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::OutOfMemory`] or [`Error::DeviceLost`] if it cannot be built.
    pub async fn prepare_overlay_async(&self, plan: &OverlayPlan) -> Result<PreparedOverlay> {
        let pipeline = self.frame_pipeline(&plan.step, overlay_plan::OP).await?;
        Ok(PreparedOverlay { engine: self.clone(), plan: plan.clone(), pipeline })
    }

    async fn frame_pipeline(&self, step: &Step, op: &str) -> Result<Pipeline> {
        let pipeline = self.pipelines.get(self.device(), step.kernel).await?;
        alive(self.device(), || format!("preparing {op}")).map(|()| pipeline)
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
            return Err(Error::parameter(op, "source", self.plan.spec().source, "a texture was bound"));
        };
        let texture = frame.texture();
        check_texture(op, texture, wgpu::TextureUsages::TEXTURE_BINDING, [width, height])?;
        let features = self.engine.device().features();
        let sampled = texture.format().sample_type(None, Some(features));
        if !matches!(sampled, Some(wgpu::TextureSampleType::Float { .. })) {
            let rule = "it must be one of floats or normalized integers, such as Rgba8Unorm";
            return Err(Error::parameter(op, "texture format", texture.format(), rule));
        }
        check_tensor(&self.engine, op, "the output", &output, self.plan.output())?;
        let resources = [wgpu::BindingResource::TextureView(frame), resource(&output, self.plan.output())];
        bind(&self.engine, op, &self.pipeline, &self.plan.step, resources).await
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
            return Err(Error::parameter(op, "source", source, "a buffer was bound"));
        }
        check_tensor(&self.engine, op, "the frame", &frame, self.plan.frame())?;
        check_tensor(&self.engine, op, "the output", &output, self.plan.output())?;
        if frame.buffer() == output.buffer() {
            return Err(Error::Buffer {
                op,
                tensor: "the output".into(),
                rule: "an output's buffer must be no other input's or output's",
                values: format!("offset {}, {} bytes", output.offset(), output.size()),
            });
        }
        let resources = [resource(&frame, self.plan.frame()), resource(&output, self.plan.output())];
        bind(&self.engine, op, &self.pipeline, &self.plan.step, resources).await
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
        check_tensor(&self.engine, op, "the tensor", &tensor, desc)?;
        let texture = picture.texture();
        let size = [self.plan.width(), self.plan.height()];
        check_texture(op, texture, wgpu::TextureUsages::STORAGE_BINDING, size)?;
        // Its view may have another format than its own; that it is this one, wgpu checks.
        let resources = [resource(&tensor, desc), wgpu::BindingResource::TextureView(picture)];
        bind(&self.engine, op, &self.pipeline, &self.plan.step, resources).await
    }
}

fn resource<'a>(slice: &wgpu::BufferSlice<'a>, desc: &TensorDesc) -> wgpu::BindingResource<'a> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: slice.buffer(),
        offset: slice.offset(),
        size: wgpu::BufferSize::new(desc.buffer_size()),
    })
}

fn check_tensor(
    engine: &Engine,
    op: &'static str,
    tensor: &str,
    slice: &wgpu::BufferSlice<'_>,
    desc: &TensorDesc,
) -> Result<()> {
    let alignment = engine.device().limits().min_storage_buffer_offset_alignment;
    check_slice(op, tensor.to_owned(), slice, desc, u64::from(alignment))
}

fn check_texture(
    op: &'static str,
    texture: &wgpu::Texture,
    usage: wgpu::TextureUsages,
    size: [usize; 2],
) -> Result<()> {
    if !texture.usage().contains(usage) {
        return Err(Error::parameter(op, "texture usage", texture.usage(), format!("it needs {usage:?}")));
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

/// The dispatch of a step on what it reads and what it writes.
async fn bind(
    engine: &Engine,
    op: &'static str,
    pipeline: &Pipeline,
    step: &Step,
    resources: [wgpu::BindingResource<'_>; 2],
) -> Result<Binding> {
    let device = engine.device();
    let during = || format!("writing the parameters of {op}");
    let usage = wgpu::BufferUsages::UNIFORM;
    let uniform = filled(device, "wgpool parameters", &step.params, usage, during).await?;
    let [read, written] = resources;
    let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
    let group = scoped(
        device,
        || format!("binding {op}"),
        || {
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("wgpool"),
                layout: &pipeline.layout,
                entries: &[entry(0, uniform.as_entire_binding()), entry(1, read), entry(2, written)],
            })
        },
    )
    .await?;
    Ok(Binding::single(pipeline.pipeline.clone(), group, step.grid))
}
