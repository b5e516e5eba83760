//! Steps of training on burn's wgpu backend, which `training.py` times in turn with wgpool's.
//!
//! `wgpool-peers-training-burn NETWORK FOLDER [--software]`; see [`serve`] for the rest.

use std::process::ExitCode;
use std::time::Instant;

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, DeviceKind, Int, Tensor, TensorData};
use wgpool_peers::Result;
use wgpool_peers::training::{
    ADAM, BATCH, CLASSES, Files, MOMENTUM, NORM_EPSILON, Network, RATES, SIDES, Training, blocks, serve,
};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let (network, folder, kind) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [network, folder] => (network, folder, DeviceKind::DefaultDevice),
        [network, folder, "--software"] => (network, folder, DeviceKind::Cpu),
        _ => return Err("usage: wgpool-peers-training-burn NETWORK FOLDER [--software]".into()),
    };
    let network = Network::named(network)?;
    let device = Device::webgpu(kind).autodiff();
    let maker = Maker { files: Files(std::path::Path::new(folder).join("nchw")), device: device.clone() };
    let start = Instant::now();
    let side = SIDES[usize::from(network == Network::ResNet20)];
    let x = maker.tensor::<4>("x", [BATCH, 3, side, side])?;
    let name = format!("{device:?}");
    match network {
        Network::Tutorial { pools } => {
            let y = maker.files.labels()?;
            let targets = Tensor::<2, Int>::from_data(TensorData::new(y, [BATCH, 1]), &device);
            let [a, b, epsilon] = ADAM;
            let optimizer = AdamConfig::new()
                .with_beta_1(a as f32)
                .with_beta_2(b as f32)
                .with_epsilon(epsilon as f32)
                .init();
            let loss = move |model: &Tutorial, x: Tensor<4>| {
                let loss = BinaryCrossEntropyLossConfig::new().init(&x.device());
                loss.forward(model.forward(x), targets.clone())
            };
            let model = Some(maker.tutorial(pools)?);
            serve(&mut Run { model, optimizer, x, loss, rate: RATES[0] }, start, &name)
        }
        Network::ResNet20 => {
            let labels = TensorData::new(maker.files.labels()?, [BATCH]);
            let targets = Tensor::<1, Int>::from_data(labels, &device);
            let momentum =
                MomentumConfig::new().with_momentum(MOMENTUM).with_dampening(0.0).with_nesterov(false);
            let optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
            let loss = move |model: &ResNet, x: Tensor<4>| {
                let loss = CrossEntropyLossConfig::new().init(&x.device());
                loss.forward(model.forward(x), targets.clone())
            };
            let model = Some(maker.resnet()?);
            serve(&mut Run { model, optimizer, x, loss, rate: RATES[1] }, start, &name)
        }
    }
}

/// A model between steps, which the optimiser takes and gives back.
struct Run<M, L> {
    model: Option<M>,
    optimizer: ModuleOptimizer,
    x: Tensor<4>,
    loss: L,
    rate: f64,
}

impl<M: Module, L: Fn(&M, Tensor<4>) -> Tensor<1>> Training for Run<M, L> {
    fn step(&mut self) -> Result<f32> {
        let model = self.model.take().ok_or("a step before has failed")?;
        let loss = (self.loss)(&model, self.x.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(self.rate, model, gradients));
        let read = loss.into_data().to_vec::<f32>().map_err(|e| format!("{e:?}"))?;
        // The step's other work is waited for too.
        self.x.device().sync().map_err(|e| format!("{e:?}"))?;
        read.first().copied().ok_or_else(|| "there is no loss".into())
    }
}

#[derive(Module, Debug)]
struct Tutorial {
    convs: Vec<Conv2d>,
    pools: Vec<MaxPool2d>,
    dense: Linear,
}

impl Tutorial {
    fn forward(&self, mut x: Tensor<4>) -> Tensor<2> {
        for (number, conv) in self.convs.iter().enumerate() {
            x = conv.forward(x);
            if number == 0 || !self.pools.is_empty() {
                x = relu(x);
            }
            if let Some(pool) = self.pools.get(number) {
                x = pool.forward(x);
            }
        }
        sigmoid(self.dense.forward(x.flatten(1, 3)))
    }
}

