//! `manifest.json` of a corpus: what its cases are, in any of the three formats.

use std::io::Read;
use std::path::{Component, Path};

use serde_json::{Map, Value};

use super::array::Element;
use wgpool::error::{Error, Result};

/// A manifest of more bytes than this is refused unread.
const MOST_BYTES: u64 = 256 << 20;

/// The format of backward cases.
const GRADIENTS: &str = "wgpool-gradients";

/// An input or output of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its key in the case's file.
    pub tensor: Option<String>,
    /// Type of its elements, if it is one that can be read.
    pub element: Option<Element>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Of an output of a backward case that is not exact: the key of its scale, element by element, in the case's file.
    pub scale: Option<String>,
}

/// An operation of an ONNX graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: String,
    /// Names of the inputs; an empty one is an input left out.
    pub inputs: Vec<String>,
    /// Names of the outputs; an empty one is not wanted.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

/// Which framework's operations a case holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An ONNX graph.
    Onnx {
        /// The version of the operator set.
        opset: i64,
        /// The graph, in the order of computation.
        nodes: Vec<Node>,
    },
    /// A call of a function of `torch.nn.functional`.
    Torch {
        /// Its arguments beside the tensors.
        attributes: Map<String, Value>,
    },
    /// A backward case.
    Gradient {
        /// What it is told beside the tensors.
        attributes: Map<String, Value>,
    },
}

/// What is right in a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expectation {
    /// A typed error.
    Refusal,
    /// These very values.
    Exact,
    /// Values within `8 * eps * largest sum of absolute terms`.
    Sum {
        /// `eps * largest sum`.
        unit: f64,
    },
    /// Each element within `8 * eps * scale`, the scale being its own; values of outputs without scales are exact.
    Scaled,
    /// Values within `absolute + relative * |expected|`.
    Near {
        /// The part that does not grow.
        absolute: f64,
        /// The part relative to the expected value.
        relative: f64,
    },
}

/// A case of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, which no result depends on.
    pub name: String,
    /// The operation, for tables.
    pub op: String,
    /// The safetensors file with its tensors, if it has any.
    pub file: Option<String>,
    /// What is to be computed.
    pub source: Source,
    /// What goes in.
    pub inputs: Vec<Port>,
    /// What comes out.
    pub outputs: Vec<Port>,
    /// What is right.
    pub expectation: Expectation,
}

/// Reads the manifest of the corpus in `dir`.
///
/// # Errors
/// [`Error::File`] if it cannot be read, [`Error::Document`] if it is no manifest.
pub fn read(dir: &Path) -> Result<Vec<Case>> {
    let bytes = read_bounded(&dir.join("manifest.json"), MOST_BYTES)?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    let cases = document.get("cases").and_then(Value::as_array);
    let cases = cases.ok_or_else(|| wrong("it has no list `cases`".into()))?;
    let is_backward = document.get("format").and_then(Value::as_str) == Some(GRADIENTS);
    cases
        .iter()
        .enumerate()
        .map(|(i, case)| read_case(case, is_backward).map_err(|e| wrong(format!("case {i}: {e}"))))
        .collect()
}

