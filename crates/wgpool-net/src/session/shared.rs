//! What several sessions of one model share: weights by what they hold, and the app's pipelines.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::custom::Pipelines;
use crate::program::{Program, Source};
use wgpool::tensor::Tensor;
use wgpool::wgpu;

/// A weight, and the buffer that it was uploaded into.
#[derive(Debug)]
pub(crate) struct Held {
    pub tensor: Arc<Tensor>,
    pub buffer: OnceLock<wgpu::Buffer>,
}

/// The weights of sessions that are there, by hashes of their elements.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    weights: Mutex<HashMap<u64, Vec<Arc<Held>>>>,
    pub pipelines: Mutex<Pipelines>,
}

impl Shared {
    /// Puts weights that are held in the place of equal ones, and holds the others. What comes back keeps them.
    pub fn take(&self, program: &mut Program) -> Vec<Arc<Held>> {
        let mut weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen: HashMap<*const Tensor, Arc<Held>> = HashMap::new();
        let mut taken = Vec::new();
        for source in program.steps.iter_mut().flat_map(|step| &mut step.inputs) {
            let Source::Weight(weight) = source else { continue };
            let held = match seen.get(&Arc::as_ptr(weight)) {
                Some(held) => held.clone(),
                None => {
                    let equals = weights.entry(hash(weight)).or_default();
                    let is_equal = |held: &&Arc<Held>| {
                        held.tensor.desc() == weight.desc()
                            && held.tensor.data().as_bytes() == weight.data().as_bytes()
                    };
                    let held = equals.iter().find(is_equal).cloned().unwrap_or_else(|| {
                        let held = Arc::new(Held { tensor: weight.clone(), buffer: OnceLock::new() });
                        equals.push(held.clone());
                        held
                    });
                    seen.insert(Arc::as_ptr(&held.tensor), held.clone());
                    taken.push(held.clone());
                    held
                }
            };
            *weight = held.tensor.clone();
        }
        taken
    }

    /// Lets go of weights that no session keeps.
    pub fn forget_unused(&self) {
        let mut weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        weights.retain(|_, equals| {
            equals.retain(|held| Arc::strong_count(held) > 1);
            !equals.is_empty()
        });
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> u64 {
        let weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        weights.values().flatten().map(|held| held.tensor.desc().buffer_size()).sum()
    }
}

fn hash(tensor: &Tensor) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(tensor.data().as_bytes());
    hasher.finish()
}
