//! Memory for results: allocated without being zeroed first, and filled in parallel.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::error::Result;
use crate::memory::{self, room};

/// Below this many elementary steps, handing work to other threads costs more than it saves.
pub(super) const WORTH_SHARING: usize = 1 << 15;

/// Gives a chunk that was not written yet a value, so that it may be used as elements.
fn start<T: Copy + Default>(chunk: &mut [MaybeUninit<T>]) -> &mut [T] {
    for slot in chunk.iter_mut() {
        slot.write(T::default());
    }
    // SAFETY: every slot was written just above, and `MaybeUninit<T>` has the layout of `T`.
    unsafe { &mut *(std::ptr::from_mut::<[MaybeUninit<T>]>(chunk) as *mut [T]) }
}

/// A vector of `len` elements in chunks of `chunk` (the last may be shorter), each handed to `f` with its number.
///
/// Chunks begin as zeros, set shortly before `f` runs so that they are still in the cache. Tasks are of at least
/// `batch` chunks.
pub(super) fn fill<T: Copy + Default + Send>(
    len: usize,
    chunk: usize,
    batch: usize,
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) -> Result<Vec<T>> {
    let f = |i: usize, out: &mut [T]| -> Result<()> {
        f(i, out);
        Ok(())
    };
    try_fill(len, chunk, batch, f)
}

/// [`fill`] with what may fail, because it takes memory of its own.
pub(super) fn try_fill<T: Copy + Default + Send>(
    len: usize,
    chunk: usize,
    batch: usize,
    f: impl Fn(usize, &mut [T]) -> Result<()> + Sync + Send,
) -> Result<Vec<T>> {
    let (chunk, batch) = (chunk.max(1), batch.max(1));
    let mut out = room(len)?;
    let spare = &mut out.spare_capacity_mut()[..len];
    let task = |(i, c): (usize, &mut [MaybeUninit<T>])| f(i, start(c));
    if len <= chunk.saturating_mul(batch) {
        spare.chunks_mut(chunk).enumerate().try_for_each(task)?;
    } else {
        spare.par_chunks_mut(chunk).with_min_len(batch).enumerate().try_for_each(task)?;
    }
    // SAFETY: the chunks cover the first `len` elements, and `start` wrote each of them.
    unsafe { out.set_len(len) };
    Ok(out)
}

/// [`try_fill`] for two vectors of the same length in step.
pub(super) fn fill_two<T, U>(
    len: usize,
    chunk: usize,
    f: impl Fn(usize, &mut [T], &mut [U]) -> Result<()> + Sync + Send,
) -> Result<(Vec<T>, Vec<U>)>
where
    T: Copy + Default + Send,
    U: Copy + Default + Send,
{
    let chunk = chunk.max(1);
    let (mut a, mut b) = (room(len)?, room(len)?);
    let (sa, sb) = (&mut a.spare_capacity_mut()[..len], &mut b.spare_capacity_mut()[..len]);
    if len <= chunk {
        f(0, start(sa), start(sb))?;
    } else {
        let pairs = sa.par_chunks_mut(chunk).zip(sb.par_chunks_mut(chunk));
        pairs.enumerate().try_for_each(|(i, (x, y))| f(i, start(x), start(y)))?;
    }
    // SAFETY: as in `fill`, for both vectors.
    unsafe {
        a.set_len(len);
        b.set_len(len);
    }
    Ok((a, b))
}

/// A result that parallel tasks write in pieces which are not contiguous, such as tiles of a matrix.
pub(super) struct Scattered<T> {
    data: Vec<T>,
    start: *mut T,
    len: usize,
}

// SAFETY: threads reach the elements through `write` alone, whose callers keep their ranges apart.
unsafe impl<T: Send> Sync for Scattered<T> {}

impl<T: Copy + Send> Scattered<T> {
    pub fn new(len: usize) -> Result<Self> {
        Self::again(Vec::new(), len)
    }

    /// The same in memory that was used before.
    pub fn again(mut data: Vec<T>, len: usize) -> Result<Scattered<T>> {
        data.clear();
        memory::reserve(&mut data, len)?;
        let start = data.as_mut_ptr();
        Ok(Scattered { data, start, len })
    }

    /// A result whose elements are all written, as zeros.
    pub fn zeroed(len: usize) -> Result<Self>
    where
        T: Default,
    {
        let mut data = fill(len, WORTH_SHARING, 1, |_, _: &mut [T]| {})?;
        let start = data.as_mut_ptr();
        Ok(Scattered { data, start, len })
    }

    /// Writes `values` from element `at` on; what would lie behind the end is left out.
    ///
    /// # Safety
    /// No two calls that may run at the same time write the same element.
    #[inline(always)]
    pub unsafe fn write(&self, at: usize, values: &[T]) {
        debug_assert!(at + values.len() <= self.len);
        let room = self.len.saturating_sub(at);
        if values.len() <= room {
            // SAFETY: the range lies inside the reserved memory, and nobody else uses it now.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), values.len()) };
        }
    }

    /// The elements.
    ///
    /// # Safety
    /// Each of the `len` elements was written.
    pub unsafe fn finish(mut self) -> Vec<T> {
        // SAFETY: the memory was reserved for `len` elements, and the caller has written them all.
        unsafe { self.data.set_len(self.len) };
        self.data
    }
}
