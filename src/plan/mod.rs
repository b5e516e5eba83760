//! A problem with the kernels that compute it on a device: pure, so it can be made and looked at without one.

mod batch;
mod candidate;
mod candidates;
mod caps;
mod conv;
pub mod explain;
mod gemm;
#[cfg(feature = "gradients")]
mod gradient;
pub(crate) mod grid;
mod kernels;
pub(crate) mod loop_limit;
mod other;
mod patch;
mod planner;
mod pool;
mod step;
mod tuning;

pub use candidates::candidates;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use candidates::class;
pub use caps::{Caps, FLOPS_PER_BYTE, FLOPS_PER_DISPATCH, TARGET_WORKGROUPS};
pub use explain::{Explanation, StepCost};
pub use grid::fold;
pub use kernels::{CandidateInfo, Considered, Family, Kernels, Outcome};
pub(crate) use planner::Planner;
pub(crate) use pool::roi;
pub(crate) use step::Steps;
pub use step::{Page, Part, Slot, Step};
pub use tuning::{Tuned, TunedFor, Tuning};

pub use crate::kernel::{Cooperative, PAGE, PAGES, Side};

use crate::error::{Error, Result};
use crate::kernel::Bindings;
use crate::problem::{Problem, Work};
use crate::spec::Op;
use crate::tensor::TensorDesc;

/// A problem and the dispatches that compute it.
///
/// ```
/// use wgpool::{Caps, Conv, Plan, TensorDesc};
/// let inputs = [TensorDesc::f32([1, 3, 32, 32]), TensorDesc::f32([8, 3, 3, 3])];
/// let plan = Plan::new(&Conv::new().into(), &inputs, &Caps::default())?;
/// assert_eq!(plan.problem.outputs[0].shape, [1, 8, 30, 30]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// What is computed.
    pub problem: Problem,
    /// The dispatches, in order; none for an empty batch.
    pub steps: Vec<Step>,
    /// Bytes of each piece of scratch memory that the dispatches share.
    pub scratch: Vec<u64>,
    /// Bytes of each piece of memory for packed weights.
    pub packed: Vec<u64>,
    /// What was looked at to choose the dispatches, and what became of it; of a divided batch, for its first part.
    pub considered: Vec<Considered>,
}

impl Plan {
    /// Checks `op` on `inputs` and chooses the kernels for a device with `caps`.
    ///
    /// # Errors
    /// Those of [`Problem::new`]; [`Error::Limit`], [`Error::Feature`] and [`Error::TooLarge`] for what the
    /// device cannot hold.
    pub fn new(op: &Op, inputs: &[TensorDesc], caps: &Caps) -> Result<Plan> {
        Self::of(Problem::new(op, inputs)?, caps)
    }

    /// Chooses the kernels of a checked problem; see [`Plan::new`].
    pub fn of(problem: Problem, caps: &Caps) -> Result<Plan> {
        if caps.tuning.is_some() {
            // What was measured is a matter of speed alone: where it asks too much of the device, the rules hold.
            return Self::chosen(problem.clone(), caps)
                .or_else(|_| Self::chosen(problem, &Caps { tuning: None, ..caps.clone() }));
        }
        Self::chosen(problem, caps)
    }

    fn chosen(problem: Problem, caps: &Caps) -> Result<Plan> {
        for desc in problem.inputs.iter().chain(&problem.outputs) {
            caps.check_buffer(problem.op, desc)?;
        }
        caps.kernels.check(problem.op, &problem.work)?;
        let mut p = Planner::new(problem.op, caps);
        let nothing = problem.outputs.iter().all(|o| o.elements() == 0);
        let parts = if nothing { Vec::new() } else { batch::parts(&problem, caps)? };
        let steps = match parts.as_slice() {
            [None] => Self::steps(&p, &problem.work)?,
            parts => {
                p.caps.paged = false;
                Self::of_parts(&p, &problem.work, parts)?
            }
        };
        let Steps { mut steps, scratch, packed, considered } = steps;
        for step in &mut steps {
            let Bindings { slopes, residuals, .. } = step.kernel.bindings();
            step.slots.extend(problem.slope().filter(|_| slopes > 0).map(Slot::Input));
            step.slots.extend(problem.residual().filter(|_| residuals > 0).map(Slot::Input));
        }
        Ok(Plan { problem, steps, scratch, packed, considered })
    }

