//! One call of the library: an operation, its inputs in types that it takes, and the way back.

use super::array::{Array, Element, Values};
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::{Op, Pad, PadMode, PoolKind, ReduceKind};
use wgpool::tensor::{DType, Data, Tensor, TensorDesc};

/// Why a case is not computed.
#[derive(Debug)]
pub enum Refusal {
    /// The library has no such operation, or not for such tensors.
    Unsupported(String),
    /// A rule is broken.
    Error(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Error(error)
    }
}

/// What a tensor is to its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The elements that are computed with: all of one type, which the first output has too.
    Data,
    /// Positions and numbers of images.
    Index,
    /// Samples and regions: 32-bit floats.
    Place,
    /// Elements that go in as the type they have, whatever that of others is: bytes, their zero points and scales. An
    /// operation on these gives results of types of its own.
    Own,
}

/// How elements reach an operation that does not take their type.
#[derive(Clone, Debug, PartialEq)]
pub enum Passage {
    /// As they are.
    Native(DType),
    /// As 32-bit floats of the same values; results are rounded to the type again.
    Widened,
    /// Integers that 32-bit floats do not hold, in an operation that only selects: each as its place among the
    /// values there are, which keeps their order and what is equal, with zero at place zero.
    Places {
        /// The values in order.
        values: Vec<i64>,
        /// Where zero is in them.
        zero: usize,
    },
}

/// A call of the library.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation.
    pub op: Op,
    /// Its inputs.
    pub inputs: Vec<(Role, Array)>,
    /// Whether the first axis of the outputs is one that the inputs did not have.
    pub drop_batch: bool,
    /// Whether results change their sign on the way back: an average with a negative divisor.
    pub negate: bool,
}

/// The largest whole number below which 32-bit floats hold all.
const WHOLE: i64 = 1 << 24;

impl Call {
    /// A call whose results are taken as they are.
    pub fn new(op: impl Into<Op>, inputs: Vec<(Role, Array)>) -> Call {
        Call { op: op.into(), inputs, drop_batch: false, negate: false }
    }

    /// The type of the data.
    fn element(&self) -> Element {
        let data = self.inputs.iter().find(|(role, _)| *role == Role::Data);
        data.map_or(Element::F32, |(_, array)| array.element)
    }

    /// Whether results are elements of the input, unchanged.
    fn selects(&self) -> bool {
        match &self.op {
            Op::Pool(pool) => pool.kind == PoolKind::Max,
            Op::GlobalPool(pool) => pool.kind == PoolKind::Max,
            Op::AdaptivePool(pool) => pool.kind == PoolKind::Max,
            Op::FractionalMaxPool(_) | Op::MaxUnpool(_) | Op::MaxRoiPool(_) => true,
            // Zero is at place zero; no other number has its own.
            Op::Pad(Pad { mode: PadMode::Constant(value), .. }) => *value == 0.0,
            Op::AsStrided(_) | Op::Concat(_) | Op::Pad(_) | Op::ArgReduce(_) => true,
            Op::Reduce(reduce) => matches!(reduce.kind, ReduceKind::Max | ReduceKind::Min),
            _ => false,
        }
    }

    fn descs(&self, data: impl Fn(Element) -> DType) -> Vec<TensorDesc> {
        let dtype = |role: &Role, array: &Array| match role {
            Role::Data => data(array.element),
            Role::Index => DType::I32,
            Role::Place => DType::F32,
            Role::Own => own(array.element),
        };
        self.inputs
            .iter()
            .map(|(role, array)| TensorDesc { shape: array.shape.clone(), dtype: dtype(role, array) })
            .collect()
    }

