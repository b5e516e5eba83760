//! Reading results back: a small ring of staging buffers, and results that are on their way.
//!
//! A copy is recorded by [`Readback::record`] and mapped by wgpu when its command buffer is submitted. It has a type for
//! each state: [`Recorded`] cannot be read; [`Pending`], which takes the number of the submission, can.

mod answer;
mod pending;
mod slot;
#[cfg(not(target_arch = "wasm32"))]
mod watch;

use std::sync::Arc;

pub use pending::Pending;
use slot::{OnSubmit, Ring, Slot, Staging};

use super::Engine;
use super::filled::filled;
use super::scope::alive;
use super::usages::joined;
use crate::error::{Error, Result};
use crate::tensor::TensorDesc;

/// Runs of a slot until their numbers begin again.
const NUMBERS: u32 = 256;

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
/// let recorded = ring.record(&mut encoder, buffer.slice(..))?;
/// // The submission's index says what is to be waited for.
/// let pending = recorded.submitted(engine.queue().submit([encoder.finish()]));
/// assert_eq!(pending.wait()?, tensor); // or `pending.read().await`, or `pending.try_read()` in an event loop
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Readback {
    engine: Engine,
    desc: TensorDesc,
    ring: Arc<Ring>,
    slots: usize,
    /// The numbers of runs, one word each, of which a copy takes its own along; see [`Slot`].
    numbers: wgpu::Buffer,
}

/// A copy that has been recorded. It can be read once its command buffer is submitted, of which
/// [`Recorded::submitted`] is told.
///
/// Where that never happens, because the encoder or its command buffer is dropped, the slot is free again.
#[derive(Debug)]
#[must_use = "a result is read from what `submitted` returns"]
pub struct Recorded {
    slot: Arc<Slot>,
    queue: wgpu::Queue,
}

impl Readback {
    /// A ring of `slots` staging buffers for tensors like `desc`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no slot; [`Error::Limit`], [`Error::OutOfMemory`] and those of the device.
    pub async fn new_async(engine: &Engine, desc: &TensorDesc, slots: usize) -> Result<Readback> {
        if slots == 0 {
            return Err(Error::parameter("readback", "slots", slots, "it must be at least 1"));
        }
        let (size, usage) = (desc.buffer_size(), wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        // The largest tensors of a device leave no room for the run's number.
        let numbered = size + 4 <= engine.caps.max_buffer;
        let ring = Ring::default();
        for _ in 0..slots {
            let buffer =
                engine.buffer_async("readback", if numbered { size + 4 } else { size }, usage).await?;
            ring.put(Staging { buffer, number: 0, numbered });
        }
        let numbers = engine.numbers().await?;
        alive(&engine.device, || "making a readback ring".to_owned())?;
        Ok(Readback { engine: engine.clone(), desc: desc.clone(), ring: Arc::new(ring), slots, numbers })
    }

    /// Records a copy of the tensor at the start of `from` into a free slot. The caller submits, and tells what this
    /// returns the submission's index.
    ///
    /// # Errors
    /// [`Error::Busy`] if every slot is in flight; [`Error::Buffer`] if `from` is too small or not `COPY_SRC`.
    pub fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        from: wgpu::BufferSlice<'_>,
    ) -> Result<Recorded> {
        let refuse =
            |rule, values| Error::Buffer { op: "readback", tensor: "the source".into(), rule, values };
        if !from.buffer().usage().contains(wgpu::BufferUsages::COPY_SRC) {
            let has = joined(from.buffer().usage().iter_names());
            return Err(refuse("it needs the usage COPY_SRC", format!("it has {has}")));
        }
        let size = self.desc.buffer_size();
        if from.size() < size {
            return Err(refuse("it is too small", format!("{} bytes, {size} are read", from.size())));
        }
        let free = self.ring.take();
        let mut staging = free.ok_or(Error::Busy { what: "readback slots", in_flight: self.slots })?;
        // Never 0, which a buffer holds that nothing was copied into.
        staging.number = staging.number % (NUMBERS - 1) + 1;
        let buffer = staging.buffer.clone();
        encoder.copy_buffer_to_buffer(from.buffer(), from.offset(), &buffer, 0, size);
        if staging.numbered {
            let at = u64::from(staging.number) * 4;
            encoder.copy_buffer_to_buffer(&self.numbers, at, &buffer, size, 4);
        }
        let slot = Arc::new(Slot::new(&self.engine.device, &self.desc, &self.ring, staging));
        let on_submit = OnSubmit::new(&slot);
        encoder
            .map_buffer_on_submit(&buffer, wgpu::MapMode::Read, .., move |mapped| on_submit.answer(mapped));
        Ok(Recorded { slot, queue: self.engine.queue.clone() })
    }

    /// Slots that are free now. One that was dropped unread is free when its submission is done and the device has been
    /// polled, or when its encoder is dropped.
    pub fn free_slots(&self) -> usize {
        self.ring.len()
    }
}

impl Engine {
    /// The buffer of run numbers, which all rings copy from.
    async fn numbers(&self) -> Result<wgpu::Buffer> {
        if let Some(buffer) = self.numbers.get() {
            return Ok(buffer.clone());
        }
        let numbers: Vec<u8> = (0..NUMBERS).flat_map(u32::to_ne_bytes).collect();
        let during = || "making a readback ring".to_owned();
        let usage = wgpu::BufferUsages::COPY_SRC;
        let buffer = filled(&self.device, "wgpool run numbers", &numbers, usage, during).await?;
        Ok(self.numbers.get_or_init(|| buffer).clone())
    }
}

impl Recorded {
    /// The result that the submission brings: `submission` is what `queue.submit` returned for the command buffer that
    /// holds the copy.
    ///
    /// The index of another submission never brings other data: once that one is done, reading is
    /// [`Error::NoResult`] if the copy has not been made.
    pub fn submitted(self, submission: wgpu::SubmissionIndex) -> Pending {
        Pending::new(self.slot, &self.queue, submission)
    }
}
