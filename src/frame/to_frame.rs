//! What is shown of a tensor.

use super::ColorMap;
use crate::spec::Layout;
use crate::spec::setters::setters;
use crate::tensor::TensorDesc;

/// Which value of each position is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shown {
    /// A channel, counted from 0.
    Channel(usize),
    /// The number of the channel with the largest value, the first of equal ones; NaN if any channel is NaN.
    Classes,
}

/// An image of a batch as a picture: a channel, or the class of each position, through a colour map.
///
/// A value `v` takes the entry `round(255 * clamp((v - low) / (high - low), 0, 1))` of the map, halves upwards; a NaN
/// takes a colour of its own. The picture is an `Rgba8Unorm` texture of any size, and the pixel `(x, y)` of it shows the
/// element that its centre lies in: column `floor((x + 0.5) * W / width)`, and rows likewise (PyTorch's
/// `interpolate(mode="nearest-exact")`).
///
/// ```
/// use wgpool::frame::{OverlayPlan, TensorToFrame};
/// use wgpool::{Caps, Choice, Engine, Tensor, TensorDesc};
/// # let (device, queue) = wgpool::engine::open_device(&Choice::Gpu)
/// #     .or_else(|_| wgpool::engine::open_device(&Choice::Software))?;
/// let engine = Engine::from_device(&device, &queue);
/// let scores = Tensor::from_f32(&[1, 2, 1, 2], vec![0.9, 0.2, 0.1, 0.8])?;
/// let spec = TensorToFrame::classes(scores.desc()).size(8, 4);
/// let overlay = engine.prepare_overlay(&OverlayPlan::new(&spec, engine.caps())?)?;
/// let texture = device.create_texture(&wgpu::TextureDescriptor {
///     label: None,
///     size: wgpu::Extent3d { width: 8, height: 4, depth_or_array_layers: 1 },
///     mip_level_count: 1,
///     sample_count: 1,
///     dimension: wgpu::TextureDimension::D2,
///     format: wgpu::TextureFormat::Rgba8Unorm,
///     usage: wgpu::TextureUsages::STORAGE_BINDING,
///     view_formats: &[],
/// });
/// let scores = engine.upload("scores", &scores)?;
/// let binding = overlay.bind(scores.slice(..), &texture.create_view(&Default::default()))?;
/// let mut encoder = device.create_command_encoder(&Default::default());
/// binding.encode(&mut encoder.begin_compute_pass(&Default::default()));
/// queue.submit([encoder.finish()]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorToFrame {
    /// The tensor, of floats: batch, channels, height and width in the order of `layout`.
    pub tensor: TensorDesc,
    /// Memory order of the tensor.
    pub layout: Layout,
    /// The image of the batch.
    pub image: usize,
    /// Which value of each position.
    pub shown: Shown,
    /// The value of the map's first and last colour. `None` takes 0 to 1 for a channel, and for classes 0 to the number
    /// of the last; `Some((0.0, 255.0))` gives each class the entry of its number.
    pub range: Option<(f32, f32)>,
    /// The colours.
    pub colors: ColorMap,
    /// The colour of NaN, RGBA.
    pub nan: [u8; 4],
    /// The picture's width and height; `None` takes the tensor's.
    pub size: Option<(usize, usize)>,
}

impl TensorToFrame {
    /// A channel of the first image: values from 0 to 1 in grey, NaN in magenta, NCHW, in the tensor's own size.
    pub fn channel(tensor: TensorDesc, channel: usize) -> Self {
        TensorToFrame {
            tensor,
            layout: Layout::Nchw,
            image: 0,
            shown: Shown::Channel(channel),
            range: None,
            colors: ColorMap::gray(),
            nan: [255, 0, 255, 255],
            size: None,
        }
    }

    /// The classes of the first image, from the map's first colour to its last: viridis, NaN in magenta, NCHW, in the
    /// tensor's own size.
    pub fn classes(tensor: TensorDesc) -> Self {
        Self { shown: Shown::Classes, colors: ColorMap::viridis(), ..Self::channel(tensor, 0) }
    }

    /// Sets the values of the map's first and last colour.
    pub fn range(self, low: f32, high: f32) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Sets the picture's width and height.
    pub fn size(self, width: usize, height: usize) -> Self {
        Self { size: Some((width, height)), ..self }
    }

    setters! {
        /// Sets the tensor's memory order.
        layout: Layout,
        /// Sets the image of the batch.
        image: usize,
        /// Sets the colours.
        colors: ColorMap,
        /// Sets the colour of NaN, RGBA.
        nan: [u8; 4],
    }
}
