//! The configuration: JSON to a model whose weights are known by their shapes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::building::Building;
use super::fields::{Fields, Outer, bad, is_model};
use super::functional;
use crate::Model;
use wgpool::error::{Error, Result};
use wgpool::spec::Layout;

const LONGEST_NAME: usize = 256;

/// `version` is that of Keras which an archive names, where there is one; documents of older versions name it themselves.
pub(super) fn architecture(json: &[u8], version: Option<&str>) -> Result<Model> {
    // serde_json refuses more than 128 levels of nesting by itself.
    let document: Value = serde_json::from_slice(json).map_err(|e| bad(format!("not JSON: {e}")))?;
    let class = match document.get("class_name").and_then(Value::as_str) {
        Some(class) if is_model(class) => class,
        Some(other) => {
            let supported = "only Sequential and Functional are supported";
            return Err(bad(format!("the model's class is {other}, but {supported}")));
        }
        None => return Err(bad("it lacks class_name, so it is no Keras model")),
    };
    let config = document.get("config").and_then(Value::as_object).ok_or_else(|| bad("it lacks config"))?;
    let version = version.or(document.get("keras_version").and_then(Value::as_str)).unwrap_or_default();
    let built = document.get("build_config").and_then(|b| b.get("input_shape"));
    let keras_2 = version.starts_with("2.");
    model(class, config, built, &Outer { keras_2, layout: Layout::Nhwc, shapes: &[], model: inner })
}

/// The model that a layer is.
fn inner(fields: &Fields<'_>, outer: &Outer<'_>) -> Result<Model> {
    model(fields.class, fields.map, None, outer).map_err(|error| match error {
        // Of what is no layer of its own.
        Error::Document { .. } => fields.error(error.to_string()),
        error => error,
    })
}

/// A model of a configuration; `built` is a shape that it says it was built for.
fn model(
    class: &str,
    config: &Map<String, Value>,
    built: Option<&Value>,
    outer: &Outer<'_>,
) -> Result<Model> {
    let name = config.get("name").and_then(Value::as_str).unwrap_or("sequential");
    check_name(name)?;
    let entries =
        config.get("layers").and_then(Value::as_array).ok_or_else(|| bad("its config lacks layers"))?;
    let entries = entries.iter().enumerate();
    let entries =
        entries.map(|(i, v)| Ok((fields(name, outer.keras_2, i, v)?, v))).collect::<Result<Vec<_>>>()?;
    let mut names = BTreeSet::new();
    if let Some((twice, _)) = entries.iter().find(|(fields, _)| !names.insert(fields.layer)) {
        return Err(twice.error("two layers have this name"));
    }
    let has_layout = entries.iter().find(|(fields, _)| fields.get("data_format").is_some());
    let layout = has_layout.map_or(Ok(outer.layout), |(fields, _)| fields.layout())?;
    let mut building = Building::new(name, Outer { layout, ..*outer });
    match class {
        "Sequential" => row(&mut building, config, built, &entries)?,
        _ => functional::build(&mut building, config, &entries)?,
    }
    if building.model.layers.is_empty() {
        return Err(bad("the model has no layers"));
    }
    Ok(building.model)
}

/// Layers in a row.
fn row(
    building: &mut Building<'_>,
    config: &Map<String, Value>,
    built: Option<&Value>,
    entries: &[(Fields<'_>, &Value)],
) -> Result<()> {
    let of_first = entries.first().map(|(fields, _)| fields.map);
    let of_first = of_first.and_then(|m| m.get("batch_shape").or(m.get("batch_input_shape")));
    let declared = [of_first, config.get("build_input_shape"), built];
    let declared = declared.into_iter().flatten().find(|v| !v.is_null());
    let mut last = building.input("input", declared)?;
    for (i, (fields, _)) in entries.iter().enumerate() {
        if fields.class != "InputLayer" {
            last = building.call(fields, None, vec![last])?;
        } else if i == 0 {
            fields.check_dtype()?;
        } else {
            return Err(fields.error("an InputLayer can only be the first layer"));
        }
    }
    building.model.output("output", last);
    Ok(())
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
    let module = entry.get("module").and_then(Value::as_str).unwrap_or_default();
    let is_operation = module.starts_with("keras.src.ops") || module.starts_with("keras.ops");
    Ok(Fields { model, keras_2, layer, class, map, is_operation })
}
