//! Operations that join others: the same outputs with and without, and nothing where it would not be the same.

use wgpool::{
    Activation, AsStrided, Backend, BinaryFunction, Concat, Conv, ConvTranspose, DType, Data, Dense,
    DenseLayout, Elementwise, KernelLayout, Layout, Op, Operand, Pad, PadMode, Padding, Pool, Reduce,
    ReduceKind, Resize, Softmax, Tensor, TensorDesc, UnaryFunction,
};
use wgpool_net::{Graph, Program, Session, Value};
use wgpool_testing::support::{self, numbers};

const IMAGE: [usize; 4] = [2, 3, 8, 8];

/// A graph of an image, of which `build` makes the outputs.
fn graph(build: impl FnOnce(&mut Graph, Value) -> Vec<Value>) -> Program {
    let mut g = Graph::new("joined");
    let x = g.input("x", TensorDesc::f32(IMAGE));
    for (i, output) in build(&mut g, x).into_iter().enumerate() {
        g.output(format!("y{i}"), output);
    }
    g.finish().unwrap()
}

fn conv(g: &mut Graph, x: Value) -> Value {
    let (kernel, bias) = (g.constant(numbers(&[4, 3, 3, 3], 1)), g.constant(numbers(&[4], 2)));
    g.at("conv").conv(x, kernel, Some(bias), Conv::new().padding(Padding::SameUpper)).unwrap()
}

/// The operations that are left, and the same outputs on every backend.
fn joined(program: &Program) -> Program {
    joined_on(program, &IMAGE)
}

/// The same for an input of another shape.
fn joined_on(program: &Program, shape: &[usize]) -> Program {
    let optimised = program.clone().optimised().unwrap();
    let x = numbers(shape, 9);
    let expected = program.run_all(&Backend::Reference, &[&x]).unwrap();
    for backend in [Backend::Gpu(support::engine().clone()), Backend::Host] {
        let got = Session::compile(&backend, optimised.clone()).unwrap().run_all(&[&x]).unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.shape(), expected.shape());
            for (got, expected) in got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap()) {
                let near = (got - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                assert!(near, "{}: {got} instead of {expected}", backend.name());
            }
        }
    }
    optimised
}

fn names(program: &Program) -> Vec<&str> {
    program.steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn activations_and_slopes_join_convolutions() {
    let relu = graph(|g, x| {
        let y = conv(g, x);
        vec![g.at("relu").one(Activation::Relu, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&relu)), ["conv+relu"]);
    let slope = graph(|g, x| {
        let (y, slope) = (conv(g, x), g.constant(numbers(&[1, 4, 1, 1], 5)));
        vec![g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&slope)), ["conv+prelu"]);
    // A slope for each column is none of a channel.
    let columns = graph(|g, x| {
        let (y, slope) = (conv(g, x), g.constant(numbers(&[1, 1, 1, 8], 5)));
        vec![g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&columns)), ["conv", "prelu"]);
    // One behind another, which are both kept.
    let two = graph(|g, x| {
        let y = conv(g, x);
        let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        vec![g.at("tanh").one(Activation::Tanh, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&two)), ["conv+relu", "tanh"]);
}

#[test]
fn nothing_joins_what_others_read() {
    let read_twice = graph(|g, x| {
        let y = conv(g, x);
        let relu = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        vec![g.at("sum").one(Elementwise::add(), &[relu, y]).unwrap()]
    });
    assert_eq!(names(&joined(&read_twice)), ["conv", "relu+sum"]);
    let output = graph(|g, x| {
        let y = conv(g, x);
        vec![y, g.at("relu").one(Activation::Relu, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&output)), ["conv", "relu"]);
}

#[test]
fn scales_of_channels_join_the_weights() {
    let scaled = |shape: &'static [usize], activation: Activation| {
        graph(move |g, x| {
            let y = conv(g, x);
            let y = match activation {
                Activation::None => y,
                activation => g.at("before").one(activation, &[y]).unwrap(),
            };
            let (scale, shift) = (g.constant(numbers(shape, 3)), g.constant(numbers(shape, 4)));
            let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2));
            vec![g.at("scale").one(formula, &[y, scale, shift]).unwrap()]
        })
    };
    assert_eq!(names(&joined(&scaled(&[4, 1, 1], Activation::None))), ["conv+scale"]);
    assert_eq!(names(&joined(&scaled(&[1], Activation::None))), ["conv+scale"]);
    // Of each row, and behind an activation.
    assert_eq!(names(&joined(&scaled(&[8, 1], Activation::None))), ["conv", "scale"]);
    assert_eq!(names(&joined(&scaled(&[4, 1, 1], Activation::Relu))), ["conv+before", "scale"]);
    // The number from which the convolution is taken away, a negative scale.
    let from = graph(|g, x| {
        let (y, from) = (conv(g, x), g.constant(numbers(&[4, 1, 1], 3)));
        vec![g.at("from").one(Elementwise::subtract(), &[from, y]).unwrap()]
    });
    assert_eq!(names(&joined(&from)), ["conv+from"]);
}

/// The convolution, transposed or not, with two groups.
fn grouped(op: Op, kernel: [usize; 4], layout: Layout) -> Program {
    let mut g = Graph::new("joined");
    let x = g.input("x", TensorDesc::f32(IMAGE_OF_FOUR));
    let (kernel, bias) = (g.constant(numbers(&kernel, 1)), g.constant(numbers(&[6], 2)));
    let y = g.at("conv").one(op, &[x, kernel, bias]).unwrap();
    let shape: &[usize] = if layout == Layout::Nchw { &[6, 1, 1] } else { &[6] };
    let (scale, shift) = (g.constant(numbers(shape, 3)), g.constant(numbers(shape, 4)));
    let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2));
    let y = g.at("scale").one(formula, &[y, scale, shift]).unwrap();
    g.output("y", y);
    g.finish().unwrap()
}

