//! Variants of the error that no other test looks at.

use wgpool::model::{LayerKind, Sequential};
use wgpool::{
    Activation, Backend, Caps, Choice, Conv, DType, Error, MaxUnpool, Op, Plan, Pool, Softmax, Tensor,
    TensorDesc, host,
};

fn refused(op: impl Into<Op>, inputs: &[TensorDesc]) -> Error {
    Plan::new(&op.into(), inputs, &Caps::default()).unwrap_err()
}

#[test]
fn what_plans_refuse() {
    let f32 = |shape: &[usize]| TensorDesc::f32(shape);
    let x = f32(&[1, 1, 4, 4]);
    let error = refused(Pool::max([2]).stride([0]), std::slice::from_ref(&x));
    assert!(matches!(error, Error::Parameter { .. }), "{error:?}");
    let error = refused(Pool::max([2]), &[f32(&[4])]);
    assert!(matches!(error, Error::Rank { got: 1, .. }), "{error:?}");
    let error = refused(Conv::new(), &[x.clone(), f32(&[1, 2, 1, 1])]);
    assert!(matches!(error, Error::Shape { .. }), "{error:?}");
    let error = refused(Pool::max([5, 5]), std::slice::from_ref(&x));
    assert!(matches!(error, Error::Window { window: 5, padded: 4, .. }), "{error:?}");
    let error = refused(Softmax::last_axis(), &[]);
    assert!(matches!(error, Error::Arity { got: 0, .. }), "{error:?}");
    let error = refused(Activation::Relu, &[TensorDesc { shape: vec![1], dtype: DType::I32 }]);
    assert!(matches!(error, Error::Type { got: DType::I32, .. }), "{error:?}");
    let error = refused(Activation::Relu, &[f32(&[usize::MAX, 2])]);
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[test]
fn what_runs_and_models_refuse() {
    let x = Tensor::from_f32(&[1, 1, 1], vec![1.0]).unwrap();
    let place = Tensor::new(&[1, 1, 1], wgpool::Data::I32(vec![7])).unwrap();
    let error = host::run(&Op::from(MaxUnpool::new([2])), &[&x, &place]).unwrap_err();
    assert!(matches!(error, Error::Value { at: 0, .. }), "{error:?}");
    let error = Backend::open(&Choice::Named("no adapter is called this".into())).unwrap_err();
    assert!(matches!(error, Error::NoAdapter { .. }), "{error:?}");
    let model = Sequential::new("m", [1, 4]).layer("pool", LayerKind::Pool(Pool::max([5])));
    let error = model.program(1).unwrap_err();
    assert!(matches!(error, Error::InLayer { .. }), "{error:?}");
    let json = br#"{"class_name": "Sequential", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [null, 4]}},
        {"class_name": "Unheard", "config": {"name": "l"}}]}}"#;
    let error = wgpool::model::keras::architecture(json).unwrap_err();
    assert!(matches!(error, Error::Layer { .. }), "{error:?}");
}
