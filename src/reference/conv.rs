//! Convolution by its definition.

use super::Exact;
use super::activation::{activate, activation_bound};
use super::tolerance::SUM;
use crate::problem::ConvWork;

pub(super) fn conv(work: &ConvWork, x: &[f64], w: &[f64], bias: Option<&[f64]>, y: &mut Exact) {
    let [ad, ah, aw] = work.axes;
    let ks = work.kernel;
    for n in 0..work.batch {
        for o in 0..work.out_channels() {
            let group = o / work.group_out;
            for od in 0..ad.output {
                for oh in 0..ah.output {
                    for ow in 0..aw.output {
                        let mut sum = bias.map_or(0.0, |b| b[o]);
                        let mut magnitude = sum.abs();
                        for td in 0..ad.kernel {
                            for th in 0..ah.kernel {
                                for tw in 0..aw.kernel {
                                    let (Some(d), Some(h), Some(w_at)) =
                                        (ad.position(od, td), ah.position(oh, th), aw.position(ow, tw))
                                    else {
                                        continue;
                                    };
                                    for i in 0..work.group_in {
                                        let c = group * work.group_in + i;
                                        let a = x[work.input.at(n, c, [d, h, w_at])];
                                        let tap = td * ks.space[0] + th * ks.space[1] + tw * ks.space[2];
                                        let b = w[o * ks.o + i * ks.i + tap];
                                        sum += a * b;
                                        magnitude += (a * b).abs();
                                    }
                                }
                            }
                        }
                        let at = work.output.at(n, o, [od, oh, ow]);
                        y.values[at] = activate(work.activation, sum);
                        y.bound[at] = activation_bound(work.activation, sum, SUM * magnitude);
                    }
                }
            }
        }
    }
}
