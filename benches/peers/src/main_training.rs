//! Steps of wgpool's training, which `training.py` times in turn with others'.
//!
//! `wgpool-peers-training NETWORK FOLDER host|software|gpu [nchw]`; see [`serve`] for the rest.

use std::process::ExitCode;
use std::time::Instant;

use wgpool::spec::gradient::Optimizer;
use wgpool::{
    Activation, Backend, Choice, Conv, Data, Dense, GlobalPool, KernelLayout, Layout, Padding, Pool, Tensor,
};
use wgpool_net::train::{Loss, Settings, Trainer, keras_adam};
use wgpool_net::{BatchNorm, LayerKind, Merge, Model, Origin, Weight};
use wgpool_peers::Result;
use wgpool_peers::training::{
    BATCH, CLASSES, Files, MOMENTUM, NORM_EPSILON, Network, RATES, SIDES, Training, blocks, serve,
};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let (network, folder, place, layout) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [network, folder, place] => (network, folder, place, Layout::Nhwc),
        [network, folder, place, "nchw"] => (network, folder, place, Layout::Nchw),
        _ => return Err("usage: wgpool-peers-training NETWORK FOLDER host|software|gpu [nchw]".into()),
    };
    let network = Network::named(network)?;
    let choice = match place {
        "host" => Choice::Host,
        "software" => Choice::Software,
        _ => Choice::Gpu,
    };
    let backend = Backend::open(&choice)?.backend;
    let orders = if layout == Layout::Nhwc { "nhwc" } else { "nchw" };
    let maker = Maker { files: Files(std::path::Path::new(folder).join(orders)), layout };
    let start = Instant::now();
    let side = SIDES[usize::from(network == Network::ResNet20)];
    let shape = maker.image(side, 3);
    let x = [&[BATCH], &shape[..]].concat();
    let x = Tensor::from_f32(&x, maker.files.floats("x", x.iter().product())?)?;
    let (model, y, settings) = match network {
        Network::Tutorial { pools } => {
            let y = Tensor::from_f32(&[BATCH, 1], maker.files.floats("y", BATCH)?)?;
            let settings = Settings::new(Loss::BinaryCrossEntropy, keras_adam(), RATES[0]);
            (maker.tutorial(shape, side, pools)?, y, settings)
        }
        Network::ResNet20 => {
            let y = Tensor::new(&[BATCH], Data::I32(maker.files.labels()?))?;
            let optimizer =
                Optimizer::SgdTorch { momentum: MOMENTUM, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
            (maker.resnet(shape)?, y, Settings::new(Loss::SoftmaxCrossEntropy, optimizer, RATES[1]))
        }
    };
    let trainer = Trainer::new(&backend, model, settings)?;
    if std::env::var_os("WGPOOL_PEERS_EXPLAIN").is_some() {
        eprintln!("{}", trainer.explain().map(ToString::to_string).unwrap_or_default());
    }
    serve(&mut Run { trainer, x, y }, start, &backend.name())
}

struct Run {
    trainer: Trainer,
    x: Tensor,
    y: Tensor,
}

impl Training for Run {
    fn step(&mut self) -> Result<f32> {
        Ok(self.trainer.step(&self.x, &self.y)?.loss as f32)
    }
}

struct Maker {
    files: Files,
    layout: Layout,
}

impl Maker {
    fn image(&self, side: usize, channels: usize) -> Vec<usize> {
        match self.layout {
            Layout::Nhwc => vec![side, side, channels],
            _ => vec![channels, side, side],
        }
    }

    fn weight(&self, name: &str, shape: &[usize]) -> Result<Weight> {
        Ok(Tensor::from_f32(shape, self.files.floats(name, shape.iter().product())?)?.into())
    }

    fn dense(&self, name: &str, [rows, units]: [usize; 2], activation: Activation) -> Result<LayerKind> {
        Ok(LayerKind::Dense {
            spec: Dense::new().activation(activation),
            kernel: self.weight(&format!("{name}.kernel"), &[rows, units])?,
            bias: Some(self.weight(&format!("{name}.bias"), &[units])?),
        })
    }

