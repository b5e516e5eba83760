//! What is read of a picture.

use std::fmt;

use crate::dtype::DType;
use crate::spec::Layout;
use crate::spec::setters::setters;

/// Where the pixels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameSource {
    /// A two-dimensional texture, such as `Rgba8Unorm`. A view of an sRGB format decodes: its values are linear.
    Texture {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
    },
    /// A buffer of bytes, row after row, pixel after pixel and channel after channel without gaps.
    ///
    /// Rows begin at any byte. The buffer must be filled up to whole 32-bit words.
    Buffer {
        /// Pixels of a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes of a pixel: 1 is grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        channels: usize,
    },
}

/// `a texture of 64 x 48`, or `a buffer of 64 x 48 x 3`.
impl fmt::Display for FrameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameSource::Texture { width, height } => write!(f, "a texture of {width} x {height}"),
            FrameSource::Buffer { width, height, channels } => {
                write!(f, "a buffer of {width} x {height} x {channels}")
            }
        }
    }
}

impl FrameSource {
    /// Width and height.
    pub fn size(&self) -> [usize; 2] {
        match *self {
            FrameSource::Texture { width, height } | FrameSource::Buffer { width, height, .. } => {
                [width, height]
            }
        }
    }

    /// Channels of a pixel.
    pub fn channels(&self) -> usize {
        match *self {
            FrameSource::Texture { .. } => 4,
            FrameSource::Buffer { channels, .. } => channels,
        }
    }
}

/// A rectangle of pixels of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crop {
    /// Columns left of it.
    pub x: usize,
    /// Rows above it.
    pub y: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
}

/// `32 x 16 at (8, 4)`.
impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} at ({}, {})", self.width, self.height, self.x, self.y)
    }
}

/// The channels of the tensor.
///
/// A source without colour has its grey as red, green and blue; one without alpha has alpha 1. Alpha is a channel like
/// the others: nothing is multiplied by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameChannels {
    /// One: `0.299 red + 0.587 green + 0.114 blue`, the weights of Rec. 601.
    Luminance,
    /// One: a channel of the source, counted from 0.
    Only(usize),
    /// Red, green and blue.
    #[default]
    Rgb,
    /// Red, green, blue and alpha.
    Rgba,
}

impl FrameChannels {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            FrameChannels::Luminance | FrameChannels::Only(_) => 1,
            FrameChannels::Rgb => 3,
            FrameChannels::Rgba => 4,
        }
    }
}

/// A crop of a picture as an image of a batch: resized bilinearly, normalized, in the tensor's layout and type.
///
/// Along each axis of a crop of `L` pixels and an output of `o`, element `i` lies at
/// `s = clamp((i + 0.5) * L / o - 0.5, 0, L - 1)` and is interpolated between the pixels `floor(s)` and `floor(s) + 1`:
/// PyTorch's `interpolate(mode="bilinear", align_corners=False, antialias=False)`. The pixels are those of the crop:
/// none outside it has a part. Making a picture much smaller so skips pixels, as PyTorch does.
///
/// Each element is `(x - mean) * scale`, where `x` is the interpolated channel from 0 to 1 (bytes are divided by 255).
///
/// The tensor is `[batch, channels, height, width]`, or `[batch, height, width, channels]` for [`Layout::Nhwc`]; only
/// the image `slot` of it is written.
///
/// ```
/// use wgpool::{Choice, Engine, Tensor, frame::{FramePlan, FrameToTensor, reference}};
/// // Two grey pixels become four, at the positions 0 (clamped from -0.25), 0.25, 0.75 and 1.
/// let spec = FrameToTensor::from_buffer(2, 1, 1).size(4, 1).channels(wgpool::FrameChannels::Only(0));
/// let plan = FramePlan::new(&spec, &wgpool::Caps::default())?;
/// let expected = reference::frame_to_tensor(&plan, &[0, 255])?;
/// assert_eq!(expected.values, [0.0, 0.25, 0.75, 1.0]);
///
/// # let (device, queue) = wgpool::engine::open_device(&Choice::Gpu)
/// #     .or_else(|_| wgpool::engine::open_device(&Choice::Software))?;
/// let engine = Engine::from_device(&device, &queue);
/// let frame = engine.upload("camera", &Tensor::new(&[1, 2, 1], wgpool::Data::U8(vec![0, 255]))?)?;
/// let tensor = engine.storage("camera", plan.output().buffer_size())?;
/// let binding = engine.prepare_frame(&plan)?.bind_buffer(frame.slice(..), tensor.slice(..))?;
/// let mut encoder = device.create_command_encoder(&Default::default());
/// binding.encode(&mut encoder.begin_compute_pass(&Default::default()));
/// queue.submit([encoder.finish()]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FrameToTensor {
    /// Where the pixels are.
    pub source: FrameSource,
    /// The part that is read.
    pub crop: Crop,
    /// Width of the tensor.
    pub width: usize,
    /// Height of the tensor.
    pub height: usize,
    /// Channels of the tensor.
    pub channels: FrameChannels,
    /// What is subtracted: of every channel, or of each.
    pub mean: Vec<f32>,
    /// What the difference is multiplied by: of every channel, or of each.
    pub scale: Vec<f32>,
    /// Memory order of the tensor.
    pub layout: Layout,
    /// Type of the tensor, which must be a float's.
    pub dtype: DType,
    /// The image that is written.
    pub slot: usize,
    /// Images of the tensor.
    pub batch: usize,
}

impl FrameToTensor {
    /// A whole texture in its own size, as RGB from 0 to 1: f32, NCHW, a batch of one.
    pub fn from_texture(width: usize, height: usize) -> Self {
        Self::new(FrameSource::Texture { width, height })
    }

    /// A whole buffer of packed bytes in its own size, as RGB from 0 to 1: f32, NCHW, a batch of one.
    pub fn from_buffer(width: usize, height: usize, channels: usize) -> Self {
        Self::new(FrameSource::Buffer { width, height, channels })
    }

    fn new(source: FrameSource) -> Self {
        let [width, height] = source.size();
        FrameToTensor {
            source,
            crop: Crop { x: 0, y: 0, width, height },
            width,
            height,
            channels: FrameChannels::Rgb,
            mean: vec![0.0],
            scale: vec![1.0],
            layout: Layout::Nchw,
            dtype: DType::F32,
            slot: 0,
            batch: 1,
        }
    }

    /// Sets the tensor's width and height.
    pub fn size(self, width: usize, height: usize) -> Self {
        Self { width, height, ..self }
    }

    /// Writes image `slot` of a tensor of `batch` images.
    pub fn slot(self, slot: usize, batch: usize) -> Self {
        Self { slot, batch, ..self }
    }

    setters! {
        /// Sets the part that is read; the tensor's size stays, so set [`FrameToTensor::size`] too.
        crop: Crop,
        /// Sets the tensor's channels.
        channels: FrameChannels,
        /// Sets what is subtracted: one number for all channels, or one for each.
        mean: [f32],
        /// Sets what the difference is multiplied by (the inverse of a standard deviation): one number for all channels,
        /// or one for each.
        scale: [f32],
        /// Sets the tensor's memory order.
        layout: Layout,
        /// Sets the tensor's type, which must be a float's.
        dtype: DType,
    }
}
