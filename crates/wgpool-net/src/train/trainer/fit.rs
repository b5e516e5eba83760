//! Epochs of steps.

use std::collections::VecDeque;

use super::super::data::Dataset;
use super::super::random::Random;
use super::metrics::{Metrics, correct};
use super::place::Ends;
use super::{Position, Trainer};
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

/// How long and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fit {
    /// Epochs in all, those before a resumption counted.
    pub epochs: u64,
    /// Whether examples come in an order of the seed's own in each epoch, else in theirs.
    pub shuffle: bool,
}

impl Fit {
    /// So many epochs, shuffled.
    pub fn epochs(epochs: u64) -> Fit {
        Fit { epochs, shuffle: true }
    }

    /// Sets whether examples are shuffled.
    pub fn shuffle(self, shuffle: bool) -> Fit {
        Fit { shuffle, ..self }
    }
}

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// Its number, from 1 on.
    pub step: u64,
    /// Its epoch, from 1 on.
    pub epoch: u64,
    /// Its place in the epoch, from 1 on, and the epoch's steps.
    pub of_epoch: [u64; 2],
    /// Its batch, by the parameters before it.
    pub batch: Metrics,
    /// The epoch so far.
    pub so_far: Metrics,
}

/// An epoch that is done.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// Its number, from 1 on.
    pub epoch: u64,
    /// The mean of its batches, each by the parameters before it, as Keras' `fit` has it.
    pub training: Metrics,
    /// Of the other examples, by the parameters behind it, if there are some.
    pub validation: Option<Metrics>,
}

/// What has been done.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A step. On a GPU later ones may have begun.
    Step(StepReport),
    /// An epoch.
    Epoch(EpochReport),
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// With the next step.
    GoOn,
    /// No further step is begun; those in flight are waited for. A checkpoint written then, or another `fit`, goes on where it stopped.
    Stop,
}

/// A step on its way.
struct Begun {
    ends: Ends,
    step: u64,
    place: u64,
    x: Tensor,
    y: Tensor,
}

impl Trainer {
    /// Trains until so many epochs are done in all, or `then` wants it to stop. `then` is told of every step and epoch, in order.
    ///
    /// # Errors
    /// Those of [`Trainer::step_async`], of [`Trainer::evaluate_async`] and of the data.
    pub async fn fit_async(
        &mut self,
        data: &Dataset<'_>,
        validation: Option<&Dataset<'_>>,
        fit: &Fit,
        mut then: impl FnMut(&Event) -> Wish,
    ) -> Result<()> {
        if data.is_empty() {
            return Err(Error::document("training", "there are no examples"));
        }
        while self.position.epoch < fit.epochs {
            let stopped = self.epoch(data, fit, &mut then).await?;
            if self.position.examples < data.len() {
                return Ok(());
            }
            let training = self.position.sum.mean();
            let validation = match validation {
                Some(data) => Some(self.evaluate_async(data).await?),
                None => None,
            };
            let epoch = self.position.epoch + 1;
            self.position = Position { epoch, ..Position::default() };
            let report = EpochReport { epoch, training, validation };
            self.history.push(report);
            if then(&Event::Epoch(report)) == Wish::Stop || stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The rest of an epoch; whether it was stopped.
    async fn epoch(
        &mut self,
        data: &Dataset<'_>,
        fit: &Fit,
        then: &mut impl FnMut(&Event) -> Wish,
    ) -> Result<bool> {
        let order = match fit.shuffle {
            true => Random::new(self.settings.seed, [u64::MAX - 1, self.position.epoch]).order(data.len()),
            false => (0..data.len()).collect(),
        };
        let batch = self.settings.batch;
        let steps = data.len().div_ceil(batch) as u64;
        let mut in_flight: VecDeque<Begun> = VecDeque::new();
        let mut stopped = false;
        loop {
            let from = self.position.examples;
            if !stopped && from < order.len() {
                let examples = order.get(from..order.len().min(from + batch)).unwrap_or_default();
                let (x, y) = data.batch(examples)?;
                let ends = self.begin(&x, &y).await?;
                self.position.examples += examples.len();
                let place = (from / batch) as u64 + 1;
                in_flight.push_back(Begun { ends, step: self.steps, place, x, y });
                if in_flight.len() < self.settings.in_flight && self.position.examples < order.len() {
                    continue;
                }
            }
            let Some(Begun { ends, step, place, x, y }) = in_flight.pop_front() else { return Ok(stopped) };
            let [loss, result] = ends.read().await?;
            let metrics = Metrics::of(&loss, correct(self.settings.loss, &result, &y)?, &y)?;
            self.check_loss(step, metrics.loss, &x, &y).await?;
            self.position.sum.add(&metrics, x.shape().first().copied().unwrap_or(0));
            let report = StepReport {
                step,
                epoch: self.position.epoch + 1,
                of_epoch: [place, steps],
                batch: metrics,
                so_far: self.position.sum.mean(),
            };
            stopped |= then(&Event::Step(report)) == Wish::Stop;
        }
    }
}
