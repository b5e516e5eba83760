//! Convolution tap by tap, each only where it lies inside the input: the slow way, for windows that lie outside it for the
//! most part, and for single outputs.

use crate::error::Result;
use crate::geometry::taps_inside;
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::{ConvWork, Epilogue};
use crate::spec::Layout;

pub(super) fn conv(work: &ConvWork, x: &[f32], w: &[f32], epilogue: Epilogue<f32>) -> Result<Vec<f32>> {
    let len = work.batch * work.out_channels() * work.pixels();
    // One chunk is a row of pixels in one channel, or with all channels.
    let width = work.axes[2].output;
    let (channels, inner) = match work.layout {
        Layout::Nchw => (work.out_channels(), 1),
        Layout::Nhwc => (1, work.out_channels()),
    };
    let [_, height, _] = work.axes.map(|a| a.output);
    let depth = work.axes[0].output;
    let batch = WORTH_SHARING.div_ceil(width * inner * work.group_in);
    fill(len, width * inner, batch, |i, out: &mut [f32]| {
        let (oh, od) = (i % height, i / height % depth);
        let (c, n) = (i / (height * depth) % channels, i / (height * depth * channels));
        for (ow, out) in out.chunks_exact_mut(inner).enumerate() {
            for (o, out) in (c..).zip(out) {
                let start = f64::from(epilogue.bias_of(o));
                *out = (start + element(work, x, w, n, o, [od, oh, ow])) as f32;
            }
        }
        epilogue.activate(out, c, [inner, if inner == 1 { width } else { 1 }]);
    })
}

/// The sum of one output's products, without bias.
pub(super) fn element(work: &ConvWork, x: &[f32], w: &[f32], n: usize, o: usize, at: [usize; 3]) -> f64 {
    let first = o / work.group_out * work.group_in;
    let mut sum = 0.0;
    taps_inside(&work.axes, at).for_each(|(tap, place)| {
        let (from, tap) = (work.input.at(n, first, place), work.kernel.at(o, 0, tap));
        sum += (0..work.group_in)
            .map(|i| f64::from(x[from + i * work.input.c]) * f64::from(w[tap + i * work.kernel.i]))
            .sum::<f64>();
    });
    sum
}
