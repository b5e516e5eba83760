//! Gradients: against central differences in 64 bits, the same bits in every run, and what is refused.

use wgpool::spec::gradient::{
    ActivationGradient, ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient,
    ConvWeightsGradient, DenseInputGradient, DenseWeightsGradient, MaxUnpoolGradient, PReluGradient,
    PoolGradient, SoftmaxGradient,
};
use wgpool::{
    Activation, ActivationKind, AdaptivePool, Conv, ConvTranspose, DType, Data, Dense, Error, GlobalPool,
    IndexNumbering, KernelLayout, Layout, MaxUnpool, Op, Padding, Pool, PoolKind, Problem, Softmax, Tensor,
    TensorDesc, host, reference,
};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::{Family, Rng};

/// Differences of inputs: a power of two, so that 32-bit floats hold inputs and their neighbours.
const STEP: f32 = 1.0 / 1024.0;

/// Numbers between which there are 64 steps at least, so that none passes another.
fn apart(shape: &[usize], rng: &mut Rng) -> Tensor {
    let elements: usize = shape.iter().product();
    let mut numbers: Vec<f32> =
        (0..elements).map(|i| (i as f32 - elements as f32 / 2.0 + 0.25) / 16.0).collect();
    for i in (1..elements).rev() {
        numbers.swap(i, rng.between(0, i));
    }
    Tensor::from_f32(shape, numbers).unwrap()
}

/// The outputs of the reference in 64 bits.
fn exact(op: &Op, inputs: &[&Tensor]) -> Vec<reference::Exact> {
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    reference::evaluate(&Problem::new(op, &descs).unwrap(), inputs).unwrap()
}

/// Compares the gradient that `backward` makes of a random one with the fourth-order central difference of `forward` by its
/// input `by`. `backward` gets the gradient, and what the forward pass returned.
fn check(
    forward: &Op,
    inputs: &[&Tensor],
    by: usize,
    backward: impl Fn(&Tensor, &[Tensor]) -> (Op, Vec<Tensor>),
) {
    let mut rng = Rng::new(3);
    let passed = exact(forward, inputs);
    let outputs: Vec<Tensor> = passed.iter().map(|y| y.to_tensor().unwrap()).collect();
    let gradient = apart(&passed[0].desc.shape, &mut rng);
    let (op, given) = backward(&gradient, &outputs);
    let found = exact(&op, &given.iter().collect::<Vec<_>>());
    let objective = |at: usize, steps: f32| -> f64 {
        let mut moved = inputs[by].as_f32().unwrap().to_vec();
        moved[at] += steps * STEP;
        let moved = Tensor::from_f32(inputs[by].shape(), moved).unwrap();
        let mut inputs = inputs.to_vec();
        inputs[by] = &moved;
        let values = exact(forward, &inputs).remove(0).values;
        values.iter().zip(gradient.as_f32().unwrap()).map(|(y, &g)| y * f64::from(g)).sum()
    };
    assert_eq!(found[0].desc.shape, inputs[by].shape());
    let mut largest: f64 = 0.0;
    for (at, &value) in found[0].values.iter().enumerate() {
        let near = objective(at, 1.0) - objective(at, -1.0);
        let far = objective(at, 2.0) - objective(at, -2.0);
        let difference = (8.0 * near - far) / (12.0 * f64::from(STEP));
        let off = (value - difference).abs();
        assert!(off <= 1e-4 * difference.abs().max(1.0), "{op:?} [{at}]: {value}, not {difference}");
        largest = largest.max(value.abs());
    }
    assert!(largest > 0.0, "{op:?}: all are 0");
}

fn spaces() -> [(Vec<usize>, Layout); 3] {
    [(vec![2, 2, 9], Layout::Nchw), (vec![2, 2, 5, 6], Layout::Nchw), (vec![1, 3, 4, 3, 2], Layout::Nhwc)]
}

