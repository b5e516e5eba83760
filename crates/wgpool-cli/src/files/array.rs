//! Arrays as other programs store them, and the tensors that operations take.

use wgpool::{Data, Tensor};

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The elements in row-major order.
    pub elements: Elements,
    /// How they are stored, where that is not as tensors have them: `float64 in Fortran order`.
    pub stored: Option<String>,
}

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// As tensors have them.
    Same(Data),
    /// NumPy's truth values, each 0 or 1.
    Bool(Vec<u8>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    U64(Vec<u64>),
}

/// What an operation takes at an input's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Floats; bytes stay what they are, for operations that take them.
    #[default]
    Numbers,
    /// 32-bit floats.
    Floats,
    /// Bytes: unsigned, or signed where some are below zero.
    Bytes,
    /// Positions or numbers of images, i32.
    Positions,
}

/// The tensor of an array, as `wanted`, and what was changed to make it so, in words.
///
/// Numbers become others only where these are equal, unless `cast`: then they are rounded, or become the nearest there is.
/// The error says which one has no equal.
pub fn convert(array: Array, wanted: Wanted, cast: bool) -> Result<(Tensor, Option<String>), String> {
    let Array { shape, elements, stored } = array;
    let name = elements.name();
    let data = match (wanted, elements) {
        (Wanted::Numbers, Elements::Same(data)) if !matches!(data, Data::I32(_)) => data,
        (Wanted::Bytes, Elements::Same(data @ (Data::U8(_) | Data::I8(_)))) => data,
        (Wanted::Positions, Elements::Same(data @ Data::I32(_))) => data,
        (Wanted::Floats, Elements::Same(data @ Data::F32(_))) => data,
        (Wanted::Numbers | Wanted::Floats, elements) => Data::F32(all(&elements, cast, "f32", |v| {
            let near = v.float();
            (near, Number::F64(f64::from(near)).is(v))
        })?),
        (Wanted::Positions, elements) => Data::I32(all(&elements, cast, "i32", |v| {
            let near = v.int().clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            (near, Number::Int(near.into()).is(v))
        })?),
        (Wanted::Bytes, elements) if elements.each().any(|v| v.int() < 0) => {
            Data::I8(all(&elements, cast, "i8", |v| {
                let near = v.int().clamp(i8::MIN.into(), i8::MAX.into()) as i8;
                (near, Number::Int(near.into()).is(v))
            })?)
        }
        (Wanted::Bytes, elements) => Data::U8(all(&elements, cast, "u8", |v| {
            let near = v.int().clamp(0, u8::MAX.into()) as u8;
            (near, Number::Int(near.into()).is(v))
        })?),
    };
    let tensor = Tensor::new(&shape, data).map_err(|e| e.to_string())?;
    let to = tensor.dtype().to_string();
    let changed = stored.or_else(|| (to != name).then_some(name));
    Ok((tensor, changed.map(|what| format!("{what} is read as {to}"))))
}

/// One element.
#[derive(Clone, Copy, Debug)]
enum Number {
    F64(f64),
    Int(i128),
}

impl Number {
    fn float(self) -> f32 {
        match self {
            Number::F64(v) => v as f32,
            Number::Int(v) => v as f32,
        }
    }

    /// The nearest whole number; of NaN 0.
    fn int(self) -> i128 {
        match self {
            Number::F64(v) => v.round() as i128,
            Number::Int(v) => v,
        }
    }

    /// Whether both are the same number, or none; zeros of both signs are told apart as floats alone.
    fn is(self, other: Number) -> bool {
        match (self, other) {
            (Number::F64(a), Number::F64(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Number::Int(a), Number::Int(b)) => a == b,
            (Number::F64(f), Number::Int(i)) | (Number::Int(i), Number::F64(f)) => {
                f.fract() == 0.0 && f as i128 == i
            }
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::F64(v) => write!(f, "{v}"),
            Number::Int(v) => write!(f, "{v}"),
        }
    }
}

impl Elements {
    /// The type's name: that of NumPy where tensors do not have it.
    pub fn name(&self) -> String {
        match self {
            Elements::Same(data) => data.dtype().to_string(),
            Elements::Bool(_) => "bool".into(),
            Elements::F64(_) => "float64".into(),
            Elements::I64(_) => "int64".into(),
            Elements::U64(_) => "uint64".into(),
        }
    }

