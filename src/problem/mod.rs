//! A specification resolved for given input shapes: the only validator of the crate.
//!
//! The reference and the host path compute straight from a [`Problem`]; a [`Plan`](crate::Plan) adds the GPU's
//! kernels to it.

mod causal;
mod col2im;
mod conv;
mod deform;
mod elementwise;
mod epilogue;
mod flops;
mod fractional;
#[cfg(feature = "gradients")]
mod gradient;
mod image;
mod integer;
mod names;
mod pointwise;
mod pool;
mod reduce;
mod resize;
mod roi;
mod strided;
mod transposed;
mod turned;
mod types;
mod unpool;
pub(crate) mod winograd;

pub use causal::CausalWork;
pub use col2im::Col2ImWork;
pub use conv::{ConvPoolWork, ConvWork, KernelStrides};
pub use deform::DeformWork;
pub(crate) use elementwise::MOST_AXES;
pub use elementwise::{Access, BroadcastAxis, ElementwiseWork};
pub(crate) use epilogue::Epilogue;
pub(crate) use flops::Flops;
pub use fractional::{FractionalAxis, FractionalWork};
#[cfg(feature = "gradients")]
pub use gradient::{CrossEntropyWork, DropoutWork, GradientWork, PoolGradientWork, WeightsWork};
pub use integer::{IntegerWork, RequantizeWork};
pub use pointwise::{ActivationWork, SoftmaxWork};
pub use pool::PoolWork;
pub use reduce::{ArgWork, ReduceWork};
pub(crate) use resize::Taps;
pub use resize::{ResizeAxis, ResizeWork};
pub use roi::{MOST_SAMPLES, MaxRoiWork, Neighbours, RoiAlignWork, RoiAxis, RoiShape};
pub use strided::{StridedAxis, StridedPiece, StridedWork};
pub use unpool::UnpoolWork;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::spec::{Activation, Op};
use crate::tensor::{Data, Tensor, TensorDesc, checked_elements};

/// A validated operation on tensors of known shapes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// The operation's name, as it appears in errors.
    pub op: &'static str,
    /// What goes in.
    pub inputs: Vec<TensorDesc>,
    /// What comes out.
    pub outputs: Vec<TensorDesc>,
    /// What is to be computed.
    pub work: Work,
}

/// What a problem computes, with every length and stride known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// Pooling, sliding or global.
    Pool(PoolWork),
    /// Fractional max pooling.
    Fractional(FractionalWork),
    /// Max unpooling.
    Unpool(UnpoolWork),
    /// RoiAlign.
    RoiAlign(RoiAlignWork),
    /// MaxRoiPool.
    MaxRoi(MaxRoiWork),
    /// Transposed convolution: the adjoint of the convolution that `axes` describe, whose input is this output.
    ConvTranspose(ConvWork),
    /// Convolution and pooling.
    ConvPool(Box<ConvPoolWork>),
    /// Convolution; a dense layer is one over a single element.
    Conv(ConvWork),
    /// Integer convolution.
    ConvInteger(IntegerWork),
    /// Deformable convolution.
    Deform(Box<DeformWork>),
    /// Windows that are added up to images.
    Col2Im(Col2ImWork),
    /// Causal convolution with the state of what came before.
    Causal(Box<CausalWork>),
    /// Softmax.
    Softmax(SoftmaxWork),
    /// An activation by itself.
    Activation(ActivationWork),
    /// A formula of broadcast tensors.
    Elementwise(ElementwiseWork),
    /// Elements from where strides say.
    Strided(StridedWork),
    /// Axes made one value.
    Reduce(ReduceWork),
    /// The index of an element along an axis.
    Arg(ArgWork),
    /// Axes made longer or shorter.
    Resize(ResizeWork),
    /// The gradient of an operation.
    #[cfg(feature = "gradients")]
    Gradient(GradientWork),
}

/// The convolution within a work, borrowed as it is asked for.
macro_rules! conv_of {
    ($work:expr, $($borrow:tt)+) => {
        match $work {
            Work::Conv(work) | Work::ConvTranspose(work) => Some(work),
            Work::ConvPool(work) => Some($($borrow)+ work.conv),
            Work::ConvInteger(work) => Some($($borrow)+ work.conv),
            Work::Deform(work) => Some($($borrow)+ work.conv),
            Work::Causal(work) => Some($($borrow)+ work.conv),
            _ => None,
        }
    };
}

