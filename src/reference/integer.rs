//! Integer convolution by its definition; every element is exact.

use super::Exact;
use crate::geometry::{positions, taps_inside};
use crate::problem::{IntegerWork, RequantizeWork};

/// Zero points, scales and bias as [`ConvInteger`](crate::ConvInteger) orders them.
pub(super) fn integer(work: &IntegerWork, x: &[f64], w: &[f64], rest: &[Vec<f64>], y: &mut Exact) {
    let conv = &work.conv;
    let of = |tensor: usize, o: usize, each: bool| rest[tensor][if each { o } else { 0 }];
    for n in 0..conv.batch {
        for o in 0..conv.out_channels() {
            let zeros = [of(0, 0, false), of(1, o, work.zero_each)];
            for at in positions(conv.axes.map(|a| a.output)) {
                let sum = sum(work, [x, w], zeros, (n, o), at);
                y.values[conv.output.at(n, o, at)] = match &work.requantize {
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

/// The sum of one output, at the length where 32 bits wrap.
fn sum(
    work: &IntegerWork,
    [x, w]: [&[f64]; 2],
    [x_zero, w_zero]: [f64; 2],
    (n, o): (usize, usize),
    out: [usize; 3],
) -> i32 {
    let conv = &work.conv;
    let mut sum = 0i64;
    taps_inside(&conv.axes, out).for_each(|(tap, at)| {
        for i in 0..conv.group_in {
            let c = o / conv.group_out * conv.group_in + i;
            let a = x[conv.input.at(n, c, at)] - x_zero;
            let b = w[conv.kernel.at(o, i, tap)] - w_zero;
            sum += a as i64 * b as i64;
        }
    });
    sum as i32
}

/// The product is that of 32-bit floats by definition; the rest is exact.
fn requantized(work: &RequantizeWork, sum: i32, scale: f32) -> f64 {
    let (least, most) = work.range();
    let rounded = f64::from((sum as f32 * scale).round_ties_even());
    (rounded + f64::from(work.zero)).clamp(least.into(), most.into())
}
