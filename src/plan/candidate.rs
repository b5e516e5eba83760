//! A kernel that competes with others for the same work: a row of a table.

use super::kernels::{CandidateInfo, Considered, Family, Outcome};
use super::planner::{Planner, Verdict};
use super::step::Steps;
use super::tuning::Classed;
use crate::error::{Error, Result};

/// One way to compute what is asked for by an `R`. The order of a table is that of preference: the first that applies
/// and is predicted to be fast is taken.
pub(super) struct Candidate<R> {
    pub name: &'static str,
    pub family: Family,
    /// What it is for.
    pub about: &'static str,
    /// How it computes this on this device, or why it cannot: by shape, type and features, never by cost.
    pub solve: for<'a> fn(&'a R, &'a Planner) -> Result<Solution<'a>, &'static str>,
}

/// How a candidate computes some work.
pub(super) struct Solution<'a> {
    /// Whether it is predicted to be faster than those behind it in the table.
    pub cost: Verdict,
    steps: Box<dyn FnOnce() -> Result<Steps> + 'a>,
}

impl<'a> Solution<'a> {
    /// One whose steps are made when it is taken.
    pub fn new<S: Into<Steps>>(cost: Verdict, steps: impl FnOnce() -> Result<S> + 'a) -> Solution<'a> {
        Solution { cost, steps: Box::new(|| Ok(steps()?.into())) }
    }

    /// Whether it is predicted to be faster than those behind it.
    pub fn pays(&self) -> bool {
        self.cost.is_ok()
    }

    /// The same with more steps behind it.
    pub fn then(self, more: impl FnOnce(Steps) -> Result<Steps> + 'a) -> Solution<'a> {
        Solution { cost: self.cost, steps: Box::new(|| more((self.steps)()?)) }
    }

    /// One that is never slower than those behind it.
    pub fn free<S: Into<Steps>>(steps: impl FnOnce() -> Result<S> + 'a) -> Solution<'a> {
        Solution::new(Ok(()), steps)
    }
}

impl<R> Candidate<R> {
    pub const fn info(&self) -> CandidateInfo {
        CandidateInfo { name: self.name, family: self.family, about: self.about }
    }

    /// Whether it would be taken, if nothing came before it.
    pub fn is_profitable(&self, request: &R, p: &Planner) -> bool {
        (self.solve)(request, p).is_ok_and(|solution| solution.pays())
    }
}

/// The steps of the candidate that was the fastest when all were measured on this device, if they were and it applies.
fn measured<R: Classed>(table: &[Candidate<R>], request: &R, p: &Planner) -> Option<Result<Steps>> {
    let tuned = p.caps.tuning.as_ref()?.fastest.get(&request.class())?;
    let candidate = table.iter().find(|c| c.name == tuned.kernel)?;
    let mut p = p.clone();
    p.caps.target_workgroups = tuned.target_workgroups;
    let solution = (candidate.solve)(request, &p).ok()?;
    let considered = Considered { name: candidate.name, outcome: Outcome::Measured };
    Some((solution.steps)().map(|mut steps| {
        steps.considered.insert(0, considered);
        steps
    }))
}

/// The steps of the first candidate that applies and does not cost more; where kernels are forced, of the first of them
/// that applies.
pub(super) fn choose<R: Classed>(table: &[Candidate<R>], request: &R, p: &Planner) -> Result<Steps> {
    let kernels = &p.caps.kernels;
    let forced = kernels.only().is_some() && table.iter().any(|c| kernels.holds(c.name));
    if let (None, Some(steps)) = (kernels.only(), measured(table, request, p)) {
        return steps;
    }
    let mut considered = Vec::new();
    let mut taken = None;
    for candidate in table.iter().filter(|c| !forced || kernels.holds(c.name)) {
        let (name, mut outcome) = (candidate.name, Outcome::Taken);
        match (candidate.solve)(request, p) {
            Err(why) => outcome = Outcome::DoesNotApply(why),
            Ok(solution) => match solution.cost {
                Ok(()) => taken = Some((name, solution)),
                Err(why) => {
                    outcome = Outcome::CostsMore(why);
                    taken = taken.or(Some((name, solution)));
                }
            },
        }
        considered.push(Considered { name, outcome });
        if outcome == Outcome::Taken {
            break;
        }
    }
    let Some((name, solution)) = taken else {
        let reasons = considered.iter().map(|c| match c.outcome {
            Outcome::DoesNotApply(why) if considered.len() > 1 => format!("{}: {why}", c.name),
            Outcome::DoesNotApply(why) | Outcome::CostsMore(why) => why.into(),
            Outcome::Taken | Outcome::Measured => String::new(),
        });
        let names: Vec<&str> = considered.iter().map(|c| c.name).collect();
        let (kernel, reason) = (names.join(", "), reasons.collect::<Vec<_>>().join("; "));
        return Err(Error::Kernel { op: p.op, kernel, reason });
    };
    if considered.last().is_none_or(|last| last.outcome != Outcome::Taken) {
        considered.retain(|c| c.name != name);
        considered.push(Considered { name, outcome: Outcome::Taken });
    }
    let mut steps = (solution.steps)()?;
    steps.considered.splice(0..0, considered);
    Ok(steps)
}
