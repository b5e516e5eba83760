//! What the files of kernels have in common.

pub(super) use super::block::uniform;
pub(super) use super::reduce::Reduce;
pub(super) use super::row::{Kernel, Row, WORKGROUP, by_words, pairs, plain, row, typed};
pub(super) use super::text::*;
pub(super) use crate::activation::ActivationKind;
pub(super) use crate::dtype::{BYTES, DType, FLOATS, ORDERED};
