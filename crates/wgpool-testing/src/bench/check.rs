//! Whether a result is right, before it is timed: all of it, or a sample where the reference would take too long.

use std::fmt;

use wgpool::error::Result;
use wgpool::problem::Problem;
use wgpool::reference::{self, Exact};
use wgpool::tensor::Tensor;

/// Arithmetic up to which the reference computes whole outputs: about a second's.
const WHOLE: u64 = 60_000_000;

/// Arithmetic of a sample.
const SAMPLE: u64 = 20_000_000;

/// Elements of a sample at least and at most.
const FEWEST: u64 = 1024;
const MOST: u64 = 65536;

/// What the sample is drawn by.
pub(super) const SEED: u64 = 1;

/// What was compared with the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checked {
    /// Every element.
    All {
        /// How many there are.
        elements: usize,
    },
    /// Elements drawn at random.
    Sample {
        /// How many were drawn.
        drawn: usize,
        /// How many there are.
        elements: usize,
    },
}

impl Checked {
    /// What was compared, of all.
    pub fn counts(self) -> [usize; 2] {
        match self {
            Checked::All { elements } => [elements; 2],
            Checked::Sample { drawn, elements } => [drawn, elements],
        }
    }

    /// Of several results together.
    pub(super) fn sum(all: impl Iterator<Item = Checked>) -> Checked {
        let [drawn, elements] = all.map(Checked::counts).fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
        if drawn == elements { Checked::All { elements } } else { Checked::Sample { drawn, elements } }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checked::All { .. } => f.write_str("all"),
            Checked::Sample { drawn, elements } => write!(f, "{drawn} of {elements}"),
        }
    }
}

/// What results of a problem are compared with.
pub(super) struct Judge<'a> {
    problem: &'a Problem,
    inputs: Vec<&'a Tensor>,
    /// The first output; nothing where a sample is drawn.
    exact: Option<Exact>,
    pub checked: Checked,
}

impl<'a> Judge<'a> {
    pub fn new(problem: &'a Problem, inputs: &'a [Tensor]) -> Result<Judge<'a>> {
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let elements = problem.outputs.first().map_or(0, |desc| desc.elements());
        let flops = problem.flops().unwrap_or(0);
        if flops > WHOLE && wgpool::testing::can_sample(problem) {
            let each = (flops / elements.max(1) as u64).max(1);
            let drawn = (SAMPLE / each).clamp(FEWEST, MOST) as usize;
            let checked = Checked::Sample { drawn, elements };
            return Ok(Judge { problem, inputs, exact: None, checked });
        }
        let exact = reference::evaluate(problem, &inputs)?.into_iter().next();
        Ok(Judge { problem, inputs, exact, checked: Checked::All { elements } })
    }

    /// What is wrong with a result, in words.
    pub fn fault(&self, output: &Tensor) -> Result<Option<String>> {
        let mismatch = match (&self.exact, self.checked) {
            (Some(exact), _) => reference::compare(exact, output)?,
            (None, Checked::Sample { drawn, .. }) => {
                reference::compare_sample(self.problem, &self.inputs, output, drawn, SEED)?.flatten()
            }
            (None, Checked::All { .. }) => return Ok(Some("the reference gives no output".into())),
        };
        Ok(mismatch.map(|m| m.to_string()))
    }
}
