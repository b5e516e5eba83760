//! A result that has been submitted: waited for, asked for, or awaited.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::slot::Slot;
#[cfg(not(target_arch = "wasm32"))]
use super::watch;
use crate::error::Result;
use crate::tensor::Tensor;

/// A result on its way: its copy has been submitted.
///
/// - [`Pending::read`] is a future, for executors.
/// - [`Pending::try_read`] does not wait, for event loops: call it each frame.
/// - `Pending::wait` blocks, for scripts and worker threads; it is not there in browsers.
///
/// Dropped unread, it gives its slot back when the submission is done.
#[derive(Debug)]
pub struct Pending {
    slot: Arc<Slot>,
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))]
    submission: wgpu::SubmissionIndex,
}

impl Pending {
    pub(super) fn new(slot: Arc<Slot>, queue: &wgpu::Queue, submission: wgpu::SubmissionIndex) -> Pending {
        // Whatever has been submitted by now is done then: if the copy is not, it never will be.
        let answer = slot.answer.clone();
        queue.on_submitted_work_done(move || answer.set(Ok(())));
        Pending { slot, submission }
    }

    /// The result, once its submission is done: whoever awaits it is woken then. It never blocks.
    ///
    /// Natively somebody must ask the device for its callbacks. An app that polls its device, or submits again, does so;
    /// so that the future is woken where nobody does (`pollster::block_on`), the first one that has to wait starts a
    /// thread of the process, `wgpool readback`, which asks the device up to every millisecond and sleeps in between; it
    /// ends a second after the last result. Callbacks of the app's own may run on it, as on any thread that polls. Where it
    /// cannot be started, the future asks by itself each time it is polled, and asks to be polled again.
    /// [`Pending::try_read`] and `Pending::wait` start no thread. In browsers callbacks come by themselves.
    ///
    /// # Errors
    /// [`Error::NoResult`](crate::Error::NoResult) if the copy was not in the submission or that failed; [`Error::DeviceLost`](crate::Error::DeviceLost) and those of the
    /// device.
    pub async fn read(self) -> Result<Tensor> {
        let mut watched = false;
        poll_fn(|context| self.poll(context, &mut watched)).await;
        self.take()
    }

    fn poll(&self, context: &Context<'_>, watched: &mut bool) -> Poll<()> {
        if self.slot.answer.poll(context).is_ready() {
            return Poll::Ready(());
        }
        #[cfg(not(target_arch = "wasm32"))]
        if !*watched {
            self.slot.poll_device(None);
            *watched = self.slot.answer.get().is_some() || watch::start(&self.slot);
            if !*watched {
                context.waker().wake_by_ref();
            }
        }
        #[cfg(target_arch = "wasm32")]
        let _ = watched;
        self.slot.answer.poll(context)
    }

    /// The result if its submission is done, `None` if it is not yet. It does not block; natively it asks the device
    /// for its callbacks.
    ///
    /// ```
    /// # fn main() -> wgpool::Result<()> {
    /// # use wgpool::{Backend, Choice, TensorDesc, Tensor, engine::{Pending, Readback}};
    /// # let Backend::Gpu(engine) = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?.backend
    /// #     else { unreachable!() };
    /// # let tensor = Tensor::from_f32(&[2], vec![1.0, 2.0])?;
    /// # let buffer = engine.upload("example", &tensor)?;
    /// let ring = Readback::new(&engine, &tensor.desc(), 2)?;
    /// let mut in_flight: Option<Pending> = None;
    /// for frame in 0.. {
    ///     // Takes what is there, and goes on with the frame if nothing is.
    ///     if let Some(pending) = &mut in_flight {
    ///         if let Some(result) = pending.try_read()? {
    ///             assert_eq!(result, tensor);
    ///             break;
    ///         }
    ///     } else {
    ///         let mut encoder = engine.device().create_command_encoder(&Default::default());
    ///         let recorded = ring.record(&mut encoder, buffer.slice(..))?;
    ///         in_flight = Some(recorded.submitted(engine.queue().submit([encoder.finish()])));
    ///     }
    ///     // Drawing, input and the like.
    /// #   std::thread::sleep(std::time::Duration::from_millis(1));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Pending::read`]; [`Error::NoResult`](crate::Error::NoResult) too once it has given the result.
    pub fn try_read(&mut self) -> Result<Option<Tensor>> {
        #[cfg(not(target_arch = "wasm32"))]
        if self.slot.answer.get().is_none() {
            self.slot.poll_device(None);
        }
        match self.slot.answer.get().is_some() {
            true => self.take().map(Some),
            false => Ok(None),
        }
    }

    /// Sleeps until there is no more to wait for.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::engine) fn sleep(&self) {
        while self.slot.answer.get().is_none() {
            self.slot.poll_device(Some(&self.submission));
        }
    }

    /// The result, if there is no more to wait for.
    pub(in crate::engine) fn take(&self) -> Result<Tensor> {
        self.slot.take()
    }
}
