//! Constants as tensors that programs compute with.

use half::{bf16, f16};

use super::fold::HostTensor;
use super::refused::refused;
use wgpool::error::{Refusal, Result};
use wgpool::tensor::{DType, Data, Tensor};

/// A constant in the type that it is stored in: integers as i32, bools as f32. A number that changes is an error.
pub(super) fn to_tensor(host: &HostTensor<'_>, dtype: DType, at: &str) -> Result<Tensor> {
    fn decoded<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).filter_map(|chunk| Some(number(chunk.try_into().ok()?))).collect()
    }
    let bytes = host.bytes();
    let data = match (dtype, host.elements().size()) {
        (DType::F32, Some(4)) => Data::F32(decoded(bytes, f32::from_le_bytes)),
        (DType::F32, _) => Data::F32(bytes.iter().map(|&byte| f32::from(u8::from(byte != 0))).collect()),
        (DType::F16, _) => Data::F16(decoded(bytes, f16::from_le_bytes)),
        (DType::BF16, _) => Data::BF16(decoded(bytes, bf16::from_le_bytes)),
        (DType::U8, _) => Data::U8(bytes.to_vec()),
        (DType::I8, _) => Data::I8(bytes.iter().map(|&byte| byte as i8).collect()),
        _ => {
            let mut numbers = Vec::with_capacity(host.count());
            for number in host.i64s().unwrap_or_default() {
                numbers.push(i32::try_from(number).map_err(|_| {
                    let reason = format!("{number} is no i32, in which integers are stored");
                    refused(Refusal::Unsupported, at, reason)
                })?);
            }
            Data::I32(numbers)
        }
    };
    Tensor::new(host.shape(), data)
}
