//! Folding on the host: what ONNX Runtime makes of each node, what is refused, and what outgrows the limit.

use std::collections::HashMap;

use wgpool::error::{Error, Refusal, Result};
use wgpool_net::onnx::{ElementType, HostTensor, Model, Node, fold, fold_shape, read};
use wgpool_testing::fuzz::{self, Tally, count, garble, pick};
use wgpool_testing::verify::random::Rng;

use super::fuzz::{ERRORS, edited, fields};
use super::message::{Message, model, models, node, value};

type Values<'a> = HashMap<&'a str, HostTensor<'a>>;

/// The outputs of a node whose inputs are known; none if they are not, or its operator is not folded.
fn folded<'a>(
    node: &Node<'a>,
    values: &Values<'a>,
    opset: i64,
    limit: usize,
) -> Result<Option<Vec<HostTensor<'a>>>> {
    let names: Vec<&str> = node.inputs().collect();
    let inputs: Vec<_> = names.iter().map(|name| values.get(name)).collect();
    let known = names.iter().zip(&inputs).all(|(name, input)| name.is_empty() || input.is_some());
    if known { fold(node, &inputs, opset, limit) } else { Ok(None) }
}

/// Folds all that can be folded, and says how many nodes that were.
fn fold_all(file: &[u8], limit: usize) -> Result<usize> {
    let model = Model::parse(file)?;
    let mut values = Values::new();
    for tensor in model.graph().initializers() {
        values.insert(tensor.name(), HostTensor::of(&tensor)?);
    }
    let mut nodes = 0;
    for node in model.graph().nodes() {
        if let Some(outputs) = folded(&node, &values, model.opset("").unwrap(), limit)? {
            nodes += 1;
            values.extend(node.outputs().zip(outputs));
        }
    }
    Ok(nodes)
}

#[test]
fn nodes_make_what_onnx_runtime_makes() {
    let (mut nodes, mut operators) = (0, std::collections::HashSet::new());
    for (name, path) in models("fold") {
        let file = read(path).unwrap();
        let model = Model::parse(&file).unwrap();
        let tensors = model.graph().initializers();
        let values: Values<'_> = tensors.map(|t| (t.name(), HostTensor::of(&t).unwrap())).collect();
        for node in model.graph().nodes() {
            let what = format!("{name}: {}", node.label());
            let outputs = folded(&node, &values, model.opset("").unwrap(), 1000);
            let outputs = outputs.unwrap_or_else(|error| panic!("{what}: {error}")).expect(&what);
            assert_eq!(outputs.len(), node.outputs().count(), "{what}");
            for (output, name) in outputs.iter().zip(node.outputs()) {
                let want = &values[format!("want.{name}").as_str()];
                assert_eq!((output.elements(), output.shape()), (want.elements(), want.shape()), "{what}");
                // ONNX Runtime rounds each sum of several; here they are rounded once.
                let near = if node.op_type() == "Sum" { f64::from(f32::EPSILON) } else { 0.0 };
                // NaN is the largest and the smallest, as in NumPy; ONNX Runtime forgets some.
                let extreme = matches!(node.op_type(), "ReduceMax" | "ReduceMin");
                let same = |(a, b): (f64, f64)| {
                    a == b
                        || (extreme && a.is_nan())
                        || a.is_nan() && b.is_nan()
                        || (a - b).abs() <= near * b.abs().max(1.0)
                };
                let (got, wanted) = (output.f64s(), want.f64s());
                assert!(
                    got.iter().copied().zip(wanted.iter().copied()).all(same),
                    "{what}: {got:?}, not {wanted:?}"
                );
                assert_eq!(output.i64s(), want.i64s(), "{what}");
            }
            nodes += 1;
            operators.insert(node.op_type().to_owned());
        }
    }
    assert!(nodes > 200 && operators.len() >= 45, "{nodes} nodes of {}", operators.len());
}

#[test]
fn what_keeps_its_elements_keeps_their_place() {
    let numbers = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let tensor = Message::new().ints(1, &[2, 3]).int(2, 1).bytes(8, "t").bytes(9, &bytes);
    let reshape = node("Reshape", &["t", "s"], &["a"]);
    let flatten = node("Flatten", &["a"], &["y"]);
    let graph = Message::new().with(5, tensor).with(11, value("s")).with(1, reshape).with(1, flatten);
    let file = model(graph.with(12, value("y")));
    let model = Model::parse(&file).unwrap();
    let weights = HostTensor::of(&model.graph().initializers().next().unwrap()).unwrap();
    let nodes: Vec<Node<'_>> = model.graph().nodes().collect();
    let shape = HostTensor::from_i64s(&[3, -1]);
    // Nothing is made, so that no limit is met.
    let a = fold(&nodes[0], &[Some(&weights), Some(&shape)], 17, 0).unwrap().unwrap().remove(0);
    let y = fold(&nodes[1], &[Some(&a)], 17, 0).unwrap().unwrap().remove(0);
    assert_eq!((a.shape(), y.shape()), (&[3, 2][..], &[3, 2][..]));
    assert!(file.as_ptr_range().contains(&y.bytes().as_ptr()));
    assert_eq!(y.into_bytes(), bytes);
}

