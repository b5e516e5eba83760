//! Formulas, in chunks whose steps stay in the cache.

use std::borrow::Cow;

use super::element;
use super::kept::with_kept;
use super::output::{WORTH_SHARING, try_fill};
use super::values::{Values, zip};
use crate::activation::ActivationKind;
use crate::error::Result;
use crate::memory;
use crate::problem::{Access, ElementwiseWork, MOST_AXES};
use crate::spec::{ElementStep, Operand};
use crate::tensor::{Data, Tensor};

/// Elements of a chunk: a few kilobytes a step.
const CHUNK: usize = 1024;

/// What a thread keeps: the parts of inputs that do not lie as the output does, and the steps' results.
#[derive(Default)]
struct Buffers {
    inputs: Vec<Vec<f32>>,
    steps: Vec<Vec<f32>>,
}

pub(super) fn elementwise(work: &ElementwiseWork, inputs: &[&Tensor]) -> Result<Data> {
    let inputs = inputs.iter().map(|input| element::floats(input)).collect::<Result<Vec<_>>>()?;
    let places = places(work);
    let batch = WORTH_SHARING / CHUNK / work.formula.steps.len().clamp(1, 8);
    let y = try_fill(work.elements(), CHUNK, batch, |chunk, out: &mut [f32]| {
        with_kept(|buffers: &mut Buffers| compute(work, &places, &inputs, buffers, chunk * CHUNK, out))
    })?;
    element::stored(work.dtype, y)
}

/// In which buffer each step leaves its result. A buffer is free again behind the last step that uses what is in it.
fn places(work: &ElementwiseWork) -> Vec<usize> {
    let steps = &work.formula.steps;
    let uses = |step: &ElementStep, i: usize| {
        step.operands().iter().any(|o| matches!(o, Operand::Step(s) if *s == i))
    };
    let mut places: Vec<usize> = Vec::with_capacity(steps.len());
    for number in 0..steps.len() {
        let in_use = |place: usize| {
            (0..number).any(|i| places[i] == place && steps[number..].iter().any(|step| uses(step, i)))
        };
        let free = (0..number).find(|&place| !in_use(place)).unwrap_or(number);
        places.push(free);
    }
    places
}

/// Elements `from..` of the output.
fn compute(
    work: &ElementwiseWork,
    places: &[usize],
    inputs: &[Cow<'_, [f32]>],
    Buffers { inputs: own, steps }: &mut Buffers,
    from: usize,
    out: &mut [f32],
) -> Result<()> {
    let count = out.len();
    let row = work.row();
    let in_a_row = from % row + count <= row;
    own.resize_with(inputs.len().max(own.len()), Vec::new);
    for (i, (input, own)) in inputs.iter().zip(&mut *own).enumerate() {
        if !in_a_row && matches!(work.access(i), Access::Along | Access::Across) {
            memory::resize(own, count, 0.0)?;
            gather(work, i, input, from, &mut own[..count]);
        }
    }
    let of_input = |i: usize| match work.access(i) {
        Access::Same => Values::Each(&inputs[i][from..from + count]),
        Access::One => Values::One(inputs[i][0]),
        _ if !in_a_row => Values::Each(&own[i][..count]),
        Access::Along => {
            Values::Each(&inputs[i][Rows::at(work, i, from / row).place + from % row..][..count])
        }
        Access::Across => Values::One(inputs[i][Rows::at(work, i, from / row).place]),
    };
    steps.resize_with(places.len().max(steps.len()), Vec::new);
    let Some((last, before)) = work.formula.steps.split_last() else { return Ok(()) };
    for (step, &place) in before.iter().zip(places) {
        let mut result = std::mem::take(&mut steps[place]);
        memory::resize(&mut result, count, 0.0)?;
        run(step, &of_input, steps, places, &mut result[..count]);
        steps[place] = result;
    }
    run(last, &of_input, steps, places, out);
    Ok(())
}

/// One step.
fn run<'a>(
    step: &ElementStep,
    of_input: &impl Fn(usize) -> Values<'a>,
    steps: &[Vec<f32>],
    places: &[usize],
    out: &mut [f32],
) {
    let count = out.len();
    let of = |operand: Operand| match operand {
        Operand::Input(i) => of_input(i),
        Operand::Step(i) => Values::Each(&steps[places[i]][..count]),
        Operand::Number(number) => Values::One(number),
    };
    let copy = |from: Values<'_>, to: &mut [f32]| match from {
        Values::Each(values) => to.copy_from_slice(values),
        Values::One(value) => to.fill(value),
    };
    match *step {
        ElementStep::Unary(function, a) => (function.function().host)(of(a), Values::One(0.0), out),
        ElementStep::Binary(function, a, b) => (function.function().host)(of(a), of(b), out),
        ElementStep::Select { condition, yes, no } => {
            copy(of(no), out);
            zip(
                of(condition),
                of(yes),
                out,
                #[inline(always)]
                |condition, yes, no| if condition != 0.0 { yes } else { no },
            );
        }
        ElementStep::Activation(activation, a) => {
            copy(of(a), out);
            let (kind, parameters) = ActivationKind::of(activation);
            (kind.function().host)(out, parameters);
        }
    }
}

/// The rows of the output in order, and where each begins in an input.
struct Rows<'a> {
    work: &'a ElementwiseWork,
    input: usize,
    at: [usize; MOST_AXES],
    place: usize,
}

impl<'a> Rows<'a> {
    fn at(work: &'a ElementwiseWork, input: usize, mut row: usize) -> Rows<'a> {
        let mut rows = Rows { work, input, at: [0; MOST_AXES], place: 0 };
        for (at, axis) in rows.at.iter_mut().zip(work.axes.iter().rev().skip(1)) {
            *at = row % axis.length;
            row /= axis.length;
            rows.place += *at * axis.strides[input];
        }
        rows
    }

    fn advance(&mut self) {
        for (at, axis) in self.at.iter_mut().zip(self.work.axes.iter().rev().skip(1)) {
            (*at, self.place) = (*at + 1, self.place + axis.strides[self.input]);
            if *at < axis.length {
                return;
            }
            (*at, self.place) = (0, self.place - axis.length * axis.strides[self.input]);
        }
    }
}

/// Elements of an input as the output has them from `from` on.
fn gather(work: &ElementwiseWork, input: usize, x: &[f32], from: usize, out: &mut [f32]) {
    let along = work.access(input) == Access::Along;
    let (row, mut rows, mut column) =
        (work.row(), Rows::at(work, input, from / work.row()), from % work.row());
    // A single row, again and again: what is there is copied, twice as much each time.
    if along && x.len() == row {
        let mut done = row.min(out.len());
        for (i, out) in out[..done].iter_mut().enumerate() {
            *out = x[(column + i) % row];
        }
        while done < out.len() {
            let more = done.min(out.len() - done);
            out.copy_within(..more, done);
            done += more;
        }
        return;
    }
    let mut rest = out;
    while !rest.is_empty() {
        let count = (row - column).min(rest.len());
        let (now, behind) = rest.split_at_mut(count);
        match along {
            true => now.copy_from_slice(&x[rows.place + column..][..now.len()]),
            false => now.fill(x[rows.place]),
        }
        rows.advance();
        (rest, column) = (behind, 0);
    }
}
