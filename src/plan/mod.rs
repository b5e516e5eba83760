//! A problem with the kernels that compute it on a device: pure, so it can be made and looked at without one.

mod caps;
mod conv;
pub(crate) mod grid;
pub(crate) mod narrow;
mod pointwise;
mod pool;
mod roi;
mod unpool;

pub use caps::Caps;
pub use grid::fold;

use crate::error::{Error, Result};
use crate::kernel::KernelKey;
use crate::problem::{Problem, Work};
use crate::spec::Op;
use crate::tensor::TensorDesc;

/// Which buffer a kernel's binding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// An input of the operation.
    Input(usize),
    /// An output of the operation.
    Output(usize),
    /// Memory that only the plan's own kernels use.
    Scratch(usize),
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The pipeline.
    pub kernel: KernelKey,
    /// The bytes of its uniform block.
    pub params: Vec<u8>,
    /// Its storage buffers: those it reads, then those it writes.
    pub slots: Vec<Slot>,
    /// Workgroups along x, y and z.
    pub grid: [u32; 3],
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
pub struct Plan {
    /// What is computed.
    pub problem: Problem,
    /// The dispatches, in order; none for an empty batch.
    pub steps: Vec<Step>,
    /// Bytes of each piece of scratch memory that the dispatches share.
    pub scratch: Vec<u64>,
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
            caps.check_tensor(problem.op, desc)?;
        }
        if problem.outputs.iter().all(|o| o.elements() == 0) {
            return Ok(Plan { problem, steps: Vec::new(), scratch: Vec::new() });
        }
        let op = problem.op;
        let alone = |steps| (steps, Vec::new());
        let (steps, scratch) = match &problem.work {
            Work::Pool(work) => pool::steps(op, work, caps, Slot::Input(0)).map(alone),
            Work::Fractional(work) => unpool::fractional(op, work, caps).map(alone),
            Work::Unpool(work) => unpool::unpool(op, work, caps),
            Work::RoiAlign(work) => roi::align(op, work, caps).map(alone),
            Work::MaxRoi(work) => roi::max(op, work, caps).map(alone),
            Work::Conv(work) => conv::steps(op, work, caps, Slot::Output(0)).map(alone),
            Work::ConvTranspose(work) => conv::transposed(op, work, caps).map(alone),
            Work::ConvPool(work) => conv::with_pool(op, work, caps),
            Work::Softmax(work) => pointwise::softmax(op, work, caps).map(alone),
            Work::Activation(work) => pointwise::activation(op, work, caps).map(alone),
        }?;
        for &size in &scratch {
            caps.check_binding(op, size)?;
        }
        for step in &steps {
            if step.kernel.needs_f16() && !caps.f16 {
                return Err(Error::Feature { op: problem.op, feature: "SHADER_F16" });
            }
        }
        Ok(Plan { problem, steps, scratch })
    }
}
