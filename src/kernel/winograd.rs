//! Winograd's algorithm on hardware: the lines of its transforms, written from the matrices, and its parameters.

use super::block::{Block, Member};
use super::params::uniform;
use super::text::filled;
use crate::problem::winograd::{F4, Winograd};

/// The algorithm that the kernels compute. `F(2 x 2, 3 x 3)` would move, and multiply, 1.8 times as much.
pub(crate) static FORM: &Winograd = &F4;

/// A kernel's text, with its transform in place of the line that names it.
pub(super) fn source(template: &str) -> String {
    filled(template, |name| match name {
        "inputs" => inputs(FORM),
        "weights" => weights(FORM),
        "outputs" => outputs(FORM),
        other => vec![format!("there are no lines for {other}")],
    })
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

/// `B^T d B` of what `load` reads, to `store`.
fn inputs(f: &Winograd) -> Vec<String> {
    let mut lines = Vec::new();
    for i in 0..f.points {
        lines.extend((0..f.points).map(|j| format!("    let d_{i}_{j} = load(place, {i}, {j});")));
    }
    for (p, row) in f.input.iter().enumerate() {
        let half = |j: usize| format!("    let h_{p}_{j} = {};", sum(row, |i| format!("d_{i}_{j}")));
        lines.extend((0..f.points).map(half));
    }
    for p in 0..f.points {
        for (q, row) in f.input.iter().enumerate() {
            let point = sum(row, |j| format!("h_{p}_{j}"));
            lines.push(format!("    store(place, {}u, {point});", p * f.points + q));
        }
    }
    lines
}

/// `G g G^T` of what `load` reads, to `store`.
fn weights(f: &Winograd) -> Vec<String> {
    let mut lines = Vec::new();
    for i in 0..3 {
        lines.extend((0..3).map(|j| format!("    let g_{i}_{j} = load(place, {i}u, {j}u);")));
    }
    for (p, row) in f.weights.iter().enumerate() {
        let half = |j: usize| format!("    let h_{p}_{j} = {};", sum(row, |i| format!("g_{i}_{j}")));
        lines.extend((0..3).map(half));
    }
    for p in 0..f.points {
        for (q, row) in f.weights.iter().enumerate() {
            let point = sum(row, |j| format!("h_{p}_{j}"));
            lines.push(format!("    store(place, {}u, {point});", p * f.points + q));
        }
    }
    lines
}

/// `A^T m A` of what `load` reads.
fn outputs(f: &Winograd) -> Vec<String> {
    let mut lines = Vec::new();
    for point in 0..f.points * f.points {
        lines.push(format!("    let m_{}_{} = load(place, {point}u);", point / f.points, point % f.points));
    }
    for (i, row) in f.output.iter().enumerate() {
        let half = |q: usize| format!("    let h_{i}_{q} = {};", sum(row, |p| format!("m_{p}_{q}")));
        lines.extend((0..f.points).map(half));
    }
    for i in 0..f.outputs {
        for (j, row) in f.output.iter().enumerate() {
            lines.push(format!("    let y_{i}_{j} = {};", sum(row, |q| format!("h_{i}_{q}"))));
        }
    }
    lines
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
