//! Integer convolution by its definition; every element is exact.

use super::Exact;
use crate::problem::{IntegerWork, RequantizeWork};

/// Zero points, scales and bias as [`ConvInteger`](crate::ConvInteger) orders them.
pub(super) fn integer(work: &IntegerWork, x: &[f64], w: &[f64], rest: &[Vec<f64>], y: &mut Exact) {
    let conv = &work.conv;
    let of = |tensor: usize, o: usize, each: bool| rest[tensor][if each { o } else { 0 }];
    let [ad, ah, aw] = conv.axes;
    for n in 0..conv.batch {
        for o in 0..conv.out_channels() {
            let zeros = [of(0, 0, false), of(1, o, work.zero_each)];
            for od in 0..ad.output {
                for oh in 0..ah.output {
                    for ow in 0..aw.output {
                        let sum = sum(work, [x, w], zeros, (n, o), [od, oh, ow]);
                        y.values[conv.output.at(n, o, [od, oh, ow])] = match &work.requantize {
                            None => f64::from(sum),
                            Some(requantize) => {
                                let bias = if requantize.bias { of(3, o, true) as i32 } else { 0 };
                                let scale = of(2, o, requantize.scale_each) as f32;
                                requantized(requantize, sum.wrapping_add(bias), scale)
                            }
                        };
                    }
                }
            }
        }
    }
}

/// The sum of one output, at the length where 32 bits wrap.
fn sum(
    work: &IntegerWork,
    [x, w]: [&[f64]; 2],
    [x_zero, w_zero]: [f64; 2],
    (n, o): (usize, usize),
    out: [usize; 3],
) -> i32 {
    let conv = &work.conv;
    let [ad, ah, aw] = conv.axes;
    let ks = conv.kernel;
    let mut sum = 0i64;
    for td in ad.taps_inside(out[0]) {
        for th in ah.taps_inside(out[1]) {
            for tw in aw.taps_inside(out[2]) {
                let (Some(d), Some(h), Some(w_at)) =
                    (ad.position(out[0], td), ah.position(out[1], th), aw.position(out[2], tw))
                else {
                    continue;
                };
                for i in 0..conv.group_in {
                    let c = o / conv.group_out * conv.group_in + i;
                    let tap = td * ks.space[0] + th * ks.space[1] + tw * ks.space[2];
                    let a = x[conv.input.at(n, c, [d, h, w_at])] - x_zero;
                    let b = w[o * ks.o + i * ks.i + tap] - w_zero;
                    sum += a as i64 * b as i64;
                }
            }
        }
    }
    sum as i32
}

/// The product is that of 32-bit floats by definition; the rest is exact.
fn requantized(work: &RequantizeWork, sum: i32, scale: f32) -> f64 {
    let (least, most) = work.range();
    let rounded = f64::from((sum as f32 * scale).round_ties_even());
    (rounded + f64::from(work.zero)).clamp(least.into(), most.into())
}
