//! Operations that join the one before them, where nobody else reads it.

mod affine;
mod elements;
mod join;
mod transposes;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Program, Source, Step, remove_unread};
use crate::axes;
use wgpool::error::Result;
use wgpool::problem::Problem;
use wgpool::spec::{Layout, Op};
use wgpool::tensor::{Tensor, TensorDesc};

/// What became of an operation that reads what another makes, where [`Program::optimised`] has a rule about the two.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fusion {
    /// The operation that is read; those that were fused before are joined by `+`.
    pub first: String,
    /// The operation that reads it.
    pub second: String,
    /// What the rule joins, as `activation`.
    pub rule: &'static str,
    /// Why they stay apart; nothing where they became one.
    pub refused: Option<String>,
}

impl Program {
    /// The same outputs of fewer operations: scales, padding, sums, activations and pooling join the convolution before or behind them,
    /// and functions of elements in a row become one kernel. Transpositions go behind the operations that compute the same in
    /// another order of axes, where they meet others and vanish.
    ///
    /// What a convolution takes in is rounded with its weights, so that results differ by as much as their bounds permit.
    /// [`Program::fusions`] says what was joined, and why others stay apart.
    ///
    /// # Errors
    /// Those of the joined operations, with model and layer, and [`Error::OutOfMemory`](wgpool::Error::OutOfMemory).
    pub fn optimised(mut self) -> Result<Program> {
        transposes::cancelled(&mut self)?;
        self.joined(&RULES)
    }

    /// As layers are lowered: pooling stays apart, and nothing is said of what was joined.
    pub(crate) fn joined_layers(self) -> Result<Program> {
        let [rules @ .., _] = &RULES;
        Ok(Program { fusions: vec![], ..self.joined(rules)? })
    }