    fn each(&self) -> Box<dyn Iterator<Item = Number> + '_> {
        fn ints<T: Copy + Into<i128>>(all: &[T]) -> Box<dyn Iterator<Item = Number> + '_> {
            Box::new(all.iter().map(|&v| Number::Int(v.into())))
        }
        match self {
            Elements::Same(Data::F32(all)) => Box::new(all.iter().map(|&v| Number::F64(v.into()))),
            Elements::Same(Data::F16(all)) => Box::new(all.iter().map(|&v| Number::F64(v.into()))),
            Elements::Same(Data::BF16(all)) => Box::new(all.iter().map(|&v| Number::F64(v.into()))),
            Elements::Same(Data::U8(all)) | Elements::Bool(all) => ints(all),
            Elements::Same(Data::I8(all)) => ints(all),
            Elements::Same(Data::I32(all)) => ints(all),
            Elements::F64(all) => Box::new(all.iter().map(|&v| Number::F64(v))),
            Elements::I64(all) => ints(all),
            Elements::U64(all) => ints(all),
            // No file gives others.
            Elements::Same(_) => Box::new(std::iter::empty()),
        }
    }
}

/// Every element by `near`, which also says whether it is equal.
fn all<T>(
    elements: &Elements,
    cast: bool,
    to: &str,
    near: impl Fn(Number) -> (T, bool),
) -> Result<Vec<T>, String> {
    let convert = |(i, v)| match near(v) {
        (near, equal) if equal || cast => Ok(near),
        _ => Err(format!(
            "element {i} is {v} in {}, which {to} does not have: --cast takes the nearest",
            elements.name()
        )),
    };
    elements.each().enumerate().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(elements: Elements, wanted: Wanted, cast: bool) -> Result<(Data, Option<String>), String> {
        let shape = vec![elements.each().count()];
        convert(Array { shape, elements, stored: None }, wanted, cast).map(|(t, what)| (t.into_data(), what))
    }

    #[test]
    fn equal_numbers_are_taken_and_others_cast() {
        use Elements::{Bool, F64, I64, Same, U64};
        let floats = |all: &[f32]| Ok(Data::F32(all.to_vec()));
        let data = |e, wanted, cast| of(e, wanted, cast).map(|(data, _)| data);
        assert_eq!(data(F64(vec![0.5, -3.0]), Wanted::Numbers, false), floats(&[0.5, -3.0]));
        assert!(
            matches!(data(F64(vec![f64::NAN]), Wanted::Numbers, false), Ok(Data::F32(v)) if v[0].is_nan())
        );
        assert_eq!(
            data(I64(vec![-7, 1 << 40]), Wanted::Numbers, false),
            floats(&[-7.0, (1u64 << 40) as f32])
        );
        assert_eq!(data(Bool(vec![0, 1]), Wanted::Numbers, false), floats(&[0.0, 1.0]));
        assert_eq!(data(Same(Data::U8(vec![9])), Wanted::Numbers, false), Ok(Data::U8(vec![9])));
        assert_eq!(data(Same(Data::U8(vec![9])), Wanted::Floats, false), floats(&[9.0]));
        assert_eq!(data(I64(vec![3]), Wanted::Positions, false), Ok(Data::I32(vec![3])));
        assert_eq!(data(I64(vec![255, 0]), Wanted::Bytes, false), Ok(Data::U8(vec![255, 0])));
        assert_eq!(data(I64(vec![-128, 0]), Wanted::Bytes, false), Ok(Data::I8(vec![-128, 0])));
        let inexact = [
            (F64(vec![0.0, 0.1]), Wanted::Numbers, Data::F32(vec![0.0, 0.1])),
            (F64(vec![1e300]), Wanted::Numbers, Data::F32(vec![f32::INFINITY])),
            (I64(vec![(1 << 24) + 1]), Wanted::Numbers, Data::F32(vec![16_777_216.0])),
            (U64(vec![u64::MAX]), Wanted::Numbers, Data::F32(vec![u64::MAX as f32])),
            (I64(vec![1 << 31]), Wanted::Positions, Data::I32(vec![i32::MAX])),
            (F64(vec![1.5]), Wanted::Positions, Data::I32(vec![2])),
            (I64(vec![256]), Wanted::Bytes, Data::U8(vec![255])),
            (I64(vec![-1, 200]), Wanted::Bytes, Data::I8(vec![-1, 127])),
        ];
        for (elements, wanted, cast) in inexact {
            let refused = data(elements.clone(), wanted, false).expect_err("not equal");
            assert!(refused.contains("--cast") && refused.contains("element"), "{refused}");
            assert_eq!(data(elements, wanted, true), Ok(cast));
        }
    }

    #[test]
    fn what_is_changed_is_said() {
        let said = |elements, stored: Option<&str>| {
            let array = Array { shape: vec![1], elements, stored: stored.map(String::from) };
            convert(array, Wanted::Numbers, false).expect("equal numbers").1
        };
        assert_eq!(said(Elements::Same(Data::F32(vec![1.0])), None), None);
        assert_eq!(said(Elements::I64(vec![1]), None).as_deref(), Some("int64 is read as f32"));
        let fortran = said(Elements::Same(Data::F32(vec![1.0])), Some("f32 in Fortran order"));
        assert_eq!(fortran.as_deref(), Some("f32 in Fortran order is read as f32"));
    }
}
