//! What a program does and costs on a backend, layer by layer.

use std::fmt;

use super::memory::{Homes, Memory, Plans, plans};
use super::program::{Fusion, Program, Step, Task, peak};
use wgpool::backend::Backend;
use wgpool::error::Result;
use wgpool::plan::Plan;
use wgpool::plan::explain::{Explanation, Table, bytes};
use wgpool::problem::Problem;
use wgpool::text::escaped;

/// Why an operation has no kernel.
const IN_PLACE: &str = "what it would move is written where it belongs, or read where it is";

/// One operation of a program and its cost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerCost {
    /// The layer it comes from; layers that were fused are joined by `+`.
    pub name: String,
    /// Its kernels.
    pub explanation: Explanation,
}

/// What a program does on a backend. Printed, it is a table of its layers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProgramExplanation {
    /// The model's name.
    pub name: String,
    /// Where it computes.
    pub backend: String,
    /// The operations, in order.
    pub layers: Vec<LayerCost>,
    /// Bytes of input and output.
    pub ends: u64,
    /// Bytes of kernels and biases.
    pub weights: u64,
    /// Bytes of what is kept between layers, and between a layer's own kernels, which all layers share.
    pub scratch: u64,
    /// Of these what the operations pass on to each other.
    pub between: u64,
    /// What they pass on in this order takes at least where nothing is in place: the bytes of what is there at the same time. `between`
    /// is more where tensors of several sizes take turns in one buffer, and may be less where concatenations and slices are
    /// in place.
    pub least_between: u64,
    /// Bytes of packed weights.
    pub packed: u64,
    /// The operations that became one and those that did not, where [`Program::optimised`] was asked.
    pub fusions: Vec<Fusion>,
}

impl ProgramExplanation {
    /// Bytes of memory for tensors that a run needs at most; on the CPU without what an operation needs for itself.
    pub fn peak_memory(&self) -> u64 {
        self.ends + self.weights + self.scratch + self.packed
    }

    /// Bytes that the kernels of a run move.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.explanation.bytes()).sum()
    }

    /// Floating-point operations of a run.
    pub fn flops(&self) -> Option<u64> {
        self.layers.iter().map(|layer| layer.explanation.flops()).sum()
    }
}

impl Program {
    /// Which kernels compute the program on `backend` and why, the bytes they move, their arithmetic, and the memory
    /// that a [`Session`](super::Session) of it takes. Computes nothing and allocates nothing on the device.
    ///
    /// # Errors
    /// Those of the plans of its operations.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Model};
    /// use wgpool::{Backend, Layout, Pool};
    /// let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
    /// let model = Model::new("tiny", [2, 2, 1]).layer("pool", LayerKind::Pool(pool));
    /// let explanation = model.program(1)?.explain(&Backend::Host)?;
    /// assert_eq!((explanation.bytes(), explanation.flops()), (4 * 5, Some(4)));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn explain(&self, backend: &Backend) -> Result<ProgramExplanation> {
        let planned = match backend {
            Backend::Gpu(engine) => {
                let homes = Homes::new(self);
                Some((plans(engine, self, &Memory::default(), &homes)?, homes))
            }
            _ => None,
        };
        self.explain_with(backend, planned.as_ref().map(|(plans, homes)| (plans, homes)))
    }

    /// With the plans of its operations on a GPU; without any on the CPU.
    pub(super) fn explain_with(
        &self,
        backend: &Backend,
        planned: Option<(&Plans, &Homes)>,
    ) -> Result<ProgramExplanation> {
        let (explanations, between): (Vec<Explanation>, u64) = match planned {
            Some((plans, homes)) => {
                let (mut ops, mut customs) = (plans.ops.iter(), plans.customs.iter());
                let on_gpu = |(at, step): (usize, &Step)| match &step.task {
                    Task::Op { problem, .. } if homes.is_in_place(at) => Some(in_place(problem)),
                    Task::Op { .. } => ops.next().map(Plan::explain),
                    Task::Custom(call) => customs.next().map(|gpu| call.explain(Some(gpu))),
                };
                (self.steps.iter().enumerate().filter_map(on_gpu).collect(), homes.bytes())
            }
            None => {
                let on_cpu = |step: &Step| match &step.task {
                    Task::Op { problem, .. } => backend.explain_problem(problem, true),
                    Task::Custom(call) => Ok(call.explain(None)),
                };
                (self.steps.iter().map(on_cpu).collect::<Result<_>>()?, peak(self))
            }
        };
        let own: u64 = match planned {
            Some((plans, _)) => plans.scratch().iter().sum(),
            None => explanations.iter().map(|e| e.scratch).max().unwrap_or(0),
        };
        let scratch = between + own;
        let ends = self.inputs.iter().chain(&self.outputs).map(|port| port.desc.buffer_size());
        let layers = self.steps.iter().zip(explanations);
        let layers: Vec<LayerCost> =
            layers.map(|(step, explanation)| LayerCost { name: step.name.clone(), explanation }).collect();
        Ok(ProgramExplanation {
            name: self.name.clone(),
            backend: backend.name(),
            ends: ends.sum(),
            weights: self.weight_bytes(),
            scratch,
            between,
            least_between: peak(self),
            packed: layers.iter().map(|layer| layer.explanation.packed).sum(),
            fusions: self.fusions.clone(),
            layers,
        })
    }
}

