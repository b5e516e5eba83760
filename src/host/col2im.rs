//! Windows added up to images, plane by plane in 64-bit floats.

use super::element;
use super::output::{WORTH_SHARING, try_fill};
use crate::error::Result;
use crate::geometry::positions;
use crate::memory;
use crate::problem::Col2ImWork;
use crate::tensor::{Data, Tensor};

pub(super) fn col2im(work: &Col2ImWork, x: &Tensor) -> Result<Data> {
    let x = element::floats(x)?;
    let [ad, ah, aw] = &work.axes;
    let (columns, pixels) = (work.taps() * work.windows(), work.pixels());
    let y =
        try_fill(work.planes * pixels, pixels, WORTH_SHARING.div_ceil(columns), |plane, out: &mut [f32]| {
            let mut sums = memory::filled(0f64, pixels)?;
            let windows = x[plane * columns..][..columns].chunks_exact(work.windows());
            for ([td, th, tw], windows) in positions(work.axes.map(|a| a.kernel)).zip(windows) {
                let inside = aw.windows_of(tw);
                let rows = windows.chunks_exact(aw.output);
                for ([od, oh, _], row) in positions([ad.output, ah.output, 1]).zip(rows) {
                    let (Some(d), Some(h)) = (ad.position(od, td), ah.position(oh, th)) else { continue };
                    let Some(first) = aw.position(inside.start, tw) else { continue };
                    let to = sums[(d * ah.input + h) * aw.input + first..].iter_mut().step_by(aw.stride);
                    for (sum, &value) in to.zip(&row[inside.clone()]) {
                        *sum += f64::from(value);
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = sum as f32;
            }
            Ok(())
        })?;
    element::stored(work.dtype, y)
}
