//! Convolution, its adjoint and dense layers, all in 32-bit floats.

mod dense;
mod depthwise;
mod direct;
mod gather;
mod gemm;
mod grid;
mod micro;
mod packed;
mod padded;
mod planes;
mod tiles;
mod transposed;
mod view;
mod weights;

use rayon::prelude::*;

use self::grid::Grid;
use self::packed::Packed;
use self::padded::Padded;
use self::planes::{Planes, Target, Tile, with_scratch};
pub(super) use self::transposed::transposed;
use self::view::View;
use super::output::{Scattered, WORTH_SHARING};
use crate::error::Result;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// The output channels of a group from which on a matrix product beats loops over single planes.
const DEPTHWISE_OUT: usize = 4;

pub(super) fn conv(work: &ConvWork, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Result<Vec<f32>> {
    // Padding is multiplied like any other zero, which is right only if no weight is infinite or NaN: the
    // definition skips taps outside the input.
    let pads = Padded::needed(work);
    if pads && !all_finite(w) {
        direct::conv(work, x, w, bias)
    } else if let Some(plan) = dense::plan(work) {
        dense::dense(work, plan, x, w, bias)
    } else {
        if work.layout == Layout::Nchw && !(work.group_in == 1 && work.group_out <= DEPTHWISE_OUT) {
            return blocks(work, pads, x, &Packed::new(work, w)?, bias);
        }
        let image = Padded::new(work, x)?;
        match work.layout {
            Layout::Nchw if work.group_in == 1 && work.group_out <= DEPTHWISE_OUT => {
                depthwise::planes(work, &image, w, bias)
            }
            Layout::Nhwc if work.group_in == 1 && work.group_out == 1 => {
                depthwise::pixels(work, &image, w, bias)
            }
            _ => tiles::conv(work, &image, w, bias),
        }
    }
}

/// Channels first.
fn blocks(
    work: &ConvWork,
    pads: bool,
    x: &[f32],
    weights: &Packed,
    bias: Option<&[f32]>,
) -> Result<Vec<f32>> {
    let out = Scattered::new(work.batch * work.output.n)?;
    let grid = Grid::new(work, weights);
    let unit = view::unit(work);
    let positions = grid.tiles.iter().map(|t| t.pixels.end.div_ceil(unit) - t.pixels.start / unit).max();
    let planes = Planes { work, weights, bias, x, view: View::new(work, pads, positions.unwrap_or(1)) };
    let target = Target { out: &out, image: work.output.n, channel: work.output.c, origin: 0 };
    let task = |tile: &Tile| with_scratch(|scratch| planes.tile(scratch, tile, target));
    if grid.shared {
        grid.tiles.par_iter().for_each(task);
    } else {
        grid.tiles.iter().for_each(task);
    }
    // SAFETY: the tiles cover all channels of all pixels.
    Ok(unsafe { out.finish() })
}

fn all_finite(w: &[f32]) -> bool {
    // The exponent's bits are all ones in infinities and NaN alone.
    const EXPONENT: u32 = 0x7f80_0000;
    w.par_chunks(WORTH_SHARING)
        .all(|w| w.iter().fold(true, |all, v| all & (v.to_bits() & EXPONENT != EXPONENT)))
}

/// Offsets of all taps of a window, in row-major order, for the given distance between taps on each axis.
fn tap_offsets(work: &ConvWork, steps: [usize; 3]) -> Vec<usize> {
    let [d, h, w] = work.axes.map(|a| a.kernel);
    let mut offsets = Vec::with_capacity(d * h * w);
    for td in 0..d {
        for th in 0..h {
            offsets.extend((0..w).map(|tw| td * steps[0] + th * steps[1] + tw * steps[2]));
        }
    }
    offsets
}

/// Where the kernel's taps lie, in row-major order.
fn kernel_taps(work: &ConvWork) -> Vec<usize> {
    tap_offsets(work, work.kernel.space)
}

/// Place `[d, h, w]` of output pixel `p` of an image.
fn pixel(work: &ConvWork, p: usize) -> [usize; 3] {
    let [_, h, w] = work.axes.map(|a| a.output);
    [p / (h * w), p / w % h, p % w]
}