/// Of an operation that is nothing to do.
fn in_place(problem: &Problem) -> Explanation {
    let tensors = [&problem.inputs[..], &problem.outputs];
    let mut explanation = Explanation::of_operator(problem.op, tensors, Some(("in place", None)), IN_PLACE);
    for step in &mut explanation.steps {
        (step.dispatches, step.bytes_read, step.bytes_written) = (0, 0, 0);
    }
    explanation
}

impl fmt::Display for ProgramExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", escaped(&self.name), escaped(&self.backend))?;
        let mut table = Table::new("layer: kernel");
        let mut moved = [0; 2];
        for LayerCost { name, explanation } in &self.layers {
            let [read, written] = explanation.bytes_by_direction();
            moved = [moved[0] + read, moved[1] + written];
            explanation.rows(&mut table, |step| format!("{}: {}", escaped(name), step.name()));
        }
        table.total("a run", moved, self.flops());
        write!(f, "{table}memory {} (input and output {}", bytes(self.peak_memory()), bytes(self.ends))?;
        let parts = [("weights", self.weights), ("between", self.scratch), ("packed weights", self.packed)];
        for (name, size) in parts.into_iter().filter(|(_, size)| *size > 0) {
            write!(f, ", {name} {}", bytes(size))?;
        }
        write!(f, ")")?;
        if self.least_between > 0 {
            let [between, least] = [self.between, self.least_between];
            let times = between as f64 / least as f64;
            write!(f, "\npassed on {}, {times:.2} times the least for this order", bytes(between))?;
        }
        let mut joined: Vec<(&str, usize)> = Vec::new();
        for fusion in self.fusions.iter().filter(|fusion| fusion.refused.is_none()) {
            match joined.iter_mut().find(|(rule, _)| *rule == fusion.rule) {
                Some((_, count)) => *count += 1,
                None => joined.push((fusion.rule, 1)),
            }
        }
        for (at, (rule, count)) in joined.into_iter().enumerate() {
            write!(f, "{}{rule} {count}", if at == 0 { "\njoined: " } else { ", " })?;
        }
        for Fusion { first, second, rule, refused } in &self.fusions {
            if let Some(reason) = refused {
                let [first, second, reason] = [first, second, reason].map(|text| escaped(text));
                write!(f, "\nnot joined: {first}, {second} ({rule}): {reason}")?;
            }
        }
        Ok(())
    }
}
