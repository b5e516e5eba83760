override ACTIVATION: u32 = 0u;

fn sigmoid(x: f32) -> f32 {
    let e = exp(-abs(x));
    return select(1.0, e, x < 0.0) / (1.0 + e);
}

// The built-in overflows for large arguments on some drivers. The series' next term is half a unit in the last place at its
// end, from which on what WGSL permits exp and division to be off stays in the bound.
fn tanh_of(x: f32) -> f32 {
    let a = abs(x);
    if (a < 0.2) {
        let s = x * x;
        return x * (1.0 + s * (-0.33333333 + s * (0.13333333 + s * -0.053968254)));
    }
    return sign(x) * (1.0 - 2.0 / (exp(2.0 * min(a, 20.0)) + 1.0));
}

// Complementary error function: Chebyshev fit of Numerical Recipes (erfcc), fractional error below 1.2e-7.
fn erfc(x: f32) -> f32 {
    let z = min(abs(x), 13.0);
    let t = 1.0 / (1.0 + 0.5 * z);
    let p = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
        + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
    let tail = t * exp(-z * z + p);
    return select(tail, 2.0 - tail, x < 0.0);
}

fn activate(x: f32, alpha: f32) -> f32 {
    if (ACTIVATION == 0u || is_nan(x)) {
        return x;
    }
    switch (ACTIVATION) {
        case 1u: { // ReLU
            return select(x, 0.0, x < 0.0);
        }
        case 2u: { // ReLU6
            return clamp(x, 0.0, 6.0);
        }
        case 3u: { // leaky ReLU
            return select(x, alpha * x, x < 0.0);
        }
        case 4u: {
            return sigmoid(x);
        }
        case 5u: {
            return tanh_of(x);
        }
        case 6u: { // SiLU
            return x * sigmoid(x);
        }
        case 7u: { // GELU
            return 0.5 * x * erfc(-0.70710678 * x);
        }
        default: { // GELU with tanh
            let inner = 0.79788456 * (x + 0.044715 * x * x * x);
            return 0.5 * x * (1.0 + tanh_of(inner));
        }
    }
}
