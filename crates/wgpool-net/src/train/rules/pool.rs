//! Pooling and unpooling.

use super::context::{ByInput, Context};
use wgpool::error::Result;
use wgpool::spec::gradient::{MaxUnpoolGradient, PoolGradient, Pooling};
use wgpool::spec::{MaxUnpool, PoolKind};

/// Maxima have stored where they were found: see [`prepared`](super::super::prepare).
pub(super) fn pool(context: &mut Context<'_>, kind: PoolKind, of: Pooling) -> Result<ByInput> {
    if context.needs(1) {
        return Err(context.refuse("its random samples have none"));
    }
    let backward = PoolGradient::new(of, context.shape(0)?);
    let by_x = match kind {
        PoolKind::Max => {
            let indices = context.output(1)?;
            context.one(backward, &[context.gradient, indices])?
        }
        PoolKind::Average { .. } => context.one(backward, &[context.gradient])?,
        _ => {
            let (x, y) = (context.input(0)?, context.output(0)?);
            context.one(backward, &[context.gradient, x, y])?
        }
    };
    Ok(context.only(by_x))
}

pub(super) fn unpool(context: &mut Context<'_>, of: MaxUnpool) -> Result<ByInput> {
    let indices = context.input(1)?;
    let by_x = context.one(MaxUnpoolGradient { of }, &[context.gradient, indices])?;
    Ok(context.only(by_x))
}
