//! What a benchmark accepts: a wrong kernel is not timed, and a sample of an output is judged as all of it would be.

use wgpool_testing::support;

use wgpool::kernel::KernelKey;
use wgpool::{
    Activation, Conv, ConvPool, DType, GlobalPool, Layout, Op, Padding, Pool, Problem, Tensor, reference,
};
use wgpool_testing::bench::{self, Case, Checked, Effort, GpuRun, cases};

fn small(op: impl Into<Op>, shapes: &[&[usize]]) -> Case {
    Case {
        name: "small".into(),
        op: op.into(),
        shapes: shapes.iter().map(|s| s.to_vec()).collect(),
        dtype: DType::F32,
    }
}

fn conv_pool(pool: Pool) -> Case {
    let conv = Conv::new().padding(Padding::symmetric([1])).activation(Activation::Relu);
    small(ConvPool { conv, pool }, &[&[2, 3, 9, 8], &[5, 3, 3, 3], &[5]])
}

#[test]
fn a_wrong_kernel_is_not_timed() {
    let case = small(Pool::max([2]), &[&[1, 4, 8, 8]]);
    let engine = support::engine().with_gpu_kernels();
    let right = bench::measure(Some(&engine), &case, Effort::QUICK).unwrap();
    assert_eq!((right.faults.as_slice(), right.checked), (&[][..], Checked::All { elements: 64 }));
    assert!(right.host.is_some() && right.gpu.is_some() && right.first_result.is_some());

    // The smallest element instead of the largest.
    let edit = |_: KernelKey, source: String| source.replace("return max(a, b);", "return min(a, b);");
    let wrong = bench::measure(Some(&engine.with_edited_shaders(edit)), &case, Effort::QUICK).unwrap();
    let [fault] = wrong.faults.as_slice() else { panic!("{:?}", wrong.faults) };
    assert!(fault.starts_with("adapter: ") && fault.contains("outside their bound"), "{fault}");
    assert!(wrong.host.is_none() && wrong.gpu.is_none() && wrong.first_result.is_none());
}

#[test]
fn an_adapter_that_refuses_is_a_fault_too() {
    let case = small(Pool::max([2]), &[&[1, 4, 8, 8]]);
    let broken = |_: KernelKey, _: String| "no shader".to_owned();
    let engine = support::engine().with_edited_shaders(broken);
    let report = bench::measure(Some(&engine), &case, Effort::QUICK).unwrap();
    assert!(report.faults[0].starts_with("adapter: building the pipeline"), "{:?}", report.faults);
    assert!(report.host.is_none() && report.gpu.is_none());
}

#[test]
fn two_operations_give_what_one_gives() {
    let case = conv_pool(Pool::max([2]));
    let inputs = case.tensors().unwrap();
    let [fused, two] = [vec![case.op.clone()], case.unfused().unwrap().to_vec()].map(|ops| {
        let (run, first) = GpuRun::start(support::engine(), &ops, &inputs).unwrap();
        assert!(first.took.as_nanos() > 0 && run.time(2).unwrap().wall > 0.0);
        first.output
    });
    let refs: Vec<&Tensor> = inputs.iter().collect();
    for output in [fused, two] {
        support::judge(&case.op, &refs, &[output]).unwrap();
    }
    let report = bench::measure_fusion(None, &case, Effort::QUICK).unwrap().unwrap();
    assert!(report.faults.is_empty() && report.host.is_some() && report.gpu.is_none());
    assert!(bench::measure_fusion(None, &cases::all()[0], Effort::QUICK).unwrap().is_none());
}

#[test]
fn a_sample_is_judged_as_the_whole() {
    let average = Pool::average([3]).stride([2]).padding(Padding::symmetric([1]));
    let nhwc = Conv::new().layout(Layout::Nhwc).stride([2]).groups(2);
    let cases = [
        small(average.clone(), &[&[2, 3, 7, 6]]),
        small(average.clone().layout(Layout::Nhwc), &[&[2, 7, 6, 3]]),
        small(GlobalPool::average(), &[&[3, 5, 4]]),
        small(nhwc, &[&[2, 8, 9, 4], &[6, 2, 3, 3], &[6]]),
        conv_pool(Pool::max([2])),
        conv_pool(average),
    ];
    for case in cases {
        let inputs = case.tensors().unwrap();
        let refs: Vec<&Tensor> = inputs.iter().collect();
        let problem = Problem::new(&case.op, &case.descs()).unwrap();
        let exact = reference::evaluate(&problem, &refs).unwrap().remove(0);
        let right = exact.to_tensor().unwrap();
        let many = 40 * exact.values.len();
        let sample =
            |got: &Tensor| reference::compare_sample(&problem, &refs, got, many, 7).unwrap().unwrap();
        assert_eq!(sample(&right), None, "{:?}", case.op);
        // One element too far away, whichever it is, is found where it is.
        for at in [0, exact.values.len() / 2, exact.values.len() - 1] {
            let mut wrong = right.as_f32().unwrap().to_vec();
            wrong[at] += 1.0;
            let wrong = Tensor::from_f32(right.shape(), wrong).unwrap();
            let found = sample(&wrong).unwrap_or_else(|| panic!("{:?}: [{at}] is not found", case.op));
            let whole = reference::compare(&exact, &wrong).unwrap().unwrap();
            assert_eq!((found.at, found.expected, found.bound), (at, whole.expected, whole.bound));
        }
    }
}

#[test]
fn what_cannot_be_sampled_says_so() {
    let case = small(wgpool::Softmax::last_axis(), &[&[2, 3]]);
    let inputs = case.tensors().unwrap();
    let problem = Problem::new(&case.op, &case.descs()).unwrap();
    assert_eq!(reference::compare_sample(&problem, &[&inputs[0]], &inputs[0], 9, 1).unwrap(), None);
    let pooled = small(Pool::max([2]), &[&[1, 1, 4]]);
    let problem = Problem::new(&pooled.op, &pooled.descs()).unwrap();
    let x = &pooled.tensors().unwrap()[0];
    assert!(reference::compare_sample(&problem, &[x], x, 9, 1).is_err(), "another shape");
}
