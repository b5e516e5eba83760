//! What the first layer has learnt: its filters, and one photograph before and after pooling.

use wgpool::{Activation, Backend, Conv, Error, KernelLayout, Layout, Pool, Result, Tensor};
use wgpool_net::train::Dataset;

/// Pictures of a network's first layer.
pub struct Maps {
    /// `[3, 3, 3, channels]`.
    pub filters: Tensor,
    /// `[1, height, width, 3]`.
    pub photograph: Tensor,
    /// `[1, height, width, channels]`.
    pub convolved: Tensor,
    /// Half as high and as wide.
    pub pooled: Tensor,
}

impl Maps {
    /// Computes those of the first photograph on a backend.
    pub fn of(backend: &Backend, weights: &[(String, Tensor)], photographs: &Dataset<'_>) -> Result<Maps> {
        let weight = |name: &str| {
            let found = weights.iter().find(|(known, _)| known == name);
            found
                .map(|(_, tensor)| tensor)
                .ok_or_else(|| Error::document("training", format!("there is no {name}")))
        };
        let (photograph, _) = photographs.batch(&[0])?;
        let filters = weight("conv1/kernel")?.clone();
        let conv =
            Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).activation(Activation::Relu);
        let convolved = only(backend.run(&conv.into(), &[&photograph, &filters, weight("conv1/bias")?])?)?;
        let pooled = only(backend.run(&Pool::max([2, 2]).layout(Layout::Nhwc).into(), &[&convolved])?)?;
        Ok(Maps { filters, photograph, convolved, pooled })
    }
}

/// The only output.
fn only(outputs: Vec<Tensor>) -> Result<Tensor> {
    let got = outputs.len();
    outputs.into_iter().next().ok_or(Error::Arity { op: "training", expected: "one (output)", got })
}
