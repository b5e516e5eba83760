//! How operations are judged.

use wgpool::{DType, Data, Error, Op, Problem, Tensor, TensorDesc, host, reference};
use wgpool_testing::support::{describe, engine, judge};
use wgpool_testing::verify::random::{Family, Rng};

/// Random cases of a family on the host path, judged by the reference.
pub fn on_host(family: Family, count: usize) {
    let mut rng = Rng::new(0x4057 ^ family as u64);
    for _ in 0..count {
        let case = family.case(&mut rng, true);
        let inputs: Vec<_> = case.inputs.iter().collect();
        let outputs = host::run(&case.op, &inputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        judge(&case.op, &inputs, &outputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
    }
}

/// The same result on every path.
pub fn gives(op: impl Into<Op>, inputs: &[&Tensor], outputs: &[Tensor]) {
    let op = op.into();
    assert_eq!(reference::run(&op, inputs).unwrap(), outputs, "reference: {op:?}");
    assert_eq!(host::run(&op, inputs).unwrap(), outputs, "host path: {op:?}");
    assert_eq!(engine().run(&op, inputs).unwrap(), outputs, "GPU: {op:?}");
}

/// Type and shape of a tensor.
pub type Given<'a> = (DType, &'a [usize]);

/// The error of a specification on tensors of these types and shapes.
pub fn refused(op: impl Into<Op>, inputs: &[Given<'_>]) -> Error {
    let descs: Vec<_> =
        inputs.iter().map(|&(dtype, shape)| TensorDesc { shape: shape.to_vec(), dtype }).collect();
    Problem::new(&op.into(), &descs).unwrap_err()
}

pub fn tensor(shape: &[usize], data: Data) -> Tensor {
    Tensor::new(shape, data).unwrap()
}

pub fn u8s(shape: &[usize], v: &[u8]) -> Tensor {
    tensor(shape, Data::U8(v.to_vec()))
}

pub fn i8s(shape: &[usize], v: &[i8]) -> Tensor {
    tensor(shape, Data::I8(v.to_vec()))
}

pub fn f32s(shape: &[usize], v: &[f32]) -> Tensor {
    tensor(shape, Data::F32(v.to_vec()))
}
