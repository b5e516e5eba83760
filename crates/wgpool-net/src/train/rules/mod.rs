//! The gradient of each operation, as operations.

mod activation;
mod context;
mod conv;
mod elementwise;
mod formula;
mod moves;
mod pool;
mod reduce;
mod slopes;

pub(super) use activation::is_told_by_value;
pub(super) use context::{ByInput, Context};
pub(super) use elementwise::narrow;

use wgpool::error::Result;
use wgpool::spec::gradient::{CrossEntropyGradient, Gradient, RoiAlignGradient, SoftmaxGradient};
use wgpool::spec::{Op, RoiMode};

/// The gradients by the inputs of a step that need one.
pub(super) fn backward(context: &mut Context<'_>) -> Result<ByInput> {
    let Some(op) = context.step.op().cloned() else {
        return Err(context.refuse("it is an operator of the app's own"));
    };
    match op {
        Op::Conv(spec) => conv::conv(context, &spec),
        Op::ConvTranspose(spec) => conv::transposed(context, &spec),
        Op::Dense(spec) => conv::dense(context, &spec),
        Op::Pool(spec) => pool::pool(context, spec.kind, spec.into()),
        Op::GlobalPool(spec) => pool::pool(context, spec.kind, spec.into()),
        Op::AdaptivePool(spec) => pool::pool(context, spec.kind, spec.into()),
        Op::FractionalMaxPool(spec) => pool::pool(context, wgpool::spec::PoolKind::Max, spec.into()),
        Op::MaxUnpool(spec) => pool::unpool(context, spec),
        Op::Activation(activation) => activation::alone(context, activation),
        Op::Elementwise(formula) => elementwise::elementwise(context, &formula),
        Op::AsStrided(spec) => moves::strided(context, &spec),
        Op::Concat(spec) => moves::concat(context, spec),
        Op::Pad(spec) => moves::pad(context, &spec),
        Op::Reduce(spec) => reduce::reduce(context, &spec),
        Op::Resize(spec) => moves::resize(context, &spec),
        Op::Softmax(of) => {
            let y = context.output(0)?;
            let by_x = context.one(SoftmaxGradient { of }, &[context.gradient, y])?;
            Ok(context.only(by_x))
        }
        Op::RoiAlign(of) if of.mode == RoiMode::Average => {
            if context.needs(1) {
                return Err(context.refuse("regions have none"));
            }
            let [regions, images] = [context.input(1)?, context.input(2)?];
            let input = context.shape(0)?;
            let by_x = context.one(RoiAlignGradient { of, input }, &[context.gradient, regions, images])?;
            Ok(context.only(by_x))
        }
        Op::Gradient(Gradient::CrossEntropy(of)) => {
            if context.needs(1) {
                return Err(context.refuse("targets of a cross-entropy have none"));
            }
            let [logits, target] = [context.input(0)?, context.input(1)?];
            let by_logits = context.one(CrossEntropyGradient { of }, &[context.gradient, logits, target])?;
            Ok(context.only(by_logits))
        }
        Op::Gradient(_) => Err(context.refuse("second derivatives are not computed")),
        _ => Err(context.refuse("none is defined for this operation")),
    }
}
