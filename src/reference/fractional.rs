//! Fractional max pooling by its definition.

use super::Exact;
use super::pool::{has_no_subnormals, maximum};
use crate::error::Result;
use crate::geometry::positions;
use crate::problem::FractionalWork;

pub(super) fn fractional(
    work: &FractionalWork,
    x: &[f64],
    samples: &[f64],
    y: &mut Exact,
    mut indices: Option<&mut Exact>,
) -> Result<()> {
    let pool = &work.pool;
    let [outputs, taps] = [work.axes.map(|a| a.output), work.axes.map(|a| a.kernel)];
    for n in 0..pool.batch {
        for c in 0..pool.channels {
            let plane = (n * pool.channels + c) * work.samples;
            for o in positions(outputs) {
                let [d, h, w] = work.starts(o, |i| samples[plane + i] as f32);
                let window = positions(taps).map(|[td, th, tw]| [d + td, h + th, w + tw]);
                let value = |&p: &[usize; 3]| x[pool.input.at(n, c, p)];
                let (max, position) = maximum(window.clone(), value, pool.dtype);
                let signed_zero = max == 0.0 && has_no_subnormals(pool.dtype, window, value);
                let at = pool.output.at(n, c, o);
                y.values[at] = max;
                if signed_zero {
                    y.mark_signed_zero(at)?;
                }
                if let (Some(indices), Some(numbering)) = (indices.as_deref_mut(), pool.indices) {
                    indices.values[at] = position.map_or(-1.0, |p| pool.index(numbering, n, c, p) as f64);
                }
            }
        }
    }
    Ok(())
}
