//! What the arguments of every operation have.

use std::path::{Path, PathBuf};

use clap::Args;
use wgpool::{KernelLayout, Layout, Op, Result};

use crate::files::array::Wanted;

/// The arguments of one operation.
pub trait Arguments {
    /// The operation they describe, on an input of this shape.
    fn op(&self, input: &[usize]) -> Result<Op>;

    /// The files they name.
    fn files(&self) -> Files<'_>;
}

/// A file that an operation reads.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub path: &'a Path,
    /// What the operation takes there.
    pub wanted: Wanted,
    /// Where an array of two axes has the axes that it lacks, each of length 1.
    pub plane: Option<Plane>,
}

/// What an array of two axes is one plane of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Of an image: one channel of a batch of one.
    Image(Layout),
    /// Of a kernel: one input channel and one output channel.
    Kernel(KernelLayout),
}

/// The files of an operation's tensors, in the operation's order.
pub struct Files<'a> {
    pub inputs: Vec<Input<'a>>,
    /// The first is printed if it has no file.
    pub outputs: Vec<Option<&'a Path>>,
}

impl<'a> Files<'a> {
    /// The first input is an image, or a batch of them.
    pub fn image(mut self, layout: impl Into<Layout>) -> Self {
        let plane = Plane::Image(layout.into());
        self.inputs.iter_mut().take(1).for_each(|input| input.plane = Some(plane));
        self
    }

    /// The inputs so far are bytes.
    pub fn bytes(mut self) -> Self {
        self.inputs.iter_mut().for_each(|input| input.wanted = Wanted::Bytes);
        self
    }

    /// Further inputs.
    pub fn reads(self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.and(paths, Wanted::Numbers, None)
    }

    /// A kernel.
    pub fn kernel(self, path: impl IntoIterator<Item = &'a PathBuf>, layout: KernelLayout) -> Self {
        self.and(path, Wanted::Numbers, Some(Plane::Kernel(layout)))
    }

    /// Positions of maxima, in planes of this kind, or numbers of images.
    pub fn positions(self, path: &'a PathBuf, layout: Option<Layout>) -> Self {
        self.and([path], Wanted::Positions, layout.map(Plane::Image))
    }

    fn and(
        mut self,
        paths: impl IntoIterator<Item = &'a PathBuf>,
        wanted: Wanted,
        plane: Option<Plane>,
    ) -> Self {
        self.inputs.extend(paths.into_iter().map(|path| Input { path, wanted, plane }));
        self
    }

    /// Further outputs.
    pub fn writes(mut self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.outputs.extend(paths.into_iter().map(|path| Some(path.as_path())));
        self
    }
}

/// What every operation has.
#[derive(Debug, Args)]
pub struct Common {
    /// The input: an array (.npy, .safetensors), a picture (PNG, JPEG), or - for standard input
    pub input: PathBuf,
    /// The output: .npy, .safetensors, .png, .jpg, or - for NPY on standard output [default: it is printed]
    #[arg(short, long, alias = "out", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Common {
    pub fn files(&self) -> Files<'_> {
        let input = Input { path: &self.input, wanted: Wanted::Numbers, plane: None };
        Files { inputs: vec![input], outputs: vec![self.output.as_deref()] }
    }
}
