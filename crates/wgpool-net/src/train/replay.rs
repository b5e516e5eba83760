//! A program's steps in a graph, with what is trained as inputs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::graph::{Graph, Value};
use crate::lower::training::{Trained, Weights};
use crate::program::{Program, Source, Step};
use wgpool::error::Result;
use wgpool::spec::{Activation, Op};
use wgpool::tensor::{DType, Tensor};

/// What a weight is to an operation; none where it is not trained.
fn kind(step: &Step, input: usize) -> Option<&'static str> {
    let op = step.op()?;
    let conv = step.problem().and_then(|problem| problem.work.conv());
    match (op, input) {
        (_, 0) => None,
        (Op::Conv(_) | Op::ConvPool(_) | Op::ConvTranspose(_) | Op::Dense(_), 1) => Some("kernel"),
        (Op::Conv(_) | Op::ConvPool(_) | Op::ConvTranspose(_), 2) if conv.is_some_and(|conv| conv.bias) => {
            Some("bias")
        }
        (Op::Dense(_), 2) => Some("bias"),
        (Op::Activation(Activation::PRelu), 1) => Some("slope"),
        _ => None,
    }
}

/// The program as it infers, its weights being inputs.
pub(super) fn trained(program: &Program) -> Result<Trained> {
    let mut graph = Graph::new(program.name.clone());
    let inputs =
        program.inputs.iter().map(|port| graph.input(port.name.clone(), port.desc.clone())).collect();
    let mut weights = Weights::default();
    let mut found: HashMap<*const Tensor, Value> = HashMap::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let initializers: HashMap<*const Tensor, &String> = (program.initializers.iter())
        .filter_map(|(name, initializer)| Some((Arc::as_ptr(initializer.tensor.as_ref()?), name)))
        .collect();
    for step in &program.steps {
        let mut step = step.clone();
        for input in 0..step.inputs.len() {
            let Some(Source::Weight(tensor)) = step.inputs.get(input) else { continue };
            let known = found.get(&Arc::as_ptr(tensor)).copied();
            let value = match (known, kind(&step, input)) {
                (Some(value), _) => value,
                (None, Some(kind)) if tensor.dtype() == DType::F32 => {
                    let mut name = match initializers.get(&Arc::as_ptr(tensor)) {
                        Some(name) => (*name).clone(),
                        None => format!("{}/{kind}", step.name),
                    };
                    while !names.insert(name.clone()) {
                        name.push('\'');
                    }
                    let value = graph.input(name.clone(), tensor.desc());
                    found.insert(Arc::as_ptr(tensor), value);
                    weights.values.push(tensor.clone());
                    weights.parameters.push((name, value));
                    value
                }
                _ => continue,
            };
            let source = graph.source(value)?.clone();
            if let Some(place) = step.inputs.get_mut(input) {
                *place = source;
            }
        }
        graph.add(step);
    }
    let ends = program.results.iter().zip(&program.outputs);
    let outputs = ends.map(|(source, port)| graph.value_of(source.clone(), port.desc.clone())).collect();
    Ok(Trained { graph, inputs, outputs, weights })
}

/// What is trained of a program, with its names.
pub(super) fn values(program: &Program) -> Result<Vec<(String, Arc<Tensor>)>> {
    let Weights { parameters, values, .. } = trained(program)?.weights;
    Ok(parameters.into_iter().map(|(name, _)| name).zip(values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Initializer;
    use wgpool::spec::Dense;
    use wgpool::tensor::TensorDesc;

    #[test]
    fn weights_have_the_names_of_their_initializers() {
        let mut graph = Graph::new("net");
        let mut value = graph.input("x", TensorDesc::f32([1, 2]));
        let kernels = [0.5, 2.0].map(|of| Arc::new(Tensor::from_f32(&[2, 2], vec![of; 4]).unwrap()));
        for (node, kernel) in [("a", 0), ("b", 1), ("again", 0), ("b", 2)] {
            let kernel = match kernels.get(kernel) {
                Some(kernel) => kernel.clone(),
                None => Arc::new(Tensor::from_f32(&[2, 2], vec![3.0; 4]).unwrap()),
            };
            let kernel = graph.constant(kernel);
            value = graph.at(node).one(Dense::new(), &[value, kernel]).unwrap();
        }
        graph.output("y", value);
        let mut program = graph.finish().unwrap();
        let tensor = Some(kernels[0].clone());
        program.initializers.insert("W".into(), Initializer { tensor, uses: 2 });
        let found = values(&program).unwrap();
        // One that two nodes share is one; two nodes of one name have two.
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["W", "b/kernel", "b/kernel'"]);
        assert_eq!(found[0].1, kernels[0]);
    }
}
