//! What an app that embeds the library writes first: tensors, operations, names read from its own settings, and the errors
//! it gets for the usual mistakes.

use std::collections::HashMap;

use wgpool::engine::{Search, adapters};
use wgpool::half::f16;
use wgpool::{
    Activation, ActivationKind, AdaptivePool, Backend, Caps, Choice, Col2Im, Conv, ConvInteger, ConvPool,
    ConvTranspose, Crop, DType, Data, DeformConv, Dense, Error, FramePlan, FrameToTensor, IndexNumbering,
    KernelLayout, Layout, MaxUnpool, Op, Padding, PerAxis, Pool, PoolKind, Problem, Tensor, TensorDesc, host,
};

#[test]
fn zeros_have_the_type_that_is_asked_for() {
    for name in ["f32", "f16", "bf16", "u8", "i8", "i32"] {
        let dtype: DType = name.parse().unwrap();
        let zeros = Tensor::zeros(&[2, 3], dtype).unwrap();
        assert_eq!(zeros.desc(), TensorDesc { shape: vec![2, 3], dtype });
        assert!((0..6).all(|i| zeros.data().get(i) == Some(0.0)), "{name}");
    }
    assert!(matches!(Tensor::zeros(&[usize::MAX, 2], DType::U8), Err(Error::TooLarge { .. })));
    assert!(matches!(Tensor::zeros(&[1 << 55], DType::F32), Err(Error::OutOfMemory { .. })));
}

#[test]
fn elements_go_in_as_vectors_and_come_out_as_slices() {
    let half = [f16::ONE, f16::NAN];
    assert_eq!(Tensor::new(&[2], vec![1.0, 2.0]).unwrap().as_f32().unwrap(), [1.0, 2.0]);
    assert_eq!(Tensor::new(&[1], half[..1].to_vec()).unwrap().as_f16().unwrap(), [f16::ONE]);
    assert_eq!(Tensor::new(&[2], vec![1u8, 255]).unwrap().as_u8().unwrap(), [1, 255]);
    assert_eq!(Tensor::new(&[2], vec![-1i8, 127]).unwrap().as_i8().unwrap(), [-1, 127]);
    let words = Tensor::new(&[2], vec![-1i32, i32::MAX]).unwrap();
    assert_eq!(words.as_i32().unwrap(), [-1, i32::MAX]);
    assert_eq!(Data::from(vec![3i32]), Data::I32(vec![3]));

    let errors = [words.as_f32().err(), words.as_f16().err(), words.as_u8().err(), words.as_i8().err()];
    for (error, name) in errors.into_iter().zip(["f32", "f16", "u8", "i8"]) {
        let text = error.unwrap().to_string();
        assert_eq!(text, format!("tensor: the tensor has element type i32, but {name} was asked for"));
    }
}

#[test]
fn names_are_read_as_they_are_printed() {
    assert_eq!(TensorDesc::f32([1, 3, 8, 8]).to_string(), "f32 [1, 3, 8, 8]");
    assert_eq!(TensorDesc { shape: vec![], dtype: DType::I8 }.to_string(), "i8 []");
    for (layout, text) in [(Layout::Nchw, "NCHW"), (Layout::Nhwc, "NHWC")] {
        assert_eq!(layout.to_string(), text);
        assert_eq!(text.parse::<Layout>().unwrap(), layout);
        assert_eq!(text.to_lowercase().parse::<Layout>().unwrap(), layout);
    }
    for text in ["", "chw", "nchw "] {
        let error = text.parse::<Layout>().unwrap_err().to_string();
        assert!(error.contains("NCHW or NHWC") && error.contains(&format!("{text:?}")), "{error}");
    }
    assert_eq!("U8".parse::<DType>().unwrap(), DType::U8);
    let error = "float32".parse::<DType>().unwrap_err().to_string();
    assert!(error.contains("float32") && error.contains("f32, f16, bf16, u8, i8 or i32"), "{error}");
}

