//! The one error type of the crate: every variant names the values and the rule they break.

use std::path::PathBuf;

use crate::dtype::DType;
use crate::text::escaped;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, with the values that broke the rule.
///
/// Printed, text that comes from files (names, paths, what a document holds) is [`escaped`], so that it cannot steer a
/// terminal or forge a line of a log. What drivers and shader compilers say is printed as it is, in several lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter of an operation is outside its legal range.
    #[error("{op}: {parameter} is {}, but {}", escaped(value), escaped(rule))]
    Parameter {
        /// The operation.
        op: &'static str,
        /// The parameter's name.
        parameter: &'static str,
        /// The value that was given.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
    /// A tensor has the wrong number of axes.
    #[error("{op}: {tensor} has rank {got} (shape {shape:?}), but {rule}")]
    Rank {
        /// The operation.
        op: &'static str,
        /// Which tensor.
        tensor: &'static str,
        /// Its rank.
        got: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// The rule it breaks.
        rule: String,
    },
    /// A tensor has the wrong shape.
    #[error("{op}: {tensor} has shape {got:?}, but {rule}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// Which tensor.
        tensor: &'static str,
        /// Its shape.
        got: Vec<usize>,
        /// The rule it breaks.
        rule: String,
    },
    /// A window does not fit into the padded input.
    #[error(
        "{op}: on axis {axis} the window spans {window} elements (kernel {kernel}, dilation {dilation}), \
         but the padded input has only {padded} (input {input}, padding {before} + {after})"
    )]
    Window {
        /// The operation.
        op: &'static str,
        /// The spatial axis, counted from the outermost.
        axis: usize,
        /// The span of the dilated window.
        window: usize,
        /// Taps of the window.
        kernel: usize,
        /// Distance between taps.
        dilation: usize,
        /// Length of the padded input.
        padded: usize,
        /// Length of the input.
        input: usize,
        /// Padding before the input.
        before: usize,
        /// Padding after the input.
        after: usize,
    },
    /// An operation was given the wrong number of tensors.
    #[error("{op}: takes {expected} input tensors, got {got}")]
    Arity {
        /// The operation.
        op: &'static str,
        /// How many it takes, in words.
        expected: &'static str,
        /// How many it was given.
        got: usize,
    },
    /// An element type the operation does not take.
    #[error("{op}: {tensor} has element type {got}, but {rule}")]
    Type {
        /// The operation.
        op: &'static str,
        /// Which tensor.
        tensor: &'static str,
        /// Its element type.
        got: DType,
        /// The rule it breaks.
        rule: String,
    },
    /// A value inside a tensor that the operation must refuse.
    #[error("{op}: {tensor}[{at}] is {}, but {}", escaped(value), escaped(rule))]
    Value {
        /// The operation.
        op: &'static str,
        /// Which tensor.
        tensor: &'static str,
        /// The flat position of the value.
        at: usize,
        /// The value.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
    /// Infinity or NaN where training cannot go on from.
    #[error("{during}: the loss is not finite; the first tensor that is not is {}", escaped(tensor))]
    NotFinite {
        /// Which step.
        during: String,
        /// The first tensor that is not finite: a parameter, what goes in, or what an operation makes of these.
        tensor: String,
    },
    /// A size does not fit the integer type or the memory it must go into.
    #[error("{what}: {} is too large ({rule})", escaped(values))]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The values that were multiplied or added.
        values: String,
        /// The largest allowed value, in words.
        rule: &'static str,
    },
    /// The device's limit is below what the operation needs.
    #[error("{op}: needs {needed} for {limit}, but the device allows {allowed}")]
    Limit {
        /// The operation.
        op: &'static str,
        /// The limit's name in `wgpu::Limits`.
        limit: &'static str,
        /// What is needed.
        needed: u64,
        /// What the device allows.
        allowed: u64,
    },
    /// The device lacks a feature that the operation needs.
    #[error("{op}: needs the device feature {feature}, which is not enabled")]
    Feature {
        /// The operation.
        op: &'static str,
        /// The feature's name in `wgpu::Features`.
        feature: &'static str,
    },
    /// A kernel that was asked for by name, and cannot compute the operation on this device.
    #[error("{op}: {kernel} does not apply: {reason}")]
    Kernel {
        /// The operation.
        op: &'static str,
        /// The kernel's name, or those of several.
        kernel: String,
        /// Why not.
        reason: String,
    },
    /// A buffer that cannot be bound.
    #[error("{op}: buffer for {}: {rule} ({})", escaped(tensor), escaped(values))]
    Buffer {
        /// The operation.
        op: &'static str,
        /// Which tensor.
        tensor: String,
        /// The rule it breaks.
        rule: &'static str,
        /// The values that break it.
        values: String,
    },
    /// Everything of a kind is in use; try again when a run has finished.
    #[error("all {in_flight} {what} are in use")]
    Busy {
        /// What is in use.
        what: &'static str,
        /// How many.
        in_flight: usize,
    },
    /// A result that is not there: its copy was not submitted, its submission failed, or it was read before.
    #[error("reading a result: there is none: {reason}")]
    NoResult {
        /// Why there is none.
        reason: &'static str,
    },
    /// No adapter matches the request.
    #[error("no adapter for {}: {}", escaped(request), escaped(reason))]
    NoAdapter {
        /// What was asked for.
        request: String,
        /// Why there is none, and what to do.
        reason: String,
    },
    /// A device could not be opened.
    #[error("adapter {}: no device: {reason}", escaped(adapter))]
    NoDevice {
        /// The adapter's name.
        adapter: String,
        /// The driver's or wgpu's reason.
        reason: String,
    },
    /// The device was lost or destroyed; the engine must be rebuilt.
    #[error("{during}: the device is lost ({reason}); rebuild the engine on a new device")]
    DeviceLost {
        /// What was under way.
        during: String,
        /// The reason wgpu gives.
        reason: String,
    },
    /// The device, or the host, ran out of memory.
    #[error("{during}: out of memory ({reason})")]
    OutOfMemory {
        /// What was under way.
        during: String,
        /// The reason wgpu gives, or whose memory it was.
        reason: String,
    },
    /// A shader or pipeline could not be created, or wgpu refused a call.
    #[error("{during}: {reason}")]
    Gpu {
        /// What was under way.
        during: String,
        /// The reason wgpu gives.
        reason: String,
    },
    /// The threads that the host path computes on cannot be started.
    #[error("the threads of the host path cannot be started ({reason})")]
    NoThreads {
        /// The system's reason.
        reason: String,
    },
    /// A model that cannot be built or run.
    #[error("model {}: layer {}: {}", escaped(model), escaped(layer), escaped(reason))]
    Layer {
        /// The model's name.
        model: String,
        /// The layer's name.
        layer: String,
        /// What is wrong, with values.
        reason: String,
    },
    /// An error of an operation, with the layer it belongs to.
    #[error("model {}: layer {}: {source}", escaped(model), escaped(layer))]
    InLayer {
        /// The model's name.
        model: String,
        /// The layer's name.
        layer: String,
        /// The operation's own error.
        source: Box<Error>,
    },
    /// An operator of the app's own that failed, or broke a rule of such operators.
    #[error("operator {}: {during}: {}", escaped(operator), escaped(&source.to_string()))]
    Operator {
        /// The operator, with its domain.
        operator: String,
        /// Which of its functions was asked.
        during: &'static str,
        /// Its own error, or the rule that it broke, with values.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A document (JSON, safetensors, HDF5, NPY, PNG) that does not hold what it must.
    #[error("{}: {}", escaped(document), escaped(reason))]
    Document {
        /// The kind of document, or its file name.
        document: String,
        /// What is wrong, with values.
        reason: String,
    },
    /// The file of a network that is refused, with the place in it and the rule it breaks.
    #[error("{}: {refusal}: {}: {}", escaped(file), escaped(at), escaped(reason))]
    Network {
        /// The kind of file, and its name where that is known.
        file: String,
        /// The kind of rule.
        refusal: Refusal,
        /// The place: a byte, a node, a tensor or a value.
        at: String,
        /// What is wrong, with values.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", escaped(&path.to_string_lossy()))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The kind of rule that the file of a network breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Its bytes are not of the file's format.
    Parse,
    /// The data of a tensor do not have the size of its shape and type.
    Tensor,
    /// Nodes, values and their names do not make a graph.
    Structure,
    /// Shapes do not fit an operator, or each other.
    Shape,
    /// An element type does not fit an operator, or is none.
    Type,
    /// It is legal, but not supported.
    Unsupported,
    /// Data in another file that cannot be had.
    External,
    /// A size or depth is beyond what is computed.
    Limit,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refusal::Parse => "parse",
            Refusal::Tensor => "tensor",
            Refusal::Structure => "structure",
            Refusal::Shape => "shape",
            Refusal::Type => "type",
            Refusal::Unsupported => "unsupported",
            Refusal::External => "external data",
            Refusal::Limit => "limit",
        })
    }
}

