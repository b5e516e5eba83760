//! The two networks of the tutorial, their photographs and Keras' curves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wgpool::{Activation, Conv, Data, Dense, KernelLayout, Layout, Pool, Tensor};
use wgpool_net::{LayerKind, Model};

/// The files at 64 pixels, which the repository has.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/training")
}

/// Tensors of a file by name, with u8 as they are.
pub fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let of = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => wgpool::DType::F32,
            safetensors::Dtype::U8 => wgpool::DType::U8,
            _ => return None,
        };
        let data = Data::from_bytes(dtype, view.data()).unwrap();
        Some((name, Tensor::new(view.shape(), data).unwrap()))
    };
    file.tensors().into_iter().filter_map(of).collect()
}

pub fn curve(folder: &Path, net: &str, size: usize) -> Value {
    let text = std::fs::read_to_string(folder.join(format!("curve_{net}_{size}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// 28x28 grey pixels, with two zeros around, enlarged by a whole factor, bilinear and in whole numbers; then from 0 to 1 in three channels.
pub fn enlarged(pixels: &[u8], size: usize) -> Vec<f32> {
    let s = (size / 32) as i64;
    let mut padded = [[0i64; 32]; 32];
    for (y, row) in pixels.chunks(28).enumerate() {
        for (x, &pixel) in row.iter().enumerate() {
            padded[y + 2][x + 2] = i64::from(pixel);
        }
    }
    let tap = |i: usize| {
        let n = 2 * i as i64 + 1 - s;
        let lo = n.div_euclid(2 * s);
        let w1 = n - 2 * s * lo;
        let at = |k: i64| k.clamp(0, 31) as usize;
        [(at(lo), 2 * s - w1), (at(lo + 1), w1)]
    };
    let mut out = Vec::with_capacity(size * size * 3);
    for y in 0..size {
        for x in 0..size {
            let mut sum = 0;
            for (row, by_row) in tap(y) {
                for (column, by_column) in tap(x) {
                    sum += padded[row][column] * by_row * by_column;
                }
            }
            let v = ((sum + 2 * s * s) / (4 * s * s)) as u8;
            out.extend([f32::from(v) / 255.0; 3]);
        }
    }
    out
}

/// Photographs and labels.
pub struct Photos {
    pub train: (Tensor, Tensor),
    pub val: (Tensor, Tensor),
}

/// Those of a part, as many as `most`.
pub fn photos(size: usize, most: usize) -> Photos {
    let file = tensors(&folder().join("sandal_sneaker.safetensors"));
    let part = |name: &str| {
        let images = file[&format!("{name}_images")].as_u8().unwrap();
        let labels = file[&format!("{name}_labels")].as_u8().unwrap();
        let n = labels.len().min(most);
        let x = images.chunks(28 * 28).take(n).flat_map(|pixels| enlarged(pixels, size)).collect();
        let y = labels.iter().take(n).map(|&label| f32::from(label)).collect();
        (Tensor::from_f32(&[n, size, size, 3], x).unwrap(), Tensor::from_f32(&[n, 1], y).unwrap())
    };
    Photos { train: part("train"), val: part("val") }
}

/// A network with the stored initial weights.
pub fn model(folder: &Path, net: &str, size: usize) -> Model {
    let weights = tensors(&folder.join(format!("init_{net}_{size}.safetensors")));
    let get = |name: &str| weights[name].clone().into();
    let pool = net == "pool";
    let mut model = Model::new(format!("{net}_{size}"), [size, size, 3]);
    for k in 1..=3 {
        let relu = k == 1 || pool;
        let spec = Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).activation(if relu {
            Activation::Relu
        } else {
            Activation::None
        });
        let kernel = get(&format!("conv{k}.kernel"));
        let bias = Some(get(&format!("conv{k}.bias")));
        model = model.layer(format!("conv{k}"), LayerKind::Conv { spec, kernel, bias });
        if pool {
            let spec = Pool::max([2, 2]).layout(Layout::Nhwc);
            model = model.layer(format!("pool{k}"), LayerKind::Pool(spec));
        }
    }
    let spec = Dense::new().activation(Activation::Sigmoid);
    let (kernel, bias) = (get("dense_out.kernel"), Some(get("dense_out.bias")));
    model
        .layer("flatten", LayerKind::Flatten { from: Layout::Nhwc })
        .layer("dense_out", LayerKind::Dense { spec, kernel, bias })
}
