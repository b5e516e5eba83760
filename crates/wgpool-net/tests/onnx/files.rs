//! Files that are read, and files that are refused: by which rule, and with what in the message.

use std::path::Path;

use wgpool::error::{Error, Refusal, Result};
use wgpool_net::onnx::{self, Dim, ElementType, Model};

use super::message::{Message, data, model, models, node, value, with_tensor};

/// Reads all that there is to read of a model, tensors in other files too.
fn read_all(path: &Path) -> Result<usize> {
    let file = onnx::read(path)?;
    let model = Model::parse(&file)?;
    let graph = model.graph();
    for value in graph.inputs().chain(graph.outputs()).chain(graph.value_infos()) {
        value.tensor_type()?;
    }
    let mut bytes = 0;
    for tensor in graph.initializers() {
        bytes += match tensor.external()? {
            None => tensor.bytes()?.len(),
            Some(_) => onnx::Folder::of_model(path)?.read(&tensor)?.len(),
        };
    }
    Ok(bytes)
}

/// Every file of `refused`, the rule, and a part of the message.
const REFUSED: [(&str, Refusal, &str); 48] = [
    (
        "cycle",
        Refusal::Structure,
        "node of \"a\" (\"Add\"): its input \"b\" is made by it, or by a node behind it",
    ),
    (
        "dims_huge_no_data",
        Refusal::Tensor,
        "0 numbers, but its shape [1048576, 3, 1024, 1024] makes 3298534883328",
    ),
    ("dims_negative", Refusal::Tensor, "axes cannot have the length -3"),
    ("dims_overflow", Refusal::Tensor, "overflows"),
    ("domain_not_imported", Refusal::Structure, "its domain \"com.microsoft\" is not imported"),
    ("dtype_999", Refusal::Type, "tensor \"w\": its element type is number 999"),
    ("dtype_undefined", Refusal::Type, "number 0"),
    ("empty_file", Refusal::Structure, "model: it has no graph"),
    ("empty_output_name", Refusal::Structure, "has no name"),
    ("external_absolute", Refusal::External, "\"/etc/passwd\" must be a path inside"),
    ("external_dotdot", Refusal::External, "\"../secret.bin\" must be a path inside"),
    ("external_dotdot_inside", Refusal::External, "\"sub/../../secret.bin\" must be a path inside"),
    ("external_is_folder", Refusal::External, "\"sub\" is no file"),
    ("external_length_short", Refusal::External, "its length is 428, but its shape and type make 432 bytes"),
    ("external_missing", Refusal::External, "tensor \"w\": \"gone.bin\" cannot be read"),
    ("external_no_location", Refusal::External, "no location"),
    ("external_offset_negative", Refusal::External, "its offset is \"-64\""),
    ("external_offset_past_end", Refusal::External, "has 496 bytes, but 432 at 1099511627776 are wanted"),
    ("external_offset_text", Refusal::External, "its offset is \"abc\""),
    ("field_number_zero", Refusal::Parse, "byte 0: a field has the number 0"),
    ("float_data_short", Refusal::Tensor, "float_data has 107 numbers, but its shape [4, 3, 3, 3] makes 108"),
    ("group_wire_type", Refusal::Parse, "byte 0: field 1 has the wire type 3"),
    ("initializer_twice", Refusal::Structure, "value \"w\": it is given or made twice"),
    ("input_dim_negative", Refusal::Shape, "value \"x\": axis 2 has the length -8"),
    ("input_twice", Refusal::Structure, "value \"x\": it is given or made twice"),
    ("length_past_end", Refusal::Parse, "byte 8: 4294967295 bytes are announced, but 549 are left"),
    (
        "missing_input",
        Refusal::Structure,
        "node of \"y\" (\"Conv\"): its input \"nothing\" is made by nothing",
    ),
    ("no_graph", Refusal::Structure, "it has no graph"),
    ("no_opset", Refusal::Structure, "which version of ONNX' operators"),
    ("no_outputs", Refusal::Structure, "it has no outputs"),
    ("not_protobuf", Refusal::Parse, "byte 10: "),
    ("op_type_not_utf8", Refusal::Parse, "byte 20: a text of Node is no UTF-8"),
    ("opset_999", Refusal::Unsupported, "version 999 of ONNX' operators, but 1 to 28 are known"),
    ("output_not_made", Refusal::Structure, "output \"y\": it is made by nothing"),
    ("output_shadows_initializer", Refusal::Structure, "value \"w\": it is given or made twice"),
    ("raw_and_float_data", Refusal::Tensor, "108 numbers in float_data, but data of float are in raw_data"),
    ("raw_not_multiple", Refusal::Tensor, "431 bytes"),
    (
        "raw_too_long",
        Refusal::Tensor,
        "its data have 436 bytes, but the shape [4, 3, 3, 3] of float makes 432",
    ),
    ("raw_too_short", Refusal::Tensor, "428 bytes"),
    ("self_loop", Refusal::Structure, "its input \"y\" is made by it, or by a node behind it"),
    ("sequence_input", Refusal::Unsupported, "value \"x\": it is a sequence"),
    ("sparse_initializer", Refusal::Unsupported, "sparse initializers"),
    ("string_tensor", Refusal::Unsupported, "tensor \"s\": tensors of the type string are not read"),
    ("truncated_half", Refusal::Parse, "byte 5: 540 bytes are announced, but 270 are left"),
    ("truncated_one_byte", Refusal::Parse, "byte 547: 4 bytes are announced, but 3 are left"),
    ("two_nodes_one_output", Refusal::Structure, "value \"y\": it is given or made twice"),
    ("unsorted", Refusal::Structure, "its input \"a\" is made by it, or by a node behind it"),
    ("varint_eleven_bytes", Refusal::Parse, "byte 1: a number has more than 10 bytes"),
];

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, rule: Refusal, part: &str) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Network { refusal, .. } if refusal == rule), "{text}");
    assert!(text.starts_with(&format!("ONNX model: {rule}: ")) && text.contains(part), "{part:?}: {text}");
}

