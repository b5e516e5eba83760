//! Examples for a model, from arrays and pictures.

use std::collections::VecDeque;
use std::path::Path;

use wgpool::text::escaped;
use wgpool::{Data, Result, Tensor};

use super::document;
use super::files::array::{Elements, Wanted, convert};
use super::files::{self, Format, Resize, read_picture};
use super::terminal::note;

/// Examples of one file, with the name each goes by.
#[derive(Default)]
pub struct Examples {
    pub names: VecDeque<String>,
    pub elements: VecDeque<f32>,
}

impl Examples {
    /// Takes the first `count` away.
    pub fn take(&mut self, count: usize, shape: &[usize]) -> Result<(Vec<String>, Tensor)> {
        let count = count.min(self.names.len());
        let each: usize = shape.iter().product();
        let names = self.names.drain(..count).collect();
        let elements = self.elements.drain(..count * each).collect();
        let shape: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
        Ok((names, Tensor::from_f32(&shape, elements)?))
    }

    /// Puts others behind these.
    pub fn append(&mut self, mut others: Examples) {
        self.names.append(&mut others.names);
        self.elements.append(&mut others.elements);
    }
}

/// How files are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub resize: Option<Resize>,
    pub cast: bool,
}

/// Reads the examples of one file in the shape that the model takes.
pub fn read(path: &Path, shape: &[usize], how: Reading) -> Result<Examples> {
    let (bytes, format) = files::read(path)?;
    if format.is_picture() {
        return picture(path, (&bytes, format), shape, how.resize);
    }
    let array = files::array_of(path, &bytes, format)?;
    let given = array.shape.clone();
    // One example may come without the axis of the batch, and grey pictures without that of the channel.
    let grey = match shape {
        [plane @ .., 1] | [1, plane @ ..] => plane,
        _ => shape,
    };
    let fits = |given: &[usize]| given == shape || given == grey;
    let count = match given.split_first() {
        _ if fits(&given) => 1,
        Some((&count, each)) if fits(each) => count,
        _ => {
            let rule =
                format_args!("its shape is {given:?}, but the model takes {shape:?}, alone or as a batch");
            return Err(document(path, rule));
        }
    };
    let name = name(path);
    let names = if count == 1 { vec![name] } else { (0..count).map(|i| format!("{name}[{i}]")).collect() };
    let is_bytes = matches!(array.elements, Elements::Same(Data::U8(_)));
    // Models are given all floats, and bytes, as they mostly come.
    let is_usual = array.stored.is_none()
        && (is_bytes || matches!(&array.elements, Elements::Same(data) if data.dtype().is_float()));
    let (tensor, changed) =
        convert(array, Wanted::Floats, how.cast).map_err(|reason| document(path, reason))?;
    if let Some(what) = changed.filter(|_| !is_usual) {
        let scaled = if is_bytes { "" } else { "; only u8 is divided by 255" };
        note(&format!("{}: {what}{scaled}", path.display()));
    }
    let Data::F32(mut elements) = tensor.into_data() else { return Err(document(path, "it is no f32")) };
    if is_bytes {
        elements.iter_mut().for_each(|byte| *byte /= 255.0);
    }
    Ok(Examples { names: names.into(), elements: elements.into() })
}

/// Reads a picture for a model of channels last, or first.
fn picture(path: &Path, file: (&[u8], Format), shape: &[usize], resize: Option<Resize>) -> Result<Examples> {
    let is_channels = |n: usize| matches!(n, 1 | 3 | 4);
    let (height, width, channels, first) = match *shape {
        [h, w, c] if is_channels(c) => (h, w, c, false),
        [c, h, w] if is_channels(c) => (h, w, c, true),
        [h, w] => (h, w, 1, false),
        _ => {
            return Err(document(
                path,
                format_args!("the model takes {shape:?}, which is no picture's shape"),
            ));
        }
    };
    let pixels = read_picture(path, file, [height, width, channels], resize)?;
    let pixels = pixels.as_f32()?;
    let elements: Vec<f32> = if first {
        (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect()
    } else {
        pixels.to_vec()
    };
    Ok(Examples { names: [name(path)].into(), elements: elements.into() })
}

/// What an example goes by in the table.
pub fn name(path: &Path) -> String {
    escaped(&path.to_string_lossy()).into_owned()
}
