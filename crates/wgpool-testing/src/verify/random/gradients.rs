//! Random gradients: of the operations that other families draw.

use super::{Family, Rng, activation, convolution, float, pooling, regions};
use wgpool::problem::Problem;
use wgpool::spec::gradient::{
    ActivationGradient, ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient,
    ConvWeightsGradient, CrossEntropy, CrossEntropyGradient, DenseInputGradient, DenseWeightsGradient,
    DropoutMask, MaxUnpoolGradient, PoolGradient, Pooling, RoiAlignGradient, SoftmaxGradient,
};
use wgpool::spec::{Activation, IndexNumbering, KernelLayout, Op, PoolKind, RoiMode};
use wgpool::tensor::{DType, TensorDesc};

/// The operation without what has a gradient of its own, and with the indices that a maximum's goes by.
fn plain(rng: &mut Rng, op: Op) -> Op {
    let numbering =
        [IndexNumbering::PerPlane, IndexNumbering::WholeRowMajor, IndexNumbering::WholeColumnMajor];
    let numbering = Some(numbering[rng.between(0, 2)]);
    let of = |kind: PoolKind| numbering.filter(|_| kind == PoolKind::Max);
    match op {
        Op::Pool(mut pool) => {
            pool.indices = of(pool.kind);
            pool.into()
        }
        Op::AdaptivePool(mut pool) => {
            pool.indices = of(pool.kind);
            pool.into()
        }
        Op::FractionalMaxPool(mut pool) => {
            pool.indices = numbering;
            pool.into()
        }
        Op::Conv(mut conv) => {
            conv.activation = Activation::None;
            conv.into()
        }
        Op::ConvTranspose(mut conv) => {
            conv.activation = Activation::None;
            conv.into()
        }
        Op::Dense(mut dense) => {
            dense.activation = Activation::None;
            dense.into()
        }
        other => other,
    }
}

/// A forward pass, its inputs, and the gradient of its output, of a type of floats.
fn forward(rng: &mut Rng, (op, mut inputs): (Op, Vec<TensorDesc>), dtype: DType) -> Option<Forward> {
    let op = plain(rng, op);
    // Indices and samples have types of their own.
    let own = matches!(op, Op::MaxUnpool(_) | Op::FractionalMaxPool(_));
    let fractional = matches!(op, Op::FractionalMaxPool(_));
    let count = if own { 1 } else { inputs.len() };
    inputs.iter_mut().take(if fractional { 0 } else { count }).for_each(|desc| desc.dtype = dtype);
    if let Op::Conv(_) | Op::ConvTranspose(_) | Op::Dense(_) = op {
        inputs.truncate(2);
    }
    let outputs = Problem::new(&op, &inputs).ok()?.outputs;
    let gradient = TensorDesc { shape: outputs.first()?.shape.clone(), dtype };
    Some(Forward { op, inputs, gradient })
}

struct Forward {
    op: Op,
    inputs: Vec<TensorDesc>,
    gradient: TensorDesc,
}

/// Spatial lengths of a kernel.
fn window(layout: KernelLayout, shape: &[usize]) -> Vec<usize> {
    match layout {
        KernelLayout::Oihw => shape[2..].to_vec(),
        KernelLayout::Hwio => shape[..shape.len() - 2].to_vec(),
    }
}

fn indices(gradient: &TensorDesc) -> TensorDesc {
    TensorDesc { dtype: DType::I32, ..gradient.clone() }
}

/// The gradient of a forward pass by its input, or by its kernel.
fn backward(Forward { op, inputs, gradient }: Forward, by_kernel: bool) -> Option<(Op, Vec<TensorDesc>)> {
    let x = inputs.first()?.clone();
    let pooled = |of: Pooling, kind: PoolKind| {
        let others = match kind {
            PoolKind::Max => vec![indices(&gradient)],
            PoolKind::Average { .. } => vec![],
            _ => vec![x.clone(), gradient.clone()],
        };
        let inputs = [vec![gradient.clone()], others].concat();
        Some((PoolGradient::new(of, x.shape.clone()).into(), inputs))
    };
    match op {
        Op::Pool(pool) => pooled(pool.clone().into(), pool.kind),
        Op::GlobalPool(pool) => pooled(pool.into(), pool.kind),
        Op::AdaptivePool(pool) => pooled(pool.clone().into(), pool.kind),
        Op::FractionalMaxPool(pool) => pooled(pool.into(), PoolKind::Max),
        Op::MaxUnpool(of) => Some((MaxUnpoolGradient { of }.into(), vec![gradient, inputs.get(1)?.clone()])),
        Op::Conv(of) => {
            let w = inputs.get(1)?.clone();
            Some(match by_kernel {
                false => (ConvInputGradient::new(of, x.shape).into(), vec![gradient, w]),
                true => {
                    let window = window(of.kernel_layout, &w.shape);
                    (ConvWeightsGradient::new(of, window).into(), vec![x, gradient])
                }
            })
        }
        Op::ConvTranspose(of) => {
            let w = inputs.get(1)?.clone();
            Some(match by_kernel {
                false => (ConvTransposeInputGradient::new(of, x.shape).into(), vec![gradient, w]),
                true => {
                    let window = window(of.kernel_layout, &w.shape);
                    (ConvTransposeWeightsGradient::new(of, window).into(), vec![x, gradient])
                }
            })
        }
        Op::Dense(of) => Some(match by_kernel {
            false => (DenseInputGradient { of }.into(), vec![gradient, inputs.get(1)?.clone()]),
            true => (DenseWeightsGradient { of }.into(), vec![x, gradient]),
        }),
        _ => None,
    }
}