impl Error {
    /// Names the layer in which an error arose.
    pub fn in_layer(self, model: &str, layer: &str) -> Error {
        Error::InLayer { model: model.to_owned(), layer: layer.to_owned(), source: Box::new(self) }
    }

    /// An [`Error::Parameter`] from its parts.
    pub fn parameter(
        op: &'static str,
        parameter: &'static str,
        value: impl std::fmt::Debug,
        rule: impl Into<String>,
    ) -> Error {
        Error::Parameter { op, parameter, value: format!("{value:?}"), rule: rule.into() }
    }

    /// An [`Error::Shape`] from its parts.
    pub fn shape(op: &'static str, tensor: &'static str, got: &[usize], rule: impl Into<String>) -> Error {
        Error::Shape { op, tensor, got: got.to_vec(), rule: rule.into() }
    }

    /// An [`Error::Layer`] from its parts.
    pub fn layer(model: &str, layer: &str, reason: impl Into<String>) -> Error {
        Error::Layer { model: model.to_owned(), layer: layer.to_owned(), reason: reason.into() }
    }

    /// An [`Error::Operator`] from its parts.
    pub fn operator(
        operator: impl Into<String>,
        during: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::Operator { operator: operator.into(), during, source: source.into() }
    }

    /// An [`Error::Document`] from its parts.
    pub fn document(document: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Document { document: document.into(), reason: reason.into() }
    }

