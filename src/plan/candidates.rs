//! The kernels that compete for the same work, by name.

use super::candidate::Candidate;
#[cfg(feature = "gradients")]
use super::gradient;
use super::kernels::{CandidateInfo, Family, Kernels};
use super::tuning::{Classed, Tuned, Tuning};
use super::{conv, other, pool};
use crate::error::{Error, Result};
#[cfg(feature = "gradients")]
use crate::problem::GradientWork;
use crate::problem::{Problem, Work};

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
    let transposed = conv::transposed::TABLE.iter().map(Candidate::info);
    let all = conv.chain(pooled).chain(transposed).chain(pool).chain(softmax);
    #[cfg(feature = "gradients")]
    let all = all
        .chain(gradient::weights::TABLE.iter().map(Candidate::info))
        .chain(gradient::pool::TABLE.iter().map(Candidate::info));
    all
}

/// The tables that some work is looked up in, by what their names begin with.
fn tables(work: &Work) -> &'static [&'static str] {
    match work {
        Work::Conv(_) | Work::Deform(_) | Work::Causal(_) => &["conv", "depthwise"],
        Work::ConvPool(_) => &["conv_pool", "conv", "depthwise", "pool"],
        Work::ConvTranspose(_) => &["conv_transpose", "conv", "depthwise"],
        Work::Pool(_) => &["pool"],
        Work::Softmax(_) => &["softmax"],
        #[cfg(feature = "gradients")]
        Work::Gradient(GradientWork::Weights(_)) => &["weights_gradient"],
        #[cfg(feature = "gradients")]
        Work::Gradient(GradientWork::Pool(_)) => &["pool_gradient"],
        _ => &[],
    }
}

/// The class of shapes that some work is measured in, and the candidates for it; nothing for operations with one kernel.
#[cfg_attr(target_arch = "wasm32", allow(dead_code))] // only natively is anything measured
pub(crate) fn class(work: &Work) -> Option<(String, Vec<CandidateInfo>)> {
    let (class, tables): (String, &[&str]) = match work {
        Work::Conv(work) => (work.class(), &["conv", "depthwise"]),
        Work::ConvPool(work) => (work.class(), &["conv_pool"]),
        Work::ConvTranspose(work) => (conv::transposed::Transposed(*work).class(), &["conv_transpose"]),
        Work::Pool(work) => (pool::simplified(work).class(), &["pool"]),
        Work::Softmax(work) => (work.class(), &["softmax"]),
        #[cfg(feature = "gradients")]
        Work::Gradient(GradientWork::Weights(work)) => (work.class(), &["weights_gradient"]),
        #[cfg(feature = "gradients")]
        Work::Gradient(GradientWork::Pool(work)) => (work.class(), &["pool_gradient"]),
        _ => return None,
    };
    Some((class, candidates().filter(|c| c.is_in(tables)).collect()))
}

impl Tuning {
    /// Says by hand what is the fastest for problems like this one; false if its operation has one kernel.
    pub fn set(&mut self, problem: &Problem, kernel: &str, target_workgroups: u32) -> bool {
        let Some((class, _)) = class(&problem.work) else { return false };
        self.fastest.insert(class, Tuned { kernel: kernel.into(), target_workgroups });
        true
    }
}

impl Kernels {
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
        let wanted = |c: &CandidateInfo| match (family, pattern.strip_suffix('*')) {
            (Some(family), _) => c.family == family || c.family == Family::General,
            (None, Some(begin)) => c.name.starts_with(begin),
            (None, None) => c.name == pattern,
        };
        let found = Kernels { only: Some(candidates().filter(wanted).collect()), single: family.is_some() };
        if found.only().is_none_or(<[_]>::is_empty) {
            let names: Vec<&str> = candidates().map(|c| c.name).collect();
            let rule = format!(
                "the kernels are {}; `conv/*` and the like, general, gpu and software name several",
                names.join(", ")
            );
            return Err(Error::parameter("plan", "kernel", pattern, rule));
        }
        Ok(found)
    }

    /// Those it holds.
    pub fn each(&self) -> impl Iterator<Item = CandidateInfo> {
        candidates().filter(|c| self.holds(c.name))
    }

    /// Refuses kernels of other operations alone.
    pub(super) fn check(&self, op: &'static str, work: &Work) -> Result<()> {
        let tables = tables(work);
        if self.only().is_none() || self.holds_of(tables) || tables.is_empty() && self.single {
            return Ok(());
        }
        let known: Vec<&str> = candidates().filter(|c| c.is_in(tables)).map(|c| c.name).collect();
        let reason = match tables {
            [] => "this operation has one kernel".into(),
            _ => format!("the kernels of this operation are {}", known.join(", ")),
        };
        Err(Error::Kernel { op, kernel: format!("{self:?}"), reason })
    }
}
