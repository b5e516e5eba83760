//! The gradient of a kernel by its definition.

use crate::error::Result;
use crate::geometry::positions;
use crate::memory;
use crate::problem::WeightsWork;
use crate::reference::Exact;
use crate::reference::tolerance::SUM;

/// `x` is what windows slide over, `g` has an element for each window.
pub(super) fn weights(work: &WeightsWork, x: &[f64], g: &[f64], y: &mut Exact) -> Result<()> {
    let conv = &work.conv;
    for o in 0..conv.out_channels() {
        let first = o / conv.group_out * conv.group_in;
        for i in 0..conv.group_in {
            for tap in positions(conv.axes.map(|a| a.kernel)) {
                let (mut sum, mut magnitude, mut or_nan) = (0.0, 0.0, false);
                for n in 0..conv.batch {
                    for window in positions(conv.axes.map(|a| a.output)) {
                        let at = [0, 1, 2].map(|k| conv.axes[k].position(window[k], tap[k]));
                        let g = g[conv.output.at(n, o, window)];
                        let [Some(d), Some(h), Some(w)] = at else {
                            // Frameworks, and products of matrices, multiply it by the padding's zero.
                            or_nan |= !g.is_finite();
                            continue;
                        };
                        let product = x[conv.input.at(n, first + i, [d, h, w])] * g;
                        sum += product;
                        magnitude += product.abs();
                    }
                }
                let at = conv.kernel.at(o, i, tap);
                (y.values[at], y.bound[at]) = (sum, SUM * magnitude);
                if or_nan {
                    memory::resize(&mut y.or_nan, y.values.len(), false)?;
                    y.or_nan[at] = true;
                }
            }
        }
    }
    Ok(())
}
