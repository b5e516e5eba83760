//! Winograd's algorithm on hardware: the lines of its transforms, written from the matrices, and its parameters.

use crate::kernel::common::*;
use crate::problem::winograd::{F4, Winograd};

/// The algorithm that the kernels compute. `F(2 x 2, 3 x 3)` would move, and multiply, 1.8 times as much.
pub(crate) static FORM: &Winograd = &F4;

/// A kernel of the algorithm.
pub(super) fn transform(dtype: DType, own: &[&'static str], buffers: (u32, u32)) -> Row {
    let shared = [dtype.row().elements, INDEX, shader!("lib/winograd.wgsl")];
    row(WinogradParams::BLOCK, dtype, [&shared, own].concat(), buffers)
}

/// The sum of `names` times `factors`, without those that are 0: they may be infinite.
fn sum(factors: &[f64], names: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for (i, &factor) in factors.iter().enumerate().filter(|&(_, &factor)| factor != 0.0) {
        text += match (text.is_empty(), factor < 0.0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        let name = names(i);
        text += &if factor.abs() == 1.0 { name } else { format!("{:?} * {name}", factor.abs()) };
    }
    text
}

/// `M x M^T` of the elements that `load` reads, where M is `matrix` and `x` a letter for their names; `store` takes each
/// sum.
pub(super) fn sums<R: AsRef<[f64]>>(
    matrix: &[R],
    x: char,
    load: impl Fn(usize, usize) -> String,
    store: impl Fn(usize, usize, String) -> String,
) -> Vec<String> {
    let side = matrix.first().map_or(0, |row| row.as_ref().len());
    let mut lines = Vec::new();
    for i in 0..side {
        lines.extend((0..side).map(|j| format!("    let {x}_{i}_{j} = {};", load(i, j))));
    }
    for (p, row) in matrix.iter().enumerate() {
        let half = |j| format!("    let h_{p}_{j} = {};", sum(row.as_ref(), |i| format!("{x}_{i}_{j}")));
        lines.extend((0..side).map(half));
    }
    for p in 0..matrix.len() {
        let of_row = |row: &R| sum(row.as_ref(), |j| format!("h_{p}_{j}"));
        lines.extend(matrix.iter().enumerate().map(|(q, row)| store(p, q, of_row(row))));
    }
    lines
}

/// The line that stores a sum of a point.
pub(super) fn stored(p: usize, q: usize, sum: String) -> String {
    format!("    store(place, {}u, {sum});", p * FORM.points + q)
}

uniform! {
    /// Parameters of `winograd/weights.wgsl`, `winograd/input.wgsl` and `winograd/output.wgsl`.
    WinogradParams {
        /// Height, width, input channels of a group, groups.
        in_size: [u32; 4],
        /// Height, width, output channels of a group, images.
        out_size: [u32; 4],
        /// Row, column, channel, image.
        in_stride: [u32; 4],
        /// The same of what is stored: the output, or what is pooled of it.
        out_stride: [u32; 4],
        /// Row, column, input channel, output channel of the kernel.
        tap_stride: [u32; 4],
        /// Height and width of what is stored.
        stored: [u32; 4],
        /// Height, width.
        pad_before: [i32; 4],
        /// Of tiles in an image.
        rows: u32,
        columns: u32,
        /// Of all images.
        tiles: u32,
        /// Invocations that have work.
        total: u32,
        /// Fours of output channels in a tile of the product's.
        quads: u32,
        /// Such tiles of a group.
        channel_tiles: u32,
        alpha_beta: [f32; 2],
        has_bias: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_without_what_is_0() {
        let name = |i: usize| format!("d_{i}");
        assert_eq!(sum(F4.input[0], name), "4.0 * d_0 - 5.0 * d_2 + d_4");
        assert_eq!(sum(&F4.weights[1], name).matches("0.1666").count(), 3);
        assert_eq!(sum(&[-1.0, 0.0, 0.25], name), "-d_0 + 0.25 * d_2");
    }
}
