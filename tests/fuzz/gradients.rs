//! Specifications of gradients: of what other specifications are drawn for.

use wgpool::spec::gradient::{
    ActivationGradient, ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient,
    ConvWeightsGradient, DenseInputGradient, DenseWeightsGradient, MaxUnpoolGradient, PoolGradient,
    SoftmaxGradient,
};
use wgpool::{Activation, DType, Op, PoolKind, Problem, TensorDesc};

use crate::numbers::Numbers;

impl Numbers {
    /// The gradient of an operation with these inputs; the operation itself, where it has none.
    pub fn gradient(&mut self, op: Op, inputs: Vec<TensorDesc>) -> (Op, Vec<TensorDesc>) {
        let op = self.plain(op);
        let inputs = match &op {
            Op::Conv(_) | Op::ConvTranspose(_) | Op::Dense(_) => inputs.into_iter().take(2).collect(),
            _ => inputs,
        };
        let (Some(x), outputs) = (inputs.first().cloned(), Problem::new(&op, &inputs).map(|p| p.outputs))
        else {
            return (op, inputs);
        };
        // Of what is refused anything.
        let shape = outputs.ok().and_then(|outputs| outputs.first().map(|y| y.shape.clone()));
        let gradient = match shape {
            Some(shape) => self.desc(shape),
            None => x.clone(),
        };
        let indices = TensorDesc { dtype: DType::I32, ..gradient.clone() };
        let lengths = if self.odd() { self.list(4, 0, 9) } else { x.shape.clone() };
        let of_kind = |kind: PoolKind| match kind {
            PoolKind::Max => vec![gradient.clone(), indices.clone()],
            PoolKind::Average { .. } => vec![gradient.clone()],
            _ => vec![gradient.clone(), x.clone(), gradient.clone()],
        };
        let kernel = inputs.get(1).cloned();
        let by_kernel = self.flag();
        let window = match self.odd() {
            true => self.list(3, 0, 5),
            false => kernel.as_ref().map_or(vec![], |w| w.shape.iter().skip(2).copied().collect()),
        };
        let both = |by_input: Op, by_weights: Op| match (by_kernel, &kernel) {
            (false, Some(w)) => (by_input, vec![gradient.clone(), w.clone()]),
            _ => (by_weights, vec![x.clone(), gradient.clone()]),
        };
        match op {
            Op::Pool(pool) => (PoolGradient::new(pool.clone(), lengths).into(), of_kind(pool.kind)),
            Op::GlobalPool(pool) => (PoolGradient::new(pool, lengths).into(), of_kind(pool.kind)),
            Op::AdaptivePool(pool) => (PoolGradient::new(pool.clone(), lengths).into(), of_kind(pool.kind)),
            Op::FractionalMaxPool(pool) => (PoolGradient::new(pool, lengths).into(), vec![gradient, indices]),
            Op::MaxUnpool(of) => {
                let indices = inputs.get(1).cloned().unwrap_or(indices);
                (MaxUnpoolGradient { of }.into(), vec![gradient, indices])
            }
            Op::Conv(of) => both(
                ConvInputGradient::new(of.clone(), lengths).into(),
                ConvWeightsGradient::new(of, window).into(),
            ),
            Op::ConvTranspose(of) => both(
                ConvTransposeInputGradient::new(of.clone(), lengths).into(),
                ConvTransposeWeightsGradient::new(of, window).into(),
            ),
            Op::Dense(of) => both(DenseInputGradient { of }.into(), DenseWeightsGradient { of }.into()),
            Op::Activation(of) => (ActivationGradient { of }.into(), vec![gradient, x]),
            Op::Softmax(of) => (SoftmaxGradient { of }.into(), vec![gradient, x]),
            other => (other, inputs),
        }
    }

    /// Mostly without an activation, and with indices.
    fn plain(&mut self, mut op: Op) -> Op {
        if self.odd() {
            return op;
        }
        let numbering = self.indices();
        match &mut op {
            Op::Conv(conv) => (conv.activation, conv.residual) = (Activation::None, false),
            Op::ConvTranspose(conv) => conv.activation = Activation::None,
            Op::Dense(dense) => dense.activation = Activation::None,
            Op::Pool(pool) if pool.kind == PoolKind::Max => pool.indices = numbering,
            Op::AdaptivePool(pool) if pool.kind == PoolKind::Max => pool.indices = numbering,
            _ => {}
        }
        op
    }
}