const IMAGE_OF_FOUR: [usize; 4] = [2, 4, 4, 4];

#[test]
fn scales_join_weights_in_every_order() {
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            let conv = Conv::new().groups(2).layout(layout).kernel_layout(kernel_layout);
            let shape = if kernel_layout == KernelLayout::Oihw { [6, 2, 3, 3] } else { [3, 3, 2, 6] };
            let program = grouped(conv.into(), shape, layout);
            assert_eq!(
                names(&joined_on(&program, &IMAGE_OF_FOUR)),
                ["conv+scale"],
                "{layout} {kernel_layout:?}"
            );
            // Its kernel has the input's channels in place of the output's.
            let conv = ConvTranspose::new().groups(2).layout(layout).kernel_layout(kernel_layout);
            let shape = if kernel_layout == KernelLayout::Oihw { [4, 3, 3, 3] } else { [3, 3, 3, 4] };
            let program = grouped(conv.into(), shape, layout);
            assert_eq!(
                names(&joined_on(&program, &IMAGE_OF_FOUR)),
                ["conv+scale"],
                "{layout} {kernel_layout:?}"
            );
        }
    }
    for kernel_layout in [DenseLayout::InOut, DenseLayout::OutIn] {
        let mut g = Graph::new("joined");
        let x = g.input("x", TensorDesc::f32([2, 3]));
        let shape = if kernel_layout == DenseLayout::InOut { [3, 5] } else { [5, 3] };
        let kernel = g.constant(numbers(&shape, 1));
        let y = g.at("dense").one(Dense::new().kernel_layout(kernel_layout), &[x, kernel]).unwrap();
        let scale = g.constant(numbers(&[5], 3));
        let y = g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap();
        g.output("y", y);
        let program = g.finish().unwrap();
        assert_eq!(names(&joined_on(&program, &[2, 3])), ["dense+scale"], "{kernel_layout:?}");
    }
}