#[test]
fn pooling_by_central_differences() {
    let kinds = [
        PoolKind::Max,
        PoolKind::Average { count_include_pad: true, divisor: None },
        PoolKind::Average { count_include_pad: false, divisor: None },
        PoolKind::Average { count_include_pad: false, divisor: Some(5) },
        PoolKind::Lp { p: 1.0 },
        PoolKind::Lp { p: 2.0 },
        PoolKind::Lp { p: 3.0 },
        PoolKind::Lp { p: 1.5 },
        PoolKind::LpTorch { p: 1.0 },
        PoolKind::LpTorch { p: 2.0 },
        PoolKind::LpTorch { p: 3.0 },
        PoolKind::LpTorch { p: 1.5 },
    ];
    for (shape, layout) in spaces() {
        let drawn = apart(&shape, &mut Rng::new(1));
        let least = shape.iter().product::<usize>() as f32 / 32.0;
        let positive = drawn.as_f32().unwrap().iter().map(|x| x + least + 1.0).collect();
        let positive = Tensor::from_f32(&shape, positive).unwrap();
        for kind in kinds {
            // Of sums of powers that may be negative there are no roots.
            let is_signed = !matches!(kind, PoolKind::LpTorch { p } if p != 1.0 && p != 2.0);
            let x = if is_signed { &drawn } else { &positive };
            let indices = (kind == PoolKind::Max).then_some(IndexNumbering::WholeRowMajor);
            let mut pool = Pool::new(kind, 2).stride(1).padding(Padding::symmetric(1)).ceil_mode(true);
            (pool.indices, pool.layout) = (indices, layout);
            let given = |gradient: &Tensor, outputs: &[Tensor]| match kind {
                PoolKind::Max => vec![gradient.clone(), outputs[1].clone()],
                PoolKind::Average { .. } => vec![gradient.clone()],
                _ => vec![gradient.clone(), x.clone(), outputs[0].clone()],
            };
            check(&pool.clone().into(), &[x], 0, |gradient, outputs| {
                let of = PoolGradient::new(pool.clone(), shape.clone());
                (of.into(), given(gradient, outputs))
            });
            if kind != PoolKind::Max {
                let pool = GlobalPool { kind, layout };
                check(&pool.into(), &[x], 0, |gradient, outputs| {
                    (PoolGradient::new(pool, shape.clone()).into(), given(gradient, outputs))
                });
            }
        }
        for mut pool in [AdaptivePool::max(2).indices(IndexNumbering::PerPlane), AdaptivePool::average(2)] {
            pool.layout = layout;
            check(&pool.clone().into(), &[&drawn], 0, |gradient, outputs| {
                let inputs = [vec![gradient.clone()], outputs[1..].to_vec()].concat();
                (PoolGradient::new(pool.clone(), shape.clone()).into(), inputs)
            });
        }
    }
}

#[test]
fn negative_terms_of_norms_by_central_differences() {
    let x = Tensor::from_f32(&[1, 1, 6], vec![3.0, -1.0, 4.0, -2.5, -0.5, 2.0]).unwrap();
    for p in [1.0, 2.0, 3.0, 4.0, 5.0] {
        let pool = Pool::new(PoolKind::LpTorch { p }, 2).stride(2);
        check(&pool.clone().into(), &[&x], 0, |gradient, outputs| {
            let inputs = vec![gradient.clone(), x.clone(), outputs[0].clone()];
            (PoolGradient::new(pool.clone(), x.shape()).into(), inputs)
        });
    }
}

/// With the exponent 1 it is the sum, which has a slope at zero, and all taps count.
#[test]
fn sums_of_pytorchs_norm_have_a_slope_at_zero() {
    let pool = Pool::new(PoolKind::LpTorch { p: 1.0 }, 2).stride(1).padding(Padding::symmetric(1));
    let x = Tensor::from_f32(&[1, 1, 2], vec![0.0, -3.0]).unwrap();
    let [gradient, norms] = [[1.0, 10.0, 100.0], [0.0, 3.0, 6.0]]
        .map(|values| Tensor::from_f32(&[1, 1, 3], values.to_vec()).unwrap());
    let op = Op::from(PoolGradient::new(pool, [1, 1, 2]));
    let inputs = [&gradient, &x, &norms];
    for found in [host::run(&op, &inputs).unwrap(), engine().run(&op, &inputs).unwrap()] {
        assert_eq!(found[0].as_f32().unwrap(), [12.0, 210.0]);
    }
}

