//! What the tensors of a problem are called in errors.

use super::{Problem, Work};

/// The inputs of a formula.
pub(super) const FORMULA: [&str; 6] = [
    "the first input",
    "the second input",
    "the third input",
    "the fourth input",
    "the fifth input",
    "the sixth input",
];

impl Problem {
    /// The name of input `i`.
    pub(crate) fn input_name(&self, i: usize) -> &'static str {
        if self.slope() == Some(i) {
            return "the slope";
        }
        if self.residual() == Some(i) {
            return "the residual";
        }
        let names: &[&'static str] = match &self.work {
            Work::Conv(_) | Work::ConvPool(_) | Work::ConvTranspose(_) => {
                &["the input", "the kernel", "the bias"]
            }
            Work::ConvInteger(_) => &[
                "the input",
                "the kernel",
                "the zero point of the input",
                "the zero points of the kernel",
                "the scales",
                "the bias",
            ],
            Work::Deform(work) if work.mask => {
                &["the input", "the offsets", "the mask", "the kernel", "the bias"]
            }
            Work::Deform(_) => &["the input", "the offsets", "the kernel", "the bias"],
            Work::Causal(work) if work.state => &["the input", "the state", "the kernel", "the bias"],
            Work::Causal(_) => &["the input", "the kernel", "the bias"],
            Work::Unpool(_) => &["the input", "the indices"],
            Work::Fractional(_) => &["the input", "the samples"],
            Work::RoiAlign(_) => &["the input", "the regions", "the image numbers"],
            Work::MaxRoi(_) => &["the input", "the regions"],
            Work::Elementwise(_) => &FORMULA,
            Work::Pool(_) | Work::Col2Im(_) | Work::Softmax(_) | Work::Activation(_) => &["the input"],
            Work::Strided(work) if work.pieces.len() == 1 => &["the input"],
            Work::Strided(_) => &[],
            #[cfg(feature = "gradients")]
            Work::Gradient(work) => work.input_names(),
            Work::Reduce(_) | Work::Arg(_) | Work::Resize(_) => &["the input"],
        };
        names.get(i).copied().unwrap_or("an input")
    }

    /// The name of output `i`.
    pub(crate) fn output_name(&self, i: usize) -> &'static str {
        match (i, &self.work) {
            (0, _) => "the output",
            (_, Work::Causal(_)) => "the new state",
            _ => "the indices of the output",
        }
    }
}
