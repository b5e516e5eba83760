//! Backward cases, the format `wgpool-gradients`: gradients, losses and steps of optimisers, each of which is one call or several.

mod activation;
mod batch_norm;
mod conv;
mod loss;
mod optimizer;
mod pool;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::array::Array;
use super::attributes::Attributes;
use super::call::{Call, Refusal};
use super::manifest::Case;
use wgpool::error::{Error, Result};

/// The name of these operations in errors.
const OP: &str = "backward case";

/// What a case computes, and computes it with.
struct Pass<'a> {
    args: Attributes<'a>,
    inputs: HashMap<&'a str, &'a Array>,
    wanted: Vec<&'a str>,
    compute: &'a mut dyn FnMut(&Call) -> Result<Vec<Array>, Refusal>,
}

/// Outputs by name.
type Named = Vec<(&'static str, Array)>;

impl Pass<'_> {
    /// An input that the case must have.
    fn input(&self, name: &'static str) -> Result<Array> {
        let missing = || Error::parameter(OP, "inputs", name, "the case must have it");
        self.inputs.get(name).map(|&array| array.clone()).ok_or_else(missing)
    }

    /// Whether an output is asked for.
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(&name)
    }

    /// The outputs of a call.
    fn all(&mut self, call: Call) -> Result<Vec<Array>, Refusal> {
        (self.compute)(&call)
    }

    /// The first output of a call.
    fn one(&mut self, call: Call) -> Result<Array, Refusal> {
        let first = self.all(call)?.into_iter().next();
        first.ok_or_else(|| Error::parameter(OP, "outputs", 0, "there must be one").into())
    }

    /// Numbers for the spatial axes that the case must have.
    fn lengths(&self, name: &'static str) -> Result<Vec<usize>> {
        self.args.lengths(&[name])?.ok_or_else(|| self.args.missing(name))
    }

    /// A number that the case must have.
    fn number(&self, name: &'static str) -> Result<f64> {
        self.args.float(&[name])?.ok_or_else(|| self.args.missing(name))
    }
}

/// Evaluates a case, each call by `compute`; the outputs are in the case's order.
pub(super) fn evaluate(
    case: &Case,
    attributes: &Map<String, Value>,
    inputs: &[Array],
    mut compute: impl FnMut(&Call) -> Result<Vec<Array>, Refusal>,
) -> Result<Vec<Array>, Refusal> {
    let names = case.inputs.iter().map(|port| port.name.as_str());
    let wanted: Vec<&str> = case.outputs.iter().map(|port| port.name.as_str()).collect();
    let args = Attributes { op: OP, map: attributes };
    let inputs = names.zip(inputs).collect();
    let mut pass = Pass { args, inputs, wanted: wanted.clone(), compute: &mut compute };
    let mut named: HashMap<&str, Array> = family(&case.op, &mut pass)?.into_iter().collect();
    let take = |name: &str| {
        named
            .remove(name)
            .ok_or_else(|| Refusal::Unsupported(format!("{name} of {} is not computed", case.op)))
    };
    wanted.into_iter().map(take).collect()
}

/// Computes the operation of this name.
fn family(op: &str, pass: &mut Pass) -> Result<Named, Refusal> {
    // Its name, and the number of its spatial axes.
    let name = op.strip_suffix("_backward").unwrap_or(op);
    let rank = name.strip_suffix('d').and_then(|name| name.chars().last()?.to_digit(10));
    let plain = match rank {
        Some(_) => name.get(..name.len() - 2).unwrap_or(name),
        None => name,
    };
    match plain {
        "max_pool" | "adaptive_max_pool" | "global_max_pool" | "fractional_max_pool" => {
            pool::maximum(plain, pass)
        }
        "avg_pool" | "adaptive_avg_pool" | "global_avg_pool" => pool::average(plain, pass),
        "lp_pool" | "global_lp_pool" => pool::norm(plain, pass),
        "max_unpool" => pool::unpool(pass),
        "roi_align" => pool::roi_align(pass),
        "conv" => conv::conv(pass),
        "conv_transpose" => conv::transposed(pass),
        "conv_pool" => conv::conv_pool(pass),
        "dense" => conv::dense(pass),
        "dropout" => activation::dropout(pass),
        "softmax" => activation::softmax(pass),
        "softmax_cross_entropy" => loss::cross_entropy(pass),
        "sigmoid_bce" | "bce" | "keras_bce" => loss::binary(plain, pass),
        "batch_norm_train" => batch_norm::batch_norm(pass),
        name => {
            if let Some((optimizer, states)) = optimizer::named(name, pass)? {
                return optimizer::steps(optimizer, states, pass);
            }
            match activation::named(name, pass)? {
                Some(of) => activation::activation(of, pass),
                None => Err(Refusal::Unsupported(format!("{op} is not an operation of this library"))),
            }
        }
    }
}
