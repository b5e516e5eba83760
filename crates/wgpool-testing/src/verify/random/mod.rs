//! Random operations on random tensors, the same for the same seed.

mod columns;
mod convolution;
mod deform;
mod formulas;
mod gradients;
mod integer;
mod pooling;
mod reduce;
mod regions;
mod resize;
mod sequences;
mod strided;
mod values;

use wgpool::problem::Problem;
use wgpool::spec::{Activation, ActivationKind, Layout, Op, Padding, Pool, Softmax};
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `from..=to`.
    pub fn between(&mut self, from: usize, to: usize) -> usize {
        from + (self.next_u64() % (to - from + 1) as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.between(1, n) == 1
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// An operation and its inputs.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub op: Op,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
}

/// A kind of operation, as tables name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Family {
    /// Max pooling.
    MaxPool,
    /// Average pooling.
    AveragePool,
    /// Lp pooling.
    LpPool,
    /// Global pooling.
    GlobalPool,
    /// Convolution.
    Conv,
    /// Dense layers.
    Dense,
    /// Softmax.
    Softmax,
    /// Activations.
    Activation,
    /// Adaptive pooling.
    AdaptivePool,
    /// Fractional max pooling.
    FractionalMaxPool,
    /// Max unpooling.
    MaxUnpool,
    /// RoiAlign.
    RoiAlign,
    /// MaxRoiPool.
    MaxRoiPool,
    /// Transposed convolution.
    ConvTranspose,
    /// Convolution with pooling.
    ConvPool,
    /// Integer convolution.
    ConvInteger,
    /// Deformable convolution.
    DeformConv,
    /// Windows that are added up to images.
    Col2Im,
    /// Causal convolution.
    CausalConv,
    /// Convolution, with and without pooling, whose errors may depend on tiles.
    ConvTile,
    /// Formulas of broadcast tensors.
    Elementwise,
    /// Copies of what strides say.
    AsStrided,
    /// Tensors one behind the other.
    Concat,
    /// Elements around a tensor.
    Pad,
    /// Axes made one value.
    Reduce,
    /// Indices of the largest or smallest elements.
    ArgReduce,
    /// Interpolation.
    Resize,
    /// Convolution, with and without pooling, whose sums may be plain chains.
    ConvChain,
    /// Gradients of pooling.
    PoolGradient,
    /// Gradients of max unpooling.
    MaxUnpoolGradient,
    /// Gradients of convolutions and dense layers by their inputs.
    InputGradient,
    /// Gradients of convolutions and dense layers by their kernels.
    WeightsGradient,
    /// Gradients of activations.
    ActivationGradient,
    /// Gradients of softmax.
    SoftmaxGradient,
    /// Cross-entropy and its gradient.
    CrossEntropy,
    /// Gradients of RoiAlign.
    RoiAlignGradient,
    /// Masks of dropout.
    DropoutMask,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 37] = [
        Family::MaxPool,
        Family::AveragePool,
        Family::LpPool,
        Family::GlobalPool,
        Family::Conv,
        Family::Dense,
        Family::Softmax,
        Family::Activation,
        Family::AdaptivePool,
        Family::FractionalMaxPool,
        Family::MaxUnpool,
        Family::RoiAlign,
        Family::MaxRoiPool,
        Family::ConvTranspose,
        Family::ConvPool,
        Family::ConvInteger,
        Family::DeformConv,
        Family::Col2Im,
        Family::CausalConv,
        Family::ConvTile,
        Family::Elementwise,
        Family::AsStrided,
        Family::Concat,
        Family::Pad,
        Family::Reduce,
        Family::ArgReduce,
        Family::Resize,
        Family::ConvChain,
        Family::PoolGradient,
        Family::MaxUnpoolGradient,
        Family::InputGradient,
        Family::WeightsGradient,
        Family::ActivationGradient,
        Family::SoftmaxGradient,
        Family::CrossEntropy,
        Family::RoiAlignGradient,
        Family::DropoutMask,
    ];

    /// A random legal case. `f16` says whether 16-bit floats may come up.
    pub fn case(self, rng: &mut Rng, f16: bool) -> Case {
        loop {
            let (mut op, mut descs) = self.spec(rng, f16);
            let mut slope = slope(&op, &descs, rng.one_in(4));
            // Neighbours may share a number of an activation by itself.
            if matches!(op, Op::Activation(_)) && rng.one_in(2) {
                slope.iter_mut().flat_map(|slope| slope.shape.last_mut()).for_each(|last| *last = 1);
            }
            descs.extend(slope);
            let wanted = matches!(op, Op::Conv(_)) && rng.one_in(4);
            let residual = residual(&mut op, &descs, wanted);
            let behind = usize::from(residual.is_some());
            descs.extend(residual);
            // Most illegal combinations are not worth avoiding: they are thrown away.
            let Ok(problem) = Problem::new(&op, &descs) else { continue };
            let mut inputs = values::inputs(rng, &problem);
            if op.activation() == Activation::PRelu && !matches!(op, Op::Activation(_)) {
                let at = inputs.len().saturating_sub(1 + behind);
                if let Some(drawn) = inputs.get_mut(at)
                    && let Some(slope) = values::slopes(rng, &drawn.desc())
                {
                    *drawn = slope;
                }
            }
            return Case { op, inputs };
        }
    }

    /// The family's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Family::MaxPool => "max pooling",
            Family::AveragePool => "average pooling",
            Family::LpPool => "Lp pooling",
            Family::GlobalPool => "global pooling",
            Family::Conv => "convolution",
            Family::Dense => "dense",
            Family::Softmax => "softmax",
            Family::Activation => "activation",
            Family::AdaptivePool => "adaptive pooling",
            Family::FractionalMaxPool => "fractional max pooling",
            Family::MaxUnpool => "max unpooling",
            Family::RoiAlign => "RoiAlign",
            Family::MaxRoiPool => "MaxRoiPool",
            Family::ConvTranspose => "transposed convolution",
            Family::ConvPool => "convolution with pooling",
            Family::ConvInteger => "integer convolution",
            Family::DeformConv => "deformable convolution",
            Family::Col2Im => "col2im",
            Family::CausalConv => "causal convolution",
            Family::ConvTile => "convolution by tile",
            Family::Elementwise => "formula",
            Family::AsStrided => "strided copy",
            Family::Concat => "concatenation",
            Family::Pad => "padding",
            Family::Reduce => "reduction",
            Family::ArgReduce => "index of an extreme",
            Family::Resize => "interpolation",
            Family::ConvChain => "convolution by chain",
            Family::PoolGradient => "gradient of pooling",
            Family::MaxUnpoolGradient => "gradient of max unpooling",
            Family::InputGradient => "gradient of an input",
            Family::WeightsGradient => "gradient of a kernel",
            Family::ActivationGradient => "gradient of an activation",
            Family::SoftmaxGradient => "gradient of softmax",
            Family::CrossEntropy => "cross-entropy",
            Family::RoiAlignGradient => "gradient of RoiAlign",
            Family::DropoutMask => "dropout mask",
        }
    }

    fn spec(self, rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
        match self {
            Family::MaxPool => pooling::max(rng, f16),
            Family::AveragePool => pooling::average(rng, f16),
            Family::LpPool => pooling::lp(rng, f16),
            Family::GlobalPool => pooling::global(rng, f16),
            Family::AdaptivePool => pooling::adaptive(rng, f16),
            Family::FractionalMaxPool => pooling::fractional(rng),
            Family::MaxUnpool => pooling::unpool(rng, f16),
            Family::RoiAlign => regions::align(rng, f16),
            Family::MaxRoiPool => regions::max(rng, f16),
            Family::Conv => convolution::conv(rng, f16),
            Family::ConvTranspose => convolution::transposed(rng, f16),
            Family::ConvPool => convolution::conv_pool(rng, f16),
            Family::ConvInteger => integer::conv(rng),
            Family::DeformConv => deform::conv(rng),
            Family::Col2Im => columns::col2im(rng, f16),
            Family::CausalConv => sequences::causal(rng, f16),
            Family::ConvTile => convolution::by_tile(rng, f16),
            Family::Elementwise => formulas::elementwise(rng, f16),
            Family::AsStrided => strided::as_strided(rng, f16),
            Family::Concat => strided::concat(rng, f16),
            Family::Pad => strided::pad(rng, f16),
            Family::Reduce => reduce::reduce(rng, f16),
            Family::ArgReduce => reduce::arg(rng, f16),
            Family::Resize => resize::resize(rng, f16),
            Family::ConvChain => convolution::by_chain(rng, f16),
            Family::PoolGradient => gradients::pool(rng, f16),
            Family::MaxUnpoolGradient => gradients::unpool(rng, f16),
            Family::InputGradient => gradients::conv(rng, f16, false),
            Family::WeightsGradient => gradients::conv(rng, f16, true),
            Family::ActivationGradient => gradients::activations(rng, f16),
            Family::SoftmaxGradient => gradients::softmax(rng, f16),
            Family::CrossEntropy => gradients::cross_entropy(rng),
            Family::RoiAlignGradient => gradients::roi_align(rng, f16),
            Family::DropoutMask => gradients::dropout(rng),
            Family::Dense => convolution::dense(rng, f16),
            Family::Softmax => {
                let rank = rng.between(1, 4);
                let mut shape: Vec<usize> = (0..rank).map(|_| rng.between(1, 9)).collect();
                let axis = rng.between(0, 2 * rank - 1) as isize - rank as isize;
                // Long rows have a kernel of their own.
                if rng.one_in(4) {
                    shape[axis.rem_euclid(rank as isize) as usize] = rng.between(200, 700);
                }
                (Softmax { axis }.into(), vec![TensorDesc { shape, dtype: float(rng, f16) }])
            }
            Family::Activation => {
                let shape = vec![rng.between(0, 3), rng.between(1, 20), rng.between(1, 12)];
                (activation(rng).into(), vec![TensorDesc { shape, dtype: float(rng, f16) }])
            }
        }
    }
}

