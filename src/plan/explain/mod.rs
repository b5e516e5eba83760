//! What a plan does and costs: its kernels, why they were chosen, bytes, arithmetic and memory.

mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Considered, Plan, Slot, Step};
use crate::kernel::{Bindings, KernelKey};
use crate::problem::{Flops, Problem};
use crate::tensor::TensorDesc;

pub use table::{Table, bytes};

/// One kernel of a plan, or several dispatches of the same kernel in a row.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepCost {
    /// The kernel; nothing on the host path and the reference.
    #[doc(hidden)]
    pub kernel: Option<KernelKey>,
    /// What it is called where it is an app's own.
    #[doc(hidden)]
    pub own: Option<&'static str>,
    /// Why it was chosen.
    pub why: &'static str,
    /// Dispatches of it.
    pub dispatches: usize,
    /// Workgroups of all of them.
    pub workgroups: u64,
    /// Whether it depends on the weights alone, and so runs only when they change.
    pub prepack: bool,
    /// Bytes of the tensors it reads, each counted once: what must be moved at least.
    pub bytes_read: u64,
    /// Bytes of the tensors it writes, each counted once.
    pub bytes_written: u64,
    /// Its share of [`Problem::flops`], which counts by the definition and not by the kernel's algorithm; nothing
    /// where these depend on values.
    pub flops: Option<u64>,
}

/// What a plan does and what it costs. Printed, it is a table.
///
/// ```
/// use wgpool::{Caps, Plan, Pool, TensorDesc};
/// let inputs = [TensorDesc::f32([1, 4, 8, 8])];
/// let explanation = Plan::new(&Pool::max([2, 2]).into(), &inputs, &Caps::default())?.explain();
/// assert_eq!(explanation.bytes(), 4 * (256 + 64));
/// assert_eq!(explanation.flops(), Some(256));
/// println!("{explanation}");
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Explanation {
    /// The operation.
    pub op: Cow<'static, str>,
    /// What goes in.
    pub inputs: Vec<TensorDesc>,
    /// What comes out.
    pub outputs: Vec<TensorDesc>,
    /// The kernels, in order.
    pub steps: Vec<StepCost>,
    /// Bytes of memory that the kernels share between them.
    pub scratch: u64,
    /// Bytes of packed weights.
    pub packed: u64,
    /// What was looked at to choose the kernels, and what became of it; nothing on the CPU, and for operations that have
    /// one kernel.
    pub considered: Vec<Considered>,
}

/// As the text that it is printed as.
#[cfg(feature = "serde")]
impl serde::Serialize for KernelKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl StepCost {
    /// The kernel's name, without what tells its variants apart.
    pub fn name(&self) -> String {
        let Some(kernel) = self.kernel else { return self.own.unwrap_or("CPU").into() };
        let text = kernel.to_string();
        text.split([' ', '(']).next().unwrap_or(&text).to_owned()
    }
}

impl Explanation {
    /// Bytes that the kernels of a run move; those that run once are not counted.
    pub fn bytes(&self) -> u64 {
        self.steps.iter().filter(|s| !s.prepack).map(|s| s.bytes_read + s.bytes_written).sum()
    }

    /// The same, read and written.
    pub fn bytes_by_direction(&self) -> [u64; 2] {
        let run = || self.steps.iter().filter(|s| !s.prepack);
        [run().map(|s| s.bytes_read).sum(), run().map(|s| s.bytes_written).sum()]
    }

    /// Floating-point operations of a run; nothing where they depend on values.
    pub fn flops(&self) -> Option<u64> {
        self.steps.iter().map(|s| s.flops).sum()
    }

    /// Bytes of all tensors, scratch memory and packed weights, which are there at the same time.
    pub fn peak_memory(&self) -> u64 {
        let tensors = self.inputs.iter().chain(&self.outputs);
        tensors.map(TensorDesc::buffer_size).sum::<u64>() + self.scratch + self.packed
    }

    /// A problem computed on the CPU in one step, whose own temporary memory is not known here.
    pub(crate) fn on_cpu(problem: &Problem, why: &'static str) -> Explanation {
        let bytes = |descs: &[TensorDesc]| descs.iter().map(|d| d.bytes() as u64).sum();
        let step = StepCost {
            kernel: None,
            own: None,
            why,
            dispatches: 0,
            workgroups: 0,
            prepack: false,
            bytes_read: bytes(&problem.inputs),
            bytes_written: bytes(&problem.outputs),
            flops: problem.flops(),
        };
        Explanation::of(problem, vec![step], [0, 0])
    }

