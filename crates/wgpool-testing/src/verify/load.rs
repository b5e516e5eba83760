//! The tensors of a case.

use std::path::Path;

use safetensors::SafeTensors;

use super::array::{Array, Element};
use super::manifest::{Case, Port, read_bounded};
use wgpool::error::{Error, Result};

/// A file of more bytes than this is refused unread.
const MOST_BYTES: u64 = 1 << 30;

/// Inputs and expected outputs.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// What goes in; arrays without elements if the case has no file.
    pub inputs: Vec<Array>,
    /// What must come out.
    pub outputs: Vec<Array>,
    /// What tolerances of outputs' elements are multiples of, where they have such.
    pub scales: Vec<Option<Array>>,
}

/// Reads the tensors of `case` from its file in `dir`.
///
/// # Errors
/// [`Error::File`], and [`Error::Document`] if the file does not hold what the manifest says.
pub fn load(dir: &Path, case: &Case) -> Result<Tensors> {
    let element = |port: &Port| {
        port.element.ok_or_else(|| Error::Document {
            document: "manifest.json".into(),
            reason: format!("{}: tensor {} has a type that cannot be read", case.name, port.name),
        })
    };
    let Some(name) = &case.file else {
        let unknown = |p: &Port| Ok(Array::unknown(element(p)?, &p.shape));
        return Ok(Tensors {
            inputs: case.inputs.iter().map(unknown).collect::<Result<_>>()?,
            outputs: case.outputs.iter().map(unknown).collect::<Result<_>>()?,
            scales: vec![None; case.outputs.len()],
        });
    };
    let bytes = read_bounded(&dir.join(name), MOST_BYTES)?;
    let wrong = |reason: String| Error::Document { document: name.clone(), reason };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
    let read = |side: &str, port: &Port| -> Result<Array> {
        let element = element(port)?;
        let key = port.tensor.clone().unwrap_or_else(|| format!("{side}.{}", port.name));
        let view = file.tensor(&key).map_err(|e| wrong(format!("{key}: {e}")))?;
        if Element::named(&view.dtype().to_string()) != Some(element) || view.shape() != port.shape {
            return Err(wrong(format!(
                "{key} is {:?} of {}, but the manifest says {:?} of {}",
                view.shape(),
                view.dtype(),
                port.shape,
                element
            )));
        }
        Array::from_bytes(element, &port.shape, view.data())
    };
    let scale = |port: &Port| {
        let of =
            |key: &String| Port { tensor: Some(key.clone()), element: Some(Element::BF16), ..port.clone() };
        port.scale.as_ref().map(|key| read("scale", &of(key))).transpose()
    };
    Ok(Tensors {
        inputs: case.inputs.iter().map(|p| read("in", p)).collect::<Result<_>>()?,
        outputs: case.outputs.iter().map(|p| read("out", p)).collect::<Result<_>>()?,
        scales: case.outputs.iter().map(scale).collect::<Result<_>>()?,
    })
}