impl Work {
    /// The convolution that it is or begins with, if it does.
    pub fn conv(&self) -> Option<&ConvWork> {
        conv_of!(self, &)
    }

    pub(crate) fn conv_mut(&mut self) -> Option<&mut ConvWork> {
        conv_of!(self, &mut)
    }
}

impl Problem {
    /// Checks `op` against the shapes and types of its inputs and computes those of its outputs.
    ///
    /// # Errors
    /// Whatever rule of the operation the values break, with the values.
    ///
    /// ```
    /// use wgpool::{Pool, Problem, TensorDesc};
    /// let problem = Problem::new(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 10, 26, 26])])?;
    /// assert_eq!(problem.outputs[0].shape, [1, 10, 13, 13]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn new(op: &Op, inputs: &[TensorDesc]) -> Result<Problem> {
        for input in inputs {
            checked_elements("input", &input.shape)?;
        }
        let problem = match op {
            Op::Conv(spec) if spec.residual => Self::with_residual(op, inputs)?,
            _ => Self::without_residual(op, inputs)?,
        };
        if let Some(first) = inputs.first() {
            require_dtype(problem.op, problem.input_name(0), first.dtype, op.types())?;
        }
        for output in &problem.outputs {
            checked_elements("output", &output.shape)?;
        }
        Ok(problem)
    }

    fn without_residual(op: &Op, inputs: &[TensorDesc]) -> Result<Problem> {
        match op.activation() {
            Activation::PRelu => Self::with_slope(op, inputs),
            _ => Self::without_slope(op, inputs),
        }
    }

    fn without_slope(op: &Op, inputs: &[TensorDesc]) -> Result<Problem> {
        match op {
            Op::Pool(spec) => pool::sliding(spec, inputs),
            Op::GlobalPool(spec) => pool::global(spec, inputs),
            Op::AdaptivePool(spec) => pool::adaptive(spec, inputs),
            Op::FractionalMaxPool(spec) => fractional::fractional(spec, inputs),
            Op::MaxUnpool(spec) => unpool::unpool(spec, inputs),
            Op::RoiAlign(spec) => roi::align(spec, inputs),
            Op::MaxRoiPool(spec) => roi::max(spec, inputs),
            Op::ConvTranspose(spec) => transposed::transposed(spec, inputs),
            Op::ConvPool(spec) => conv::conv_pool(spec, inputs),
            Op::Conv(spec) => conv::conv(spec, inputs),
            Op::ConvInteger(spec) => integer::integer(spec, inputs),
            Op::DeformConv(spec) => deform::deform(spec, inputs),
            Op::Col2Im(spec) => col2im::col2im(spec, inputs),
            Op::CausalConv(spec) => causal::causal(spec, inputs),
            Op::Dense(spec) => conv::dense(spec, inputs),
            Op::Softmax(spec) => pointwise::softmax(spec, inputs),
            Op::Activation(spec) => pointwise::activation(spec, inputs),
            Op::Elementwise(spec) => elementwise::elementwise(spec, inputs),
            Op::AsStrided(spec) => strided::as_strided(spec, inputs),
            Op::Concat(spec) => strided::concat(spec, inputs),
            Op::Pad(spec) => strided::pad(spec, inputs),
            Op::Reduce(spec) => reduce::reduce(spec, inputs),
            Op::ArgReduce(spec) => reduce::arg(spec, inputs),
            Op::Resize(spec) => resize::resize(spec, inputs),
            #[cfg(feature = "gradients")]
            Op::Gradient(spec) => gradient::gradient(spec, inputs),
        }
    }

    /// Checks that `tensors` are what the problem was made for.
    ///
    /// # Errors
    /// [`Error::Arity`], [`Error::Shape`] or [`Error::Type`] if they are not; [`Error::Value`] for elements that the operation
    /// cannot take, such as indices outside their plane.
    pub fn check(&self, tensors: &[&Tensor]) -> Result<()> {
        if tensors.len() != self.inputs.len() {
            return Err(Error::arity(self.op, "as many as the problem was made for", tensors.len()));
        }
        for (i, (tensor, desc)) in tensors.iter().zip(&self.inputs).enumerate() {
            self.check_desc(i, tensor, desc)?;
        }
        self.check_values(tensors)
    }

    /// Checks that `tensor`, which is input `i`, is what `desc` says.
    pub(crate) fn check_desc(&self, i: usize, tensor: &Tensor, desc: &TensorDesc) -> Result<()> {
        if tensor.desc() == *desc {
            return Ok(());
        }
        let rule = format!("the problem was made for {desc}, this is {}", tensor.dtype());
        Err(Error::shape(self.op, self.input_name(i), tensor.shape(), rule))
    }

    /// Refuses values that the operation cannot compute with: positions and numbers of things that are not there.
    fn check_values(&self, tensors: &[&Tensor]) -> Result<()> {
        match (&self.work, tensors) {
            (Work::Unpool(work), [_, indices]) => work.check_indices(self.op, indices),
            (Work::Fractional(work), [_, samples]) => work.check_samples(self.op, samples),
            (Work::RoiAlign(work), [_, regions, images]) => {
                roi::check_regions(self.op, regions, 4, work.shape.spatial_scale)?;
                work.check_samples(self.op, regions)?;
                (0..work.shape.regions).try_for_each(|i| {
                    let image = images.data().get(i).unwrap_or(f64::NAN);
                    work.shape.check_image(self.op, "image numbers", i, image)
                })
            }
            #[cfg(feature = "gradients")]
            (Work::Gradient(work), tensors) => work.check_values(self.op, tensors),
            (Work::ConvInteger(_), [_, _, _, _, scales, ..]) => integer::check_scales(self.op, scales),
            (Work::MaxRoi(work), [_, regions]) => {
                roi::check_regions(self.op, regions, 5, work.shape.spatial_scale)?;
                (0..work.shape.regions).try_for_each(|i| {
                    let image = regions.data().get(5 * i).unwrap_or(f64::NAN);
                    work.shape.check_image(self.op, "regions", 5 * i, image)
                })
            }
            _ => Ok(()),
        }
    }
}

