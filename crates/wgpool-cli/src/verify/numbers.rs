//! The numbers of tensors in corpora, of any type.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, Tensor};
use wgpool_net::onnx::{self, ElementType};

/// A tensor of numbers in 64 bits, which hold all of f32 and every integer that cases have.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub shape: Vec<usize>,
    values: Vec<f64>,
    /// Whether they are integers or truth values, which must be the same.
    is_exact: bool,
}

fn decoded<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.chunks_exact(N).filter_map(|chunk| Some(number(chunk.try_into().ok()?))).collect()
}

impl Numbers {
    /// A tensor in a file of its own.
    pub fn of_proto(tensor: &onnx::Tensor<'_>) -> Result<Numbers> {
        let ty = tensor.element_type()?;
        let name = match ty {
            ElementType::F32 => Dtype::F32,
            ElementType::F64 => Dtype::F64,
            ElementType::F16 => Dtype::F16,
            ElementType::BF16 => Dtype::BF16,
            ElementType::I64 => Dtype::I64,
            ElementType::I32 => Dtype::I32,
            ElementType::I16 => Dtype::I16,
            ElementType::I8 => Dtype::I8,
            ElementType::U64 => Dtype::U64,
            ElementType::U32 => Dtype::U32,
            ElementType::U16 => Dtype::U16,
            ElementType::U8 => Dtype::U8,
            ElementType::Bool => Dtype::BOOL,
            other => {
                let reason = format!("tensors of {other} are not read");
                return Err(Error::network(
                    "ONNX tensor",
                    wgpool::error::Refusal::Unsupported,
                    "type",
                    reason,
                ));
            }
        };
        Numbers::of_bytes(name, tensor.shape()?, &tensor.bytes()?)
    }

    fn of_bytes(ty: Dtype, shape: Vec<usize>, bytes: &[u8]) -> Result<Numbers> {
        let values = match ty {
            Dtype::F32 => decoded(bytes, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => decoded(bytes, f64::from_le_bytes),
            Dtype::F16 => decoded(bytes, |b| half::f16::from_le_bytes(b).to_f64()),
            Dtype::BF16 => decoded(bytes, |b| half::bf16::from_le_bytes(b).to_f64()),
            Dtype::I64 => decoded(bytes, |b| i64::from_le_bytes(b) as f64),
            Dtype::I32 => decoded(bytes, |b| f64::from(i32::from_le_bytes(b))),
            Dtype::I16 => decoded(bytes, |b| f64::from(i16::from_le_bytes(b))),
            Dtype::I8 => decoded(bytes, |b| f64::from(i8::from_le_bytes(b))),
            Dtype::U64 => decoded(bytes, |b| u64::from_le_bytes(b) as f64),
            Dtype::U32 => decoded(bytes, |b| f64::from(u32::from_le_bytes(b))),
            Dtype::U16 => decoded(bytes, |b| f64::from(u16::from_le_bytes(b))),
            Dtype::U8 | Dtype::BOOL => decoded(bytes, |[b]: [u8; 1]| f64::from(b)),
            other => return Err(Error::document("tensor", format!("numbers of {other:?} are not read"))),
        };
        let is_exact = !matches!(ty, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::BF16);
        Ok(Numbers { shape, values, is_exact })
    }

    /// The inputs and outputs of one set in a safetensors file; none if it has no outputs of that set.
    pub fn set(file: &[u8], set: &str) -> Result<Option<(Vec<Numbers>, Vec<Numbers>)>> {
        let wrong = |error: safetensors::SafeTensorError| Error::document("safetensors", error.to_string());
        let tensors = SafeTensors::deserialize(file).map_err(wrong)?;
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(wrong)?;
        let metadata = metadata.metadata().clone().unwrap_or_default();
        let described: HashMap<&str, Value> = [("in", "inputs"), ("out", "outputs")]
            .into_iter()
            .filter_map(|(side, key)| Some((side, serde_json::from_str(metadata.get(key)?).ok()?)))
            .collect();
        let all = |side: &str| -> Result<Vec<Numbers>> {
            let views = (0..).map_while(|at| Some((at, tensors.tensor(&format!("{side}{set}.{at}")).ok()?)));
            let numbers = views.map(|(at, view)| {
                // Files have no tensors without axes: what they hold is said beside them.
                let is_number = described.get(side).and_then(|list| list.get(at)).is_some_and(|tensor| {
                    tensor.get("shape").and_then(Value::as_array).is_some_and(Vec::is_empty)
                });
                let shape = if is_number { vec![] } else { view.shape().to_vec() };
                Numbers::of_bytes(view.dtype(), shape, view.data())
            });
            numbers.collect()
        };
        let (inputs, outputs) = (all("in")?, all("out")?);
        Ok((!outputs.is_empty()).then_some((inputs, outputs)))
    }

    /// What a session gave.
    pub fn of_tensor(tensor: &Tensor) -> Numbers {
        let (values, is_exact) = match tensor.data() {
            Data::F32(list) => (list.iter().map(|&v| f64::from(v)).collect(), false),
            Data::F16(list) => (list.iter().map(|v| v.to_f64()).collect(), false),
            Data::BF16(list) => (list.iter().map(|v| v.to_f64()).collect(), false),
            Data::I32(list) => (list.iter().map(|&v| f64::from(v)).collect(), true),
            Data::U8(list) => (list.iter().map(|&v| f64::from(v)).collect(), true),
            Data::I8(list) => (list.iter().map(|&v| f64::from(v)).collect(), true),
            _ => (Vec::new(), true),
        };
        Numbers { shape: tensor.shape().to_vec(), values, is_exact }
    }

    /// What a session takes.
    pub fn to_tensor(&self, dtype: DType) -> Result<Tensor> {
        Tensor::new(&self.shape, Data::nearest(dtype, self.values.iter().copied())?)
    }

    /// The largest magnitude.
    pub fn largest(&self) -> f64 {
        self.values.iter().filter(|value| value.is_finite()).fold(0.0, |most, value| value.abs().max(most))
    }

    /// How a result differs from these, if it does by more than `absolute + relative * |expected|`. NaN is NaN.
    pub fn differs(&self, got: &Numbers, absolute: f64, relative: f64) -> Option<String> {
        if self.shape != got.shape {
            return Some(format!("it has the shape {:?}, expected {:?}", got.shape, self.shape));
        }
        let far = |(expected, got): (f64, f64)| {
            let bound = if self.is_exact { 0.0 } else { absolute + relative * expected.abs() };
            let same = expected == got || (expected.is_nan() && got.is_nan());
            let near = (expected - got).abs() <= bound;
            !(same || near)
        };
        let pairs = || self.values.iter().copied().zip(got.values.iter().copied());
        let (at, (expected, value)) = pairs().enumerate().find(|(_, pair)| far(*pair))?;
        let count = pairs().filter(|pair| far(*pair)).count();
        let most = pairs().map(|(e, g)| (e - g).abs()).fold(0.0, f64::max);
        Some(format!(
            "element {at} is {value:e}, expected {expected:e}; {count} of {} differ by up to {most:e}",
            self.values.len()
        ))
    }
}
