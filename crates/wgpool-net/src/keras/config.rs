//! The configuration: JSON to a model whose weights are known by their shapes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{Fields, excerpt};
use super::{functional, layers};
use crate::lower::Lowering;
use crate::{Layer, Sequential};
use wgpool::error::{Error, Result};
use wgpool::spec::Layout;

const LONGEST_NAME: usize = 256;

fn bad(reason: impl Into<String>) -> Error {
    Error::document("Keras config", reason)
}

/// `version` is that of Keras which an archive names, where there is one; documents of older versions name it themselves.
pub(super) fn architecture(json: &[u8], version: Option<&str>) -> Result<Sequential> {
    // serde_json refuses more than 128 levels of nesting by itself.
    let document: Value = serde_json::from_slice(json).map_err(|e| bad(format!("not JSON: {e}")))?;
    let straight = match document.get("class_name").and_then(Value::as_str) {
        Some("Sequential") => true,
        Some("Functional" | "Model") => false,
        Some(other) => {
            let supported = "only Sequential and Functional are supported";
            return Err(bad(format!("the model's class is {other}, but {supported}")));
        }
        None => return Err(bad("it lacks class_name, so it is no Keras model")),
    };
    let config = document.get("config").and_then(Value::as_object).ok_or_else(|| bad("it lacks config"))?;
    let name = config.get("name").and_then(Value::as_str).unwrap_or("sequential");
    check_name(name)?;
    let entries =
        config.get("layers").and_then(Value::as_array).ok_or_else(|| bad("its config lacks layers"))?;
    let version = version.or(document.get("keras_version").and_then(Value::as_str)).unwrap_or_default();
    let keras_2 = version.starts_with("2.");
    let entries = entries.iter().enumerate();
    let entries = entries.map(|(i, v)| Ok((fields(name, keras_2, i, v)?, v))).collect::<Result<Vec<_>>>()?;
    let mut names = BTreeSet::new();
    if let Some((twice, _)) = entries.iter().find(|(fields, _)| !names.insert(fields.layer)) {
        return Err(twice.error("two layers have this name"));
    }
    let entries = match straight {
        true => entries.into_iter().map(|(fields, _)| fields).collect(),
        false => functional::row(config, entries)?,
    };
    let input = input_shape(&document, config, &entries)?;
    let batched: Vec<usize> = std::iter::once(1).chain(input.iter().copied()).collect();

    let mut format: Option<(Layout, &str)> = None;
    let has_layout = entries.iter().find(|fields| fields.get("data_format").is_some());
    let whole = has_layout.map_or(Ok(Layout::Nhwc), Fields::layout)?;
    let mut model = Sequential::new(name, input);
    let mut shape = batched;
    for (i, fields) in entries.iter().enumerate() {
        if fields.class == "InputLayer" {
            if i != 0 {
                return Err(fields.error("an InputLayer can only be the first layer"));
            }
            fields.check_dtype()?;
            continue;
        }
        if layers::has_layout(fields.class) {
            let layout = fields.layout()?;
            match format {
                Some((first, by)) if first != layout => {
                    return Err(fields.error(format!(
                        "it has another data_format than layer {by}; a model must use one for all layers"
                    )));
                }
                _ => format = Some((layout, fields.layer)),
            }
        }
        let layer = layers::layer(fields, &shape, whole)?;
        shape = shape_behind(name, &layer, &shape)?;
        model.layers.push(layer);
    }
    if model.layers.is_empty() {
        return Err(bad("the model has no layers"));
    }
    Ok(model)
}

fn shape_behind(model: &str, layer: &Layer, shape: &[usize]) -> Result<Vec<usize>> {
    let mut lowering = Lowering::new(model, shape, false)?;
    lowering.push(layer)?;
    Ok(lowering.shape().to_vec())
}

/// Names end up in messages and tables on a terminal: they must be short and free of control characters.
fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let start: String = name.chars().take(40).collect();
        return Err(bad(format!(
            "the name {start:?} must have 1 to {LONGEST_NAME} bytes and no control characters"
        )));
    }
    Ok(())
}

fn fields<'a>(model: &'a str, keras_2: bool, at: usize, entry: &'a Value) -> Result<Fields<'a>> {
    let part = |key: &str| entry.get(key).ok_or_else(|| bad(format!("layer {at} lacks {key}")));
    let class =
        part("class_name")?.as_str().ok_or_else(|| bad(format!("layer {at}: class_name is no string")))?;
    let map = part("config")?
        .as_object()
        .ok_or_else(|| bad(format!("layer {at} ({class}): config is no object")))?;
    let layer = map.get("name").and_then(Value::as_str);
    let layer = layer.ok_or_else(|| bad(format!("layer {at} ({class}) has no name")))?;
    check_name(layer)?;
    check_name(class)?;
    Ok(Fields { model, keras_2, layer, class, map })
}

/// The input's shape without its batch: from the input layer, the first layer, or what the model was built for.
fn input_shape(document: &Value, config: &Map<String, Value>, layers: &[Fields<'_>]) -> Result<Vec<usize>> {
    let first = layers.first().map(|f| f.map);
    let of_first = first.and_then(|m| m.get("batch_shape").or(m.get("batch_input_shape")));
    let built = config.get("build_input_shape");
    let top = document.get("build_config").and_then(|b| b.get("input_shape"));
    let Some(value) = [of_first, built, top].into_iter().flatten().find(|v| !v.is_null()) else {
        return Err(bad("no input shape: there is neither an InputLayer nor build_input_shape"));
    };
    let shape = value.as_array().map(Vec::as_slice);
    let Some([batch, lengths @ ..]) = shape else {
        return Err(bad(format!("the input shape is {}, but it must be a list", excerpt(value))));
    };
    if !batch.is_null() && batch.as_u64().is_none() {
        return Err(bad(format!("the input's batch is {}, but it must be null or a number", excerpt(batch))));
    }
    let lengths = lengths.iter().map(|v| match v.as_u64() {
        Some(n) if (1..=i32::MAX as u64).contains(&n) => Ok(n as usize),
        _ => Err(bad(format!(
            "the input shape is {}, but every length behind the batch must be a whole number from 1 to 2147483647",
            excerpt(value)
        ))),
    });
    lengths.collect()
}