#[derive(Module, Debug)]
struct Normed {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Normed {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

#[derive(Module, Debug)]
struct Residual {
    a: Normed,
    b: Normed,
    c: Option<Normed>,
}

#[derive(Module, Debug)]
struct ResNet {
    stem: Normed,
    blocks: Vec<Residual>,
    dense: Linear,
}

impl ResNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = relu(self.stem.forward(x));
        for block in &self.blocks {
            let y = block.b.forward(relu(block.a.forward(x.clone())));
            let short = match &block.c {
                Some(c) => c.forward(x),
                None => x,
            };
            x = relu(y + short);
        }
        let mean: Tensor<2> = x.mean_dim(3).mean_dim(2).flatten(1, 3);
        self.dense.forward(mean)
    }
}

struct Maker {
    files: Files,
    device: Device,
}

impl Maker {
    fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let values = self.files.floats(name, shape.iter().product())?;
        Ok(Tensor::from_data(TensorData::new(values, shape), &self.device))
    }

    fn weight<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Param<Tensor<D>>> {
        Ok(Param::from_tensor(self.tensor(name, shape)?))
    }

    fn conv(&self, name: &str, [of, to]: [usize; 2], window: usize, stride: usize, bias: bool) -> Result<Conv2d> {
        let pad = if bias { 0 } else { window / 2 };
        let padding = PaddingConfig2d::Explicit(pad, pad, pad, pad);
        let config = Conv2dConfig::new([of, to], [window; 2]).with_stride([stride; 2]);
        let mut conv = config.with_padding(padding).with_bias(bias).init(&self.device);
        conv.weight = self.weight(&format!("{name}.kernel"), [to, of, window, window])?;
        if bias {
            conv.bias = Some(self.weight(&format!("{name}.bias"), [to])?);
        }
        Ok(conv)
    }

    fn dense(&self, name: &str, rows: usize, units: usize) -> Result<Linear> {
        let mut dense = LinearConfig::new(rows, units).init(&self.device);
        dense.weight = self.weight(&format!("{name}.kernel"), [rows, units])?;
        dense.bias = Some(self.weight(&format!("{name}.bias"), [units])?);
        Ok(dense)
    }

    fn tutorial(&self, pools: bool) -> Result<Tutorial> {
        let conv = |number: usize| {
            let of = if number == 1 { 3 } else { 10 };
            self.conv(&format!("conv{number}"), [of, 10], 3, 1, true)
        };
        let pool = || MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let side = if pools { 26 } else { 218 };
        Ok(Tutorial {
            convs: (1..=3).map(conv).collect::<Result<_>>()?,
            pools: (0..if pools { 3 } else { 0 }).map(|_| pool()).collect(),
            dense: self.dense("dense_out", side * side * 10, 1)?,
        })
    }

    fn normed(&self, name: &str, channels: [usize; 2], window: usize, stride: usize) -> Result<Normed> {
        let conv = self.conv(name, channels, window, stride, false)?;
        let norm = BatchNormConfig::new(channels[1]).with_epsilon(NORM_EPSILON).init(&self.device);
        Ok(Normed { conv, norm })
    }

    fn resnet(&self) -> Result<ResNet> {
        let block = |block: wgpool_peers::training::Block| -> Result<Residual> {
            let (name, [_, channels]) = (&block.name, block.channels);
            Ok(Residual {
                a: self.normed(&format!("{name}.a"), block.channels, 3, block.stride)?,
                b: self.normed(&format!("{name}.b"), [channels; 2], 3, 1)?,
                c: match block.changes() {
                    true => Some(self.normed(&format!("{name}.c"), block.channels, 1, block.stride)?),
                    false => None,
                },
            })
        };
        Ok(ResNet {
            stem: self.normed("stem", [3, 16], 3, 1)?,
            blocks: blocks().into_iter().map(block).collect::<Result<_>>()?,
            dense: self.dense("dense", 64, CLASSES)?,
        })
    }
}
