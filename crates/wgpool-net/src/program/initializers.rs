//! Which inputs of operations the initializers of a file are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Initializer, Program, Source};
use wgpool::error::{Error, Result};
use wgpool::tensor::{Tensor, TensorDesc};

/// An initializer that can be set, or why it cannot.
#[derive(Clone, Debug)]
pub(crate) struct Settable {
    desc: TensorDesc,
    /// The operations that read it, each with the input.
    places: Vec<(usize, usize)>,
    refused: Option<&'static str>,
}

const COMPUTED: &str =
    "its numbers were computed with when the model was lowered, and are part of its operations";
const JOINED: &str = "operations that read it were joined with others, or narrowed: a session of the program without \
    `Program::optimised` and `Program::in_f16` takes it";
const UNREAD: &str = "no operation reads it";

impl Program {
    /// Keeps initializers, with how many inputs they are.
    #[cfg(feature = "onnx")]
    pub(crate) fn set_initializers(&mut self, mut initializers: BTreeMap<String, Initializer>) {
        let places = self.places();
        for initializer in initializers.values_mut() {
            let held = initializer.tensor.as_ref().map(Arc::as_ptr);
            initializer.uses = held.and_then(|held| places.get(&held)).map_or(0, Vec::len);
        }
        self.initializers = initializers;
    }

    fn places(&self) -> HashMap<*const Tensor, Vec<(usize, usize)>> {
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            for (input, source) in step.inputs.iter().enumerate() {
                if let Source::Weight(tensor) = source {
                    places.entry(Arc::as_ptr(tensor)).or_default().push((at, input));
                }
            }
        }
        places
    }

    /// Where each initializer is, which the program lets go of.
    pub(crate) fn take_initializers(&mut self) -> BTreeMap<String, Settable> {
        let places = self.places();
        let settable = |(name, Initializer { tensor, uses }): (String, Initializer)| {
            let Some(tensor) = tensor else {
                let desc = TensorDesc::f32([]);
                return (name, Settable { desc, places: vec![], refused: Some(COMPUTED) });
            };
            let places = places.get(&Arc::as_ptr(&tensor)).cloned().unwrap_or_default();
            let refused = match (uses, places.len() == uses) {
                (0, _) => Some(UNREAD),
                (_, false) => Some(JOINED),
                _ => None,
            };
            (name, Settable { desc: tensor.desc(), places, refused })
        };
        std::mem::take(&mut self.initializers).into_iter().map(settable).collect()
    }
}

impl Settable {
    /// The operations and inputs that a tensor goes to, if it can be set.
    pub fn places(&self, model: &str, name: &str, tensor: &Tensor) -> Result<&[(usize, usize)]> {
        let refuse = |reason: String| Err(Error::layer(model, name, reason));
        if let Some(reason) = self.refused {
            return refuse(format!("the initializer cannot be set: {reason}"));
        }
        if tensor.desc() != self.desc {
            return refuse(format!("the initializer is {}, but is given {}", self.desc, tensor.desc()));
        }
        Ok(&self.places)
    }
}