pub(super) fn pool(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    loop {
        let drawn = match rng.between(0, 7) {
            0 => pooling::adaptive(rng, f16),
            1 => pooling::global(rng, f16),
            2 => pooling::fractional(rng),
            3 | 4 => pooling::average(rng, f16),
            5 => pooling::lp(rng, f16),
            _ => pooling::max(rng, f16),
        };
        let dtype = if matches!(drawn.0, Op::FractionalMaxPool(_)) { DType::F32 } else { float(rng, f16) };
        if let Some(case) = forward(rng, drawn, dtype).and_then(|forward| backward(forward, false)) {
            return case;
        }
    }
}

pub(super) fn unpool(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    loop {
        let (drawn, dtype) = (pooling::unpool(rng, f16), float(rng, f16));
        if let Some(case) = forward(rng, drawn, dtype).and_then(|forward| backward(forward, false)) {
            return case;
        }
    }
}

/// By the input, or by the kernel.
pub(super) fn conv(rng: &mut Rng, f16: bool, by_kernel: bool) -> (Op, Vec<TensorDesc>) {
    loop {
        let drawn = match rng.between(0, 5) {
            0 => convolution::transposed(rng, f16),
            1 => convolution::dense(rng, f16),
            _ => convolution::conv(rng, f16),
        };
        let dtype = float(rng, f16);
        if let Some(case) = forward(rng, drawn, dtype).and_then(|forward| backward(forward, by_kernel)) {
            return case;
        }
    }
}

pub(super) fn activations(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let of = loop {
        let of = activation(rng);
        if of != Activation::PRelu {
            break of;
        }
    };
    let shape = (0..rng.between(0, 3)).map(|_| rng.between(1, 20)).collect();
    let x = TensorDesc { shape, dtype: float(rng, f16) };
    (ActivationGradient { of }.into(), vec![x.clone(), x])
}

pub(super) fn softmax(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    match Family::Softmax.spec(rng, f16) {
        (Op::Softmax(of), inputs) => (SoftmaxGradient { of }.into(), [inputs.clone(), inputs].concat()),
        other => other,
    }
}

pub(super) fn cross_entropy(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let (op, mut inputs) = Family::Softmax.spec(rng, false);
    let Op::Softmax(softmax) = op else { return (op, inputs) };
    inputs.iter_mut().for_each(|desc| desc.dtype = DType::F32);
    let logits = inputs[0].clone();
    let axis = softmax.axis.rem_euclid(logits.shape.len() as isize) as usize;
    let of = CrossEntropy { axis: softmax.axis, probabilities: rng.one_in(2), sum: rng.one_in(2) };
    let mut labels = TensorDesc { dtype: DType::I32, ..logits.clone() };
    labels.shape.remove(axis);
    let target = if of.probabilities { logits.clone() } else { labels };
    match rng.one_in(2) {
        true => (of.into(), vec![logits, target]),
        false => (CrossEntropyGradient { of }.into(), vec![TensorDesc::f32([1]), logits, target]),
    }
}

pub(super) fn roi_align(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    loop {
        let (op, mut inputs) = regions::align(rng, f16);
        let Op::RoiAlign(mut of) = op else { continue };
        of.mode = RoiMode::Average;
        let Ok(problem) = Problem::new(&of.into(), &inputs) else { continue };
        let (Some(output), false) = (problem.outputs.first(), inputs.is_empty()) else { continue };
        let x = std::mem::replace(&mut inputs[0], output.clone());
        return (RoiAlignGradient { of, input: x.shape }.into(), inputs);
    }
}

pub(super) fn dropout(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let shape: Vec<usize> = (0..rng.between(1, 3)).map(|_| rng.between(1, 9)).collect();
    let rate = rng.between(0, 99) as f64 / 100.0;
    (DropoutMask::new(rate, shape).into(), vec![TensorDesc { shape: vec![4], dtype: DType::I32 }])
}
