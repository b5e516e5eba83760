//! Causal convolution that goes on from call to call.

use crate::cases::{Given, f32s, gives, on_host, refused};
use wgpool::{Activation, Backend, CausalConv, DType, Error, Op, Tensor};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::Family;

#[test]
fn causal_convolution() {
    on_host(Family::CausalConv, 250);
}

#[test]
fn a_sequence_in_parts_gives_what_the_whole_gives() {
    let x: Vec<f32> = (0..28).map(|v| (v * v % 11) as f32).collect();
    let w = f32s(&[2, 1, 4], &[1., -2., 3., 4., 5., 6., -7., 8.]);
    let bias = f32s(&[2], &[100., -100.]);
    let first = Op::from(CausalConv { state: false, activation: Activation::Relu });
    let next = Op::from(CausalConv { state: true, activation: Activation::Relu });
    for backend in [Backend::Reference, Backend::Host, Backend::Gpu(engine().clone())] {
        let whole = backend.run(&first, &[&f32s(&[1, 2, 14], &x), &w, &bias]).unwrap();
        let mut state: Option<Tensor> = None;
        let mut from = 0;
        // Parts longer and shorter than the kernel.
        for length in [5, 1, 1, 2, 5] {
            let part = [&x[from..from + length], &x[14 + from..14 + from + length]].concat();
            let part = f32s(&[1, 2, length], &part);
            let outputs = match &state {
                None => backend.run(&first, &[&part, &w, &bias]),
                Some(state) => backend.run(&next, &[&part, state, &w, &bias]),
            };
            let [y, present]: [Tensor; 2] = outputs.unwrap().try_into().unwrap();
            for channel in 0..2 {
                let expected = &whole[0].as_f32().unwrap()[14 * channel + from..][..length];
                assert_eq!(
                    &y.as_f32().unwrap()[length * channel..][..length],
                    expected,
                    "{}",
                    backend.name()
                );
            }
            state = Some(present);
            from += length;
        }
        assert_eq!(state.as_ref(), Some(&whole[1]), "{}", backend.name());
        assert_eq!(whole[1], f32s(&[1, 2, 3], &[x[11], x[12], x[13], x[25], x[26], x[27]]));
    }
    // A kernel of one tap keeps nothing.
    let (x, w) = (f32s(&[1, 1, 2], &[1., 2.]), f32s(&[1, 1, 1], &[3.]));
    let none = f32s(&[1, 1, 0], &[]);
    gives(first, &[&x, &w], &[f32s(&[1, 1, 2], &[3., 6.]), none.clone()]);
    gives(next, &[&x, &none, &w], &[f32s(&[1, 1, 2], &[3., 6.]), none.clone()]);
}

#[test]
fn causal_convolutions_that_are_refused() {
    use DType::{F16, F32, I8};
    let op = CausalConv::default();
    let next = CausalConv { state: true, ..op };
    assert!(matches!(refused(op, &[(F32, &[1, 2, 3])]), Error::Arity { got: 1, .. }));
    assert!(matches!(refused(next, &[(F32, &[1, 2, 3]), (F32, &[2, 1, 2])]), Error::Arity { got: 2, .. }));
    assert!(matches!(refused(op, &[(I8, &[1, 2, 3]), (I8, &[2, 1, 2])]), Error::Type { got: I8, .. }));
    assert!(matches!(refused(op, &[(F16, &[1, 2, 3]), (F32, &[2, 1, 2])]), Error::Type { got: F32, .. }));
    assert!(matches!(refused(op, &[(F32, &[2, 3]), (F32, &[2, 1, 2])]), Error::Rank { got: 2, .. }));
    for wrong in [[1, 0, 3], [1, 2, 0]] {
        assert!(matches!(refused(op, &[(F32, &wrong), (F32, &[2, 1, 2])]), Error::Shape { .. }), "{wrong:?}");
    }
    for wrong in [&[2, 1, 0][..], &[2, 2, 2], &[1, 1, 2], &[2, 2]] {
        assert!(matches!(refused(op, &[(F32, &[1, 2, 3]), (F32, wrong)]), Error::Shape { .. }), "{wrong:?}");
    }
    let with = |state: &[usize]| refused(next, &[(F32, &[1, 2, 3]), (F32, state), (F32, &[2, 1, 3])]);
    assert!(matches!(with(&[1, 2, 3]), Error::Shape { tensor: "the state", .. }));
    assert!(matches!(with(&[2, 2, 2]), Error::Shape { tensor: "the state", .. }));
    let bias: [Given<'_>; 3] = [(F32, &[1, 2, 3]), (F32, &[2, 1, 3]), (F32, &[3])];
    assert!(matches!(refused(op, &bias), Error::Shape { tensor: "the bias", .. }));
}
