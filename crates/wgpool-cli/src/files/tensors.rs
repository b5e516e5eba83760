//! Safetensors files that hold one tensor, or one of a known name.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgpool::{DType, Data, Tensor};

use super::array::{Array, Elements, Wanted, convert};
use super::npy::each;

/// The types of elements that tensors have.
const TYPES: [Dtype; 6] = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::U8, Dtype::I8, Dtype::I32];

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
    let dtype = TYPES.into_iter().find(|&dtype| own(dtype).as_ref() == Ok(&tensor.dtype()));
    let dtype = dtype.ok_or_else(|| format!("safetensors have no elements of {}", tensor.dtype()))?;
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
        Dtype::BOOL => Elements::Bool(bytes.iter().map(|&byte| byte.min(1)).collect()),
        Dtype::I16 => Elements::Same(Data::I32(each(bytes, |b| i16::from_le_bytes(b).into()))),
        Dtype::U16 => Elements::Same(Data::I32(each(bytes, |b| u16::from_le_bytes(b).into()))),
        Dtype::U32 => Elements::I64(each(bytes, |b| u32::from_le_bytes(b).into())),
        Dtype::I64 => Elements::I64(each(bytes, i64::from_le_bytes)),
        Dtype::U64 => Elements::U64(each(bytes, u64::from_le_bytes)),
        Dtype::F64 => Elements::F64(each(bytes, f64::from_le_bytes)),
        other => same(own(other).map_err(|reason| format!("{name:?} cannot be read: {reason}"))?)?,
    };
    Ok(Array { shape: view.shape().to_vec(), elements, stored: None })
}

/// The tensors' type of the same name.
fn own(dtype: Dtype) -> Result<DType, String> {
    format!("{dtype:?}").parse().map_err(|e: wgpool::Error| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back_as_it_went() {
        for &dtype in DType::ALL {
            let tensor = Tensor::new(&[3], Data::nearest(dtype, [1.0, 2.0, 3.0]).unwrap()).unwrap();
            let read = encode(&tensor).and_then(|bytes| decode(&bytes)).map(|array| array.elements);
            assert_eq!(read, Ok(Elements::Same(tensor.into_data())));
        }
        let of_f8 = TensorView::new(Dtype::F8_E5M2, vec![8], &[0; 8]).unwrap();
        let bytes = safetensors::serialize([(INPUT, of_f8)], None).unwrap();
        let error = decode(&bytes).unwrap_err();
        assert!(error.contains("F8_E5M2") && error.contains("f32, f16, bf16"), "{error}");
    }

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