/// Refuses element types other than those listed.
pub(crate) fn require_dtype(
    op: &'static str,
    tensor: &'static str,
    got: DType,
    allowed: &[DType],
) -> Result<()> {
    if allowed.contains(&got) {
        return Ok(());
    }
    Err(Error::dtype(op, tensor, got, format!("it must be {}", DType::listed(allowed))))
}

/// Refuses a tensor of another shape than `shape`; `meaning` says what its lengths are.
fn require_shape(
    op: &'static str,
    tensor: &'static str,
    desc: &TensorDesc,
    shape: &[usize],
    meaning: &str,
) -> Result<()> {
    if desc.shape == shape {
        return Ok(());
    }
    Err(Error::shape(op, tensor, &desc.shape, format!("it must be {shape:?}{meaning}")))
}

/// Refuses a tensor of f32 of which an element, given with its position, does not fit.
fn require_values(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    fits: impl Fn(usize, f32) -> bool,
    rule: impl Into<String>,
) -> Result<()> {
    let Data::F32(values) = tensor.data() else { return Ok(()) };
    match values.iter().enumerate().find(|(at, value)| !fits(*at, **value)) {
        None => Ok(()),
        Some((at, value)) => Err(Error::value(op, name, at, value, rule)),
    }
}

/// The single input of an operation.
fn only_input<'a>(op: &'static str, inputs: &'a [TensorDesc]) -> Result<&'a TensorDesc> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Error::arity(op, "one", inputs.len())),
    }
}

/// An axis counted from the first.
fn axis_of(op: &'static str, axis: isize, shape: &[usize]) -> Result<usize> {
    let rank = shape.len() as isize;
    let counted = if axis < 0 { axis.saturating_add(rank) } else { axis };
    if (0..rank).contains(&counted) {
        return Ok(counted as usize);
    }
    let rule = match rank {
        0 => "a tensor of shape [] has no axis".to_owned(),
        _ => format!("a tensor of shape {shape:?} has axes {} to {}", -rank, rank - 1),
    };
    Err(Error::parameter(op, "axis", axis, rule))
}
