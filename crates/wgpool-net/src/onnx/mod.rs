//! Reading ONNX files: what they say, before it is known what of it can be computed.
//!
//! [`Model::parse`] checks the form of a file and the structure of its graph. Everything else looks at the file's bytes when
//! it is asked: nothing is copied, weights least of all, so that the bytes may be a memory map. `parse` allocates less than
//! the file's size times four; a tensor is decoded when its bytes are asked for.
//!
//! ```
//! use wgpool_net::onnx;
//! # let file = include_bytes!("../../tests/data/onnx/legal/unknown_fields.onnx");
//! let model = onnx::Model::parse(file)?;
//! assert_eq!(model.opset(""), Some(17));
//! for node in model.graph().nodes() {
//!     let inputs: Vec<&str> = node.inputs().collect();
//!     println!("{} of {inputs:?}, pads {:?}", node.op_type(), node.ints("pads")?);
//! }
//! for tensor in model.graph().initializers() {
//!     assert_eq!(tensor.name(), "w");
//!     assert_eq!(tensor.shape()?, [4, 3, 3, 3]);
//!     assert_eq!(tensor.bytes()?.len(), 4 * 3 * 3 * 3 * 4);
//! }
//! # Ok::<(), wgpool::Error>(())
//! ```

mod body;
mod element_type;
mod external;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod fold;
mod import;
mod messages;
mod node;
mod refused;
mod structure;
mod tensor;
mod value;
mod values;
mod wire;

pub use element_type::ElementType;
pub use external::External;
#[cfg(not(target_arch = "wasm32"))]
pub use files::{Folder, read};
pub use fold::{HostTensor, fold, fold_shape};
pub use import::{Options, operators};
pub use messages::{Attribute, Graph, Model, Node, Property, Tensor, ValueInfo};
pub use node::NEWEST_OPSET;
pub use value::{Dim, TensorType};
