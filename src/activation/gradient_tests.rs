//! Gradients of activations against central differences, and at the ends of pieces.

use super::gradient::Slope;
use super::{Activation, ActivationKind};
use crate::host::Values;

/// Central differences of the definition in 64 bits.
#[test]
fn slopes_are_those_of_the_functions() {
    for kind in ActivationKind::ALL {
        let activation = Activation::from(kind);
        let (slope, parameters) = Slope::of(activation);
        let parameters = parameters.map(f64::from);
        for i in -4000..4000 {
            let (x, h) = (f64::from(i) * 0.00217 + 1e-4, 1e-5);
            let at = |x: f64| (kind.function().exact)(x, parameters);
            let difference = (at(x + h) - at(x - h)) / (2.0 * h);
            let (value, error) = slope.exact(1.0, x, parameters);
            // At an end of a piece there is no slope.
            let kinks = [-3.0, 0.0, 3.0, 6.0];
            if kinks.iter().any(|kink: &f64| (x - kink).abs() < 2.0 * h) {
                continue;
            }
            assert!((value - difference).abs() < 1e-8, "{kind:?} at {x}: {value}, not {difference}");
            assert!(error < 1e-4, "{kind:?} at {x}: {error:e}");
            let mut host = [0f32];
            let (g, at) = (Values::One(1.0), Values::One(x as f32));
            (slope.host)(g, at, parameters.map(|p| p as f32), &mut host);
            let host = f64::from(host[0]);
            let of_rounded = slope.exact(1.0, f64::from(x as f32), parameters);
            let off = (host - of_rounded.0).abs();
            assert!(off <= of_rounded.1, "{kind:?} at {x}: {off:e} > {:e}", of_rounded.1);
        }
    }
}

#[test]
fn ends_of_pieces_and_nan_are_pytorchs() {
    let of = |activation: Activation, x: f64| {
        let (slope, parameters) = Slope::of(activation);
        slope.exact(2.0, x, parameters.map(f64::from)).0
    };
    assert_eq!(of(Activation::Relu, 0.0), 0.0);
    assert_eq!(of(Activation::Relu, f64::NAN), 2.0);
    assert_eq!([of(Activation::Relu6, 0.0), of(Activation::Relu6, 6.0)], [0.0, 0.0]);
    assert_eq!(of(Activation::LeakyRelu { alpha: 0.5 }, 0.0), 1.0);
    assert_eq!(of(Activation::LeakyRelu { alpha: 0.5 }, f64::NAN), 1.0);
    assert_eq!(of(Activation::Elu { alpha: 0.5 }, 0.0), 1.0);
    assert_eq!([of(Activation::HardSwish, -3.0), of(Activation::HardSwish, 3.0)], [0.0, 2.0]);
    assert!(of(Activation::Sigmoid, f64::NAN).is_nan());
    for smooth in [Activation::Silu, Activation::Gelu, Activation::GeluTanh, Activation::Mish] {
        let ends = [of(smooth, f64::NEG_INFINITY), of(smooth, f64::INFINITY) - 2.0];
        assert!(ends.iter().all(|end| end.abs() < 1e-80), "{smooth}: {ends:?}");
    }
}
