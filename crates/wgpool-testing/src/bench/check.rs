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

impl Checked {
    pub(super) fn by(judge: &Judge<'_>, problem: &Problem) -> Checked {
        let elements = problem.outputs.first().map_or(0, |desc| desc.elements());
        match judge.drawn {
            None => Checked::All { elements },
            Some(drawn) => Checked::Sample { drawn, elements },
        }
    }
}
