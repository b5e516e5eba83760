//! The transforms of Winograd's algorithm, for a panel of tiles side by side.

use crate::host::conv::micro::{Block, PANEL};
use crate::problem::winograd::Winograd;

/// The most points along an axis.
const POINTS: usize = 6;

/// Elements of rows that neighbouring tiles read: enough for whole vectors of the most tiles that a panel has.
pub(super) const SPAN: usize = 4 * PANEL + 8;

/// One row of the image, or of one side of a transform, for each place along an axis.
pub(super) type Rows = [[f32; SPAN]; POINTS];

/// The outputs of tiles, one row for each place in a tile of 4 by 4.
pub(super) type Outputs = [[f32; PANEL]; 16];

/// `B^T d` along an axis, for tiles of `M` outputs; of the numbers there are `M + 2`.
#[inline(always)]
fn input<const M: usize>([d0, d1, d2, d3, d4, d5]: [f32; POINTS]) -> [f32; POINTS] {
    if M == 2 {
        return [d0 - d2, d1 + d2, d2 - d1, d1 - d3, 0.0, 0.0];
    }
    let (a, b) = (d4 - 4.0 * d2, d3 - 4.0 * d1);
    let (c, d) = (d4 - d2, 2.0 * (d3 - d1));
    [4.0 * d0 - 5.0 * d2 + d4, a + b, a - b, c + d, c - d, 4.0 * d1 - 5.0 * d3 + d5]
}

/// `A^T m` along an axis.
#[inline(always)]
fn output<const M: usize>([m0, m1, m2, m3, m4, m5]: [f32; POINTS]) -> [f32; 4] {
    let (sum, difference) = (m1 + m2, m1 - m2);
    if M == 2 {
        return [m0 + sum, difference - m3, 0.0, 0.0];
    }
    let (sum_2, difference_2) = (m3 + m4, m3 - m4);
    [
        m0 + sum + sum_2,
        difference + 2.0 * difference_2,
        sum + 4.0 * sum_2,
        difference + 8.0 * difference_2 + m5,
    ]
}

/// `B^T d B` of up to [`PANEL`] neighbouring tiles, whose inputs are `rows`; `store` gets each point. `lanes` is a
/// multiple of eight: loops of a known length would be unrolled before they are made vectors of.
#[inline(always)]
pub(super) fn inputs<const M: usize>(
    rows: [&[f32; SPAN]; POINTS],
    lanes: usize,
    half: &mut Rows,
    mut store: impl FnMut(usize, &[f32; PANEL]),
) {
    let points = M + 2;
    for k in 0..(lanes * M + 8).min(SPAN) {
        let t = input::<M>(std::array::from_fn(|i| rows[i][k]));
        for p in 0..points {
            half[p][k] = t[p];
        }
    }
    for (p, row) in half.iter().enumerate().take(points) {
        // Every Mth number together first, which is a loop that compilers know how to shuffle.
        let mut parts = [[0f32; PANEL + 1]; 4];
        for l in 0..(lanes + 1).min(PANEL + 1) {
            for k in 0..M {
                parts[k][l] = row[l * M + k];
            }
        }
        let mut to = [[0f32; PANEL]; POINTS];
        for l in 0..lanes.min(PANEL) {
            let t = input::<M>(std::array::from_fn(|j| parts[j % M][l + (j / M).min(1)]));
            for q in 0..points {
                to[q][l] = t[q];
            }
        }
        for (q, to) in to.iter().enumerate().take(points) {
            store(p * points + q, to);
        }
    }
}

/// What lies between the two sides of the outputs' transform.
pub(super) type Half = [[f32; PANEL]; 4 * POINTS];

/// `A^T m A` of a panel's tiles for one of the channels in a block, with `bias`.
#[inline(always)]
pub(super) fn outputs<const M: usize>(
    m: &[Block],
    channel: usize,
    bias: f32,
    half: &mut Half,
    y: &mut Outputs,
) {
    let points = M + 2;
    for q in 0..points {
        let rows: [&[f32; PANEL]; POINTS] =
            std::array::from_fn(|p| &m[p.min(points - 1) * points + q][channel]);
        let mut to = [[0f32; PANEL]; 4];
        for l in 0..PANEL {
            let t = output::<M>(std::array::from_fn(|p| rows[p][l]));
            for i in 0..M {
                to[i][l] = t[i];
            }
        }
        for i in 0..M {
            half[i * points + q] = to[i];
        }
    }
    for i in 0..M {
        let rows: [&[f32; PANEL]; POINTS] = std::array::from_fn(|q| &half[i * points + q.min(points - 1)]);
        let mut to = [[0f32; PANEL]; 4];
        for l in 0..PANEL {
            let t = output::<M>(std::array::from_fn(|q| rows[q][l]));
            for j in 0..M {
                to[j][l] = t[j] + bias;
            }
        }
        for j in 0..M {
            y[i * M + j] = to[j];
        }
    }
}

/// `G g G^T`, in 64-bit floats so that each number is rounded once.
pub(super) fn weights(f: &Winograd, g: [[f64; 3]; 3], mut store: impl FnMut(usize, f32)) {
    for (p, a) in f.weights.iter().enumerate() {
        let half: [f64; 3] = std::array::from_fn(|j| (0..3).map(|i| a[i] * g[i][j]).sum());
        for (q, b) in f.weights.iter().enumerate() {
            store(p * f.points + q, (0..3).map(|j| b[j] * half[j]).sum::<f64>() as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::winograd::{F2, F4};

    fn times(matrix: &[&[f64]], v: [f32; POINTS]) -> Vec<f64> {
        matrix.iter().map(|row| row.iter().zip(v).map(|(a, v)| a * f64::from(v)).sum()).collect()
    }

    #[test]
    fn transforms_are_those_of_the_matrices() {
        for at in 0..POINTS {
            let unit = std::array::from_fn(|i| if i == at { 1.0 } else { 0.0 });
            let floats = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            assert_eq!(floats(&input::<4>(unit)), times(F4.input, unit));
            assert_eq!(floats(&output::<4>(unit)), times(F4.output, unit));
            if at < F2.points {
                assert_eq!(floats(&input::<2>(unit)[..4]), times(F2.input, unit));
                assert_eq!(floats(&output::<2>(unit)[..2]), times(F2.output, unit));
            }
        }
    }
}
