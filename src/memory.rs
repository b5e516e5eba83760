//! Memory whose size depends on shapes: what cannot be had is an error.

use crate::error::{Error, Result};

/// The error of `elements` of type `T` that there is no memory for.
fn missing<T>(elements: usize) -> Error {
    let during = format!("allocating {elements} elements of {} bytes", size_of::<T>());
    Error::OutOfMemory { during, reason: "the host's memory does not hold them".into() }
}

/// An empty vector with room for `len` elements.
pub(crate) fn room<T>(len: usize) -> Result<Vec<T>> {
    let mut v = Vec::new();
    v.try_reserve_exact(len).map_err(|_| missing::<T>(len))?;
    Ok(v)
}

/// Makes a vector one of `len` elements; those that come to it are `value`.
pub(crate) fn resize<T: Clone>(v: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    reserve(v, len.saturating_sub(v.len()))?;
    v.resize(len, value);
    Ok(())
}

/// Makes room for `more` elements behind those of a vector.
pub(crate) fn reserve<T>(v: &mut Vec<T>, more: usize) -> Result<()> {
    v.try_reserve_exact(more).map_err(|_| missing::<T>(v.len().saturating_add(more)))
}

/// `len` times the same value.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut v = room(len)?;
    v.resize(len, value);
    Ok(v)
}

/// The elements of an iterator that knows how many they are, or nearly.
pub(crate) fn collected<T>(elements: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    let mut v = Vec::new();
    extend(&mut v, elements)?;
    Ok(v)
}

/// Puts elements behind those of a vector.
pub(crate) fn extend<T>(v: &mut Vec<T>, elements: impl IntoIterator<Item = T>) -> Result<()> {
    let elements = elements.into_iter();
    let (least, most) = elements.size_hint();
    v.try_reserve(least).map_err(|_| missing::<T>(v.len().saturating_add(least)))?;
    if most == Some(least) {
        v.extend(elements);
        return Ok(());
    }
    for element in elements {
        if v.len() == v.capacity() {
            v.try_reserve(1).map_err(|_| missing::<T>(v.len() + 1))?;
        }
        v.push(element);
    }
    Ok(())
}

/// A copy of elements.
pub(crate) fn copied<T: Clone>(elements: &[T]) -> Result<Vec<T>> {
    let mut v = room(elements.len())?;
    v.extend_from_slice(elements);
    Ok(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_an_error() {
        let most = usize::MAX / 8;
        let mut v = vec![1u64];
        for result in [
            room::<u64>(most).map(drop),
            filled(0u64, most).map(drop),
            resize(&mut v, most, 0),
            collected((0..most).map(|i| i as u64)).map(drop),
            extend(&mut v, 0..most as u64),
        ] {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
            assert!(error.to_string().contains("of 8 bytes"), "{error}");
        }
        assert_eq!(v, [1]);
        assert_eq!(collected((0..9).filter(|i| i % 2 == 1)).unwrap(), [1, 3, 5, 7]);
    }
}
