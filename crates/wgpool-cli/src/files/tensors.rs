//! Safetensors files that hold one tensor, or one of a known name.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgpool::{DType, Data, Tensor};

use super::array::{Array, Elements, Wanted, convert};
use super::npy::each;

/// The tensor that is read where a file has several.
const INPUT: &str = "input";

/// The name of a tensor that is written.
const OUTPUT: &str = "output";

/// Reads the only tensor, or the one named `input`.
pub fn decode(bytes: &[u8]) -> Result<Array, String> {
    let file = open(bytes)?;
    match file.names().as_slice() {
        [only] => array(&file, only),
        names if names.contains(&INPUT) => array(&file, INPUT),
        names => Err(format!("it has {} tensors and none of them is named {INPUT:?}", names.len())),
    }
}

/// Reads the tensor of this name.
pub fn named(bytes: &[u8], name: &str) -> Result<Tensor, String> {
    convert(array(&open(bytes)?, name)?, Wanted::Numbers, false).map(|(tensor, _)| tensor)
}

/// Writes one tensor.
pub fn encode(tensor: &Tensor) -> Result<Vec<u8>, String> {
    let dtype = match tensor.dtype() {
        DType::F16 => Dtype::F16,
        DType::U8 => Dtype::U8,
        DType::I8 => Dtype::I8,
        DType::I32 => Dtype::I32,
        _ => Dtype::F32,
    };
    let view = TensorView::new(dtype, tensor.shape().to_vec(), tensor.data().as_bytes());
    let view = view.map_err(|e| e.to_string())?;
    safetensors::serialize([(OUTPUT, view)], None).map_err(|e| e.to_string())
}

fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, String> {
    SafeTensors::deserialize(bytes).map_err(|e| format!("it is not a safetensors file: {e}"))
}

fn array(file: &SafeTensors<'_>, name: &str) -> Result<Array, String> {
    let view = file.tensor(name).map_err(|e| e.to_string())?;
    let bytes = view.data();
    let same = |dtype| Data::from_bytes(dtype, bytes).map(Elements::Same).map_err(|e| e.to_string());
    let elements = match view.dtype() {
        Dtype::F32 => same(DType::F32)?,
        Dtype::F16 => same(DType::F16)?,
        Dtype::U8 => same(DType::U8)?,
        Dtype::I8 => same(DType::I8)?,
        Dtype::I32 => same(DType::I32)?,
        Dtype::BOOL => Elements::Bool(bytes.iter().map(|&byte| byte.min(1)).collect()),
        Dtype::I16 => Elements::Same(Data::I32(each(bytes, |b| i16::from_le_bytes(b).into()))),
        Dtype::U16 => Elements::Same(Data::I32(each(bytes, |b| u16::from_le_bytes(b).into()))),
        Dtype::U32 => Elements::I64(each(bytes, |b| u32::from_le_bytes(b).into())),
        Dtype::I64 => Elements::I64(each(bytes, i64::from_le_bytes)),
        Dtype::U64 => Elements::U64(each(bytes, u64::from_le_bytes)),
        Dtype::F64 => Elements::F64(each(bytes, f64::from_le_bytes)),
        other => return Err(format!("{name:?} has elements of {other:?}, which are not read")),
    };
    Ok(Array { shape: view.shape().to_vec(), elements, stored: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_comes_back_as_it_went() {
        let tensor = Tensor::from_f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).expect("a legal shape");
        let bytes = encode(&tensor).expect("it can be written");
        assert_eq!(decode(&bytes).map(|array| array.elements), Ok(Elements::Same(tensor.data().clone())));
        assert_eq!(named(&bytes, OUTPUT).as_ref(), Ok(&tensor));
        assert!(named(&bytes, "other").is_err());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
