//! Dispatches, and the memory they need.

use super::kernels::Considered;
use crate::kernel::KernelKey;
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
    pub(crate) fn after(self) -> Slot {
        match self {
            Slot::Scratch(i) => Slot::Scratch(i + 1),
            _ => Slot::Scratch(0),
        }
    }
}

/// [`PAGE`](super::PAGE) bytes of a tensor that a kernel reads through a uniform binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Page {
    /// The tensor.
    pub slot: Slot,
    /// Its first byte, a multiple of [`Caps::uniform_alignment`](super::Caps::uniform_alignment).
    pub offset: u64,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The pipeline; what it is made of is no part of the public interface, its name ([`StepCost::name`](super::StepCost::name)) is.
    #[doc(hidden)]
    pub kernel: KernelKey,
    /// The bytes of its uniform block.
    #[doc(hidden)]
    pub params: Vec<u8>,
    /// Its uniform bindings beside the parameters.
    pub pages: Vec<Page>,
    /// Its storage buffers: those it reads, then those it writes, then PReLU's slope, then the residual.
    pub slots: Vec<Slot>,
    /// Workgroups along x, y and z.
    pub grid: [u32; 3],
    /// The part of the batch that it computes, where the whole does not fit the device's bindings.
    pub part: Option<Part>,
    /// Whether it reads nothing but weights, so that it need run only when they change.
    pub prepack: bool,
    /// Why this kernel was chosen.
    pub why: &'static str,
}

impl Step {
    /// A step of a whole problem, without pages.
    pub(crate) fn new(
        kernel: impl Into<KernelKey>,
        params: &impl bytemuck::NoUninit,
        slots: Vec<Slot>,
        grid: [u32; 3],
    ) -> Step {
        let params = bytemuck::bytes_of(params).to_vec();
        let why = "the general kernel of the operation";
        Step {
            kernel: kernel.into(),
            params,
            pages: Vec::new(),
            slots,
            grid,
            part: None,
            prepack: false,
            why,
        }
    }
}

/// A part of a batch: outputs and some inputs are bound from `first` on, for `count` of their `of` equal units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Part {
    /// The first unit (plane, image, row or element).
    pub first: usize,
    /// Number of units.
    pub count: usize,
    /// Units of the whole.
    pub of: usize,
    /// The inputs that are divided, a bit each; others (kernel, bias) are bound whole.
    pub inputs: u32,
}

impl Part {
    /// Whether input `i` is divided.
    pub fn divides(&self, i: usize) -> bool {
        self.inputs.checked_shr(i as u32).is_some_and(|bits| bits & 1 == 1)
    }

    /// Offset and size in bytes of the part of a divided tensor.
    pub fn range(&self, desc: &TensorDesc) -> (u64, u64) {
        let unit = (desc.bytes() / self.of.max(1)) as u64;
        let size = (unit * self.count as u64).next_multiple_of(4).max(4);
        (unit * self.first as u64, size)
    }
}

/// The dispatches of some work, and the memory they need.
#[derive(Default)]
pub(crate) struct Steps {
    pub steps: Vec<Step>,
    pub scratch: Vec<u64>,
    pub packed: Vec<u64>,
    /// The candidates that were looked at.
    pub considered: Vec<Considered>,
}

impl From<Step> for Steps {
    fn from(step: Step) -> Steps {
        vec![step].into()
    }
}

impl From<Vec<Step>> for Steps {
    fn from(steps: Vec<Step>) -> Steps {
        Steps { steps, ..Steps::default() }
    }
}

impl Steps {
    /// Adds those of the next part of an operation, whose memory is the same.
    pub fn append(&mut self, next: Steps) {
        self.steps.extend(next.steps);
        self.considered.extend(next.considered);
    }
}