#[test]
fn shapes_are_folded_without_elements() {
    let of = |op: &str, attributes: &[(&str, i64)], shape: &[usize]| {
        let attribute = |(name, int): &(&str, i64)| Message::new().bytes(1, name).int(20, 2).int(3, *int);
        let node =
            attributes.iter().fold(node(op, &["x"], &["y"]), |node, pair| node.with(5, attribute(pair)));
        let file = model(Message::new().with(11, value("x")).with(1, node).with(12, value("y")));
        let node = Model::parse(&file).unwrap().graph().nodes().next().unwrap();
        fold_shape(&node, shape).unwrap().map(|made| (made.shape().to_vec(), made.i64s().unwrap()))
    };
    assert_eq!(of("Shape", &[], &[1 << 40, 3]), Some((vec![2], vec![1 << 40, 3])));
    assert_eq!(of("Shape", &[("start", -1)], &[7, 3]), Some((vec![1], vec![3])));
    assert_eq!(of("Shape", &[("start", 2), ("end", i64::MIN)], &[7, 3]), Some((vec![0], vec![])));
    assert_eq!(of("Size", &[], &[7, 3]), Some((vec![], vec![21])));
    assert_eq!(of("Relu", &[], &[7, 3]), None);
}

#[test]
fn bombs_are_refused_before_memory_is_allocated() {
    let files = models("bombs").into_iter().map(|(name, path)| (name, read(path).unwrap()));
    let one = Message::new().ints(1, &[1]).int(2, 1).bytes(8, "0").float(4, 1.0);
    let names: Vec<String> = (0..=40).map(|i| i.to_string()).collect();
    let axis = Message::new().bytes(1, "axis").int(20, 2).int(3, 0);
    let doublings = names.windows(2).fold(Message::new().with(5, one), |graph, pair| {
        graph.with(1, node("Concat", &[&pair[0], &pair[0]], &[&pair[1]]).with(5, axis.clone()))
    });
    let doublings = ("doublings".to_owned(), model(doublings.with(12, value("40"))));
    let repeats = Message::new().ints(1, &[2]).int(2, 7).bytes(8, "r").ints(7, &[1 << 40, 1 << 40]);
    let x = Message::new().ints(1, &[1, 1]).int(2, 1).bytes(8, "x").float(4, 1.0);
    let tile = Message::new().with(5, repeats).with(5, x).with(1, node("Tile", &["x", "r"], &["y"]));
    let tile = ("tile".to_owned(), model(tile.with(12, value("y"))));
    let mut bombs = 0;
    for (name, file) in files.chain([doublings, tile]) {
        let (result, peak) = fuzz::peak(|| fold_all(&file, 1000));
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Network { refusal: Refusal::Limit, .. }), "{name}: {error}");
        assert!(error.to_string().contains("more than 1000") && peak < 64 << 10, "{name}: {peak}: {error}");
        bombs += 1;
    }
    assert_eq!(bombs, 5);
}

