//! Copies, concatenation and padding.

use crate::cases::{Given, f32s, gives, i8s, on_host, refused, tensor, u8s};
use wgpool::{
    AsStrided, Caps, Concat, DType, Data, Error, Op, Pad, PadMode, Plan, Tensor, TensorDesc, host, reference,
};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::Family;

#[test]
fn operations_on_any_axes() {
    use Family::{ArgReduce, AsStrided, Concat, Pad, Reduce, Resize};
    for family in [AsStrided, Concat, Pad, Reduce, ArgReduce, Resize] {
        on_host(family, 400);
    }
}

#[test]
fn strided_copies_have_the_elements_that_strides_say() {
    let x = u8s(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    gives(AsStrided::new([2, 2, 2], [1, 3, -1], 1), &[&x], &[u8s(&[2, 2, 2], &[2, 1, 5, 4, 3, 2, 6, 5])]);
    gives(AsStrided::transpose(&[2, 3], &[1, 0]).unwrap(), &[&x], &[u8s(&[3, 2], &[1, 4, 2, 5, 3, 6])]);
    // Clamped at either end, as ONNX has it; and from the end back.
    let slice = |starts: [isize; 2], ends: [isize; 2], steps: [isize; 2]| {
        AsStrided::slice(&[2, 3], &starts, &ends, &steps)
    };
    gives(slice([-1, -9], [9, 2], [1, 1]).unwrap(), &[&x], &[u8s(&[1, 2], &[4, 5])]);
    gives(slice([0, 9], [1, -9], [1, -2]).unwrap(), &[&x], &[u8s(&[1, 2], &[3, 1])]);
    gives(slice([0, 2], [2, 1], [1, 1]).unwrap(), &[&x], &[u8s(&[2, 0], &[])]);
    let column = i8s(&[2, 1], &[-1, 2]);
    gives(
        AsStrided::expand(&[2, 1], &[2, 1, 3]).unwrap(),
        &[&column],
        &[i8s(&[2, 2, 3], &[-1, -1, -1, 2, 2, 2, -1, -1, -1, 2, 2, 2])],
    );
    // One number, and none.
    gives(AsStrided::new([], [], 4), &[&x], &[u8s(&[], &[5])]);
    gives(AsStrided::new([0, 7], [1, 1], 99), &[&x], &[u8s(&[0, 7], &[])]);
}

/// Large enough for several chunks, tasks and vectors, with every way that rows may lie.
#[test]
fn large_strided_copies_are_right() {
    let n = 1 << 20;
    let x: Vec<i32> = (0..n).collect();
    for (shape, order) in [
        (vec![1024, 1024], vec![1, 0]),
        (vec![2, 64, 8192], vec![0, 2, 1]),
        (vec![2, 8192, 64], vec![0, 2, 1]),
        (vec![16, 256, 256], vec![2, 1, 0]),
        (vec![32, 32, 32, 32], vec![3, 1, 0, 2]),
        (vec![1 << 10, 1 << 10], vec![0, 1]),
        (vec![1 << 18, 4], vec![1, 0]),
    ] {
        let op = Op::from(AsStrided::transpose(&shape, &order).unwrap());
        let x = tensor(&shape, Data::I32(x.clone()));
        let expected = reference::run(&op, &[&x]).unwrap();
        assert_eq!(host::run(&op, &[&x]).unwrap(), expected, "{shape:?} {order:?}");
        assert_eq!(engine().run(&op, &[&x]).unwrap(), expected, "{shape:?} {order:?}");
    }
}

/// Bits are copied: NaN keeps what it carries, and 16-bit floats need nothing of the device.
#[test]
fn copies_are_of_bits() {
    let bits =
        [0x7f80_0001u32, 0xffc0_1234, 0x8000_0000, 1, 0x7fff_ffff, 0x3f80_0000, 0x0080_0000, 0xff80_0000];
    let x = f32s(&[2, 4], &bits.map(f32::from_bits));
    let halves = tensor(
        &[2, 4],
        Data::from_bytes(DType::BF16, &bits.map(|b| b as u16).map(u16::to_ne_bytes).concat()).unwrap(),
    );
    let bytes = |tensors: Vec<Tensor>| tensors[0].data().as_bytes().to_vec();
    for x in [&x, &halves] {
        for op in [
            Op::from(AsStrided::new([2, 4], [4, 1], 0)),
            Concat { axis: 0 }.into(),
            Pad::new([0; 2], [0; 2]).into(),
        ] {
            assert_eq!(bytes(host::run(&op, &[x]).unwrap()), x.data().as_bytes(), "{op:?}");
            assert_eq!(bytes(engine().run(&op, &[x]).unwrap()), x.data().as_bytes(), "{op:?}");
        }
    }
    let mut caps = engine().caps().clone();
    caps.f16 = false;
    let halves = tensor(&[3], Data::nearest(DType::F16, [1.0, 2.0, 65504.0]).unwrap());
    let op = Op::from(AsStrided::slice(&[3], &[2], &[-9], &[-1]).unwrap());
    let reversed = tensor(&[3], Data::nearest(DType::F16, [65504.0, 2.0, 1.0]).unwrap());
    assert_eq!(engine().with_caps(caps).run(&op, &[&halves]).unwrap(), [reversed]);
}

#[test]
fn tensors_one_behind_the_other() {
    let (a, b, none) = (u8s(&[2, 1], &[1, 2]), u8s(&[2, 3], &[3, 4, 5, 6, 7, 8]), u8s(&[2, 0], &[]));
    gives(Concat { axis: -1 }, &[&a, &none, &b, &a], &[u8s(&[2, 5], &[1, 3, 4, 5, 1, 2, 6, 7, 8, 2])]);
    gives(Concat { axis: 0 }, &[&b, &b], &[u8s(&[4, 3], &[3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8])]);
    gives(Concat { axis: 1 }, &[&none, &none], std::slice::from_ref(&none));
    // More inputs than a kernel could bind.
    let many: Vec<Tensor> = (0..40).map(|i| f32s(&[1, 1], &[i as f32])).collect();
    let all: Vec<f32> = (0..40).map(|i| i as f32).collect();
    gives(Concat { axis: 1 }, &many.iter().collect::<Vec<_>>(), &[f32s(&[1, 40], &all)]);
}

#[test]
fn what_stands_around_a_tensor() {
    let x = i8s(&[4], &[1, 2, 3, 4]);
    let padded = |before, after, mode, y: &[i8]| {
        gives(Pad::new([before], [after]).mode(mode), &[&x], &[i8s(&[y.len()], y)]);
    };
    padded(1, 2, PadMode::Constant(-3.0), &[-3, 1, 2, 3, 4, -3, -3]);
    padded(3, 2, PadMode::Reflect, &[4, 3, 2, 1, 2, 3, 4, 3, 2]);
    padded(1, 2, PadMode::Edge, &[1, 1, 2, 3, 4, 4, 4]);
    padded(5, 6, PadMode::Wrap, &[4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2]);
    // What is taken away is not seen any more.
    padded(-1, 2, PadMode::Reflect, &[2, 3, 4, 3, 2]);
    padded(2, -1, PadMode::Wrap, &[2, 3, 1, 2, 3]);
    padded(-2, 1, PadMode::Edge, &[3, 4, 4]);
    padded(-4, 2, PadMode::Constant(7.0), &[7, 7]);
    padded(-1, -3, PadMode::Reflect, &[]);
    let below = Pad::new([0], [1]).mode(PadMode::Constant(f32::NEG_INFINITY));
    gives(below, &[&f32s(&[1], &[1.])], &[f32s(&[2], &[1., f32::NEG_INFINITY])]);
    let plane = f32s(&[2, 2], &[1., 2., 3., 4.]);
    let y = [4., 3., 4., 3., 2., 1., 2., 1., 4., 3., 4., 3.];
    gives(Pad::new([1, 1], [0, 1]).mode(PadMode::Reflect), &[&plane], &[f32s(&[3, 4], &y[..12])]);
}

#[test]
fn copies_of_what_is_not_there_are_refused() {
    use DType::{F16, F32, I32, U8};
    let parameter = |error: Error| match error {
        Error::Parameter { parameter, rule, .. } => (parameter, rule),
        other => panic!("{other:?}"),
    };
    let of = |shape: &[usize], strides: &[isize], offset| {
        parameter(refused(AsStrided::new(shape, strides, offset), &[(U8, &[2, 3])]))
    };
    assert_eq!(of(&[2], &[1, 1], 0).0, "strides");
    assert_eq!(of(&[1], &[9], 6), ("offset", "the input has 6 elements".into()));
    let (name, rule) = of(&[2, 4], &[3, 1], 0);
    assert!(
        name == "strides" && rule.contains("axis 1 of shape [2, 4]") && rule.contains("0 to 6"),
        "{rule}"
    );
    assert!(of(&[2, 2], &[-1, 1], 0).1.contains("axis 0"));
    assert!(of(&[1 << 40], &[isize::MAX], 0).1.contains("axis 0"));
    let nine = AsStrided::new([2; 9], [1, 3, 9, 27, 81, 243, 729, 2187, 6561], 0);
    assert!(matches!(refused(nine, &[(U8, &[10_000])]), Error::Rank { got: 9, .. }));
    assert!(matches!(refused(AsStrided::new([usize::MAX], [0], 0), &[(U8, &[1])]), Error::TooLarge { .. }));
    assert_eq!(parameter(AsStrided::transpose(&[2, 3], &[0, 0]).unwrap_err()).0, "order");
    assert_eq!(parameter(AsStrided::slice(&[2], &[0], &[1], &[0]).unwrap_err()).0, "steps");
    assert_eq!(parameter(AsStrided::slice(&[2], &[0, 0], &[1], &[1]).unwrap_err()).0, "starts");
    assert_eq!(parameter(AsStrided::expand(&[2, 3], &[2]).unwrap_err()).0, "shape");
    assert!(AsStrided::slice(&[usize::MAX, 4], &[0; 2], &[1; 2], &[1; 2]).is_err());

    let concat = |axis, inputs: &[Given<'_>]| refused(Concat { axis }, inputs);
    assert!(matches!(concat(0, &[]), Error::Arity { got: 0, .. }));
    assert_eq!(parameter(concat(2, &[(F32, &[1, 2])])).1, "a tensor of shape [1, 2] has axes -2 to 1");
    assert_eq!(parameter(concat(0, &[(F32, &[])])).0, "axis");
    assert!(matches!(concat(0, &[(F32, &[1, 2]), (F32, &[1, 3])]), Error::Shape { .. }));
    assert!(matches!(concat(0, &[(F32, &[1, 2]), (F32, &[1])]), Error::Shape { .. }));
    assert!(matches!(concat(0, &[(F32, &[1]), (F16, &[1])]), Error::Type { got: F16, .. }));
    let half: &[usize] = &[usize::MAX / 2 + 1, 0];
    assert!(matches!(concat(0, &[(U8, half), (U8, half)]), Error::TooLarge { .. }));

    let pad = |before: isize, after, mode| refused(Pad::new([before], [after]).mode(mode), &[(U8, &[3])]);
    for constant in [-1.0, 256.0, 0.5, f32::NAN, f32::INFINITY] {
        assert_eq!(parameter(pad(0, 1, PadMode::Constant(constant))).0, "constant", "{constant}");
    }
    let third = Pad::new([1], [0]).mode(PadMode::Constant(0.3));
    assert_eq!(parameter(refused(third, &[(F16, &[1])])).0, "constant");
    assert_eq!(parameter(refused(Pad::new([0], [0, 0]), &[(I32, &[1])])).0, "after");
    assert!(matches!(pad(3, 0, PadMode::Reflect), Error::Shape { .. }));
    assert!(matches!(pad(-2, 1, PadMode::Reflect), Error::Shape { .. }));
    assert!(matches!(pad(-3, 1, PadMode::Wrap), Error::Shape { .. }));
    assert!(matches!(pad(-3, 1, PadMode::Edge), Error::Shape { .. }));
    assert!(matches!(pad(-2, -2, PadMode::Edge), Error::Shape { .. }));
    assert!(matches!(pad(isize::MAX, isize::MAX, PadMode::Wrap), Error::TooLarge { .. }));
    assert!(matches!(pad(isize::MIN, 0, PadMode::Wrap), Error::Shape { .. }));
    // What a binding does not hold is an error, since strides reach anywhere.
    let mut caps = Caps::default();
    caps.max_binding = 1 << 10;
    let inputs = [TensorDesc::f32([300])];
    let error = Plan::new(&AsStrided::new([300], [-1], 299).into(), &inputs, &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: "max_storage_buffer_binding_size", .. }));
}