/// Of a negative number only powers of whole exponents are numbers.
#[test]
fn powers_of_negative_numbers_are_nan() {
    let tensor = |values: [f32; 2]| Tensor::from_f32(&[1, 1, 2], values.to_vec()).unwrap();
    let (gradient, x, norms) = (tensor([1.0, 1.0]), tensor([-1.0, 2.0]), tensor([2.0, 4.0]));
    for (p, expected) in [(2.0, -0.5), (3.0, 0.25), (2.5, f32::NAN)] {
        let pool = Pool::new(PoolKind::LpTorch { p }, 1).stride(1);
        let op = Op::from(PoolGradient::new(pool, [1, 1, 2]));
        let inputs = [&gradient, &x, &norms];
        let exact = exact(&op, &inputs);
        for found in [host::run(&op, &inputs).unwrap(), engine().run(&op, &inputs).unwrap()] {
            assert_eq!(reference::compare(&exact[0], &found[0]).unwrap(), None, "{p}");
            let found = found[0].as_f32().unwrap();
            assert!(found[0].is_nan() == expected.is_nan() && !found[1].is_nan(), "{p}: {found:?}");
            assert!(expected.is_nan() || (found[0] - expected).abs() < 1e-6, "{p}: {found:?}");
        }
    }
}

#[test]
fn prelu_by_central_differences() {
    let (x, slope) = (apart(&[2, 3, 4], &mut Rng::new(1)), apart(&[3, 1], &mut Rng::new(2)));
    let forward = Op::from(Activation::PRelu);
    check(&forward, &[&x, &slope], 0, |gradient, _| {
        (PReluGradient::by_input().into(), vec![x.clone(), slope.clone(), gradient.clone()])
    });
    let wide = Tensor::from_f32(&[2, 3, 4], slope.as_f32().unwrap().repeat(8)).unwrap();
    check(&forward, &[&x, &wide], 1, |gradient, _| {
        (PReluGradient::by_slope().into(), vec![x.clone(), gradient.clone()])
    });
    let three = [x.clone(), slope, apart(x.shape(), &mut Rng::new(3))];
    let all: Vec<&Tensor> = three.iter().collect();
    for op in [Op::from(PReluGradient::by_input()), PReluGradient::by_slope().into()] {
        let inputs =
            if op == Op::from(PReluGradient::by_input()) { all.clone() } else { vec![all[0], all[2]] };
        let expected = exact(&op, &inputs);
        for found in [host::run(&op, &inputs).unwrap(), engine().run(&op, &inputs).unwrap()] {
            assert_eq!(reference::compare(&expected[0], &found[0]).unwrap(), None, "{op:?}");
        }
    }
}

#[test]
fn unpooling_by_central_differences() {
    let x = apart(&[1, 2, 3], &mut Rng::new(1));
    let indices = Tensor::new(&[1, 2, 3], Data::I32(vec![4, 0, 2, 1, 3, 0])).unwrap();
    let of = MaxUnpool::new(5);
    check(&of.clone().into(), &[&x, &indices], 0, |gradient, _| {
        (MaxUnpoolGradient { of: of.clone() }.into(), vec![gradient.clone(), indices.clone()])
    });
}

