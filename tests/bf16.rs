//! bf16 lies two to a word on the GPU: what is read of it is exact, and what is stored is rounded once, to the nearest.

use half::bf16;
use safetensors::SafeTensors;
use wgpool::{
    Activation, AdaptivePool, Conv, ConvTranspose, DType, Data, Dense, DenseLayout, Engine, Op, Padding,
    Pool, PoolKind, Problem, Softmax, Tensor, TensorDesc, host, reference,
};
use wgpool_testing::support::{Mutant, assert_noticed, engine, mutant};

/// The host path, the device's own kernels and those of GPUs.
fn everywhere(op: &Op, inputs: &[&Tensor], mut check: impl FnMut(&str, &[Tensor])) {
    check("host", &host::run(op, inputs).unwrap());
    check("own kernels", &engine().run(op, inputs).unwrap());
    check("kernels of GPUs", &engine().with_gpu_kernels().run(op, inputs).unwrap());
}

fn tensor(shape: &[usize], elements: Vec<bf16>) -> Tensor {
    Tensor::new(shape, elements).unwrap()
}

/// Bits, of which those of NaN say that alone.
fn bits(x: bf16) -> u16 {
    if x.is_nan() { bf16::NAN.to_bits() } else { x.to_bits() }
}

#[test]
fn every_element_is_widened_exactly() {
    let all: Vec<bf16> = (0..=u16::MAX).map(bf16::from_bits).collect();
    for (i, &x) in all.iter().enumerate() {
        assert!(f32::from(x).to_bits() == (i as u32) << 16 || x.is_nan(), "{i:#x}");
    }
    let x = tensor(&[1, 1, 256, 256], all.clone());
    for op in [Pool::max([1, 1]), Pool::max([1, 1]).stride([1, 1]).padding(Padding::Valid)] {
        everywhere(&op.into(), &[&x], |place, y| {
            let wrong = y[0].as_bf16().unwrap().iter().zip(&all).find(|(y, x)| bits(**y) != bits(**x));
            assert_eq!(wrong, None, "{place}");
        });
    }
}

/// 32-bit floats whose lower halves are at the ends of what rounds to a number, each as three elements that add up to it.
fn sums() -> (Vec<[bf16; 3]>, Vec<f32>) {
    let (mut terms, mut sums) = (Vec::new(), Vec::new());
    for upper in 0..=u16::MAX {
        let x = bf16::from_bits(upper);
        // What is added to smaller numbers would be subnormal, and devices may take it for zero.
        let exponent = i32::from(upper >> 7 & 0xff);
        if x.is_finite() && exponent < 24 {
            continue;
        }
        let unit = if x.is_finite() { f32::from(x).signum() * 2f32.powi(exponent - 127 - 23) } else { 0.0 };
        for (half, one) in [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1), (2, -1)] {
            let [half, one] = [32768.0 * half as f32 * unit, one as f32 * unit];
            terms.push([x, bf16::from_f32(half), bf16::from_f32(one)]);
            sums.push(f32::from(x) + (half + one));
        }
    }
    (terms, sums)
}

