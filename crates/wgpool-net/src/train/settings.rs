//! What a training run is told.

use wgpool::error::{Error, Result};
use wgpool::spec::gradient::Optimizer;

/// What a network is trained to make small. Each is the mean over all elements, or over all positions of the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Binary cross-entropy of probabilities by Keras' rule, which clips them to `1e-7` and `1 - 1e-7`: `binary_crossentropy`.
    /// Targets are f32 of the output's shape, from 0 to 1.
    BinaryCrossEntropy,
    /// Binary cross-entropy of logits: Keras' with `from_logits=True`, PyTorch's `BCEWithLogitsLoss`. Targets as before.
    BinaryCrossEntropyLogits,
    /// Cross-entropy of softmax along the last axis: Keras' `sparse_categorical_crossentropy`, PyTorch's `CrossEntropyLoss`.
    /// Targets are labels, i32, of the output's shape without that axis. A softmax that ends the network is taken as the loss's own, so that
    /// nothing is rounded between.
    SoftmaxCrossEntropy,
    /// The same with a probability for each class, f32 of the output's shape: Keras' `categorical_crossentropy`.
    SoftmaxCrossEntropyProbabilities,
    /// The mean of the squared differences. Targets are f32 of the output's shape.
    MeanSquaredError,
}

/// How the rate changes from step to step; steps are counted from 0 here, as in Keras.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// It does not.
    Constant,
    /// `rate * decay^(step / steps)`, of whole `steps` if `staircase`: Keras' `ExponentialDecay`.
    Exponential {
        /// Steps after which it is the rate times `decay`.
        steps: u64,
        /// The factor.
        decay: f64,
        /// Whether it stays between whole multiples of `steps`.
        staircase: bool,
    },
    /// From the rate to `least` times it, by half a cosine within `steps`: Keras' `CosineDecay`.
    Cosine {
        /// Steps until it is at its least.
        steps: u64,
        /// The part of the rate that is left.
        least: f64,
    },
    /// Times `factor` after every `every` steps: PyTorch's `StepLR`.
    Step {
        /// Steps that it stays.
        every: u64,
        /// The factor.
        factor: f64,
    },
}

impl Schedule {
    /// The rate of a step, counted from 0.
    ///
    /// ```
    /// use wgpool_net::train::Schedule;
    /// let halved = Schedule::Step { every: 10, factor: 0.5 };
    /// assert_eq!((halved.rate(0.1, 9), halved.rate(0.1, 10)), (0.1, 0.05));
    /// ```
    pub fn rate(&self, rate: f64, step: u64) -> f64 {
        match *self {
            Schedule::Constant => rate,
            Schedule::Exponential { steps, decay, staircase } => {
                let passed = step as f64 / steps.max(1) as f64;
                rate * decay.powf(if staircase { passed.floor() } else { passed })
            }
            Schedule::Cosine { steps, least } => {
                let passed = (step as f64 / steps.max(1) as f64).min(1.0);
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * passed).cos());
                rate * ((1.0 - least) * cosine + least)
            }
            Schedule::Step { every, factor } => rate * factor.powf((step / every.max(1)) as f64),
        }
    }
}

/// What becomes of gradients that are too large.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// Each element is taken to `-limit` and `limit`: Keras' `clipvalue`.
    Value(f32),
    /// Each tensor is scaled so that its norm is at most the limit: Keras' `clipnorm`.
    Norm(f32),
    /// All are scaled so that their norm as one vector is at most the limit: Keras' `global_clipnorm`.
    GlobalNorm(f32),
}

/// Which values of the forward pass are computed again for the backward one, instead of being kept for it: memory for time. Results
/// have the same bits (Chen et al., "Training deep nets with sublinear memory cost", 2016; PyTorch's `checkpoint_sequential`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recompute {
    /// None: all that the backward pass reads is kept.
    #[default]
    Nothing,
    /// The forward pass is cut into so many segments, of as many bytes each as its operations permit. What later ones read is kept;
    /// the rest is computed again when the backward pass comes to the segment, but for the last.
    Segments(usize),
    /// As few segments as make the values between operations ([`least_between`](crate::ProgramExplanation::least_between)) at most so
    /// many bytes in a step of a full batch.
    Below(u64),
}

/// How a network is trained.
///
/// ```
/// use wgpool_net::train::{Loss, Settings, keras_adam};
/// let settings = Settings { batch: 16, ..Settings::new(Loss::MeanSquaredError, keras_adam(), 1e-3) };
/// assert_eq!(settings.seed, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What becomes small.
    pub loss: Loss,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// The rate of the first step.
    pub rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// What becomes of large gradients.
    pub clip: Option<Clip>,
    /// Examples of a step; the last step of an epoch may have fewer.
    pub batch: usize,
    /// What dropout and the order of examples are drawn from.
    pub seed: u64,
    /// Steps that a GPU may be behind the CPU.
    pub in_flight: usize,
    /// What is computed twice to need less memory.
    pub recompute: Recompute,
}

impl Settings {
    /// Batches of 32, a constant rate, no clipping, seed 0, four steps in flight, nothing computed twice.
    pub fn new(loss: Loss, optimizer: Optimizer, rate: f64) -> Settings {
        let schedule = Schedule::Constant;
        let recompute = Recompute::Nothing;
        Settings { loss, optimizer, rate, schedule, clip: None, batch: 32, seed: 0, in_flight: 4, recompute }
    }

    pub(super) fn check(&self) -> Result<()> {
        let positive = |name, number: f64| match number > 0.0 && number.is_finite() {
            true => Ok(()),
            false => Err(Error::parameter("training", name, number, "it must be positive and finite")),
        };
        positive("rate", self.rate)?;
        positive("batch", self.batch as f64)?;
        positive("in_flight", self.in_flight as f64)?;
        match self.recompute {
            Recompute::Nothing => {}
            Recompute::Segments(count) => positive("segments", count as f64)?,
            Recompute::Below(bytes) => positive("bytes", bytes as f64)?,
        }
        match self.clip {
            Some(Clip::Value(limit) | Clip::Norm(limit) | Clip::GlobalNorm(limit)) => {
                positive("clip", f64::from(limit))
            }
            None => Ok(()),
        }
    }
}

/// `keras.optimizers.Adam()` but for its rate, which is 1e-3.
pub fn keras_adam() -> Optimizer {
    Optimizer::AdamKeras { betas: [0.9, 0.999], epsilon: 1e-7, weight_decay: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_keras() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let exponential = Schedule::Exponential { steps: 10, decay: 0.25, staircase: false };
        close(exponential.rate(1.0, 5), 0.5);
        close(Schedule::Exponential { steps: 10, decay: 0.25, staircase: true }.rate(1.0, 19), 0.25);
        let cosine = Schedule::Cosine { steps: 8, least: 0.5 };
        close(cosine.rate(2.0, 4), 1.5);
        close(cosine.rate(2.0, 80), 1.0);
        close(Schedule::Constant.rate(3.0, 7), 3.0);
    }
}
