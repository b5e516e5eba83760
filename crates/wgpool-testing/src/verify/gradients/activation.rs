//! Activations, softmax and dropout.

use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{ActivationGradient, SoftmaxGradient};
use wgpool::spec::{Activation, ActivationKind, BinaryFunction, Elementwise, Operand, Softmax};

/// The activation that a case's operation names, with the case's parameters.
pub(super) fn named(name: &str, pass: &Pass) -> Result<Option<Activation>> {
    let Some(kind) = ActivationKind::named(name) else { return Ok(None) };
    let mut parameters = [0.0; 2];
    for (slot, &(parameter, usual)) in parameters.iter_mut().zip(kind.parameters()) {
        *slot = pass.args.float(&[parameter])?.map_or(usual, |number| number as f32);
    }
    Ok(Some(kind.with(parameters)))
}

pub(super) fn activation(of: Activation, pass: &mut Pass) -> Result<Named, Refusal> {
    let inputs = vec![(Role::Data, pass.input("grad_output")?), (Role::Data, pass.input("x")?)];
    Ok(vec![("grad_x", pass.one(Call::new(ActivationGradient { of }, inputs))?)])
}

pub(super) fn softmax(pass: &mut Pass) -> Result<Named, Refusal> {
    let axis = pass.args.int(&["axis"])?.ok_or_else(|| pass.args.missing("axis"))?;
    let of = Softmax { axis: axis as isize };
    let y = pass.one(Call::new(of, vec![(Role::Data, pass.input("x")?)]))?;
    let inputs = vec![(Role::Data, pass.input("grad_output")?), (Role::Data, y.clone())];
    Ok(vec![("grad_x", pass.one(Call::new(SoftmaxGradient { of }, inputs))?), ("y", y)])
}

/// What is kept is divided by the share that is kept, forwards and backwards.
pub(super) fn dropout(pass: &mut Pass) -> Result<Named, Refusal> {
    let p = pass.number("p")?;
    if !(0.0..1.0).contains(&p) {
        return Err(Error::parameter(OP, "p", p, "it must be at least 0 and below 1").into());
    }
    let masked =
        Elementwise::multiply().then(BinaryFunction::Multiply, Operand::Number((1.0 / (1.0 - p)) as f32));
    let mut of = |name| {
        let inputs = vec![(Role::Data, pass.input(name)?), (Role::Data, pass.input("mask")?)];
        pass.one(Call::new(masked.clone(), inputs))
    };
    Ok(vec![("y", of("x")?), ("grad_x", of("grad_output")?)])
}
