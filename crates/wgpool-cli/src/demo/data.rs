//! What the demonstration reads, inside the binary so that it runs anywhere.

use wgpool::{Data, Error, Result, Tensor};
use wgpool_net::{Model, keras};

use super::super::files::named;

const CONFIG: &str = include_str!("../../data/mnist/config.json");
const WEIGHTS: &[u8] = include_bytes!("../../data/mnist/weights.safetensors");
const DIGITS: &[u8] = include_bytes!("../../data/mnist/test_digits.safetensors");
const SEVEN: &str = include_str!("../../data/seven.json");

/// Handwritten digits, what they are, and what Keras makes of them.
pub struct Digits {
    /// `[N, 28, 28, 1]`, from 0 to 1.
    pub images: Tensor,
    /// The class of each.
    pub labels: Vec<usize>,
    /// Keras' probabilities, ten for each.
    pub probabilities: Vec<f32>,
}

/// The network.
pub fn model() -> Result<Model> {
    keras::from_config(CONFIG, WEIGHTS)
}

/// A weight of the network, by its name in the file.
pub fn weight(name: &str) -> Result<Tensor> {
    named(WEIGHTS, name).map_err(|reason| broken("weights.safetensors", reason))
}

/// The test digits.
pub fn digits() -> Result<Digits> {
    let tensor = |name| named(DIGITS, name).map_err(|reason| broken("test_digits.safetensors", reason));
    let images = tensor("images")?;
    let (shape, Data::U8(pixels)) = (images.shape().to_vec(), images.into_data()) else {
        return Err(broken("test_digits.safetensors", "the images are not bytes"));
    };
    let Data::U8(labels) = tensor("labels")?.into_data() else {
        return Err(broken("test_digits.safetensors", "the labels are not bytes"));
    };
    let pixels = pixels.into_iter().map(|byte| f32::from(byte) / 255.0).collect();
    let shape: Vec<usize> = shape.into_iter().chain([1]).collect();
    Ok(Digits {
        images: Tensor::from_f32(&shape, pixels)?,
        labels: labels.into_iter().map(usize::from).collect(),
        probabilities: tensor("probabilities")?.as_f32()?.to_vec(),
    })
}

/// The tutorial's seven: a convolution's output `[1, 1, 26, 26]`, and the pooled `[1, 1, 13, 13]` it must give.
pub fn seven() -> Result<(Tensor, Tensor)> {
    let json: serde_json::Value = serde_json::from_str(SEVEN).map_err(|e| broken("seven.json", e))?;
    let plane = |key: &str, side: usize| {
        let rows = json.get(key).and_then(serde_json::Value::as_array);
        let rows = rows.ok_or_else(|| broken("seven.json", format_args!("{key} is missing")))?;
        let elements = rows.iter().filter_map(serde_json::Value::as_array).flatten();
        let elements = elements.filter_map(serde_json::Value::as_f64).map(|v| v as f32).collect();
        Tensor::from_f32(&[1, 1, side, side], elements)
    };
    Ok((plane("input_26x26", 26)?, plane("max_pool_2x2_stride_2_13x13", 13)?))
}

/// An error of data that came with the program.
fn broken(document: &str, reason: impl std::fmt::Display) -> Error {
    Error::Document { document: document.to_owned(), reason: reason.to_string() }
}