/// PReLU's slope of an operation that has these inputs before it: one number, or where it is not shared one for each output
/// channel; for each but the first axis of an activation by itself.
pub fn slope(op: &Op, inputs: &[TensorDesc], shared: bool) -> Option<TensorDesc> {
    let one = TensorDesc { shape: vec![1], dtype: inputs.first()?.dtype };
    if op.activation() != Activation::PRelu {
        return None;
    }
    let problem = Problem::new(op, &[inputs, std::slice::from_ref(&one)].concat());
    let each = match problem.ok()?.work.conv() {
        Some(conv) => vec![conv.out_channels()],
        None => inputs.first()?.shape.get(1..)?.to_vec(),
    };
    Some(if shared { one } else { TensorDesc { shape: each, ..one } })
}

/// The residual of a convolution that has these inputs before it, if it is to have one; the operation then takes it.
pub fn residual(op: &mut Op, inputs: &[TensorDesc], wanted: bool) -> Option<TensorDesc> {
    let output = Problem::new(op, inputs).ok().filter(|_| wanted)?.outputs.first()?.clone();
    let Op::Conv(conv) = op else { return None };
    conv.residual = true;
    Some(output)
}

/// One of the types that an operation takes, more often f32 than another.
fn type_of(rng: &mut Rng, op: impl Into<Op>, f16: bool) -> DType {
    let types = op.into().types();
    let dtype = if rng.one_in(2) { DType::F32 } else { types[rng.between(0, types.len() - 1)] };
    if dtype == DType::F16 && !f16 { DType::F32 } else { dtype }
}

