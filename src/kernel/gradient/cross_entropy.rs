//! `gradient/cross_entropy.wgsl` and `gradient/cross_entropy_gradient.wgsl`.

use crate::kernel::common::*;

/// Cross-entropy of rows, or its gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropy {
    /// Whether it is the gradient.
    pub backward: bool,
    /// Whether targets have a probability for each class.
    pub probabilities: bool,
    /// Invocations that share a row.
    pub share: u32,
}

impl Kernel for CrossEntropy {
    fn row(&self) -> Row {
        let targets = match self.probabilities {
            true => shader!("gradient/probabilities.wgsl"),
            false => shader!("gradient/labels.wgsl"),
        };
        let shared = [SUM, FOLD, ROW_BASE, EACH_ROW, shader!("lib/cross_entropy.wgsl"), targets];
        let (own, reads): (&[&str], u32) = match self.backward {
            true => (&[shader!("gradient/cross_entropy_gradient.wgsl")], 3),
            false => (&[shader!("lib/log.wgsl"), shader!("gradient/cross_entropy.wgsl")], 2),
        };
        plain(CrossEntropyParams::BLOCK, &[&shared, own].concat(), (reads, 1)).with("SHARE", self.share)
    }

    fn every() -> Vec<CrossEntropy> {
        let flags = pairs([false, true], [false, true]);
        let of = |((backward, probabilities), share)| CrossEntropy { backward, probabilities, share };
        pairs(flags, [1, WORKGROUP]).map(of).collect()
    }
}

uniform! {
    /// Parameters of `gradient/cross_entropy.wgsl`.
    CrossEntropyParams {
        rows: u32,
        /// Elements of a row.
        length: u32,
        /// Distance between them.
        inner: u32,
        /// Minus infinity.
        lowest: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        /// What the sum over rows is multiplied by.
        share: f32,
        pad_0: u32,
        pad_1: u32,
    }
}
