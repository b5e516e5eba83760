//! The values of a file's graph, as far as it is lowered.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

use crate::graph::{Graph, Value};
use crate::onnx::ElementType;
use crate::onnx::fold::HostTensor;
use crate::onnx::refused::{quoted, refused};
use crate::onnx::values::to_tensor;
use crate::program::Initializer;
use wgpool::error::{Refusal, Result};
use wgpool::tensor::{DType, TensorDesc};

/// A value of the file's graph.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// Known here.
    Known(Rc<Constant<'a>>),
    /// Computed when the program runs; elements of the type are stored as [`stored`] says.
    Run(Value, ElementType),
}

/// A constant, and the value that it is in programs: one, however many nodes compute with it.
#[derive(Debug)]
pub(super) struct Constant<'a> {
    pub tensor: HostTensor<'a>,
    value: Cell<Option<Value>>,
    /// Whether its numbers were computed with here.
    is_computed_with: Cell<bool>,
}

impl Constant<'_> {
    /// Says that its numbers are part of what is lowered.
    pub fn compute_with(&self) {
        self.is_computed_with.set(true);
    }
}

impl<'a> Deref for Constant<'a> {
    type Target = HostTensor<'a>;

    fn deref(&self) -> &HostTensor<'a> {
        &self.tensor
    }
}

/// How elements are stored that are computed: integers as i32, of which every index is one; a bool as 0 or 1 in f32.
pub(super) fn stored(ty: ElementType) -> Option<DType> {
    Some(match ty {
        ElementType::F32 | ElementType::Bool => DType::F32,
        ElementType::I32 | ElementType::I64 => DType::I32,
        ElementType::F16 => DType::F16,
        ElementType::BF16 => DType::BF16,
        ElementType::U8 => DType::U8,
        ElementType::I8 => DType::I8,
        _ => return None,
    })
}

/// The graph as far as it is lowered.
pub(super) struct Import<'a> {
    pub graph: Graph,
    pub opset: i64,
    pub most_bytes: usize,
    pub items: HashMap<&'a str, Item<'a>>,
}

impl<'a> Item<'a> {
    pub fn known(tensor: HostTensor<'a>) -> Item<'a> {
        Item::Known(Rc::new(Constant { tensor, value: Cell::new(None), is_computed_with: Cell::new(false) }))
    }

    pub fn element_type(&self) -> ElementType {
        match self {
            Item::Known(tensor) => tensor.elements(),
            Item::Run(_, ty) => *ty,
        }
    }
}

impl<'a> Import<'a> {
    pub fn check_size(&self, name: &str, desc: &TensorDesc) -> Result<()> {
        let bytes = desc.shape.iter().try_fold(desc.dtype.size(), |n, &length| n.checked_mul(length));
        match bytes {
            Some(bytes) if bytes <= self.most_bytes => Ok(()),
            _ => {
                let reason = format!("{:?} has more than {} bytes", desc.shape, self.most_bytes);
                Err(refused(Refusal::Limit, format!("input {}", quoted(name)), reason))
            }
        }
    }

    /// What operations read of a constant, if they alone do.
    pub fn initializer(&self, constant: &Constant<'_>) -> Initializer {
        let value = constant.value.get().filter(|_| !constant.is_computed_with.get());
        Initializer { tensor: value.and_then(|value| self.graph.unchanged(value)), uses: 0 }
    }

    /// The value that a program computes with.
    pub fn value(&mut self, item: &Item<'a>, at: &str) -> Result<Value> {
        match item {
            Item::Run(value, _) => Ok(*value),
            Item::Known(constant) => {
                if let Some(value) = constant.value.get() {
                    return Ok(value);
                }
                let Some(dtype) = stored(constant.elements()) else {
                    let reason = format!("tensors of the type {} are not computed with", constant.elements());
                    return Err(refused(Refusal::Unsupported, at, reason));
                };
                let value = self.graph.constant(to_tensor(constant, dtype, at)?);
                constant.value.set(Some(value));
                Ok(value)
            }
        }
    }
}