/// The bytes of a plain file of at most `most` bytes.
pub(super) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    // Not opened before it is known to be a file: opening a pipe could wait for ever.
    let meta = std::fs::metadata(path).map_err(failed)?;
    let refuse = |reason: String| Error::Document { document: path.display().to_string(), reason };
    if !meta.is_file() {
        return Err(refuse("it is not a file".into()));
    }
    if meta.len() > most {
        return Err(refuse(format!("{} bytes, but at most {most} are read", meta.len())));
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    std::fs::File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn wrong(reason: String) -> Error {
    Error::Document { document: "manifest.json".into(), reason }
}

type Part<T> = std::result::Result<T, String>;

fn read_case(case: &Value, is_backward: bool) -> Part<Case> {
    let name = text(case, "name")?;
    let within = |e: String| format!("{}: {e}", name.chars().take(80).collect::<String>());
    let op = text(case, "op").map_err(within)?;
    let file = match case.get("file") {
        None | Some(Value::Null) => None,
        Some(Value::String(file)) => Some(plain_name(file).map_err(within)?),
        Some(_) => return Err(within("`file` is no name".into())),
    };
    let source = read_source(case, is_backward).map_err(within)?;
    Ok(Case {
        inputs: ports(case, "inputs").map_err(within)?,
        outputs: ports(case, "outputs").map_err(within)?,
        expectation: read_expectation(case, is_backward).map_err(within)?,
        name,
        op,
        file,
        source,
    })
}

fn read_source(case: &Value, is_backward: bool) -> Part<Source> {
    if is_backward {
        return Ok(Source::Gradient { attributes: attributes(case)? });
    }
    let Some(nodes) = case.get("nodes") else {
        return Ok(Source::Torch { attributes: attributes(case)? });
    };
    let nodes = nodes.as_array().ok_or("`nodes` is no list")?;
    let nodes = nodes
        .iter()
        .map(|node| {
            Ok(Node {
                op: text(node, "op")?,
                inputs: names(node, "inputs")?,
                outputs: names(node, "outputs")?,
                attributes: attributes(node)?,
            })
        })
        .collect::<Part<Vec<_>>>()?;
    let opset = case.get("opset").and_then(super::attributes::whole).ok_or("`opset` is no whole number")?;
    Ok(Source::Onnx { opset, nodes })
}

fn read_expectation(case: &Value, is_backward: bool) -> Part<Expectation> {
    let number = |key: &str| match case.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(v) if v.is_finite() && v >= 0.0 => Ok(Some(v)),
            _ => Err(format!("`{key}` must be a number that is not negative")),
        },
    };
    match case.get("expect").and_then(Value::as_str) {
        Some("error") => return Ok(Expectation::Refusal),
        Some("ok") | None if is_backward => return Ok(Expectation::Scaled),
        Some("ok") | None => {}
        Some(_) => return Err("`expect` must be ok or error".into()),
    }
    if case.get("exact").and_then(Value::as_bool) == Some(true) {
        return Ok(Expectation::Exact);
    }
    if let (Some(sum), Some(eps)) = (number("abs_sum_max")?, number("eps")?) {
        return Ok(Expectation::Sum { unit: eps * sum });
    }
    match (number("atol")?, number("rtol")?) {
        (None, None) => Err("it says neither `exact` nor a tolerance".into()),
        (absolute, relative) => {
            Ok(Expectation::Near { absolute: absolute.unwrap_or(0.0), relative: relative.unwrap_or(0.0) })
        }
    }
}

fn ports(case: &Value, key: &str) -> Part<Vec<Port>> {
    let list = case.get(key).and_then(Value::as_array).ok_or_else(|| format!("`{key}` is no list"))?;
    list.iter()
        .map(|port| {
            let name = text(port, "name")?;
            let element = Element::named(&text(port, "dtype")?);
            let shape =
                port.get("shape").and_then(Value::as_array).ok_or_else(|| format!("{name}: no shape"))?;
            let shape: Option<Vec<usize>> =
                shape.iter().map(|l| l.as_u64().and_then(|l| usize::try_from(l).ok())).collect();
            let shape = shape.ok_or_else(|| format!("{name}: a length of the shape is no whole number"))?;
            let tensor = port.get("tensor").and_then(Value::as_str).map(str::to_owned);
            let scale = port.get("scale").and_then(Value::as_str).map(str::to_owned);
            Ok(Port { name, tensor, element, shape, scale })
        })
        .collect()
}

fn attributes(value: &Value) -> Part<Map<String, Value>> {
    match value.get("attributes") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => Err("`attributes` is no object".into()),
    }
}

fn names(value: &Value, key: &str) -> Part<Vec<String>> {
    let list = value.get(key).and_then(Value::as_array).ok_or_else(|| format!("`{key}` is no list"))?;
    list.iter()
        .map(|name| match name {
            Value::Null => Ok(String::new()),
            Value::String(name) => Ok(name.clone()),
            _ => Err(format!("`{key}` holds something that is no name")),
        })
        .collect()
}

fn text(value: &Value, key: &str) -> Part<String> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("`{key}` is no text"))
}

/// A name of a file in the corpus' own folder: nothing that leads out of it.
fn plain_name(file: &str) -> Part<String> {
    let mut parts = Path::new(file).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    // Names that another system would read as a path are refused on every system.
    if plain && !file.contains(['/', '\\', ':', '\0']) {
        Ok(file.to_owned())
    } else {
        Err(format!("file {file:?} must be a plain file name"))
    }
}
