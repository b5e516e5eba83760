//! Names of classes.

use std::path::Path;

use serde_json::Value;
use wgpool::Result;
use wgpool::text::escaped;

use super::document;
use super::files::read_bytes;

/// Reads one name for each class: a line each, a list in JSON, or an object in JSON of class numbers with a name or, as
/// Keras' `imagenet_class_index.json` has it, a list that ends with one.
pub fn read(path: &Path, classes: usize) -> Result<Vec<String>> {
    let text = String::from_utf8(read_bytes(path)?).map_err(|_| document(path, "it is no text in UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim_end();
    let labels = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(all)) => all.iter().map(label).collect(),
        Ok(Value::Object(all)) => (0..all.len()).map(|i| label(all.get(&i.to_string())?)).collect(),
        _ => Some(text.lines().map(|line| line.trim().to_owned()).collect()),
    };
    let labels: Vec<String> = labels
        .ok_or_else(|| document(path, "its JSON is no list of names and no object of numbers from 0"))?;
    if labels.len() != classes {
        let reason = format_args!("it names {} classes, but the model has {classes}", labels.len());
        return Err(document(path, reason));
    }
    Ok(labels.iter().map(|label| escaped(label).into_owned()).collect())
}

fn label(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Array(all) => all.last()?.as_str().map(str::to_owned),
        _ => None,
    }
}