#[test]
fn each_file_is_refused_by_its_rule() {
    let files = models("refused");
    assert_eq!(files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), REFUSED.map(|case| case.0));
    for ((_, path), (_, rule, part)) in files.iter().zip(REFUSED) {
        refused(read_all(path), rule, part);
    }
}

#[test]
fn legal_files_are_read() {
    let files = models("legal");
    assert!(files.len() > 15);
    let mut bytes = 0;
    for (name, path) in files {
        bytes += read_all(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(bytes > 4_000, "{bytes}");
}

#[test]
fn a_model_says_what_it_holds() {
    let file = onnx::read(data().join("legal/symbolic_everything.onnx")).unwrap();
    let model = Model::parse(&file).unwrap();
    assert_eq!((model.ir_version(), model.opset(""), model.opset("ai.onnx")), (Some(8), Some(17), Some(17)));
    assert_eq!(model.opset("com.acme"), None);
    let input = model.graph().inputs().next().unwrap();
    let ty = input.tensor_type().unwrap();
    assert_eq!((input.name(), ty.elements), ("x", Some(ElementType::F32)));
    assert_eq!(ty.dims.unwrap(), ["N", "C", "H", "W"].map(Dim::Named));
    let nodes: Vec<_> = model.graph().nodes().collect();
    assert_eq!((nodes.len(), nodes[0].op_type(), nodes[0].domain()), (1, "Conv", ""));
    assert_eq!(nodes[0].inputs().collect::<Vec<_>>(), ["x", "w"]);
    assert_eq!(nodes[0].ints("pads").unwrap().unwrap(), [1, 1, 1, 1]);

    let file = onnx::read(data().join("legal/input_shape_absent.onnx")).unwrap();
    let input = Model::parse(&file).unwrap().graph().inputs().next().unwrap();
    assert_eq!(input.tensor_type().unwrap().dims, None);
    let minus_one = Message::new().with(1, Message::new().int(1, -1)).with(1, Message::new());
    let ty = Message::new().with(1, Message::new().int(1, 1).with(2, minus_one));
    let graph = Message::new().with(11, value("x").with(2, ty)).with(12, value("x"));
    let file = super::message::model(graph);
    let input = Model::parse(&file).unwrap().graph().inputs().next().unwrap();
    assert_eq!(input.tensor_type().unwrap().dims.unwrap(), [Dim::Unknown, Dim::Unknown]);
}

#[test]
fn a_graph_given_twice_is_one_and_other_messages_are_given_once() {
    let file = onnx::read(data().join("legal/graph_field_twice.onnx")).unwrap();
    let graph = Model::parse(&file).unwrap().graph();
    assert_eq!((graph.nodes().count(), graph.initializers().count()), (1, 1));
    // The halves know each other, and what is given once is the last one.
    let a = Message::new().bytes(2, "a").with(11, value("x"));
    let b = Message::new().bytes(2, "b").with(1, node("Relu", &["x"], &["y"])).with(12, value("y"));
    let file = Message::new().with(7, a).with(8, Message::new().int(2, 17)).with(7, b).0;
    let graph = Model::parse(&file).unwrap().graph();
    assert_eq!((graph.name(), graph.inputs().count(), graph.nodes().count()), ("b", 1, 1));
    let twice = Message::new().with(2, Message::new()).with(2, Message::new()).bytes(1, "x");
    let graph = Message::new().with(11, twice).with(12, value("x"));
    refused(Model::parse(&model(graph)), Refusal::Parse, "field 2 of ValueInfo is given twice");
}

/// Nodes with a subgraph in an attribute, in each other.
fn nested(levels: usize) -> Vec<u8> {
    let innermost = node("Relu", &["x"], &["y"]);
    let outer = (0..levels).fold(innermost, |node, _| {
        let graph = Message::new().with(1, node);
        Message::new()
            .bytes(2, "y")
            .bytes(4, "If")
            .with(5, Message::new().bytes(1, "then_branch").with(6, graph))
    });
    model(Message::new().with(11, value("x")).with(1, outer).with(12, value("y")))
}

#[test]
fn depth_is_limited() {
    // A model, its graph, its node, and three messages a level.
    Model::parse(&nested(20)).unwrap();
    for levels in [21, 5_000, 20_000] {
        let part = "messages lie more than 64 deep in each other";
        refused(Model::parse(&nested(levels)), Refusal::Limit, part);
    }
}

#[test]
fn names_are_given_once_and_domains_and_attributes_too() {
    let inputs = Message::new().with(11, value("x"));
    let of = |node: Message| {
        Model::parse(&model(inputs.clone().with(1, node).with(12, value("x")))).map(drop).unwrap_err()
    };
    let wrong = |node, part| refused(Err::<(), _>(of(node)), Refusal::Structure, part);
    wrong(node("", &["x"], &["y"]), "node of \"y\" (\"\"): it has no operator");
    wrong(node("Split", &["x"], &["y", "y"]), "value \"y\": it is given or made twice");
    wrong(node("Relu", &["x"], &["x"]), "value \"x\": it is given or made twice");
    let axis = Message::new().bytes(1, "axis");
    wrong(
        node("Split", &["x"], &["y"]).with(5, axis.clone()).with(5, axis),
        "attribute \"axis\" is given twice",
    );
    let many = (0..200).fold(node("Relu", &["x"], &["y"]), |node, i| node.with(5, value(&format!("a{i}"))));
    refused(Err::<(), _>(of(many)), Refusal::Limit, "more than 128 attributes");
    let long = "n".repeat(1_000_000);
    let error = of(node("Relu", &[&long], &["y"]));
    assert!(error.to_string().len() < 400, "{error}");

    let graph = inputs.clone().with(12, value("x"));
    let imports = |imports: &[(&str, i64)]| {
        let model = imports.iter().fold(Message::new(), |model, (domain, version)| {
            model.with(8, Message::new().bytes(1, domain).int(2, *version))
        });
        Model::parse(&model.with(7, graph.clone()).0).map(|model| model.opset("")).map_err(|e| e.to_string())
    };
    assert_eq!(imports(&[("", 17), ("ai.onnx", 17), ("com.acme", 1)]), Ok(Some(17)));
    assert!(imports(&[("", 17), ("ai.onnx", 18)]).unwrap_err().contains("in two versions"));
    assert!(imports(&[("com.acme", 1)]).unwrap_err().contains("which version"));
    assert!(imports(&[("", 0)]).unwrap_err().contains("version 0"));
    let all: Vec<String> = (0..200).map(|i| format!("d{i}")).collect();
    let all: Vec<(&str, i64)> = all.iter().map(|domain| (domain.as_str(), 1)).collect();
    assert!(imports(&all).unwrap_err().contains("more than 128"));

    // Old files have their initializers among the inputs.
    let tensor = Message::new().bytes(8, "x").int(2, 1).float(4, 1.0);
    Model::parse(&model(graph.clone().with(5, tensor.clone()))).unwrap();
    refused(Model::parse(&model(graph.with(5, tensor.clone()).with(5, tensor))), Refusal::Structure, "twice");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = onnx::read("no such folder/model.onnx").unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if path.ends_with("model.onnx")), "{error}");
    let error = onnx::Folder::of_model("no such folder/model.onnx").unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if path.ends_with("no such folder")), "{error}");
    let error = Model::parse(b"\x08").unwrap_err().in_file(Path::new("a/b.onnx"));
    assert!(error.to_string().starts_with("ONNX model a/b.onnx: parse: byte 1: "), "{error}");
}

