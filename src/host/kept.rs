//! Buffers that a thread keeps from one task to the next: fresh memory costs a page fault for every 4 KiB.

use std::any::{Any, TypeId};
use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<(TypeId, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

/// Hands `f` the thread's buffers of this type. While `f` runs they are its own: tasks inside it get others.
pub(super) fn with_kept<T: Default + 'static, R>(f: impl FnOnce(&mut T) -> R) -> R {
    let mut kept = take::<T>().unwrap_or_default();
    let result = f(&mut kept);
    KEPT.with_borrow_mut(|all| match all.iter_mut().find(|(id, _)| *id == TypeId::of::<T>()) {
        Some((_, slot)) => *slot = kept,
        None => all.push((TypeId::of::<T>(), kept)),
    });
    result
}

fn take<T: Default + 'static>() -> Option<Box<T>> {
    KEPT.with_borrow_mut(|all| {
        let at = all.iter().position(|(id, _)| *id == TypeId::of::<T>())?;
        all.swap_remove(at).1.downcast().ok()
    })
}