    /// The checked problem, and how the data reaches it. `f16` says whether 16-bit floats can be computed with.
    ///
    /// # Errors
    /// Whatever rule the operation or its inputs break.
    pub fn problem(&self, f16: bool) -> Result<(Problem, Passage)> {
        let native = |element: Element| match element {
            Element::F16 if f16 => DType::F16,
            Element::BF16 => DType::BF16,
            Element::U8 => DType::U8,
            Element::I8 => DType::I8,
            _ => DType::F32,
        };
        let element = self.element();
        let same = self.inputs.iter().all(|(role, a)| *role != Role::Data || a.element == element);
        if !same {
            // Inputs of several types are refused as they stand.
            return match Problem::new(&self.op, &self.descs(own)) {
                Err(error) => Err(error),
                Ok(_) => Err(Error::parameter("case", "inputs", element, "all must be of one type")),
            };
        }
        let own = element == Element::F32 || native(element) != DType::F32;
        match Problem::new(&self.op, &self.descs(native)) {
            Ok(problem) if own => return Ok((problem, Passage::Native(native(element)))),
            Ok(_) | Err(Error::Type { .. }) => {}
            Err(error) => return Err(error),
        }
        if !element.is_float() && !self.selects() {
            // The error of an integer type that no kernel sums.
            let refused =
                if matches!(element, Element::U8 | Element::I8) { native(element) } else { DType::I32 };
            let named = self.descs(|_| refused);
            return Problem::new(&self.op, &named).map(|problem| (problem, Passage::Native(refused)));
        }
        Ok((Problem::new(&self.op, &self.descs(|_| DType::F32))?, self.passage()?))
    }

    /// How data that must become 32-bit floats does so.
    fn passage(&self) -> Result<Passage> {
        let data = self.inputs.iter().filter(|(role, _)| *role == Role::Data);
        let mut values: Vec<i64> = data.filter_map(|(_, a)| a.integers()).flatten().copied().collect();
        if values.iter().all(|v| (-WHOLE..=WHOLE).contains(v)) {
            return Ok(Passage::Widened);
        }
        values.push(0);
        values.sort_unstable();
        values.dedup();
        if values.len() as i64 > WHOLE {
            return Err(Error::TooLarge {
                what: "integers",
                values: format!("{} different ones", values.len()),
                rule: "at most 2^24 different values reach a kernel exactly",
            });
        }
        let zero = values.binary_search(&0).unwrap_or(0);
        Ok(Passage::Places { values, zero })
    }

    /// The inputs as the operation takes them.
    ///
    /// # Errors
    /// [`Error::Value`] if a value has no exact counterpart.
    pub fn tensors(&self, passage: &Passage) -> Result<Vec<Tensor>> {
        self.inputs
            .iter()
            .map(|(role, array)| {
                let data = match role {
                    Role::Data => data(array, passage)?,
                    Role::Index => indices(array)?,
                    Role::Place => Data::F32(floats(array)?),
                    Role::Own => match own(array.element) {
                        DType::I32 => indices(array)?,
                        dtype => data(array, &Passage::Native(dtype))?,
                    },
                };
                Tensor::new(&array.shape, data)
            })
            .collect()
    }

    /// Results as the framework has them.
    pub fn results(&self, outputs: Vec<Tensor>, passage: &Passage) -> Vec<Array> {
        let types_of_its_own = self.inputs.iter().any(|(role, _)| *role == Role::Own);
        let mut arrays = Vec::with_capacity(outputs.len());
        for (number, tensor) in outputs.into_iter().enumerate() {
            let mut shape = tensor.shape().to_vec();
            if self.drop_batch && shape.first() == Some(&1) {
                shape.remove(0);
            }
            let element = match (types_of_its_own, tensor.dtype()) {
                (true, DType::I32) => Element::I32,
                (true, DType::U8) => Element::U8,
                (true, DType::I8) => Element::I8,
                _ => self.element(),
            };
            let all = (0..tensor.data().len()).filter_map(|i| tensor.data().get(i));
            // The outputs of all other operations behind the first are indices.
            let indices = match self.op {
                Op::ArgReduce(_) => true,
                Op::CausalConv(_) | Op::Gradient(_) => false,
                _ => number > 0,
            };
            arrays.push(if indices {
                Array { shape, element: Element::I64, values: Values::Int(all.map(|v| v as i64).collect()) }
            } else if element.is_float() {
                let sign = if self.negate { -1.0 } else { 1.0 };
                let values = all.map(|v| element.round(sign * v)).collect();
                Array { shape, element, values: Values::Float(values) }
            } else {
                let values = all.map(|v| integer(v, element, passage)).collect();
                Array { shape, element, values: Values::Int(values) }
            });
        }
        arrays
    }
}

