//! The gradient of a kernel by its definition.

use super::tap_of;
use crate::error::Result;
use crate::geometry::positions;
use crate::host::output::{WORTH_SHARING, try_fill};
use crate::memory;
use crate::problem::ConvWork;

/// Weight by weight, from the windows that have its tap inside alone: the slow way, for windows that lie outside for the most
/// part.
pub(super) fn direct(conv: &ConvWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let taps = conv.taps();
    let mut y = memory::filled(0f32, conv.out_channels() * conv.group_in * taps)?;
    let batch = WORTH_SHARING.div_ceil(conv.batch * conv.pixels() + 1);
    let sums = try_fill(y.len(), 1, batch, |at, out: &mut [f32]| {
        let (o, i) = (at / taps / conv.group_in, at / taps % conv.group_in);
        let tap = tap_of(conv, at % taps);
        let channel = o / conv.group_out * conv.group_in + i;
        let [d, h, w] = [0, 1, 2].map(|k| conv.axes[k].windows_of(tap[k]));
        let mut sum = 0f64;
        for n in 0..conv.batch {
            positions([d.len(), h.len(), w.len()]).for_each(|[id, ih, iw]| {
                let window = [d.start + id, h.start + ih, w.start + iw];
                let [Some(pd), Some(ph), Some(pw)] =
                    [0, 1, 2].map(|k| conv.axes[k].position(window[k], tap[k]))
                else {
                    return;
                };
                let product = f64::from(x[conv.input.at(n, channel, [pd, ph, pw])])
                    * f64::from(g[conv.output.at(n, o, window)]);
                sum += product;
            });
        }
        out.fill(sum as f32);
        Ok(())
    })?;
    for (at, sum) in sums.into_iter().enumerate() {
        let (o, i) = (at / taps / conv.group_in, at / taps % conv.group_in);
        y[conv.kernel.at(o, i, tap_of(conv, at % taps))] = sum;
    }
    Ok(y)
}