#[test]
fn convolutions_by_central_differences() {
    let mut rng = Rng::new(2);
    for (layout, kernel_layout) in [(Layout::Nchw, KernelLayout::Oihw), (Layout::Nhwc, KernelLayout::Hwio)] {
        let (images, kernels): ([usize; 4], [usize; 4]) = match layout {
            Layout::Nchw => ([2, 4, 6, 5], [6, 2, 2, 3]),
            Layout::Nhwc => ([2, 6, 5, 4], [2, 3, 2, 6]),
        };
        let (x, w) = (apart(&images, &mut rng), apart(&kernels, &mut rng));
        let padding = Padding::Explicit { before: vec![1, 0], after: vec![0, 2] };
        let of = Conv::new().stride([2, 1]).dilation([1, 2]).padding(padding.clone()).groups(2);
        let of = Conv { layout, kernel_layout, ..of };
        check(&of.clone().into(), &[&x, &w], 0, |gradient, _| {
            let by_input = ConvInputGradient::new(of.clone(), images);
            (by_input.into(), vec![gradient.clone(), w.clone()])
        });
        check(&of.clone().into(), &[&x, &w], 1, |gradient, _| {
            let by_kernel = ConvWeightsGradient::new(of.clone(), [2, 3]);
            (by_kernel.into(), vec![x.clone(), gradient.clone()])
        });
        let kernels: [usize; 4] = match layout {
            Layout::Nchw => [4, 3, 2, 3],
            Layout::Nhwc => [2, 3, 3, 4],
        };
        let w = apart(&kernels, &mut rng);
        let of = ConvTranspose::new().stride([2, 1]).padding(padding);
        let of = ConvTranspose {
            groups: 2,
            layout,
            kernel_layout,
            dilation: vec![1, 2],
            output_padding: vec![1, 0],
            ..of
        };
        check(&of.clone().into(), &[&x, &w], 0, |gradient, _| {
            let by_input = ConvTransposeInputGradient::new(of.clone(), images);
            (by_input.into(), vec![gradient.clone(), w.clone()])
        });
        check(&of.clone().into(), &[&x, &w], 1, |gradient, _| {
            let by_kernel = ConvTransposeWeightsGradient::new(of.clone(), [2, 3]);
            (by_kernel.into(), vec![x.clone(), gradient.clone()])
        });
    }
    let (x, w) = (apart(&[2, 3, 4], &mut rng), apart(&[4, 5], &mut rng));
    let of = Dense::new();
    check(&of.into(), &[&x, &w], 0, |gradient, _| {
        (DenseInputGradient { of }.into(), vec![gradient.clone(), w.clone()])
    });
    check(&of.into(), &[&x, &w], 1, |gradient, _| {
        (DenseWeightsGradient { of }.into(), vec![x.clone(), gradient.clone()])
    });
}

#[test]
fn activations_and_softmax_by_central_differences() {
    let x = apart(&[7, 12], &mut Rng::new(1));
    for kind in ActivationKind::ALL.into_iter().filter(|kind| *kind != ActivationKind::PRelu) {
        let of = Activation::from(kind);
        check(&of.into(), &[&x], 0, |gradient, _| {
            (ActivationGradient { of }.into(), vec![gradient.clone(), x.clone()])
        });
    }
    for axis in [0, 1] {
        let of = Softmax { axis };
        check(&of.into(), &[&x], 0, |gradient, outputs| {
            (SoftmaxGradient { of }.into(), vec![gradient.clone(), outputs[0].clone()])
        });
    }
}

const FAMILIES: [Family; 9] = [
    Family::PoolGradient,
    Family::MaxUnpoolGradient,
    Family::InputGradient,
    Family::WeightsGradient,
    Family::ActivationGradient,
    Family::SoftmaxGradient,
    Family::CrossEntropy,
    Family::RoiAlignGradient,
    Family::DropoutMask,
];

#[test]
fn the_host_path_stays_in_its_bound() {
    for family in FAMILIES {
        let mut rng = Rng::new(17);
        for number in 0..250 {
            let case = family.case(&mut rng, true);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            let outputs = host::run(&case.op, &inputs).unwrap();
            for (exact, got) in exact(&case.op, &inputs).iter().zip(&outputs) {
                let mismatch = reference::compare(exact, got).unwrap();
                assert!(mismatch.is_none(), "{family:?} {number} {:?}: {}", case.op, mismatch.unwrap());
            }
        }
    }
}

/// No sum depends on which invocation or thread comes first.
#[test]
fn results_are_the_same_bits_in_every_run() {
    let mut rng = Rng::new(5);
    for case in (0..60).map(|i| FAMILIES[i % FAMILIES.len()].case(&mut rng, engine().caps().f16)) {
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        let first = engine().run(&case.op, &inputs).unwrap();
        let on_host = host::run(&case.op, &inputs).unwrap();
        let one = rayon_of(1, || host::run(&case.op, &inputs).unwrap());
        for _ in 0..3 {
            let again = engine().run(&case.op, &inputs).unwrap();
            assert_eq!(bytes(&first), bytes(&again), "{:?}", case.op);
            assert_eq!(bytes(&on_host), bytes(&host::run(&case.op, &inputs).unwrap()), "{:?}", case.op);
        }
        assert_eq!(bytes(&on_host), bytes(&one), "{:?} on one thread", case.op);
    }
}

fn bytes(tensors: &[Tensor]) -> Vec<&[u8]> {
    tensors.iter().map(|tensor| tensor.data().as_bytes()).collect()
}

