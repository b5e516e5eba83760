//! Models of ONNX, and of Keras where any model will do.

pub mod check;
mod example;
mod inputs;
pub mod run;
pub mod summary;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::document;
use wgpool::{Error, Result};
use wgpool_net::onnx::{self, Dim, ElementType, Options, TensorType};
use wgpool_net::{Model, Program, keras};

/// Whether a file is an ONNX model: by its first byte, which is that of the format's version; where that tells nothing, by its
/// name.
pub fn is_onnx(path: &Path) -> bool {
    let is_named = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("onnx"));
    let mut first = [0u8];
    // What is no file is not opened twice; what cannot be read is told where the model is.
    let is_read =
        path.is_file() && File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok());
    match first {
        _ if !is_read => is_named,
        [8] => true,
        [b'P' | b'{'] => false,
        _ => is_named,
    }
}

/// A model whose shapes may still be open.
pub enum Network {
    Onnx { bytes: Vec<u8>, folder: onnx::Folder },
    Keras(Box<Model>),
}

/// An input as a model declares it.
pub struct Declared {
    pub name: String,
    pub elements: ElementType,
    /// Its axes, none for lengths that are open; none at all if not even their number is known.
    pub lengths: Option<Vec<Option<usize>>>,
    /// Type and axes, as the file has them.
    pub text: String,
}

impl Network {
    /// Reads a model, with weights of Keras that lie in a file of their own.
    pub fn load(path: &Path, weights: Option<&Path>) -> Result<Network> {
        if !is_onnx(path) {
            return Ok(Network::Keras(Box::new(keras::load(path, weights)?)));
        }
        if let Some(weights) = weights {
            return Err(document(weights, "weights are in the ONNX model, or in the files that it names"));
        }
        Ok(Network::Onnx { bytes: onnx::read(path)?, folder: onnx::Folder::of_model(path)? })
    }

    /// The model's name.
    pub fn name(&self) -> Result<String> {
        Ok(match self {
            Network::Onnx { bytes, .. } => onnx::Model::parse(bytes)?.graph().name().to_owned(),
            Network::Keras(model) => model.name.clone(),
        })
    }

    /// What goes in.
    pub fn inputs(&self) -> Result<Vec<Declared>> {
        match self {
            Network::Onnx { bytes, .. } => {
                let declared = |input: onnx::ValueInfo<'_>| {
                    let ty = input.tensor_type()?;
                    let lengths = |dims: &Vec<Dim<'_>>| dims.iter().map(Dim::length).collect();
                    Ok(Declared {
                        name: input.name().to_owned(),
                        elements: ty.elements.unwrap_or(ElementType::F32),
                        lengths: ty.dims.as_ref().map(lengths),
                        text: type_text(&ty),
                    })
                };
                onnx::Model::parse(bytes)?.inputs().map(declared).collect()
            }
            Network::Keras(model) => {
                let declared = |input: &wgpool_net::Input| {
                    let axes: String = input.shape.iter().map(|n| format!(", {n}")).collect();
                    Declared {
                        name: input.name.clone(),
                        elements: ElementType::F32,
                        lengths: Some(
                            std::iter::once(None).chain(input.shape.iter().copied().map(Some)).collect(),
                        ),
                        text: format!("float [None{axes}]"),
                    }
                };
                Ok(model.inputs.iter().map(declared).collect())
            }
        }
    }

    /// The operations for a batch of this size: the first axis of each input, where its length is open.
    pub fn batch(&self, batch: usize, dims: &[(String, usize)]) -> Result<Program> {
        let mut options = dims.iter().fold(Options::default(), |options, (name, n)| options.dim(name, *n));
        for Declared { name, lengths, .. } in self.inputs()? {
            match lengths.as_deref() {
                Some([None, rest @ ..]) if rest.iter().all(Option::is_some) => {
                    let shape: Vec<usize> =
                        std::iter::once(batch).chain(rest.iter().copied().flatten()).collect();
                    options = options.shape(name, shape);
                }
                Some([Some(own), ..]) if *own != batch => {
                    let rule =
                        format!("the input {name} has the batch {own} in the file: give --batch {own}");
                    return Err(Error::parameter("command line", "--batch", batch, rule));
                }
                _ => {}
            }
        }
        self.program(&options, true)
    }

    /// The operations for the shapes of `options`.
    pub fn program(&self, options: &Options, is_joined: bool) -> Result<Program> {
        match self {
            Network::Onnx { bytes, folder } => {
                let model = onnx::Model::parse(bytes)?;
                let program = model.program_with(options, |tensor| folder.read(tensor))?;
                if is_joined { program.optimised() } else { Ok(program) }
            }
            Network::Keras(_) if !options.dims.is_empty() => {
                let names: Vec<&str> = options.dims.keys().map(String::as_str).collect();
                let rule = "axes of Keras models have no names: give the shape of the input by --shape";
                Err(Error::parameter("command line", "--dim", names.join(", "), rule))
            }
            Network::Keras(model) => {
                let batch = options.shapes.values().next().and_then(|shape| shape.first());
                model.program(batch.copied().unwrap_or(1))
            }
        }
    }
}

/// A type as a file declares it.
fn type_text(ty: &TensorType<'_>) -> String {
    format!("{} {}", ty.elements.map_or("of any type", ElementType::name), axes_text(ty))
}

/// The axes as a file declares them.
fn axes_text(ty: &TensorType<'_>) -> String {
    ty.axes().unwrap_or_else(|| "of any shape".to_owned())
}
