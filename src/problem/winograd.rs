//! The matrices of Winograd's minimal filtering for windows of three: Lavin and Gray, "Fast Algorithms for Convolutional
//! Neural Networks", 2015.

/// `F(m, 3)`: `outputs (weights g * inputs d)` are m neighbouring sums of three products, with as many products as
/// there are points.
pub(crate) struct Winograd {
    /// Outputs of a tile along an axis: m.
    pub outputs: usize,
    /// Inputs of a tile along an axis, and products: m + 2.
    pub points: usize,
    /// Rows of `A^T`, one for each output.
    pub output: &'static [&'static [f64]],
    /// Rows of `G`, one for each point.
    pub weights: &'static [[f64; 3]],
    /// Rows of `B^T`, one for each point.
    pub input: &'static [&'static [f64]],
}

/// Both algorithms.
pub(crate) const WINOGRAD: [&Winograd; 2] = [&F2, &F4];

/// `F(2 x 2, 3 x 3)`, along an axis.
pub(crate) static F2: Winograd = Winograd {
    outputs: 2,
    points: 4,
    output: &[&[1.0, 1.0, 1.0, 0.0], &[0.0, 1.0, -1.0, -1.0]],
    weights: &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
    input: &[&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, 1.0, 0.0, -1.0]],
};

/// `F(4 x 4, 3 x 3)`, along an axis.
pub(crate) static F4: Winograd = Winograd {
    outputs: 4,
    points: 6,
    output: &[
        &[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        &[0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
        &[0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
        &[0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
    ],
    weights: &[
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ],
    input: &[
        &[4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
        &[0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
        &[0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
        &[0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        &[0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        &[0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The products of each output, weight and input have the coefficient that convolution gives them; and those of
    /// each output and an input of its window include one that is not 0, so that what is infinite or NaN always reaches
    /// the output.
    #[test]
    fn both_are_convolutions() {
        for f in WINOGRAD {
            for o in 0..f.outputs {
                for tap in 0..3 {
                    for input in 0..f.points {
                        let terms =
                            (0..f.points).map(|p| f.output[o][p] * f.weights[p][tap] * f.input[p][input]);
                        let terms: Vec<f64> = terms.collect();
                        let expected = if input == o + tap { 1.0 } else { 0.0 };
                        assert!((terms.iter().sum::<f64>() - expected).abs() < 1e-15, "{o} {tap} {input}");
                        assert!(expected == 0.0 || terms.iter().any(|&t| t != 0.0));
                    }
                }
            }
        }
    }
}