/// Whether the sums are rounded as `half` rounds them, by an average and a convolution.
fn rounds(engine: &Engine) -> Result<(), String> {
    let (terms, sums) = sums();
    let n = terms.len();
    let rows = tensor(&[1, 1, n, 3], terms.iter().flatten().copied().collect());
    let planes = tensor(&[1, 3, 1, n], (0..3).flat_map(|i| terms.iter().map(move |t| t[i])).collect());
    let ones = tensor(&[1, 3, 1, 1], vec![bf16::ONE; 3]);
    let average = Pool::new(PoolKind::Average { count_include_pad: false, divisor: Some(1) }, [1, 3]);
    let cases: [(Op, Vec<&Tensor>); 2] =
        [(average.into(), vec![&rows]), (Conv::new().into(), vec![&planes, &ones])];
    for (op, inputs) in cases {
        for (place, y) in [("host", host::run(&op, &inputs)), ("GPU", engine.run(&op, &inputs))] {
            let y = y.unwrap();
            for (y, &sum) in y[0].as_bf16().unwrap().iter().zip(&sums) {
                let expected = bf16::from_f32(sum);
                if bits(*y) != bits(expected) {
                    return Err(format!("{place}, {op:?}: {sum:e} became {y:e}, not {expected:e}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_boundary_is_rounded_as_it_must() {
    let (_, sums) = sums();
    let is_there = |x: f32| sums.contains(&x);
    assert!(is_there(f32::from_bits(0x7f7f_8000)) && is_there(f32::from_bits(0x3f80_8001)), "{}", sums.len());
    assert!(sums.iter().any(|x| x.is_nan()) && is_there(f32::INFINITY));
    rounds(engine()).unwrap();
    rounds(&engine().with_gpu_kernels()).unwrap();
}

const MUTANTS: &[Mutant<()>] = &[
    mutant!("rounded to zero", "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u", "bits >> 16u"),
    mutant!("halves away from zero", "0x7fffu + ((bits >> 16u) & 1u)", "0x8000u"),
    mutant!("NaN becomes infinite", "(bits >> 16u) | 0x40u", "0x7f80u"),
];

#[test]
fn wrong_stores_are_noticed() {
    assert_noticed(engine(), MUTANTS, |mutant, _| rounds(mutant).is_err());
}

/// Tensors of `data/bf16.py`.
struct Values<'a>(SafeTensors<'a>);

impl Values<'_> {
    fn tensor(&self, name: &str) -> Option<Tensor> {
        let view = self.0.tensor(name).ok()?;
        Some(Tensor::new(view.shape(), Data::from_bytes(DType::BF16, view.data()).unwrap()).unwrap())
    }

    fn exact(&self, name: &str) -> Vec<f64> {
        let bytes = self.0.tensor(name).unwrap().data().chunks_exact(8);
        bytes.map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect()
    }
}

#[test]
fn results_are_pytorchs() {
    let values = Values(SafeTensors::deserialize(include_bytes!("data/bf16.safetensors")).unwrap());
    let pad = |n: usize| Padding::symmetric([n, n]);
    let cases: [(&str, Op); 9] = [
        ("max", Pool::max([3, 2]).stride([2, 1]).padding(pad(1)).into()),
        ("average", Pool::average([3, 3]).stride([2, 2]).padding(pad(1)).into()),
        ("adaptive", AdaptivePool::average([4, 5]).into()),
        ("conv", Conv::new().stride([2, 1]).padding(pad(1)).into()),
        ("depthwise", Conv::new().padding(pad(2)).dilation([2, 2]).groups(3).into()),
        ("transposed", ConvTranspose::new().stride([2, 2]).padding(pad(1)).into()),
        ("dense", Dense::new().kernel_layout(DenseLayout::OutIn).into()),
        ("softmax", Softmax::last_axis().into()),
        ("silu", Activation::Silu.into()),
    ];
    for (name, op) in cases {
        let inputs: Vec<Tensor> = (0..3).map_while(|i| values.tensor(&format!("{name}.in{i}"))).collect();
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
        let mut expected = reference::evaluate(&Problem::new(&op, &descs).unwrap(), &inputs).unwrap();
        let exact = values.exact(&format!("{name}.exact"));
        for (reference, exact) in expected[0].values.iter().zip(&exact) {
            assert!((reference - exact).abs() <= 1e-12 * exact.abs().max(1.0), "{name}");
        }
        let rounded: Vec<bf16> = exact.iter().map(|&x| bf16::from_f64(x)).collect();
        expected[0].values = exact;
        let check = |place: &str, y: &Tensor| {
            assert_eq!(reference::compare(&expected[0], y).unwrap(), None, "{name}, {place}");
            // Where a sum of 32 bits lies at the other side of a boundary, it may be the next number.
            let differ = y.as_bf16().unwrap().iter().zip(&rounded).filter(|(y, x)| y != x).count();
            assert!(differ <= rounded.len() / 100, "{name}, {place}: {differ} of {} differ", rounded.len());
        };
        check("PyTorch", &values.tensor(&format!("{name}.torch")).unwrap());
        everywhere(&op, &inputs, |place, y| check(place, &y[0]));
    }
}