#[test]
fn scales_stay_apart_where_numbers_would_be_lost() {
    let shifted = |by: f32, padding: Padding| {
        graph(move |g, x| {
            let (shift, kernel) = (
                g.constant(Tensor::from_f32(&[3, 1, 1], vec![by; 3]).unwrap()),
                g.constant(numbers(&[4, 3, 3, 3], 1)),
            );
            let y = g.at("shift").one(Elementwise::add(), &[x, shift]).unwrap();
            vec![g.at("conv").conv(y, kernel, None, Conv::new().padding(padding)).unwrap()]
        })
    };
    assert_eq!(names(&joined(&shifted(0.5, Padding::Valid))), ["shift+conv"]);
    assert_eq!(names(&joined(&shifted(0.5, Padding::symmetric([0, 0])))), ["shift+conv"]);
    assert_eq!(names(&joined(&shifted(0.5, Padding::symmetric([1, 1])))), ["shift", "conv"]);
    let far = shifted(-1e6, Padding::Valid).optimised().unwrap();
    assert_eq!(names(&far), ["shift", "conv"]);
    // Weights that would be infinite.
    let infinite = graph(|g, x| {
        let (y, scale) = (conv(g, x), g.constant(Tensor::from_f32(&[1], vec![f32::INFINITY]).unwrap()));
        vec![g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap()]
    });
    assert_eq!(names(&infinite.optimised().unwrap()), ["conv", "scale"]);
    // Weights of 16 bits, which are not computed with.
    let mut g = Graph::new("joined");
    let half = |shape: &[usize]| {
        Tensor::new(
            shape,
            Data::nearest(DType::F16, numbers(shape, 1).as_f32().unwrap().iter().map(|&v| f64::from(v)))
                .unwrap(),
        )
        .unwrap()
    };
    let x = g.input("x", TensorDesc { shape: IMAGE.to_vec(), dtype: DType::F16 });
    let kernel = g.constant(half(&[4, 3, 3, 3]));
    let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
    let twice = g.at("twice").one(Elementwise::add(), &[y, y]).unwrap();
    g.output("y", twice);
    assert_eq!(names(&g.finish().unwrap().optimised().unwrap()), ["conv", "twice"]);
}

#[test]
fn zeros_around_join_convolutions() {
    let padded = |pad: Pad| {
        graph(move |g, x| {
            let x = g.at("pad").one(pad, &[x]).unwrap();
            let kernel = g.constant(numbers(&[4, 3, 3, 3], 1));
            vec![g.at("conv").conv(x, kernel, None, Conv::new()).unwrap()]
        })
    };
    let zeros = Pad::new([0, 0, 1, 0], [0, 0, 2, 3]);
    assert_eq!(names(&joined(&padded(zeros.clone()))), ["pad+conv"]);
    assert_eq!(names(&joined(&padded(zeros.clone().mode(PadMode::Constant(1.0))))), ["pad", "conv"]);
    assert_eq!(names(&joined(&padded(zeros.mode(PadMode::Edge)))), ["pad", "conv"]);
    assert_eq!(names(&joined(&padded(Pad::new([0, 0, -1, 0], [0, 0, 0, 0])))), ["pad", "conv"]);
}

#[test]
fn pooling_of_windows_apart_joins_the_convolution() {
    let pooled = |pool: Pool| {
        graph(move |g, x| {
            let y = conv(g, x);
            let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
            vec![g.at("pool").one(pool, &[y]).unwrap()]
        })
    };
    let program = joined(&pooled(Pool::max([2, 2])));
    assert_eq!(names(&program), ["conv+relu+pool"]);
    assert!(matches!(program.steps[0].op(), Some(Op::ConvPool(_))));
    assert_eq!(names(&joined(&pooled(Pool::max([3, 3]).stride([2, 2])))), ["conv+relu", "pool"]);
}

