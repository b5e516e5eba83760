//! The threads of rayon's global pool, whose start may fail.

#[cfg(not(target_arch = "wasm32"))]
mod awake;

#[cfg(not(target_arch = "wasm32"))]
use crate::error::Error;
use crate::error::Result;

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

/// `f` on one of rayon's threads, to whose pool the caller's own thread may belong, while the others stay awake.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn within<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R> {
    started()?;
    Ok(awake::within(f))
}

/// Where there are no threads, on the caller's.
#[cfg(target_arch = "wasm32")]
pub(crate) fn within<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R> {
    Ok(f())
}

/// How many threads there are.
pub(crate) fn count() -> usize {
    started().map_or(0, |()| rayon::current_num_threads())
}
