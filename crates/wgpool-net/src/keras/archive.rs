//! `.keras` archives: a ZIP file with the configuration as JSON and the weights as HDF5.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};
use serde_json::Value;
use zip::ZipArchive;

use super::config;
use crate::slots::{check_shape, slots, unread};
use crate::{Layer, LayerKind, Model};
use wgpool::error::{Error, Result};
use wgpool::tensor::Tensor;

/// The most bytes of configuration that are read.
const LARGEST_CONFIG: u64 = 64 << 20;
/// The most bytes of weights that are read, whatever the configuration asks for.
const LARGEST_WEIGHTS: u64 = 4 << 30;

/// The model of an archive; with its weights only if they are asked for.
pub(super) fn load(file: impl Read + Seek, with_weights: bool) -> Result<Model> {
    unwound(|| read(file, with_weights))
}

/// Fills a model's weights from HDF5, as Keras writes them into archives, beside an unzipped one, and by `save_weights`.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn weights(model: &mut Model, bytes: Vec<u8>) -> Result<()> {
    unwound(|| fill(model, bytes))
}

/// What `read` comes to. The bytes may come from anywhere, and neither the ZIP nor the HDF5 reader promises not to panic
/// on every sequence of them. They hold no state beyond this call, so unwinding out of them is safe.
fn unwound<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(bad("its contents cannot be read: the reader gave up on them")))
}

fn bad(reason: impl Into<String>) -> Error {
    Error::document("Keras archive", reason)
}

fn read(file: impl Read + Seek, with_weights: bool) -> Result<Model> {
    let mut zip = ZipArchive::new(file).map_err(|e| bad(format!("not a ZIP file: {e}")))?;
    let json = entry(&mut zip, "config.json", LARGEST_CONFIG)?;
    let metadata = entry(&mut zip, "metadata.json", LARGEST_CONFIG).ok();
    let metadata: Option<Value> = metadata.and_then(|json| serde_json::from_slice(&json).ok());
    let version = metadata.as_ref().and_then(|metadata| metadata.get("keras_version")?.as_str());
    let mut model = config::architecture(&json, version)?;
    if with_weights {
        // Beside the weights, the file holds an optimizer's state of a few times their size. A file that unpacks
        // to much more than that is no honest one.
        let weights = model.parameters().total().saturating_mul(4);
        let limit = weights.saturating_mul(16).saturating_add(16 << 20).min(LARGEST_WEIGHTS);
        let hdf5 = entry(&mut zip, "model.weights.h5", limit)?;
        fill(&mut model, hdf5)?;
    }
    Ok(model)
}

/// One file of the archive, unpacked to at most `limit` bytes.
fn entry<R: Read + Seek>(zip: &mut ZipArchive<R>, name: &str, limit: u64) -> Result<Vec<u8>> {
    let file = zip.by_name(name).map_err(|e| bad(format!("{name}: {e}")))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| bad(format!("{name}: {e}")))?;
    if bytes.len() as u64 > limit {
        return Err(bad(format!("{name} is larger than the {limit} bytes that this model can need")));
    }
    Ok(bytes)
}

/// One layer's part of the weight file.
struct Stored {
    /// The layer's own name, which newer versions of Keras write beside the weights.
    layer: Option<String>,
    vars: BTreeMap<String, Dataset>,
    /// Those of a model that is a layer.
    layers: Option<Group>,
}

fn fill(model: &mut Model, bytes: Vec<u8>) -> Result<()> {
    let hdf5 = |e: hdf5_reader::error::Error| bad(format!("model.weights.h5: {e}"));
    // Keras stores weights uncompressed, so all of them together are not larger than the file.
    let budget = bytes.len();
    let options = OpenOptions::default()
        .with_max_read_bytes(budget)
        .with_max_chunk_bytes(budget)
        .with_max_object_header_bytes(1 << 20);
    let file = Hdf5File::from_vec_with_options(bytes, options).map_err(hdf5)?;
    let layers = file.group("/layers").map_err(hdf5)?;
    let (name, mut filling) = (model.name.clone(), Filling { budget, hdf5: &hdf5 });
    filling.layers(&name, "", model, &layers)
}

/// Weights on their way into a model.
struct Filling<'e> {
    /// Bytes that are left of the file.
    budget: usize,
    hdf5: &'e dyn Fn(hdf5_reader::error::Error) -> Error,
}

