//! An app's own operators: what wgpool does not have, as a step between those that it has.
//!
//! An [`Operator`] says which shapes come of which, computes on the CPU, and on a GPU by WGSL or by a pipeline that the app
//! makes. Under its domain and name it is one of the operators of ONNX models (`onnx::Options::operator`); in a
//! [`Graph`](crate::Graph) it is added by [`Graph::custom`](crate::Graph::custom). Nothing is joined with it.
//!
//! ```
//! use wgpool::{Backend, Tensor, TensorDesc};
//! use wgpool_net::Graph;
//! use wgpool_net::custom::{Failure, Gpu, Input, Node, Operator, Wgsl};
//!
//! /// `x * x + shift` of each element.
//! struct Square;
//!
//! const SHADER: &str = "
//!     @group(0) @binding(0) var<storage, read> x: array<f32>;
//!     @group(0) @binding(1) var<storage, read_write> y: array<f32>;
//!     @group(0) @binding(2) var<uniform> shift: f32;
//!     @compute @workgroup_size(64)
//!     fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
//!         let i = id.x + id.y * groups.x * 64u;
//!         if (i < arrayLength(&y)) { y[i] = x[i] * x[i] + shift; }
//!     }";
//!
//! impl Operator for Square {
//!     fn outputs(&self, _: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
//!         let [x] = inputs else { return Err("it takes one input".into()) };
//!         Ok(vec![x.desc().clone()])
//!     }
//!
//!     fn host(&self, node: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
//!         let shift = node.float_or("shift", 0.0)?;
//!         let y = inputs[0].as_f32()?.iter().map(|x| x * x + shift).collect();
//!         Ok(vec![Tensor::from_f32(inputs[0].shape(), y)?])
//!     }
//!
//!     fn gpu(&self, node: &Node, _: &[TensorDesc], outputs: &[TensorDesc]) -> Result<Option<Gpu>, Failure> {
//!         let shift = node.float_or("shift", 0.0)?;
//!         let shader = Wgsl::new(SHADER).uniform(shift.to_le_bytes()).invocations(outputs[0].elements(), 64);
//!         Ok(Some(shader.into()))
//!     }
//! }
//!
//! let mut g = Graph::new("squares");
//! let x = g.input("x", TensorDesc::f32([3]));
//! let node = Node::new("com.example", "Square").attribute("shift", 0.5);
//! let y = g.custom(Square, node, &[x])?[0];
//! g.output("y", y);
//! let program = g.finish()?;
//! let x = Tensor::from_f32(&[3], vec![1., 2., 3.])?;
//! assert_eq!(program.run(&Backend::Host, &x)?.as_f32()?, [1.5, 4.5, 9.5]);
//! # Ok::<(), wgpool::Error>(())
//! ```

mod call;
mod gpu;
mod node;
mod recording;
mod wgsl;

pub(crate) use call::Call;
pub use gpu::{Buffers, Gpu};
pub use node::{Attribute, Input, Node};
pub(crate) use recording::{Pipelines, Recording};
pub use wgsl::Wgsl;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wgpool::reference::Exact;
use wgpool::tensor::{Tensor, TensorDesc};

/// What an app's function returns that failed: any error, or a text. It comes back as [`Error::Operator`](wgpool::Error::Operator)
/// in an [`Error::InLayer`](wgpool::Error::InLayer) that names model and node.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How far a right implementation may be from the reference: `absolute + relative * |value|`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// The part that is the same for every value.
    pub absolute: f64,
    /// The part that grows with the value.
    pub relative: f64,
}

/// An operator of the app's own.
///
/// Its functions get the tensors that are given: an optional input that a node leaves out is none of them, which
/// [`Node::given`] tells. Integers of ONNX are i32, and each bool is an f32, 0 or 1.
pub trait Operator: Send + Sync {
    /// Shapes and types of the outputs, at least as many as the node names.
    ///
    /// # Errors
    /// What the operator does not take.
    fn outputs(&self, node: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure>;

    /// Computes the outputs on the CPU.
    ///
    /// # Errors
    /// The app's own.
    fn host(&self, node: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure>;

    /// How far an implementation may be from [`Operator::host`], where that is the reference: nothing, unless the app says how
    /// much.
    fn tolerance(&self) -> Tolerance {
        Tolerance::default()
    }

    /// The outputs in 64-bit floats with the bound of each element, for [`Program::check`](crate::Program::check) and
    /// [`Backend::Reference`](wgpool::Backend::Reference); nothing where [`Operator::host`] and [`Operator::tolerance`] say it.
    ///
    /// # Errors
    /// The app's own.
    fn reference(&self, node: &Node, inputs: &[&Tensor]) -> Result<Option<Vec<Exact>>, Failure> {
        let _ = (node, inputs);
        Ok(None)
    }

    /// How a GPU computes a node with tensors of these shapes: asked once for each session. Nothing if it does not, and then a
    /// session on a GPU is refused by the operator's name: none falls back silently.
    ///
    /// # Errors
    /// The app's own.
    fn gpu(
        &self,
        node: &Node,
        inputs: &[TensorDesc],
        outputs: &[TensorDesc],
    ) -> Result<Option<Gpu>, Failure> {
        let _ = (node, inputs, outputs);
        Ok(None)
    }

    /// What explanations call the kernel of an operator that is wgpool's own; nothing for those of apps.
    #[doc(hidden)]
    fn kernel(&self) -> Option<&'static str> {
        None
    }
}

/// Operators by domain and name.
#[derive(Clone, Default)]
pub struct Operators {
    all: BTreeMap<(String, String), Arc<dyn Operator>>,
}

impl Operators {
    /// Adds one; one of the same domain and name is replaced. In ONNX' own domain, `""`, it goes before wgpool's own of that
    /// name: so that an app can compute forms of an operator that wgpool refuses, and what it registered stays what it is
    /// when a later wgpool has the operator too.
    pub fn insert(&mut self, domain: &str, name: &str, operator: impl Operator + 'static) {
        let domain = if domain == "ai.onnx" { "" } else { domain };
        self.all.insert((domain.to_owned(), name.to_owned()), Arc::new(operator));
    }

    /// That of a domain and name; ONNX' own domain is `""`.
    pub fn get(&self, domain: &str, name: &str) -> Option<&Arc<dyn Operator>> {
        // Hostile files have many nodes, and most models no such operator.
        if self.all.is_empty() { None } else { self.all.get(&(domain.to_owned(), name.to_owned())) }
    }
}

/// Domains and names.
impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all.keys()).finish()
    }
}