/// The type of elements as they are; those that tensors have no name for count as their nearest.
fn own(element: Element) -> DType {
    match element {
        Element::F16 => DType::F16,
        Element::BF16 => DType::BF16,
        Element::F32 | Element::F64 => DType::F32,
        Element::U8 => DType::U8,
        Element::I8 => DType::I8,
        _ => DType::I32,
    }
}

/// The integer that a result stands for; minus infinity is the least there is.
fn integer(value: f64, element: Element, passage: &Passage) -> i64 {
    if value == f64::NEG_INFINITY {
        return element.least();
    }
    match passage {
        Passage::Places { values, zero } => {
            let at = value as i64 + *zero as i64;
            // A place that no value has is no result of selecting; it must not look like one.
            usize::try_from(at).ok().and_then(|at| values.get(at)).copied().unwrap_or(i64::MAX)
        }
        _ => value as i64,
    }
}

fn data(array: &Array, passage: &Passage) -> Result<Data> {
    Ok(match (passage, &array.values) {
        (Passage::Native(dtype @ (DType::F16 | DType::BF16)), Values::Float(v)) => {
            Data::nearest(*dtype, v.iter().copied())?
        }
        (Passage::Native(DType::U8), Values::Int(v)) => Data::U8(v.iter().map(|&x| x as u8).collect()),
        (Passage::Native(DType::I8), Values::Int(v)) => Data::I8(v.iter().map(|&x| x as i8).collect()),
        (Passage::Places { values, zero }, Values::Int(v)) => {
            let place = |x: &i64| values.binary_search(x).unwrap_or(0) as i64 - *zero as i64;
            Data::F32(v.iter().map(|x| place(x) as f32).collect())
        }
        _ => Data::F32(floats(array)?),
    })
}

/// The elements as 32-bit floats of the same values.
fn floats(array: &Array) -> Result<Vec<f32>> {
    let lost = |at: usize, value: String| Error::Value {
        op: "conversion to f32",
        tensor: "an input",
        at,
        value,
        rule: "an f32 must hold it exactly".into(),
    };
    match &array.values {
        Values::Float(v) => (v.iter().enumerate())
            .map(|(at, &x)| {
                let narrow = x as f32;
                let same = f64::from(narrow) == x || x.is_nan();
                same.then_some(narrow).ok_or_else(|| lost(at, x.to_string()))
            })
            .collect(),
        Values::Int(v) => (v.iter().enumerate())
            .map(|(at, &x)| {
                let same = (-WHOLE..=WHOLE).contains(&x);
                same.then_some(x as f32).ok_or_else(|| lost(at, x.to_string()))
            })
            .collect(),
    }
}

/// Positions, which operations take as 32-bit integers.
fn indices(array: &Array) -> Result<Data> {
    let wrong = |at: usize, value: String, rule: &str| Error::Value {
        op: "conversion to i32",
        tensor: "indices",
        at,
        value,
        rule: rule.into(),
    };
    match &array.values {
        Values::Int(v) => (v.iter().enumerate())
            .map(|(at, &x)| i32::try_from(x).map_err(|_| wrong(at, x.to_string(), "it must fit 32 bits")))
            .collect::<Result<_>>()
            .map(Data::I32),
        Values::Float(_) => Err(wrong(0, array.element.to_string(), "indices must be integers")),
    }
}
