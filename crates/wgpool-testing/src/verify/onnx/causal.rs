//! `CausalConvWithState`.

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::{OP, required};
use wgpool::error::Error;
use wgpool::spec::{Activation, CausalConv};

/// Inputs: x, w, and perhaps a bias and a state.
pub(super) fn causal_conv(attributes: Attributes<'_>, inputs: &[Option<Array>]) -> Result<Call, Refusal> {
    let (x, w) = (required(inputs, 0)?, required(inputs, 1)?);
    let activation = match attributes.word(&["activation"]) {
        None | Some("none") => Activation::None,
        Some("silu" | "swish") => Activation::Silu,
        Some(other) => {
            let rule = "it must be none, silu or swish";
            return Err(Error::parameter(OP, "activation", other, rule).into());
        }
    };
    let given = |i: usize| inputs.get(i).and_then(Option::as_ref);
    let (bias, state) = (given(2), given(3));
    let op = CausalConv { state: state.is_some(), activation };
    let tensors = [Some(x), state, Some(w), bias];
    let tensors = tensors.into_iter().flatten().map(|t| (Role::Data, t.clone())).collect();
    Ok(Call::new(op, tensors))
}
