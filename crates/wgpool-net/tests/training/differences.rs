//! Gradients beside central differences, whose losses the reference computes.

use wgpool::spec::gradient::CrossEntropy;
use wgpool::{
    Activation, ActivationKind, AdaptivePool, AsStrided, Backend, BinaryFunction, Concat, Conv, ConvPool,
    ConvTranspose, Data, Dense, DenseLayout, ElementStep, Elementwise, FractionalMaxPool, GlobalPool,
    KernelLayout, Layout, MaxUnpool, NearestRounding, Op, Operand, Pad, Padding, Pool, PoolKind, Reduce,
    ReduceKind, Resize, ResizeCoordinates, ResizeMode, Result, RoiAlign, Softmax, Tensor, TensorDesc,
    UnaryFunction,
};
use wgpool_net::{Graph, Value, train};
use wgpool_testing::verify::random::Rng;

/// How far the difference may be from the gradient, by the product of both lengths: 32-bit values between the operations, the
/// curvature, and where a function bends what lies within a step of the bend.
const SMOOTH: f64 = 2e-3;
const BENT: f64 = 3e-2;
const STEP: f64 = 1.0 / 128.0;

fn drawn(rng: &mut Rng, shape: &[usize], [low, high]: [f32; 2]) -> Tensor {
    let n = shape.iter().product();
    let draw = |_| low + (high - low) * rng.between(0, 1 << 20) as f32 / (1 << 20) as f32;
    Tensor::from_f32(shape, (0..n).map(draw).collect()).unwrap()
}

fn f64s(tensor: &Tensor) -> Vec<f64> {
    tensor.as_f32().unwrap().iter().map(|&v| f64::from(v)).collect()
}

