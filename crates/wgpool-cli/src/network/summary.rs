//! `wgpool summary` of an ONNX model: its nodes, with the shapes that they have for given inputs.

use std::collections::HashMap;
use std::io::Write;

use wgpool::Result;
use wgpool_net::Program;
use wgpool_net::onnx::{Dim, ElementType, Graph, Model, Node, Options, TensorType};

use super::{Network, axes_text, type_text};
use crate::args::{Place, SummaryArgs};
use crate::backends;
use crate::terminal::{aligned, block, grouped, line};

/// What a column of the table is called.
const HEADINGS: [&str; 4] = ["node", "operator", "output shape", "parameters"];

/// Prints the table; what cannot be lowered has one too, without the shapes that only lowering tells.
pub fn run(args: &SummaryArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let network = Network::load(&args.model, args.weights.as_deref())?;
    let Network::Onnx { bytes, .. } = &network else { return Ok(()) };
    let model = Model::parse(bytes)?;
    let options = args.shapes.options();
    let program = network.program(&options, false);
    let graph = model.graph();
    let made = match model.producer() {
        "" => String::new(),
        name => format!(", written by {}", [name, model.producer_version()].join(" ").trim()),
    };
    let opset = model.opset("").unwrap_or_default();
    line(out, format_args!("Model: {:?}, ONNX operators of version {opset}{made}", graph.name()))?;
    for (what, value) in
        model.inputs().map(|value| ("input", value)).chain(graph.outputs().map(|value| ("output", value)))
    {
        line(out, format_args!("{what:6}  {}: {}", value.name(), type_text(&value.tensor_type()?)))?;
    }
    line(out, "")?;
    let mut weights = Weights::of(&graph)?;
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    let shapes = Shapes::of(&graph, program.as_ref().ok(), &options)?;
    for node in graph.nodes() {
        let own: u64 = node.inputs().map(|name| weights.take(name)).sum();
        let operator = match node.domain() {
            "" => node.op_type().to_owned(),
            domain => format!("{domain}.{}", node.op_type()),
        };
        let parameters = if own == 0 { String::new() } else { grouped(own) };
        rows.push([node.title().to_owned(), operator, shapes.text(&node), parameters]);
    }
    aligned(&rows, 3, out)?;
    line(out, "")?;
    let (nodes, all, size) = (grouped(rows.len() as u64 - 1), grouped(weights.all), grouped(weights.bytes));
    line(out, format_args!("{nodes} nodes, {all} parameters ({size} bytes)"))?;
    match program {
        Err(error) => line(out, format_args!("not lowered: {error}")),
        Ok(program) if args.explain => {
            let program = program.optimised()?;
            line(out, "")?;
            block(out, program.explain(&backends::open(place)?.backend)?)
        }
        Ok(program) => {
            line(out, format_args!("{} operations to compute", grouped(program.steps.len() as u64)))
        }
    }
}

/// Elements of the initializers that are weights: all but those of integers of 16 bits and more and truth values, which are
/// shapes, axes and indices.
struct Weights<'a> {
    left: HashMap<&'a str, u64>,
    all: u64,
    bytes: u64,
}

impl<'a> Weights<'a> {
    fn of(graph: &Graph<'a>) -> Result<Weights<'a>> {
        let mut weights = Weights { left: HashMap::new(), all: 0, bytes: 0 };
        for tensor in graph.initializers() {
            use ElementType::{Bool, I16, I32, I64, Text, U16, U32, U64};
            let ty = tensor.element_type()?;
            if matches!(ty, Bool | I16 | I32 | I64 | U16 | U32 | U64 | Text) {
                continue;
            }
            let elements = tensor.shape()?.iter().fold(1u64, |n, &length| n.saturating_mul(length as u64));
            weights.all = weights.all.saturating_add(elements);
            let size = elements.saturating_mul(ty.size().unwrap_or(0) as u64);
            weights.bytes = weights.bytes.saturating_add(size);
            weights.left.insert(tensor.name(), elements);
        }
        Ok(weights)
    }

    /// The elements of one, the first time.
    fn take(&mut self, name: &str) -> u64 {
        self.left.remove(name).unwrap_or(0)
    }
}

/// The shapes of values, as far as they are known.
struct Shapes<'a> {
    /// As the file declares them, with the lengths that were given, and whether these are all.
    declared: HashMap<&'a str, (bool, String)>,
    /// Those that the program has: of its outputs, which are exact.
    outputs: HashMap<String, String>,
    /// Those of the last operation of each node.
    steps: HashMap<String, String>,
}

impl<'a> Shapes<'a> {
    fn of(graph: &Graph<'a>, program: Option<&Program>, options: &Options) -> Result<Shapes<'a>> {
        let mut shapes = Shapes { declared: HashMap::new(), outputs: HashMap::new(), steps: HashMap::new() };
        for value in graph.value_infos().chain(graph.outputs()) {
            let mut ty: TensorType<'_> = value.tensor_type()?;
            for dim in ty.dims.iter_mut().flatten() {
                if let Dim::Named(name) = dim
                    && let Some(&length) = options.dims.get(*name)
                {
                    *dim = Dim::Known(length);
                }
            }
            let is_whole = ty.dims.as_ref().is_some_and(|dims| dims.iter().all(|dim| dim.length().is_some()));
            shapes.declared.insert(value.name(), (is_whole, axes_text(&ty)));
        }
        for port in program.iter().flat_map(|program| &program.outputs) {
            shapes.outputs.insert(port.name.clone(), format!("{:?}", port.desc.shape));
        }
        for step in program.iter().flat_map(|program| &program.steps) {
            if let Some(desc) = step.output_descs().first() {
                shapes.steps.insert(step.name.clone(), format!("{:?}", desc.shape));
            }
        }
        Ok(shapes)
    }

    /// That of a node's first output; none where nothing is known. Operations may compute in other shapes than their nodes'.
    fn text(&self, node: &Node<'_>) -> String {
        let output = node.outputs().find(|name| !name.is_empty()).unwrap_or_default();
        let declared = self.declared.get(output);
        let whole = declared.filter(|(is_whole, _)| *is_whole);
        let shape = self.outputs.get(output).or(whole.map(|(_, text)| text));
        let shape = shape.or_else(|| self.steps.get(node.title())).or(declared.map(|(_, text)| text));
        shape.cloned().unwrap_or_default()
    }
}
