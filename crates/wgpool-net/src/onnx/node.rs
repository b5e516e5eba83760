//! Nodes and models: domains, and attributes by their names and types.

use super::messages::{Attribute, Model, Node, Tensor};
use super::refused::{quoted, refused};
use wgpool::error::{Error, Refusal, Result};

/// The newest version of ONNX' own operators that is known here.
pub const NEWEST_OPSET: i64 = 28;

/// ONNX' own domain has two names.
fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

impl<'a> Model<'a> {
    /// The version of a domain's operators that the model is written for; ONNX' own domain is `""`.
    pub fn opset(&self, of: &str) -> Option<i64> {
        self.imports().find(|(name, _)| *name == domain(of)).map(|(_, version)| version)
    }

    /// Each domain with its version.
    pub fn imports(&self) -> impl Iterator<Item = (&'a str, i64)> + use<'a> {
        self.opsets().map(|opset| (domain(opset.domain()), opset.version().unwrap_or_default()))
    }
}

/// What the numbers in `AttributeProto.type` stand for.
const TYPES: [&str; 15] = [
    "undefined",
    "float",
    "int",
    "string",
    "tensor",
    "graph",
    "floats",
    "ints",
    "strings",
    "tensors",
    "graphs",
    "sparse_tensor",
    "sparse_tensors",
    "type_proto",
    "type_protos",
];

impl Attribute<'_> {
    /// The name of its type in ONNX.
    pub fn type_name(&self) -> &'static str {
        let code = usize::try_from(self.code().unwrap_or_default()).unwrap_or_default();
        match TYPES.get(code) {
            Some(&"undefined") | None => self.type_of_content(),
            Some(name) => name,
        }
    }

    /// Files from before 2017 have no types of attributes.
    fn type_of_content(&self) -> &'static str {
        let given = [
            (self.float().is_some(), "float"),
            (self.int().is_some(), "int"),
            (self.text().is_some(), "string"),
            (self.tensor().is_some(), "tensor"),
            (self.graph().is_some(), "graph"),
            (self.floats().next().is_some(), "floats"),
            (self.ints().next().is_some(), "ints"),
            (self.texts().next().is_some(), "strings"),
            (self.tensors().next().is_some(), "tensors"),
            (self.graphs().next().is_some(), "graphs"),
        ];
        given.iter().find(|(given, _)| *given).map_or("undefined", |(_, name)| name)
    }
}

impl<'a> Node<'a> {
    /// The domain of its operator; ONNX' own is `""`.
    pub fn domain(&self) -> &'a str {
        domain(self.raw_domain())
    }

    /// What errors call it: its name, or else what it makes, and the operator.
    pub fn label(&self) -> String {
        match (self.name(), self.outputs().find(|name| !name.is_empty())) {
            ("", Some(output)) => format!("node of {} ({})", quoted(output), quoted(self.op_type())),
            (name, _) => format!("node {} ({})", quoted(name), quoted(self.op_type())),
        }
    }

    /// Its name, or else that of what it makes: what the steps of a program are called.
    pub fn title(&self) -> &'a str {
        match self.name() {
            "" => self.outputs().find(|name| !name.is_empty()).unwrap_or_default(),
            name => name,
        }
    }

    /// An axis of so many, counted from the end if it is negative.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let from_begin = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let found = usize::try_from(from_begin).ok().filter(|&axis| axis < rank);
        found.ok_or_else(|| self.refused(Refusal::Shape, format!("there is no axis {axis} of {rank}")))
    }

    /// Axes of so many, none of them twice.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>> {
        let (mut found, mut named) = (Vec::with_capacity(axes.len().min(rank)), vec![false; rank]);
        for &axis in axes {
            let at = self.axis(axis, rank)?;
            if std::mem::replace(&mut named[at], true) {
                return Err(self.refused(Refusal::Shape, format!("axis {axis} is named twice")));
            }
            found.push(at);
        }
        Ok(found)
    }

    /// The error of this node.
    pub fn refused(&self, refusal: Refusal, reason: impl Into<String>) -> Error {
        refused(refusal, self.label(), reason)
    }

    /// An attribute, if it is given and of the type.
    fn attribute(&self, name: &str, ty: &str) -> Result<Option<Attribute<'a>>> {
        let Some(attribute) = self.attributes().find(|attribute| attribute.name() == name) else {
            return Ok(None);
        };
        if !attribute.reference().is_empty() {
            let reason = format!("attribute {name} is that of a function, {}", quoted(attribute.reference()));
            return Err(self.refused(Refusal::Unsupported, reason));
        }
        match attribute.type_name() {
            // An empty list without a type has nothing to tell its type by.
            found if found == ty || found == "undefined" && ty.ends_with('s') => Ok(Some(attribute)),
            found => {
                Err(self
                    .refused(Refusal::Structure, format!("attribute {name} is {found}, but must be {ty}")))
            }
        }
    }

    /// Whether an attribute is given, whatever its type.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name() == name)
    }

    /// Refuses attributes that are not in a list.
    ///
    /// # Errors
    /// [`Error::Network`] that names the first such attribute.
    pub fn check_attributes(&self, known: &[&str]) -> Result<()> {
        match self.attributes().find(|attribute| !known.contains(&attribute.name())) {
            None => Ok(()),
            Some(other) => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let reason = format!("attribute {} is unknown (known: {known})", quoted(other.name()));
                Err(self.refused(Refusal::Structure, reason))
            }
        }
    }

    /// A number, if it is given. In all these calls an attribute of another type is [`Error::Network`] with both types.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `int`.
    pub fn int(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.attribute(name, "int")?.map(|attribute| attribute.int().unwrap_or_default()))
    }

    /// A number, or another one if it is not given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `int`.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// A float, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `float`.
    pub fn float(&self, name: &str) -> Result<Option<f32>> {
        Ok(self.attribute(name, "float")?.map(|attribute| attribute.float().unwrap_or_default()))
    }

    /// A float, or another one if it is not given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `float`.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    /// A text, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `string`, or no UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let Some(attribute) = self.attribute(name, "string")? else { return Ok(None) };
        self.utf8(name, attribute.text().unwrap_or_default()).map(Some)
    }

    /// A text, or another one if it is not given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `string`, or no UTF-8.
    pub fn text_or(&self, name: &str, default: &'a str) -> Result<&'a str> {
        Ok(self.text(name)?.unwrap_or(default))
    }

    fn utf8<'b>(&self, name: &str, bytes: &'b [u8]) -> Result<&'b str> {
        std::str::from_utf8(bytes)
            .map_err(|_| self.refused(Refusal::Structure, format!("attribute {name} is no UTF-8")))
    }

    /// A list of numbers, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `ints`.
    pub fn ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        Ok(self.attribute(name, "ints")?.map(|attribute| attribute.ints().collect()))
    }

    /// A list of floats, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `floats`.
    pub fn floats(&self, name: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.attribute(name, "floats")?.map(|attribute| attribute.floats().collect()))
    }

    /// A list of texts, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `strings`, or one is no UTF-8.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>> {
        let Some(attribute) = self.attribute(name, "strings")? else { return Ok(None) };
        attribute.texts().map(|bytes| self.utf8(name, bytes)).collect::<Result<_>>().map(Some)
    }

    /// A tensor, if it is given.
    ///
    /// # Errors
    /// [`Error::Network`] if the attribute is no `tensor`.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor<'a>>> {
        Ok(self.attribute(name, "tensor")?.and_then(|attribute| attribute.tensor()))
    }
}
