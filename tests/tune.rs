//! Kernels that are measured on the device: what is wrong is never taken, what is of another device is refused, and a
//! choice changes nothing but which kernel computes. Which one is the fastest is asserted nowhere.

use std::ops::ControlFlow;
use std::time::Duration;

use wgpool::plan::{Outcome, Tuned, TunedFor, Tuning};
use wgpool::{Conv, ConvPool, Engine, Error, Op, Padding, Plan, Pool, Problem, Softmax, TensorDesc};
use wgpool_testing::support::{check_gpu, engine, forced, is_wrong};
use wgpool_testing::verify::random::Case;

const LONG: Duration = Duration::from_secs(600);

fn problem(op: impl Into<Op>, shapes: &[&[usize]]) -> Problem {
    let descs: Vec<_> = shapes.iter().map(|shape| TensorDesc::f32(*shape)).collect();
    Problem::new(&op.into(), &descs).unwrap()
}

fn problems() -> Vec<Problem> {
    let conv = Conv::new().padding(Padding::SameUpper);
    let both = ConvPool { conv: Conv::new(), pool: Pool::max([2]) };
    vec![
        problem(Pool::max([3]).stride([2]), &[&[1, 8, 33, 33]]),
        problem(conv, &[&[1, 16, 20, 20], &[32, 16, 3, 3]]),
        problem(both, &[&[1, 3, 18, 18], &[10, 3, 3, 3]]),
        problem(Softmax { axis: -1 }, &[&[64, 100]]),
    ]
}

/// A tuning by hand: `kernel` for the class of this problem.
fn by_hand(engine: &Engine, problem: &Problem, kernel: &str) -> Tuning {
    let mut tuning = Tuning::on(engine);
    assert!(tuning.set(problem, kernel, 128));
    tuning
}

fn taken(plan: &Plan) -> Vec<(&'static str, Outcome)> {
    let taken = |outcome| matches!(outcome, Outcome::Taken | Outcome::Measured);
    plan.considered.iter().filter(|c| taken(c.outcome)).map(|c| (c.name, c.outcome)).collect()
}

#[test]
fn each_candidate_is_tried_and_the_result_holds_on_the_device() {
    let engine = engine();
    let mut tried = Vec::new();
    let tuning = engine.tune(&problems(), LONG, |next| {
        tried.extend(next.kernel.map(|kernel| (next.op, kernel.to_owned())));
        ControlFlow::Continue(())
    });
    let tuning = tuning.unwrap();
    for tried_one in ["pool/sliding", "conv/direct", "conv_pool/direct", "softmax/direct"] {
        let is_rules_choice = |plan: Plan| taken(&plan).iter().any(|(name, _)| *name == tried_one);
        let by_rules = problems().into_iter().any(|p| is_rules_choice(Plan::of(p, engine.caps()).unwrap()));
        assert!(by_rules || tried.iter().any(|(_, kernel)| kernel == tried_one), "{tried_one}: {tried:?}");
    }
    let tuned = engine.with_tuning(tuning).unwrap();
    for problem in problems() {
        Plan::of(problem, tuned.caps()).unwrap();
    }
}

#[test]
fn plans_take_what_was_measured() {
    let problem = problem(Pool::max([3]).stride([2]), &[&[1, 8, 33, 33]]);
    let tuned = engine().with_tuning(by_hand(engine(), &problem, "pool/sliding")).unwrap();
    let plan = Plan::of(problem.clone(), tuned.caps()).unwrap();
    assert_eq!(taken(&plan), [("pool/sliding", Outcome::Measured)]);
    assert!(plan.explain().to_string().contains("the fastest when all were measured"), "{}", plan.explain());
    // A class holds for other sizes of about as many positions, and says nothing of others.
    let like = |side: usize| {
        let descs = [TensorDesc::f32([1, 8, side, side])];
        taken(&Plan::new(&Pool::max([3]).stride([2]).into(), &descs, tuned.caps()).unwrap())
    };
    assert_eq!(like(35), [("pool/sliding", Outcome::Measured)]);
    assert!(like(330).iter().all(|(_, outcome)| *outcome == Outcome::Taken));
    let case = Case { op: Pool::max([3]).stride([2]).into(), inputs: vec![image()] };
    check_gpu(&tuned, &case).unwrap();
    // What is forced goes before it.
    let forced = forced(&tuned, "pool/*");
    assert!(taken(&Plan::of(problem, forced.caps()).unwrap()).iter().all(|(_, o)| *o == Outcome::Taken));
}

