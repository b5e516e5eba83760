//! Steps that the app submits.

use super::super::settings::Loss;
use super::metrics::{Metrics, correct};
use super::place::Ends;
use wgpool::engine::Recorded;
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;
use wgpool::wgpu;

/// A step that has been recorded. Once its command buffer is submitted, [`EncodedStep::submitted`] is told.
#[derive(Debug)]
#[must_use = "the loss is read from what `submitted` returns"]
pub struct EncodedStep {
    pub(super) recorded: Vec<Recorded>,
    pub(super) step: u64,
    pub(super) loss: Loss,
    pub(super) targets: Tensor,
}

/// A step whose submission is on its way.
#[derive(Debug)]
pub struct PendingStep {
    ends: Ends,
    step: u64,
    loss: Loss,
    targets: Tensor,
}

impl EncodedStep {
    /// The loss that the submission brings: `submission` is what `queue.submit` returned for the command buffer.
    pub fn submitted(self, submission: wgpu::SubmissionIndex) -> PendingStep {
        let EncodedStep { recorded, step, loss, targets } = self;
        let pending = recorded.into_iter().map(|one| one.submitted(submission.clone())).collect();
        PendingStep { ends: Ends::Pending(pending), step, loss, targets }
    }
}

impl PendingStep {
    /// The step's loss and accuracy, once its submission is done. It never blocks.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a loss that is infinite or NaN, from which on the parameters stay what they are; those of the device.
    pub async fn read(self) -> Result<Metrics> {
        let [loss, result] = self.ends.read().await?;
        let metrics = Metrics::of(&loss, correct(self.loss, &result, &self.targets)?, &self.targets)?;
        match metrics.loss.is_finite() {
            true => Ok(metrics),
            false => {
                let during = format!("training step {}", self.step);
                Err(Error::NotFinite { during, tensor: "the loss".into() })
            }
        }
    }
}
