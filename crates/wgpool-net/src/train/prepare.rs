//! What the forward pass must be for a backward one: maxima store where they were found, and an activation whose slope its value
//! does not tell is a step of its own.

use super::rules::is_told_by_value;
use crate::graph::Graph;
use crate::program::{Source, Step};
use wgpool::error::Result;
use wgpool::problem::Problem;
use wgpool::spec::{
    Activation, AdaptivePool, Conv, ConvPool, ConvTranspose, IndexNumbering, Layout, Op, PoolKind,
};
use wgpool::tensor::TensorDesc;

const NUMBERING: IndexNumbering = IndexNumbering::PerPlane;

/// The operation that stores indices too; none where it does, or there is nothing to store.
fn with_indices(op: &Op) -> Option<Op> {
    let is_without = |kind, indices: Option<_>| matches!(kind, PoolKind::Max) && indices.is_none();
    match op {
        Op::Pool(spec) if is_without(spec.kind, spec.indices) => Some(spec.clone().indices(NUMBERING).into()),
        Op::AdaptivePool(spec) if is_without(spec.kind, spec.indices) => {
            Some(spec.clone().indices(NUMBERING).into())
        }
        Op::GlobalPool(spec) if matches!(spec.kind, PoolKind::Max) => {
            Some(AdaptivePool::max(1).layout(spec.layout).indices(NUMBERING).into())
        }
        Op::FractionalMaxPool(spec) if spec.indices.is_none() => {
            let mut spec = spec.clone();
            spec.indices = Some(NUMBERING);
            Some(spec.into())
        }
        _ => None,
    }
}

/// The operation without its activation, and that, where it must be apart.
fn apart(op: &Op) -> Option<(Op, Activation)> {
    let activation = op.activation();
    if is_told_by_value(activation) {
        return None;
    }
    let mut alone = op.clone();
    match &mut alone {
        Op::Conv(spec) => spec.activation = Activation::None,
        Op::ConvTranspose(spec) => spec.activation = Activation::None,
        Op::Dense(spec) => spec.activation = Activation::None,
        _ => return None,
    }
    Some((alone, activation))
}

/// The steps that take the place of one, which is step `at`; none where it stays.
fn instead(at: usize, step: &Step) -> Result<Option<Vec<Step>>> {
    let Some(op) = step.op() else { return Ok(None) };
    let descs = step.input_descs();
    if let Some(op) = with_indices(op) {
        let problem = Problem::new(&op, descs)?;
        return Ok(Some(vec![Step::new(&step.name, op, step.inputs.clone(), problem)]));
    }
    let behind = |op: Op, made: &Problem, more: Vec<(Source, TensorDesc)>| -> Result<Step> {
        let mut descs = made.outputs.clone();
        let (sources, others): (Vec<Source>, Vec<TensorDesc>) = more.into_iter().unzip();
        descs.extend(others);
        let problem = Problem::new(&op, &descs)?;
        let inputs = std::iter::once(Source::step(at)).chain(sources).collect();
        Ok(Step::new(&step.name, op, inputs, problem))
    };
    if let Op::ConvPool(ConvPool { conv, pool }) = op {
        let conv = Op::from(Conv::clone(conv));
        let problem = Problem::new(&conv, descs)?;
        let pool = Op::from(pool.clone());
        let pool = with_indices(&pool).unwrap_or(pool);
        let second = behind(pool, &problem, vec![])?;
        return Ok(Some(vec![Step::new(&step.name, conv, step.inputs.clone(), problem), second]));
    }
    let Some((alone, activation)) = apart(op) else { return Ok(None) };
    let mut inputs: Vec<(Source, TensorDesc)> =
        step.inputs.iter().cloned().zip(descs.iter().cloned()).collect();
    let mut slope = Vec::new();
    if activation == Activation::PRelu {
        // A residual is the last, the slope before it.
        let residual =
            step.problem().and_then(|problem| problem.work.conv()).is_some_and(|conv| conv.residual);
        let place = inputs.len().saturating_sub(1 + usize::from(residual));
        if place < inputs.len() {
            slope.push(inputs.remove(place));
        }
        // By itself PReLU has the slopes of channels along their axis.
        if let ([(_, desc)], Some(y)) = (slope.as_mut_slice(), step.output_descs().first())
            && desc.elements() > 1
        {
            let last = y.shape.len().saturating_sub(2);
            let channels = match op {
                Op::Conv(Conv { layout, .. }) | Op::ConvTranspose(ConvTranspose { layout, .. }) => *layout,
                _ => Layout::Nhwc,
            };
            let mut shape = vec![1; last + 1];
            if let Some(own) = shape.get_mut(if channels == Layout::Nchw { 0 } else { last }) {
                *own = desc.elements();
            }
            desc.shape = shape;
        }
    }
    let (sources, descs): (Vec<Source>, Vec<TensorDesc>) = inputs.into_iter().unzip();
    let problem = Problem::new(&alone, &descs)?;
    let second = behind(activation.into(), &problem, slope)?;
    Ok(Some(vec![Step::new(&step.name, alone, sources, problem), second]))
}

/// Prepares the steps that `is_active`, from the last on, so that the numbers of those before it stay.
pub(super) fn prepare(graph: &mut Graph, is_active: &[bool]) -> Result<()> {
    for at in (0..is_active.len()).rev().filter(|&at| is_active.get(at) == Some(&true)) {
        let Some(step) = graph.steps().get(at) else { continue };
        let name = step.name.clone();
        let found = instead(at, step).map_err(|error| error.in_layer(graph.name(), &name))?;
        if let Some(steps) = found {
            graph.replace(at, steps);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpool::spec::Pool;

    #[test]
    fn users_own_indices_stay() {
        let own = Pool::max(2).indices(IndexNumbering::WholeRowMajor);
        assert!(with_indices(&own.into()).is_none());
        assert!(with_indices(&Pool::average(2).into()).is_none());
        assert!(with_indices(&Pool::max(2).into()).is_some());
    }
}
