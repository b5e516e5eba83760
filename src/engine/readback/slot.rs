//! A staging buffer on its way, and who puts it back.

#[cfg(not(target_arch = "wasm32"))]
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::scope::is_lost;
use super::answer::{Answer, Missing};
use crate::error::{Error, Result};
use crate::tensor::{Data, Tensor, TensorDesc};

/// A staging buffer. Behind the tensor lies the number of the run that was copied last.
#[derive(Debug)]
pub(super) struct Staging {
    pub buffer: wgpu::Buffer,
    /// The run it was recorded for last.
    pub number: u32,
    /// Whether the buffer has room for the number.
    pub numbered: bool,
}

/// The staging buffers that are not in use.
#[derive(Debug, Default)]
pub(super) struct Ring(Mutex<Vec<Staging>>);

impl Ring {
    pub fn put(&self, staging: Staging) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(staging);
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn take(&self) -> Option<Staging> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A staging buffer from its recording until it is back in the ring.
///
/// It belongs to whoever reads it and to the callback that wgpu calls when it is mapped. Who reads it puts it back; if
/// nobody does, the last of both. Until wgpu has called or dropped the callback, a command buffer may write into it.
///
/// A mapped buffer holds the run it was recorded for, or an older one if its submission failed, because wgpu maps it all
/// the same. So each copy brings a number along, by which the runs are told apart.
#[derive(Debug)]
pub(super) struct Slot {
    device: wgpu::Device,
    desc: TensorDesc,
    ring: Arc<Ring>,
    held: Mutex<Held>,
    pub answer: Arc<Answer>,
}

#[derive(Debug)]
struct Held {
    /// There until it is back in the ring.
    staging: Option<Staging>,
    /// Whether wgpu has called back: the mapping must then be ended.
    called: bool,
}

impl Slot {
    pub fn new(device: &wgpu::Device, desc: &TensorDesc, ring: &Arc<Ring>, staging: Staging) -> Slot {
        Slot {
            device: device.clone(),
            desc: desc.clone(),
            ring: ring.clone(),
            held: Mutex::new(Held { staging: Some(staging), called: false }),
            answer: Arc::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the device for its callbacks, or waits for `submission`, and answers if there is no more to wait for.
    ///
    /// What was submitted is mapped after a wait, whether its callback has run or another thread is about to run it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn poll_device(&self, submission: Option<&wgpu::SubmissionIndex>) {
        // No waits with a time limit: wgpu 30 panics where another thread polls while they end.
        let how = match submission.cloned() {
            Some(index) => wgpu::PollType::Wait { submission_index: Some(index), timeout: None },
            None => wgpu::PollType::Poll,
        };
        match catch_unwind(AssertUnwindSafe(|| self.device.poll(how))) {
            Ok(Ok(_)) if submission.is_some() => self.answer.set(Ok(())),
            // OpenGL waits four seconds at most.
            Ok(Ok(_) | Err(wgpu::PollError::Timeout)) => {}
            Ok(Err(wgpu::PollError::WrongSubmissionIndex(..))) => self.answer.set(Err(Missing::NoSubmission)),
            // wgpu panics where a driver says that the device is lost.
            Err(_) if is_lost(&self.device) => self.answer.set(Err(Missing::Lost)),
            // A callback of the app's has panicked, which is the app's concern.
            Err(panic) => resume_unwind(panic),
        }
    }

    /// The error of a result that is not there.
    pub fn missing(&self, why: Missing) -> Error {
        match is_lost(&self.device) {
            true => Error::DeviceLost { during: "reading a result".into(), reason: why.reason().to_owned() },
            false => Error::NoResult { reason: why.reason() },
        }
    }

    /// Reads the tensor if it is there, and puts the staging buffer back.
    pub fn take(&self) -> Result<Tensor> {
        if let Some(Err(why)) = self.answer.get() {
            return Err(self.missing(why));
        }
        let staging = self.held().staging.take();
        let Some(staging) = staging else { return Err(self.missing(Missing::Taken)) };
        let Ok(view) = staging.buffer.slice(..).get_mapped_range() else {
            // Its command buffer may still be submitted: then the callback puts it back.
            self.held().staging = Some(staging);
            return Err(self.missing(Missing::NotSubmitted));
        };
        let number = view.get(self.desc.buffer_size() as usize..).and_then(|bytes| bytes.first_chunk());
        let older = staging.numbered && number != Some(&staging.number.to_ne_bytes());
        let tensor = match older {
            true => Err(Missing::Older),
            false => Ok(Data::from_bytes(self.desc.dtype, view.get(..self.desc.bytes()).unwrap_or_default())
                .and_then(|data| Tensor::new(&self.desc.shape, data))),
        };
        drop(view);
        self.put_back(staging, true);
        tensor.unwrap_or_else(|why| Err(self.missing(why)))
    }

    fn put_back(&self, staging: Staging, mapped: bool) {
        if mapped {
            // On a lost device this is an error, which is not the app's concern.
            let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
            staging.buffer.unmap();
            drop(scope.pop());
        }
        self.ring.put(staging);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (staging, mapped) = (held.staging.take(), held.called);
        if let Some(staging) = staging {
            self.put_back(staging, mapped);
        }
    }
}

/// What wgpu calls when the buffer is mapped, or drops when it never will be.
pub(super) struct OnSubmit {
    slot: Arc<Slot>,
}

impl OnSubmit {
    pub fn new(slot: &Arc<Slot>) -> OnSubmit {
        OnSubmit { slot: slot.clone() }
    }

    pub fn answer(self, mapped: Result<(), wgpu::BufferAsyncError>) {
        self.slot.held().called = true;
        self.slot.answer.set(mapped.map_err(|_| Missing::NotMapped));
    }
}

impl Drop for OnSubmit {
    fn drop(&mut self) {
        // After a call there is an answer already.
        self.slot.answer.set(Err(Missing::Dropped));
    }
}
