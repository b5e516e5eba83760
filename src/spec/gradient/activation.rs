//! Gradients of activations and softmax.

use crate::spec::{Activation, BinaryFunction, ElementStep, Elementwise, Operand, Softmax};

/// The gradient of an activation by its input: that of the output times the slope there.
///
/// Inputs: the gradient of the output and the forward pass's input, of the same shape. Output: the same shape. Where the
/// function has no slope it is the one that PyTorch takes: 0 at the ends of ReLU and ReLU6, and of LeakyReLU and ELU `alpha` at
/// 0. NaN as input hands the gradient of ReLU and ReLU6 on as it is, and LeakyReLU's times `alpha`; other functions make it NaN. At
/// infinity slopes are their limits.
///
/// [`Activation::PRelu`], whose slope is an input, is refused: [`PReluGradient`] has its formulas.
///
/// ```
/// use wgpool::spec::gradient::ActivationGradient;
/// use wgpool::{host, Activation, Op, Tensor};
/// let gradient = Tensor::from_f32(&[3], vec![5., 6., 7.])?;
/// let x = Tensor::from_f32(&[3], vec![-1., 0., 1.])?;
/// let backward = Op::from(ActivationGradient { of: Activation::Relu });
/// assert_eq!(host::run(&backward, &[&gradient, &x])?[0].as_f32()?, [0., 0., 7.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ActivationGradient {
    /// The forward pass.
    pub of: Activation,
}

/// The gradients of [`Activation::PRelu`], `x` where it is positive and else the slope times `x`, by its input and by its slope: as
/// PyTorch's `prelu` and Keras' `PReLU` have them. Both are formulas, which broadcast as NumPy does: a slope for each channel has
/// the shape of the input with 1 for the other axes.
///
/// ```
/// use wgpool::spec::gradient::PReluGradient;
/// use wgpool::{host, Op, Reduce, ReduceKind, Tensor};
/// let x = Tensor::from_f32(&[3], vec![-2., 0., 4.])?;
/// let (slope, gradient) = (Tensor::from_f32(&[1], vec![0.5])?, Tensor::from_f32(&[3], vec![1., 1., 3.])?);
/// let by_input = host::run(&Op::from(PReluGradient::by_input()), &[&x, &slope, &gradient])?;
/// assert_eq!(by_input[0].as_f32()?, [0.5, 0.5, 3.]);
/// let each = host::run(&Op::from(PReluGradient::by_slope()), &[&x, &gradient])?;
/// let sum = Op::from(Reduce::new(ReduceKind::Sum, [0]).keepdims(true));
/// assert_eq!(host::run(&sum, &[&each[0]])?[0].as_f32()?, [-2.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PReluGradient;

impl PReluGradient {
    /// That by the input. Inputs: the forward pass's input and slope, and the gradient of its output, whose shape it has.
    pub fn by_input() -> Elementwise {
        let [input, slope, gradient] = [0, 1, 2].map(Operand::Input);
        let steps = vec![
            ElementStep::Binary(BinaryFunction::Greater, input, Operand::Number(0.0)),
            ElementStep::Binary(BinaryFunction::Multiply, gradient, slope),
            ElementStep::Select { condition: Operand::Step(0), yes: gradient, no: Operand::Step(1) },
        ];
        Elementwise { inputs: 3, steps }
    }

    /// What each element adds to that by its slope, which is the sum of it over all that share the slope. Inputs: the forward
    /// pass's input, and the gradient of its output.
    pub fn by_slope() -> Elementwise {
        let [input, gradient] = [0, 1].map(Operand::Input);
        let (condition, none) = (Operand::Step(0), Operand::Number(0.0));
        let steps = vec![
            ElementStep::Binary(BinaryFunction::Greater, input, none),
            ElementStep::Binary(BinaryFunction::Multiply, gradient, input),
            ElementStep::Select { condition, yes: none, no: Operand::Step(1) },
        ];
        Elementwise { inputs: 2, steps }
    }
}

/// The gradient of softmax by its input: `y * (g - sum(g * y))` along the axis.
///
/// Inputs: the gradient `g` of the output, and the output `y` of the forward pass. Output: the same shape.
///
/// ```
/// use wgpool::spec::gradient::SoftmaxGradient;
/// use wgpool::{host, Op, Softmax, Tensor};
/// let gradient = Tensor::from_f32(&[2], vec![1., 3.])?;
/// let y = Tensor::from_f32(&[2], vec![0.25, 0.75])?;
/// let backward = Op::from(SoftmaxGradient { of: Softmax { axis: 0 } });
/// assert_eq!(host::run(&backward, &[&gradient, &y])?[0].as_f32()?, [-0.375, 0.375]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SoftmaxGradient {
    /// The forward pass.
    pub of: Softmax,
}
