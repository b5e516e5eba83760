//! What an app that embeds the library writes first: tensors, operations, names read from its own settings, and the errors
//! it gets for the usual mistakes.

use wgpool::half::f16;
use wgpool::{
    AdaptivePool, Col2Im, Conv, ConvPool, ConvTranspose, DType, Data, Error, Layout, MaxUnpool, Op, Padding,
    PerAxis, Pool, Tensor, TensorDesc, host,
};

#[test]
fn zeros_have_the_type_that_is_asked_for() {
    for name in ["f32", "f16", "u8", "i8", "i32"] {
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
    assert!(error.contains("float32") && error.contains("f32, f16, u8, i8 or i32"), "{error}");
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
