//! What all folded operators ask: inputs, lists, axes, and room for what they make.

use super::super::element_type::ElementType;
use super::super::messages::Node;
use super::host_tensor::{HostTensor, count};
use wgpool::error::{Error, Refusal, Result};

/// The most axes that a tensor may have.
const MAX_AXES: usize = 64;

/// An operator with its inputs.
pub(super) struct Call<'n, 'a> {
    pub node: &'n Node<'a>,
    pub inputs: &'n [Option<&'n HostTensor<'a>>],
    pub opset: i64,
    /// The most elements that its outputs may have together, where they are new.
    pub limit: usize,
}

impl<'n, 'a> Call<'n, 'a> {
    pub fn shape_error(&self, reason: impl Into<String>) -> Error {
        self.node.refused(Refusal::Shape, reason)
    }

    pub fn type_error(&self, reason: impl Into<String>) -> Error {
        self.node.refused(Refusal::Type, reason)
    }

    pub fn optional(&self, at: usize) -> Option<&'n HostTensor<'a>> {
        self.inputs.get(at).copied().flatten()
    }

    pub fn input(&self, at: usize) -> Result<&'n HostTensor<'a>> {
        self.optional(at)
            .ok_or_else(|| self.node.refused(Refusal::Structure, format!("it lacks its input {at}")))
    }

    /// All inputs, of which none may be absent.
    pub fn all(&self) -> Result<Vec<&'n HostTensor<'a>>> {
        (0..self.inputs.len().max(1)).map(|at| self.input(at)).collect()
    }

    /// The type that all of these have.
    pub fn same_type(&self, inputs: &[&HostTensor<'_>]) -> Result<ElementType> {
        let [first, others @ ..] = inputs else {
            return Err(self.node.refused(Refusal::Structure, "it has no inputs"));
        };
        match others.iter().find(|other| other.elements() != first.elements()) {
            None => Ok(first.elements()),
            Some(other) => {
                let reason = format!("its inputs are {} and {}", first.elements(), other.elements());
                Err(self.type_error(reason))
            }
        }
    }

    /// The integers of an input with at most one axis.
    pub fn ints(&self, at: usize) -> Result<Option<Vec<i64>>> {
        let Some(input) = self.optional(at) else { return Ok(None) };
        if !matches!(input.elements(), ElementType::I32 | ElementType::I64) {
            let reason = format!("its input {at} is {}, but must be int32 or int64", input.elements());
            return Err(self.type_error(reason));
        }
        if input.shape().len() > 1 {
            return Err(
                self.shape_error(format!("its input {at} has the shape {:?}, not one axis", input.shape()))
            );
        }
        Ok(input.i64s())
    }

    /// A list that was an attribute before an opset, and is an input from then on.
    pub fn list(&self, name: &str, since: i64, at: usize) -> Result<Option<Vec<i64>>> {
        if self.opset < since { self.node.ints(name) } else { self.ints(at) }
    }

    /// A list that must be given.
    pub fn required<T>(&self, name: &str, list: Option<T>) -> Result<T> {
        list.ok_or_else(|| self.node.refused(Refusal::Structure, format!("it lacks {name}")))
    }

    /// Whether each of so many axes is in a list, in which none may be twice.
    pub fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<bool>> {
        let axes = self.node.axes(axes, rank)?;
        Ok((0..rank).map(|axis| axes.contains(&axis)).collect())
    }

    /// A length from a list.
    pub fn length(&self, length: i64) -> Result<usize> {
        usize::try_from(length).map_err(|_| self.shape_error(format!("axes cannot have the length {length}")))
    }

    /// A list as a shape.
    pub fn lengths(&self, list: &[i64]) -> Result<Vec<usize>> {
        self.rank(list.len())?;
        list.iter().map(|&length| self.length(length)).collect()
    }

    /// How many elements of a shape are made, if they may be.
    pub fn elements(&self, shape: &[usize]) -> Result<usize> {
        self.rank(shape.len())?;
        count(shape).filter(|&elements| elements <= self.limit).ok_or_else(|| {
            let reason = format!("it makes the shape {shape:?}, of more than {} elements", self.limit);
            self.node.refused(Refusal::Limit, reason)
        })
    }

    /// Refuses more axes than there may be.
    pub fn rank(&self, axes: usize) -> Result<()> {
        if axes <= MAX_AXES {
            return Ok(());
        }
        let reason = format!("it makes a tensor of {axes} axes, more than {MAX_AXES}");
        Err(self.node.refused(Refusal::Limit, reason))
    }

    /// Room for the bytes of a shape.
    pub fn room(&self, shape: &[usize], elements: ElementType) -> Result<Vec<u8>> {
        let bytes = self.elements(shape)?.checked_mul(elements.size().unwrap_or(1));
        let mut room = Vec::new();
        match bytes.map(|bytes| room.try_reserve_exact(bytes)) {
            Some(Ok(())) => Ok(room),
            _ => {
                Err(self.node.refused(Refusal::Limit, format!("there is no memory for the shape {shape:?}")))
            }
        }
    }
}
