//! Windows added up to images, by the definition.

use super::Exact;
use super::tolerance::SUM;
use crate::geometry::positions;
use crate::problem::Col2ImWork;

pub(super) fn col2im(work: &Col2ImWork, x: &[f64], y: &mut Exact) {
    let [ad, ah, aw] = work.axes;
    let (taps, windows, pixels) = (work.taps(), work.windows(), work.pixels());
    for plane in 0..work.planes {
        for (tap, [td, th, tw]) in positions(work.axes.map(|a| a.kernel)).enumerate() {
            for (window, [od, oh, ow]) in positions(work.axes.map(|a| a.output)).enumerate() {
                let (Some(d), Some(h), Some(w)) =
                    (ad.position(od, td), ah.position(oh, th), aw.position(ow, tw))
                else {
                    continue;
                };
                let value = x[(plane * taps + tap) * windows + window];
                let at = plane * pixels + (d * ah.input + h) * aw.input + w;
                y.values[at] += value;
                y.bound[at] += SUM * value.abs();
            }
        }
    }
}
