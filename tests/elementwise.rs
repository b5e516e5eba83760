//! Formulas of broadcast tensors: every function beside NumPy's values and over the range of floats, broadcasting by the
//! definition, infinity and NaN from step to step, and what is refused.

use wgpool::{
    Activation, BinaryFunction, DType, Data, ElementStep, Elementwise, Error, Op, Operand, Plan, Problem,
    Tensor, TensorDesc, UnaryFunction, host, reference,
};
use wgpool_testing::support::{at_each_simd, describe, descs, engine, judge, plan};
use wgpool_testing::verify::random::{Case, Family, Rng};

use ElementStep::{Binary, Unary};
use Operand::{Input, Number, Step};

/// Functions as NumPy computes them; see `data/elementwise.py`.
const VALUES: &str = include_str!("data/elementwise.tsv");

fn f32s(shape: &[usize], elements: &[f32]) -> Tensor {
    Tensor::from_f32(shape, elements.to_vec()).unwrap()
}

/// Host path, with all registers that there are, and GPU, judged by the reference.
fn check(op: &Op, inputs: &[&Tensor]) {
    let judged = |path: &str, outputs: &[Tensor]| {
        judge(op, inputs, outputs).unwrap_or_else(|e| {
            let case = Case { op: op.clone(), inputs: inputs.iter().map(|&t| t.clone()).collect() };
            panic!("{path}, {}: {e}", describe(&case))
        });
    };
    judged("GPU", &engine().run(op, inputs).unwrap());
    at_each_simd(|simd| judged(&format!("{simd:?}"), &host::run(op, inputs).unwrap()));
}

/// The same result on every path; NaN is the same as NaN.
fn gives(formula: Elementwise, inputs: &[&Tensor], shape: &[usize], expected: &[f32]) {
    let op = Op::from(formula);
    let paths = [
        ("reference", reference::run(&op, inputs)),
        ("host path", host::run(&op, inputs)),
        ("GPU", engine().run(&op, inputs)),
    ];
    for (path, outputs) in paths {
        let output = &outputs.unwrap()[0];
        assert_eq!(output.shape(), shape, "{path}, {op:?}");
        let same = |(&a, &b): (&f32, &f32)| a == b || a.is_nan() && b.is_nan();
        let got = output.as_f32().unwrap();
        assert!(got.iter().zip(expected).all(same), "{path}, {op:?}: {got:?}, not {expected:?}");
    }
}

