//! Window geometry against brute force, and proof that a wrong rule would be noticed.

use proptest::prelude::*;
use wgpool::geometry::Axis;
use wgpool::problem::Work;
use wgpool::{Error, Padding, Pool, Problem, TensorDesc, plan};

#[derive(Clone, Copy, Debug)]
struct Spec {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
    ceil: bool,
}

/// The axis that the library computes, or its error.
fn axis(spec: Spec) -> Result<Axis, Error> {
    let pool = Pool::max([spec.kernel])
        .stride([spec.stride])
        .dilation([spec.dilation])
        .padding(Padding::Explicit { before: vec![spec.before], after: vec![spec.after] })
        .ceil_mode(spec.ceil);
    let problem = Problem::new(&pool.into(), &[TensorDesc::f32([1, 1, spec.input])])?;
    let Work::Pool(work) = problem.work else { panic!("not a pool") };
    assert_eq!(problem.outputs[0].shape[2], work.axes[2].output);
    Ok(work.axes[2])
}

/// The padded line, element by element: is it input?
fn line(spec: Spec) -> Vec<bool> {
    [vec![false; spec.before], vec![true; spec.input], vec![false; spec.after]].concat()
}

/// The number of windows, by walking along the padded line.
fn windows(spec: Spec) -> usize {
    let line = line(spec);
    let span = spec.dilation * (spec.kernel - 1) + 1;
    let mut starts = Vec::new();
    let mut start = 0;
    while start + span <= line.len() {
        starts.push(start);
        start += spec.stride;
    }
    let Some(&last) = starts.last() else {
        // Ceil mode keeps a first window that lacks less than a stride.
        return usize::from(spec.ceil && span < line.len() + spec.stride);
    };
    // Ceil mode adds one more window if elements are left behind the last, unless it would start in the padding.
    if spec.ceil && last + span < line.len() && start < spec.before + spec.input {
        starts.push(start);
    } else if spec.ceil && last + span == line.len() && last >= spec.before + spec.input {
        starts.pop();
    }
    starts.len()
}

/// A disagreement with brute force over all small specifications, if there is any.
fn first_difference(rule: impl Fn(Spec) -> usize) -> Option<Spec> {
    for input in 1..7 {
        for kernel in 1..5 {
            for stride in 1..5 {
                for dilation in 1..4 {
                    for (before, after) in [(0, 0), (1, 1), (0, 2), (2, 1), (3, 0)] {
                        for ceil in [false, true] {
                            let spec = Spec { input, kernel, stride, dilation, before, after, ceil };
                            if rule(spec) != windows(spec) {
                                return Some(spec);
                            }
                        }
                    }
                }
            }
        }
    }
    None
}

#[test]
fn output_lengths_are_those_of_brute_force() {
    let ours = |spec| match axis(spec) {
        Ok(axis) => axis.output,
        Err(Error::Window { .. }) => 0,
        Err(error) => panic!("{spec:?}: {error}"),
    };
    assert!(first_difference(ours).is_none(), "{:?}", first_difference(ours));
}

#[test]
fn a_wrong_output_length_would_be_noticed() {
    fn rule(spec: Spec, span: usize, round_up: usize, padding: usize) -> usize {
        (spec.input + padding).checked_sub(span).map_or(0, |room| (room + round_up) / spec.stride + 1)
    }
    let span = |s: Spec| s.dilation * (s.kernel - 1) + 1;
    let up = |s: Spec| if s.ceil { s.stride - 1 } else { 0 };
    let both = |s: Spec| s.before + s.after;
    type Rule = Box<dyn Fn(Spec) -> usize>;
    let wrong: [(&str, Rule); 5] = [
        ("a last window in the padding is kept", Box::new(move |s| rule(s, span(s), up(s), both(s)))),
        ("ceil mode is ignored", Box::new(move |s| rule(s, span(s), 0, both(s)))),
        ("dilation is ignored", Box::new(move |s| rule(s, s.kernel, up(s), both(s)))),
        ("padding is taken as symmetric", Box::new(move |s| rule(s, span(s), up(s), 2 * s.before))),
        ("off by one", Box::new(move |s| rule(s, span(s), up(s), both(s)).saturating_sub(1))),
    ];
    for (name, rule) in wrong {
        assert!(first_difference(rule).is_some(), "{name} was not noticed");
    }
}

