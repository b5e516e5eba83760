//! Contact sheets: a digit, the first convolution's channels and the pooled channels, as PNG.

use std::fs;
use std::io::Write;
use std::path::Path;

use wgpool::{Activation, Conv, Error, KernelLayout, Layout, Op, Pool, Result, Tensor};

use super::super::backends::Opened;
use super::super::files::{OutputFile, encode_png};
use super::super::terminal::line;
use super::data::{self, Digits};
use crate::batches;

/// The digit that is shown, as in the tutorial.
const SHOWN: usize = 7;

/// Pixels between tiles, and their grey.
const SEPARATOR: usize = 2;
const SEPARATOR_GREY: u8 = 96;

/// Tiles are enlarged to about this many pixels, each element to a square.
const TILE: usize = 208;

/// Computes the channels on the backend and writes the sheets into `folder`.
pub fn write(opened: &Opened, digits: &Digits, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let at = digits.labels.iter().position(|&label| label == SHOWN).unwrap_or(0);
    let digit = batches::slice(&digits.images, at, 1)?;
    let conv =
        Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).activation(Activation::Relu);
    let (kernel, bias) = (data::weight("conv1.kernel")?, data::weight("conv1.bias")?);
    let convolved = first(opened.backend.run(&conv.into(), &[&digit, &kernel, &bias])?)?;
    let pool = Op::from(Pool::max([2, 2]).layout(Layout::Nhwc));
    let pooled = first(opened.backend.run(&pool, &[&convolved])?)?;

    fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })?;
    let sheets = [
        ("digit.png", &digit, "the digit"),
        ("conv1.png", &convolved, "the first convolution's channels"),
        ("pool1.png", &pooled, "the same channels after 2x2 max pooling"),
    ];
    let mut files = Vec::new();
    for (name, tensor, what) in sheets {
        let (width, height, pixels) = sheet(tensor)?;
        let path = folder.join(name);
        let mut file = OutputFile::create(&path)?;
        file.write(&encode_png(width as u32, height as u32, pixels)?)?;
        files.push(file);
        line(out, format_args!("  {}: {what}", path.display()))?;
    }
    files.into_iter().try_for_each(OutputFile::publish)
}

/// The only output.
fn first(results: Vec<Tensor>) -> Result<Tensor> {
    let got = results.len();
    results.into_iter().next().ok_or(Error::Arity { op: "demonstration", expected: "one (output)", got })
}

/// The channels of `[1, height, width, channels]` as tiles: width, height and pixels.
///
/// All tiles share one scale, so that bright channels stay brighter than dim ones.
fn sheet(tensor: &Tensor) -> Result<(usize, usize, Vec<u8>)> {
    let &[_, rows, columns, channels] = tensor.shape() else {
        return Err(Error::Rank {
            op: "contact sheet",
            tensor: "the channels",
            got: tensor.shape().len(),
            shape: tensor.shape().to_vec(),
            rule: "it must be 4: batch, height, width, channels".into(),
        });
    };
    let elements = tensor.as_f32()?;
    let most = elements.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let zoom = (TILE / columns.max(1)).max(1);
    let across = (1..=channels).find(|n| n * n >= channels).unwrap_or(1);
    let down = channels.div_ceil(across);
    let pitch = (columns * zoom + SEPARATOR, rows * zoom + SEPARATOR);
    let (width, height) = (across * pitch.0 + SEPARATOR, down * pitch.1 + SEPARATOR);
    let mut pixels = vec![SEPARATOR_GREY; width * height];
    for channel in 0..channels {
        let left = channel % across * pitch.0 + SEPARATOR;
        let top = channel / across * pitch.1 + SEPARATOR;
        for (y, x) in (0..rows * zoom).flat_map(|y| (0..columns * zoom).map(move |x| (y, x))) {
            let value = elements[(y / zoom * columns + x / zoom) * channels + channel];
            // The conversion saturates, and NaN becomes black.
            pixels[(top + y) * width + left + x] = (value / most * 255.0).round() as u8;
        }
    }
    Ok((width, height, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_in_a_square() {
        let tensor = Tensor::from_f32(&[1, 1, 1, 3], vec![0.0, 1.0, 2.0]).expect("a legal shape");
        let (width, height, pixels) = sheet(&tensor).expect("a sheet");
        assert_eq!((width, height), (2 * TILE + 3 * SEPARATOR, 2 * TILE + 3 * SEPARATOR));
        let tile = |x: usize, y: usize| {
            let at = |i: usize| i * (TILE + SEPARATOR) + SEPARATOR;
            pixels[at(y) * width + at(x)]
        };
        assert_eq!((tile(0, 0), tile(1, 0), tile(0, 1), tile(1, 1)), (0, 128, 255, SEPARATOR_GREY));
    }
}
