//! What holds for every row, so that a wrong one is told by its name.

use super::*;
use crate::reference::{EPS, activate};

fn activation_bound(activation: Activation, x: f64, before: f64) -> f64 {
    let (kind, parameters) = ActivationKind::of(activation);
    (kind.function().bound)(x, before, parameters.map(f64::from))
}

/// Every activation with PyTorch's parameters, and with others.
fn all() -> impl Iterator<Item = Activation> {
    let others = |kind: ActivationKind| [kind.into(), kind.with([0.3, 0.6]), kind.with([-1.7, 0.2])];
    ActivationKind::ALL.iter().flat_map(move |&kind| match kind.parameters().len() {
        0 => vec![kind.into()],
        _ => others(kind).to_vec(),
    })
}

/// From far on one side of 0 to far on the other, and on no end of a piece.
fn places() -> impl Iterator<Item = f64> {
    let near = (-2000..2000).map(|i| (f64::from(i) + 0.37) / 100.0);
    near.chain([1e-9, 1e-4, 50.0, 800.0, 1e10].into_iter().flat_map(|x| [x, -x]))
}

#[test]
fn slopes_are_those_of_the_definitions() {
    for activation in all() {
        for x in places() {
            let h = 1e-6 * x.abs().clamp(1e-6, 1.0);
            let (above, below) = (activate(activation, x + h), activate(activation, x - h));
            let slope = (above - below) / ((x + h) - (x - h));
            // Of the differences, and of what 64 bits have of them.
            let slack = 1e-5 + 1e-15 * above.abs() / h;
            let got = activation.derivative(x);
            assert!(
                (got - slope).abs() <= slack,
                "{activation:?} at {x}: {got}, but the difference is {slope}"
            );
        }
        assert!(activation.derivative(f64::NAN).is_nan(), "{activation:?}");
    }
}

#[test]
fn bounds_grow_with_the_largest_slope() {
    for activation in all() {
        for x in places() {
            for before in [1e-6, 0.1] {
                let bound = activation_bound(activation, x, before);
                for moved in [x - before, x + before] {
                    let off = (activate(activation, moved) - activate(activation, x)).abs();
                    let slack = 1e-6 * before + 1e-15 * x.abs();
                    assert!(off <= bound + slack, "{activation:?} at {x}: {off} of {before}, bound {bound}");
                }
            }
        }
    }
}

#[test]
fn bounds_are_a_few_units_of_the_argument() {
    for activation in all() {
        let (_, [alpha, beta]) = ActivationKind::of(activation);
        let largest = f64::from(alpha.abs() + beta.abs()) + 1.0;
        for x in places() {
            let bound = activation_bound(activation, x, 0.0);
            assert!(
                (0.0..=32.0 * EPS * largest * (1.0 + x.abs())).contains(&bound),
                "{activation:?} at {x}: {bound}"
            );
        }
    }
}

#[test]
fn no_two_are_the_same_function() {
    for (i, &a) in ActivationKind::ALL.iter().enumerate() {
        for &b in &ActivationKind::ALL[..i] {
            let differ = places().any(|x| (activate(a.into(), x) - activate(b.into(), x)).abs() > 1e-5);
            assert!(differ, "{a:?} and {b:?}");
            assert_ne!(a.wgsl(), b.wgsl(), "{a:?} and {b:?}");
        }
    }
}

#[test]
fn names_are_read_and_belong_to_one() {
    for kind in ActivationKind::ALL {
        for name in kind.names() {
            assert_eq!(ActivationKind::named(name), Some(kind), "{name}");
            assert_eq!(name.parse::<Activation>().unwrap(), Activation::from(kind));
            let given: Vec<_> = kind.parameters().iter().map(|_| "0.25").collect();
            let text = format!("{name}:{}", given.join(","));
            match given.len() {
                0 => assert!(text.parse::<Activation>().is_err(), "{text}"),
                _ => assert_eq!(text.parse::<Activation>().unwrap(), kind.with([0.25; PARAMETERS])),
            }
            assert!(format!("{text},1").parse::<Activation>().is_err());
        }
        let (again, parameters) = ActivationKind::of(kind.with([0.5, -2.0]));
        assert_eq!(again, kind);
        assert_eq!(parameters[..kind.parameters().len()], [0.5, -2.0][..kind.parameters().len()]);
    }
    for wrong in ["", "softmax", "elu:", "elu:steep", "hard-sigmoid:0.2", "relu:", ":"] {
        let error = wrong.parse::<Activation>().unwrap_err().to_string();
        assert!(error.contains(&format!("{wrong:?}")), "{error}");
    }
    let unknown = "softmax".parse::<Activation>().unwrap_err().to_string();
    assert!(
        unknown.contains("leaky-relu[:ALPHA]") && unknown.contains("hard-sigmoid[:ALPHA,BETA]"),
        "{unknown}"
    );
}