/// A type that averages, convolutions and most others take.
fn float(rng: &mut Rng, f16: bool) -> DType {
    type_of(rng, Pool::average(1), f16)
}

fn layout(rng: &mut Rng) -> Layout {
    if rng.one_in(2) { Layout::Nchw } else { Layout::Nhwc }
}

/// One in five is PReLU, which reads numbers by channel.
fn activation(rng: &mut Rng) -> Activation {
    if rng.one_in(5) {
        return Activation::PRelu;
    }
    let kind = ActivationKind::ALL[rng.between(0, ActivationKind::ALL.len() - 1)];
    if rng.one_in(2) { kind.into() } else { kind.with([0.3, 0.6]) }
}

/// A shape that is larger than [`image`]'s, so that tensors reach over several of the pages that software adapters read.
fn large_image(rng: &mut Rng, rank: usize, layout: Layout, most_channels: usize) -> Vec<usize> {
    let longest = [5000, 70, 18][rank - 1];
    let space: Vec<usize> = (0..rank).map(|_| rng.between(longest / 2, longest)).collect();
    shape(rng.between(1, 2), rng.between(1, most_channels), &space, layout)
}

/// A shape of `rank` spatial axes; one batch in twelve is empty.
fn image(rng: &mut Rng, rank: usize, layout: Layout, most_channels: usize) -> Vec<usize> {
    let longest = [70, 23, 9][rank - 1];
    let flat = rng.one_in(20);
    let space: Vec<usize> = (0..rank).map(|_| if flat { 1 } else { rng.between(1, longest) }).collect();
    let batch = if rng.one_in(12) { 0 } else { rng.between(1, 3) };
    shape(batch, rng.between(1, most_channels), &space, layout)
}

fn shape(batch: usize, channels: usize, space: &[usize], layout: Layout) -> Vec<usize> {
    match layout {
        Layout::Nchw => [&[batch, channels], space].concat(),
        Layout::Nhwc => [&[batch], space, &[channels]].concat(),
    }
}

fn padding(rng: &mut Rng, rank: usize, most: usize) -> Padding {
    match rng.between(0, 4) {
        0 => Padding::Valid,
        1 => Padding::SameUpper,
        2 => Padding::SameLower,
        3 => Padding::symmetric((0..rank).map(|_| rng.between(0, most)).collect::<Vec<_>>()),
        _ => Padding::Explicit {
            before: (0..rank).map(|_| rng.between(0, most)).collect(),
            after: (0..rank).map(|_| rng.between(0, most)).collect(),
        },
    }
}

fn small(rng: &mut Rng, rank: usize, most: usize) -> Vec<usize> {
    (0..rank).map(|_| if rng.one_in(2) { 1 } else { rng.between(1, most) }).collect()
}

/// Spatial lengths of the first output, channels second; nothing where the windows cannot be placed.
fn output_lengths(op: &Op, inputs: &[TensorDesc]) -> Option<Vec<usize>> {
    let problem = Problem::new(op, inputs).ok()?;
    problem.outputs.first()?.shape.get(2..).map(<[usize]>::to_vec)
}