#[test]
fn functions_of_elements_become_one() {
    let swish = graph(|g, x| {
        let sigmoid = g.at("sigmoid").one(Activation::Sigmoid, &[x]).unwrap();
        let y = g.at("times").one(Elementwise::multiply(), &[x, sigmoid]).unwrap();
        let other = g.constant(numbers(&IMAGE, 7));
        let y = g.at("less").one(Elementwise::subtract(), &[other, y]).unwrap();
        vec![g.at("clip").one(Elementwise::clip(-0.5, 0.5), &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&swish)), ["sigmoid+times+less+clip"]);
    // A number for each channel would be computed again for each of its elements.
    let gate = graph(|g, x| {
        let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
        let gate = g.at("sigmoid").one(Activation::Sigmoid, &[each]).unwrap();
        vec![g.at("times").one(Elementwise::multiply(), &[x, gate]).unwrap()]
    });
    assert_eq!(names(&joined(&gate)), ["mean", "sigmoid", "times"]);
    // A formula has so many steps.
    let long = graph(|g, mut x| {
        for _ in 0..Elementwise::MOST_STEPS + 8 {
            x = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        }
        vec![x]
    });
    assert_eq!(joined(&long).steps.len(), 2);
}

#[test]
fn what_is_joined_and_what_stays_apart_is_said() {
    let program = graph(|g, x| {
        let y = conv(g, x);
        let scale = g.constant(numbers(&[4, 1, 1], 3));
        let y = g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap();
        let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        let y = g.at("tanh").one(Activation::Tanh, &[y]).unwrap();
        let (kernel, other) = (g.constant(numbers(&[4, 4, 1, 1], 5)), g.constant(numbers(&[4, 4, 1, 1], 6)));
        let a = g.at("a").conv(y, kernel, None, Conv::new()).unwrap();
        let sigmoid = g.at("sigmoid").one(Activation::Sigmoid, &[a]).unwrap();
        let a = g.at("times").one(Elementwise::multiply(), &[a, sigmoid]).unwrap();
        let b = g.at("b").conv(y, other, None, Conv::new()).unwrap();
        let sum = g.at("sum").one(Elementwise::add(), &[b, a]).unwrap();
        vec![g.at("pool").one(Pool::max([3, 3]).stride([2, 2]), &[sum]).unwrap()]
    });
    assert_eq!(program.fusions, []);
    let program = joined(&program);
    assert_eq!(names(&program), ["conv+scale+relu", "tanh", "a", "sigmoid+times", "b+sum", "pool"]);
    let said: Vec<(&str, &str, &str, Option<&str>)> = (program.fusions.iter())
        .map(|f| (f.first.as_str(), f.second.as_str(), f.rule, f.refused.as_deref()))
        .collect();
    let elsewhere = Some("other operations read it too, or it is an output");
    let no_scale = Some("it does not scale and shift whole channels by known numbers");
    assert_eq!(
        said,
        [
            ("conv", "scale", "scale and shift", None),
            ("conv+scale", "relu", "activation", None),
            ("conv+scale+relu", "tanh", "activation", Some("the operation before it has an activation")),
            ("a", "sigmoid", "activation", elsewhere),
            ("sigmoid", "times", "functions of elements", None),
            ("a", "sigmoid+times", "scale and shift", no_scale),
            ("b", "sum", "residual", None),
            ("b+sum", "pool", "pooling", Some("its windows overlap, or it gives indices")),
        ]
    );
    let text = program.explain(&Backend::Host).unwrap().to_string();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    assert_eq!(
        lines[4], "joined: scale and shift 1, activation 1, functions of elements 1, residual 1",
        "{text}"
    );
    assert_eq!(
        lines[3],
        "not joined: conv+scale+relu, tanh (activation): the operation before it has an activation"
    );
    // Once more changes nothing, and says so once.
    let again = program.clone().optimised().unwrap();
    assert!(again.steps == program.steps);
    assert_eq!(again.fusions.len(), program.fusions.len());
}

#[test]
fn each_rule_has_its_reasons() {
    let reasons = |program: Program| -> Vec<String> {
        program.optimised().unwrap().fusions.into_iter().filter_map(|f| f.refused).collect()
    };
    let padded = |pad: Pad, padding: Padding| {
        reasons(graph(move |g, x| {
            let x = g.at("pad").one(pad, &[x]).unwrap();
            let kernel = g.constant(numbers(&[4, 3, 3, 3], 1));
            vec![g.at("conv").conv(x, kernel, None, Conv::new().padding(padding)).unwrap()]
        }))
    };
    let zeros = Pad::new([0, 0, 1, 0], [0, 0, 2, 3]);
    assert!(padded(zeros.clone().mode(PadMode::Edge), Padding::Valid)[0].contains("else than zeros"));
    assert!(padded(zeros, Padding::SameUpper)[0].contains("size of its input"));
    assert!(padded(Pad::new([0, 0, -1, 0], [0, 0, 0, 0]), Padding::Valid)[0].contains("takes elements away"));
    let behind = |build: fn(&mut Graph, Value) -> Value| {
        reasons(graph(move |g, x| {
            let y = conv(g, x);
            vec![build(g, y)]
        }))
    };
    let overlap = behind(|g, y| g.at("pool").one(Pool::max([3, 3]).stride([2, 2]), &[y]).unwrap());
    assert_eq!(overlap, ["its windows overlap, or it gives indices"]);
    let columns = behind(|g, y| {
        let slope = g.constant(numbers(&[1, 1, 1, 8], 5));
        g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()
    });
    assert_eq!(columns, ["its slope is not one number, or one for each channel"]);
    let computed = reasons(graph(|g, x| {
        let kernel = g.input("kernel", TensorDesc::f32([4, 3, 3, 3]));
        let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
        let two = g.constant(numbers(&[1], 5));
        vec![g.at("scale").one(Elementwise::multiply(), &[y, two]).unwrap()]
    }));
    assert_eq!(computed, ["the kernel or bias before it is computed"]);
    let gate = reasons(graph(|g, x| {
        let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
        let gate = g.at("sigmoid").one(Activation::Sigmoid, &[each]).unwrap();
        vec![g.at("times").one(Elementwise::multiply(), &[x, gate]).unwrap()]
    }));
    assert!(gate.len() == 1 && gate[0].contains("another shape"), "{gate:?}");
    let long = reasons(graph(|g, mut x| {
        for _ in 0..Elementwise::MOST_STEPS + 1 {
            x = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        }
        vec![x]
    }));
    assert_eq!(long, ["one formula has no more inputs and steps"]);
}

fn transposed(g: &mut Graph, name: &str, x: Value, order: [usize; 4]) -> Value {
    let shape = g.desc(x).unwrap().shape.clone();
    g.at(name).one(AsStrided::transpose(&shape, &order).unwrap(), &[x]).unwrap()
}

/// As exporters write a convolution of channels that lie last: its transpositions, and a bias added behind them.
fn conv_last(g: &mut Graph, name: &str, x: Value, seed: u32) -> Value {
    let channels = g.desc(x).unwrap().shape[3];
    let kernel = g.constant(numbers(&[4, channels, 3, 3], seed));
    let bias = g.constant(numbers(&[4], seed + 1));
    let x = transposed(g, &format!("{name}/first"), x, [0, 3, 1, 2]);
    let y = g.at(name).conv(x, kernel, None, Conv::new().padding(Padding::SameUpper)).unwrap();
    let y = transposed(g, &format!("{name}/last"), y, [0, 2, 3, 1]);
    g.at(format!("{name}/bias")).one(Elementwise::add(), &[y, bias]).unwrap()
}

/// How many transpositions are left.
fn left(program: &Program) -> usize {
    program.steps.iter().filter(|step| matches!(step.op(), Some(Op::AsStrided(_)))).count()
}

/// The pairs of a rule that were joined, or were not.
fn said(program: &Program, refused: bool) -> Vec<(&str, &str)> {
    let of = program.fusions.iter().filter(|f| f.rule == "transposition" && f.refused.is_some() == refused);
    of.map(|f| (f.first.as_str(), f.second.as_str())).collect()
}

#[test]
fn transpositions_around_convolutions_cancel_each_other() {
    // Channels of the image lie in axis 1; the graph's own layout has them last.
    let program = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let a = conv_last(g, "a", x, 1);
        let a = g.at("relu").one(Activation::Relu, &[a]).unwrap();
        let b = conv_last(g, "b", a, 11);
        let sum = g.at("skip").one(Elementwise::add(), &[b, a]).unwrap();
        let slope = g.constant(numbers(&[1, 1, 1, 4], 5));
        let c = g.at("prelu").one(Activation::PRelu, &[sum, slope]).unwrap();
        let both = g.at("both").one(Concat { axis: -1 }, &[c, a]).unwrap();
        let padded =
            g.at("pad").one(Pad::new([0, 1, 2, 0], [0, 0, 1, 0]).mode(PadMode::Edge), &[both]).unwrap();
        let d = conv_last(g, "d", padded, 21);
        let d = g.at("softmax").one(Softmax { axis: 3 }, &[d]).unwrap();
        let large = g.at("resize").one(Resize::new([2, 18, 11, 4]), &[d]).unwrap();
        let mean = g.at("mean").one(Reduce::new(ReduceKind::Mean, [1, 2]).keepdims(true), &[large]).unwrap();
        let gated = g.at("gate").one(Elementwise::multiply(), &[large, mean]).unwrap();
        let rows = g.at("rows").one(Reduce::new(ReduceKind::Max, [2]), &[gated]).unwrap();
        vec![g.at("columns").one(Reduce::new(ReduceKind::Sum, [-2]), &[rows]).unwrap()]
    });
    assert_eq!(left(&program), 7);
    let joined = joined(&program);
    assert_eq!(left(&joined), 0, "{:?}", names(&joined));
    let pairs = said(&joined, false);
    assert_eq!(pairs, [("in", "a/first"), ("a/last", "b/first"), ("b/last", "d/first")]);
    assert_eq!(said(&joined, true), []);
    let again = joined.clone().optimised().unwrap();
    assert!(again.steps == joined.steps);
}

