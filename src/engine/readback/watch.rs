//! The thread that wakes futures where nobody else asks their device for its callbacks.
//!
//! It does not block in wgpu, which would hold locks that presenting a surface needs: it asks and sleeps, for a sixteenth
//! of the time it has waited, at most a millisecond.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::slot::Slot;

const SHORTEST: Duration = Duration::from_micros(50);
const LONGEST: Duration = Duration::from_millis(1);
/// How long the thread stays when there is nothing to watch.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Inbox {
    /// Slots are gone when nobody reads them any more.
    new: Vec<Weak<Slot>>,
    running: bool,
}

static INBOX: Mutex<Inbox> = Mutex::new(Inbox { new: Vec::new(), running: false });
static NEW: Condvar = Condvar::new();

/// Watches a slot until it has its answer. `false` if there is no thread to do so.
pub(super) fn start(slot: &Arc<Slot>) -> bool {
    let mut inbox = INBOX.lock().unwrap_or_else(PoisonError::into_inner);
    if !inbox.running {
        let thread = std::thread::Builder::new().name("wgpool readback".into()).spawn(run);
        if let Err(error) = thread {
            log::warn!("no thread for results: {error}");
            return false;
        }
        inbox.running = true;
    }
    inbox.new.push(Arc::downgrade(slot));
    drop(inbox);
    NEW.notify_one();
    true
}

fn run() {
    let mut watched: Vec<Weak<Slot>> = Vec::new();
    let mut pause = SHORTEST;
    loop {
        let mut inbox = INBOX.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.new.is_empty() {
            let pause = if watched.is_empty() { IDLE } else { pause };
            (inbox, _) = NEW.wait_timeout(inbox, pause).unwrap_or_else(PoisonError::into_inner);
        }
        if inbox.new.is_empty() && watched.is_empty() {
            inbox.running = false;
            return;
        }
        pause = if inbox.new.is_empty() { (pause + pause / 16).min(LONGEST) } else { SHORTEST };
        watched.append(&mut inbox.new);
        drop(inbox);
        watched.retain(|slot| {
            let Some(slot) = slot.upgrade() else { return false };
            // A callback or waker of the app's that panics must not take away the others' answers.
            let _ = catch_unwind(AssertUnwindSafe(|| slot.poll_device(None)));
            slot.answer.get().is_none()
        });
    }
}
