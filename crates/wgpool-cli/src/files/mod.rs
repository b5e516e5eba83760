//! Tensors and pictures in files: hostile contents end in an error, and what is allocated follows the file's size.

mod npy;
mod output;
mod picture;
mod tensors;
pub mod tuning;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use wgpool::{Error, Result, Tensor};

use super::document;

pub use output::{OutputFile, distinct};
pub use picture::{encode_png, read_png};
pub use tensors::named;

/// The largest file that is read.
const LARGEST_FILE: u64 = 4 << 30;

/// How a file's contents are laid out, told by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Npy,
    Safetensors,
    Png,
}

/// The format that a file's name tells.
pub fn format(path: &Path) -> Result<Format> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("npy") => Ok(Format::Npy),
        Some("safetensors") => Ok(Format::Safetensors),
        Some("png") => Ok(Format::Png),
        _ => Err(document(path, "the name must end in .npy, .safetensors or .png")),
    }
}

/// The contents of a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let file = |source| Error::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(file)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(file)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Error::TooLarge {
            what: "file",
            values: path.display().to_string(),
            rule: "at most 4 GiB are read",
        });
    }
    Ok(bytes)
}

/// The tensor of an NPY or safetensors file.
pub fn read_tensor(path: &Path) -> Result<Tensor> {
    let format = format(path)?;
    let read = match format {
        Format::Npy => npy::decode,
        Format::Safetensors => tensors::decode,
        Format::Png => return Err(document(path, "an array is needed here: .npy or .safetensors")),
    };
    read(&read_bytes(path)?).map_err(|reason| document(path, reason))
}
