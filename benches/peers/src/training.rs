//! What `training.py` asks of a library written in Rust: steps on one batch, from given weights.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use crate::Result;

/// Examples of a step.
pub const BATCH: usize = 32;
/// Pixels a side of the tutorial's photographs, and of ResNet-20's.
pub const SIDES: [usize; 2] = [224, 32];
pub const CLASSES: usize = 10;
/// Of Adam, and of the momentum's SGD.
pub const RATES: [f64; 2] = [1e-3, 0.05];
pub const MOMENTUM: f64 = 0.9;
pub const ADAM: [f64; 3] = [0.9, 0.999, 1e-7];
pub const NORM_EPSILON: f64 = 1e-5;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Three convolutions of ten channels, with maxima behind each or without, and a dense layer.
    Tutorial { pools: bool },
    /// He et al., "Deep Residual Learning for Image Recognition" (2015), section 4.2.
    ResNet20,
}

impl Network {
    pub fn named(name: &str) -> Result<Network> {
        match name {
            "nopool" => Ok(Network::Tutorial { pools: false }),
            "pool" => Ok(Network::Tutorial { pools: true }),
            "resnet20" => Ok(Network::ResNet20),
            _ => Err(format!("there is no network {name}").into()),
        }
    }
}

/// A residual block: two convolutions, and a third of one tap in the shortcut where the shape changes.
pub struct Block {
    pub name: String,
    pub channels: [usize; 2],
    pub stride: usize,
}

impl Block {
    pub fn changes(&self) -> bool {
        self.channels[0] != self.channels[1]
    }
}

pub fn blocks() -> Vec<Block> {
    let stages = [[16, 16], [16, 32], [32, 64]];
    let block = |at: usize| {
        let [before, channels] = stages[at / 3];
        let first = at % 3 == 0;
        let before = if first { before } else { channels };
        let stride = if first && at > 0 { 2 } else { 1 };
        Block { name: format!("block{at}"), channels: [before, channels], stride }
    };
    (0..9).map(block).collect()
}

/// The tensors that `training.py` wrote, f32, each in a file of its name.
pub struct Files(pub PathBuf);

impl Files {
    pub fn floats(&self, name: &str, elements: usize) -> Result<Vec<f32>> {
        let bytes = std::fs::read(self.0.join(format!("{name}.f32"))).map_err(|e| format!("{name}: {e}"))?;
        let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let values: Vec<f32> = values.collect();
        match values.len() == elements {
            true => Ok(values),
            false => Err(format!("{name} has {} elements, {elements} are wanted", values.len()).into()),
        }
    }

    pub fn labels(&self) -> Result<Vec<i32>> {
        Ok(self.floats("y", BATCH)?.into_iter().map(|label| label as i32).collect())
    }
}

/// A network in training.
pub trait Training {
    /// A step: its loss, which was waited for.
    fn step(&mut self) -> Result<f32>;
}

/// Says in a line of JSON on which `device`, the losses of four steps, and how long the first took from `start` on; then
/// answers each line of standard input, a number of steps, with the seconds of one.
pub fn serve(training: &mut dyn Training, start: Instant, device: &str) -> Result<()> {
    let mut losses = vec![training.step()?];
    let first = start.elapsed().as_secs_f64() * 1e3;
    for _ in 0..3 {
        losses.push(training.step()?);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "device": device, "first_step_ms": first, "losses": losses }))?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let count: usize = line?.trim().parse()?;
        let start = Instant::now();
        for _ in 0..count {
            training.step()?;
        }
        writeln!(out, "{}", start.elapsed().as_secs_f64() / count as f64)?;
        out.flush()?;
    }
    Ok(())
}
