//! Examples for a model, from arrays and pictures.

use std::collections::VecDeque;
use std::path::Path;

use wgpool::text::escaped;
use wgpool::{Data, Error, Layout, Result, Tensor};

use super::document;
use super::files::array::{Elements, Wanted, convert};
use super::files::{self, Fit, Format, read_picture};
use super::terminal::note;

/// Examples of one file, with the name each goes by.
#[derive(Default)]
pub struct Examples {
    pub names: VecDeque<String>,
    pub elements: VecDeque<f32>,
}

impl Examples {
    /// Takes the first `count` away; with zeros behind them up to `whole`, for models that take so many.
    pub fn take(
        &mut self,
        count: usize,
        shape: &[usize],
        whole: Option<usize>,
    ) -> Result<(Vec<String>, Tensor)> {
        let count = count.min(self.names.len());
        let each: usize = shape.iter().product();
        let names = self.names.drain(..count).collect();
        let mut elements: Vec<f32> = self.elements.drain(..count * each).collect();
        let all = whole.unwrap_or(count);
        elements.resize(all * each, 0.0);
        let shape: Vec<usize> = std::iter::once(all).chain(shape.iter().copied()).collect();
        Ok((names, Tensor::from_f32(&shape, elements)?))
    }

    /// Puts others behind these.
    pub fn append(&mut self, mut others: Examples) {
        self.names.append(&mut others.names);
        self.elements.append(&mut others.elements);
    }
}

/// The pictures that a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub layout: Layout,
}

impl Frame {
    /// What a shape without the batch says, if it is a picture's: channels last where it may be both, as Keras has them.
    pub fn of(shape: &[usize]) -> Option<Frame> {
        let is_channels = |n: usize| matches!(n, 1 | 3 | 4);
        let (height, width, channels, layout) = match *shape {
            [h, w, c] if is_channels(c) => (h, w, c, Layout::Nhwc),
            [c, h, w] if is_channels(c) => (h, w, c, Layout::Nchw),
            [h, w] => (h, w, 1, Layout::Nhwc),
            _ => return None,
        };
        Some(Frame { height, width, channels, layout })
    }
}

/// How files are read.
#[derive(Clone, Debug)]
pub struct Reading {
    pub fit: Option<Fit>,
    pub cast: bool,
    pub numbers: Numbers,
}

/// What becomes of the numbers from 0 to 1 that pictures are read as: `(scale * number - mean) / std` of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Whether blue comes first.
    pub bgr: bool,
    pub scale: f32,
    /// One number, or one for each channel of the model; none for 0.
    pub mean: Vec<f32>,
    /// Likewise; none for 1.
    pub std: Vec<f32>,
}

impl Numbers {
    fn is_none(&self) -> bool {
        !self.bgr && self.scale == 1.0 && self.mean.is_empty() && self.std.is_empty()
    }

    fn apply(&self, elements: &mut [f32], shape: &[usize], frame: Option<Frame>) -> Result<()> {
        if self.is_none() {
            return Ok(());
        }
        let refused = |flag, value: &dyn std::fmt::Debug, rule: String| {
            Err(Error::parameter("command line", flag, value, rule))
        };
        let Some(Frame { height, width, channels, layout }) = frame else {
            let rule = format!("it is for models of pictures, but this one takes {shape:?}");
            return refused("--channels, --scale, --mean or --std", self, rule);
        };
        for (flag, values) in [("--mean", &self.mean), ("--std", &self.std)] {
            if !matches!(values.len(), 0 | 1) && values.len() != channels {
                let rule = format!("give one number, or one for each of the model's channels: {channels}");
                return refused(flag, values, rule);
            }
        }
        if self.bgr && channels != 3 {
            return refused("--channels", &"bgr", format!("the model has {channels} channels, not 3"));
        }
        let pixels = height * width;
        let one = |values: &[f32], channel: usize, none| {
            values.get(if values.len() == 1 { 0 } else { channel }).copied().unwrap_or(none)
        };
        let change = |channel: usize, v: f32| {
            (v * self.scale - one(&self.mean, channel, 0.0)) / one(&self.std, channel, 1.0)
        };
        for picture in elements.chunks_exact_mut((pixels * channels).max(1)) {
            // Where each channel of a pixel is.
            let at = |pixel: usize, channel: usize| match layout {
                Layout::Nchw => channel * pixels + pixel,
                Layout::Nhwc => pixel * channels + channel,
            };
            for pixel in 0..pixels {
                if self.bgr {
                    picture.swap(at(pixel, 0), at(pixel, 2));
                }
                for channel in 0..channels {
                    if let Some(v) = picture.get_mut(at(pixel, channel)) {
                        *v = change(channel, *v);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads the examples of one file in the shape that the model takes.
pub fn read(path: &Path, shape: &[usize], frame: Option<Frame>, how: &Reading) -> Result<Examples> {
    let (names, mut elements) = as_stored(path, shape, frame, how)?;
    how.numbers.apply(&mut elements, shape, frame)?;
    Ok(Examples { names: names.into(), elements: elements.into() })
}

/// Their names and numbers as they are in the file: from 0 to 1 where it has bytes.
fn as_stored(
    path: &Path,
    shape: &[usize],
    frame: Option<Frame>,
    how: &Reading,
) -> Result<(Vec<String>, Vec<f32>)> {
    let (bytes, format) = files::read(path)?;
    if format.is_picture() {
        let Some(frame) = frame else {
            let reason = format_args!("the model takes {shape:?}, which is no picture's shape");
            return Err(document(path, reason));
        };
        return Ok((vec![name(path)], picture(path, (&bytes, format), frame, how.fit)?));
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
    Ok((names, elements))
}

/// Reads a picture in the order that the model has.
fn picture(path: &Path, file: (&[u8], Format), frame: Frame, fit: Option<Fit>) -> Result<Vec<f32>> {
    let Frame { height, width, channels, layout } = frame;
    let pixels = read_picture(path, file, [height, width, channels], fit)?;
    let pixels = pixels.as_f32()?;
    Ok(match layout {
        Layout::Nchw => {
            (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect()
        }
        Layout::Nhwc => pixels.to_vec(),
    })
}

/// What an example goes by in the table.
pub fn name(path: &Path) -> String {
    escaped(&path.to_string_lossy()).into_owned()
}
