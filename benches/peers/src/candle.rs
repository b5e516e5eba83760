//! A workload in candle, as its user writes it.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use candle_core::{Tensor, utils::get_num_threads};
use serde_json::Value;
use wgpool_peers::{Peer, Result, padding, pair};

/// A workload with its tensors.
pub struct Run {
    x: Tensor,
    conv: Option<Conv>,
    pool: Option<Pool>,
}

struct Conv {
    weights: Tensor,
    bias: Tensor,
    padding: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
    activated: bool,
}

struct Pool {
    max: bool,
    window: (usize, usize),
    stride: (usize, usize),
}

impl Run {
    /// What candle does not offer is an error, and never computed by something else.
    pub fn new(case: &Value, folder: &Path, short: &str, threads: usize) -> Result<Run> {
        if get_num_threads() != threads {
            return Err(format!("candle takes {} threads, not {threads}", get_num_threads()).into());
        }
        let load = |i: usize| Tensor::read_npy(folder.join(format!("{short}.in{i}.npy")));
        let (conv, pool) = (&case["conv"], &case["pool"]);
        let conv = match conv.is_null() {
            true => None,
            false => Some(Conv {
                weights: load(1)?,
                bias: load(2)?.reshape((1, (), 1, 1))?,
                padding: square(padding(conv)?)?,
                stride: square(pair(&conv["stride"])?)?,
                dilation: square(pair(&conv["dilation"])?)?,
                groups: conv["groups"].as_u64().ok_or("groups are missing")? as usize,
                activated: conv["activation"] == "relu",
            }),
        };
        let pool = match pool.is_null() {
            true => None,
            false => Some(pooling(pool)?),
        };
        Ok(Run { x: load(0)?, conv, pool })
    }

    fn run(&self) -> candle_core::Result<Tensor> {
        let mut x = self.x.clone();
        if let Some(c) = &self.conv {
            // As candle-nn's `Conv2d` does.
            x = x.conv2d(&c.weights, c.padding, c.stride, c.dilation, c.groups)?.broadcast_add(&c.bias)?;
            x = if c.activated { x.relu()? } else { x };
        }
        match &self.pool {
            Some(p) if p.max => x.max_pool2d_with_stride(p.window, p.stride),
            Some(p) => x.avg_pool2d_with_stride(p.window, p.stride),
            None => Ok(x),
        }
    }
}

impl Peer for Run {
    fn result(&mut self) -> Result<Vec<f32>> {
        Ok(self.run()?.flatten_all()?.to_vec1()?)
    }

    fn time(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.run()?);
        }
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }
}

fn pooling(pool: &Value) -> Result<Pool> {
    if padding(pool)? != [0, 0] {
        return Err("pooling with padding is not offered".into());
    }
    if pair(&pool["dilation"])? != [1, 1] {
        return Err("pooling with dilation is not offered".into());
    }
    let [window, stride] = [pair(&pool["window"])?, pair(&pool["stride"])?];
    Ok(Pool { max: pool["kind"] == "max", window: window.into(), stride: stride.into() })
}

fn square(each: [usize; 2]) -> Result<usize> {
    match each {
        [h, w] if h == w => Ok(h),
        _ => {
            Err("stride, dilation and padding of convolution that differ between axes are not offered".into())
        }
    }
}
