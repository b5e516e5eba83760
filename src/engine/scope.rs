//! Turning wgpu's errors, which arrive beside the call that caused them, into results of that call.

use crate::error::{Error, Result};

/// Runs `call` and returns the first error that wgpu raised meanwhile on this thread.
pub(super) async fn scoped<T>(
    device: &wgpu::Device,
    during: impl Fn() -> String,
    call: impl FnOnce() -> T,
) -> Result<T> {
    let scopes = [
        device.push_error_scope(wgpu::ErrorFilter::OutOfMemory),
        device.push_error_scope(wgpu::ErrorFilter::Internal),
        device.push_error_scope(wgpu::ErrorFilter::Validation),
    ];
    let value = call();
    let mut first = None;
    // All are popped before any is awaited: the stack belongs to the thread.
    let popped = scopes.map(Some).into_iter().rev().flatten().map(wgpu::ErrorScopeGuard::pop);
    for future in popped.collect::<Vec<_>>() {
        let error = future.await;
        first = first.or(error);
    }
    match first {
        None => Ok(value),
        Some(error) => Err(typed(error, during())),
    }
}

fn typed(error: wgpu::Error, during: String) -> Error {
    let reason = error.to_string();
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { during, reason },
        // wgpu reports the loss of a device as a validation error of the call that met it.
        _ if reason.contains("device is lost") || reason.contains("Parent device is lost") => {
            Error::DeviceLost { during, reason }
        }
        _ => Error::Gpu { during, reason },
    }
}