#[test]
fn transpositions_stay_where_no_fewer_elements_would_be_moved() {
    // The value between is an output in its own layout too: it is transposed for that alone.
    let output = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let y = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        let z = transposed(g, "out", y, [0, 3, 1, 2]);
        vec![y, g.at("abs").one(Elementwise::unary(UnaryFunction::Absolute), &[z]).unwrap()]
    });
    let program = joined(&output);
    assert_eq!((left(&output), left(&program)), (2, 1));
    assert_eq!(said(&program, false), [("in", "out")]);
    // One alone, to an output; and two whose elements lie in another shape between them.
    let alone = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![g.at("tanh").one(Activation::Tanh, &[x]).unwrap()]
    });
    let program = joined(&alone);
    assert_eq!(names(&program), ["in", "tanh"]);
    assert_eq!(said(&program, true), [("in", "y0")]);
    let reshaped = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let x = g.reshape(x, [2, 8, 3, 8]).unwrap();
        vec![transposed(g, "out", x, [0, 3, 1, 2])]
    });
    let program = joined(&reshaped);
    assert_eq!(names(&program), ["in", "out"]);
    let text = program.explain(&Backend::Host).unwrap().to_string();
    assert!(text.contains("not joined: in, out (transposition): no fewer elements would be moved"), "{text}");
    // Padding makes more elements, which no other transposition then takes back.
    let padded = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![g.at("pad").one(Pad::new([0, 4, 4, 0], [0, 4, 4, 0]), &[x]).unwrap()]
    });
    assert_eq!(names(&joined(&padded)), ["in", "pad"]);
    // Both outputs would be the same tensor, and each has memory of its own.
    let twice = graph(|g, x| {
        let y = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        let last = transposed(g, "in", y, [0, 2, 3, 1]);
        vec![y, transposed(g, "out", last, [0, 3, 1, 2])]
    });
    assert_eq!((left(&twice), left(&joined(&twice))), (2, 1));
    // Of an input an output is a copy.
    let input = graph(|g, x| {
        let last = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![transposed(g, "out", last, [0, 3, 1, 2])]
    });
    assert_eq!((left(&input), left(&joined(&input))), (2, 1));
}

