//! Gradients of activations: a row for each, beside that of `table.rs`.

use super::{Activation, ActivationKind, PARAMETERS, gelu, mish, sigmoid, softplus};
use crate::host::{Values, exp, zip};
use crate::reference::EPS;

/// How the gradient `g` of an activation's output becomes that of its input `x`.
pub(crate) struct Slope {
    /// The function `gradient_of` of kernels, and those that it calls.
    pub wgsl: &'static str,
    /// The definition.
    exact: fn(g: f64, x: f64, [f64; PARAMETERS]) -> f64,
    /// How far a 32-bit slope may be from the definition's, for a gradient of 1.
    error: fn(x: f64, [f64; PARAMETERS]) -> f64,
    /// In 32-bit floats: gradients, inputs, and what comes out.
    pub host: fn(g: Values<'_>, x: Values<'_>, [f32; PARAMETERS], out: &mut [f32]),
}

/// `gradient_of` of kernels, from files of `shaders/lib` and the lines that compute it.
macro_rules! wgsl {
    ($([$($file:literal),+])? $lines:literal) => {
        concat!(
            $($(include_str!(concat!("../../shaders/lib/", $file)), "\n",)+)?
            "fn gradient_of(g: f32, x: f32, alpha_beta: vec2<f32>) -> f32 {\n    ", $lines, "\n}\n"
        )
    };
}

/// The same of a smooth function, whose `slope(x)` the lines are: NaN makes the gradient NaN, and behind `$far` it is what it is
/// there, so that nothing infinite is multiplied by 0.
macro_rules! smooth {
    ($([$($file:literal),+])? $far:literal, $lines:literal) => {
        concat!(
            $($(include_str!(concat!("../../shaders/lib/", $file)), "\n",)+)?
            "fn slope(x: f32, alpha_beta: vec2<f32>) -> f32 {\n    ", $lines, "\n}\n\n",
            "fn gradient_of(g: f32, x: f32, alpha_beta: vec2<f32>) -> f32 {\n",
            "    if (is_nan(x)) {\n        return x;\n    }\n",
            "    return g * slope(clamp(x, -", $far, ", ", $far, "), alpha_beta);\n}\n"
        )
    };
}

/// Numbers that a device may take for zero.
const TINY: f64 = f32::MIN_POSITIVE as f64;

/// Behind it the slopes of smooth functions are 0 or 1.
const FAR: f64 = 300.0;
/// The same of GELU, in whose slope squares and cubes are.
const FAR_GELU: f64 = 20.0;

/// The error of a few roundings of terms of this size, and of an exponential of `x` within them: WGSL permits `3 + 2 |x|` units in
/// the last place.
fn by_exp(terms: f64, x: f64) -> f64 {
    (16.0 + 4.0 * x.abs()) * EPS * terms + TINY * (1.0 + x.abs())
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logistic32(x: f32) -> f32 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// The product of both sides of the logistic function, without a difference.
fn both_sides32(x: f32) -> f32 {
    let e = exp(-x.abs());
    e / ((1.0 + e) * (1.0 + e))
}

/// The slope of GELU's inner function.
fn inner_slope(x: f64) -> f64 {
    (2.0 / std::f64::consts::PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x)
}

impl Slope {
    /// That of an activation, and its parameters.
    pub fn of(activation: Activation) -> (&'static Slope, [f32; PARAMETERS]) {
        let (kind, parameters) = ActivationKind::of(activation);
        (kind.slope(), parameters)
    }

    /// The gradient, and how far a 32-bit one may be from it.
    pub fn exact(&self, g: f64, x: f64, parameters: [f64; PARAMETERS]) -> (f64, f64) {
        ((self.exact)(g, x, parameters), g.abs() * (self.error)(x, parameters))
    }
}

/// The gradient of a smooth function with this slope.
macro_rules! times {
    ($far:expr, |$x:ident| $slope:expr) => {
        |g, x: f64, _| {
            let $x = x.clamp(-$far, $far);
            if x.is_nan() { x } else { g * ($slope) }
        }
    };
}

/// A loop over elements.
macro_rules! host {
    (|$g:ident, $x:ident, $parameters:pat_param| $value:expr) => {
        |g, x, $parameters, out| {
            zip(
                g,
                x,
                out,
                #[inline(always)]
                |$g, $x, _| $value,
            )
        }
    };
}

macro_rules! times32 {
    ($far:expr, |$x:ident| $slope:expr) => {
        host!(|g, x, _| {
            let $x = x.clamp(-$far as f32, $far as f32);
            if x.is_nan() { x } else { g * ($slope) }
        })
    };
}

const NONE: Slope =
    Slope { wgsl: wgsl!("return g;"), exact: |g, _, _| g, error: |_, _| 0.0, host: host!(|g, _x, _| g) };

const RELU: Slope = Slope {
    wgsl: wgsl!("return select(0.0, g, is_nan(x) || exceeds(x, 0.0));"),
    exact: |g, x, _| if x <= 0.0 { 0.0 } else { g },
    error: |_, _| 0.0,
    host: host!(|g, x, _| if x <= 0.0 { 0.0 } else { g }),
};

const RELU6: Slope = Slope {
    wgsl: wgsl!("return select(0.0, g, is_nan(x) || (exceeds(x, 0.0) && exceeds(6.0, x)));"),
    exact: |g, x, _| if x <= 0.0 || x >= 6.0 { 0.0 } else { g },
    error: |_, _| 0.0,
    host: host!(|g, x, _| if x <= 0.0 || x >= 6.0 { 0.0 } else { g }),
};

const LEAKY_RELU: Slope = Slope {
    wgsl: wgsl!("return select(alpha_beta.x * g, g, !is_nan(x) && exceeds(x, 0.0));"),
    exact: |g, x, [alpha, _]| if x > 0.0 { g } else { alpha * g },
    error: |x, [alpha, _]| if x > 0.0 { 0.0 } else { EPS * alpha.abs() },
    host: host!(|g, x, [alpha, _]| if x > 0.0 { g } else { alpha * g }),
};

const ELU: Slope = Slope {
    wgsl: wgsl!(
        "if (is_nan(x)) {
        return x;
    }
    if (exceeds(x, 0.0)) {
        return g;
    }
    return g * (alpha_beta.x * exp(max(x, -300.0)));"
    ),
    exact: |g, x, [alpha, _]| match x {
        x if x.is_nan() => x,
        x if x > 0.0 => g,
        x => g * (alpha * x.max(-FAR).exp()),
    },
    error: |x, [alpha, _]| if x > 0.0 { 0.0 } else { by_exp(alpha.abs() * x.exp(), x.max(-FAR)) },
    host: host!(|g, x, [alpha, _]| match x {
        x if x.is_nan() => x,
        x if x > 0.0 => g,
        x => g * (alpha * exp(x.max(-FAR as f32))),
    }),
};

