//! Turning wgpu's errors, which arrive beside the call that caused them, into results of that call.

use crate::error::{Error, Result};

/// Runs `call` and returns the first error that wgpu raised meanwhile on this thread.
pub(crate) async fn scoped<T>(
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
        Some(wgpu::Error::OutOfMemory { source }) => {
            Err(Error::OutOfMemory { during: during(), reason: source.to_string() })
        }
        Some(error) if is_lost(device) => {
            Err(Error::DeviceLost { during: during(), reason: error.to_string() })
        }
        Some(error) => Err(Error::Gpu { during: during(), reason: error.to_string() }),
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
