//! Tensors and pictures in files: hostile contents end in an error, and what is allocated follows the file's size.

pub mod array;
mod npy;
mod output;
pub mod photo;
mod picture;
pub mod sheet;
mod tensors;
pub mod tuning;
pub mod unfinished;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use wgpool::{Error, Result};

use super::document;
use array::Array;

pub use output::{OutputFile, apart, distinct, is_standard};
pub use picture::{Fit, Resize, Shorter, encode_png, read_picture};
pub use tensors::named;

/// The largest file that is read.
const LARGEST_FILE: u64 = 4 << 30;

/// The name of standard input and of standard output.
pub const STANDARD: &str = "-";

/// How a file's contents are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Npy,
    Safetensors,
    Png,
    Jpeg,
}

impl Format {
    /// Whether it is a picture's.
    pub fn is_picture(self) -> bool {
        matches!(self, Format::Png | Format::Jpeg)
    }
}

/// The format that a file's own name tells, whatever a link of this name points to; standard output gets NPY.
pub fn format(path: &Path) -> Result<Format> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("npy") => Ok(Format::Npy),
        Some("safetensors") => Ok(Format::Safetensors),
        Some("png") => Ok(Format::Png),
        Some("jpg" | "jpeg") => Ok(Format::Jpeg),
        None if is_standard(path) => Ok(Format::Npy),
        _ => Err(document(path, "the name must end in .npy, .safetensors, .png, .jpg or .jpeg")),
    }
}

/// The contents of a file, and the format that its first bytes tell; where they tell none, its name does.
pub fn read(path: &Path) -> Result<(Vec<u8>, Format)> {
    let bytes = read_bytes(path)?;
    let format = match bytes.as_slice() {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Format::Npy,
        [0x89, b'P', b'N', b'G', ..] => Format::Png,
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => Format::Safetensors,
        [0x89, b'H', b'D', b'F', ..] => {
            return Err(document(path, "it is HDF5; save its array by np.save(\"x.npy\", array)"));
        }
        [b'P', b'K', 3, 4, ..] => {
            let rule = "it is an archive; if it is .npz, save one of its arrays by np.save(\"x.npy\", array)";
            return Err(document(path, rule));
        }
        [b'G', b'I', b'F', b'8', ..] | [b'B', b'M', ..] | [b'R', b'I', b'F', b'F', ..] => {
            return Err(document(path, "of pictures only PNG and JPEG are read"));
        }
        _ => {
            let rule = "it is neither NPY, safetensors, PNG nor JPEG";
            format(path).ok().filter(|_| !is_standard(path)).ok_or_else(|| document(path, rule))?
        }
    };
    Ok((bytes, format))
}

/// The contents of a file, or of standard input.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    static IS_READ: AtomicBool = AtomicBool::new(false);
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = if !is_standard(path) {
        Box::new(File::open(path).map_err(failed)?)
    } else if IS_READ.swap(true, Ordering::Relaxed) {
        return Err(document(path, "standard input can be read once, but two files have this name"));
    } else {
        Box::new(io::stdin().lock())
    };
    source.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Error::TooLarge {
            what: "file",
            values: path.display().to_string(),
            rule: "at most 4 GiB are read",
        });
    }
    Ok(bytes)
}

/// The array in the contents of a file of this format.
pub fn array_of(path: &Path, bytes: &[u8], format: Format) -> Result<Array> {
    let read = match format {
        Format::Npy => npy::decode,
        Format::Safetensors => tensors::decode,
        Format::Png | Format::Jpeg => {
            return Err(document(path, "an array is needed here: .npy or .safetensors"));
        }
    };
    read(bytes).map_err(|reason| document(path, reason))
}