/// A model's tensor of four bytes in a file, as `read` finds it in a folder.
#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let root = std::env::temp_dir().join(format!("wgpool-onnx-{}", std::process::id()));
    let folder = root.join("model");
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    std::fs::write(root.join("secret.bin"), [7; 4]).unwrap();
    std::fs::write(folder.join("sub/own.bin"), [9; 5]).unwrap();
    symlink(root.join("secret.bin"), folder.join("out.bin")).unwrap();
    symlink(&root, folder.join("up")).unwrap();
    symlink("sub/own.bin", folder.join("inside.bin")).unwrap();
    symlink("/dev/zero", folder.join("zero.bin")).unwrap();
    symlink(&folder, root.join("other_name")).unwrap();

    let tensor = |location: &str| {
        let place = Message::new().bytes(1, "location").bytes(2, location);
        with_tensor(Message::new().int(1, 1).int(2, 1).int(14, 1).with(13, place))
    };
    let read = |folder: &Path, location: &str| {
        let file = tensor(location);
        let model = Model::parse(&file).unwrap();
        let found = model.graph().initializers().next().unwrap();
        onnx::Folder::of_model(folder.join("model.onnx")).and_then(|folder| folder.read(&found))
    };
    for folder in [&folder, &root.join("other_name")] {
        assert_eq!(read(folder, "sub/own.bin").unwrap(), [9; 4]);
        assert_eq!(read(folder, "./inside.bin").unwrap(), [9; 4]);
        for location in ["out.bin", "up/secret.bin", "zero.bin"] {
            refused(read(folder, location), Refusal::External, "leads out of the model's folder");
        }
    }
    refused(read(&folder.join("sub"), "/own.bin"), Refusal::External, "must be a path inside");
    refused(read(&folder, "sub"), Refusal::External, "is no file");
    refused(read(&folder, "sub/own.bin\0"), Refusal::External, "cannot be read");
    std::fs::remove_dir_all(root).unwrap();
}
