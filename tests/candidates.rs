//! The kernels that compete for an operation: forced by name, explained, and all of them against the reference.

use wgpool::kernel::{Cooperative, Side};
use wgpool::plan::{CandidateInfo, Considered, Family as For, Kernels, Outcome, candidates};
use wgpool::{
    Activation, Backend, Caps, Conv, ConvPool, DeformConv, Error, Op, Padding, Plan, Pool, Softmax,
    TensorDesc,
};
use wgpool_testing::support::{
    check_gpu, describe, descs, engine, forced as forced_on, is_wrong, with_target_workgroups,
};
use wgpool_testing::tampered::corpus;
use wgpool_testing::verify::random::{Family, Rng};
use wgpool_testing::verify::run_corpus;

fn forced(kernels: &str) -> Caps {
    let mut caps = Caps::default();
    caps.kernels = Kernels::named(kernels).unwrap();
    caps
}

fn conv() -> (Op, [TensorDesc; 2]) {
    let conv = Conv::new().padding(Padding::symmetric([1]));
    (conv.into(), [TensorDesc::f32([1, 64, 56, 56]), TensorDesc::f32([64, 64, 3, 3])])
}

fn taken(plan: &Plan) -> Vec<&'static str> {
    let taken = |c: &&Considered| c.outcome == Outcome::Taken;
    plan.considered.iter().filter(taken).map(|c| c.name).collect()
}

#[test]
fn names_that_there_are_not_are_errors_that_list_those_there_are() {
    for name in ["conv/fast", "", "conv", "gemm", "x*", "conv/gemm "] {
        let error = Kernels::named(name).unwrap_err();
        assert!(matches!(error, Error::Parameter { parameter: "kernel", .. }), "{error}");
        assert!(error.to_string().contains("conv/gemm, "), "{error}");
    }
    assert_eq!(Kernels::named("*").unwrap().each().count(), candidates().count());
    let mut names: Vec<&str> = candidates().map(|c| c.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), candidates().count(), "names are unique");
}