#[test]
fn values_are_those_of_numpy() {
    let mut lines = VALUES.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().unwrap().collect();
    let rows: Vec<Vec<f64>> = lines.map(|line| line.map(|field| field.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(move |row| row[i]);
    let [a, b] = [0, 1].map(|i| f32s(&[rows.len()], &column(i).map(|x| x as f32).collect::<Vec<_>>()));
    for name in Elementwise::names() {
        let at = names.iter().position(|known| *known == name);
        let at = at.unwrap_or_else(|| panic!("data/elementwise.py has no {name}"));
        let formula = Elementwise::named(name).unwrap();
        let inputs = &[&a, &b][..formula.inputs];
        let op = Op::from(formula);
        check(&op, inputs);
        let exact = &reference::evaluate(&Problem::new(&op, &descs(inputs)).unwrap(), inputs).unwrap()[0];
        for (row, (value, (&got, &bound))) in
            column(at).zip(exact.values.iter().zip(&exact.bound)).enumerate()
        {
            let same = got == value || got.is_nan() && value.is_nan();
            // What f32 does not hold is infinite.
            let near =
                (got - value).abs() <= 1e-12 * value.abs() || got.is_infinite() && value.abs() > 3.5e38;
            assert!(same || near, "{name} of {:?}: {got}, not {value}", &rows[row][..2]);
            assert!(bound.is_finite(), "{name} of {:?}: no bound", &rows[row][..2]);
        }
    }
}

#[test]
fn functions_stay_in_their_bounds_over_the_range_of_floats() {
    let mut rng = Rng::new(5);
    let mut any = |_| f32::from_bits(rng.next_u64() as u32);
    let mut a: Vec<f32> = (0..6000).map(&mut any).collect();
    let mut b: Vec<f32> = (0..6000).map(&mut any).collect();
    for i in 0..6000 {
        // From -90 to 90, near 1, and halves.
        let near = (rng.unit() * 180.0 - 90.0) as f32;
        a.push([near, 1.0 + near * 1e-5, near.trunc() + 0.5, near / 40.0][i % 4]);
        b.push([near / 10.0, (rng.unit() * 9.0) as f32, near.trunc(), a[a.len() - 1]][rng.between(0, 3)]);
    }
    for special in [0.0, 1.0, 0.5, f32::INFINITY, f32::NAN, f32::MAX, 1e38, 8.6e37, f32::MIN_POSITIVE, 1e-40]
    {
        a.extend([special, -special, special, -special, 1.0, 3.0]);
        b.extend([1.0, special, -special, special, -special, special]);
    }
    let [a, b] = [a, b].map(|elements| f32s(&[elements.len()], &elements));
    for name in Elementwise::names() {
        let formula = Elementwise::named(name).unwrap();
        check(&formula.clone().into(), &[&a, &b][..formula.inputs]);
    }
    check(&Elementwise::clip(-3.5, 3e5).into(), &[&a]);
}

#[test]
fn bounds_are_a_few_units_of_the_value() {
    let x = f32s(&[4], &[0.7, 1.1, 2.3, 40.5]);
    let y = f32s(&[4], &[1.5, -2.0, 0.5, 3.0]);
    for name in Elementwise::names() {
        let op = Op::from(Elementwise::named(name).unwrap());
        let inputs = &[&x, &y][..if UnaryFunction::ALL.iter().any(|f| f.name() == name) { 1 } else { 2 }];
        let exact = &reference::evaluate(&Problem::new(&op, &descs(inputs)).unwrap(), inputs).unwrap()[0];
        for (value, bound) in exact.values.iter().zip(&exact.bound) {
            let units = bound / (f64::from(f32::EPSILON) * value.abs().max(1e-30));
            // Of exp and of powers those of the exponent.
            assert!(
                *value == 0.0 || units < if ["exp", "power"].contains(&name) { 200.0 } else { 16.5 },
                "{name}: {units}"
            );
        }
    }
}

#[test]
fn what_is_a_little_wrong_is_out_of_bounds() {
    let x = f32s(&[3], &[0.7, 1.1, 2.3]);
    for name in ["add", "exp", "log", "sqrt", "erf", "power", "divide", "reciprocal"] {
        let formula = Elementwise::named(name).unwrap();
        let inputs = &[&x, &x][..formula.inputs];
        let op = Op::from(formula);
        let right = host::run(&op, inputs).unwrap().remove(0);
        judge(&op, inputs, std::slice::from_ref(&right)).unwrap();
        let wrong: Vec<f32> = right.as_f32().unwrap().iter().map(|y| y * 1.00001).collect();
        judge(&op, inputs, &[f32s(&[3], &wrong)]).unwrap_err();
    }
}

/// Where an element of a broadcast tensor lies, by the definition.
fn place(position: &[usize], shape: &[usize]) -> usize {
    let missing = position.len() - shape.len();
    shape
        .iter()
        .zip(&position[missing..])
        .fold(0, |at, (&length, &i)| at * length + if length == 1 { 0 } else { i })
}

#[test]
fn shapes_are_broadcast_as_numpy_does() {
    let cases: [&[&[usize]]; 16] = [
        &[&[2, 3], &[2, 3]],
        &[&[2, 3], &[3]],
        &[&[2, 3], &[2, 1]],
        &[&[2, 1], &[1, 3]],
        &[&[], &[]],
        &[&[5], &[]],
        &[&[1, 8, 50, 50], &[8, 1, 1]],
        &[&[2, 40, 40, 3], &[3]],
        &[&[2, 40, 40, 8], &[40, 8], &[2, 1, 40, 1]],
        &[&[2, 3, 4, 5], &[1, 3, 1, 5], &[4, 1]],
        &[&[1200, 3], &[1200, 1], &[3]],
        &[&[3, 1500], &[3, 1], &[1500]],
        &[&[2, 1, 3, 1, 2, 1, 2, 3], &[1, 2, 1, 2, 1, 3, 1, 3]],
        &[&[2, 1, 3, 1, 2, 1, 2, 4], &[1, 2, 1, 2, 1, 3, 1, 1], &[4]],
        &[&[0, 3], &[3]],
        &[&[1, 2, 1, 0], &[5, 2, 4, 1]],
    ];
    for shapes in cases {
        let tensors: Vec<Tensor> = (shapes.iter().enumerate())
            .map(|(i, shape)| {
                let elements = 0..shape.iter().product::<usize>();
                f32s(shape, &elements.map(|at| (at + 1) as f32 * 0.25f32.powi(i as i32)).collect::<Vec<_>>())
            })
            .collect();
        let formula =
            (2..shapes.len()).fold(Elementwise::subtract(), |f, i| f.then(BinaryFunction::Add, Input(i)));
        let rank = shapes.iter().map(|shape| shape.len()).max().unwrap();
        let shape: Vec<usize> = (0..rank)
            .map(|axis| {
                let own = |s: &&[usize]| (axis + s.len()).checked_sub(rank).map_or(1, |at| s[at]);
                shapes.iter().map(own).find(|&length| length != 1).unwrap_or(1)
            })
            .collect();
        let mut expected = Vec::new();
        for number in 0..shape.iter().product::<usize>() {
            let mut rest = number;
            let mut position: Vec<usize> =
                shape.iter().rev().map(|&length| (rest % length, rest /= length).0).collect();
            position.reverse();
            let of = |i: usize| tensors[i].as_f32().unwrap()[place(&position, shapes[i])];
            expected.push((2..shapes.len()).fold(of(0) - of(1), |sum, i| sum + of(i)));
        }
        gives(formula, &tensors.iter().collect::<Vec<_>>(), &shape, &expected);
    }
}

#[test]
fn steps_compute_one_after_another() {
    let x = f32s(&[1, 2, 2], &[1., -2., 3., 4.]);
    let [scale, shift] = [f32s(&[2, 1], &[2., 10.]), f32s(&[2, 1], &[1., -35.])];
    let norm = Elementwise::multiply().then(BinaryFunction::Add, Input(2)).then_activation(Activation::Relu);
    gives(norm, &[&x, &scale, &shift], &[1, 2, 2], &[3., 0., 0., 5.]);
    // max(x, 0) where x is not 3, else -x: a step that several use, and numbers.
    let formula = Elementwise {
        inputs: 1,
        steps: vec![
            Unary(UnaryFunction::Negate, Input(0)),
            Binary(BinaryFunction::Equal, Input(0), Number(3.0)),
            ElementStep::Select { condition: Step(1), yes: Step(0), no: Input(0) },
            Binary(BinaryFunction::Maximum, Step(2), Step(0)),
            Binary(BinaryFunction::Add, Step(3), Step(1)),
        ],
    };
    gives(formula, &[&x], &[1, 2, 2], &[1., 2., -2., 4.]);
    // NaN is true.
    let condition = f32s(&[4], &[0., -0., f32::NAN, 0.5]);
    gives(
        Elementwise::select(),
        &[&condition, &f32s(&[], &[1.]), &f32s(&[4], &[5., 6., 7., 8.])],
        &[4],
        &[5., 6., 1., 1.],
    );
    gives(Elementwise::clip(2.0, 1.0), &[&x], &[1, 2, 2], &[1.0; 4]);
}

#[test]
fn infinity_and_nan_come_out_of_each_step() {
    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    let [x, y] = [f32s(&[4], &[INF, NAN, 1., 1.]), f32s(&[4], &[1., 1., INF, -INF])];
    // Numbers that are finite would make y of it.
    let back = Elementwise::add().then(BinaryFunction::Subtract, Input(0));
    gives(back, &[&x, &y], &[4], &[NAN, NAN, INF, -INF]);
    let of_itself = |function| Elementwise { inputs: 1, steps: vec![Binary(function, Input(0), Input(0))] };
    let x = f32s(&[4], &[INF, NAN, 0., -INF]);
    gives(of_itself(BinaryFunction::Subtract), &[&x], &[4], &[NAN, NAN, 0., NAN]);
    gives(of_itself(BinaryFunction::Divide), &[&x], &[4], &[NAN, NAN, NAN, NAN]);
    gives(of_itself(BinaryFunction::Equal), &[&x], &[4], &[1., 0., 1., 1.]);
    gives(of_itself(BinaryFunction::LessOrEqual), &[&x], &[4], &[1., 0., 1., 1.]);
    let zeros = f32s(&[4], &[0., -0., 0., -0.]);
    gives(Elementwise::divide(), &[&f32s(&[4], &[1., 1., -1., 0.]), &zeros], &[4], &[INF, -INF, -INF, NAN]);
    gives(Elementwise::multiply(), &[&f32s(&[4], &[INF, NAN, -INF, 1.]), &zeros], &[4], &[NAN, NAN, NAN, 0.]);
    // What is too large for f32 is infinite between steps too.
    let large = f32s(&[2], &[3e38, -3e38]);
    let halved = |function| of_itself(function).then(BinaryFunction::Multiply, Number(0.25));
    gives(halved(BinaryFunction::Add), &[&large], &[2], &[INF, -INF]);
    gives(halved(BinaryFunction::Multiply), &[&large], &[2], &[INF, INF]);
}

#[test]
fn random_formulas_on_the_host_with_all_registers() {
    let mut rng = Rng::new(0xf0);
    let cases: Vec<Case> = (0..300).map(|_| Family::Elementwise.case(&mut rng, true)).collect();
    let mut without_bound = 0;
    at_each_simd(|simd| {
        for case in &cases {
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            let outputs = host::run(&case.op, &inputs).unwrap();
            judge(&case.op, &inputs, &outputs)
                .unwrap_or_else(|e| panic!("{simd:?}, {}: {e}", describe(case)));
        }
    });
    let mut elements = 0;
    for case in &cases {
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        let exact =
            &reference::evaluate(&Problem::new(&case.op, &descs(&inputs)).unwrap(), &inputs).unwrap()[0];
        without_bound += exact.bound.iter().filter(|bound| bound.is_infinite()).count();
        elements += exact.bound.len();
    }
    // Nearly all elements say something.
    assert!(without_bound * 20 < elements, "{without_bound} of {elements}");
}

#[test]
fn prepared_formulas_keep_their_weights() {
    let [x, scale] = [f32s(&[2, 2], &[1., 2., 3., 4.]), f32s(&[2], &[10., 100.])];
    let problem = Problem::new(&Elementwise::multiply().into(), &[x.desc(), scale.desc()]).unwrap();
    let prepared = host::Prepared::new(problem, vec![scale]).unwrap();
    assert_eq!(prepared.run(&[&x]).unwrap()[0].as_f32().unwrap(), [10., 200., 30., 400.]);
}

#[test]
fn numbers_and_lengths_are_no_part_of_pipelines() {
    let kernel = |formula: Elementwise, shapes: &[&[usize]]| {
        let inputs = shapes.iter().map(|shape| f32s(shape, &vec![1.0; shape.iter().product()])).collect();
        plan(&Case { op: formula.into(), inputs }, engine()).steps[0].kernel
    };
    assert_eq!(kernel(Elementwise::clip(0.0, 6.0), &[&[4]]), kernel(Elementwise::clip(0.0, 0.0), &[&[5, 8]]));
    let leaky = |alpha| Elementwise::add().then_activation(Activation::LeakyRelu { alpha });
    assert_eq!(kernel(leaky(0.1), &[&[3, 8], &[3, 1]]), kernel(leaky(0.0), &[&[7, 12], &[7, 1]]));
    assert_ne!(kernel(leaky(0.1), &[&[3, 8], &[3, 1]]), kernel(leaky(0.1), &[&[3, 7], &[3, 1]]));
}

#[test]
fn what_is_larger_than_a_binding_is_divided() {
    let (a, b) = (f32s(&[6, 64], &[1.5; 384]), f32s(&[64], &(0..64).map(|i| i as f32).collect::<Vec<_>>()));
    let mut caps = engine().caps().clone();
    caps.max_binding = 1024;
    // The repeated input comes first, and is whole in each part.
    let op = Op::from(Elementwise::subtract());
    let plan = Plan::new(&op, &[b.desc(), a.desc()], &caps).unwrap();
    assert_eq!(plan.steps.len(), 2);
    assert!(plan.steps[0].part.is_some_and(|part| !part.divides(0) && part.divides(1) && !part.divides(40)));
    judge(&op, &[&b, &a], &engine().run_plan(&plan, &[&b, &a]).unwrap()).unwrap();
    caps.max_binding = 128;
    let error = Plan::new(&op, &[b.desc(), a.desc()], &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: "max_storage_buffer_binding_size", .. }), "{error}");
    let mut caps = engine().caps().clone();
    caps.max_storage_buffers = 4;
    let four = (2..4).fold(Elementwise::add(), |f, i| f.then(BinaryFunction::Add, Input(i)));
    let error = Plan::new(&four.into(), &[(); 4].map(|()| TensorDesc::f32([3])), &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 5, allowed: 4, .. }), "{error}");
}

