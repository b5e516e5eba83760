//! Safetensors files that hold one tensor, or one of a known name.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgpool::{DType, Data, Tensor};

/// The types of elements that tensors have.
const TYPES: [Dtype; 6] = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::U8, Dtype::I8, Dtype::I32];

/// The tensor that is read where a file has several.
const INPUT: &str = "input";

/// The name of a tensor that is written.
const OUTPUT: &str = "output";

/// Reads the only tensor, or the one named `input`.
pub fn decode(bytes: &[u8]) -> Result<Tensor, String> {
    let file = open(bytes)?;
    match file.names().as_slice() {
        [only] => tensor(&file, only),
        names if names.contains(&INPUT) => tensor(&file, INPUT),
        names => Err(format!("it has {} tensors and none of them is named {INPUT:?}", names.len())),
    }
}

/// Reads the tensor of this name.
pub fn named(bytes: &[u8], name: &str) -> Result<Tensor, String> {
    tensor(&open(bytes)?, name)
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

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<Tensor, String> {
    let view = file.tensor(name).map_err(|e| e.to_string())?;
    let dtype = own(view.dtype()).map_err(|reason| format!("{name:?} cannot be read: {reason}"))?;
    Data::from_bytes(dtype, view.data())
        .and_then(|data| Tensor::new(view.shape(), data))
        .map_err(|e| e.to_string())
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
            assert_eq!(encode(&tensor).and_then(|bytes| decode(&bytes)).as_ref(), Ok(&tensor));
        }
        let of_f64 = TensorView::new(Dtype::F64, vec![1], &[0; 8]).unwrap();
        let bytes = safetensors::serialize([(INPUT, of_f64)], None).unwrap();
        let error = decode(&bytes).unwrap_err();
        assert!(error.contains("F64") && error.contains("f32, f16, bf16"), "{error}");
    }

    #[test]
    fn a_tensor_comes_back_as_it_went() {
        let tensor = Tensor::from_f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).expect("a legal shape");
        let bytes = encode(&tensor).expect("it can be written");
        assert_eq!(decode(&bytes).as_ref(), Ok(&tensor));
        assert_eq!(named(&bytes, OUTPUT).as_ref(), Ok(&tensor));
        assert!(named(&bytes, "other").is_err());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
