//! A workload in burn, as its user writes it.

use std::time::Instant;

use burn_tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn_tensor::ops::ConvOptions;
use burn_tensor::{Tensor, TensorData, activation::relu, backend::Backend};
use burn_wgpu::graphics::AutoGraphicsApi;
use burn_wgpu::{RuntimeOptions, Wgpu, WgpuDevice, init_setup};
use wgpool_testing::bench::Exported;
use wgpool_peers::{Peer, Result, padding, pair};

/// Opens burn's device on the kind of adapter that wgpool has; its name comes with it.
pub fn open(software: bool) -> (WgpuDevice, String) {
    let device = if software { WgpuDevice::Cpu } else { WgpuDevice::DefaultDevice };
    let setup = init_setup::<AutoGraphicsApi>(&device, RuntimeOptions::default());
    let info = setup.adapter.get_info();
    (device, info.name)
}

/// A workload with its tensors on the device.
pub struct Run {
    device: WgpuDevice,
    x: Tensor<Wgpu, 4>,
    weights: Option<(Tensor<Wgpu, 4>, Tensor<Wgpu, 1>)>,
    conv: Option<(ConvOptions<2>, bool)>,
    pool: Option<Pool>,
}

struct Pool {
    kind: String,
    window: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
}

impl Run {
    pub fn new(case: &Exported, device: &WgpuDevice) -> Result<Run> {
        let data = |i: usize| -> Result<TensorData> {
            let tensor = case.inputs.get(i).ok_or("a tensor is missing")?;
            let values = tensor.as_f32()?.to_vec();
            Ok(TensorData::new(values, tensor.shape().to_vec()))
        };
        let (conv, pool) = (&case.json["conv"], &case.json["pool"]);
        let mut run = Run {
            device: device.clone(),
            x: Tensor::from_data(data(0)?, device),
            weights: None,
            conv: None,
            pool: None,
        };
        if !conv.is_null() {
            let groups = conv["groups"].as_u64().ok_or("groups are missing")? as usize;
            let stride = pair(&conv["stride"])?;
            let options = ConvOptions::new(stride, padding(conv)?, pair(&conv["dilation"])?, groups);
            run.conv = Some((options, conv["activation"] == "relu"));
            run.weights = Some((Tensor::from_data(data(1)?, device), Tensor::from_data(data(2)?, device)));
        }
        if !pool.is_null() {
            run.pool = Some(Pool {
                kind: pool["kind"].as_str().ok_or("the kind of pooling is missing")?.to_owned(),
                window: pair(&pool["window"])?,
                stride: pair(&pool["stride"])?,
                padding: padding(pool)?,
                dilation: pair(&pool["dilation"])?,
            });
        }
        Ok(run)
    }

    fn run(&self) -> Tensor<Wgpu, 4> {
        let mut x = self.x.clone();
        if let (Some((options, activated)), Some((w, bias))) = (&self.conv, &self.weights) {
            x = conv2d(x, w.clone(), Some(bias.clone()), options.clone());
            x = if *activated { relu(x) } else { x };
        }
        match &self.pool {
            Some(p) if p.kind == "max" => max_pool2d(x, p.window, p.stride, p.padding, p.dilation, false),
            Some(p) => avg_pool2d(x, p.window, p.stride, p.padding, p.kind != "average", false),
            None => x,
        }
    }
}

impl Peer for Run {
    fn result(&mut self) -> Result<Vec<f32>> {
        self.run().into_data().into_vec().map_err(|e| format!("{e:?}").into())
    }

    fn time(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        let mut last = None;
        for _ in 0..count {
            last = Some(self.run());
        }
        Wgpu::<f32, i32, u32>::sync(&self.device).map_err(|e| format!("{e:?}"))?;
        drop(last);
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }
}