impl Filling<'_> {
    /// The layers of a model, whose names are behind `path`, from its group.
    fn layers(&mut self, name: &str, path: &str, model: &mut Model, layers: &Group) -> Result<()> {
        let mut groups = BTreeMap::new();
        for group in layers.groups().map_err(self.hdf5)? {
            let stored = stored(&group).map_err(self.hdf5)?;
            groups.insert(group.name().to_owned(), stored);
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for layer in &mut model.layers {
            let count = seen.entry(layer.class.clone()).or_default();
            let numbered = numbered(&layer.class, *count);
            *count += 1;
            let layer_path = format!("{path}{}", layer.name);
            let missing = || {
                let reason = format!(
                    "its weights are missing: the archive holds neither layers/{numbered} nor its name"
                );
                Error::layer(name, &layer_path, reason)
            };
            let own_name = layer.name.clone();
            let mut found = || take(&mut groups, &own_name, &numbered).ok_or_else(missing);
            if let LayerKind::Model(inner) = &mut layer.kind {
                if inner.parameters().total() > 0 {
                    let group = found()?.layers.ok_or_else(missing)?;
                    self.layers(name, &format!("{layer_path}/"), inner, &group)?;
                } else {
                    let _ = found();
                }
            } else if !slots(layer).is_empty() {
                self.layer(name, &layer_path, layer, found()?)?;
            }
        }
        match groups.iter().find(|(_, stored)| !stored.vars.is_empty() || stored.layers.is_some()) {
            None => Ok(()),
            Some((group, _)) => Err(bad(format!("{path}layers/{group} belongs to no layer of model {name}"))),
        }
    }

    /// A layer that has weights.
    fn layer(&mut self, name: &str, path: &str, layer: &mut Layer, stored: Stored) -> Result<()> {
        let wrong = |reason: String| Error::layer(name, path, reason);
        let (unread, mut vars) = (unread(layer), stored.vars);
        for (i, slot) in slots(layer).into_iter().enumerate() {
            let (weight, expected) = (slot.name, &slot.stored);
            let missing =
                || wrong(format!("weight {weight} of shape {expected:?} is missing from the archive"));
            let dataset = vars.remove(&i.to_string()).ok_or_else(missing)?;
            let shape: Vec<usize> =
                dataset.shape().iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
            check_shape(name, path, &slot, &shape)?;
            if !matches!(dataset.dtype(), Datatype::FloatingPoint { size: 4, .. }) {
                return Err(wrong(format!("weight {weight} has other elements than 32-bit floats")));
            }
            let needed = shape.iter().try_fold(4usize, |n, &d| n.checked_mul(d));
            self.budget = needed.and_then(|n| self.budget.checked_sub(n)).ok_or_else(|| {
                wrong(format!("weight {weight} of shape {shape:?} is larger than the file that holds it"))
            })?;
            let values = dataset.read_array::<f32>().map_err(self.hdf5)?;
            slot.fill(Tensor::from(&values))?;
        }
        if let Some((number, _)) = unread {
            vars.remove(number);
        }
        match vars.keys().next() {
            None => Ok(()),
            Some(extra) => {
                Err(wrong(format!("the archive holds a weight vars/{extra}, which this layer does not have")))
            }
        }
    }
}

fn stored(group: &Group) -> hdf5_reader::error::Result<Stored> {
    let (groups, _) = group.member_names()?;
    let mut stored = Stored { layer: None, vars: BTreeMap::new(), layers: None };
    if groups.iter().any(|name| name == "layers") {
        stored.layers = Some(group.group("layers")?);
    }
    if !groups.iter().any(|name| name == "vars") {
        return Ok(stored);
    }
    let vars = group.group("vars")?;
    let named = |group: &Group| group.attribute("name").ok().and_then(|a| a.read_string().ok());
    stored.layer = named(&vars).or_else(|| named(group));
    stored.vars = vars.datasets()?.into_iter().map(|d| (d.name().to_owned(), d)).collect();
    Ok(stored)
}

/// Takes the group that belongs to a layer: by the layer's name that is stored in it, by the number of the layer
/// among those of its class, or by the layer's name as the group's.
fn take(groups: &mut BTreeMap<String, Stored>, layer: &str, numbered: &str) -> Option<Stored> {
    let by_attribute =
        groups.iter().find(|(_, g)| g.layer.as_deref() == Some(layer)).map(|(name, _)| name.clone());
    let unnamed = |name: &str| groups.get(name).is_some_and(|g| g.layer.is_none());
    let key =
        by_attribute.or_else(|| [numbered, layer].into_iter().find(|n| unnamed(n)).map(str::to_owned))?;
    groups.remove(&key)
}

/// `Conv2D` as `conv2d`, the second one as `conv2d_1`: how Keras names the groups of layers.
fn numbered(class: &str, count: usize) -> String {
    let mut name = String::new();
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let next_is_small = letters.get(i + 1).is_some_and(|c| c.is_ascii_lowercase());
        if c.is_ascii_uppercase()
            && let Some(before) = before
            && (next_is_small || before.is_ascii_lowercase())
            && *before != '_'
        {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    if count == 0 { name } else { format!("{name}_{count}") }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn groups_are_named_as_keras_names_them() {
        assert_eq!(numbered("Conv2D", 0), "conv2d");
        assert_eq!(numbered("DepthwiseConv2D", 2), "depthwise_conv2d_2");
        assert_eq!(numbered("BatchNormalization", 1), "batch_normalization_1");
        assert_eq!(numbered("Dense", 0), "dense");
    }
}