fn rayon_of<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn what_does_not_fit_is_refused() {
    let f32 = |shape: &[usize]| TensorDesc::f32(shape.to_vec());
    let indices = |shape: &[usize]| TensorDesc { shape: shape.to_vec(), dtype: DType::I32 };
    let refused = |op: Op, inputs: &[TensorDesc], part: &str| {
        let error = Problem::new(&op, inputs).unwrap_err();
        assert!(error.to_string().contains(part), "{op:?}: {error}");
    };
    let max = || Pool::max(2).indices(IndexNumbering::PerPlane);
    let of = |pool: Pool| Op::from(PoolGradient::new(pool, [1, 2, 4, 4]));
    let gradient = [1, 2, 2, 2];
    refused(of(max()), &[], "one to three");
    refused(of(max()), &[f32(&gradient)], "two (gradient, indices)");
    refused(of(max()), &[f32(&[1, 2, 2, 3]), indices(&[1, 2, 2, 3])], "[1, 2, 2, 2]");
    refused(of(max()), &[f32(&[1, 1, 2, 2]), indices(&[1, 1, 2, 2])], "[1, 2, 2, 2]");
    refused(of(max()), &[f32(&gradient), f32(&gradient)], "i32");
    refused(of(max()), &[f32(&gradient), indices(&[1, 2, 2, 3])], "as the gradient has");
    refused(of(Pool::max(2)), &[f32(&gradient), indices(&gradient)], "must have stored them");
    refused(of(Pool::average(2)), &[f32(&gradient), f32(&gradient)], "one (gradient)");
    let lp = |kind| of(Pool::new(kind, 2));
    refused(lp(PoolKind::Lp { p: 2.0 }), &[f32(&gradient)], "three (gradient, input, output)");
    let three = [f32(&gradient), f32(&[1, 2, 4, 4]), f32(&gradient)];
    Problem::new(&lp(PoolKind::LpTorch { p: 2.0 }), &three).unwrap();
    refused(lp(PoolKind::LpTorch { p: 2.0 }), &[f32(&gradient)], "three (gradient, input, output)");
    refused(lp(PoolKind::Lp { p: 2.0 }), &[f32(&gradient), f32(&gradient), f32(&gradient)], "had");

    let w = f32(&[4, 2, 3, 3]);
    let conv = |conv: Conv| Op::from(ConvInputGradient::new(conv, [1, 2, 5, 5]));
    refused(conv(Conv::new()), &[f32(&[1, 4, 3, 4]), w.clone()], "[1, 4, 3, 3]");
    refused(conv(Conv::new()), &[f32(&[2, 4, 3, 3]), w.clone()], "[1, 4, 3, 3]");
    let active = Conv::new().activation(Activation::Relu);
    refused(conv(active), &[f32(&[1, 4, 3, 3]), w.clone()], "operation of its own");
    let weights = |window: &[usize]| Op::from(ConvWeightsGradient::new(Conv::new(), window));
    refused(weights(&[3, 3]), &[f32(&[1, 2, 5, 5]), f32(&[1, 4, 2, 3])], "[1, 4, 3, 3]");
    refused(weights(&[0, 3]), &[f32(&[1, 2, 5, 5]), f32(&[1, 4, 3, 3])], "no axis may be 0");
    let activation = |of| Op::from(ActivationGradient { of });
    refused(activation(Activation::Relu), &[f32(&[3]), f32(&[4])], "as the gradient has");
    refused(activation(Activation::PRelu), &[f32(&[3]), f32(&[3])], "PReLU");
    refused(Op::from(SoftmaxGradient { of: Softmax { axis: 2 } }), &[f32(&[3]), f32(&[3])], "axis");

    // An index of an element that the window does not have.
    let gradient = Tensor::from_f32(&[1, 1, 2], vec![1., 2.]).unwrap();
    let op = Op::from(PoolGradient::new(max(), [1, 1, 4]));
    for (index, fits) in [(0, true), (-1, true), (2, false), (4, false), (-2, false)] {
        let indices = Tensor::new(&[1, 1, 2], Data::I32(vec![index, 3])).unwrap();
        for result in [host::run(&op, &[&gradient, &indices]), engine().run(&op, &[&gradient, &indices])] {
            match result {
                Ok(_) => assert!(fits, "{index}"),
                Err(error) => assert!(!fits && matches!(error, Error::Value { .. }), "{index}: {error}"),
            }
        }
    }
}
