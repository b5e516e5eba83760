//! Convolution, its adjoint and dense layers, all in 32-bit floats.

mod adjoint;
mod channels;
mod channels_last;
mod dense;
mod depthwise;
mod direct;
pub(super) mod gemm;
mod grid;
mod lane_tiles;
mod lanes;
mod micro;
mod packed;
mod padded;
mod planes;
mod shares;
mod transposed;
mod view;
mod windows;
pub(super) mod winograd;

use rayon::prelude::*;

pub(super) use self::grid::Tile;
pub(super) use self::packed::Packed;
pub(super) use self::padded::Padded;
pub(super) use self::planes::{Planes, Scratch, Target};
pub(super) use self::transposed::transposed;
use super::output::WORTH_SHARING;
use crate::error::Result;
use crate::geometry::positions;
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Layout;

/// Weights in the order in which a convolution's loops read them.
#[derive(Clone, Debug)]
pub(super) enum Weights {
    /// For [`planes`].
    Packed(Packed),
    /// For [`channels_last`].
    ChannelsLast(Packed),
    /// For [`winograd`].
    Transformed(winograd::Weights),
}

/// The most output channels of a group for which loops over single planes beat a matrix product.
const DEPTHWISE_OUT: usize = 4;

/// Computes a convolution; `packed` is what [`pack`] made of its weights, without which it is slow but for loops over planes.
pub(super) fn conv(
    work: &ConvWork,
    x: &[f32],
    w: &[f32],
    epilogue: Epilogue<f32>,
    packed: Option<&Weights>,
) -> Result<Vec<f32>> {
    match packed {
        Some(Weights::Packed(weights)) => return planes::conv(work, x, weights, epilogue),
        Some(Weights::ChannelsLast(weights)) => return channels_last::conv(work, x, weights, epilogue),
        Some(Weights::Transformed(weights)) => return winograd::conv(work, None, [x, w], epilogue, weights),
        None => {}
    }
    if epilogue.residual.is_some() {
        let mut y = conv(&work.without_residual(), x, w, epilogue.without_residual(), None)?;
        epilogue.finish(&mut y, work.output.c);
        return Ok(y);
    }
    if let Some(plan) = dense::plan(work) {
        return dense::dense(work, plan, x, w, epilogue);
    }
    // Weights are not packed for a convolution of which this may be a part.
    if !work.little_outside() || !loops_over_planes(work) {
        return direct::conv(work, x, w, epilogue);
    }
    match work.layout {
        Layout::Nchw => depthwise::planes(work, x, w, epilogue),
        Layout::Nhwc => depthwise::pixels(work, &Padded::new(work, x)?, w, epilogue),
    }
}

/// The weights as [`planes`] or [`winograd`] reads them, if that is how the convolution is computed; `kept` says
/// whether they are packed once for many runs.
pub(super) fn pack(work: &ConvWork, w: &[f32], kept: bool) -> Result<Option<Weights>> {
    let first = work.layout == Layout::Nchw;
    let other = loops_over_planes(work) || dense::plan(work).is_some() || !work.little_outside();
    // A weight that is no number stays out of what its taps do not reach.
    if other || !all_finite(w) {
        return Ok(None);
    }
    if !first {
        return Ok(Some(Weights::ChannelsLast(Packed::new(work, w)?)));
    }
    if let Some(form) = winograd::choose(work, kept) {
        return Ok(Some(Weights::Transformed(winograd::Weights::new(work, form, w)?)));
    }
    Ok(Some(Weights::Packed(Packed::new(work, w)?)))
}

/// Whether loops over single planes take it.
fn loops_over_planes(work: &ConvWork) -> bool {
    let most = if work.layout == Layout::Nchw { DEPTHWISE_OUT } else { 1 };
    work.group_in == 1 && work.group_out <= most
}

fn all_finite(w: &[f32]) -> bool {
    // The exponent's bits are all ones in infinities and NaN alone.
    const EXPONENT: u32 = 0x7f80_0000;
    w.par_chunks(WORTH_SHARING)
        .all(|w| w.iter().fold(true, |all, v| all & (v.to_bits() & EXPONENT != EXPONENT)))
}

/// Offsets of all taps of a window, in row-major order, for the given distance between taps on each axis.
fn tap_offsets(work: &ConvWork, steps: [usize; 3]) -> Result<Vec<usize>> {
    let mut offsets = memory::room(work.taps())?;
    let taps = positions(work.axes.map(|a| a.kernel));
    offsets.extend(taps.map(|[d, h, w]| d * steps[0] + h * steps[1] + w * steps[2]));
    Ok(offsets)
}

/// Where the kernel's taps lie, in row-major order.
fn kernel_taps(work: &ConvWork) -> Result<Vec<usize>> {
    tap_offsets(work, work.kernel.space)
}

/// Place `[d, h, w]` of output pixel `p` of an image.
fn pixel(work: &ConvWork, p: usize) -> [usize; 3] {
    let [_, h, w] = work.axes.map(|a| a.output);
    [p / (h * w), p / w % h, p % w]
}
