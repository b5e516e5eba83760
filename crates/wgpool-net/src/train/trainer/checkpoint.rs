//! All that a training run is, as one safetensors file: what goes on from it has the same bits.

use std::collections::{BTreeMap, HashMap};

use super::metrics::{Metrics, Sum};
use super::{EpochReport, Position, Trainer};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, Tensor};

const FORMAT: &str = "wgpool training 1";

fn wrong(reason: impl Into<String>) -> Error {
    Error::document("training checkpoint", reason)
}

/// Tensors of f32 in the order of their names, with what is said of them.
fn serialised(tensors: &[(String, Tensor)], about: Option<HashMap<String, String>>) -> Result<Vec<u8>> {
    let mut views = BTreeMap::new();
    for (name, tensor) in tensors {
        if tensor.dtype() != DType::F32 {
            return Err(wrong(format!("{name} is of {}", tensor.dtype())));
        }
        let bytes = tensor.data().as_bytes();
        let view = TensorView::new(Dtype::F32, tensor.shape().to_vec(), bytes);
        views.insert(name.clone(), view.map_err(|error| wrong(error.to_string()))?);
    }
    safetensors::serialize(views, about).map_err(|error| wrong(error.to_string()))
}

/// Numbers are stored by their bits, so that none is rounded.
fn metrics(of: &Metrics) -> Value {
    json!({ "loss": of.loss.to_bits(), "accuracy": of.accuracy.map(f64::to_bits) })
}

fn bits(of: &Value, name: &str) -> Result<u64> {
    of.get(name).and_then(Value::as_u64).ok_or_else(|| wrong(format!("it lacks the number {name}")))
}

fn float(of: &Value, name: &str) -> Result<f64> {
    bits(of, name).map(f64::from_bits)
}

fn read_metrics(of: &Value) -> Result<Metrics> {
    let accuracy = of.get("accuracy").filter(|accuracy| !accuracy.is_null());
    let accuracy = accuracy.map(|_| float(of, "accuracy")).transpose()?;
    Ok(Metrics { loss: float(of, "loss")?, accuracy })
}

impl Trainer {
    /// What of the settings the numbers depend on.
    fn fingerprint(&self) -> String {
        let recompute = super::super::settings::Recompute::Nothing;
        let settings = super::Settings { in_flight: 1, recompute, ..self.settings };
        format!("{} {settings:?}", self.network.name())
    }

    /// Weights, states of the optimiser, the position in the data and what random numbers are drawn from: another trainer of the
    /// same network and settings that [`restores`](Trainer::restore_async) it goes on with the same bits.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn checkpoint_async(&self) -> Result<Vec<u8>> {
        let Position { epoch, examples, sum } = self.position;
        let history: Vec<Value> = (self.history.iter())
            .map(|EpochReport { epoch, training, validation }| {
                let validation = validation.as_ref().map(metrics);
                json!({ "epoch": epoch, "training": metrics(training), "validation": validation })
            })
            .collect();
        let state = json!({
            "of": self.fingerprint(),
            "steps": self.steps,
            "epoch": epoch,
            "examples": examples,
            "sum": {
                "examples": sum.examples,
                "loss": sum.loss.to_bits(),
                "right": sum.right.to_bits(),
                "has_classes": sum.has_classes,
            },
            "history": history,
        });
        let about = [("format", FORMAT.to_owned()), ("state", state.to_string())];
        let about = about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let names = self.variables.iter().map(|variable| variable.name.clone());
        let tensors: Vec<(String, Tensor)> = names.zip(self.place.get().await?).collect();
        serialised(&tensors, Some(about))
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// [`Error::Document`] for bytes that are no checkpoint, or one of another network or other settings, with both; nothing has
    /// changed then. Those of the backend.
    pub async fn restore_async(&mut self, checkpoint: &[u8]) -> Result<()> {
        let broken = |error: safetensors::SafeTensorError| wrong(error.to_string());
        let (_, about) = SafeTensors::read_metadata(checkpoint).map_err(broken)?;
        let file = SafeTensors::deserialize(checkpoint).map_err(broken)?;
        let said = |name: &str| about.metadata().as_ref().and_then(|about| about.get(name));
        if said("format").map(String::as_str) != Some(FORMAT) {
            return Err(wrong(format!("it is none: its format is {:?}, not {FORMAT:?}", said("format"))));
        }
        let state = said("state").map_or("", String::as_str);
        let state: Value = serde_json::from_str(state).map_err(|error| wrong(error.to_string()))?;
        let of = state.get("of").and_then(Value::as_str).unwrap_or_default();
        if of != self.fingerprint() {
            return Err(wrong(format!("it is of {of}, but this training is of {}", self.fingerprint())));
        }
        let mut values = Vec::with_capacity(self.variables.len());
        for variable in &self.variables {
            let name = &variable.name;
            let view = file.tensor(name).map_err(|_| wrong(format!("it lacks the tensor {name}")))?;
            if view.shape() != variable.desc.shape || view.dtype() != Dtype::F32 {
                let (shape, expected) = (view.shape(), &variable.desc);
                return Err(wrong(format!(
                    "{name} is {shape:?} of {:?}, but must be {expected}",
                    view.dtype()
                )));
            }
            values.push(Tensor::new(view.shape(), Data::from_bytes(DType::F32, view.data())?)?);
        }
        let whole = |of: &Value, name: &str| -> Result<usize> {
            usize::try_from(bits(of, name)?).map_err(|_| wrong(format!("{name} is too large")))
        };
        let sum = state.get("sum").unwrap_or(&Value::Null);
        let sum = Sum {
            examples: whole(sum, "examples")?,
            loss: float(sum, "loss")?,
            right: float(sum, "right")?,
            has_classes: sum.get("has_classes").and_then(Value::as_bool).unwrap_or(false),
        };
        let mut history = Vec::new();
        for epoch in state.get("history").and_then(Value::as_array).into_iter().flatten() {
            let part = |name: &str| epoch.get(name).unwrap_or(&Value::Null);
            let validation = Some(part("validation")).filter(|validation| !validation.is_null());
            history.push(EpochReport {
                epoch: bits(epoch, "epoch")?,
                training: read_metrics(part("training"))?,
                validation: validation.map(read_metrics).transpose()?,
            });
        }
        let position = Position { epoch: bits(&state, "epoch")?, examples: whole(&state, "examples")?, sum };
        let steps = bits(&state, "steps")?;
        self.place.set(values).await?;
        (self.steps, self.position, self.history) = (steps, position, history);
        Ok(())
    }

    /// The weights as safetensors, by the names and in the shapes by which [`keras::from_config`](crate::keras::from_config) reads them,
    /// `layer.weight`; of a network that is a program by its own names.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn weights_safetensors_async(&self) -> Result<Vec<u8>> {
        let weights = match self.model_async().await? {
            Some(model) => {
                let dotted = |name: String| match name.rsplit_once('/') {
                    Some((layer, weight)) => format!("{layer}.{weight}"),
                    None => name,
                };
                model.weights()?.into_iter().map(|(name, tensor)| (dotted(name), tensor)).collect()
            }
            None => self.weights_async().await?,
        };
        serialised(&weights, None)
    }
}
