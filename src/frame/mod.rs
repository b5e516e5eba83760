//! From pixels to a tensor on the GPU, and back: a camera's frame never visits the CPU.
//!
//! [`FrameToTensor`] takes a crop of a texture or of a packed buffer of bytes to an image of a batch: resized,
//! normalized, in the layout and type that a network wants. [`TensorToFrame`] shows a channel of a tensor, or its
//! class map, in a texture through a [`ColorMap`].
//!
//! Both go the way of every operation: a spec, a pure plan, a prepared pipeline, a binding that records into the
//! app's own compute pass.
//!
//! ```
//! use wgpool::frame::{ColorMap, Crop, FrameChannels, FramePlan, FrameToTensor, OverlayPlan, TensorToFrame};
//! use wgpool::{Caps, Layout};
//! // The middle square of a 640x480 camera, as a 224x224 image in the order of PyTorch, normalized as ImageNet's.
//! let spec = FrameToTensor::from_texture(640, 480)
//!     .crop(Crop { x: 80, y: 0, width: 480, height: 480 })
//!     .size(224, 224)
//!     .mean([0.485, 0.456, 0.406])
//!     .scale([1.0 / 0.229, 1.0 / 0.224, 1.0 / 0.225]);
//! let plan = FramePlan::new(&spec, &Caps::default())?;
//! assert_eq!(plan.output().shape, [1, 3, 224, 224]);
//!
//! // What the tensor's first channel holds, four times as large.
//! let overlay = TensorToFrame::channel(plan.output().clone(), 0)
//!     .range(-2.0, 2.0)
//!     .colors(ColorMap::viridis())
//!     .size(896, 896);
//! OverlayPlan::new(&overlay, &Caps::default())?;
//! # Ok::<(), wgpool::Error>(())
//! ```

mod bind;
mod color_map;
mod overlay_plan;
mod read_plan;
pub mod reference;
mod to_frame;
mod to_tensor;

pub use bind::{PreparedFrame, PreparedOverlay};
pub use color_map::ColorMap;
pub use overlay_plan::OverlayPlan;
pub use read_plan::FramePlan;
pub use to_frame::{Shown, TensorToFrame};
pub use to_tensor::{Crop, FrameChannels, FrameSource, FrameToTensor};

use crate::error::{Error, Result};

/// Refuses lengths whose positions, in halves of an output pixel, do not fit a shader's 32 bits.
fn check_positions(op: &'static str, input: usize, output: usize) -> Result<()> {
    let fits =
        input.checked_mul(output).and_then(|n| n.checked_mul(2)).is_some_and(|n| n <= u32::MAX as usize);
    match fits {
        true => Ok(()),
        false => Err(Error::too_large(
            "resize",
            format!("{op}: {input} pixels to {output}"),
            "twice their product must fit 32 bits",
        )),
    }
}
