//! Files that are not whole yet: where a signal ends the program while one is written, it is removed.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use wgpool::{Error, Result};

/// Exit status of a program that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whether the first signal only asks for an end, and whether there was one.
static WAITS: AtomicBool = AtomicBool::new(false);
static IS_ASKED: AtomicBool = AtomicBool::new(false);

fn files() -> MutexGuard<'static, Vec<PathBuf>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the first signal asks for an end, which [`end_is_asked`] tells; the next one ends the program.
pub fn wait_for_end() {
    WAITS.store(true, Ordering::SeqCst);
    handle_signals();
}

/// Whether a signal has asked for an end.
pub fn end_is_asked() -> bool {
    IS_ASKED.load(Ordering::SeqCst)
}

fn handle_signals() {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        let handled = ctrlc::try_set_handler(|| {
            if WAITS.load(Ordering::SeqCst) && !IS_ASKED.swap(true, Ordering::SeqCst) {
                return;
            }
            // Held to the end, so that no other file comes to be.
            let files = files();
            files.iter().for_each(|file| drop(fs::remove_file(file)));
            std::process::exit(INTERRUPTED);
        });
        // Without a handler a signal leaves the file, which has a name of its own.
        handled.unwrap_or_else(|error| log::debug!("signals are not handled: {error}"));
    });
}

/// A new file `temporary`, for the output that was asked for as `path`, until [`forget`] is told of it.
///
/// Signals are as they were until there is one, and stay so where whoever started the program has one of them ignored.
pub fn create(temporary: &Path, path: &Path) -> Result<File> {
    handle_signals();
    let mut files = files();
    let file = create_new(temporary, path)?;
    files.push(temporary.to_owned());
    Ok(file)
}

/// The file is gone, or has its name.
pub fn forget(temporary: &Path) {
    files().retain(|file| file != temporary);
}

/// A new file, for the output that was asked for as `path`.
pub fn create_new(temporary: &Path, path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(temporary);
    file.map_err(|source| match source.kind() {
        // It is another file than the one asked for that is in the way.
        ErrorKind::AlreadyExists => Error::File { path: temporary.to_owned(), source },
        _ => Error::File { path: path.to_owned(), source },
    })
}