    /// What an operator of an app's own does, in one step: `kernel` is what is called so where it is one of a GPU, with the
    /// workgroups if they are known.
    pub fn of_operator(
        op: impl Into<Cow<'static, str>>,
        [inputs, outputs]: [&[TensorDesc]; 2],
        kernel: Option<(&'static str, Option<u64>)>,
        why: &'static str,
    ) -> Explanation {
        let bytes = |descs: &[TensorDesc]| descs.iter().map(|d| d.bytes() as u64).sum();
        let step = StepCost {
            kernel: None,
            own: kernel.map(|(name, _)| name),
            why,
            dispatches: usize::from(kernel.is_some()),
            workgroups: kernel.and_then(|(_, workgroups)| workgroups).unwrap_or(0),
            prepack: false,
            bytes_read: bytes(inputs),
            bytes_written: bytes(outputs),
            flops: None,
        };
        Explanation {
            op: op.into(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            steps: vec![step],
            scratch: 0,
            packed: 0,
            considered: Vec::new(),
        }
    }

    fn of(problem: &Problem, steps: Vec<StepCost>, [scratch, packed]: [u64; 2]) -> Explanation {
        let (inputs, outputs) = (problem.inputs.clone(), problem.outputs.clone());
        Explanation { op: problem.op.into(), inputs, outputs, steps, scratch, packed, considered: Vec::new() }
    }
}

impl Plan {
    /// Which kernels the plan runs and why, the bytes they move, their arithmetic, and the memory they need.
    pub fn explain(&self) -> Explanation {
        let groups = self.groups();
        let flops = self.shares(&groups);
        let steps = groups.iter().zip(flops).filter_map(|(group, flops)| {
            let first = group.first()?;
            Some(StepCost {
                kernel: Some(first.kernel),
                own: None,
                why: first.why,
                dispatches: group.len(),
                workgroups: workgroups(group),
                prepack: first.prepack,
                bytes_read: self.bytes(group, false),
                bytes_written: self.bytes(group, true),
                flops,
            })
        });
        let memory = [&self.scratch, &self.packed].map(|sizes| sizes.iter().sum());
        let considered = self.considered.clone();
        Explanation { considered, ..Explanation::of(&self.problem, steps.collect(), memory) }
    }

    /// The steps of each kernel, in the order of their first.
    fn groups(&self) -> Vec<Vec<&Step>> {
        let mut groups: Vec<Vec<&Step>> = Vec::new();
        let kind = |step: &Step| (step.kernel, step.prepack, step.why);
        for step in &self.steps {
            match groups.iter_mut().find(|group| group.first().is_some_and(|first| kind(first) == kind(step)))
            {
                Some(group) => group.push(step),
                None => groups.push(vec![step]),
            }
        }
        groups
    }

    /// Bytes of the tensors that some dispatches write, or read; a part that several bind counts once.
    fn bytes(&self, group: &[&Step], written: bool) -> u64 {
        let mut moved: BTreeMap<(Slot, u64), u64> = BTreeMap::new();
        for step in group {
            let Bindings { reads, writes, .. } = step.kernel.bindings();
            let writes = reads as usize..(reads + writes) as usize;
            let slots = (0..).zip(&step.slots).filter(|(i, _)| writes.contains(i) == written);
            let pages = step.pages.iter().filter(|_| !written).map(|page| page.slot);
            for slot in slots.map(|(_, slot)| *slot).chain(pages).filter(|&slot| !seldom(step, slot)) {
                let (offset, size) = self.range(step, slot);
                moved.insert((slot, offset), size);
            }
        }
        moved.values().sum()
    }

    /// What a dispatch uses of a tensor: its start, and its size in bytes.
    fn range(&self, step: &Step, slot: Slot) -> (u64, u64) {
        let tensor = |descs: &[TensorDesc], i: usize, divided: bool| {
            let Some(desc) = descs.get(i) else { return (0, 0) };
            match step.part.filter(|_| divided) {
                Some(part) => part.range(desc),
                None => (0, desc.bytes() as u64),
            }
        };
        let memory = |sizes: &[u64], i: usize| (0, sizes.get(i).copied().unwrap_or(0));
        match slot {
            Slot::Input(i) => tensor(&self.problem.inputs, i, step.part.is_some_and(|part| part.divides(i))),
            Slot::Output(i) => tensor(&self.problem.outputs, i, true),
            Slot::Scratch(i) => memory(&self.scratch, i),
            Slot::Packed(i) => memory(&self.packed, i),
        }
    }

    /// Whom the arithmetic belongs to: that with weights to those who read them, the rest to those who write an
    /// output; to several by their workgroups.
    fn shares(&self, groups: &[Vec<&Step>]) -> Vec<Option<u64>> {
        let Some(Flops { weights, rest }) = self.problem.flops_by_kind() else {
            return vec![None; groups.len()];
        };
        let any = |group: &[&Step], wanted: fn(&Slot) -> bool| {
            let of = |step: &Step| {
                step.slots.iter().any(|slot| wanted(slot) && !seldom(step, *slot))
                    || step.pages.iter().any(|p| wanted(&p.slot))
            };
            group.iter().any(|step| !step.prepack && of(step))
        };
        let with_weights = |group: &[&Step]| any(group, |s| matches!(s, Slot::Input(1) | Slot::Packed(_)));
        let with_outputs = |group: &[&Step]| any(group, |s| matches!(s, Slot::Output(_)));
        let weights = divide(weights, groups, with_weights);
        let rest = divide(rest, groups, with_outputs);
        weights.into_iter().zip(rest).map(|(a, b)| Some(a + b)).collect()
    }
}

/// Whether a tensor is read only where values are rare.
fn seldom(step: &Step, slot: Slot) -> bool {
    matches!(step.kernel, KernelKey::WinogradOutput(_)) && matches!(slot, Slot::Input(0 | 1))
}

fn workgroups(group: &[&Step]) -> u64 {
    group.iter().map(|step| step.grid.iter().map(|&side| u64::from(side)).product::<u64>()).sum()
}

/// `total` divided among those that `takes` names, by their workgroups; the last takes what is left.
fn divide(total: u64, groups: &[Vec<&Step>], takes: impl Fn(&[&Step]) -> bool) -> Vec<u64> {
    let sizes: Vec<u64> = groups.iter().map(|g| if takes(g) { workgroups(g) } else { 0 }).collect();
    let all: u64 = sizes.iter().sum();
    let (mut before, mut given) = (0, 0);
    (sizes.iter())
        .map(|size| {
            before += size;
            let until =
                (u128::from(total) * u128::from(before)).checked_div(u128::from(all)).unwrap_or(0) as u64;
            let share = until - given;
            given = until;
            share
        })
        .collect()
}
