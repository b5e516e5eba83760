//! Whether a result can be read, why not, and who waits for that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The state of a mapping and the task that waits for it.
#[derive(Debug, Default)]
pub(super) struct Answer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `Ok` when all that was submitted is done: then there is something to read, or never will be. `None` until then.
    answer: Option<Result<(), Missing>>,
    waker: Option<Waker>,
}

/// Why there is nothing to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missing {
    /// The callback was dropped without a call.
    Dropped,
    /// The callback was called with an error.
    NotMapped,
    /// The driver has lost the device.
    #[cfg(not(target_arch = "wasm32"))]
    Lost,
    /// The queue knows no submission of that number.
    #[cfg(not(target_arch = "wasm32"))]
    NoSubmission,
    /// The submission is done, and nothing is mapped.
    NotSubmitted,
    /// What is mapped is an older run's.
    Older,
    /// It was read before.
    Taken,
}

impl Missing {
    pub fn reason(self) -> &'static str {
        match self {
            Missing::Dropped => "its encoder or command buffer was dropped without being submitted",
            Missing::NotMapped => "its staging buffer could not be mapped",
            #[cfg(not(target_arch = "wasm32"))]
            Missing::Lost => "the driver has lost the device",
            #[cfg(not(target_arch = "wasm32"))]
            Missing::NoSubmission => {
                "the queue has made no such submission: it failed, or is another device's"
            }
            Missing::NotSubmitted => "the submission that was named is done, and the copy was not in it",
            Missing::Older => "its submission failed, and the staging buffer holds an older result",
            Missing::Taken => "it was read before",
        }
    }
}

impl Answer {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that may panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, if there is no more to wait for.
    pub fn get(&self) -> Option<Result<(), Missing>> {
        self.state().answer
    }

    /// Says that there is no more to wait for, and wakes who does. The first answer counts.
    pub fn set(&self, answer: Result<(), Missing>) {
        let mut state = self.state();
        state.answer.get_or_insert(answer);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ready when there is an answer; until then the task is woken when it comes.
    pub fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.answer.is_some() {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}