#[test]
fn one_number_stands_for_all_axes() {
    let x = Tensor::new(&[1, 1, 4, 4], (0..16u8).map(f32::from).collect::<Vec<_>>()).unwrap();
    let w = Tensor::new(&[1, 1, 2, 2], vec![1.0f32, 0.0, 0.0, 1.0]).unwrap();
    let same = |a: Op, b: Op, inputs: &[&Tensor]| {
        let [a, b] = [a, b].map(|op| host::run(&op, inputs).unwrap());
        assert_eq!(a, b);
        a[0].shape().to_vec()
    };
    let pools: [fn(PerAxis) -> Pool; 2] = [Pool::max, Pool::average];
    for pool in pools {
        let [all, each] =
            [pool(2.into()), pool([2, 2].into())].map(|pool| pool.stride(1).padding(Padding::symmetric(1)));
        assert_eq!(same(all.into(), each.into(), &[&x]), [1, 1, 5, 5]);
    }
    assert_eq!(same(Pool::max(2).into(), Pool::max([2, 2]).into(), &[&x]), [1, 1, 2, 2]);
    assert_eq!(same(AdaptivePool::max(3).into(), AdaptivePool::max([3, 3]).into(), &[&x]), [1, 1, 3, 3]);
    let [all, each] = [Conv::new().stride(2).dilation(2), Conv::new().stride([2, 2]).dilation(vec![2, 2])];
    assert_eq!(same(all.into(), each.into(), &[&x, &w]), [1, 1, 1, 1]);
    let [all, each] = [ConvTranspose::new().stride(2), ConvTranspose::new().stride(&[2, 2][..])];
    assert_eq!(same(all.into(), each.into(), &[&x, &w]), [1, 1, 8, 8]);
    assert_eq!(Col2Im::new([4, 4], 2).stride(2).window, [2]);
    assert_eq!(MaxUnpool::new(4).output, [4]);
}

#[test]
fn convolution_with_pooling_is_made_of_the_two() {
    let (conv, pool) = (Conv::new(), Pool::max(2));
    assert_eq!(ConvPool::new(conv.clone(), pool.clone()), ConvPool { conv, pool });
}

#[test]
fn same_is_the_padding_of_keras() {
    let same = Conv::new().padding(Padding::SAME);
    assert_eq!(same, Conv::new().padding(Padding::SameUpper));
    assert!(matches!(same.padding, Padding::SAME));
}

fn refused(op: impl Into<Op>, shapes: &[&[usize]]) -> String {
    let inputs: Vec<_> = shapes.iter().map(|shape| TensorDesc::f32(*shape)).collect();
    Problem::new(&op.into(), &inputs).unwrap_err().to_string()
}

#[test]
fn a_kernel_in_the_other_order_is_told_from_a_wrong_one() {
    let x: &[usize] = &[1, 16, 8, 8];
    let text = refused(Conv::new(), &[x, &[3, 3, 16, 32]]);
    let expected = "convolution: the kernel has shape [3, 3, 16, 32], but it is read as OIHW and does not fit 16 input \
                    channels (groups 1); as HWIO it would fit: KernelLayout::Hwio";
    assert_eq!(text, expected);
    let hwio = Conv::new().kernel_layout(KernelLayout::Hwio);
    let text = refused(hwio.clone(), &[x, &[32, 16, 3, 3]]);
    assert!(
        text.contains("read as HWIO") && text.ends_with("as OIHW it would fit: KernelLayout::Oihw"),
        "{text}"
    );
    // Depthwise: what fails first is the number of groups.
    let text = refused(Conv::new().groups(16), &[x, &[3, 3, 1, 16]]);
    assert!(text.ends_with("as HWIO it would fit: KernelLayout::Hwio"), "{text}");
    // Neither fits, or both do.
    for text in
        [refused(Conv::new(), &[x, &[3, 3, 5, 32]]), refused(Conv::new().groups(3), &[x, &[3, 3, 16, 32]])]
    {
        assert!(!text.contains("would fit"), "{text}");
    }
    let both = [x, &[16, 16, 16, 16]].map(TensorDesc::f32);
    let text = Problem::new(&hwio.into(), &both).unwrap_err().to_string();
    assert!(text.contains("the window spans"), "{text}");

    let text = refused(ConvTranspose::new(), &[x, &[3, 3, 32, 16]]);
    assert!(text.ends_with("as HWIO it would fit: KernelLayout::Hwio"), "{text}");
    let text = refused(Dense::new(), &[&[1, 4], &[3, 4]]);
    assert!(text.contains("read as [in, out]"), "{text}");
    assert!(text.ends_with("as [out, in] it would fit: DenseLayout::OutIn"), "{text}");
    assert!(!refused(Dense::new(), &[&[1, 4], &[3, 5]]).contains("would fit"));
}

