//! What is trained: a model of layers, or a program.

use super::replay;
use crate::layer::Model;
use crate::lower::training::Trained;
use crate::program::Program;
use wgpool::error::Result;

/// A network that can be trained.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Network {
    /// Of layers. What is not frozen is trained; normalisation takes the statistics of the batch, and dropout drops.
    Model(Box<Model>),
    /// A program of operations, as it infers: of an ONNX file, or of a [`Graph`](crate::Graph). Kernels, biases and slopes are
    /// trained, by the names of their initializers, or by those of their operations.
    Program(Box<Program>),
}

impl From<Model> for Network {
    fn from(model: Model) -> Network {
        Network::Model(Box::new(model))
    }
}

impl From<Program> for Network {
    fn from(program: Program) -> Network {
        Network::Program(Box::new(program))
    }
}

impl Network {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Network::Model(model) => &model.name,
            Network::Program(program) => &program.name,
        }
    }

    /// With weights as inputs.
    pub(super) fn trained(&self, batch: usize, is_step: bool) -> Result<Trained> {
        match self {
            Network::Model(model) => model.trained(batch, is_step),
            Network::Program(program) => {
                let own = program.inputs.first().and_then(|port| port.desc.shape.first().copied());
                match own == Some(batch) {
                    true => replay::trained(program),
                    false => replay::trained(&program.with_batch(batch)?),
                }
            }
        }
    }
}
