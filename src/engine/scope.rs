//! Turning wgpu's errors, which arrive beside the call that caused them, into results of that call.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result};

/// Runs `call` and returns the first error that wgpu raised meanwhile on this thread.
pub async fn scoped<T>(
    device: &wgpu::Device,
    during: impl Fn() -> String,
    call: impl FnOnce() -> T,
) -> Result<T> {
    begun(device, during, call).await
}

/// Runs `call` at once; the future is [`scoped`]'s. So that several calls are under way at the same time.
pub fn begun<T>(
    device: &wgpu::Device,
    during: impl Fn() -> String,
    call: impl FnOnce() -> T,
) -> impl Future<Output = Result<T>> {
    let scopes = push_all(device);
    let value = call();
    let first = pop_all(scopes);
    async move {
        match first.await {
            None => Ok(value),
            Some(error) => Err(named(error, during(), || is_lost(device))),
        }
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

/// Scopes for every kind of error, the innermost first: in this order they must be popped, and are dropped where the
/// stack unwinds.
fn push_all(device: &wgpu::Device) -> [wgpu::ErrorScopeGuard; 3] {
    let mut scopes =
        [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation]
            .map(|filter| device.push_error_scope(filter));
    scopes.reverse();
    scopes
}

/// The first error of the scopes, which are popped at once: the stack belongs to the thread.
fn pop_all(scopes: [wgpu::ErrorScopeGuard; 3]) -> impl Future<Output = Option<wgpu::Error>> {
    let errors = scopes.map(wgpu::ErrorScopeGuard::pop);
    async move {
        let mut first = None;
        for error in errors {
            let error = error.await;
            first = first.or(error);
        }
        first
    }
}

/// Whether the device does not even make a small buffer any more, and that without an error.
///
/// wgpu tells the loss of a device to a callback alone, which is the app's; calls on a lost device then succeed with
/// invalid objects, or fail with whatever error comes of those. In browsers the objects are valid all the same.
pub(super) fn is_lost(device: &wgpu::Device) -> bool {
    if cfg!(target_arch = "wasm32") {
        return false;
    }
    let scopes = push_all(device);
    let probe = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("wgpool probe"),
        size: 16,
        usage: wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let lost = probe.slice(..).get_mapped_range_mut().is_err();
    // Natively the error is there at once. Where memory has run out, the device is not lost.
    let error = pin!(pop_all(scopes)).poll(&mut Context::from_waker(Waker::noop()));
    lost && matches!(error, Poll::Ready(None))
}

/// An error if the device is lost: for calls that make nothing which would tell.
pub(crate) fn alive(device: &wgpu::Device, during: impl FnOnce() -> String) -> Result<()> {
    match is_lost(device) {
        true => Err(Error::DeviceLost { during: during(), reason: "it makes no buffer any more".into() }),
        false => Ok(()),
    }
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
