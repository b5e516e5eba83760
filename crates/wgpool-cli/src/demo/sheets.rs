//! Contact sheets: a digit, the first convolution's channels and the pooled channels, as PNG.

use std::fs;
use std::io::Write;
use std::path::Path;

use wgpool::{Activation, Conv, Error, KernelLayout, Layout, Op, Pool, Result, Tensor};

use super::super::backends::Opened;
use super::super::files::sheet::{self, Scale};
use super::super::files::{OutputFile, encode_png};
use super::super::terminal::line;
use super::data::{self, Digits};
use crate::batches;

/// The digit that is shown, as in the tutorial.
const SHOWN: usize = 7;

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
        let (width, height, pixels) = sheet::draw(tensor, Layout::Nhwc, Scale::Shared)?;
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
