//! ONNX models whose inputs have other shapes from run to run.

use wgpool::error::Refusal;
use wgpool::{Backend, Error, Tensor};
use wgpool_net::SessionCache;
use wgpool_net::onnx::Options;
use wgpool_testing::support;

use super::message::{Message, model, node, value};

/// `x + w` and `y * 2`, where `x` has three columns.
fn file() -> Vec<u8> {
    let floats = |name: &str, numbers: &[f32]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Message::new().ints(1, &[numbers.len() as i64]).int(2, 1).bytes(8, name).bytes(9, bytes)
    };
    model(
        Message::new()
            .with(1, node("Add", &["x", "w"], &["a"]))
            .with(1, node("Mul", &["a", "two"], &["y"]))
            .with(5, floats("w", &[1.0, 2.0, 3.0]))
            .with(5, floats("two", &[2.0]))
            .with(11, value("x"))
            .with(12, value("y")),
    )
}

#[test]
fn shapes_of_an_onnx_model_come_from_its_inputs() {
    for backend in [Backend::Gpu(support::engine().clone()), Backend::Host] {
        let cache = SessionCache::of_onnx(&backend, 2, file(), Options::default()).unwrap();
        for rows in [1, 3, 1, 2] {
            let x = Tensor::from_f32(&[rows, 3], vec![1.0; 3 * rows]).unwrap();
            assert_eq!(cache.run(&x).unwrap().as_f32().unwrap(), [4.0, 6.0, 8.0].repeat(rows));
        }
        let uses = cache.uses();
        assert_eq!((uses.hits, uses.misses, uses.evictions), (1, 3, 1));
        let error = cache.run(&Tensor::from_f32(&[1, 5], vec![0.0; 5]).unwrap()).unwrap_err();
        assert!(matches!(error, Error::Network { refusal: Refusal::Shape, .. }), "{error}");
        assert!(matches!(cache.run_all(&[]), Err(Error::Arity { got: 0, .. })));
    }
    assert!(SessionCache::of_onnx(&Backend::Host, 2, *b"no model", Options::default()).is_err());
}
