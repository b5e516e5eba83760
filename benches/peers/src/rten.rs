//! An ONNX file in rten, as its user runs it.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use rten::{Model, ModelOptions, Value};
use rten_tensor::prelude::*;
use rten_tensor::Tensor;
use wgpool_peers::{Peer, Result};

/// A model, with the tensor it is fed.
pub struct Run {
    model: Model,
    x: Tensor<f32>,
}

impl Run {
    /// Of a file with one input; threads are what `RTEN_NUM_THREADS` says.
    pub fn new(model: &Path, shape: &[usize], x: &[f32]) -> Result<Run> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        Ok(Run { model: options.load_file(model)?, x: Tensor::from_data(shape, x.to_vec()) })
    }

    fn run(&self) -> Result<Value> {
        Ok(self.model.run_one(self.x.view().into(), None)?)
    }
}

impl Peer for Run {
    fn result(&mut self) -> Result<Vec<f32>> {
        let y: Tensor<f32> = self.run()?.try_into()?;
        Ok(y.to_vec())
    }

    fn time(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.run()?);
        }
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }
}
