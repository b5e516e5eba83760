//! PReLU in a kernel of its own, for devices that bind too few buffers for its slope beside all others.

use crate::dtype::DType;
use crate::error::Result;
use crate::plan::other::pointwise;
use crate::plan::{Plan, Planner, Slot, Steps, pool};
use crate::problem::{ActivationWork, ConvWork, Work};
use crate::spec::Activation;
use crate::tensor::TensorDesc;

/// The steps of a convolution of any kind: its sums, PReLU of them, and their pooling. Not those of 16 bits, which would be
/// rounded twice.
pub(in crate::plan) fn apart(p: &Planner, work: &Work) -> Result<Option<Steps>> {
    let (mut sums, pool) = match work {
        Work::ConvPool(both) => (Work::Conv(both.conv), Some(&both.pool)),
        other => (other.clone(), None),
    };
    let conv = match &mut sums {
        Work::Conv(conv) | Work::ConvTranspose(conv) => conv,
        Work::Deform(work) => &mut work.sampled,
        Work::Causal(work) => &mut work.conv,
        _ => return Ok(None),
    };
    let ConvWork { batch, dtype, output, activation, slope, .. } = *conv;
    if dtype != DType::F32 {
        return Ok(None);
    }
    (conv.activation, conv.slope) = (Activation::None, 0);
    let elements = batch * output.n;
    let prelu = ActivationWork { dtype, elements, activation, slope, run: output.c };

    let mut all = Plan::steps(p, &sums)?;
    let first = all.scratch.len();
    let [before, after] = [Slot::Scratch(first), Slot::Scratch(first + 1)];
    let written = all.steps.iter_mut().flat_map(|step| &mut step.slots);
    written.filter(|slot| **slot == Slot::Output(0)).for_each(|slot| *slot = before);
    let tensors = if pool.is_some() { 2 } else { 1 };
    let bytes = TensorDesc { shape: vec![elements], dtype }.buffer_size();
    all.scratch.extend(std::iter::repeat_n(bytes, tensors));
    let to = if pool.is_some() { after } else { Slot::Output(0) };
    all.append(pointwise::activation(p, &prelu, [before, to])?.into());
    if let Some(pool) = pool {
        all.append(pool::steps(p, pool, after, Slot::Output(0))?);
    }
    Ok(Some(all))
}
