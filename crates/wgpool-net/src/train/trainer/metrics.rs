//! What a batch has come to.

use super::super::settings::Loss;
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

/// Loss and accuracy of examples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The mean loss.
    pub loss: f64,
    /// The part that is right, of losses that have classes: a probability above 0.5 (a logit above 0) where the target is 1,
    /// or the first of the largest numbers where the label is.
    pub accuracy: Option<f64>,
}

/// How many of how many positions are right; none for losses without classes.
pub(super) fn correct(loss: Loss, result: &Tensor, y: &Tensor) -> Result<Option<(u64, u64)>> {
    let result_of = result.as_f32()?;
    let first_largest = |row: &[f32]| {
        let mut best = 0;
        for (at, value) in row.iter().enumerate() {
            if row.get(best).is_none_or(|known| value > known) {
                best = at;
            }
        }
        best
    };
    let classes = result.shape().last().copied().unwrap_or(1).max(1);
    let (mut right, mut all) = (0, 0);
    let mut count = |is_right: bool| {
        right += u64::from(is_right);
        all += 1;
    };
    match loss {
        Loss::BinaryCrossEntropy | Loss::BinaryCrossEntropyLogits => {
            let least = if loss == Loss::BinaryCrossEntropy { 0.5 } else { 0.0 };
            for (value, target) in result_of.iter().zip(y.as_f32()?) {
                count(f32::from(u8::from(*value > least)) == *target);
            }
        }
        Loss::SoftmaxCrossEntropy => {
            for (row, label) in result_of.chunks(classes).zip(y.as_i32()?) {
                count(usize::try_from(*label) == Ok(first_largest(row)));
            }
        }
        Loss::SoftmaxCrossEntropyProbabilities => {
            for (row, target) in result_of.chunks(classes).zip(y.as_f32()?.chunks(classes)) {
                count(first_largest(row) == first_largest(target));
            }
        }
        Loss::MeanSquaredError => return Ok(None),
    }
    Ok(Some((right, all)))
}

impl Metrics {
    pub(super) fn of(loss: &Tensor, correct: Option<(u64, u64)>, y: &Tensor) -> Result<Metrics> {
        let &[loss] = loss.as_f32()? else {
            return Err(Error::shape("training", "the loss", y.shape(), "it must be one number"));
        };
        let accuracy = correct.map(|(right, all)| right as f64 / all.max(1) as f64);
        Ok(Metrics { loss: f64::from(loss), accuracy })
    }
}

/// Sums over examples, for means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sum {
    pub examples: usize,
    pub loss: f64,
    pub right: f64,
    pub has_classes: bool,
}

impl Sum {
    pub fn add(&mut self, metrics: &Metrics, examples: usize) {
        self.examples += examples;
        self.loss += metrics.loss * examples as f64;
        self.right += metrics.accuracy.unwrap_or(0.0) * examples as f64;
        self.has_classes = metrics.accuracy.is_some();
    }

    pub fn mean(&self) -> Metrics {
        let mean = |sum: f64| sum / self.examples.max(1) as f64;
        Metrics { loss: mean(self.loss), accuracy: self.has_classes.then(|| mean(self.right)) }
    }
}
