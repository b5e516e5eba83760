//! Data of tensors in other files: which, and where in them.

use std::path::{Component, Path};

use super::messages::Tensor;
use super::refused::quoted;
use wgpool::error::{Refusal, Result};

/// Where the data of a tensor lie that are in another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External<'a> {
    /// The file, as a path from the folder of the model that does not leave it.
    pub location: &'a str,
    /// Where the data begin in it.
    pub offset: u64,
    /// How many bytes they have.
    pub length: usize,
}

impl<'a> Tensor<'a> {
    /// Where its data lie, if they are in another file.
    ///
    /// # Errors
    /// [`Error::Network`](wgpool::Error::Network) if the location is missing or is no path inside the model's folder, if a place is no number, or if the
    /// length is not that of the tensor.
    pub fn external(&self) -> Result<Option<External<'a>>> {
        if self.location().unwrap_or_default() == 0 {
            return Ok(None);
        }
        let refused = |reason: String| Err(self.refused(Refusal::External, reason));
        let lists = self.floats().count() + self.int32s().count() + self.int64s().count();
        if self.raw().is_some() || lists + self.doubles().count() + self.uint64s().count() > 0 {
            return refused("it has data both in this file and in another".into());
        }
        let find = |key: &str| self.external_properties().find(|p| p.key() == key).map(|p| p.value());
        let Some(location) = find("location").filter(|location| !location.is_empty()) else {
            return refused("it is in another file, but no location says which".into());
        };
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(location).components().all(inside) {
            let rule = "must be a path inside the model's folder, without '..'";
            return refused(format!("its location {} {rule}", quoted(location)));
        }
        let number = |key: &str| match find(key) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                let reason = format!("its {key} is {}, but must be a number of bytes", quoted(text));
                self.refused(Refusal::External, reason)
            }),
        };
        let (offset, given, (_, length)) = (number("offset")?, number("length")?, self.sizes()?);
        if given.is_some_and(|given: u64| given != length as u64) {
            let given = given.unwrap_or_default();
            return refused(format!("its length is {given}, but its shape and type make {length} bytes"));
        }
        Ok(Some(External { location, offset: offset.unwrap_or_default(), length }))
    }

    /// Its data in the bytes of the file that [`external`](Tensor::external) names: nothing is copied, so that these may be a
    /// memory map.
    ///
    /// # Errors
    /// Those of [`external`](Tensor::external); [`Error::Network`](wgpool::Error::Network) if the file ends before the data.
    pub fn in_external<'b>(&self, file: &'b [u8]) -> Result<&'b [u8]> {
        let Some(External { location, offset, length }) = self.external()? else {
            return Err(self.refused(Refusal::External, "its data are in the model's own file"));
        };
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        file.get(begin..).and_then(|rest| rest.get(..length)).ok_or_else(|| {
            let size = file.len();
            let reason =
                format!("{length} bytes at {offset} are not in {}, which has {size}", quoted(location));
            self.refused(Refusal::External, reason)
        })
    }
}
