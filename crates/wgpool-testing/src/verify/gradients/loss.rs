//! Losses.

use super::super::array::Array;
use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{BinaryCrossEntropy, CrossEntropy, CrossEntropyGradient};
use wgpool::spec::{Reduce, ReduceKind};

/// Whether the loss is a sum.
fn is_sum(pass: &Pass) -> Result<bool> {
    match pass.args.word(&["reduction"]) {
        Some("sum") => Ok(true),
        Some("mean") => Ok(false),
        other => {
            let rule = "it must be sum or mean";
            Err(Error::parameter(OP, "reduction", other.unwrap_or("missing"), rule))
        }
    }
}

pub(super) fn cross_entropy(pass: &mut Pass) -> Result<Named, Refusal> {
    let axis = pass.args.int(&["axis"])?.ok_or_else(|| pass.args.missing("axis"))?;
    let probabilities = pass.args.word(&["target"]) == Some("probabilities");
    let of = CrossEntropy::new(axis as isize).probabilities(probabilities).sum(is_sum(pass)?);
    let target = match probabilities {
        true => (Role::Data, pass.input("target_probabilities")?),
        false => (Role::Index, pass.input("labels")?),
    };
    let logits = (Role::Data, pass.input("logits")?);
    let loss = pass.one(Call::new(of, vec![logits.clone(), target.clone()]))?;
    let inputs = vec![(Role::Data, pass.input("grad_output")?), logits, target];
    let gradient = pass.one(Call::new(CrossEntropyGradient { of }, inputs))?;
    Ok(vec![("loss", loss), ("grad_logits", gradient)])
}

/// Elements first, then their sum or mean.
pub(super) fn binary(name: &str, pass: &mut Pass) -> Result<Named, Refusal> {
    let (of, input, output) = match name {
        "sigmoid_bce" => (BinaryCrossEntropy::Logits, "logits", "grad_logits"),
        "bce" => (BinaryCrossEntropy::Probabilities, "probabilities", "grad_probabilities"),
        _ => {
            let [low, high] = ["clip_low", "clip_high"].map(|name| pass.number(name));
            let of = BinaryCrossEntropy::Clipped { low: low? as f32, high: high? as f32 };
            (of, "probabilities", "grad_probabilities")
        }
    };
    let (x, target, gradient) = (pass.input(input)?, pass.input("targets")?, pass.input("grad_output")?);
    let sum = is_sum(pass)?;
    let data =
        |arrays: &[&Array]| arrays.iter().map(|&array| (Role::Data, array.clone())).collect::<Vec<_>>();
    let losses = pass.one(Call::new(of.elements(), data(&[&x, &target])))?;
    let kind = if sum { ReduceKind::Sum } else { ReduceKind::Mean };
    let axes: Vec<isize> = (0..x.shape.len() as isize).collect();
    let mut loss = pass.one(Call::new(Reduce::new(kind, axes), data(&[&losses])))?;
    // A loss is one number with an axis of its own.
    loss.shape = vec![1];
    let share = if sum { 1.0 } else { 1.0 / x.values.len() as f64 };
    let by = pass.one(Call::new(of.gradient(share), data(&[&x, &target, &gradient])))?;
    Ok(vec![("loss", loss), (output, by)])
}