/// A convolution that gives the image's own shape.
fn same(g: &mut Graph, name: &str, x: Value, seed: u32) -> Value {
    let channels = g.desc(x).unwrap().shape[1];
    let (kernel, bias) =
        (g.constant(numbers(&[3, channels, 3, 3], seed)), g.constant(numbers(&[3], seed + 1)));
    g.at(name).conv(x, kernel, Some(bias), Conv::new().padding(Padding::SameUpper)).unwrap()
}

/// What was said of a rule: why, or that it was joined.
fn of_rule<'a>(program: &'a Program, rule: &str) -> Vec<Option<&'a str>> {
    program.fusions.iter().filter(|f| f.rule == rule).map(|f| f.refused.as_deref()).collect()
}

#[test]
fn sums_and_what_follows_join_convolutions() {
    for swapped in [false, true] {
        let block = graph(|g, x| {
            let y = same(g, "conv", x, 1);
            let operands = if swapped { [x, y] } else { [y, x] };
            let sum = g.at("sum").one(Elementwise::add(), &operands).unwrap();
            vec![g.at("relu").one(Activation::Relu, &[sum]).unwrap()]
        });
        let program = joined(&block);
        assert_eq!(names(&program), ["conv+sum+relu"]);
        assert_eq!(of_rule(&program, "residual"), [None]);
        assert!(matches!(program.steps[0].op(), Some(Op::Conv(conv)) if conv.residual));
    }
    // A row of blocks: each sum is the next block's skip connection, and is read until that one's sum.
    let rows = graph(|g, x| {
        let mut y = x;
        for block in 0..3 {
            let skip = y;
            let inner = same(g, &format!("a{block}"), skip, 10 * block + 1);
            let inner = g.at(format!("relu{block}")).one(Activation::Relu, &[inner]).unwrap();
            let inner = same(g, &format!("b{block}"), inner, 10 * block + 5);
            y = g.at(format!("sum{block}")).one(Elementwise::add(), &[skip, inner]).unwrap();
        }
        vec![g.at("tanh").one(Activation::Tanh, &[y]).unwrap()]
    });
    let expected = ["a0+relu0", "b0+sum0", "a1+relu1", "b1+sum1", "a2+relu2", "b2+sum2+tanh"];
    assert_eq!(names(&joined(&rows)), expected);
    // Of two convolutions the first takes the sum; PReLU's slope comes before what is added.
    let two = graph(|g, x| {
        let (a, b) = (same(g, "a", x, 1), same(g, "b", x, 5));
        let sum = g.at("sum").one(Elementwise::add(), &[a, b]).unwrap();
        let slope = g.constant(numbers(&[1, 3, 1, 1], 9));
        vec![g.at("prelu").one(Activation::PRelu, &[sum, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&two)), ["b", "a+sum+prelu"]);
    // Numbers of the whole shape.
    let known = graph(|g, x| {
        let (y, other) = (same(g, "conv", x, 1), g.constant(numbers(&IMAGE, 9)));
        vec![g.at("sum").one(Elementwise::add(), &[y, other]).unwrap()]
    });
    assert_eq!(names(&joined(&known)), ["conv+sum"]);
}

#[test]
fn sums_stay_apart_where_the_convolution_cannot_add_them() {
    let refused = |build: fn(&mut Graph, Value) -> Vec<Value>, expected: &[&str], why: &str| {
        let program = joined(&graph(build));
        assert_eq!(names(&program), expected);
        let said = of_rule(&program, "residual");
        assert!(said.iter().any(|said| said.is_some_and(|said| said.contains(why))), "{:?}", program.fusions);
    };
    let add = |g: &mut Graph, a, b| g.at("sum").one(Elementwise::add(), &[a, b]).unwrap();
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            vec![y, g.at("sum").one(Elementwise::add(), &[y, x]).unwrap()]
        },
        &["conv", "sum"],
        "it is an output",
    );
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, each]).unwrap()]
        },
        &["conv", "mean", "sum"],
        "not both of the convolution's shape",
    );
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, x]).unwrap()]
        },
        &["conv+relu", "sum"],
        "has an activation",
    );
    // The sum of a convolution and itself scales it, which weights take in where they are known.
    let twice = |known: bool| {
        graph(move |g, x| {
            let kernel = match known {
                true => g.constant(numbers(&[3, 3, 1, 1], 1)),
                false => g.input("kernel", TensorDesc::f32([3, 3, 1, 1])),
            };
            let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, y]).unwrap()]
        })
    };
    assert_eq!(of_rule(&joined(&twice(true)), "scale and shift"), [None]);
    assert!(of_rule(&twice(false).optimised().unwrap(), "residual")[0].unwrap().contains("twice"));
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let y = g.at("sum").one(Elementwise::add(), &[y, x]).unwrap();
            let other = g.constant(numbers(&IMAGE, 7));
            vec![g.at("more").one(Elementwise::add(), &[y, other]).unwrap()]
        },
        &["conv+sum", "more"],
        "adds another tensor already",
    );
    // What scales the sum scales both: the weights cannot take it in.
    let scaled = graph(move |g, x| {
        let y = same(g, "conv", x, 1);
        let (sum, scale) = (add(g, y, x), g.constant(numbers(&[3, 1, 1], 9)));
        vec![g.at("scale").one(Elementwise::multiply(), &[sum, scale]).unwrap()]
    });
    let program = joined(&scaled);
    assert_eq!(names(&program), ["conv+sum", "scale"]);
    assert!(of_rule(&program, "scale and shift")[0].unwrap().contains("adds to its sums"));
}
