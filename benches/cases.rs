//! The workloads that every benchmark runs: f32, NCHW.

use wgpool::{Activation, Conv, GlobalPool, Op, Padding, Pool, Tensor};

/// One workload.
pub struct Case {
    /// Its short name.
    pub name: &'static str,
    /// The operation.
    pub op: Op,
    /// Shapes of its inputs.
    pub shapes: Vec<Vec<usize>>,
}

impl Case {
    /// Inputs with values of both signs, the same at every call.
    pub fn tensors(&self) -> Vec<Tensor> {
        (self.shapes.iter())
            .map(|shape| {
                let n = shape.iter().product::<usize>();
                let values = (0..n).map(|i| ((i * 37 + i / 11) % 201) as f32 / 100.0 - 1.0).collect();
                Tensor::from_f32(shape, values).expect("the values fill the shape")
            })
            .collect()
    }
}

fn pool(name: &'static str, op: impl Into<Op>, shape: [usize; 4]) -> Case {
    Case { name, op: op.into(), shapes: vec![shape.to_vec()] }
}

fn conv(name: &'static str, conv: Conv, x: [usize; 4], w: [usize; 4]) -> Case {
    let conv = conv.activation(Activation::Relu);
    Case { name, op: conv.into(), shapes: vec![x.to_vec(), w.to_vec(), vec![w[0]]] }
}

/// Every workload.
pub fn all() -> Vec<Case> {
    let pad = |n: usize| Padding::symmetric([n]);
    vec![
        pool("P1 max 2x2/2", Pool::max([2]), [1, 64, 224, 224]),
        pool("P2 max 3x3/2", Pool::max([3]).stride([2]).padding(pad(1)), [1, 64, 112, 112]),
        pool("P3 max 2x2/2 batch 16", Pool::max([2]), [16, 64, 112, 112]),
        pool("P4 avg 3x3/1", Pool::average([3]).stride([1]).padding(pad(1)), [1, 256, 56, 56]),
        pool("P5 global avg", GlobalPool::average(), [8, 2048, 7, 7]),
        pool("P6 max 13x13/1", Pool::max([13]).stride([1]).padding(pad(6)), [1, 512, 20, 20]),
        pool("P7 max 2x2/2 small", Pool::max([2]), [32, 32, 26, 26]),
        conv("C1 7x7/2", Conv::new().stride([2]).padding(pad(3)), [1, 3, 224, 224], [64, 3, 7, 7]),
        conv("C2 3x3", Conv::new().padding(pad(1)), [1, 64, 56, 56], [64, 64, 3, 3]),
        conv("C3 1x1", Conv::new(), [1, 256, 56, 56], [64, 256, 1, 1]),
        conv("C4 3x3 deep", Conv::new().padding(pad(1)), [1, 256, 14, 14], [256, 256, 3, 3]),
        conv("C5 depthwise 3x3", Conv::new().padding(pad(1)).groups(144), [1, 144, 56, 56], [144, 1, 3, 3]),
        conv("C6 5x5 batch 16", Conv::new().padding(Padding::SameUpper), [16, 32, 10, 10], [64, 32, 5, 5]),
        conv("C7 3x3 few channels", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3]),
        conv("C8 3x3 large", Conv::new().padding(pad(1)), [1, 64, 224, 224], [64, 64, 3, 3]),
    ]
}
