//! A workload on meganeura, which `peers.py` has timed in turn with wgpool.
//!
//! `wgpool-peers-meganeura CASE RESULT [--software]`; see [`serve`] for the rest.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use meganeura::{Graph, Mode, NodeId, Session, SessionConfig, build, init_gpu_context};
use serde_json::Value;
use wgpool_peers::asked::Asked;
use wgpool_peers::{Peer, Result, padding, pair, serve};
use wgpool_testing::bench::Exported;

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let Asked { exported, result, software } = Asked::by(args)?;
    let gpu = Arc::new(init_gpu_context().map_err(|e| format!("{e:?}"))?);
    let device = gpu.device_information();
    if device.is_software_emulated != software {
        return Err(format!("it takes {}: let it see the wanted driver alone", device.device_name).into());
    }
    let name = device.device_name.clone();
    let mut graph = Graph::new();
    let output = workload(&mut graph, &exported)?;
    graph.set_outputs(vec![output]);
    let start = Instant::now();
    let config = SessionConfig { mode: Mode::Inference, gpu: Some(gpu), ..SessionConfig::default() };
    let mut session = build(&graph, config).0;
    session.set_input("x", exported.inputs[0].as_f32()?);
    if let Some(weights) = exported.inputs.get(1) {
        session.set_parameter("w", weights.as_f32()?);
        session.set_parameter("b", &spread(&exported)?);
    }
    let elements = exported.output.data().len();
    serve(&mut Run { session, elements }, start, Some(&name), &result)
}

/// The workload as its user writes it; what it has no operation for is an error.
fn workload(graph: &mut Graph, case: &Exported) -> Result<NodeId> {
    let &[batch, channels, height, width] = case.inputs[0].shape() else {
        return Err("it computes images of two axes alone".into());
    };
    let [n, c, h, w] = [batch, channels, height, width].map(|length| length as u32);
    let (conv, pool) = (&case.json["conv"], &case.json["pool"]);
    let mut x = graph.input("x", &[batch * channels * height * width]);
    if conv.is_null() {
        return pooled(graph, x, [n, c, h, w], pool);
    }
    let kernel = &case.inputs[1];
    let &[out, _, kh, kw] = kernel.shape() else { return Err("a kernel has four axes".into()) };
    let [out, kh, kw] = [out, kh, kw].map(|length| length as u32);
    let (stride, [ph, pw]) = (one_stride(conv)?, padding(conv)?.map(|n| n as u32));
    let weights = graph.parameter("w", &[kernel.data().len()]);
    x = match conv["groups"].as_u64() {
        Some(1) => graph.conv2d_hw(x, weights, n, c, h, w, out, kh, kw, stride, ph, pw),
        Some(groups) if groups == u64::from(c) && out == c => {
            graph.conv2d_dw(x, weights, n, c, h, w, kh, kw, stride, ph, pw)
        }
        _ => return Err("groups are not offered".into()),
    };
    let between = [n, out, (h + 2 * ph - kh) / stride + 1, (w + 2 * pw - kw) / stride + 1];
    // Its bias is that of matrices: of images it is a tensor of the output's size, as its importer of ONNX has it.
    let bias = graph.parameter("b", &[between.iter().product::<u32>() as usize]);
    x = graph.add(x, bias);
    x = if conv["activation"] == "relu" { graph.relu(x) } else { x };
    if pool.is_null() { Ok(x) } else { pooled(graph, x, between, pool) }
}

fn pooled(graph: &mut Graph, x: NodeId, [n, c, h, w]: [u32; 4], pool: &Value) -> Result<NodeId> {
    let ([kh, kw], padding) = (pair(&pool["window"])?.map(|n| n as u32), padding(pool)?);
    match pool["kind"].as_str() {
        Some("max") if padding[0] == padding[1] => {
            let stride = one_stride(pool)?;
            Ok(graph.max_pool_2d(x, n, c, h, w, kh, kw, stride, padding[0] as u32))
        }
        Some("average") if [kh, kw] == [h, w] && padding == [0, 0] => Ok(graph.global_avg_pool(x, n, c, h * w)),
        _ => Err("pooling but that of maxima and the mean of planes is not offered".into()),
    }
}

/// The stride, which it has one of; no dilation.
fn one_stride(windows: &Value) -> Result<u32> {
    match (pair(&windows["stride"])?, pair(&windows["dilation"])?) {
        ([a, b], [1, 1]) if a == b => Ok(a as u32),
        _ => Err("dilation, and strides that differ by axis, are not offered".into()),
    }
}

/// The bias at every position of a convolution's output.
fn spread(case: &Exported) -> Result<Vec<f32>> {
    let (bias, conv) = (case.inputs[2].as_f32()?, &case.json["conv"]);
    let (x, kernel) = (case.inputs[0].shape(), case.inputs[1].shape());
    let (stride, padding) = (one_stride(conv)? as usize, padding(conv)?);
    let positions: usize =
        (0..2).map(|axis| (x[2 + axis] + 2 * padding[axis] - kernel[2 + axis]) / stride + 1).product();
    let image = bias.iter().flat_map(|&b| std::iter::repeat_n(b, positions)).collect::<Vec<_>>();
    Ok(image.repeat(x[0]))
}

struct Run {
    session: Session,
    elements: usize,
}

impl Peer for Run {
    fn result(&mut self) -> Result<Vec<f32>> {
        self.session.step();
        self.session.wait();
        Ok(self.session.read_output(self.elements))
    }

    /// A step waits for the one before it.
    fn time(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        (0..count).for_each(|_| self.session.step());
        self.session.wait();
        Ok(start.elapsed().as_secs_f64() / count as f64)
    }
}