    fn of_parts(p: &Planner, work: &Work, parts: &[Option<Part>]) -> Result<Steps> {
        let mut all = Steps::default();
        // Weights are the same for all parts, but the last part may be so small that another kernel computes it.
        let mut weights: Vec<(Vec<Step>, usize)> = Vec::new();
        for part in parts.iter().flatten() {
            let of_part = Self::steps(p, &batch::with_units(work, part.count))?;
            if all.steps.is_empty() {
                all.considered = of_part.considered;
            }
            // Parts run one after another, so they share their memory.
            for (i, size) in of_part.scratch.into_iter().enumerate() {
                match all.scratch.get_mut(i) {
                    Some(known) => *known = size.max(*known),
                    None => all.scratch.push(size),
                }
            }
            let (once, each): (Vec<Step>, Vec<Step>) = of_part.steps.into_iter().partition(|s| s.prepack);
            let known = weights.iter().find(|(steps, _)| *steps == once).map(|&(_, first)| first);
            let first_packed = known.unwrap_or(all.packed.len());
            let in_all = |step: Step| {
                let slots = step.slots.iter().map(|&slot| match slot {
                    Slot::Packed(i) => Slot::Packed(i + first_packed),
                    other => other,
                });
                Step { part: Some(*part), slots: slots.collect(), ..step }
            };
            if known.is_none() {
                all.packed.extend(of_part.packed);
                all.steps.extend(once.iter().cloned().map(in_all));
                weights.push((once, first_packed));
            }
            all.steps.extend(each.into_iter().map(in_all));
        }
        Ok(all)
    }

    /// The dispatches of some work, and the memory they share.
    fn steps(p: &Planner, work: &Work) -> Result<Steps> {
        let mut steps: Steps = match work {
            Work::Pool(work) => pool::operation(p, work)?,
            Work::Fractional(work) => pool::unpool::fractional(p, work)?.into(),
            Work::Unpool(work) => pool::unpool::unpool(p, work)?,
            Work::RoiAlign(work) => roi::align(p, work)?.into(),
            Work::MaxRoi(work) => roi::max(p, work)?.into(),
            Work::Conv(work) => conv::steps(p, work, Slot::Output(0))?,
            Work::ConvTranspose(work) => conv::transposed::steps(p, work)?,
            Work::ConvPool(work) => conv::with_pool(p, work)?,
            Work::ConvInteger(work) => conv::integer::steps(p, work)?,
            Work::Deform(work) => conv::deform::steps(p, work)?,
            Work::Col2Im(work) => other::col2im::steps(p, work)?.into(),
            Work::Causal(work) => conv::causal::steps(p, work)?,
            Work::Softmax(work) => other::softmax(p, work)?,
            Work::Activation(work) => {
                other::pointwise::activation(p, work, [Slot::Input(0), Slot::Output(0)])?.into()
            }
            Work::Elementwise(work) => other::elementwise::steps(p, work)?.into(),
            Work::Strided(work) => other::strided::steps(p, work)?.into(),
            Work::Reduce(work) => other::reduce::reduce(p, work)?.into(),
            Work::Arg(work) => other::reduce::arg(p, work)?.into(),
            Work::Resize(work) => other::resize::resize(p, work)?.into(),
            #[cfg(feature = "gradients")]
            Work::Gradient(work) => gradient::steps(p, work)?,
        };
        let is_too_much = |step: &Step| {
            let Bindings { slopes, residuals, .. } = step.kernel.bindings();
            slopes + residuals > 0 && !p.caps.can_bind(&step.kernel)
        };
        if steps.steps.iter().any(is_too_much) {
            steps = conv::epilogue::apart(p, work)?.unwrap_or(steps);
        }
        for &size in steps.scratch.iter().chain(&steps.packed) {
            p.caps.check_binding(p.op, size)?;
        }
        for step in &steps.steps {
            p.caps.check_buffers(p.op, &step.kernel)?;
            if step.kernel.needs_f16() && !p.caps.f16 {
                return Err(Error::Feature { op: p.op, feature: "SHADER_F16" });
            }
        }
        Ok(steps)
    }
}
