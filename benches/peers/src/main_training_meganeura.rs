//! Steps of training on meganeura, which `training.py` times in turn with wgpool's.
//!
//! `wgpool-peers-training-meganeura NETWORK FOLDER [--software]`; see [`serve`] for the rest.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use meganeura::{Graph, NodeId, Session, SessionConfig, build, init_gpu_context};
use wgpool_peers::Result;
use wgpool_peers::training::{ADAM, BATCH, CLASSES, Files, Network, RATES, SIDES, Training, blocks, serve};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let (network, folder, software) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [network, folder] => (network, folder, false),
        [network, folder, "--software"] => (network, folder, true),
        _ => return Err("usage: wgpool-peers-training-meganeura NETWORK FOLDER [--software]".into()),
    };
    let network = Network::named(network)?;
    let gpu = Arc::new(init_gpu_context().map_err(|e| format!("{e:?}"))?);
    let device = gpu.device_information();
    if device.is_software_emulated != software {
        return Err(format!("it takes {}: let it see the wanted driver alone", device.device_name).into());
    }
    let name = device.device_name.clone();
    let mut maker = Maker { graph: Graph::new(), weights: Vec::new() };
    let side = SIDES[usize::from(network == Network::ResNet20)];
    let x = maker.graph.input("x", &[BATCH * 3 * side * side]);
    let loss = match network {
        Network::Tutorial { pools } => maker.tutorial(x, pools),
        Network::ResNet20 => maker.resnet(x),
    };
    maker.graph.set_outputs(vec![loss]);
    let start = Instant::now();
    let config = SessionConfig { gpu: Some(gpu), ..SessionConfig::default() };
    let mut session = build(&maker.graph, config).0;
    let files = Files(std::path::Path::new(folder).join("nchw"));
    for (name, elements) in &maker.weights {
        let values = match name.rsplit_once(".norm.") {
            Some((_, "gamma")) => vec![1.0; *elements],
            Some(_) => vec![0.0; *elements],
            None => files.floats(name, *elements)?,
        };
        session.set_parameter(name, &values);
    }
    session.set_input("x", &files.floats("x", BATCH * 3 * side * side)?);
    match network {
        Network::Tutorial { .. } => {
            session.set_input("y", &files.floats("y", BATCH)?);
            let [a, b, epsilon] = ADAM.map(|number| number as f32);
            session.set_adam(RATES[0] as f32, a, b, epsilon);
        }
        Network::ResNet20 => {
            let labels = files.labels()?;
            let classes = 0..CLASSES as i32;
            let one_hot = labels.iter().flat_map(|&label| classes.clone().map(move |c| f32::from(c == label)));
            session.set_input("y", &one_hot.collect::<Vec<_>>());
            // It has no momentum.
            session.set_learning_rate(RATES[1] as f32);
        }
    }
    serve(&mut Run { session }, start, &name)
}

struct Run {
    session: Session,
}

impl Training for Run {
    fn step(&mut self) -> Result<f32> {
        self.session.step();
        self.session.wait();
        Ok(self.session.read_loss())
    }
}

struct Maker {
    graph: Graph,
    weights: Vec<(String, usize)>,
}

impl Maker {
    fn weight(&mut self, name: &str, shape: &[usize]) -> NodeId {
        self.weights.push((name.to_owned(), shape.iter().product()));
        self.graph.parameter(name, shape)
    }

    fn conv(&mut self, name: &str, x: NodeId, [of, to]: [usize; 2], side: usize, [window, stride, pad]: [u32; 3]) -> NodeId {
        let w = self.weight(&format!("{name}.kernel"), &[to * of * (window * window) as usize]);
        let [n, of, to, side] = [BATCH, of, to, side].map(|length| length as u32);
        self.graph.conv2d_hw(x, w, n, of, side, side, to, window, window, stride, pad, pad)
    }

    fn dense(&mut self, name: &str, x: NodeId, rows: usize, units: usize) -> NodeId {
        let w = self.weight(&format!("{name}.kernel"), &[rows, units]);
        let b = self.weight(&format!("{name}.bias"), &[units]);
        let x = self.graph.matmul(x, w);
        self.graph.bias_add(x, b)
    }

