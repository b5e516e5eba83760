//! One output of a convolution by its definition, tap by tap.

use crate::problem::ConvWork;

/// The sum of one output's products, without bias.
pub(super) fn element(work: &ConvWork, x: &[f32], w: &[f32], n: usize, o: usize, at: [usize; 3]) -> f64 {
    let [a0, a1, a2] = &work.axes;
    let ks = work.kernel;
    let first = o / work.group_out * work.group_in;
    let mut sum = 0.0;
    for td in a0.taps_inside(at[0]) {
        for th in a1.taps_inside(at[1]) {
            for tw in a2.taps_inside(at[2]) {
                let (Some(d), Some(h), Some(q)) =
                    (a0.position(at[0], td), a1.position(at[1], th), a2.position(at[2], tw))
                else {
                    continue;
                };
                let from = work.input.at(n, first, [d, h, q]);
                let tap = o * ks.o + td * ks.space[0] + th * ks.space[1] + tw * ks.space[2];
                sum += (0..work.group_in)
                    .map(|i| f64::from(x[from + i * work.input.c]) * f64::from(w[tap + i * ks.i]))
                    .sum::<f64>();
            }
        }
    }
    sum
}
