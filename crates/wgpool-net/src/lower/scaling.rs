//! Layers that scale and shift channels.

use super::Lowering;
use crate::affine::Affine;
use crate::axes::channels;
use crate::weight::Weight;
use wgpool::error::Result;
use wgpool::spec::{Activation, BinaryFunction, Elementwise, Layout, Operand};
use wgpool::tensor::Tensor;

impl Lowering<'_> {
    /// `min(x, max)` where `x` is not negative, else `slope * x`.
    pub(super) fn relu(&mut self, max: Option<f32>, slope: f32) -> Result<()> {
        let below = if slope == 0.0 { Activation::Relu } else { Activation::LeakyRelu { alpha: slope } };
        match max {
            None => self.activation(below),
            Some(6.0) if slope == 0.0 => self.activation(Activation::Relu6),
            // The scale joins the layer behind.
            Some(max) if slope == 0.0 => {
                self.activation(Activation::HardSigmoid { alpha: 1.0 / max, beta: 0.0 })?;
                let scale = Operand::Number(max);
                let formula = Elementwise { inputs: 1, steps: vec![] }.then(BinaryFunction::Multiply, scale);
                self.step(formula, &[])
            }
            Some(max) => {
                self.activation(below)?;
                let formula = Elementwise { inputs: 1, steps: vec![] };
                self.step(formula.then(BinaryFunction::Minimum, Operand::Number(max)), &[])
            }
        }
    }

    /// A factor and an offset of each channel; of weights without values if there are none.
    pub(super) fn affine(&mut self, affine: Option<Affine>, layout: Layout) -> Result<()> {
        let shape = self.shape()?;
        let mut each = vec![1; shape.len().saturating_sub(1)];
        let axis = if layout == Layout::Nchw { each.first_mut() } else { each.last_mut() };
        if let Some(axis) = axis {
            *axis = channels(layout, &shape);
        }
        let weights: [Weight; 2] = match affine {
            None => [Weight::Shape(each.clone()), Weight::Shape(each)],
            Some(Affine { scale, shift }) => {
                let rounded = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
                [
                    Tensor::from_f32(&each, rounded(scale))?.into(),
                    Tensor::from_f32(&each, rounded(shift))?.into(),
                ]
            }
        };
        let weights = weights.map(|weight| self.constant(&weight));
        self.step(Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2)), &weights)
    }
}
