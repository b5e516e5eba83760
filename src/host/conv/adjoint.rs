//! Transposed convolution tap by tap, each only where it lies inside the output: the slow way, for kernels that lie outside
//! it for the most part.

use crate::error::Result;
use crate::host::activation::apply;
use crate::host::output::{WORTH_SHARING, fill, try_fill};
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// The axes of `work` are those of the convolution whose adjoint this is: their input is our output.
pub(super) fn transposed(work: &ConvWork, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Result<Vec<f32>> {
    let channels = work.out_channels();
    let plane: usize = work.axes.iter().map(|a| a.input).product();
    let batch = WORTH_SHARING.div_ceil(plane.max(work.pixels() * work.group_in));
    let y = try_fill(work.batch * channels * plane, plane, batch, |i, out: &mut [f32]| {
        let (n, o) = (i / channels, i % channels);
        let mut sums = memory::filled(bias.map_or(0.0, |b| f64::from(b[o])), plane)?;
        add(work, x, w, [n, o], &mut sums);
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
        apply(work.activation, out);
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
    let ([a0, a1, a2], ks) = (&work.axes, work.kernel);
    let first = o / work.group_out * work.group_in;
    // The kernel's input channels are those of all groups.
    let kernel = o % work.group_out * ks.o + first * ks.i;
    for i0 in 0..a0.output {
        for i1 in 0..a1.output {
            for i2 in 0..a2.output {
                let from = work.input.at(n, first, [i0, i1, i2]);
                for t0 in a0.taps_inside(i0) {
                    for t1 in a1.taps_inside(i1) {
                        for t2 in a2.taps_inside(i2) {
                            let at = (a0.position(i0, t0), a1.position(i1, t1), a2.position(i2, t2));
                            let (Some(d), Some(h), Some(q)) = at else { continue };
                            let tap = kernel + t0 * ks.space[0] + t1 * ks.space[1] + t2 * ks.space[2];
                            let products = (0..work.group_in).map(|c| {
                                f64::from(x[from + c * work.input.c]) * f64::from(w[tap + c * ks.i])
                            });
                            sums[(d * a1.input + h) * a2.input + q] += products.sum::<f64>();
                        }
                    }
                }
            }
        }
    }
}
