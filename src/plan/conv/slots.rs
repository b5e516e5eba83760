//! What kernels of convolution bind.

use crate::plan::step::Slot;
use crate::problem::ConvWork;

/// Kernel and bias. A binding must hold something: without a bias it is the kernel once more, and not read.
pub(super) fn weight_slots(work: &ConvWork) -> [Slot; 2] {
    [Slot::Input(1), if work.bias { Slot::Input(2) } else { Slot::Input(1) }]
}

/// Input, kernel, bias and the tensor that is written.
pub(super) fn slots(work: &ConvWork, to: Slot) -> Vec<Slot> {
    let [weights, bias] = weight_slots(work);
    vec![Slot::Input(0), weights, bias, to]
}