const SIGMOID: Slope = Slope {
    wgsl: smooth!(
        "300.0",
        "let e = exp(-abs(x));
    return e / ((1.0 + e) * (1.0 + e));"
    ),
    exact: times!(FAR, |x| sigmoid::derivative(x)),
    error: |x, _| by_exp(sigmoid::derivative(x.clamp(-FAR, FAR)), x.clamp(-FAR, FAR)),
    host: times32!(FAR, |x| both_sides32(x)),
};

const HARD_SIGMOID: Slope = Slope {
    wgsl: wgsl!(
        "if (is_nan(x)) {
        return x;
    }
    let line = alpha_beta.x * x + alpha_beta.y;
    return select(0.0, alpha_beta.x * g, line > 0.0 && line < 1.0);"
    ),
    exact: |g, x, [alpha, beta]| {
        let line = alpha * x + beta;
        if x.is_nan() {
            x
        } else if line > 0.0 && line < 1.0 {
            alpha * g
        } else {
            0.0
        }
    },
    // The line's rounding may take it over either end.
    error: |x, [alpha, beta]| {
        let (line, off) = (alpha * x + beta, 4.0 * EPS * ((alpha * x).abs() + beta.abs()) + TINY);
        let near = |end: f64| (line - end).abs() <= off;
        if near(0.0) || near(1.0) { alpha.abs() * (1.0 + EPS) } else { EPS * alpha.abs() }
    },
    host: host!(|g, x, [alpha, beta]| {
        let line = alpha * x + beta;
        if x.is_nan() {
            x
        } else if line > 0.0 && line < 1.0 {
            alpha * g
        } else {
            0.0
        }
    }),
};

const TANH: Slope = Slope {
    wgsl: smooth!(
        "150.0",
        "let e = exp(-2.0 * abs(x));
    return 4.0 * (e / ((1.0 + e) * (1.0 + e)));"
    ),
    exact: times!(FAR / 2.0, |x| 4.0 * sigmoid::derivative(2.0 * x)),
    error: |x, _| {
        let x = x.clamp(-FAR / 2.0, FAR / 2.0);
        by_exp(4.0 * sigmoid::derivative(2.0 * x), 2.0 * x)
    },
    host: times32!(FAR / 2.0, |x| 4.0 * both_sides32(2.0 * x)),
};

const SILU: Slope = Slope {
    wgsl: smooth!(["sigmoid.wgsl"] "300.0", "return sigmoid(x) * (1.0 + x * sigmoid(-x));"),
    exact: times!(FAR, |x| logistic(x) * (1.0 + x * logistic(-x))),
    error: |x, _| {
        let x = x.clamp(-FAR, FAR);
        by_exp(logistic(x) * (1.0 + x.abs() * logistic(-x)), x)
    },
    host: times32!(FAR, |x| logistic32(x) * (1.0 + x * logistic32(-x))),
};