#[test]
fn the_rules_hold_where_the_kernel_does_not_apply() {
    let problem = problem(Pool::max([3]).stride([2]), &[&[1, 8, 33, 33]]);
    let rules = Plan::of(problem.clone(), engine().caps()).unwrap();
    for kernel in ["pool/global", "conv/direct", "no such kernel"] {
        let tuned = engine().with_tuning(by_hand(engine(), &problem, kernel)).unwrap();
        assert_eq!(Plan::of(problem.clone(), tuned.caps()).unwrap(), rules, "{kernel}");
    }
}

#[test]
fn what_was_measured_elsewhere_is_refused() {
    type Edit = fn(&mut TunedFor);
    let edits: [(&str, Edit); 4] = [
        ("adapter", |on| on.adapter.push('x')),
        ("driver", |on| on.driver = "another".into()),
        ("version", |on| on.version = "0.0.0".into()),
        ("kernels", |on| on.kernels.push_str(" conv/new")),
    ];
    for (name, edit) in edits {
        let mut tuning = by_hand(engine(), &problems()[0], "pool/sliding");
        edit(&mut tuning.measured_on);
        let error = engine().with_tuning(tuning).unwrap_err();
        assert!(matches!(error, Error::Parameter { parameter, .. } if parameter == name), "{error}");
    }
}

#[test]
fn it_ends_when_it_is_told_to_or_the_time_is_up() {
    let none = engine().tune(&problems(), Duration::ZERO, |_| ControlFlow::Continue(())).unwrap();
    assert!(none.fastest.is_empty());
    let mut asked = 0;
    let none = engine().tune(&problems(), LONG, |_| {
        asked += 1;
        ControlFlow::Break(())
    });
    assert_eq!((asked, none.unwrap().fastest.len()), (1, 0));
}

fn image() -> wgpool::Tensor {
    let values = (0..8 * 33 * 33).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
    wgpool::Tensor::from_f32(&[1, 8, 33, 33], values).unwrap()
}

#[test]
fn a_wrong_kernel_is_never_taken() {
    let edited = engine().with_edited_shaders(|key, source| match key.to_string().starts_with("Pool {") {
        true => source.replace("exceeds(value, best)", "exceeds(best, value)"),
        false => source,
    });
    let problem = problem(Pool::max([3]).stride([2]), &[&[1, 8, 33, 33]]);
    let case = Case { op: Pool::max([3]).stride([2]).into(), inputs: vec![image()] };
    assert!(is_wrong(&forced(&edited, "pool/sliding"), &case), "the edited kernel is not wrong");
    let mut tried = false;
    let tuning = edited.tune(&[problem], LONG, |next| {
        tried |= next.kernel == Some("pool/sliding");
        ControlFlow::Continue(())
    });
    let taken: Vec<Tuned> = tuning.unwrap().fastest.into_values().collect();
    assert!(tried && taken.iter().all(|tuned| tuned.kernel != "pool/sliding"), "{taken:?}");
}

/// What the rules choose is wrong here: what is right is taken instead, however slow.
#[test]
fn what_is_right_goes_before_what_is_wrong() {
    let problem = problem(Pool::max([3]).stride([2]), &[&[1, 8, 33, 33]]);
    // The rules for GPUs choose patches, which share what they load, and join it by this.
    let edited = engine()
        .with_gpu_kernels()
        .with_edited_shaders(|_, source| source.replace("return max(a, b)", "return a"));
    let case = Case { op: Pool::max([3]).stride([2]).into(), inputs: vec![image()] };
    assert!(is_wrong(&edited, &case), "the rules' choice is not wrong");
    let tuning = edited.tune(std::slice::from_ref(&problem), Duration::MAX, |_| ControlFlow::Continue(()));
    let tuned = edited.with_tuning(tuning.unwrap()).unwrap();
    assert_eq!(taken(&Plan::of(problem, tuned.caps()).unwrap()), [("pool/sliding", Outcome::Measured)]);
    check_gpu(&tuned, &case).unwrap();
}