    /// An [`Error::Network`] of a kind of file from its parts.
    pub fn network(
        file: impl Into<String>,
        refusal: Refusal,
        at: impl Into<String>,
        reason: impl Into<String>,
    ) -> Error {
        Error::Network { file: file.into(), refusal, at: at.into(), reason: reason.into() }
    }

    /// Names the file that an [`Error::Document`] or an [`Error::Network`] is about; others stay as they are.
    pub fn in_file(mut self, path: &std::path::Path) -> Error {
        if let Error::Document { document: file, .. } | Error::Network { file, .. } = &mut self {
            *file += &format!(" {}", path.display());
        }
        self
    }

    /// An [`Error::Rank`] from its parts.
    pub fn rank(op: &'static str, tensor: &'static str, shape: &[usize], rule: impl Into<String>) -> Error {
        Error::Rank { op, tensor, got: shape.len(), shape: shape.to_vec(), rule: rule.into() }
    }

    /// An [`Error::Arity`] from its parts.
    pub fn arity(op: &'static str, expected: &'static str, got: usize) -> Error {
        Error::Arity { op, expected, got }
    }

    /// An [`Error::Type`] from its parts.
    pub fn dtype(op: &'static str, tensor: &'static str, got: DType, rule: impl Into<String>) -> Error {
        Error::Type { op, tensor, got, rule: rule.into() }
    }

    /// An [`Error::Value`] from its parts.
    pub fn value(
        op: &'static str,
        tensor: &'static str,
        at: usize,
        value: impl ToString,
        rule: impl Into<String>,
    ) -> Error {
        Error::Value { op, tensor, at, value: value.to_string(), rule: rule.into() }
    }

    /// An [`Error::TooLarge`] from its parts.
    pub fn too_large(what: &'static str, values: String, rule: &'static str) -> Error {
        Error::TooLarge { what, values, rule }
    }
}