    fn tutorial(&mut self, mut x: NodeId, pools: bool) -> NodeId {
        let mut side = 224;
        for number in 1..=3 {
            let name = format!("conv{number}");
            let of = if number == 1 { 3 } else { 10 };
            x = self.conv(&name, x, [of, 10], side, [3, 1, 0]);
            side -= 2;
            let bias = self.weight(&format!("{name}.bias"), &[10]);
            x = self.graph.add_per_channel(x, bias, 10, (side * side) as u32);
            if pools || number == 1 {
                x = self.graph.relu(x);
            }
            if pools {
                let length = side as u32;
                // Its gradient shares out what a maximum has to all that it was of.
                x = self.graph.max_pool_2d(x, BATCH as u32, 10, length, length, 2, 2, 2, 0);
                side /= 2;
            }
        }
        let rows = side * side * 10;
        let x = self.graph.reshape(x, &[BATCH, rows]);
        let x = self.dense("dense_out", x, rows, 1);
        let x = self.graph.sigmoid(x);
        let y = self.graph.input("y", &[BATCH, 1]);
        self.graph.bce_loss(x, y)
    }

    /// A convolution, and normalisation by the batch of what operations there are: it has none that trains.
    fn normed(&mut self, name: &str, x: NodeId, channels: [usize; 2], side: usize, [window, stride]: [u32; 2]) -> NodeId {
        let x = self.conv(name, x, channels, side, [window, stride, window / 2]);
        let plane = (side / stride as usize).pow(2);
        let image = channels[1] * plane;
        let [gamma, beta] = ["gamma", "beta"].map(|of| self.weight(&format!("{name}.norm.{of}"), &[channels[1], 1]));
        let g = &mut self.graph;
        let each = g.constant(vec![1.0 / (BATCH * plane) as f32; BATCH], &[1, BATCH]);
        let ones = g.constant(vec![1.0; BATCH], &[BATCH, 1]);
        let epsilon = g.constant(vec![1e-5; channels[1]], &[channels[1], 1]);
        let half = g.constant(vec![-0.5; channels[1]], &[channels[1], 1]);
        let mean = |g: &mut Graph, x: NodeId| {
            let sums = g.matmul(each, x);
            let sums = g.reshape(sums, &[channels[1], plane]);
            g.sum_inner(sums)
        };
        let spread = |g: &mut Graph, x: NodeId| {
            let x = g.broadcast_inner(x, plane);
            g.reshape(x, &[1, image])
        };
        let x = g.reshape(x, &[BATCH, image]);
        let middle = mean(g, x);
        let middle = g.neg(middle);
        let middle = spread(g, middle);
        let x = g.broadcast_add(x, middle);
        let squares = g.mul(x, x);
        let variance = mean(g, squares);
        let variance = g.add(variance, epsilon);
        let root = g.log(variance);
        let root = g.mul(root, half);
        let root = g.exp(root);
        let scale = g.mul(root, gamma);
        let scale = spread(g, scale);
        let scale = g.matmul(ones, scale);
        let x = g.mul(x, scale);
        let beta = spread(g, beta);
        let x = g.broadcast_add(x, beta);
        g.reshape(x, &[BATCH * image])
    }

    fn resnet(&mut self, x: NodeId) -> NodeId {
        let mut side = 32;
        let x = self.normed("stem", x, [3, 16], side, [3, 1]);
        let mut x = self.graph.relu(x);
        for block in blocks() {
            let (name, [_, channels], stride) = (&block.name, block.channels, block.stride as u32);
            let y = self.normed(&format!("{name}.a"), x, block.channels, side, [3, stride]);
            let y = self.graph.relu(y);
            let after = side / block.stride;
            let y = self.normed(&format!("{name}.b"), y, [channels; 2], after, [3, 1]);
            if block.changes() {
                x = self.normed(&format!("{name}.c"), x, block.channels, side, [1, stride]);
            }
            side = after;
            let sum = self.graph.add(y, x);
            x = self.graph.relu(sum);
        }
        let x = self.graph.global_avg_pool(x, BATCH as u32, 64, (side * side) as u32);
        let x = self.dense("dense", x, 64, CLASSES);
        let y = self.graph.input("y", &[BATCH, CLASSES]);
        self.graph.cross_entropy_loss(x, y)
    }
}
