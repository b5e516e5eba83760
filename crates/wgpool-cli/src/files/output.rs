//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use wgpool::{Error, Result, Tensor};

use super::{Format, STANDARD, document, format, npy, tensors, unfinished};
use crate::terminal;

/// Refuses outputs of which two are one file, under the same name or another.
///
/// An output may be an input: that is read before anything is written.
pub fn distinct(paths: &[&Path]) -> Result<()> {
    let places: Vec<PathBuf> = paths.iter().map(|path| place(path)).collect();
    for (i, (path, at)) in paths.iter().zip(&places).enumerate() {
        let before = paths.iter().zip(&places).take(i).find(|(_, other)| *other == at);
        if let Some((other, _)) = before {
            let reason = match other == path {
                true if is_standard(path) => {
                    "two outputs go there, but each needs a file of its own".to_owned()
                }
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
    if is_standard(path) {
        return path.to_owned();
    }
    fs::canonicalize(path).ok().or_else(whole).unwrap_or_else(|| path.to_owned())
}

/// Refuses an output that is one of the files that are read.
pub fn apart<'a>(outputs: &[&Path], inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    for input in inputs.into_iter().filter(|path| !is_standard(path)) {
        if let Some(output) =
            outputs.iter().find(|output| !is_standard(output) && place(output) == place(input))
        {
            return Err(document(output, "this file is read, and would be replaced: give another name"));
        }
    }
    Ok(())
}

/// Whether this names standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

/// What becomes a file when it is complete, and replaces another of its name then.
///
/// Nothing is on the disk while results are computed, so that nothing stays behind where the program is ended. What is
/// written has a temporary name beside its own until it is whole.
#[derive(Debug)]
pub struct OutputFile {
    /// As it was asked for.
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A file of this place, first under another name.
    File {
        place: PathBuf,
        temporary: PathBuf,
        is_written: bool,
    },
    /// A device or a pipe cannot be replaced, only written to.
    Device {
        file: File,
        bytes: Vec<u8>,
    },
    Stdout(Vec<u8>),
}

impl OutputFile {
    /// Finds out whether the file can be written, so that this is known before any work.
    pub fn create(path: &Path) -> Result<OutputFile> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let of = |target| Ok(OutputFile { path: path.to_owned(), target });
        if is_standard(path) {
            return of(Target::Stdout(Vec::new()));
        }
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&target) {
            Ok(old) if old.is_dir() => return Err(failed(ErrorKind::IsADirectory.into())),
            Ok(old) if !old.is_file() => {
                let file = OpenOptions::new().write(true).open(&target).map_err(failed)?;
                return of(Target::Device { file, bytes: Vec::new() });
            }
            _ => {}
        }
        let mut name =
            target.file_name().ok_or_else(|| document(path, "it does not name a file"))?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let temporary = target.with_file_name(name);
        drop(unfinished::create_new(&temporary, path)?);
        fs::remove_file(&temporary).map_err(failed)?;
        of(Target::File { place: target, temporary, is_written: false })
    }

    /// The same for a tensor, whose format the name tells.
    pub fn create_for_tensor(path: &Path) -> Result<OutputFile> {
        if format(path)?.is_picture() {
            return Err(document(path, "this is an array, which is written as .npy or .safetensors"));
        }
        OutputFile::create_for_bytes(path)
    }

    /// The same for what is no text: a terminal gets none.
    pub fn create_for_bytes(path: &Path) -> Result<OutputFile> {
        if is_standard(path) && io::stdout().is_terminal() {
            return Err(document(
                path,
                "standard output is a terminal, which shows no bytes: give a file's name",
            ));
        }
        OutputFile::create(path)
    }

    /// Writes the contents.
    pub fn write(&mut self, contents: &[u8]) -> Result<()> {
        match &mut self.target {
            Target::Stdout(bytes) | Target::Device { bytes, .. } => bytes.extend_from_slice(contents),
            Target::File { temporary, is_written, .. } => {
                let mut file = unfinished::create(temporary, &self.path)?;
                *is_written = true;
                file.write_all(contents).map_err(|source| Error::File { path: self.path.clone(), source })?;
            }
        }
        Ok(())
    }

    /// Writes a tensor in the format that the file's name tells.
    pub fn write_tensor(&mut self, tensor: &Tensor) -> Result<()> {
        let encode = match format(&self.path)? {
            Format::Safetensors => tensors::encode,
            _ => npy::encode,
        };
        self.write(&encode(tensor).map_err(|reason| document(&self.path, reason))?)
    }

    /// Gives the file its name.
    pub fn publish(mut self) -> Result<()> {
        let failed = |source| Error::File { path: self.path.clone(), source };
        match &mut self.target {
            Target::Stdout(bytes) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(terminal::stdout_error)
            }
            Target::Device { file, bytes } => file.write_all(bytes).map_err(failed),
            Target::File { place, temporary, is_written } => {
                fs::rename(&*temporary, place).map_err(failed)?;
                unfinished::forget(temporary);
                *is_written = false;
                Ok(())
            }
        }
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Target::File { temporary, is_written: true, .. } = &self.target {
            // It is in nobody's way; there is no one left to tell if it stays.
            let _ = fs::remove_file(temporary);
            unfinished::forget(temporary);
        }
    }
}
