//! Transposed convolution tap by tap, each only where it lies inside the output: the slow way, for kernels that lie outside
//! it for the most part.

use crate::error::Result;
use crate::geometry::{positions, taps_inside};
use crate::host::output::{WORTH_SHARING, fill, try_fill};
use crate::memory;
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Layout;

/// The axes of `work` are those of the convolution whose adjoint this is: their input is our output.
pub(super) fn transposed(work: &ConvWork, x: &[f32], w: &[f32], epilogue: Epilogue<f32>) -> Result<Vec<f32>> {
    let channels = work.out_channels();
    let plane: usize = work.axes.iter().map(|a| a.input).product();
    let batch = WORTH_SHARING.div_ceil(plane.max(work.pixels() * work.group_in));
    let y = try_fill(work.batch * channels * plane, plane, batch, |i, out: &mut [f32]| {
        let (n, o) = (i / channels, i % channels);
        let mut sums = memory::filled(f64::from(epilogue.bias_of(o)), plane)?;
        add(work, x, w, [n, o], &mut sums);
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
        epilogue.activate(out, o, [1, plane]);
        Ok(())
    })?;
    if work.layout == Layout::Nchw {
        return Ok(y);
    }
    fill(y.len(), channels, WORTH_SHARING.div_ceil(channels), |i, out: &mut [f32]| {
        let first = i / plane * channels * plane + i % plane;
        out.iter_mut().zip(y[first..].iter().step_by(plane)).for_each(|(out, y)| *out = *y);
    })
}

/// Adds the products of a plane: those of each element of the input with the taps that it has inside.
fn add(work: &ConvWork, x: &[f32], w: &[f32], [n, o]: [usize; 2], sums: &mut [f64]) {
    let [_, height, width] = work.axes.map(|a| a.input);
    let first = o / work.group_out * work.group_in;
    for input in positions(work.axes.map(|a| a.output)) {
        let from = work.input.at(n, first, input);
        taps_inside(&work.axes, input).for_each(|(tap, [d, h, column])| {
            // The kernel's input channels are those of all groups.
            let tap = work.kernel.at(o % work.group_out, first, tap);
            let products = (0..work.group_in)
                .map(|c| f64::from(x[from + c * work.input.c]) * f64::from(w[tap + c * work.kernel.i]));
            sums[(d * height + h) * width + column] += products.sum::<f64>();
        });
    }
}
