//! Sessions for inputs of any shape: which are kept, what they share, and what is refused.

use wgpool::engine::open_device;
use wgpool::{
    Activation, Backend, Choice, Conv, DType, Data, Engine, Error, Padding, Result, Tensor, TensorDesc,
};
use wgpool_net::{CacheUses, Graph, Program, Session, SessionCache};
use wgpool_testing::support;

/// A convolution of three by three with a bias, for pictures of any size.
fn lower(inputs: &[TensorDesc]) -> Result<Program> {
    let mut g = Graph::new("any size");
    let x = g.input("x", TensorDesc { dtype: DType::F32, ..inputs[0].clone() });
    let kernel = g.constant(Tensor::from_f32(&[4, 1, 3, 3], (0..36).map(|i| i as f32 / 8.0).collect())?);
    let bias = g.constant(Tensor::from_f32(&[4], vec![1.0, -2.0, 3.0, 0.5])?);
    let y = g.at("conv").conv(x, kernel, Some(bias), Conv::new().padding(Padding::symmetric([1, 1])))?;
    let y = g.at("relu").one(Activation::Relu, &[y])?;
    g.output("y", y);
    g.finish()
}

fn picture(side: usize, seed: usize) -> Tensor {
    let number = |i: usize| ((i * 7 + seed) % 11) as f32 - 5.0;
    Tensor::from_f32(&[1, 1, side, side], (0..side * side).map(number).collect()).unwrap()
}

fn backends() -> Vec<Backend> {
    vec![Backend::Gpu(support::engine().clone()), Backend::Host, Backend::Reference]
}

fn uses(cache: &SessionCache) -> (u64, u64, u64) {
    let CacheUses { hits, misses, evictions, .. } = cache.uses();
    (hits, misses, evictions)
}

/// The sides of the pictures for which there are sessions.
fn sides(cache: &SessionCache) -> Vec<usize> {
    cache.shapes().iter().map(|inputs| inputs[0].shape[3]).collect()
}

#[test]
fn the_session_that_ran_longest_ago_goes() {
    for backend in backends() {
        let cache = SessionCache::new(&backend, 2, lower).unwrap();
        for (at, (side, kept, used)) in [
            (5, vec![5], (0, 1, 0)),
            (6, vec![5, 6], (0, 2, 0)),
            (5, vec![6, 5], (1, 2, 0)),
            (7, vec![5, 7], (1, 3, 1)),
            (5, vec![7, 5], (2, 3, 1)),
            (6, vec![5, 6], (2, 4, 2)),
        ]
        .into_iter()
        .enumerate()
        {
            let x = picture(side, at);
            let alone = Session::compile(&backend, lower(&[x.desc()]).unwrap()).unwrap();
            assert_eq!(cache.run(&x).unwrap(), alone.run(&x).unwrap(), "{} on {}", side, backend.name());
            assert_eq!((sides(&cache), uses(&cache)), (kept, used), "run {at}");
        }
        let (one, again) = (cache.session(&[picture(6, 0).desc()]), cache.session(&[picture(6, 0).desc()]));
        assert!(std::sync::Arc::ptr_eq(&one.unwrap(), &again.unwrap()));
    }
}

#[test]
fn weights_are_held_once_and_go_with_the_last_session() {
    for backend in backends() {
        let cache = SessionCache::new(&backend, 3, lower).unwrap();
        assert_eq!(cache.weight_bytes(), 0);
        for side in 4..9 {
            cache.run(&picture(side, 0)).unwrap();
            assert_eq!(cache.weight_bytes(), 4 * (36 + 4), "{}", backend.name());
        }
        let session = cache.session(&[picture(8, 0).desc()]).unwrap();
        cache.clear();
        assert_eq!((cache.weight_bytes(), cache.shapes().len()), (0, 0));
        // Who has a session keeps it.
        session.run(&picture(8, 0)).unwrap();
        cache.run(&picture(4, 1)).unwrap();
    }
}

#[test]
fn what_the_model_does_not_take_is_refused_and_nothing_is_kept() {
    for backend in backends() {
        let cache = SessionCache::new(&backend, 2, lower).unwrap();
        cache.run(&picture(5, 0)).unwrap();
        let shape = Tensor::from_f32(&[1, 2, 3, 3], vec![0.0; 18]).unwrap();
        let error = cache.run(&shape).unwrap_err();
        assert!(matches!(error, Error::InLayer { .. }) && error.to_string().contains("conv"), "{error}");
        let bytes = Tensor::new(&[1, 1, 3, 3], Data::U8(vec![0; 9])).unwrap();
        let error = cache.run(&bytes).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }) && error.to_string().contains("u8"), "{error}");
        let two = [&picture(3, 0), &picture(3, 0)];
        assert!(matches!(cache.run_all(&two), Err(Error::Arity { got: 2, .. })));
        assert_eq!((sides(&cache), uses(&cache)), (vec![5], (0, 4, 0)));
        assert_eq!(cache.weight_bytes(), 4 * (36 + 4));
    }
    let error = SessionCache::new(&Backend::Host, 0, lower).unwrap_err();
    assert!(matches!(error, Error::Parameter { parameter: "most", .. }), "{error}");
}

#[test]
fn runs_on_several_threads_and_as_futures() {
    for backend in backends() {
        let cache = SessionCache::new(&backend, 2, lower).unwrap();
        let run = |thread: usize| {
            for at in 0..6 {
                let x = picture(4 + (at + thread) % 3, at);
                let expected = lower(&[x.desc()]).unwrap().run(&Backend::Host, &x).unwrap();
                let got = pollster::block_on(cache.run_async(&x)).unwrap();
                let pairs = got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap());
                assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4), "{}", backend.name());
            }
        };
        std::thread::scope(|scope| (0..3).for_each(|thread| drop(scope.spawn(move || run(thread)))));
        let CacheUses { hits, misses, .. } = cache.uses();
        assert_eq!((hits + misses, cache.shapes().len()), (18, 2));
    }
}

#[test]
fn a_lost_device_is_an_error_and_keeps_nothing_more() {
    let (device, queue) = open_device(&Choice::Gpu).or_else(|_| open_device(&Choice::Software)).unwrap();
    let engine = Engine::from_device(&device, &queue);
    let cache = SessionCache::new(&Backend::Gpu(engine), 2, lower).unwrap();
    cache.run(&picture(5, 0)).unwrap();
    device.destroy();
    for side in [5, 6] {
        let error = cache.run(&picture(side, 0)).unwrap_err();
        assert!(is_lost(&error), "{error}");
    }
    assert_eq!(sides(&cache), [5]);
}

fn is_lost(error: &Error) -> bool {
    match error {
        Error::DeviceLost { .. } => true,
        Error::InLayer { source, .. } => is_lost(source),
        _ => false,
    }
}
