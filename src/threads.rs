//! The threads of rayon's global pool, whose start may fail.

#[cfg(not(target_arch = "wasm32"))]
use crate::error::Error;
use crate::error::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Starts the threads unless they run; an error where the system gives none. rayon itself panics then.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn started() -> Result<()> {
    use std::panic::catch_unwind;
    use std::sync::OnceLock;

    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    // In a pool of the app's own, the global one is not needed.
    if rayon::current_thread_index().is_some() {
        return Ok(());
    }
    let started = STARTED.get_or_init(|| match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => Ok(()),
        Err(error) => match std::error::Error::source(&error) {
            Some(reason) => Err(reason.to_string()),
            // The app was first; whether its attempt succeeded, rayon tells by a panic alone.
            None => catch_unwind(rayon::current_num_threads).map(drop).map_err(|_| error.to_string()),
        },
    });
    started.clone().map_err(|reason| Error::NoThreads { reason })
}

/// Where there are no threads, rayon computes on the caller's.
#[cfg(target_arch = "wasm32")]
pub(crate) fn started() -> Result<()> {
    Ok(())
}

/// `f` on one of rayon's threads, to whose pool the caller's own thread may belong. The others look for work all the while: one
/// that sleeps takes longer to wake than a small operation takes.
pub(crate) fn within<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R> {
    started()?;
    let over = &AtomicBool::new(false);
    Ok(rayon::scope(|scope| {
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
    }))
}

/// Computes what there is to compute until it is over, or nothing has come for a while.
fn look_for_work(over: &AtomicBool) {
    // A thread that waits for its part of other work may come here too, and must go back to that.
    const LONGEST: Duration = Duration::from_millis(1);
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

/// How many threads there are.
pub(crate) fn count() -> usize {
    started().map_or(0, |()| rayon::current_num_threads())
}