    fn joined(mut self, rules: &[(&'static str, Rule)]) -> Result<Program> {
        let mut readers = readers(&self);
        for at in 0..self.steps.len() {
            while self.join(at, &mut readers, rules)? {}
        }
        forget_repeated(&mut self.fusions);
        remove_unread(&mut self);
        Ok(self)
    }

    /// Lets a step take in one whose output nobody else reads; whether it did.
    fn join(&mut self, at: usize, readers: &mut [usize], rules: &[(&'static str, Rule)]) -> Result<bool> {
        let Some(step) = self.steps.get(at) else { return Ok(false) };
        let mut apart = Vec::new();
        for (input, source) in step.inputs.iter().enumerate() {
            let &Source::Step { step: number, output: 0 } = source else { continue };
            let Some(before) = self.steps.get(number) else { continue };
            // Nothing is joined with what the app computes.
            let (Some(first), Some(second)) = (Part::of(before), Part::of(step)) else { continue };
            if first.problem.outputs.len() != 1 {
                continue;
            }
            let is_only = readers.get(number) == Some(&1);
            let fusion = |rule, refused| Fusion {
                first: before.name.clone(),
                second: step.name.clone(),
                rule,
                refused,
            };
            let joined = match judged(&Pair { before: first, step: second, input, is_only }, rules)? {
                Verdict::Foreign => continue,
                Verdict::Apart { rule, reason } => {
                    let fusion = fusion(rule, Some(reason));
                    // A step may read another twice.
                    if !apart.contains(&fusion) {
                        apart.push(fusion);
                    }
                    continue;
                }
                Verdict::Joined { rule, step } => {
                    self.fusions.push(fusion(rule, None));
                    *step
                }
            };
            count(readers, before, |n| n.saturating_sub(1));
            count(readers, step, |n| n.saturating_sub(1));
            count(readers, &joined, |n| n + 1);
            if let Some(step) = self.steps.get_mut(at) {
                *step = joined;
            }
            return Ok(true);
        }
        self.fusions.append(&mut apart);
        Ok(false)
    }
}

/// Removes what was said of two steps, where it was said again when the second had been joined by others.
fn forget_repeated(fusions: &mut Vec<Fusion>) {
    let mut last: HashMap<(&str, &str), &str> = HashMap::new();
    let mut is_kept: Vec<bool> = Vec::with_capacity(fusions.len());
    for Fusion { first, second, rule, refused } in fusions.iter().rev() {
        let later = last.get(&(first.as_str(), *rule)).copied();
        is_kept.push(refused.is_none() || later.is_none_or(|later| !later.contains(second)));
        if refused.is_some() {
            last.insert((first, rule), second);
        }
    }
    fusions.retain(|_| is_kept.pop() == Some(true));
}

/// How many steps read each step; one whose output is a result is read once more than anything joins.
fn readers(program: &Program) -> Vec<usize> {
    let mut readers = vec![0; program.steps.len()];
    program.steps.iter().for_each(|step| count(&mut readers, step, |n| n + 1));
    for result in &program.results {
        if let Source::Step { step, .. } = result
            && let Some(readers) = readers.get_mut(*step)
        {
            *readers += 2;
        }
    }
    readers
}

/// Changes the numbers of the steps that a step reads, each once.
fn count(readers: &mut [usize], step: &Step, change: impl Fn(usize) -> usize) {
    let read: BTreeSet<usize> = (step.inputs.iter())
        .filter_map(|source| match source {
            Source::Step { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    for number in read {
        if let Some(readers) = readers.get_mut(number) {
            *readers = change(*readers);
        }
    }
}

/// A step that is an operation of wgpool.
#[derive(Clone, Copy)]
struct Part<'a> {
    name: &'a str,
    op: &'a Op,
    inputs: &'a [Source],
    problem: &'a Problem,
}

impl<'a> Part<'a> {
    fn of(step: &'a Step) -> Option<Part<'a>> {
        let (op, problem) = step.op().zip(step.problem())?;
        Some(Part { name: &step.name, op, inputs: &step.inputs, problem })
    }
}

/// A step, and one that makes one of its inputs.
struct Pair<'a> {
    before: Part<'a>,
    step: Part<'a>,
    /// Which input that is, or the first of them.
    input: usize,
    /// Whether nobody else reads it.
    is_only: bool,
}

impl Pair<'_> {
    /// Whether the step reads the other as its first input alone, in the shape that it has.
    fn is_first(&self) -> bool {
        let same = self.step.inputs.first();
        self.input == 0
            && self.step.problem.inputs.first() == self.before.problem.outputs.first()
            && !self.step.inputs.iter().skip(1).any(|source| Some(source) == same)
    }
}

/// What a rule says of two steps.
enum Trial {
    /// It is about other operations.
    Foreign,
    /// It would join such operations, but not these.
    Apart(&'static str),
    Joined(Box<Joined>),
}

impl Trial {
    fn joined(op: Op, inputs: Vec<(Source, TensorDesc)>) -> Trial {
        Trial::Joined(Box::new(Joined { op, inputs }))
    }
}

/// What all rules say of two steps.
enum Verdict {
    Foreign,
    Apart { rule: &'static str, reason: String },
    Joined { rule: &'static str, step: Box<Step> },
}

type Rule = fn(&Pair<'_>) -> Result<Trial>;

/// The rules and what they join, the first that joins two steps first. Layers are lowered without the last.
const RULES: [(&str, Rule); 8] = [
    ("activation", join::activation),
    ("PReLU", join::slope),
    ("padding", join::padding),
    ("residual", join::residual),
    ("scale and shift", affine::behind),
    ("scale and shift", affine::before),
    ("functions of elements", elements::chain),
    ("pooling", join::pooling),
];

/// Why a step is not joined whose output others read.
const READ_BY_OTHERS: &str = "other operations read it too, or it is an output";

/// The operation that does what both do, if there is one.
fn judged(pair: &Pair<'_>, rules: &[(&'static str, Rule)]) -> Result<Verdict> {
    let mut verdict = Verdict::Foreign;
    for &(rule, trial) in rules {
        let reason = match trial(pair)? {
            Trial::Foreign => continue,
            Trial::Apart(reason) => reason.to_owned(),
            Trial::Joined(_) if !pair.is_only => READ_BY_OTHERS.to_owned(),
            Trial::Joined(joined) => {
                let Joined { op, inputs } = *joined;
                let (inputs, descs): (Vec<Source>, Vec<TensorDesc>) = inputs.into_iter().unzip();
                match Problem::new(&op, &descs) {
                    Ok(problem) if problem.outputs == pair.step.problem.outputs => {
                        let name = joined_name(pair.before.name, pair.step.name);
                        let step = Box::new(Step::new(name, op, inputs, problem));
                        return Ok(Verdict::Joined { rule, step });
                    }
                    Ok(_) => "it would give another shape or type".to_owned(),
                    // What does not go together stays apart.
                    Err(error) => error.to_string(),
                }
            }
        };
        if matches!(verdict, Verdict::Foreign) {
            verdict = Verdict::Apart { rule, reason };
        }
    }
    Ok(verdict)
}

/// Both names; one, where a node or layer became several operations.
fn joined_name(before: &str, name: &str) -> String {
    let is_same = before.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('+'));
    if is_same { before.to_owned() } else { format!("{before}+{name}") }
}

/// Which axis of an operation's input and output holds the channels, of so many.
fn channel_axis(op: &Op, rank: usize) -> usize {
    let layout = match op {
        Op::Conv(spec) => spec.layout,
        Op::ConvTranspose(spec) => spec.layout,
        _ => Layout::Nhwc,
    };
    axes::channel_axis(layout, rank)
}

/// What two steps become.
struct Joined {
    op: Op,
    inputs: Vec<(Source, TensorDesc)>,
}

/// The inputs of a step with their shapes.
fn inputs(step: Part<'_>) -> Vec<(Source, TensorDesc)> {
    step.inputs.iter().cloned().zip(step.problem.inputs.iter().cloned()).collect()
}

fn weight(tensor: Tensor) -> (Source, TensorDesc) {
    let desc = tensor.desc();
    (Source::Weight(Arc::new(tensor)), desc)
}

/// A weight that a step has as an input.
fn weight_at(step: Part<'_>, at: usize) -> Option<&Tensor> {
    match step.inputs.get(at)? {
        Source::Weight(tensor) => Some(tensor),
        _ => None,
    }
}
