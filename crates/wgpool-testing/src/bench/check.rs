//! What was compared before anything was timed.

use std::fmt;

use wgpool::problem::Problem;
use wgpool::testing::Judge;

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

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checked::All { .. } => f.write_str("all"),
            Checked::Sample { drawn, elements } => write!(f, "{drawn} of {elements}"),
        }
    }
}

impl Checked {
    pub(super) fn by(judge: &Judge<'_>, problem: &Problem) -> Checked {
        let elements = problem.outputs.first().map_or(0, |desc| desc.elements());
        match judge.drawn {
            None => Checked::All { elements },
            Some(drawn) => Checked::Sample { drawn, elements },
        }
    }
}
