//! The types of elements.

/// The type of a tensor's elements.
///
/// Printed and read as the type's name, which may be in capitals when it is read:
///
/// ```
/// use wgpool::DType;
/// assert_eq!("F16".parse::<DType>()?, DType::F16);
/// assert_eq!(DType::F16.to_string(), "f16");
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 16-bit float; sums are kept in 32 bits.
    F16,
    /// Unsigned byte, packed four to a word on the GPU.
    U8,
    /// Signed byte, packed four to a word on the GPU.
    I8,
    /// 32-bit integer: positions of maxima.
    I32,
}

impl DType {
    pub(crate) const ALL: [DType; 5] = [DType::F32, DType::F16, DType::U8, DType::I8, DType::I32];

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::F16 => 2,
            DType::U8 | DType::I8 => 1,
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::U8 => "u8",
            DType::I8 => "i8",
            DType::I32 => "i32",
        })
    }
}