const HARD_SWISH: Slope = Slope {
    wgsl: wgsl!(
        "if (is_nan(x)) {
        return x;
    }
    if (x >= 3.0) {
        return g;
    }
    return select(g * (x / 3.0 + 0.5), 0.0, x <= -3.0);"
    ),
    exact: |g, x, _| match x {
        x if x.is_nan() => x,
        x if x <= -3.0 => 0.0,
        x if x < 3.0 => g * (x / 3.0 + 0.5),
        _ => g,
    },
    error: |x, _| if x > -3.0 && x < 3.0 { 8.0 * EPS * (x.abs() / 3.0 + 0.5) } else { 0.0 },
    host: host!(|g, x, _| match x {
        x if x.is_nan() => x,
        x if x <= -3.0 => 0.0,
        x if x < 3.0 => g * (x / 3.0 + 0.5),
        _ => g,
    }),
};

/// The density of the normal distribution.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

const GELU: Slope = Slope {
    wgsl: smooth!(["erfc.wgsl"] "20.0", "return 0.5 * erfc(-0.70710678 * x) + x * (0.39894228 * exp(-0.5 * x * x));"),
    exact: times!(FAR_GELU, |x| gelu::derivative(x)),
    // The exponents are squares.
    error: |x, _| {
        let x = x.clamp(-FAR_GELU, FAR_GELU);
        by_exp(gelu::normal(x) + x.abs() * density(x), x * x)
    },
    host: times32!(FAR_GELU, |x| 0.5 * libm::erfcf(-x * std::f32::consts::FRAC_1_SQRT_2)
        + x * (0.398_942_3 * exp(-0.5 * x * x))),
};

const GELU_TANH: Slope = Slope {
    wgsl: smooth!(["sigmoid.wgsl"] "20.0", "let twice = 1.5957691 * (x + 0.044715 * x * x * x);
    let rise = 1.5957691 * (1.0 + 0.134145 * x * x);
    return sigmoid(twice) * (1.0 + x * (rise * sigmoid(-twice)));"),
    exact: times!(FAR_GELU, |x| {
        let twice = 2.0 * gelu::inner(x);
        logistic(twice) * (1.0 + x * (2.0 * inner_slope(x) * logistic(-twice)))
    }),
    error: |x, _| {
        let x = x.clamp(-FAR_GELU, FAR_GELU);
        let twice = 2.0 * gelu::inner(x);
        by_exp(logistic(twice) * (1.0 + x.abs() * 2.0 * inner_slope(x) * logistic(-twice)), 2.0 * twice)
    },
    host: times32!(FAR_GELU, |x| {
        let twice = 1.595_769 * (x + 0.044_715 * x * x * x);
        let rise = 1.595_769 * (1.0 + 0.134_145 * x * x);
        logistic32(twice) * (1.0 + x * (rise * logistic32(-twice)))
    }),
};

const MISH: Slope = Slope {
    wgsl: smooth!(["sigmoid.wgsl"] "300.0", "// As lib/mish.wgsl has it; what its square lacks to 1 without a difference.
    let e = exp(-abs(x));
    let above = select(e * (e + 2.0), 1.0 + 2.0 * e, x > 0.0);
    let rest = select(1.0, e * e, x > 0.0);
    let whole = above + 2.0 * rest;
    return above / whole + x * (4.0 * rest * ((above + rest) / (whole * whole)) * sigmoid(x));"),
    exact: times!(FAR, |x| mish::derivative(x)),
    error: |x, _| {
        let x = x.clamp(-FAR, FAR);
        let t = softplus::exact(x).tanh();
        by_exp(t + x.abs() * (1.0 - t * t) * logistic(x), 2.0 * x)
    },
    host: times32!(FAR, |x| {
        let e = exp(-x.abs());
        let (above, rest) = if x > 0.0 { (1.0 + 2.0 * e, e * e) } else { (e * (e + 2.0), 1.0) };
        let whole = above + 2.0 * rest;
        above / whole + x * (4.0 * rest * ((above + rest) / (whole * whole)) * logistic32(x))
    }),
};

const SOFTPLUS: Slope = Slope {
    wgsl: smooth!(["sigmoid.wgsl"] "300.0", "return sigmoid(x);"),
    exact: times!(FAR, |x| logistic(x)),
    error: |x, _| by_exp(logistic(x.clamp(-FAR, FAR)), x.clamp(-FAR, FAR)),
    host: times32!(FAR, |x| logistic32(x)),
};

impl ActivationKind {
    /// Its gradient. PReLU's, whose slope is an input, is that of LeakyReLU with the slope of an element.
    pub(crate) fn slope(self) -> &'static Slope {
        match self {
            ActivationKind::None => &NONE,
            ActivationKind::Relu => &RELU,
            ActivationKind::Relu6 => &RELU6,
            ActivationKind::LeakyRelu | ActivationKind::PRelu => &LEAKY_RELU,
            ActivationKind::Elu => &ELU,
            ActivationKind::Sigmoid => &SIGMOID,
            ActivationKind::HardSigmoid => &HARD_SIGMOID,
            ActivationKind::Tanh => &TANH,
            ActivationKind::Silu => &SILU,
            ActivationKind::HardSwish => &HARD_SWISH,
            ActivationKind::Gelu => &GELU,
            ActivationKind::GeluTanh => &GELU_TANH,
            ActivationKind::Mish => &MISH,
            ActivationKind::Softplus => &SOFTPLUS,
        }
    }
}