#[test]
fn messages_have_words_and_not_the_names_of_rust() {
    let x: &[usize] = &[1, 2, 8, 8];
    let w: &[usize] = &[2, 2, 3, 3];
    let nhwc = Pool::max(2).layout(Layout::Nhwc);
    let indexed = Pool::max(2).indices(IndexNumbering::PerPlane);
    let lp = PoolKind::Lp { p: 2.0 };
    let integer =
        ConvInteger { conv: Conv::new().activation(Activation::Elu { alpha: 0.5 }), requantize: None };
    let bytes = [x, w, &[1], &[1]].map(|shape| TensorDesc { shape: shape.to_vec(), dtype: DType::U8 });
    let deform =
        DeformConv { conv: Conv::new().kernel_layout(KernelLayout::Hwio), offset_groups: 1, mask: false };
    let output =
        ConvTranspose { output: Some(vec![9]), ..ConvTranspose::new().padding(Padding::symmetric(1)) };
    let place = Tensor::new(&[1, 1, 1], vec![9i32]).unwrap();
    let one = Tensor::new(&[1, 1, 1], vec![1.0f32]).unwrap();
    let crop = FrameToTensor::from_texture(4, 4).crop(Crop { x: 3, y: 0, width: 4, height: 2 });
    let cases = [
        (
            refused(ConvPool::new(Conv::new(), nhwc), &[x, w]),
            "layout of the pooling is NHWC, but it must be the convolution's NCHW",
        ),
        (refused(ConvPool::new(Conv::new(), indexed), &[x, w]), "pooling is max with indices, but"),
        (refused(AdaptivePool { kind: lp, ..AdaptivePool::max(2) }, &[x]), "kind is Lp of 2, but"),
        (refused(Pool::average(2).indices(IndexNumbering::WholeRowMajor), &[x]), "indices is row-major, but"),
        (Problem::new(&integer.into(), &bytes).unwrap_err().to_string(), "activation is elu:0.5, but"),
        (refused(deform, &[x, &[1, 18, 6, 6], w]), "layout is NCHW with a kernel of HWIO, but"),
        (refused(output, &[x, w]), "padding is [1] before, [1] after, but"),
        (
            refused(Pool::max(3).dilation(1 << 30), &[x]),
            "input 8, window 3, stride 3, dilation 1073741824, padding 0 + 0 is too large",
        ),
        (
            refused(ConvTranspose::new().padding(Padding::symmetric(9)), &[x, w]),
            "stride 1, dilation 1, output padding 0 and padding 9 + 9 it",
        ),
        (host::run(&MaxUnpool::new(2).into(), &[&one, &place]).unwrap_err().to_string(), "(per plane)"),
        (FramePlan::new(&crop, &Caps::default()).unwrap_err().to_string(), "crop is 4 x 2 at (3, 0), but"),
        (host::run(&Pool::max(1).into(), &[&place]).unwrap_err().to_string(), "element type i32"),
    ];
    for (text, part) in cases {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
        for name in ["Some", "None", " { ", "Nchw", "Nhwc", "Oihw", "Hwio", "Explicit", "PerPlane", "Whole"] {
            assert!(!text.contains(name), "{text:?} has {name:?}");
        }
    }
    let problem = Problem::new(&Conv::new().into(), &[x, w].map(TensorDesc::f32)).unwrap();
    let text = problem.check(&[&Tensor::zeros(x, DType::F32).unwrap(), &one]).unwrap_err().to_string();
    assert_eq!(
        text,
        "convolution: the kernel has shape [1, 1, 1], but the problem was made for f32 [2, 2, 3, 3], this is f32"
    );
}

#[test]
fn activations_are_printed_as_they_are_read() {
    for kind in ActivationKind::ALL {
        let activation = Activation::from(kind);
        assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
    }
    assert_eq!(Activation::HardSigmoid { alpha: 0.2, beta: 0.5 }.to_string(), "hard-sigmoid:0.2,0.5");
}

#[test]
fn an_adapter_that_is_not_there_is_answered_with_those_that_are() {
    let there = adapters();
    assert!(!there.is_empty(), "these tests need an adapter");
    let nosuch: Choice = "nosuch".parse().unwrap();
    let named = Backend::open(&nosuch).unwrap_err().to_string();
    assert!(named.starts_with("no adapter for nosuch: "), "{named}");
    let mut search = Search::from_env();
    search.name = Some("nosuch".into());
    let searched = pollster::block_on(Backend::open_async(&Choice::Gpu, search)).unwrap_err().to_string();
    for text in [named, searched] {
        assert!(there.iter().all(|adapter| text.contains(&adapter.name)), "{text}");
        assert!(!text.contains("install"), "{text}");
    }
}

#[test]
fn operations_are_keys() {
    let elu = |alpha: f32| Op::from(Conv::new().activation(Activation::Elu { alpha }));
    let lp = |p: f32| Op::from(Pool { kind: PoolKind::Lp { p }, ..Pool::max(2) });
    let different = [
        elu(0.5),
        elu(0.25),
        elu(f32::NAN),
        lp(2.0),
        lp(3.0),
        Op::from(Pool { kind: PoolKind::LpTorch { p: 2.0 }, ..Pool::max(2) }),
        Op::from(Pool::max(2)),
        Op::from(Pool::max(2).layout(Layout::Nhwc)),
        Op::from(Pool::average(2)),
        Op::from(Activation::Relu),
    ];
    let numbers: HashMap<Op, usize> = different.iter().cloned().zip(0..).collect();
    assert_eq!(numbers.len(), different.len());
    for (number, op) in different.iter().enumerate() {
        assert_eq!(numbers.get(&op.clone()), Some(&number), "{op:?}");
    }
}