fn length(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Compares the gradients by all inputs of what `build` makes of them, each element times a number of its own.
fn check(
    name: &str,
    shapes: &[&[usize]],
    range: [f32; 2],
    tolerance: f64,
    build: impl Fn(&mut Graph, &[Value]) -> Result<Value>,
) {
    let mut rng = Rng::new(name.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte)));
    let mut g = Graph::new(name);
    let inputs: Vec<Value> = (shapes.iter().enumerate())
        .map(|(i, &shape)| g.input(format!("input {i}"), TensorDesc::f32(shape)))
        .collect();
    let y = build(&mut g, &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
    let shape = g.desc(y).unwrap().shape.clone();
    let by = g.constant(drawn(&mut rng, &shape, [-1.0, 1.0]));
    let each = g.one(Elementwise::multiply(), &[y, by]).unwrap();
    let axes: Vec<isize> = (0..shape.len() as isize).collect();
    let loss = g.one(Reduce::new(ReduceKind::Sum, axes), &[each]).unwrap();
    let gradients = train::gradients(&mut g, loss, &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
    g.output("loss", loss);
    for (i, gradient) in gradients.into_iter().enumerate() {
        g.output(format!("gradient {i}"), gradient);
    }
    let program = g.finish().unwrap();
    let x: Vec<Tensor> = shapes.iter().map(|shape| drawn(&mut rng, shape, range)).collect();
    let all: Vec<&Tensor> = x.iter().collect();
    let exact = program.run_all(&Backend::Reference, &all).unwrap();
    for program in [program.clone(), program.clone().optimised().unwrap()] {
        let host = program.run_all(&Backend::Host, &all).unwrap();
        for (i, (host, exact)) in host.iter().zip(&exact).enumerate() {
            let (host, exact) = (f64s(host), f64s(exact));
            let off: Vec<f64> = host.iter().zip(&exact).map(|(a, b)| a - b).collect();
            assert!(length(&off) <= 1e-4 * length(&exact).max(1e-2), "{name}: output {i} on the host");
        }
    }
    for (i, shape) in shapes.iter().enumerate() {
        let gradient = f64s(&exact[i + 1]);
        for _ in 0..3 {
            let direction = f64s(&drawn(&mut rng, shape, [-1.0, 1.0]));
            let at = |by: f64| {
                let moved = f64s(&x[i]).iter().zip(&direction).map(|(x, d)| (x + by * d) as f32).collect();
                let moved = Tensor::from_f32(shape, moved).unwrap();
                let mut inputs = all.clone();
                inputs[i] = &moved;
                f64s(&program.run_all(&Backend::Reference, &inputs).unwrap()[0])[0]
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let scale = length(&gradient) * length(&direction);
            let off = (difference - slope).abs();
            assert!(
                off <= tolerance * scale + 1e-4,
                "{name}: by input {i} the slope is {slope}, the difference {difference} (of {scale})"
            );
        }
    }
}

const ANY: [f32; 2] = [-1.0, 1.0];
const POSITIVE: [f32; 2] = [0.5, 1.5];

/// One operation on all inputs.
fn op(name: &str, shapes: &[&[usize]], range: [f32; 2], tolerance: f64, op: impl Into<Op>) {
    let op = op.into();
    check(name, shapes, range, tolerance, |g, inputs| g.one(op.clone(), inputs));
}

#[test]
fn convolutions() {
    let (x, w, b): (&[usize], &[usize], &[usize]) = (&[2, 4, 6, 5], &[4, 2, 3, 3], &[4]);
    let grouped = Conv::new().groups(2).stride([2, 1]).padding(Padding::symmetric([1, 1]));
    op("conv", &[x, w, b], ANY, SMOOTH, grouped.clone());
    op("conv without bias", &[x, w], ANY, SMOOTH, grouped.clone());
    for activation in ["relu", "relu6", "leaky-relu:0.3"] {
        let with = grouped.clone().activation(activation.parse().unwrap());
        op(&format!("conv {activation}"), &[x, w, b], ANY, BENT, with);
    }
    for activation in ["sigmoid", "tanh", "gelu", "softplus", "elu", "silu"] {
        let with = grouped.clone().activation(activation.parse().unwrap());
        op(&format!("conv {activation}"), &[x, w, b], ANY, 5e-3, with);
    }
    let falling = grouped.clone().activation(Activation::LeakyRelu { alpha: -0.5 });
    op("conv of a falling activation", &[x, w, b], ANY, BENT, falling);
    let skip: &[usize] = &[2, 4, 3, 5];
    let prelu = grouped.clone().activation(Activation::PRelu);
    op("conv PReLU", &[x, w, b, b], ANY, BENT, prelu.clone());
    op(
        "conv residual",
        &[x, w, b, skip],
        ANY,
        5e-3,
        grouped.clone().activation(Activation::Tanh).residual(true),
    );
    op("conv PReLU residual", &[x, w, b, b, skip], ANY, BENT, prelu.residual(true));
    let nhwc = Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).dilation([2, 1]);
    op("conv NHWC", &[&[2, 6, 5, 3], &[2, 3, 3, 4], &[4]], ANY, SMOOTH, nhwc);
    op("conv of one axis", &[&[2, 3, 9], &[5, 3, 4], &[5]], ANY, SMOOTH, Conv::new());
    let pooled = ConvPool::new(Conv::new().activation(Activation::Relu), Pool::max([2, 2]));
    op("conv and pool", &[&[2, 3, 6, 6], &[4, 3, 3, 3], &[4]], ANY, BENT, pooled);
    let transposed = ConvTranspose::new().stride([2, 2]);
    op("transposed", &[&[2, 3, 4, 4], &[3, 2, 3, 3], &[2]], ANY, SMOOTH, transposed.clone());
    let gelu = ConvTranspose { activation: Activation::Gelu, ..transposed };
    op("transposed gelu", &[&[2, 3, 4, 4], &[3, 2, 3, 3], &[2]], ANY, 5e-3, gelu);
}

#[test]
fn dense_layers() {
    op("dense", &[&[3, 5], &[5, 4], &[4]], ANY, SMOOTH, Dense::new());
    let turned = Dense::new().kernel_layout(DenseLayout::OutIn).activation(Activation::Sigmoid);
    op("dense of three axes", &[&[2, 3, 5], &[4, 5], &[4]], ANY, 5e-3, turned);
    op("dense mish", &[&[3, 5], &[5, 4]], ANY, 5e-3, Dense::new().activation(Activation::Mish));
    op("softmax", &[&[3, 4, 2]], ANY, SMOOTH, Softmax { axis: 1 });
}

#[test]
fn pooling() {
    let x: &[usize] = &[2, 2, 6, 6];
    let overlapping = Pool::max(3).stride([2]).padding(Padding::symmetric([1, 1]));
    op("max", &[x], ANY, BENT, overlapping.clone());
    op("max NHWC", &[x], ANY, BENT, Pool::max(2).layout(Layout::Nhwc));
    op("max with its indices", &[x], ANY, BENT, Pool::max(2).indices(wgpool::IndexNumbering::WholeRowMajor));
    op("average", &[x], ANY, SMOOTH, Pool { kind: Pool::average(1).kind, ..overlapping });
    op("Lp", &[x], POSITIVE, SMOOTH, Pool::new(PoolKind::Lp { p: 3.0 }, [2, 2]));
    op("global max", &[x], ANY, BENT, GlobalPool::max());
    op("global average", &[x], ANY, SMOOTH, GlobalPool::average().layout(Layout::Nhwc));
    op("adaptive max", &[x], ANY, BENT, AdaptivePool::max([4, 3]));
    op("adaptive average", &[x], ANY, SMOOTH, AdaptivePool::average([4, 3]));
    check("fractional", &[x], ANY, BENT, |g, inputs| {
        let samples = g.constant(drawn(&mut Rng::new(3), &[2, 2, 2], [0.0, 0.99]));
        let layout = Layout::Nchw;
        let pool = FractionalMaxPool { window: vec![2], output: vec![3], indices: None, layout };
        g.one(pool, &[inputs[0], samples])
    });
    check("unpool", &[&[1, 1, 2, 2]], ANY, SMOOTH, |g, inputs| {
        let indices = g.constant(Tensor::new(&[1, 1, 2, 2], Data::I32(vec![0, 3, 9, 14]))?);
        g.one(MaxUnpool::new([4, 4]), &[inputs[0], indices])
    });
    check("regions", &[&[1, 2, 6, 6]], ANY, SMOOTH, |g, inputs| {
        let regions = g.constant(Tensor::from_f32(&[1, 4], vec![0.5, 1.0, 4.0, 5.0])?);
        let images = g.constant(Tensor::new(&[1], Data::I32(vec![0]))?);
        let align = RoiAlign {
            output: [2, 3],
            sampling_ratio: 2,
            spatial_scale: 1.0,
            half_pixel: true,
            mode: Default::default(),
            layout: Layout::Nchw,
        };
        g.one(align, &[inputs[0], regions, images])
    });
}

#[test]
fn activations() {
    for kind in ActivationKind::ALL {
        let activation = Activation::from(kind);
        match kind {
            ActivationKind::None => {}
            ActivationKind::PRelu => {
                op("PReLU", &[&[2, 3, 4], &[3, 1]], ANY, BENT, activation);
                op("PReLU of one slope", &[&[2, 3, 4], &[1]], ANY, BENT, activation);
            }
            _ => {
                op(&format!("{activation}"), &[&[4, 40]], [-4.0, 4.0], BENT, activation);
                let formula = Elementwise { inputs: 1, steps: vec![] }
                    .then(BinaryFunction::Multiply, Operand::Number(1.5))
                    .then_activation(activation);
                op(&format!("{activation} in a formula"), &[&[4, 40]], [-3.0, 3.0], BENT, formula);
            }
        }
    }
}

#[test]
fn functions_of_elements() {
    for &function in UnaryFunction::ALL {
        let of = Elementwise::unary(function);
        match function {
            // Steps have no differences.
            UnaryFunction::Floor | UnaryFunction::Ceil | UnaryFunction::Round | UnaryFunction::Sign => {}
            _ => op(function.name(), &[&[3, 5]], POSITIVE, 5e-3, of),
        }
    }
    for &function in BinaryFunction::ALL {
        use BinaryFunction::{Add, Divide, Maximum, Minimum, Multiply, Power, Subtract};
        let of = Elementwise::binary(function);
        match function {
            Add | Subtract | Multiply | Divide | Power => {
                op(function.name(), &[&[2, 3, 5], &[3, 1]], POSITIVE, 5e-3, of);
            }
            Maximum | Minimum => op(function.name(), &[&[20, 30], &[30]], ANY, BENT, of),
            _ => {}
        }
    }
    op(
        "one tensor twice",
        &[&[3, 4]],
        ANY,
        SMOOTH,
        Elementwise {
            inputs: 1,
            steps: vec![ElementStep::Binary(BinaryFunction::Multiply, Operand::Input(0), Operand::Input(0))],
        },
    );
    let [a, b, last] = [Operand::Input(0), Operand::Input(1), Operand::Step(0)];
    // Both sides are 0 where it changes sides.
    let select = vec![
        ElementStep::Binary(BinaryFunction::Greater, a, Operand::Number(0.0)),
        ElementStep::Binary(BinaryFunction::Multiply, a, b),
        ElementStep::Binary(BinaryFunction::Multiply, a, Operand::Number(2.0)),
        ElementStep::Select { condition: last, yes: Operand::Step(1), no: Operand::Step(2) },
    ];
    op("select", &[&[20, 20], &[20, 20]], ANY, BENT, Elementwise { inputs: 2, steps: select });
    let clamp = Elementwise { inputs: 1, steps: vec![] }
        .then(BinaryFunction::Maximum, Operand::Number(-0.5))
        .then(BinaryFunction::Minimum, Operand::Number(0.25));
    op("clamp", &[&[30, 30]], ANY, BENT, clamp);
    // The gradient of so long a formula is no formula.
    let mut steps = vec![ElementStep::Binary(BinaryFunction::Add, a, b)];
    for at in 0..15 {
        steps.push(ElementStep::Activation(Activation::Gelu, Operand::Step(2 * at)));
        steps.push(ElementStep::Binary(BinaryFunction::Add, Operand::Step(2 * at + 1), a));
    }
    op("a long formula", &[&[2, 3], &[3]], POSITIVE, 5e-3, Elementwise { inputs: 2, steps });
}

#[test]
fn reductions() {
    for kind in ReduceKind::ALL {
        if kind == ReduceKind::Prod {
            continue;
        }
        let bent = matches!(kind, ReduceKind::Max | ReduceKind::Min);
        let tolerance = if bent { BENT } else { 5e-3 };
        let name = format!("{kind:?}");
        op(&name, &[&[3, 4, 5]], POSITIVE, tolerance, Reduce::new(kind, [1]));
        op(
            &format!("{name} kept"),
            &[&[3, 4, 5]],
            POSITIVE,
            tolerance,
            Reduce::new(kind, [-1, 0]).keepdims(true),
        );
    }
}

#[test]
fn moves() {
    let x: &[usize] = &[3, 4, 5];
    let strided = |name: &str, spec: AsStrided| op(name, &[x], ANY, SMOOTH, spec);
    strided("transposed", AsStrided::transpose(x, &[2, 0, 1]).unwrap());
    let slice =
        |starts: &[isize], ends: &[isize], steps: &[isize]| AsStrided::slice(x, starts, ends, steps).unwrap();
    strided("slice", slice(&[1, 0, 1], &[3, 4, 4], &[1, 2, 2]));
    strided("backwards", slice(&[2, 3, 0], &[isize::MIN, 0, 5], &[-2, -2, 3]));
    strided("diagonal", AsStrided::new([3], [26], 2));
    strided("repeated", AsStrided::new([2, 3, 2, 4], [0, 20, 0, 5], 3));
    strided("irregular", AsStrided::new([2, 3], [25, 7], 4));
    op("expand", &[&[3, 1, 2]], ANY, SMOOTH, AsStrided::expand(&[3, 1, 2], &[4, 3, 5, 2]).unwrap());
    op("concat", &[&[2, 1, 3], &[2, 4, 3]], ANY, SMOOTH, Concat { axis: -2 });
    op("pad", &[x], ANY, SMOOTH, Pad::new([1, -1, 0], [0, 2, -2]));
    let nearest = Resize::new([3, 8, 15])
        .mode(ResizeMode::Nearest(NearestRounding::Floor))
        .coordinates(ResizeCoordinates::Asymmetric);
    op("repeated elements", &[x], ANY, SMOOTH, nearest);
    check("reshape", &[&[2, 6], &[3, 4]], ANY, SMOOTH, |g, inputs| {
        let a = g.reshape(inputs[0], [3, 4])?;
        g.one(Elementwise::multiply(), &[a, inputs[1]])
    });
}

#[test]
fn losses() {
    check("cross-entropy", &[&[4, 3]], ANY, SMOOTH, |g, inputs| {
        let labels = g.constant(Tensor::new(&[4], Data::I32(vec![0, 2, 1, 2]))?);
        g.one(CrossEntropy::new(1), &[inputs[0], labels])
    });
}

/// Graphs drawn at random: each value comes of those before it, which may be read several times.
#[test]
fn random_graphs() {
    for seed in 0..60 {
        let shapes: [&[usize]; 3] = [&[2, 3, 6, 6], &[3, 3, 3, 3], &[3, 1, 1]];
        check(&format!("random {seed}"), &shapes, ANY, BENT, |g, inputs| {
            let mut rng = Rng::new(seed);
            let (kernel, each) = (inputs[1], inputs[2]);
            let mut images = vec![inputs[0]];
            for _ in 0..rng.between(2, 7) {
                let of = images[rng.between(0, images.len() - 1)];
                let shape = g.desc(of)?.shape.clone();
                let same = Conv::new().padding(Padding::symmetric([1, 1]));
                images.push(match rng.between(0, 9) {
                    0 => g.conv(of, kernel, None, same)?,
                    1 => g.conv(of, kernel, None, same.activation(Activation::Tanh))?,
                    2 => g.one(Pool::average(3).stride([1]).padding(Padding::symmetric([1, 1])), &[of])?,
                    3 => g.one(Activation::Sigmoid, &[of])?,
                    4 => g.one(Elementwise::multiply(), &[of, each])?,
                    5 => {
                        let other = images[rng.between(0, images.len() - 1)];
                        g.one(Elementwise::add(), &[of, other])?
                    }
                    6 => {
                        let mean = g.one(Reduce::new(ReduceKind::Mean, [2, 3]).keepdims(true), &[of])?;
                        g.one(Elementwise::subtract(), &[of, mean])?
                    }
                    7 => g.one(Softmax { axis: 1 }, &[of])?,
                    8 => g.one(AsStrided::transpose(&shape, &[0, 1, 3, 2])?, &[of])?,
                    _ => g.one(Pool::max(3).stride([1]).padding(Padding::symmetric([1, 1])), &[of])?,
                });
            }
            let last = images[images.len() - 1];
            // Every input is read.
            let last = g.conv(last, kernel, None, Conv::new())?;
            g.one(Elementwise::multiply(), &[last, each])
        });
    }
}

/// What has no gradient is told before anything runs, with its node and operation.
#[test]
fn refusals() {
    let refused = |op: Op, shape: &[usize]| {
        let mut g = Graph::new("net");
        let x = g.input("x", TensorDesc::f32(shape));
        let y = g.at("here").one(op, &[x]).unwrap();
        let axes: Vec<isize> = (0..g.desc(y).unwrap().shape.len() as isize).collect();
        let loss = g.one(Reduce::new(ReduceKind::Sum, axes), &[y]).unwrap();
        train::gradients(&mut g, loss, &[x]).unwrap_err().to_string()
    };
    let product = refused(Reduce::new(ReduceKind::Prod, [0]).into(), &[3]);
    assert!(
        product.contains("net") && product.contains("here") && product.contains("has no gradient"),
        "{product}"
    );
    let windows = refused(AsStrided::new([3, 2], [1, 1], 0).into(), &[4]);
    assert!(windows.contains("overlap"), "{windows}");
    let cubic = Resize::new([6]).mode(ResizeMode::Cubic { coefficient: -0.75, exclude_outside: false });
    assert!(refused(cubic.into(), &[3]).contains("resize"));

    let mut g = Graph::new("net");
    let x = g.input("x", TensorDesc::f32([2]));
    let constant = g.constant(Tensor::from_f32(&[2], vec![1.0, 2.0]).unwrap());
    let loss = g.one(Reduce::new(ReduceKind::Sum, [0]), &[x]).unwrap();
    assert!(train::gradients(&mut g, loss, &[constant]).unwrap_err().to_string().contains("constant"));
    assert!(train::gradients(&mut g, x, &[x]).unwrap_err().to_string().contains("one element"));
    // What it does not depend on has the gradient 0.
    let other = g.input("other", TensorDesc::f32([3]));
    let by = train::gradients(&mut g, loss, &[other]).unwrap()[0];
    assert_eq!(g.known(by).unwrap().as_f32().unwrap(), [0.0; 3]);
}

/// Frozen weights cost nothing: no operation computes a gradient that nobody asked for.
#[test]
fn nothing_is_computed_for_what_is_frozen() {
    let steps = |wanted: &[usize]| {
        let mut g = Graph::new("net");
        let x = g.input("x", TensorDesc::f32([1, 2, 6, 6]));
        let w = [0, 1].map(|i| g.input(format!("w{i}"), TensorDesc::f32([2, 2, 3, 3])));
        let a = g.conv(x, w[0], None, Conv::new()).unwrap();
        let y = g.conv(a, w[1], None, Conv::new()).unwrap();
        let loss = g.one(Reduce::new(ReduceKind::Sum, [0, 1, 2, 3]), &[y]).unwrap();
        let of: Vec<Value> = wanted.iter().map(|&i| w[i]).collect();
        for (i, by) in train::gradients(&mut g, loss, &of).unwrap().into_iter().enumerate() {
            g.output(i.to_string(), by);
        }
        let program = g.finish().unwrap();
        program.steps.iter().filter(|step| step.kind().contains("gradient")).count()
    };
    // The second kernel's alone; the first one's and what lies between.
    assert_eq!((steps(&[1]), steps(&[0]), steps(&[0, 1])), (1, 2, 3));
}
