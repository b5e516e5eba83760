//! Convolution by its definition.

use super::Exact;
use super::activation::{activate, activation_bound};
use super::tile;
use super::tolerance::SUM;
use crate::problem::ConvWork;

pub(super) fn conv(work: &ConvWork, x: &[f64], w: &[f64], bias: Option<&[f64]>, y: &mut Exact) {
    let [ad, ah, aw] = work.axes;
    for n in 0..work.batch {
        for o in 0..work.out_channels() {
            for od in 0..ad.output {
                for oh in 0..ah.output {
                    for ow in 0..aw.output {
                        let at = work.output.at(n, o, [od, oh, ow]);
                        (y.values[at], y.bound[at]) = sum(work, [x, w], bias, (n, o), [od, oh, ow]);
                    }
                }
            }
        }
    }
    if work.by_tiles() {
        tile::widen(work, x, w, bias, y);
    }
    for (value, bound) in y.values.iter_mut().zip(&mut y.bound) {
        (*value, *bound) = activated(work, (*value, *bound));
    }
}

/// Output channel `o` of image `n` at one position, and its bound before it is stored.
pub(super) fn element(
    work: &ConvWork,
    xw: [&[f64]; 2],
    bias: Option<&[f64]>,
    channel: (usize, usize),
    at: [usize; 3],
) -> (f64, f64) {
    let (sum, bound) = sum(work, xw, bias, channel, at);
    let bound = match work.by_tiles() {
        true => tile::element(work, xw, bias, channel, [at[1], at[2]], bound),
        false => bound,
    };
    activated(work, (sum, bound))
}

fn activated(work: &ConvWork, (sum, bound): (f64, f64)) -> (f64, f64) {
    (activate(work.activation, sum), activation_bound(work.activation, sum, bound))
}

/// The sum before its activation, and its bound from its own window.
fn sum(
    work: &ConvWork,
    [x, w]: [&[f64]; 2],
    bias: Option<&[f64]>,
    (n, o): (usize, usize),
    [od, oh, ow]: [usize; 3],
) -> (f64, f64) {
    let [ad, ah, aw] = work.axes;
    let ks = work.kernel;
    let group = o / work.group_out;
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
    (sum, SUM * magnitude)
}

/// Transposed convolution: every input element is added, times the kernel, to the outputs that the convolution with
/// `work.axes` would read for it.
pub(super) fn transposed(work: &ConvWork, x: &[f64], w: &[f64], bias: Option<&[f64]>, y: &mut Exact) {
    let [ad, ah, aw] = work.axes;
    let ks = work.kernel;
    let pixels = ad.input * ah.input * aw.input;
    for n in 0..work.batch {
        for o in 0..work.out_channels() {
            let group = o / work.group_out;
            let mut sums = vec![bias.map_or(0.0, |b| b[o]); pixels];
            let mut magnitudes: Vec<f64> = sums.iter().map(|s| s.abs()).collect();
            for id in 0..ad.output {
                for ih in 0..ah.output {
                    for iw in 0..aw.output {
                        for td in 0..ad.kernel {
                            for th in 0..ah.kernel {
                                for tw in 0..aw.kernel {
                                    let (Some(d), Some(h), Some(w_at)) =
                                        (ad.position(id, td), ah.position(ih, th), aw.position(iw, tw))
                                    else {
                                        continue;
                                    };
                                    let at = (d * ah.input + h) * aw.input + w_at;
                                    let tap = td * ks.space[0] + th * ks.space[1] + tw * ks.space[2];
                                    for i in 0..work.group_in {
                                        let c = group * work.group_in + i;
                                        let a = x[work.input.at(n, c, [id, ih, iw])];
                                        // The kernel's first channels are the input's: those of all groups.
                                        let b = w[(o % work.group_out) * ks.o + c * ks.i + tap];
                                        sums[at] += a * b;
                                        magnitudes[at] += (a * b).abs();
                                    }
                                }
                            }
                        }
                    }
                }
            }
            for (at, (sum, magnitude)) in sums.into_iter().zip(magnitudes).enumerate() {
                let position = [at / aw.input / ah.input, at / aw.input % ah.input, at % aw.input];
                let to = work.output.at(n, o, position);
                y.values[to] = activate(work.activation, sum);
                y.bound[to] = activation_bound(work.activation, sum, SUM * magnitude);
            }
        }
    }
}
