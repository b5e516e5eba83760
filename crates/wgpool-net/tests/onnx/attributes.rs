//! Attributes by name and type.

use wgpool_net::onnx::{Model, Node};

use super::message::{Message, model, node, value};

/// What `look` sees of a node with attributes.
fn with<T>(attributes: &[Message], look: impl FnOnce(Node<'_>) -> T) -> T {
    let node = attributes.iter().fold(node("Conv", &["x"], &["y"]), |node, a| node.with(5, a.clone()));
    let graph = Message::new().with(11, value("x")).with(1, node.bytes(3, "c")).with(12, value("y"));
    let file = model(graph);
    look(Model::parse(&file).unwrap().graph().nodes().next().unwrap())
}

/// An attribute of a name and a type, whose value comes behind.
fn named(name: &str, ty: i64) -> Message {
    Message::new().bytes(1, name).int(20, ty)
}

#[test]
fn each_type_is_read() {
    let attributes = [
        named("int", 2).int(3, -7),
        named("float", 1).float(2, 0.5),
        named("text", 3).bytes(4, "SAME_UPPER"),
        named("ints", 7).packed(8, &[1, -1]),
        named("floats", 6).float(7, 1.5).float(7, -2.0),
        named("texts", 8).bytes(9, "a").bytes(9, ""),
        named("tensor", 4).with(5, Message::new().int(2, 1).float(4, 3.0)),
        named("default_int", 2),
        named("empty", 7),
    ];
    with(&attributes, |node| {
        assert_eq!((node.int("int").unwrap(), node.int("none").unwrap()), (Some(-7), None));
        assert_eq!((node.int_or("int", 1).unwrap(), node.int_or("none", 1).unwrap()), (-7, 1));
        assert_eq!(node.int("default_int").unwrap(), Some(0));
        assert_eq!((node.float("float").unwrap(), node.float_or("none", 2.0).unwrap()), (Some(0.5), 2.0));
        assert_eq!(node.text("text").unwrap(), Some("SAME_UPPER"));
        assert_eq!(node.text_or("none", "NOTSET").unwrap(), "NOTSET");
        assert_eq!(node.ints("ints").unwrap().unwrap(), [1, -1]);
        assert!(node.ints("empty").unwrap().unwrap().is_empty());
        assert_eq!(node.floats("floats").unwrap().unwrap(), [1.5, -2.0]);
        assert_eq!(node.texts("texts").unwrap().unwrap(), ["a", ""]);
        assert_eq!(node.tensor("tensor").unwrap().unwrap().bytes().unwrap()[..], 3f32.to_le_bytes());
        assert!(node.has("int") && !node.has("none"));
        let known = ["int", "float", "text", "ints", "floats", "texts", "tensor", "default_int"];
        let error = node.check_attributes(&known).unwrap_err().to_string();
        assert!(error.contains("attribute \"empty\" is unknown (known: int, float"), "{error}");
        assert!(node.check_attributes(&[&known[..], &["empty"]].concat()).is_ok());
    });
}

#[test]
fn another_type_is_an_error_with_both() {
    let error =
        with(&[named("strides", 1).float(2, 1.0)], |node| node.ints("strides").unwrap_err().to_string());
    assert_eq!(
        error,
        "ONNX model: structure: node \"c\" (\"Conv\"): attribute strides is float, but must be ints"
    );
    let error = with(&[named("body", 5).with(6, Message::new())], |node| {
        node.tensor("body").unwrap_err().to_string()
    });
    assert!(error.ends_with("attribute body is graph, but must be tensor"), "{error}");
    let error = with(&[named("mode", 3).bytes(4, [0xff])], |node| node.text("mode").unwrap_err().to_string());
    assert!(error.ends_with("attribute mode is no UTF-8"), "{error}");
    let error =
        with(&[named("axis", 2).bytes(21, "outer")], |node| node.int("axis").unwrap_err().to_string());
    assert!(
        error.contains("unsupported: ") && error.ends_with("attribute axis is that of a function, \"outer\"")
    );
}

#[test]
fn attributes_without_types_have_that_of_their_content() {
    let of = |field: Message| [Message(([Message::new().bytes(1, "a").0, field.0]).concat())];
    assert_eq!(with(&of(Message::new().int(3, 4)), |node| node.int("a").unwrap()), Some(4));
    assert_eq!(with(&of(Message::new().packed(8, &[4])), |node| node.ints("a").unwrap()).unwrap(), [4]);
    assert!(with(&of(Message::new()), |node| node.ints("a").unwrap()).unwrap().is_empty());
    let error = with(&of(Message::new()), |node| node.int("a").unwrap_err().to_string());
    assert!(error.ends_with("attribute a is undefined, but must be int"), "{error}");
}