#[test]
fn a_kernel_that_does_not_apply_is_an_error_with_its_reason() {
    let (op, inputs) = conv();
    for (kernel, reason) in [
        ("conv/dense", "no dense layer"),
        ("conv/register_tiles", "uniform bindings"),
        ("conv/cooperative", "not turned on"),
        ("conv/winograd", "error that may depend on the tile"),
        ("depthwise/*", "channels are not convolved by themselves"),
        ("pool/sliding", "the kernels of this operation are conv/"),
    ] {
        let error = Plan::new(&op, &inputs, &forced(kernel)).unwrap_err();
        let Error::Kernel { kernel: named, .. } = &error else { panic!("{error}") };
        assert!(named.contains(kernel.trim_end_matches('*')), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let one = Plan::new(&wgpool::Activation::Relu.into(), &inputs[..1], &forced("conv/*")).unwrap_err();
    assert!(one.to_string().contains("one kernel"), "{one}");
    // A family names no operation.
    assert!(Plan::new(&wgpool::Activation::Relu.into(), &inputs[..1], &forced("general")).is_ok());
}

#[test]
fn what_costs_more_is_taken_where_it_is_forced() {
    let (op, inputs) = conv();
    assert_eq!(taken(&Plan::new(&op, &inputs, &Caps::default()).unwrap()), ["conv/gemm"]);
    for kernel in ["conv/direct", "conv/gemm", "conv/d*", "general"] {
        let plan = Plan::new(&op, &inputs, &forced(kernel)).unwrap();
        let expected = if kernel == "conv/gemm" { "conv/gemm" } else { "conv/direct" };
        assert_eq!(taken(&plan), [expected], "{kernel}");
    }
    // Tiles of one channel in 64 are mostly empty.
    let few = [TensorDesc::f32([1, 1, 9, 9]), TensorDesc::f32([1, 1, 3, 3])];
    assert_eq!(taken(&Plan::new(&op, &few, &forced("conv/gemm")).unwrap()), ["conv/gemm"]);
    let rows = [TensorDesc::f32([9, 9])];
    let softmax = Plan::new(&Softmax::last_axis().into(), &rows, &forced("softmax/rows")).unwrap();
    assert_eq!(taken(&softmax), ["softmax/rows"]);
}

#[test]
fn parts_of_an_operation_are_forced_too() {
    let both = ConvPool { conv: Conv::new(), pool: Pool::max([2]) };
    let inputs = [TensorDesc::f32([1, 8, 30, 30]), TensorDesc::f32([32, 8, 3, 3])];
    let of = |kernel| taken(&Plan::new(&both.clone().into(), &inputs, &forced(kernel)).unwrap());
    assert_eq!(of("conv_pool/two_kernels")[0], "conv_pool/two_kernels");
    assert_eq!(of("conv/direct"), ["conv/direct", "pool/patch"]);
    assert_eq!(of("pool/sliding")[1..], ["pool/sliding"]);
    assert_eq!(of("conv_pool/direct"), ["conv_pool/direct"]);
    let deform = DeformConv { conv: Conv::new(), offset_groups: 1, mask: false };
    let inputs = [[1, 8, 12, 12], [1, 18, 10, 10], [32, 8, 3, 3]].map(TensorDesc::f32);
    let plan = Plan::new(&deform.into(), &inputs, &forced("conv/gemm")).unwrap();
    assert_eq!(taken(&plan), ["conv/gemm"]);
    // The passes are pooling themselves.
    let large = Pool::max([13]).stride([1]);
    let inputs = [TensorDesc::f32([1, 8, 30, 30])];
    let plan = Plan::new(&large.into(), &inputs, &forced("pool/two_passes")).unwrap();
    assert_eq!(taken(&plan), ["pool/two_passes", "pool/patch", "pool/patch"]);
}

#[test]
fn explanations_say_what_was_rejected_and_why() {
    let (op, inputs) = conv();
    let mut caps = Caps::default();
    let explanation = Plan::new(&op, &inputs, &caps).unwrap().explain();
    let names: Vec<&str> = explanation.considered.iter().map(|c| c.name).collect();
    assert_eq!(names.last(), Some(&"conv/gemm"), "nothing behind what was taken: {names:?}");
    let text = explanation.to_string();
    for part in ["conv/dense", "does not apply: it is no dense layer", "conv/gemm            taken"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    caps.software = true;
    let text = Plan::new(&op, &inputs, &caps).unwrap().explain().to_string();
    assert!(text.contains("conv/gemm            costs more: it is made for GPUs"), "{text}");
    let one = Plan::new(&wgpool::Activation::Relu.into(), &inputs[..1], &caps).unwrap().explain();
    assert!(one.considered.is_empty() && !one.to_string().contains("looked at"));
}

/// Random cases that a candidate computes. Other drivers than llvmpipe take ten seconds to build the pipeline of a
/// register tile.
fn count(candidate: &CandidateInfo, caps: &Caps) -> usize {
    match (candidate.name.ends_with("register_tiles"), caps.min_macs_for_tiles) {
        (true, u64::MAX) => 1,
        (true, _) => 8,
        _ => 15,
    }
}

/// Those with an activation.
const ACTIVATED: [Family; 4] = [Family::Conv, Family::ConvPool, Family::ConvTile, Family::Dense];

/// Whether a candidate computes convolutions by themselves, which may have a residual; dense layers have none.
fn adds_residuals(candidate: &CandidateInfo) -> bool {
    candidate.name != "conv/dense" && ["conv/", "depthwise/"].iter().any(|of| candidate.name.starts_with(of))
}

fn has_residual(op: &Op) -> bool {
    matches!(op, Op::Conv(conv) if conv.residual)
}

/// What may look a candidate up.
fn families(candidate: &CandidateInfo) -> &'static [Family] {
    match candidate.name.split('/').next().unwrap() {
        "conv_pool" => &[Family::ConvPool, Family::ConvTile],
        "pool" => {
            &[Family::MaxPool, Family::AveragePool, Family::LpPool, Family::GlobalPool, Family::AdaptivePool]
        }
        "softmax" => &[Family::Softmax],
        "weights_gradient" => &[Family::WeightsGradient],
        "pool_gradient" => &[Family::PoolGradient],
        "conv_transpose" => &[Family::ConvTranspose, Family::InputGradient],
        _ => &[Family::Conv, Family::Dense, Family::ConvTile, Family::DeformConv, Family::CausalConv],
    }
}

/// Whether this device lacks what a candidate needs, so that it can only be planned for another.
fn is_for_others(candidate: &CandidateInfo, caps: &Caps) -> bool {
    candidate.name.ends_with("/cooperative") && caps.cooperative.is_none()
        || candidate.name.ends_with("/winograd") && caps.max_storage_buffers < 5
        || candidate.family == For::SoftwareAdapter && !caps.paged
}

/// A device that has everything.
fn all_there_is() -> Caps {
    let mut caps = Caps::default();
    (caps.f16, caps.software, caps.paged) = (true, true, true);
    caps.cooperative = Some(Cooperative { side: Side::Sixteen, subgroup: 32 });
    caps
}

#[test]
fn every_candidate_computes_what_it_applies_to() {
    let mut failures = Vec::new();
    for candidate in candidates() {
        let lacks = is_for_others(&candidate, engine().caps());
        let wanted = count(&candidate, engine().caps());
        let engine = forced_on(engine(), candidate.name);
        let (mut rng, mut ran) = (Rng::new(0xca4d), 0);
        // PReLU reads one more tensor than other activations.
        let mut prelu = !families(&candidate).iter().any(|family| ACTIVATED.contains(family));
        let mut residual = !adds_residuals(&candidate);
        for round in 0..2000 {
            let family = families(&candidate)[round % families(&candidate).len()];
            if ran >= wanted && prelu && residual {
                break;
            }
            let case = family.case(&mut rng, engine.caps().f16 || lacks);
            let is_wanted = !prelu && case.op.activation() == Activation::PRelu;
            if ran >= wanted && !is_wanted && (residual || !has_residual(&case.op)) {
                continue;
            }
            let inputs = descs(&case.inputs.iter().collect::<Vec<_>>());
            if lacks {
                let mut caps = all_there_is();
                caps.kernels = Kernels::named(candidate.name).unwrap();
                let planned = Plan::new(&case.op, &inputs, &caps).is_ok();
                ran += usize::from(planned);
                prelu |= planned && case.op.activation() == Activation::PRelu;
                residual |= planned && has_residual(&case.op);
                continue;
            }
            // Tiles of several sizes, and divided sums.
            let engine = with_target_workgroups(&engine, [1, 8, 32, 128][rng.between(0, 3)]);
            match engine.plan(&case.op, &inputs) {
                Ok(plan) if plan.steps.is_empty() => continue,
                Err(Error::Kernel { .. }) => continue,
                planned => drop(planned.unwrap()),
            }
            ran += 1;
            prelu |= case.op.activation() == Activation::PRelu;
            residual |= has_residual(&case.op);
            if let Err(reason) = check_gpu(&engine, &case) {
                failures.push(format!("{}: {}\n    {reason}", candidate.name, describe(&case)));
            }
        }
        assert!(
            ran >= wanted && prelu && residual,
            "{}: {ran} of 2000 random cases reach it, PReLU {prelu}, residual {residual}",
            candidate.name
        );
        let how = if lacks { "planned for another device" } else { "run" };
        println!("{}: {ran} {how}", candidate.name);
    }
    assert!(
        failures.is_empty(),
        "{} failed, such as\n{}",
        failures.len(),
        failures[..failures.len().min(5)].join("\n")
    );
}

#[test]
fn prelu_with_another_channel_s_slope_is_noticed_in_every_candidate() {
    let first =
        engine().with_edited_shaders(|_, source| source.replace("slopes[channel % count]", "slopes[0]"));
    for candidate in candidates() {
        let families = families(&candidate);
        let activated = families.iter().any(|family| ACTIVATED.contains(family));
        if !activated || is_for_others(&candidate, engine().caps()) || count(&candidate, engine().caps()) == 1
        {
            continue;
        }
        let (engine, mut rng) = (forced_on(&first, candidate.name), Rng::new(0xca4d));
        let mut cases =
            (0..1000).map(|round| families[round % families.len()].case(&mut rng, engine.caps().f16));
        let noticed = cases.any(|case| {
            let inputs = descs(&case.inputs.iter().collect::<Vec<_>>());
            case.op.activation() == Activation::PRelu
                && engine.plan(&case.op, &inputs).is_ok()
                && is_wrong(&engine, &case)
        });
        assert!(noticed, "{}", candidate.name);
    }
}

/// Kernels that add residuals themselves; behind the others a kernel of elements does.
#[test]
fn a_residual_that_is_left_out_or_of_another_place_is_noticed_in_every_candidate() {
    let wrong = [
        engine().with_edited_shaders(|_, source| source.replace("sum + f32(residuals[at])", "sum")),
        engine()
            .with_edited_shaders(|_, source| source.replace("f32(residuals[at])", "f32(residuals[at / 2u])")),
    ];
    let mut themselves = Vec::new();
    for candidate in candidates().filter(adds_residuals) {
        if is_for_others(&candidate, engine().caps()) || count(&candidate, engine().caps()) == 1 {
            continue;
        }
        let noticed = wrong.each_ref().map(|wrong| {
            let (engine, mut rng) = (forced_on(wrong, candidate.name), Rng::new(0xca4d));
            let families = families(&candidate);
            let cases =
                (0..1000).map(|round| families[round % families.len()].case(&mut rng, engine.caps().f16));
            let mut own = cases.filter(|case| {
                let inputs = descs(&case.inputs.iter().collect::<Vec<_>>());
                let plan = engine.plan(&case.op, &inputs);
                plan.is_ok_and(|plan| plan.steps.iter().any(|step| step.kernel.bindings().residuals > 0))
            });
            // None, where no plan has a kernel that adds one.
            own.next().map(|first| is_wrong(&engine, &first) || own.any(|case| is_wrong(&engine, &case)))
        });
        assert!(!noticed.contains(&Some(false)), "{}: {noticed:?}", candidate.name);
        if noticed.iter().all(|noticed| noticed.is_some()) {
            themselves.push(candidate.name);
        }
    }
    for name in ["conv/direct", "conv/gemm"] {
        assert!(themselves.contains(&name), "{themselves:?}");
    }
    println!("{themselves:?}");
}

#[test]
fn every_candidate_computes_the_corpus_where_it_applies() {
    let mut passed = 0;
    for candidate in candidates() {
        let caps = engine().caps();
        if is_for_others(&candidate, caps) || count(&candidate, caps) == 1 {
            println!("{}: not on this device", candidate.name);
            continue;
        }
        let backend = Backend::Gpu(forced_on(engine(), candidate.name));
        let report = run_corpus(&corpus("onnx"), &backend, |_, _| {}).unwrap();
        let total = report.total();
        assert_eq!(total.failed, 0, "{}: {report}", candidate.name);
        println!("{}: {}", candidate.name, total.passed);
        passed += total.passed;
    }
    // Convolution and pooling, each by several.
    assert!(passed > 150, "{passed}");
}
