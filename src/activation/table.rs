//! The rows. What takes more than a line is in a file of its own beside this one.

use super::{Function, PARAMETERS, all_parameters, elu, gelu, mish, sigmoid, softplus, tanh};
use crate::host::each;
use crate::reference::EPS;

/// `activate` of kernels, from files of `shaders/lib` and the lines that compute a number which is not NaN.
macro_rules! wgsl {
    ($([$($file:literal),+])? $lines:literal) => {
        concat!(
            $($(include_str!(concat!("../../shaders/lib/", $file)), "\n",)+)?
            "fn activate(x: f32, alpha_beta: vec2<f32>) -> f32 {\n",
            "    if (is_nan(x)) {\n        return x;\n    }\n    ", $lines, "\n}\n"
        )
    };
}

activations! {
    /// `x`.
    #[default]
    None => Function {
        name: "none",
        aliases: &["linear"],
        wgsl: "fn activate(x: f32, alpha_beta: vec2<f32>) -> f32 {\n    return x;\n}\n",
        exact: |x, _| x,
        derivative: |_, _| 1.0,
        host: |_, _| {},
        bound: |_, before, _| before,
    };

    /// `max(x, 0)`.
    Relu => Function {
        name: "relu",
        aliases: &[],
        wgsl: wgsl!("return select(x, 0.0, x < 0.0);"),
        exact: |x, _| if x < 0.0 { 0.0 } else { x },
        derivative: |x, _| if x > 0.0 { 1.0 } else { 0.0 },
        host: |values, _| each(values, #[inline(always)] |x| if x < 0.0 { 0.0 } else { x }),
        bound: |_, before, _| before,
    };

    /// `min(max(x, 0), 6)`.
    Relu6 => Function {
        name: "relu6",
        aliases: &[],
        wgsl: wgsl!("return clamp(x, 0.0, 6.0);"),
        exact: |x, _| x.clamp(0.0, 6.0),
        derivative: |x, _| if x > 0.0 && x < 6.0 { 1.0 } else { 0.0 },
        host: |values, _| each(values, #[inline(always)] |x| clamped(x, 6.0)),
        bound: |_, before, _| before,
    };

    /// `x` where it is not negative, else `alpha * x`.
    LeakyRelu {
        /// Slope of the negative side.
        alpha = 0.01,
    } => Function {
        name: "leaky-relu",
        aliases: &["leaky_relu"],
        wgsl: wgsl!("return select(x, alpha_beta.x * x, x < 0.0);"),
        exact: |x, [alpha, _]| if x < 0.0 { alpha * x } else { x },
        derivative: |x, [alpha, _]| if x > 0.0 { 1.0 } else { alpha },
        host: |values, [alpha, _]| each(values, #[inline(always)] |x| if x < 0.0 { alpha * x } else { x }),
        bound: |x, before, [alpha, _]| before * alpha.abs().max(1.0) + EPS * (alpha * x).abs(),
    };

    /// `x` where it is positive, else `alpha * (exp(x) - 1)`.
    Elu {
        /// What it tends to on the negative side, with the opposite sign.
        alpha = 1.0,
    } => Function {
        name: "elu",
        aliases: &[],
        wgsl: wgsl!(["exp_minus_1.wgsl"] "return select(alpha_beta.x * exp_minus_1(min(x, 0.0)), x, x > 0.0);"),
        exact: |x, [alpha, _]| if x > 0.0 { x } else { alpha * x.exp_m1() },
        derivative: |x, [alpha, _]| if x > 0.0 { 1.0 } else { alpha * x.exp() },
        host: |values, [alpha, _]| {
            each(values, #[inline(always)] |x| if x > 0.0 { x } else { alpha * elu::exp_minus_1(x) });
        },
        bound: |x, before, [alpha, _]| {
            before * alpha.abs().max(1.0) + 16.0 * EPS * alpha.abs() * x.abs().min(1.0)
        },
    };

    /// `1 / (1 + exp(-x))`.
    Sigmoid => Function {
        name: "sigmoid",
        aliases: &[],
        wgsl: wgsl!(["sigmoid.wgsl"] "return sigmoid(x);"),
        exact: |x, _| 1.0 / (1.0 + (-x).exp()),
        derivative: |x, _| sigmoid::derivative(x),
        host: |values, _| each(values, sigmoid::host),
        // WGSL's `exp` may be off by `3 + 2 |x|` units, which the decay of `exp(-|x|)` keeps below 4.
        bound: |_, before, _| 0.25 * before + 8.0 * EPS,
    };

    /// `min(max(alpha * x + beta, 0), 1)`. PyTorch's and Keras' function has the slope 1/6, ONNX' default is 0.2.
    HardSigmoid {
        /// Slope between the two ends.
        alpha = 1.0 / 6.0,
        /// Value at 0.
        beta = 0.5,
    } => Function {
        name: "hard-sigmoid",
        aliases: &["hard_sigmoid"],
        wgsl: wgsl!("let line = alpha_beta.x * x + alpha_beta.y;
    return select(select(line, 1.0, line > 1.0), 0.0, line < 0.0);"),
        exact: |x, [alpha, beta]| (alpha * x + beta).clamp(0.0, 1.0),
        derivative: |x, [alpha, beta]| {
            let line = alpha * x + beta;
            if line > 0.0 && line < 1.0 { alpha } else { 0.0 }
        },
        host: |values, [alpha, beta]| each(values, #[inline(always)] |x| clamped(alpha * x + beta, 1.0)),
        // What the error of the line makes of its part between the two ends.
        bound: |x, before, [alpha, beta]| {
            let (line, rounding) = (alpha * x + beta, 2.0 * EPS * ((alpha * x).abs() + beta.abs()));
            let off = alpha.abs() * before + rounding;
            let value = line.clamp(0.0, 1.0);
            ((line + off).clamp(0.0, 1.0) - value).max(value - (line - off).clamp(0.0, 1.0))
        },
    };

    /// Hyperbolic tangent.
    Tanh => Function {
        name: "tanh",
        aliases: &[],
        wgsl: wgsl!(["tanh.wgsl"] "return tanh_of(x);"),
        exact: |x, _| x.tanh(),
        derivative: |x, _| 1.0 - x.tanh().powi(2),
        host: |values, _| each(values, tanh::host),
        bound: |x, before, _| tanh::bound(x, before),
    };

    /// `x * sigmoid(x)`, also called swish. Minus infinity gives NaN, as with PyTorch.
    Silu => Function {
        name: "silu",
        aliases: &["swish"],
        wgsl: wgsl!(["sigmoid.wgsl"] "return x * sigmoid(x);"),
        exact: |x, _| x / (1.0 + (-x).exp()),
        derivative: |x, _| 1.0 / (1.0 + (-x).exp()) + x * sigmoid::derivative(x),
        host: |values, _| each(values, sigmoid::silu),
        bound: |x, before, _| 1.1 * before + 8.0 * EPS * x.abs(),
    };

    /// `x * min(max(x + 3, 0), 6) / 6`. Minus infinity gives NaN, as with PyTorch.
    HardSwish => Function {
        name: "hard-swish",
        aliases: &["hard_swish", "hard-silu", "hard_silu"],
        wgsl: wgsl!("return x * (clamp(x + 3.0, 0.0, 6.0) / 6.0);"),
        exact: |x, _| x * ((x + 3.0).clamp(0.0, 6.0) / 6.0),
        derivative: |x, _| {
            if x <= -3.0 { 0.0 } else if x < 3.0 { x / 3.0 + 0.5 } else { 1.0 }
        },
        host: |values, _| each(values, #[inline(always)] |x| x * (clamped(x + 3.0, 6.0) / 6.0)),
        bound: |x, before, _| 1.5 * before + 4.0 * EPS * x.abs(),
    };

    /// `x * (1 + erf(x / sqrt(2))) / 2`: PyTorch's and Keras' default GELU. Minus infinity gives NaN, as with PyTorch.
    Gelu => Function {
        name: "gelu",
        aliases: &[],
        wgsl: wgsl!(["erfc.wgsl"] "return 0.5 * x * erfc(-0.70710678 * x);"),
        exact: |x, _| x * gelu::normal(x),
        derivative: |x, _| gelu::derivative(x),
        host: |values, _| each(values, gelu::host),
        bound: gelu::bound,
    };

    /// `x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2`: GELU with `approximate=True`. Minus infinity gives NaN, as with
    /// PyTorch.
    GeluTanh => Function {
        name: "gelu-tanh",
        aliases: &["gelu_tanh"],
        wgsl: wgsl!(["tanh.wgsl"] "let inner = 0.79788456 * (x + 0.044715 * x * x * x);
    return 0.5 * x * (1.0 + tanh_of(inner));"),
        exact: |x, _| 0.5 * x * (1.0 + gelu::inner(x).tanh()),
        derivative: |x, _| gelu::tanh_derivative(x),
        host: |values, _| each(values, gelu::tanh_host),
        bound: gelu::bound,
    };

    /// `x * tanh(softplus(x))`. Minus infinity gives NaN, as with PyTorch.
    Mish => Function {
        name: "mish",
        aliases: &[],
        wgsl: wgsl!(["mish.wgsl"] "return x * tanh_of_softplus(x);"),
        exact: |x, _| x * softplus::exact(x).tanh(),
        derivative: |x, _| mish::derivative(x),
        host: |values, _| each(values, mish::host),
        bound: |x, before, _| 1.1 * before + 8.0 * EPS * x.abs(),
    };

    /// `log(1 + exp(x))`.
    Softplus => Function {
        name: "softplus",
        aliases: &[],
        wgsl: wgsl!(["softplus.wgsl"] "return max(x, 0.0) + log_plus_1(exp(-abs(x)));"),
        exact: |x, _| softplus::exact(x),
        derivative: |x, _| 1.0 / (1.0 + (-x).exp()),
        host: |values, _| each(values, softplus::host),
        bound: |x, before, _| softplus::bound(x, before),
    };

    /// `x` where it is positive, else `slope * x`; as in PyTorch, zeros are multiplied too. The slope is the last input of the
    /// operation, of the type of the others: `[1]`, or `[out]` with a number for each output channel.
    ///
    /// By itself it takes what ONNX broadcasts: a slope of one number, or with the axes of the input (perhaps without the first)
    /// that is as long along neighbouring axes and 1 along all others. PyTorch's `[C]` is `[C, 1, 1]` for images in NCHW.
    ///
    /// ```
    /// use wgpool::{host, Activation, Conv, Op, Tensor};
    /// let x = Tensor::from_f32(&[1, 1, 2], vec![1., -2.])?;
    /// let w = Tensor::from_f32(&[2, 1, 1], vec![1., 3.])?;
    /// let slope = Tensor::from_f32(&[2], vec![0.5, 0.25])?;
    /// let conv = Op::from(Conv::new().activation(Activation::PRelu));
    /// assert_eq!(host::run(&conv, &[&x, &w, &slope])?[0].as_f32()?, [1., -1., 3., -1.5]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    #[cfg_attr(feature = "serde", serde(rename = "prelu"))]
    PRelu => Function {
        name: "prelu",
        aliases: &[],
        wgsl: wgsl!("return select(alpha_beta.x * x, x, x > 0.0);"),
        exact: |x, [slope, _]| if x > 0.0 { x } else { slope * x },
        derivative: |x, [slope, _]| if x > 0.0 { 1.0 } else { slope },
        host: |values, [slope, _]| each(values, #[inline(always)] |x| prelu(x, slope)),
        bound: |x, before, [slope, _]| match x > before {
            true => before,
            false => before * slope.abs().max(1.0) + EPS * (slope * x).abs(),
        },
    };
}

/// NaN stays NaN.
#[inline(always)]
pub(crate) fn prelu(x: f32, slope: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

/// `min(max(x, 0), top)`; neither comparison holds for NaN.
#[inline(always)]
fn clamped(x: f32, top: f32) -> f32 {
    let x = if x < 0.0 { 0.0 } else { x };
    if x > top { top } else { x }
}
