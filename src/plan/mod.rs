//! A problem with the kernels that compute it on a device: pure, so it can be made and looked at without one.

mod caps;
mod carried;
mod causal;
mod chunks;
mod col2im;
mod conv;
mod conv_gemm;
mod conv_params;
mod conv_patch;
mod conv_tiled;
mod conv_winograd;
mod deform;
mod depthwise;
pub mod explain;
pub(crate) mod grid;
mod inner;
mod integer;
pub(crate) mod narrow;
mod packing;
mod pages;
mod patch;
mod pointwise;
mod pool;
mod pool_paged;
mod pool_passes;
mod regions;
pub(crate) mod roi;
mod split;
mod tiles;
pub(crate) mod turns;
mod unpool;

pub use caps::{Caps, FILL, FLOPS_PER_BYTE, FLOPS_PER_DISPATCH, PAGE, PAGES};
pub use explain::{Explanation, StepCost};
pub use grid::fold;
pub(crate) use tiles::tiles;

use crate::error::{Error, Result};
use crate::kernel::KernelKey;
use crate::problem::{Problem, Work};
use crate::spec::Op;
use crate::tensor::TensorDesc;

/// Which buffer a kernel's binding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// An input of the operation.
    Input(usize),
    /// An output of the operation.
    Output(usize),
    /// Memory that only the plan's own kernels use.
    Scratch(usize),
    /// Memory that holds what was made of the weights, and is kept between runs.
    Packed(usize),
}

impl Slot {
    /// The first scratch memory of a kernel that writes here: what its caller keeps in some comes before.
    fn after(self) -> Slot {
        match self {
            Slot::Scratch(i) => Slot::Scratch(i + 1),
            _ => Slot::Scratch(0),
        }
    }
}

/// [`PAGE`] bytes of a tensor that a kernel reads through a uniform binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Page {
    /// The tensor.
    pub slot: Slot,
    /// Its first byte, a multiple of [`Caps::uniform_alignment`].
    pub offset: u64,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The pipeline.
    pub kernel: KernelKey,
    /// The bytes of its uniform block.
    pub params: Vec<u8>,
    /// Its uniform bindings beside the parameters.
    pub pages: Vec<Page>,
    /// Its storage buffers: those it reads, then those it writes.
    pub slots: Vec<Slot>,
    /// Workgroups along x, y and z.
    pub grid: [u32; 3],
    /// The part of the batch that it computes, where the whole does not fit the device's bindings.
    pub part: Option<Part>,
    /// Whether it reads nothing but weights, so that it need run only when they change.
    pub once: bool,
    /// Why this kernel was chosen.
    pub why: &'static str,
}

impl Step {
    /// A step of a whole problem, without pages.
    fn new(kernel: KernelKey, params: &impl bytemuck::NoUninit, slots: Vec<Slot>, grid: [u32; 3]) -> Step {
        let params = bytemuck::bytes_of(params).to_vec();
        let why = "the general kernel of the operation";
        Step { kernel, params, pages: Vec::new(), slots, grid, part: None, once: false, why }
    }
}

/// A part of a batch: outputs and the first inputs are bound from `first` on, for `count` of their `of` equal units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Part {
    /// The first unit (plane, image, row or element).
    pub first: usize,
    /// Number of units.
    pub count: usize,
    /// Units of the whole.
    pub of: usize,
    /// How many inputs are divided; those behind them (kernel, bias) are bound whole.
    pub inputs: usize,
}

impl Part {
    /// Offset and size in bytes of the part of a divided tensor.
    pub fn range(&self, desc: &TensorDesc) -> (u64, u64) {
        let unit = (desc.bytes() / self.of.max(1)) as u64;
        let size = (unit * self.count as u64).next_multiple_of(4).max(4);
        (unit * self.first as u64, size)
    }
}

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
}

/// The dispatches of some work, and the memory they need.
#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    scratch: Vec<u64>,
    packed: Vec<u64>,
}

impl From<Vec<Step>> for Steps {
    fn from(steps: Vec<Step>) -> Steps {
        Steps { steps, ..Steps::default() }
    }
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
        for desc in problem.inputs.iter().chain(&problem.outputs) {
            caps.check_buffer(problem.op, desc)?;
        }
        if problem.outputs.iter().all(|o| o.elements() == 0) {
            return Ok(Plan { problem, steps: Vec::new(), scratch: Vec::new(), packed: Vec::new() });
        }
        let parts = split::parts(&problem, caps)?;
        let [None] = parts.as_slice() else {
            return Self::of_parts(problem, &parts, &Caps { paged: false, ..*caps });
        };
        let Steps { steps, scratch, packed } = Self::steps(problem.op, &problem.work, caps)?;
        Ok(Plan { problem, steps, scratch, packed })
    }

    fn of_parts(problem: Problem, parts: &[Option<Part>], caps: &Caps) -> Result<Plan> {
        let mut all = Steps::default();
        // Weights are the same for all parts, but the last part may be so small that another kernel computes it.
        let mut weights: Vec<(Vec<Step>, usize)> = Vec::new();
        for part in parts.iter().flatten() {
            let work = split::with_units(&problem.work, part.count);
            let of_part = Self::steps(problem.op, &work, caps)?;
            // Parts run one after another, so they share their memory.
            for (i, size) in of_part.scratch.into_iter().enumerate() {
                match all.scratch.get_mut(i) {
                    Some(known) => *known = size.max(*known),
                    None => all.scratch.push(size),
                }
            }
            let (once, each): (Vec<Step>, Vec<Step>) = of_part.steps.into_iter().partition(|s| s.once);
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
        let Steps { steps, scratch, packed } = all;
        Ok(Plan { problem, steps, scratch, packed })
    }

    /// The dispatches of some work, and the memory they share.
    fn steps(op: &'static str, work: &Work, caps: &Caps) -> Result<Steps> {
        let steps: Steps = match work {
            Work::Pool(work) => pool::operation(op, work, caps)?,
            Work::Fractional(work) => unpool::fractional(op, work, caps)?.into(),
            Work::Unpool(work) => unpool::unpool(op, work, caps)?,
            Work::RoiAlign(work) => roi::align(op, work, caps)?.into(),
            Work::MaxRoi(work) => roi::max(op, work, caps)?.into(),
            Work::Conv(work) => conv::steps(op, work, caps, Slot::Output(0))?,
            Work::ConvTranspose(work) => conv::transposed(op, work, caps)?.into(),
            Work::ConvPool(work) => conv::with_pool(op, work, caps)?,
            Work::ConvInteger(work) => integer::steps(op, work, caps)?,
            Work::Deform(work) => deform::steps(op, work, caps)?,
            Work::Col2Im(work) => col2im::steps(op, work, caps)?.into(),
            Work::Causal(work) => causal::steps(op, work, caps)?,
            Work::Softmax(work) => pointwise::softmax(op, work, caps)?.into(),
            Work::Activation(work) => pointwise::activation(op, work, caps)?.into(),
        };
        for &size in steps.scratch.iter().chain(&steps.packed) {
            caps.check_binding(op, size)?;
        }
        for step in &steps.steps {
            caps.check_buffers(op, &step.kernel)?;
            if step.kernel.needs_f16() && !caps.f16 {
                return Err(Error::Feature { op, feature: "SHADER_F16" });
            }
        }
        Ok(steps)
    }
}
