//! Threads that look for work while there will be more: one that sleeps takes longer to wake than a small operation takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work in vain. A thread that waits for its part of other work may be among them, and must go back to
/// that.
const LONGEST: Duration = Duration::from_millis(1);

/// `f` on one of rayon's threads, while the others look for work.
pub(super) fn within<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let over = &AtomicBool::new(false);
    rayon::scope(|scope| {
        let own = rayon::current_thread_index();
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(move |_| {
                if rayon::current_thread_index() != own {
                    look_for_work(over);
                }
            });
        }
        let _end = Ends(over);
        f()
    })
}

/// Computes what there is to compute until it is over, or nothing has come for a while.
fn look_for_work(over: &AtomicBool) {
    let mut latest = Instant::now();
    while !over.load(Ordering::Relaxed) && latest.elapsed() < LONGEST {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => latest = Instant::now(),
            _ => std::thread::yield_now(),
        }
    }
}

/// Says that it is over, also where a panic ends it.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
