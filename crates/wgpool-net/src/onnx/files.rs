//! Models and their data from files; in browsers there are none.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::external::External;
use super::messages::Tensor;
use super::refused::quoted;
use wgpool::error::{Error, Refusal, Result};

/// The bytes of a model's file, for [`Model::parse`](super::Model::parse). A memory map of the file does as well.
///
/// # Errors
/// [`Error::File`] if it cannot be read, [`Error::Network`] if it has 2 GiB or more.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    const LARGEST: u64 = i32::MAX as u64;
    let path = path.as_ref();
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let size = file.metadata().map_err(failed)?.len();
    let _ = bytes.try_reserve_exact(size.min(LARGEST) as usize);
    // A path may name a device that never ends.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let reason =
            "it has 2 GiB or more, which protobuf does not allow: weights of that size are external data";
        return Err(Error::network("ONNX model", Refusal::Limit, "file", reason).in_file(path));
    }
    Ok(bytes)
}

/// The folder of a model, from which data of its tensors are read that lie in other files.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Without links in it.
    path: PathBuf,
}

impl Folder {
    /// The folder that the file of a model lies in.
    ///
    /// # Errors
    /// [`Error::File`] if it is not there.
    pub fn of_model(model: impl AsRef<Path>) -> Result<Folder> {
        let path = match model.as_ref().parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let path = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(Folder { path })
    }

    /// The bytes of a tensor whose data lie in another file ([`Tensor::external`]), least significant first.
    ///
    /// Nothing outside the folder is read, through links neither, and no more than the tensor's bytes.
    ///
    /// # Errors
    /// Those of [`Tensor::external`]; [`Error::Network`] if the file is not there, leads out of the folder, is no file, or ends
    /// before the data.
    ///
    /// ```
    /// use wgpool_net::onnx;
    ///
    /// let path = "tests/data/onnx/legal/external_ok.onnx";
    /// let file = onnx::read(path)?;
    /// let model = onnx::Model::parse(&file)?;
    /// let weights = model.graph().initializers().next().expect("the model has one");
    /// let bytes = onnx::Folder::of_model(path)?.read(&weights)?;
    /// assert_eq!(bytes.len(), weights.shape()?.iter().product::<usize>() * 4);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn read(&self, tensor: &Tensor<'_>) -> Result<Vec<u8>> {
        let Some(External { location, offset, length }) = tensor.external()? else {
            return Err(tensor.refused(Refusal::External, "its data are in the model's own file"));
        };
        let refused =
            |reason: String| tensor.refused(Refusal::External, format!("{} {reason}", quoted(location)));
        let failed = |error: std::io::Error| refused(format!("cannot be read: {error}"));
        let path = self.path.join(location).canonicalize().map_err(failed)?;
        if !path.starts_with(&self.path) {
            return Err(refused("leads out of the model's folder".into()));
        }
        // Opening what is no file may wait for ever.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(refused("is no file".into()));
        }
        let mut file = File::open(&path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if offset.checked_add(length as u64).is_none_or(|end| end > size) {
            return Err(refused(format!("has {size} bytes, but {length} at {offset} are wanted")));
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length)
            .map_err(|_| refused(format!("holds {length} bytes, which there is no memory for")))?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.take(length as u64).read_to_end(&mut bytes).map_err(failed)?;
        tensor.checked_length(&bytes, length)?;
        Ok(bytes)
    }
}
