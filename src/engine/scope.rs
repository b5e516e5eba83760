//! Turning wgpu's errors, which arrive beside the call that caused them, into results of that call.

use crate::error::{Error, Result};

/// Runs `call` and returns the first error that wgpu raised meanwhile on this thread.
pub async fn scoped<T>(
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
        Some(error) => Err(named(error, during(), || is_lost(device))),
    }
}

/// The crate's error for one of wgpu's. `lost` is asked where running out of memory is not the reason.
fn named(error: wgpu::Error, during: String, lost: impl FnOnce() -> bool) -> Error {
    match error {
        wgpu::Error::OutOfMemory { source } => Error::OutOfMemory { during, reason: source.to_string() },
        error if lost() => Error::DeviceLost { during, reason: error.to_string() },
        error => Error::Gpu { during, reason: error.to_string() },
    }
}

/// Whether the device does not even make a small buffer any more.
///
/// wgpu tells the loss of a device to a callback alone, which is the app's; calls on a lost device then fail with
/// whatever error comes of its invalid objects.
pub(super) fn is_lost(device: &wgpu::Device) -> bool {
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let probe = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("wgpool probe"),
        size: 16,
        usage: wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let lost = probe.slice(..).get_mapped_range_mut().is_err();
    // What the probe raises is not the app's concern.
    drop(scope.pop());
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_wgpu_keep_their_kind_and_reason() {
        let memory = || wgpu::Error::OutOfMemory { source: "no page left".into() };
        for lost in [false, true] {
            let error = named(memory(), "a call".into(), || lost);
            assert!(matches!(&error, Error::OutOfMemory { during, reason }
                if during == "a call" && reason == "no page left"));
        }
        let invalid =
            || wgpu::Error::Validation { source: "why".into(), description: "size is odd".to_owned() };
        let error = named(invalid(), "a call".into(), || false);
        assert!(matches!(&error, Error::Gpu { during, reason }
            if during == "a call" && reason.contains("size is odd")));
        let error = named(invalid(), "a call".into(), || true);
        assert!(matches!(&error, Error::DeviceLost { reason, .. } if reason.contains("size is odd")));
    }
}