/// A node of an opset on constants.
fn one(opset: i64, node: Message, inputs: &[HostTensor<'_>]) -> Result<usize> {
    let names = ["a", "b", "c", "d", "e"];
    let mut graph = Message::new();
    for (input, name) in inputs.iter().zip(names) {
        let code = match input.elements() {
            ElementType::F32 => 1,
            ElementType::Bool => 9,
            ElementType::I32 => 6,
            _ => 7,
        };
        let dims: Vec<i64> = input.shape().iter().map(|&length| length as i64).collect();
        graph =
            graph.with(5, Message::new().ints(1, &dims).int(2, code).bytes(8, name).bytes(9, input.bytes()));
    }
    let named = names.iter().take(inputs.len()).fold(Message::new(), |node, name| node.bytes(1, name));
    let node = Message([named.bytes(2, "y").0, node.0].concat());
    let imports = Message::new().int(2, opset);
    fold_all(&Message::new().with(8, imports).with(7, graph.with(1, node).with(12, value("y"))).0, 1000)
}

#[test]
fn what_an_operator_does_not_take_is_refused() {
    let op = |op: &str| Message::new().bytes(4, op);
    let int = |node: Message, name: &str, int: i64| {
        node.with(5, Message::new().bytes(1, name).int(20, 2).int(3, int))
    };
    let ints = |numbers: &[i64]| HostTensor::from_i64s(numbers);
    let floats = |shape: &[usize]| {
        HostTensor::new(shape, ElementType::F32, vec![0; 4 * shape.iter().product::<usize>()]).unwrap()
    };
    let bools = HostTensor::new([2], ElementType::Bool, vec![0, 1]).unwrap();
    let (shape, ty, structure) = (Refusal::Shape, Refusal::Type, Refusal::Structure);
    let cases = [
        (op("Add"), vec![floats(&[2]), floats(&[3])], shape, "the shapes [[2], [3]] do not broadcast"),
        (op("Add"), vec![floats(&[2]), ints(&[1, 2])], ty, "its inputs are float and int64"),
        (op("Add"), vec![bools.clone(), bools.clone()], ty, "it computes numbers, not bools"),
        (op("Div"), vec![ints(&[1]), ints(&[0])], ty, "an integer is divided by zero"),
        (op("Mod"), vec![ints(&[1]), ints(&[0])], ty, "an integer is divided by zero"),
        (op("Mod"), vec![floats(&[1]), floats(&[1])], ty, "Mod of floats needs fmod = 1"),
        (op("Sub"), vec![floats(&[1])], structure, "it has 1 inputs, not 2"),
        (op("Or"), vec![bools.clone()], structure, "it lacks its input 1"),
        (op("Not"), vec![ints(&[1])], ty, "its inputs are int64 and bool"),
        (op("Sqrt"), vec![ints(&[1])], ty, "it computes floats alone"),
        (op("And"), vec![ints(&[1]), ints(&[1])], ty, "its inputs are int64, but must be bool"),
        (op("Where"), vec![ints(&[1]), ints(&[1]), ints(&[1])], ty, "its condition is int64"),
        (op("Where"), vec![bools.clone()], structure, "it lacks its input 1"),
        (op("Cast"), vec![ints(&[1])], structure, "it lacks to"),
        (
            int(op("Cast"), "to", 8),
            vec![ints(&[1])],
            Refusal::Unsupported,
            "casts to string are not computed",
        ),
        (int(op("Cast"), "to", 99), vec![ints(&[1])], ty, "element type is number 99"),
        (op("Reshape"), vec![floats(&[6]), ints(&[4])], shape, "the shape [6] cannot become [4]"),
        (op("Reshape"), vec![floats(&[6]), ints(&[-1, -1])], shape, "cannot become [-1, -1]"),
        (op("Reshape"), vec![floats(&[6]), ints(&[4, -1])], shape, "cannot become [4, -1]"),
        (op("Reshape"), vec![floats(&[6]), ints(&[1, 0])], shape, "cannot become [1, 0]"),
        (op("Reshape"), vec![floats(&[6]), ints(&[-2])], shape, "axes cannot have the length -2"),
        (op("Reshape"), vec![floats(&[6]), ints(&[i64::MAX, i64::MAX])], shape, "cannot become"),
        (
            op("Reshape"),
            vec![floats(&[6]), floats(&[1])],
            ty,
            "its input 1 is float, but must be int32 or int64",
        ),
        (op("Reshape"), vec![floats(&[1]), ints(&[1; 65])], Refusal::Limit, "65 axes"),
        (op("Squeeze"), vec![floats(&[6]), ints(&[0])], shape, "an axis of length 6 cannot go"),
        (op("Unsqueeze"), vec![floats(&[6])], structure, "it lacks axes"),
        (op("Unsqueeze"), vec![floats(&[6]), ints(&[0, -3])], shape, "axis -3 is named twice"),
        (op("Unsqueeze"), vec![floats(&[6]), ints(&[3])], shape, "there is no axis 3 of 2"),
        (op("Unsqueeze"), vec![floats(&[6]), ints(&[0; 64])], Refusal::Limit, "65 axes"),
        (int(op("Flatten"), "axis", 2), vec![floats(&[6])], shape, "there is no axis 2 of 1"),
        (op("Expand"), vec![floats(&[6]), ints(&[4])], shape, "do not broadcast"),
        (op("Tile"), vec![floats(&[6]), ints(&[1, 2])], shape, "it repeats [1, 2] the shape [6]"),
        (op("Slice"), vec![ints(&[1]), ints(&[0]), ints(&[1]), ints(&[0]), ints(&[0])], shape, "a step is 0"),
        (op("Slice"), vec![ints(&[1]), ints(&[0, 0]), ints(&[1])], shape, "differ in number"),
        (op("Slice"), vec![ints(&[1]), ints(&[0]), ints(&[1]), ints(&[1])], shape, "there is no axis 1 of 1"),
        (op("Gather"), vec![ints(&[1]), ints(&[1])], shape, "there is no axis 1 of 1"),
        (op("Gather"), vec![ints(&[1]), floats(&[1])], ty, "its indices are float"),
        (op("GatherElements"), vec![floats(&[1, 2]), ints(&[0])], shape, "do not lie in the shape [1, 2]"),
        (int(op("Concat"), "axis", 0), vec![floats(&[1, 2]), floats(&[1, 3])], shape, "it joins the shapes"),
        (op("Concat"), vec![floats(&[1])], structure, "it lacks axis"),
        (op("Split"), vec![floats(&[3]), ints(&[1, 2])], shape, "cannot be split into [1, 2] for 1 outputs"),
        (op("Split"), vec![floats(&[3]), ints(&[4])], shape, "3 cannot be split into [4]"),
        (op("ConstantOfShape"), vec![ints(&[-1])], shape, "axes cannot have the length -1"),
        (op("Range"), vec![ints(&[0]), ints(&[1]), ints(&[0])], shape, "its delta is 0"),
        (op("Range"), vec![ints(&[0]), ints(&[i64::MAX]), ints(&[1])], Refusal::Limit, "more than 1000"),
        (op("Range"), vec![ints(&[0, 1]), ints(&[1]), ints(&[1])], shape, "must be one number each"),
        (op("Constant"), vec![], Refusal::Unsupported, "no value that is a dense tensor"),
        (op("ReduceSum"), vec![floats(&[1]), ints(&[1])], shape, "there is no axis 1 of 1"),
        (op("ReduceMax"), vec![ints(&[])], ty, "no extreme of no elements of int64"),
    ];
    for (node, inputs, rule, part) in cases {
        let error = one(13, node, &inputs).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Network { refusal, .. } if refusal == rule), "{part}: {text}");
        assert!(text.contains("node of \"y\" (\"") && text.contains(part), "{part}: {text}");
    }
    // Extremes of nothing are the infinities where there are any.
    assert_eq!(one(13, op("ReduceMax"), &[floats(&[0])]).unwrap(), 1);
    for unknown in ["Conv", "Prod", "fmod", "RandomNormal"] {
        assert_eq!(one(13, op(unknown), &[floats(&[1])]).unwrap(), 0, "{unknown}");
    }
    assert_eq!(one(13, Message::new().bytes(4, "Identity"), &[floats(&[1])]).unwrap(), 1);
}

