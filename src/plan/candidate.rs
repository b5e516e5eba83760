//! The kernels that compete for the same work, in tables: the first that applies and is predicted to be fast is taken.

use std::fmt;

use super::{Planner, Steps, conv, other, pool};
use crate::error::{Error, Result};
use crate::problem::Work;

/// Nothing, or the reason why not.
pub(super) type Verdict = Result<(), &'static str>;

/// Whom a kernel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Any device.
    General,
    /// GPUs.
    Gpu,
    /// Adapters that compute on the CPU, such as llvmpipe.
    SoftwareAdapter,
}

impl Family {
    const ALL: [Family; 3] = [Family::General, Family::Gpu, Family::SoftwareAdapter];
}

impl fmt::Display for Family {
    /// `general`, `gpu` or `software`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::General => "general",
            Family::Gpu => "gpu",
            Family::SoftwareAdapter => "software",
        })
    }
}

/// One way to compute what is asked for by an `R`: a row of a table, whose order is that of preference.
pub(super) struct Candidate<R> {
    pub name: &'static str,
    pub family: Family,
    /// What it is for.
    pub about: &'static str,
    /// Whether it can compute this on this device, by shape, type and features; never by cost.
    pub applies: fn(&R, &Planner) -> Verdict,
    /// Whether it is predicted to be faster than those behind it; asked only where it applies.
    pub cost: fn(&R, &Planner) -> Verdict,
    /// Its steps, where it applies.
    pub steps: fn(&R, &Planner) -> Result<Steps>,
}

impl<R> Candidate<R> {
    const fn info(&self) -> CandidateInfo {
        CandidateInfo { name: self.name, family: self.family, about: self.about }
    }
}

/// The cost of what is never slower than those behind it.
pub(super) fn free<R>(_: &R, _: &Planner) -> Verdict {
    Ok(())
}

/// A kernel, or a way to combine some, that plans choose from; see [`candidates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CandidateInfo {
    /// Its name, such as `conv/gemm`.
    pub name: &'static str,
    /// Whom it is for.
    pub family: Family,
    /// What it is for.
    pub about: &'static str,
}

impl CandidateInfo {
    /// Whether it is a row of one of these tables, which its name begins with.
    fn is_in(&self, tables: &[&str]) -> bool {
        self.name.split_once('/').is_some_and(|(table, _)| tables.contains(&table))
    }
}

/// All that plans choose from, in the order of preference for each operation. Operations that are not in it have one kernel.
///
/// ```
/// let names: Vec<_> = wgpool::plan::candidates().map(|c| c.name).collect();
/// assert!(names.contains(&"conv/gemm") && names.contains(&"pool/sliding"));
/// ```
pub fn candidates() -> impl Iterator<Item = CandidateInfo> {
    let conv = conv::TABLE.iter().map(Candidate::info);
    let pooled = conv::POOLED.iter().map(Candidate::info);
    let pool = pool::TABLE.iter().map(Candidate::info);
    let softmax = other::SOFTMAX.iter().map(Candidate::info);
    conv.chain(pooled).chain(pool).chain(softmax)
}

/// The tables that some work is looked up in, by what their names begin with.
fn tables(work: &Work) -> &'static [&'static str] {
    match work {
        Work::Conv(_) | Work::Deform(_) | Work::Causal(_) => &["conv", "depthwise"],
        Work::ConvPool(_) => &["conv_pool", "conv", "depthwise", "pool"],
        Work::Pool(_) => &["pool"],
        Work::Softmax(_) => &["softmax"],
        _ => &[],
    }
}

/// What a plan may choose from; everything unless [`Kernels::named`] says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernels(u32);

/// Operations that have one kernel.
const WITHOUT_CHOICE: u32 = 1 << 31;

impl Kernels {
    /// Everything.
    pub const ALL: Kernels = Kernels(u32::MAX);

    /// What `pattern` names: one of [`candidates`]; all whose names begin with what comes before a `*`; or a family
    /// (`general`, `gpu`, `software`), with the general kernels for what it has none for.
    ///
    /// A plan that may choose from one alone takes it wherever it applies, whatever it costs. Where none applies,
    /// planning is an [`Error::Kernel`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that there is not, with those there are.
    ///
    /// ```
    /// use wgpool::plan::Kernels;
    /// use wgpool::{Caps, Conv, Plan, TensorDesc};
    /// let mut caps = Caps::default();
    /// caps.kernels = Kernels::named("conv/direct")?;
    /// let inputs = [TensorDesc::f32([1, 64, 32, 32]), TensorDesc::f32([64, 64, 3, 3])];
    /// let plan = Plan::new(&Conv::new().into(), &inputs, &caps)?;
    /// assert_eq!(plan.explain().steps[0].name(), "Conv");
    /// assert!(Kernels::named("conv/fast").is_err());
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn named(pattern: &str) -> Result<Kernels> {
        let family = Family::ALL.into_iter().find(|family| family.to_string() == pattern);
        let wanted = |c: CandidateInfo| match (family, pattern.strip_suffix('*')) {
            (Some(family), _) => c.family == family || c.family == Family::General,
            (None, Some(begin)) => c.name.starts_with(begin),
            (None, None) => c.name == pattern,
        };
        let found = Kernels::of(wanted);
        if found.0 == 0 {
            let names: Vec<&str> = candidates().map(|c| c.name).collect();
            let rule = format!(
                "the kernels are {}; `conv/*` and the like, general, gpu and software name several",
                names.join(", ")
            );
            return Err(Error::parameter("plan", "kernel", pattern, rule));
        }
        Ok(if family.is_some() { Kernels(found.0 | WITHOUT_CHOICE) } else { found })
    }

