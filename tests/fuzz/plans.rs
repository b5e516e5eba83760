//! Plans of anything.

use std::collections::BTreeSet;

use wgpool::Plan;
use wgpool::kernel::{DepthwisePatch, KernelKey, PoolPatch};
use wgpool::plan::{PAGE, Slot};
use wgpool_testing::verify::random::Rng;

use crate::fuzz::{Tally, count, pick};
use crate::numbers::Numbers;

#[test]
fn plans_of_anything_are_plans_or_errors() {
    /// A plan is made of shapes alone, so its memory does not depend on what the tensors would take; it has at most
    /// some hundred dispatches.
    // A convolution in tiles has up to 4,096 dispatches.
    const MOST: usize = 3 << 20;
    let mut tally = Tally::new("plans");
    let mut numbers = Numbers { rng: Rng::new(1), wild: 1 };
    let (mut kinds, mut patches) = (BTreeSet::new(), 0);
    for _ in 0..count(20_000) {
        numbers.wild = *pick(&mut numbers.rng, &[1, 2, 5, 15, 40, 1000]);
        let ((op, inputs), caps) = (numbers.case(), numbers.caps());
        let Some(plan) = tally.add(0, MOST, || Plan::new(&op, &inputs, &caps)) else { continue };
        kinds.insert(plan.problem.op);
        for step in &plan.steps {
            if let KernelKey::PoolPatch(PoolPatch { patch, .. })
            | KernelKey::DepthwisePatch(DepthwisePatch { patch, .. }) = step.kernel
            {
                patches += 1;
                let vector = if patch.across.fours() { 4 * patch.dtype.size() as u32 } else { 1 };
                assert!(caps.offset_alignment.is_multiple_of(vector), "{op:?} on {inputs:?}");
            }
            assert!(step.grid.iter().all(|&g| 0 < g && g <= caps.max_workgroups), "{op:?} on {inputs:?}");
            for page in &step.pages {
                let size = match page.slot {
                    Slot::Input(i) => plan.problem.inputs[i].buffer_size(),
                    Slot::Scratch(i) => plan.scratch[i],
                    Slot::Packed(i) => plan.packed[i] - PAGE,
                    other => panic!("{other:?} is no page"),
                };
                assert!(page.offset.is_multiple_of(u64::from(caps.uniform_alignment)), "{op:?}: {page:?}");
                assert!(page.offset < size, "{op:?} on {inputs:?}: {page:?} of {size}");
            }
            for slot in &step.slots {
                let (desc, divided) = match *slot {
                    Slot::Input(i) => (&plan.problem.inputs[i], step.part.is_some_and(|p| p.divides(i))),
                    Slot::Output(i) => (&plan.problem.outputs[i], step.part.is_some()),
                    Slot::Scratch(i) => {
                        assert!(plan.scratch[i] <= caps.max_binding, "{op:?} on {inputs:?}");
                        continue;
                    }
                    Slot::Packed(i) => {
                        assert!(plan.packed[i] <= caps.max_binding, "{op:?} on {inputs:?}");
                        continue;
                    }
                    other => panic!("{other:?} has no row in this test"),
                };
                let part = step.part.filter(|_| divided);
                let (offset, size) = part.map_or((0, desc.buffer_size()), |part| part.range(desc));
                assert!(size <= caps.max_binding, "{op:?} on {inputs:?}: {part:?}");
                assert!(offset.is_multiple_of(u64::from(caps.offset_alignment)), "{op:?}: {part:?}");
                assert!(offset + size <= desc.buffer_size(), "{op:?} on {inputs:?}: {part:?}");
            }
        }
        for desc in plan.problem.inputs.iter().chain(&plan.problem.outputs) {
            assert!(desc.buffer_size() <= caps.max_buffer, "{op:?} on {inputs:?}");
        }
    }
    assert!(tally.accepted > tally.inputs / 10, "{} of {} are plans", tally.accepted, tally.inputs);
    assert!(kinds.len() >= 23, "{kinds:?}");
    assert!(patches > tally.accepted / 100, "{patches} kernels that compute patches");
}
