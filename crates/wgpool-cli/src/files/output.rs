//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use wgpool::{Error, Result, Tensor};

use super::{Format, document, format, npy, tensors};

/// Refuses outputs of which two are one file, under the same name or another.
///
/// An output may be an input: that is read before anything is written.
pub fn distinct(paths: &[&Path]) -> Result<()> {
    let places: Vec<PathBuf> = paths.iter().map(|path| place(path)).collect();
    for (i, (path, at)) in paths.iter().zip(&places).enumerate() {
        let before = paths.iter().zip(&places).take(i).find(|(_, other)| *other == at);
        if let Some((other, _)) = before {
            let reason = match other == path {
                true => "two outputs have this name, but each needs a file of its own".to_owned(),
                false => {
                    format!("this is the file of the output {} too, but each needs its own", other.display())
                }
            };
            return Err(document(path, reason));
        }
    }
    Ok(())
}

/// Where a file is or will be, without links and dots.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(whole).unwrap_or_else(|| path.to_owned())
}

/// A file under a temporary name beside its own, which it takes when it is complete; dropped before, it is removed.
#[derive(Debug)]
pub struct OutputFile {
    target: PathBuf,
    file: File,
    temporary: Option<PathBuf>,
}

impl OutputFile {
    /// Makes the temporary file, so that a path that cannot be written is known before any work.
    pub fn create(path: &Path) -> Result<OutputFile> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&target) {
            Ok(old) if old.is_dir() => return Err(failed(ErrorKind::IsADirectory.into())),
            // A device or a pipe cannot be replaced, only written to.
            Ok(old) if !old.is_file() => {
                let file = OpenOptions::new().write(true).open(&target).map_err(failed)?;
                return Ok(OutputFile { target, file, temporary: None });
            }
            _ => {}
        }
        let mut name =
            target.file_name().ok_or_else(|| document(path, "it does not name a file"))?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let temporary = target.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let file = file.map_err(|source| match source.kind() {
            // It is another file than the one asked for that is in the way.
            ErrorKind::AlreadyExists => Error::File { path: temporary.clone(), source },
            _ => failed(source),
        })?;
        Ok(OutputFile { target, file, temporary: Some(temporary) })
    }

    /// Makes the temporary file of a tensor, whose format the name tells.
    pub fn create_for_tensor(path: &Path) -> Result<OutputFile> {
        match format(path)? {
            Format::Npy | Format::Safetensors => OutputFile::create(path),
            Format::Png => Err(document(path, "an array is written as .npy or .safetensors")),
        }
    }

    /// Writes the contents.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|source| Error::File { path: self.target.clone(), source })
    }

    /// Writes a tensor in the format that the file's name tells.
    pub fn write_tensor(&mut self, tensor: &Tensor) -> Result<()> {
        let encode = match format(&self.target)? {
            Format::Safetensors => tensors::encode,
            _ => npy::encode,
        };
        self.write(&encode(tensor).map_err(|reason| document(&self.target, reason))?)
    }

    /// Gives the file its name.
    pub fn publish(mut self) -> Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.target)
                .map_err(|source| Error::File { path: self.target.clone(), source })?;
            self.temporary = None;
        }
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // It is in nobody's way; there is no one left to tell if it stays.
            let _ = fs::remove_file(temporary);
        }
    }
}