    fn conv(&self, name: &str, [of, to]: [usize; 2], window: usize, spec: Conv, bias: bool) -> Result<LayerKind> {
        let (kernel_layout, shape) = match self.layout {
            Layout::Nhwc => (KernelLayout::Hwio, [window, window, of, to]),
            _ => (KernelLayout::Oihw, [to, of, window, window]),
        };
        let bias = if bias { Some(self.weight(&format!("{name}.bias"), &[to])?) } else { None };
        let spec = Conv { layout: self.layout, kernel_layout, ..spec };
        Ok(LayerKind::Conv { spec, kernel: self.weight(&format!("{name}.kernel"), &shape)?, bias })
    }

    fn tutorial(&self, shape: Vec<usize>, mut side: usize, pools: bool) -> Result<Model> {
        let mut model = Model::new("tutorial", shape);
        for (number, channels) in [(1, [3, 10]), (2, [10, 10]), (3, [10, 10])] {
            let activation = if pools || number == 1 { Activation::Relu } else { Activation::None };
            let name = format!("conv{number}");
            let spec = Conv { activation, ..Conv::new() };
            model = model.layer(name.clone(), self.conv(&name, channels, 3, spec, true)?);
            side -= 2;
            if pools {
                let pool = Pool { layout: self.layout, ..Pool::max(2) };
                model = model.layer(format!("pool{number}"), LayerKind::Pool(pool));
                side /= 2;
            }
        }
        model = model.layer("flatten", LayerKind::Flatten { from: Layout::Nhwc });
        Ok(model.layer("dense_out", self.dense("dense_out", [side * side * 10, 1], Activation::Sigmoid)?))
    }

    fn resnet(&self, shape: Vec<usize>) -> Result<Model> {
        let mut model = Model::branched("resnet20");
        let x = model.input("image", shape);
        let x = self.normed(&mut model, "stem", [3, 16], (3, 1), x)?;
        let mut x = relu(&mut model, "stem.relu", x);
        for block in blocks() {
            let (name, [_, channels]) = (&block.name, block.channels);
            let y = self.normed(&mut model, &format!("{name}.a"), block.channels, (3, block.stride), x)?;
            let y = relu(&mut model, &format!("{name}.a.relu"), y);
            let y = self.normed(&mut model, &format!("{name}.b"), [channels; 2], (3, 1), y)?;
            if block.changes() {
                x = self.normed(&mut model, &format!("{name}.c"), block.channels, (1, block.stride), x)?;
            }
            let sum = model.add(format!("{name}.sum"), LayerKind::Merge(Merge::Add));
            let sum = model.call(sum, &[y, x]);
            x = relu(&mut model, &format!("{name}.relu"), sum);
        }
        let spec = GlobalPool::average().layout(self.layout);
        let mean = model.add("mean", LayerKind::GlobalPool { spec, keepdims: false });
        let x = model.call(mean, &[x]);
        let dense = model.add("dense", self.dense("dense", [64, CLASSES], Activation::None)?);
        let x = model.call(dense, &[x]);
        model.output("logits", x);
        Ok(model)
    }

    /// A convolution without bias, and normalisation.
    fn normed(
        &self,
        model: &mut Model,
        name: &str,
        channels: [usize; 2],
        (window, stride): (usize, usize),
        x: Origin,
    ) -> Result<Origin> {
        let (pad, each) = (vec![window / 2; 2], [channels[1]]);
        let padding = Padding::Explicit { before: pad.clone(), after: pad };
        let spec = Conv { stride: vec![stride; 2], padding, ..Conv::new() };
        let conv = model.add(name, self.conv(name, channels, window, spec, false)?);
        let x = model.call(conv, &[x]);
        let zeros: Weight = Tensor::from_f32(&each, vec![0.0; each[0]])?.into();
        let ones: Weight = Tensor::from_f32(&each, vec![1.0; each[0]])?.into();
        let norm = model.add(
            format!("{name}.norm"),
            LayerKind::BatchNorm(BatchNorm {
                gamma: Some(ones.clone()),
                beta: Some(zeros.clone()),
                mean: zeros,
                variance: ones,
                epsilon: NORM_EPSILON,
                momentum: 0.9,
                layout: self.layout,
            }),
        );
        Ok(model.call(norm, &[x]))
    }
}

fn relu(model: &mut Model, name: &str, x: Origin) -> Origin {
    let layer = model.add(name, LayerKind::Activation(Activation::Relu));
    model.call(layer, &[x])
}
