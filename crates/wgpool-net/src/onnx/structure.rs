//! Whether nodes, values and their names make a graph.

use super::body::Body;
use super::messages::{Kind, Model, Node, check};
use super::node::NEWEST_OPSET;
use super::refused::{quoted, refused};
use super::wire::{Field, Reader, Value};
use wgpool::error::{Refusal, Result};

/// The most imports of a model, and attributes of a node: each is compared with the others.
const MAX_COMPARED: usize = 128;

impl<'a> Model<'a> {
    /// Reads a model: checks the form of all that is in it, but not the data of tensors, and that nodes and values make a graph.
    ///
    /// Operators are not looked at. What comes out borrows from `file`.
    ///
    /// # Errors
    /// [`Error::Network`](wgpool::Error::Network): `Parse` with the byte if it is no such file; `Structure` if the graph is missing or without outputs, if
    /// a value is made twice, by nothing, or by a node behind the one that reads it (so that there are no cycles), if an
    /// attribute is given twice, or an operator's domain is not imported; `Unsupported` if ONNX' operators are
    /// newer than [`NEWEST_OPSET`](super::NEWEST_OPSET), or initializers sparse; `Limit` if messages lie more than 64 deep in each other, or the file has
    /// 2 GiB or more, which protobuf does not allow.
    ///
    /// ```
    /// let error = wgpool_net::onnx::Model::parse(b"\x08\x07\x3a\x05").unwrap_err();
    /// assert_eq!(error.to_string(), "ONNX model: parse: byte 4: 5 bytes are announced, but 0 are left of the message");
    /// ```
    pub fn parse(file: &'a [u8]) -> Result<Model<'a>> {
        if i32::try_from(file.len()).is_err() {
            let reason = format!("it has {} bytes, but messages have less than 2 GiB", file.len());
            return Err(refused(Refusal::Limit, "file", reason));
        }
        let reader = Reader::new(file);
        check(Kind::Model, reader, 0)?;
        let model = Model(Body::new(reader));
        check_imports(&model)?;
        Definitions::of(&model)?.check(&model)?;
        Ok(model)
    }
}

impl<'a> super::messages::Tensor<'a> {
    /// Reads a tensor that is a file by itself.
    ///
    /// # Errors
    /// [`Error::Network`](wgpool::Error::Network) if the bytes are no such file.
    pub fn parse(file: &'a [u8]) -> Result<super::messages::Tensor<'a>> {
        let reader = Reader::new(file);
        check(Kind::Tensor, reader, 0)?;
        Ok(super::messages::Tensor(Body::new(reader)))
    }
}

impl<'a> Model<'a> {
    /// What is given to run it: the inputs that no initializer is a default of.
    pub fn inputs(&self) -> impl Iterator<Item = super::messages::ValueInfo<'a>> + use<'a> {
        let constants: std::collections::HashSet<&str> =
            self.graph().initializers().map(|tensor| tensor.name()).collect();
        self.graph().inputs().filter(move |input| !constants.contains(input.name()))
    }
}

fn check_imports(model: &Model<'_>) -> Result<()> {
    if model.0.each(7).next().is_none() {
        return Err(refused(Refusal::Structure, "model", "it has no graph"));
    }
    if model.imports().nth(MAX_COMPARED).is_some() {
        let reason = format!("it imports more than {MAX_COMPARED} sets of operators");
        return Err(refused(Refusal::Limit, "model", reason));
    }
    for (domain, version) in model.imports() {
        if model.opset(domain) != Some(version) {
            let reason = format!("it imports the operators of the domain {} in two versions", quoted(domain));
            return Err(refused(Refusal::Structure, "model", reason));
        }
    }
    match model.opset("") {
        None => Err(refused(
            Refusal::Structure,
            "model",
            "it does not say which version of ONNX' operators it has",
        )),
        Some(1..=NEWEST_OPSET) => Ok(()),
        Some(version) => {
            let reason =
                format!("it has version {version} of ONNX' operators, but 1 to {NEWEST_OPSET} are known");
            Err(refused(Refusal::Unsupported, "model", reason))
        }
    }
}

/// What makes a value, in the order in which things are there: 0 an input, 1 an initializer, from 2 on the nodes.
type Maker = u32;

/// The texts of a field that are not empty, with the places of their fields.
fn texts<'a>(message: Reader<'a>, number: u32) -> impl Iterator<Item = (usize, &'a [u8])> {
    let fields = Body::new(message).fields().filter(move |field| field.number == number);
    fields.filter_map(|field| match field.value {
        Value::Bytes(text) if !text.is_empty() => Some((field.at, text.bytes())),
        _ => None,
    })
}

/// What makes each value: the places of the names with their makers, ordered by name. Each has eight bytes, less than four
/// times what the file has for it.
struct Definitions<'a> {
    file: Reader<'a>,
    ordered: Vec<(u32, Maker)>,
}

