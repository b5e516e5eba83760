//! Constants folded on the host: what nodes make whose inputs are all known.
//!
//! Shapes that exporters compute in the graph, and weights that they move or scale, are known before anything runs.

mod call;
mod elementwise;
mod host_tensor;
mod made;
mod moving;
mod reduce;
mod shape;
mod walk;

use super::element_type::ElementType;
use super::messages::Node;
use call::Call;
use wgpool::error::Result;

pub use host_tensor::HostTensor;
pub use made::fold_shape;

/// The outputs of a node whose inputs are constants, or none if its operator is not folded.
///
/// `inputs` are in the order of the node's, absent ones being `None`; `opset` is the version of ONNX' operators. What is made anew
/// has no more elements than `limit` allows, which is known before memory is allocated; constants that keep their elements
/// in their order (`Identity`, `Reshape`, ...) go on borrowing them. Floats are computed in 64 bits and rounded to their type.
///
/// # Errors
/// [`Error::Network`](wgpool::Error::Network) that names the node: `Limit` for more elements than the limit, and `Shape`, `Type`, `Structure` or `Unsupported` for what
/// the operator does not take.
///
/// ```
/// use wgpool_net::onnx::{HostTensor, Model, fold};
/// # let file = include_bytes!("../../../tests/data/onnx/fold/opset_13.onnx");
/// let model = Model::parse(file)?;
/// // A node that joins two lists of numbers.
/// let node = model.graph().nodes().find(|node| node.op_type() == "Concat").expect("there is one");
/// let (a, b) = (HostTensor::from_i64s(&[1, 3]), HostTensor::from_i64s(&[224, 224]));
/// let outputs = fold(&node, &[Some(&a), Some(&b)], 13, 1_000)?.expect("it is folded");
/// assert_eq!(outputs[0].i64s().as_deref(), Some(&[1, 3, 224, 224][..]));
/// assert!(fold(&node, &[Some(&a), Some(&b)], 13, 3).is_err());
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn fold<'a>(
    node: &Node<'a>,
    inputs: &[Option<&HostTensor<'a>>],
    opset: i64,
    limit: usize,
) -> Result<Option<Vec<HostTensor<'a>>>> {
    if !node.domain().is_empty() {
        return Ok(None);
    }
    let call = &Call { node, inputs, opset, limit };
    let output = match node.op_type() {
        "Split" => return moving::split(call).map(Some),
        "Shape" | "Size" => return Ok(fold_shape(node, call.input(0)?.shape())?.map(|made| vec![made])),
        "Constant" => made::constant(call),
        "ConstantOfShape" => made::constant_of_shape(call),
        "Range" => made::range(call),
        "NonZero" => made::non_zero(call),
        "Identity" => call.input(0).cloned(),
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
            let input = call.input(0)?;
            reshaped(call, input.shape()).map(|shape| input.reshaped(shape))
        }
        "Transpose" => moving::transpose(call),
        "Expand" => moving::expand(call),
        "Tile" if opset >= 6 => moving::tile(call),
        "Slice" => moving::slice(call),
        "Gather" => moving::gather(call),
        "GatherElements" => moving::gather_elements(call),
        "Concat" => moving::concat(call),
        "Cast" if opset >= 6 => {
            let to = call.required("to", node.int("to")?)?;
            elementwise::cast(call, ElementType::of(Some(to), || node.label())?)
        }
        "CastLike" => elementwise::cast(call, call.input(1)?.elements()),
        "Where" => elementwise::choice(call),
        "Equal" => elementwise::comparison(call, |order| order.is_eq()),
        "Less" => elementwise::comparison(call, |order| order.is_lt()),
        "LessOrEqual" => elementwise::comparison(call, |order| order.is_le()),
        "Greater" => elementwise::comparison(call, |order| order.is_gt()),
        "GreaterOrEqual" => elementwise::comparison(call, |order| order.is_ge()),
        "And" => elementwise::logic(call, |a, b| a && b),
        "Or" => elementwise::logic(call, |a, b| a || b),
        "Xor" | "Not" => elementwise::logic(call, |a, b| a != b),
        "Neg" => elementwise::unary(call, Some(i128::wrapping_neg), |x| -x),
        "Abs" => elementwise::unary(call, Some(i128::wrapping_abs), f64::abs),
        "Floor" => elementwise::unary(call, None, f64::floor),
        "Ceil" => elementwise::unary(call, None, f64::ceil),
        "Sqrt" => elementwise::unary(call, None, f64::sqrt),
        "ReduceSum" => reduce::reduced(call, "Sum", (0, 0.0), 13),
        "ReduceProd" => reduce::reduced(call, "Prod", (1, 1.0), 18),
        "ReduceMin" => reduce::reduced(call, "Min", (i128::MAX, f64::INFINITY), 18),
        "ReduceMax" => reduce::reduced(call, "Max", (i128::MIN, f64::NEG_INFINITY), 18),
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Min" | "Max" | "Sum" => elementwise::arithmetic(call),
        _ => return Ok(None),
    };
    output.map(|output| Some(vec![output]))
}

/// The shape that an operator gives a value of another, whose elements stay where they are and need not be known.
fn reshaped(call: &Call<'_, '_>, from: &[usize]) -> Result<Vec<usize>> {
    match call.node.op_type() {
        "Squeeze" => shape::squeeze(call, from),
        "Unsqueeze" => shape::unsqueeze(call, from),
        "Flatten" => shape::flatten(call, from),
        _ => shape::reshape(call, from),
    }
}

/// The same, with the inputs that are known.
pub(super) fn shape_of(
    node: &Node<'_>,
    inputs: &[Option<&HostTensor<'_>>],
    opset: i64,
    from: &[usize],
) -> Result<Vec<usize>> {
    reshaped(&Call { node, inputs, opset, limit: usize::MAX }, from)
}
