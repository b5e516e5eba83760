//! Inputs for convolutions.

use wgpool::{Accuracy, Conv, Tensor};
use wgpool_testing::verify::random::Rng;

/// A convolution whose errors may depend on tiles.
pub fn conv() -> Conv {
    Conv::new().accuracy(Accuracy::Tile)
}

/// Numbers of both signs.
pub fn tensor(rng: &mut Rng, shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    Tensor::from_f32(shape, (0..n).map(|_| (2.0 * rng.unit() - 1.0) as f32).collect()).unwrap()
}

/// Input, kernel and bias of a convolution from `c` to `o` channels.
pub fn inputs(rng: &mut Rng, [n, c, height, width]: [usize; 4], o: usize) -> Vec<Tensor> {
    vec![tensor(rng, &[n, c, height, width]), tensor(rng, &[o, c, 3, 3]), tensor(rng, &[o])]
}

/// The same with some elements replaced by `value(i)`.
pub fn with(tensor: &Tensor, at: &[usize], value: impl Fn(usize) -> f32) -> Tensor {
    let mut values = tensor.as_f32().unwrap().to_vec();
    for (i, &at) in at.iter().enumerate() {
        values[at] = value(i);
    }
    Tensor::from_f32(tensor.shape(), values).unwrap()
}