impl<'a> Definitions<'a> {
    fn of(model: &Model<'a>) -> Result<Definitions<'a>> {
        let graph = model.graph().0;
        let given = |number, name, maker| {
            graph.each(number).filter_map(move |message| Some((texts(message, name).last()?.0, maker)))
        };
        let all = || {
            let nodes = graph.each(1).zip(2..);
            let made = nodes.flat_map(|(node, maker)| texts(node, 2).map(move |(at, _)| (at, maker)));
            given(11, 1, 0).chain(given(5, 8, 1)).chain(made)
        };
        let (mut ordered, values) = (Vec::new(), all().count());
        if ordered.try_reserve_exact(values).is_err() {
            return Err(refused(Refusal::Limit, "graph", format!("there is no memory for {values} values")));
        }
        ordered.extend(all().map(|(at, maker)| (at as u32, maker)));
        let mut definitions = Definitions { file: graph.reader(), ordered: Vec::new() };
        ordered.sort_unstable_by_key(|&(at, maker)| (definitions.name(at), maker));
        definitions.ordered = ordered;
        Ok(definitions)
    }

    /// The name whose field is at a place.
    fn name(&self, at: u32) -> &'a [u8] {
        match self.file.from(at as usize).field() {
            Ok(Some(Field { value: Value::Bytes(name), .. })) => name.bytes(),
            _ => &[],
        }
    }

    fn maker(&self, name: &str) -> Option<Maker> {
        let at = self.ordered.partition_point(|&(at, _)| self.name(at) < name.as_bytes());
        self.ordered.get(at).filter(|&&(at, _)| self.name(at) == name.as_bytes()).map(|&(_, maker)| maker)
    }

    fn check(&self, model: &Model<'a>) -> Result<()> {
        let graph = model.graph();
        let structure = |at: String, reason: &str| Err(refused(Refusal::Structure, at, reason));
        if graph.sparse_initializers().next().is_some() {
            return Err(refused(
                Refusal::Unsupported,
                "graph",
                "it has sparse initializers, which are not read",
            ));
        }
        let nameless = graph.initializers().any(|tensor| tensor.name().is_empty());
        if nameless || graph.inputs().chain(graph.outputs()).any(|value| value.name().is_empty()) {
            return structure("graph".into(), "an input, an output or an initializer has no name");
        }
        for pair in self.ordered.windows(2) {
            let &[(a, first), (b, second)] = pair else { continue };
            // Inputs with initializers have these as their defaults.
            if (first, second) != (0, 1) && self.name(a) == self.name(b) {
                let name = std::str::from_utf8(self.name(a)).unwrap_or_default();
                return structure(format!("value {}", quoted(name)), "it is given or made twice");
            }
        }
        for (node, maker) in graph.nodes().zip(2..) {
            check_node(model, &node)?;
            for input in node.inputs().filter(|input| !input.is_empty()) {
                let reason = match self.maker(input) {
                    Some(made) if made < maker => continue,
                    Some(_) => {
                        "is made by it, or by a node behind it: nodes must stand behind those that they read, in no cycle"
                    }
                    None => "is made by nothing",
                };
                return Err(node.refused(Refusal::Structure, format!("its input {} {reason}", quoted(input))));
            }
        }
        if graph.outputs().next().is_none() {
            return structure("graph".into(), "it has no outputs");
        }
        match graph.outputs().find(|output| self.maker(output.name()).is_none()) {
            Some(output) => structure(format!("output {}", quoted(output.name())), "it is made by nothing"),
            None => Ok(()),
        }
    }
}

fn check_node(model: &Model<'_>, node: &Node<'_>) -> Result<()> {
    if node.op_type().is_empty() {
        return Err(node.refused(Refusal::Structure, "it has no operator"));
    }
    if model.opset(node.domain()).is_none() {
        let reason = format!("its domain {} is not imported", quoted(node.domain()));
        return Err(node.refused(Refusal::Structure, reason));
    }
    if node.attributes().nth(MAX_COMPARED).is_some() {
        return Err(node.refused(Refusal::Limit, format!("it has more than {MAX_COMPARED} attributes")));
    }
    let twice = node
        .attributes()
        .enumerate()
        .find(|(at, attribute)| node.attributes().take(*at).any(|before| before.name() == attribute.name()));
    match twice {
        Some((_, attribute)) => {
            let reason = format!("attribute {} is given twice", quoted(attribute.name()));
            Err(node.refused(Refusal::Structure, reason))
        }
        None => Ok(()),
    }
}
