//! Examples with their classes: folders of pictures, or tensors of a safetensors file.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use wgpool::{Data, Error, Result, Tensor};

use crate::args::TrainArgs;
use crate::document;
use crate::examples::{self, Frame};
use crate::files::{named, read_bytes};

/// Examples of a model, and the class of each.
#[derive(Debug)]
pub struct Examples {
    /// `[count, ...]` of f32.
    pub inputs: Tensor,
    /// From 0 on.
    pub labels: Vec<usize>,
}

impl Examples {
    /// Those at some places.
    fn at(&self, places: &[usize]) -> Result<Examples> {
        let elements = self.inputs.as_f32()?;
        let each: usize = self.inputs.shape().iter().skip(1).product();
        let mut taken = Vec::with_capacity(places.len() * each);
        for &place in places {
            taken.extend_from_slice(elements.get(place * each..(place + 1) * each).unwrap_or_default());
        }
        let shape: Vec<usize> =
            std::iter::once(places.len()).chain(self.inputs.shape().iter().skip(1).copied()).collect();
        let labels = places.iter().filter_map(|&place| self.labels.get(place).copied()).collect();
        Ok(Examples { inputs: Tensor::from_f32(&shape, taken)?, labels })
    }
}

/// What a model is trained and validated by.
#[derive(Debug)]
pub struct Split {
    pub training: Examples,
    pub validation: Option<Examples>,
    /// Names of the classes.
    pub classes: Vec<String>,
}

/// Reads what `--data` names, for a model of such examples.
pub fn read(args: &TrainArgs, path: &Path, shape: &[usize]) -> Result<Split> {
    match path.is_dir() {
        true => folders(args, path, shape),
        false => file(args, path, shape),
    }
}

/// The entries of a folder, by name; those that begin with a dot are none of it.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

fn folders(args: &TrainArgs, path: &Path, shape: &[usize]) -> Result<Split> {
    let Some(frame) = Frame::of(shape) else {
        let reason = format_args!("a folder holds pictures, but the model takes {shape:?}");
        return Err(document(path, reason));
    };
    let classes: Vec<PathBuf> = entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect();
    if classes.len() < 2 {
        let reason =
            format_args!("it must have a folder for each of two or more classes, and has {}", classes.len());
        return Err(document(path, reason));
    }
    let how = args.reading.how();
    let (mut elements, mut labels) = (Vec::new(), Vec::new());
    for (label, class) in classes.iter().enumerate() {
        let pictures = entries(class)?.into_iter().filter(|entry| entry.is_file());
        let before = labels.len();
        for picture in pictures {
            let read = examples::read(&picture, shape, Some(frame), &how)?;
            if read.names.len() != 1 {
                return Err(document(&picture, "it must be one picture"));
            }
            elements.extend(read.elements);
            labels.push(label);
        }
        if labels.len() == before {
            return Err(document(class, "there is no picture of this class"));
        }
    }
    let whole: Vec<usize> = std::iter::once(labels.len()).chain(shape.iter().copied()).collect();
    let all = Examples { inputs: Tensor::from_f32(&whole, elements)?, labels };
    let name = |class: &PathBuf| class.file_name().unwrap_or_default().to_string_lossy().into_owned();
    divided(args, all, classes.iter().map(name).collect())
}

/// The last examples of each class validate, the same part of each, in the order of files.
fn divided(args: &TrainArgs, all: Examples, classes: Vec<String>) -> Result<Split> {
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for class in 0..classes.len() {
        let own: Vec<usize> = (0..all.labels.len()).filter(|&i| all.labels.get(i) == Some(&class)).collect();
        let kept = own.len() - (own.len() as f64 * args.validation).floor() as usize;
        let (first, last) = own.split_at(kept.max(1).min(own.len()));
        training.extend_from_slice(first);
        validation.extend_from_slice(last);
    }
    let others = if validation.is_empty() { None } else { Some(all.at(&validation)?) };
    Ok(Split { training: all.at(&training)?, validation: others, classes })
}

fn file(args: &TrainArgs, path: &Path, shape: &[usize]) -> Result<Split> {
    let bytes = read_bytes(path)?;
    let wrong = |reason: String| document(path, reason);
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| wrong(format!("it is neither a folder nor a safetensors file: {error}")))?;
    let has = |name: &str| file.names().contains(&name);
    let prefix = if has("images") { "" } else { "train_" };
    let part = |prefix: &str| -> Result<Examples> {
        let [images, labels] = ["images", "labels"].map(|name| format!("{prefix}{name}"));
        let images = named(&bytes, &images).map_err(wrong)?;
        let labels = named(&bytes, &labels).map_err(wrong)?;
        of_tensors(path, images, &labels, shape)
    };
    let all = part(prefix)?;
    let others = if has("val_images") { Some(part("val_")?) } else { None };
    let most =
        all.labels.iter().chain(others.iter().flat_map(|part| &part.labels)).max().copied().unwrap_or(0);
    let classes: Vec<String> = (0..=most).map(|class| class.to_string()).collect();
    match others {
        Some(validation) => Ok(Split { training: all, validation: Some(validation), classes }),
        None => divided(args, all, classes),
    }
}

/// Examples of tensors, whose axis of one channel may be missing.
fn of_tensors(path: &Path, images: Tensor, labels: &Tensor, shape: &[usize]) -> Result<Examples> {
    let labels = (0..labels.data().len()).map(|i| {
        let label = labels.data().get(i).unwrap_or(f64::NAN);
        match label >= 0.0 && label.fract() == 0.0 && label < 65_536.0 {
            true => Ok(label as usize),
            false => Err(document(path, format_args!("label {i} is {label}, which is no number of a class"))),
        }
    });
    let labels = labels.collect::<Result<Vec<usize>>>()?;
    let given = images.shape().to_vec();
    let (count, each) = given.split_first().map_or((0, &[][..]), |(&count, each)| (count, each));
    let is_grey = shape.last() == Some(&1) && each == shape.get(..shape.len() - 1).unwrap_or_default();
    if count != labels.len() || count == 0 || !(each == shape || is_grey) {
        let reason = format_args!(
            "the images are {given:?} and there are {} labels, but the model takes {shape:?}, one for each label",
            labels.len()
        );
        return Err(document(path, reason));
    }
    let elements: Vec<f32> = match images.into_data() {
        Data::F32(elements) => elements,
        Data::U8(bytes) => bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect(),
        other => return Err(document(path, format_args!("images are f32 or u8, not {}", other.dtype()))),
    };
    let whole: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
    Ok(Examples { inputs: Tensor::from_f32(&whole, elements)?, labels })
}
