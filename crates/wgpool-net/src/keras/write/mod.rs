//! Models as Keras' configurations. What is written is read back, so that whatever Keras has no layer for is an error and not another
//! network.

mod activation;
mod fields;
mod layers;
mod model;
mod same;

use super::architecture;
use crate::Model;
use wgpool::error::Result;

/// The configuration of a model, as `model.to_json()` of Keras 3 writes it: [`architecture`] reads it, and so does
/// `keras.models.model_from_json`.
///
/// A model whose only input and output are named `input` and `output`, as [`Model::new`] names them, and whose layers are in a
/// row, becomes a `Sequential`, any other a `Functional`, whose outputs have the names of their layers. Noise and random changes
/// of images become `Identity`: a model does not keep their fields, and they do nothing where it predicts. Weights are not
/// part of a configuration: [`Model::weights`] has them.
///
/// # Errors
/// [`Error::Layer`](wgpool::Error::Layer) for a layer that Keras has none for, with what it would become (padding by numbers, kernels in the order `OIHW`,
/// pooling by powers, numbers in an activation that Keras does not let one choose), for a layer that nothing calls, and for a name that
/// two have or that holds a stroke; [`Error::Document`](wgpool::Error::Document) for a model without layers; those of [`Model::output_shapes`].
///
/// ```
/// use wgpool_net::{LayerKind, Model, Weight, keras};
/// use wgpool::{Activation, Dense};
/// let dense = LayerKind::Dense {
///     spec: Dense::new().activation(Activation::Relu),
///     kernel: Weight::Shape(vec![4, 2]),
///     bias: None,
/// };
/// let model = Model::new("tiny", [4]).layer("dense", dense);
/// assert_eq!(keras::architecture(keras::config_json(&model)?)?, model);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn config_json(model: &Model) -> Result<String> {
    let json = model::document(model)?.to_string();
    let read = architecture(&json)?;
    same::check(model, &read)?;
    Ok(json)
}