/// Each node of the folded models as a model of its own.
fn single_nodes() -> Vec<Vec<u8>> {
    let mut single = Vec::new();
    for (_, path) in models("fold") {
        let file = std::fs::read(path).unwrap();
        let inside = |bytes: &[u8], tag: u8| -> Vec<Vec<u8>> {
            let all = fields(bytes).into_iter().filter(|&(at, ..)| bytes[at] >> 3 == tag);
            all.map(|(_, end, begin)| bytes[begin.unwrap()..end].to_vec()).collect()
        };
        let (graph, imports) = (inside(&file, 7).remove(0), inside(&file, 8).remove(0));
        let parsed = Model::parse(&file).unwrap().graph();
        let tensors: HashMap<&str, Vec<u8>> =
            parsed.initializers().map(|t| t.name()).zip(inside(&graph, 5)).collect();
        for (node, bytes) in parsed.nodes().zip(inside(&graph, 1)) {
            let graph = Message::new().bytes(1, bytes);
            let inputs = node.inputs().filter_map(|name| tensors.get(name));
            let graph = inputs.fold(graph, |graph, tensor| graph.bytes(5, tensor));
            let graph = graph.with(12, value(node.outputs().next().unwrap()));
            single.push(Message::new().bytes(8, &imports).with(7, graph).0);
        }
    }
    single
}

/// As `hostile_models`, for nodes whose inputs are constants.
#[test]
fn hostile_constants() {
    const LIMIT: usize = 1000;
    let mut tally = Tally::new("folded nodes");
    let mut rng = Rng::new(12);
    let seeds = single_nodes();
    assert!(seeds.len() > 200);
    for _ in 0..count(20_000) {
        let (seed, other) = (pick(&mut rng, &seeds), pick(&mut rng, &seeds));
        let mut bytes = seed.clone();
        for _ in 0..rng.between(1, 4) {
            bytes = match rng.one_in(8) {
                true => garble(&mut rng, &bytes, other),
                false => edited(&mut rng, &bytes, other),
            };
        }
        let n = bytes.len();
        tally.add(n, 64 * (n + LIMIT) + ERRORS, || fold_all(&bytes, LIMIT));
    }
    assert!(tally.accepted > tally.inputs / 20 && tally.accepted < tally.inputs);
}