#[test]
fn sixteen_bits_are_rounded_once() {
    let half = |elements: &[f64]| {
        Tensor::new(&[elements.len()], Data::nearest(DType::BF16, elements.iter().copied()).unwrap()).unwrap()
    };
    let x = half(&[1.0, 3.0, 256.0, 2.0, -1.0]);
    let third = Elementwise { inputs: 1, steps: vec![Binary(BinaryFunction::Divide, Input(0), Number(3.0))] };
    let op = Op::from(third.clone().then(BinaryFunction::Multiply, Number(3.0)));
    for outputs in [host::run(&op, &[&x]), engine().run(&op, &[&x]), reference::run(&op, &[&x])] {
        assert_eq!(outputs.unwrap()[0], x, "a third is kept in 32 bits");
    }
    check(&third.into(), &[&x]);
}

fn refused(formula: Elementwise, shapes: &[&[usize]]) -> Error {
    let inputs: Vec<TensorDesc> = shapes.iter().map(|shape| TensorDesc::f32(*shape)).collect();
    Problem::new(&formula.into(), &inputs).unwrap_err()
}

#[test]
fn formulas_without_sense_are_refused() {
    let add = Elementwise::add;
    assert!(matches!(refused(add(), &[&[2]]), Error::Arity { got: 1, .. }));
    let error = refused(add(), &[&[2, 3], &[2]]);
    assert!(matches!(error, Error::Shape { tensor: "the second input", .. }), "{error}");
    assert!(error.to_string().contains("[2, 3]"), "{error}");
    assert!(matches!(refused(add(), &[&[1; 9], &[1]]), Error::Rank { got: 9, .. }));
    assert!(matches!(refused(add(), &[&[1 << 40, 1], &[1, 1 << 40]]), Error::TooLarge { .. }));
    let types = [TensorDesc::f32([2]), TensorDesc { shape: vec![2], dtype: DType::F16 }];
    assert!(matches!(
        Problem::new(&add().into(), &types),
        Err(Error::Type { tensor: "the second input", .. })
    ));
    let integers = [(); 2].map(|()| TensorDesc { shape: vec![2], dtype: DType::I32 });
    assert!(matches!(Problem::new(&add().into(), &integers), Err(Error::Type { got: DType::I32, .. })));
    let with =
        |inputs, steps: Vec<ElementStep>| refused(Elementwise { inputs, steps }, &vec![&[2][..]; inputs]);
    let negate = |operand| Unary(UnaryFunction::Negate, operand);
    for (error, parameter) in [
        (with(0, vec![negate(Number(1.0))]), "inputs"),
        (with(7, vec![negate(Input(0))]), "inputs"),
        (with(2, vec![negate(Input(0))]), "inputs"),
        (with(1, vec![]), "steps"),
        (with(1, vec![negate(Input(0)); 33]), "steps"),
        (with(1, vec![negate(Input(1))]), "operand"),
        (with(1, vec![negate(Step(0))]), "operand"),
        (with(1, vec![negate(Input(0)), negate(Step(2))]), "operand"),
        (with(1, vec![ElementStep::Activation(Activation::PRelu, Input(0))]), "activation"),
        (with(1, vec![ElementStep::Activation(Activation::Elu { alpha: f32::NAN }, Input(0))]), "alpha"),
    ] {
        assert!(
            matches!(&error, Error::Parameter { parameter: named, .. } if *named == parameter),
            "{error}"
        );
    }
}
