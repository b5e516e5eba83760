//! An ONNX file in tract, as its user runs an ONNX model.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::SimpleState;
use wgpool_peers::{Peer, Result};

/// A file's optimised plan, with the tensor it is fed.
pub struct Run {
    x: TValue,
    state: SimpleState<TypedFact, Box<dyn TypedOp>>,
}

impl Run {
    /// Of an ONNX file with one input.
    pub fn new(model: &Path, shape: &[usize], x: &[f32], threads: usize) -> Result<Run> {
        // By itself it leaves small products to one thread, though two are faster.
        multithread::set_threading_panel_threshold(0);
        multithread::set_default_executor(multithread::Executor::multithread(threads));
        let model = tract_onnx::onnx().model_for_path(model)?;
        let state = model.into_optimized()?.into_runnable()?.spawn()?;
        Ok(Run { x: Tensor::from_shape(shape, x)?.into(), state })
    }

    fn run(&mut self) -> TractResult<TVec<TValue>> {
        self.state.run(tvec![self.x.clone()])
    }
}

impl Peer for Run {
    fn result(&mut self) -> Result<Vec<f32>> {
        let outputs = self.run()?;
        Ok(outputs[0].to_plain_array_view::<f32>()?.iter().copied().collect())
    }

    fn time(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.run()?);
        }
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }
}