    fn of(wanted: impl Fn(CandidateInfo) -> bool) -> Kernels {
        Kernels(candidates().enumerate().map(|(i, c)| u32::from(wanted(c)) << i).sum())
    }

    /// Those it holds.
    pub fn each(self) -> impl Iterator<Item = CandidateInfo> {
        candidates().enumerate().filter(move |(i, _)| self.0 >> i & 1 == 1).map(|(_, c)| c)
    }

    /// Whether it holds one.
    pub(super) fn holds(self, name: &str) -> bool {
        self == Kernels::ALL || self.each().any(|c| c.name == name)
    }

    /// Whether it holds one whose name begins with one of these words.
    fn holds_of(self, tables: &[&str]) -> bool {
        self.each().any(|c| c.is_in(tables))
    }

    /// Whether it holds some of the convolution's or the pooling's, and none of both together.
    pub(super) fn are_of_parts(self) -> bool {
        !self.holds_of(&["conv_pool"]) && self.holds_of(&["conv", "depthwise", "pool"])
    }

    /// The others.
    pub(super) fn without(self, name: &str) -> Kernels {
        if self == Kernels::ALL { self } else { Kernels(self.0 & !Kernels::of(|c| c.name == name).0) }
    }

    /// Refuses kernels of other operations alone.
    pub(super) fn check(self, op: &'static str, work: &Work) -> Result<()> {
        let tables = tables(work);
        if self == Kernels::ALL || self.holds_of(tables) || tables.is_empty() && self.0 & WITHOUT_CHOICE != 0
        {
            return Ok(());
        }
        let known = Kernels::of(|c| c.is_in(tables));
        let reason = match tables {
            [] => "this operation has one kernel".into(),
            _ => format!("the kernels of this operation are {known:?}"),
        };
        Err(Error::Kernel { op, kernel: format!("{self:?}"), reason })
    }
}

impl fmt::Debug for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Kernels::ALL {
            return f.write_str("all");
        }
        f.write_str(&self.each().map(|c| c.name).collect::<Vec<_>>().join(", "))
    }
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// It was taken.
    Taken,
    /// It cannot compute this on this device.
    DoesNotApply(&'static str),
    /// Another is predicted to be faster.
    CostsMore(&'static str),
}

/// A candidate that was looked at, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Considered {
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// The steps of the first candidate that applies and does not cost more; where kernels are forced, of the first of them
/// that applies.
pub(super) fn choose<R>(table: &[Candidate<R>], request: &R, p: &Planner) -> Result<Steps> {
    let kernels = p.caps.kernels;
    let forced = kernels != Kernels::ALL && table.iter().any(|c| kernels.holds(c.name));
    let mut considered = Vec::new();
    let mut applies = None;
    let mut taken = None;
    for candidate in table.iter().filter(|c| !forced || kernels.holds(c.name)) {
        let outcome = match (candidate.applies)(request, p) {
            Err(why) => Outcome::DoesNotApply(why),
            Ok(()) => {
                applies.get_or_insert(candidate);
                match (candidate.cost)(request, p) {
                    Err(why) => Outcome::CostsMore(why),
                    Ok(()) => Outcome::Taken,
                }
            }
        };
        considered.push(Considered { name: candidate.name, outcome });
        if outcome == Outcome::Taken {
            taken = Some(candidate);
            break;
        }
    }
    let Some(candidate) = taken.or(applies) else {
        let reasons = considered.iter().map(|c| match c.outcome {
            Outcome::DoesNotApply(why) if considered.len() > 1 => format!("{}: {why}", c.name),
            Outcome::DoesNotApply(why) | Outcome::CostsMore(why) => why.into(),
            Outcome::Taken => String::new(),
        });
        let names: Vec<&str> = considered.iter().map(|c| c.name).collect();
        let (kernel, reason) = (names.join(", "), reasons.collect::<Vec<_>>().join("; "));
        return Err(Error::Kernel { op: p.op, kernel, reason });
    };
    if taken.is_none() {
        considered.retain(|c| c.name != candidate.name);
        considered.push(Considered { name: candidate.name, outcome: Outcome::Taken });
    }
    let mut steps = (candidate.steps)(request, p)?;
    steps.considered.splice(0..0, considered);
    Ok(steps)
}