#[test]
fn documented_lengths() {
    let ceil = |input, kernel, stride, pad| {
        axis(Spec { input, kernel, stride, dilation: 1, before: pad, after: pad, ceil: true }).unwrap().output
    };
    assert_eq!(ceil(5, 2, 2, 1), 3);
    assert_eq!(ceil(3, 2, 4, 1), 1);
}

#[test]
fn same_padding() {
    for (input, kernel, stride, dilation) in (1..9)
        .flat_map(|l| (1..5).flat_map(move |k| (1..4).flat_map(move |s| (1..4).map(move |d| (l, k, s, d)))))
    {
        for upper in [true, false] {
            let padding = if upper { Padding::SameUpper } else { Padding::SameLower };
            let pool = Pool::max([kernel]).stride([stride]).dilation([dilation]).padding(padding);
            let problem = Problem::new(&pool.into(), &[TensorDesc::f32([1, 1, input])]).unwrap();
            let Work::Pool(work) = problem.work else { panic!("not a pool") };
            let axis = work.axes[2];
            assert_eq!(axis.output, input.div_ceil(stride));
            let last_end = (axis.output - 1) * stride + axis.span();
            assert_eq!(axis.pad_before + axis.pad_after, last_end.saturating_sub(input), "{axis:?}");
            let (more, less) =
                if upper { (axis.pad_after, axis.pad_before) } else { (axis.pad_before, axis.pad_after) };
            assert!(more == less || more == less + 1, "{axis:?}");
        }
    }
}

proptest! {
    #[test]
    fn taps_are_those_of_brute_force(
        input in 1usize..40, kernel in 1usize..9, stride in 1usize..7, dilation in 1usize..5,
        before in 0usize..9, after in 0usize..9, ceil: bool,
    ) {
        let spec = Spec { input, kernel, stride, dilation, before, after, ceil };
        let Ok(axis) = axis(spec) else { return Ok(()) };
        let line = line(spec);
        for o in 0..axis.output {
            let at = |tap: usize| o * stride + tap * dilation;
            let inside: Vec<usize> =
                (0..kernel).filter(|&t| line.get(at(t)).copied().unwrap_or(false)).collect();
            let padded = (0..kernel).filter(|&t| at(t) < line.len()).count();
            prop_assert_eq!(axis.taps_inside(o).collect::<Vec<_>>(), inside);
            prop_assert_eq!(axis.taps_padded(o), padded);
            for t in 0..kernel {
                let expected = line.get(at(t)).copied().unwrap_or(false).then(|| at(t) - before);
                prop_assert_eq!(axis.position(o, t), expected);
            }
        }
    }

    #[test]
    fn folded_grids_hold_every_workgroup(count in 1u64..1 << 40, max in 1u32..70_000) {
        let capacity = u64::from(max).pow(3);
        match plan::fold(count, max) {
            None => prop_assert!(count > capacity),
            Some(grid) => {
                prop_assert!(grid.iter().all(|&side| (1..=max).contains(&side)));
                let product: u64 = grid.iter().map(|&g| u64::from(g)).product();
                let layer = u64::from(grid[0]) * u64::from(grid[1]);
                prop_assert!(product >= count && product < count + layer + u64::from(grid[0]) * u64::from(grid[2]));
            }
        }
    }

    #[test]
    fn any_numbers_give_a_result_or_an_error(
        shape in prop::collection::vec(prop_oneof![0usize..5, any::<usize>()], 0..7),
        numbers in prop::collection::vec(prop_oneof![0usize..5, any::<usize>()], 0..5),
        ceil: bool,
    ) {
        let pool = Pool::max(numbers.clone())
            .stride(numbers.clone())
            .dilation(numbers.clone())
            .padding(Padding::symmetric(numbers))
            .ceil_mode(ceil);
        let _ = Problem::new(&pool.into(), &[TensorDesc::f32(shape)]);
    }
}
