//! Keras 3 models, `Sequential` or `Functional`, read from a configuration (JSON) with safetensors or a `.keras` archive, and written as
//! a configuration.
//!
//! Nothing in the documents is ignored in silence that would change a result: unknown layers, activations and
//! leftover weights are errors that name the layer.

mod activation;
#[cfg(feature = "keras-archive")]
mod archive;
mod building;
mod config;
mod fields;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod functional;
mod layers;
mod scaling;
mod shapes;
mod weights;
mod write;

use super::Model;
use wgpool::error::Result;

#[cfg(not(target_arch = "wasm32"))]
pub use files::{load, load_architecture};
pub use write::config_json;

/// The model of a configuration as `model.to_json()` writes it, its weights known by their shapes alone.
///
/// That is enough for [`Model::summary`] and [`Model::parameters`].
///
/// # Errors
/// [`Error::Document`](wgpool::Error::Document) if it is no configuration of such a model; [`Error::Layer`](wgpool::Error::Layer) and [`Error::InLayer`](wgpool::Error::InLayer) if a
/// layer is unknown or cannot be computed, with its name.
///
/// ```
/// let model = wgpool_net::keras::architecture(br#"{"class_name": "Sequential", "config": {"name": "tiny", "layers": [
///     {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [null, 28, 28, 1]}},
///     {"class_name": "Conv2D", "config": {"name": "conv", "filters": 5, "kernel_size": [3, 3]}}]}}"#)?;
/// assert_eq!(model.parameters().total(), 50);
/// assert_eq!(model.output_shapes()?, [[26, 26, 5]]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn architecture(config_json: impl AsRef<[u8]>) -> Result<Model> {
    config::architecture(config_json.as_ref(), None)
}

/// The model of a configuration, with weights from safetensors whose tensors are named `<layer>.kernel`,
/// `<layer>.bias`, `<layer>.gamma`, `<layer>.beta`, `<layer>.moving_mean`, `<layer>.moving_variance`, and so on as Keras names
/// weights: `<layer>.depthwise_kernel`, `<layer>.pointwise_kernel`, `<layer>.mean`, `<layer>.variance`.
///
/// # Errors
/// Those of [`architecture`]; [`Error::Layer`](wgpool::Error::Layer) if a weight is missing, has another shape or type, or is one too
/// many; [`Error::Document`](wgpool::Error::Document) if the safetensors cannot be read.
pub fn from_config(config_json: impl AsRef<[u8]>, weights_safetensors: &[u8]) -> Result<Model> {
    let mut model = architecture(config_json)?;
    weights::from_safetensors(&mut model, weights_safetensors)?;
    Ok(model)
}

/// The model of a `.keras` archive, with its weights.
///
/// Archives are read by other crates (`zip`, `hdf5-reader`). If one of these panics, that is an error here too, except
/// in a program built with `panic = "abort"` (every one for browsers is), which it would end: such a program should read
/// archives it trusts, or a configuration with safetensors.
///
/// # Errors
/// [`Error::Document`](wgpool::Error::Document) if it is no such archive or holds no such model, and those of [`from_config`].
#[cfg(feature = "keras-archive")]
pub fn from_archive(bytes: &[u8]) -> Result<Model> {
    archive::load(std::io::Cursor::new(bytes), true)
}
