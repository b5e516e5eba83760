//! Reading results back without blocking: a small ring of staging buffers, and futures.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Engine;
use super::scope::{is_lost, scoped};
use crate::error::{Error, Result};
use crate::tensor::{Data, Tensor, TensorDesc};

/// Staging buffers for results of one shape, used in turn, so that several runs may be in flight.
///
/// ```
/// # fn main() -> wgpool::Result<()> {
/// # use wgpool::{Backend, Choice, TensorDesc, Tensor, engine::Readback};
/// # let Backend::Gpu(engine) = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software))?.backend
/// #     else { unreachable!() };
/// let tensor = Tensor::from_f32(&[2], vec![1.0, 2.0])?;
/// let buffer = engine.upload("example", &tensor)?;
/// let ring = Readback::new(&engine, &tensor.desc(), 3)?;
/// let mut encoder = engine.device().create_command_encoder(&Default::default());
/// let pending = ring.record(&mut encoder, buffer.slice(..))?;
/// engine.queue().submit([encoder.finish()]);
/// assert_eq!(pending.wait()?, tensor); // or `pending.read().await`
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Readback {
    engine: Engine,
    desc: TensorDesc,
    free: Arc<Mutex<Vec<wgpu::Buffer>>>,
    slots: usize,
}

/// A copy that has been recorded, and will hold a result once it is submitted and done.
#[derive(Debug)]
pub struct Pending {
    ring: Readback,
    /// Back in the ring once it is read or dropped.
    buffer: Option<wgpu::Buffer>,
    /// Whether a mapping has been asked for, which must then be ended.
    asked: bool,
}

/// What a mapping has come to, and who waits for it.
#[derive(Debug, Default)]
struct Answer {
    result: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

/// The future of a mapping. It never blocks.
struct Mapping {
    device: wgpu::Device,
    answer: Arc<Mutex<Answer>>,
}

impl Future for Mapping {
    type Output = Result<(), wgpu::BufferAsyncError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Natively somebody must ask the device for its callbacks. A browser calls them by itself.
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self.device.poll(wgpu::PollType::Poll);
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = answer.result.take() {
            return Poll::Ready(result);
        }
        answer.waker = Some(context.waker().clone());
        // So the future makes progress under any executor, also where no other part of the app polls the device.
        #[cfg(not(target_arch = "wasm32"))]
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Readback {
    /// A ring of `slots` staging buffers for tensors like `desc`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no slot; [`Error::Limit`], [`Error::OutOfMemory`] and those of the device.
    pub fn new(engine: &Engine, desc: &TensorDesc, slots: usize) -> Result<Readback> {
        pollster::block_on(Self::new_async(engine, desc, slots))
    }

    /// [`Readback::new`], without blocking.
    ///
    /// # Errors
    /// Those of [`Readback::new`].
    pub async fn new_async(engine: &Engine, desc: &TensorDesc, slots: usize) -> Result<Readback> {
        if slots == 0 {
            return Err(Error::parameter("readback", "slots", slots, "it must be at least 1"));
        }
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let mut buffers = Vec::with_capacity(slots);
        for _ in 0..slots {
            buffers.push(engine.buffer_async("readback", desc.buffer_size(), usage).await?);
        }
        let free = Arc::new(Mutex::new(buffers));
        Ok(Readback { engine: engine.clone(), desc: desc.clone(), free, slots })
    }

    /// Records a copy of the tensor at the start of `from` into a free slot. The caller submits.
    ///
    /// # Errors
    /// [`Error::Busy`] if every slot is in flight; [`Error::Buffer`] if `from` is too small or not `COPY_SRC`.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder, from: wgpu::BufferSlice<'_>) -> Result<Pending> {
        let refuse =
            |rule, values| Error::Buffer { op: "readback", tensor: "the source".into(), rule, values };
        if !from.buffer().usage().contains(wgpu::BufferUsages::COPY_SRC) {
            return Err(refuse("it needs the usage COPY_SRC", format!("{:?}", from.buffer().usage())));
        }
        if from.size() < self.desc.buffer_size() {
            let values = format!("{} bytes, {} are read", from.size(), self.desc.buffer_size());
            return Err(refuse("it is too small", values));
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let buffer = free.ok_or(Error::Busy { what: "readback slots", in_flight: self.slots })?;
        let (source, offset) = (from.buffer(), from.offset());
        encoder.copy_buffer_to_buffer(source, offset, &buffer, 0, self.desc.buffer_size());
        Ok(Pending { ring: self.clone(), buffer: Some(buffer), asked: false })
    }

    /// Slots that are free now.
    pub fn free_slots(&self) -> usize {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Pending {
    /// The result, once the submission that holds the copy is done. Call it after submitting; it never blocks.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] and those of the device.
    pub async fn read(mut self) -> Result<Tensor> {
        let Some(buffer) = self.buffer.clone() else {
            return Err(Error::Busy { what: "readback slots", in_flight: 0 });
        };
        self.asked = true;
        let device = self.ring.engine.device.clone();
        let answer = Arc::new(Mutex::new(Answer::default()));
        let theirs = answer.clone();
        scoped(
            &device,
            || "mapping a result".to_owned(),
            || {
                buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
                    let mut answer = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                    answer.result = Some(result);
                    if let Some(waker) = answer.waker.take() {
                        waker.wake();
                    }
                });
            },
        )
        .await?;
        let mapped = Mapping { device: device.clone(), answer }.await;
        self.finish(mapped.map_err(|e| e.to_string()))
    }

    /// [`Pending::read`], waited for.
    ///
    /// # Errors
    /// Those of [`Pending::read`].
    pub fn wait(self) -> Result<Tensor> {
        let device = self.ring.engine.device.clone();
        // Sleeps until the submission is done; the future then finds its answer at once.
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| Error::Gpu {
            during: "waiting for a result".into(),
            reason: error.to_string(),
        })?;
        pollster::block_on(self.read())
    }

    fn finish(self, mapped: Result<(), String>) -> Result<Tensor> {
        let device = &self.ring.engine.device;
        let failed = |reason: String| {
            let during = "reading a result".to_owned();
            match is_lost(device) {
                true => Error::DeviceLost { during, reason },
                false => Error::Gpu { during, reason },
            }
        };
        mapped.map_err(failed)?;
        let Some(buffer) = &self.buffer else {
            return Err(failed("the slot is gone".into()));
        };
        let desc = &self.ring.desc;
        let view = buffer.slice(..).get_mapped_range().map_err(|e| failed(e.to_string()))?;
        let data = Data::from_bytes(desc.dtype, view.get(..desc.bytes()).unwrap_or_default())?;
        drop(view);
        Tensor::new(&desc.shape, data)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            if self.asked {
                // On a lost device this is an error, which is not the app's concern.
                let scope = self.ring.engine.device.push_error_scope(wgpu::ErrorFilter::Validation);
                buffer.unmap();
                drop(scope.pop());
            }
            self.ring.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}
