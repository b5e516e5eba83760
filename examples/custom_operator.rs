//! An operator that wgpool does not have, between two that it has: shapes, CPU and WGSL, checked against each other and then
//! run on the best adapter.
//!
//! In an ONNX model nodes of the domain `com.example` and the operator `Shrink` are this one with
//! `onnx::Options::default().operator("com.example", "Shrink", Shrink)`.

use wgpool::{Activation, Backend, Choice, Conv, Tensor, TensorDesc};
use wgpool_net::custom::{Failure, Gpu, Input, Node, Operator, Wgsl};
use wgpool_net::{Graph, Session};

/// `x` where it is farther from 0 than `threshold`, and else 0.
struct Shrink;

const SHADER: &str = "
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @group(0) @binding(2) var<uniform> threshold: f32;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
        let i = id.x + id.y * groups.x * 64u;
        if (i < arrayLength(&y)) { y[i] = select(0.0, x[i], abs(x[i]) > threshold); }
    }";

impl Operator for Shrink {
    fn outputs(&self, _: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        let [x] = inputs else { return Err(format!("it takes one input, not {}", inputs.len()).into()) };
        Ok(vec![x.desc().clone()])
    }

    fn host(&self, node: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        let threshold = node.float_or("threshold", 0.5)?;
        let [x] = inputs else { return Err("it takes one input".into()) };
        let y = x.as_f32()?.iter().map(|&x| if x.abs() > threshold { x } else { 0.0 }).collect();
        Ok(vec![Tensor::from_f32(x.shape(), y)?])
    }

    fn gpu(&self, node: &Node, _: &[TensorDesc], outputs: &[TensorDesc]) -> Result<Option<Gpu>, Failure> {
        let threshold = node.float_or("threshold", 0.5)?;
        let elements = outputs.iter().map(TensorDesc::elements).sum();
        Ok(Some(Wgsl::new(SHADER).uniform(threshold.to_le_bytes()).invocations(elements, 64).into()))
    }
}

fn main() -> wgpool::Result<()> {
    let mut g = Graph::new("shrunk edges");
    let x = g.input("x", TensorDesc::f32([1, 1, 4, 4]));
    let kernel = g.constant(Tensor::from_f32(&[1, 1, 2, 2], vec![1.0, -1.0, 1.0, -1.0])?);
    let edges = g.at("edges").conv(x, kernel, None, Conv::new())?;
    let node = Node::new("com.example", "Shrink").attribute("threshold", 1.5);
    let shrunk = g.at("shrink").custom(Shrink, node, &[edges])?;
    let y = g.at("relu").one(Activation::Relu, &shrunk)?;
    g.output("y", y);
    let program = g.finish()?;

    let opened = Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software));
    let backend = opened.map_or(Backend::Host, |opened| opened.backend);
    let x = Tensor::from_f32(&[1, 1, 4, 4], (0..16).map(|i| ((i * 5) % 7) as f32 / 2.0).collect())?;
    match program.check(&[&x], |step, inputs| step.run(&backend, inputs))? {
        None => println!("every step is right on {}", backend.name()),
        Some(wrong) => println!("{wrong}"),
    }
    let session = Session::compile(&backend, program)?;
    println!("{}\n{:?}", session.explain(), session.run(&x)?.as_f32()?);
    Ok(())
}
