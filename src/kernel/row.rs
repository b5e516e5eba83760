//! What every kernel says of itself.

use std::fmt;

use super::bindings::Bindings;
use super::block::Block;
use super::text::{INDEX, NUMBER};
use crate::dtype::DType;

/// Invocations of a workgroup. It is below every device's limit (256 in WebGPU, 128 in some drivers).
pub const WORKGROUP: u32 = 64;

/// A kernel. The values of its type are its variants, each of which is a pipeline.
pub(crate) trait Kernel: fmt::Debug {
    /// What this variant is made of.
    fn row(&self) -> Row;

    /// Every variant, for tests to compile and compare; of those with numbers that may be anything, some.
    fn every() -> Vec<Self>
    where
        Self: Sized;
}

/// An `override` constant of a shader, and its value.
pub(crate) type Constant = (&'static str, f64);

/// The lines for a mark.
type Lines = Box<dyn Fn(&str) -> Vec<String>>;

/// All there is to know about a kernel's variant.
pub(crate) struct Row {
    /// The parameters. Their structure ends the text.
    pub block: Block,
    /// The text before it, in parts one behind the other.
    pub text: Vec<&'static str>,
    /// What stands there for a line marked `//: mark`.
    pub lines: Lines,
    /// Type of the elements.
    pub dtype: DType,
    /// Whether it goes through whole words, of as many elements as the type has.
    pub words: bool,
    pub workgroup: u32,
    /// Constants beside the workgroup's size.
    pub constants: Vec<Constant>,
    pub bindings: Bindings,
    /// A texture, and the number of its binding.
    pub texture: Option<(usize, wgpu::BindingType)>,
}

impl Row {
    /// The same with one more constant.
    pub fn with(mut self, name: &'static str, value: impl Into<f64>) -> Row {
        self.constants.push((name, value.into()));
        self
    }

    /// The same with lines that are written for the variant.
    pub fn written(self, lines: impl Fn(&str) -> Vec<String> + 'static) -> Row {
        Row { lines: Box::new(lines), ..self }
    }
}

/// Each of some values with each of others.
pub(crate) fn pairs<A: Copy, B>(
    first: impl IntoIterator<Item = A, IntoIter: Clone>,
    second: impl IntoIterator<Item = B, IntoIter: Clone>,
) -> impl Iterator<Item = (A, B)> + Clone {
    let second = second.into_iter();
    first.into_iter().flat_map(move |a| second.clone().map(move |b| (a, b)))
}

/// A kernel that binds some buffers to read and some to write, and has no constants of its own.
pub(crate) fn row(block: Block, dtype: DType, text: Vec<&'static str>, (reads, writes): (u32, u32)) -> Row {
    let bindings = Bindings { pages: 0, reads, writes, slopes: 0, residuals: 0 };
    let (lines, constants) = (Box::new(|_: &str| Vec::new()), Vec::new());
    Row { block, text, lines, dtype, words: false, workgroup: WORKGROUP, constants, bindings, texture: None }
}

/// A kernel of f32 alone.
pub(crate) fn plain(block: Block, own: &[&'static str], buffers: (u32, u32)) -> Row {
    row(block, DType::F32, [&[INDEX, NUMBER], own].concat(), buffers)
}

/// A kernel of elements of any type, which it reads and writes one at a time.
pub(crate) fn typed(block: Block, dtype: DType, own: &[&'static str], buffers: (u32, u32)) -> Row {
    row(block, dtype, [&[dtype.row().elements, INDEX, NUMBER], own].concat(), buffers)
}

/// A kernel of elements of any type, which it reads and writes by words.
pub(crate) fn by_words(block: Block, dtype: DType, own: &[&'static str], buffers: (u32, u32)) -> Row {
    let text = [&[dtype.row().words, INDEX, NUMBER], own].concat();
    Row { words: true, ..row(block, dtype, text, buffers) }
}
