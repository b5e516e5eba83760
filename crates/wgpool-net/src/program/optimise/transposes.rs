//! Transpositions around convolutions in another layout, which meet behind the operations between them and vanish.

use std::sync::Arc;

use super::Fusion;
use crate::program::{Program, Source, Step};
use wgpool::error::{Error, Result};
use wgpool::host;
use wgpool::problem::Problem;
use wgpool::spec::{AsStrided, Concat, Op, Pad, Reduce, Softmax};
use wgpool::tensor::{DType, Tensor, TensorDesc};

/// What [`Fusion::rule`] calls them.
const RULE: &str = "transposition";

/// Lets transpositions go behind the operations that compute the same in any order of axes, where fewer bytes are then moved.
pub(super) fn cancelled(program: &mut Program) -> Result<()> {
    let mut moves: Vec<bool> = program.steps.iter().map(|step| order_of(step).is_some()).collect();
    if !moves.contains(&true) {
        return Ok(());
    }
    let trial = Pass::of(program, &moves)?;
    let mut fusions = Vec::new();
    for group in 0..moves.len() {
        let members: Vec<usize> =
            (0..moves.len()).filter(|&at| moves[at] && trial.group(at) == group).collect();
        let before: u64 = members.iter().map(|&at| bytes(&program.steps[at])).sum();
        let after: u64 =
            trial.moved.iter().filter(|&&(at, _)| trial.group(at) == group).map(|(_, b)| b).sum();
        let is_fewer = after < before;
        let events = || trial.events.iter().filter(|event| trial.group(event.of) == group);
        let mut said: Vec<&Event> = events().filter(|event| event.meets && is_fewer).collect();
        if said.is_empty() {
            said.extend(events().find(|event| !event.meets));
        }
        fusions.extend(said.into_iter().map(|event| Fusion {
            first: program.steps[event.of].name.clone(),
            second: event.name.clone(),
            rule: RULE,
            refused: (!is_fewer).then(|| "no fewer elements would be moved".to_owned()),
        }));
        if !is_fewer {
            members.into_iter().for_each(|at| moves[at] = false);
        }
    }
    program.fusions.append(&mut fusions);
    if moves.contains(&true) {
        let Pass { steps, results, .. } = Pass::of(program, &moves)?;
        (program.steps, program.results) = (steps, results);
    }
    Ok(())
}

/// The order of axes that a step is a transposition to; none if it moves nothing.
fn order_of(step: &Step) -> Option<Vec<usize>> {
    let (Some(Op::AsStrided(spec)), [input]) = (step.op(), step.input_descs()) else { return None };
    let rank = input.shape.len();
    if spec.shape.len() != rank || input.elements() == 0 {
        return None;
    }
    let natural: Vec<usize> = (0..rank).collect();
    let own = AsStrided::transpose(&input.shape, &natural).ok()?.strides;
    // Axes of one element have any stride, and may be any of them.
    let mut order = Vec::with_capacity(rank);
    for (&length, &stride) in spec.shape.iter().zip(&spec.strides) {
        let is_it = |&axis: &usize| {
            !order.contains(&axis) && input.shape[axis] == length && (length == 1 || own[axis] == stride)
        };
        let found = natural.iter().copied().find(is_it)?;
        order.push(found);
    }
    (spec.offset == 0 && !keeps_order(&input.shape, &order)).then_some(order)
}

/// Whether only axes of one element move: the elements stay where they are.
fn keeps_order(shape: &[usize], order: &[usize]) -> bool {
    order.iter().filter(|&&axis| shape[axis] != 1).is_sorted()
}

fn bytes(step: &Step) -> u64 {
    step.output_descs().iter().map(TensorDesc::buffer_size).sum()
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, &axis)| inverse[axis] = at);
    inverse
}

fn chosen<T: Clone>(list: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&axis| list[axis].clone()).collect()
}

/// An output of a step, as another value whose axes are read in an order.
#[derive(Clone)]
struct Held {
    source: Source,
    /// The shape of that value.
    shape: Vec<usize>,
    dtype: DType,
    /// Axis `k` is axis `order[k]` of it.
    order: Vec<usize>,
    /// The transposition that is still to be done.
    of: Option<usize>,
}

impl Held {
    fn plain(source: Source, desc: &TensorDesc) -> Held {
        let order = (0..desc.shape.len()).collect();
        Held { source, shape: desc.shape.clone(), dtype: desc.dtype, order, of: None }
    }

    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size()
    }

    fn is_pending(&self) -> bool {
        !keeps_order(&self.shape, &self.order)
    }

    /// The shape that is read.
    fn read(&self) -> Vec<usize> {
        chosen(&self.shape, &self.order)
    }
}

/// Numbers that are known, as they are read.
fn weight_in(weight: &Arc<Tensor>, held: &Held, is_pending: bool) -> Result<Source> {
    if !is_pending && weight.shape() == held.read() {
        return Ok(Source::Weight(weight.clone()));
    }
    let mut tensor = weight.as_ref().clone().reshaped(&held.shape)?;
    if is_pending {
        let op = Op::from(AsStrided::transpose(&held.shape, &held.order)?);
        tensor = host::run(&op, &[&tensor])?.pop().unwrap_or(tensor);
    }
    Ok(Source::Weight(Arc::new(tensor.reshaped(&held.read())?)))
}

/// Where a transposition met another, or had to be done.
struct Event {
    of: usize,
    meets: bool,
    name: String,
}

/// The steps of a program, without those transpositions that move.
struct Pass<'a> {
    program: &'a Program,
    steps: Vec<Step>,
    results: Vec<Source>,
    /// What became of each step's outputs.
    held: Vec<Vec<Held>>,
    /// Transpositions that are done or not done together: each points towards the first of them.
    groups: Vec<usize>,
    /// Bytes that are moved for the sake of a transposition.
    moved: Vec<(usize, u64)>,
    events: Vec<Event>,
    /// What was transposed already, from what in which order.
    transposed: Vec<(Held, Source)>,
}

impl<'a> Pass<'a> {
    fn of(program: &'a Program, moves: &[bool]) -> Result<Pass<'a>> {
        let mut pass = Pass {
            program,
            steps: Vec::with_capacity(program.steps.len()),
            results: Vec::with_capacity(program.results.len()),
            held: Vec::with_capacity(program.steps.len()),
            groups: (0..program.steps.len()).collect(),
            moved: Vec::new(),
            events: Vec::new(),
            transposed: Vec::new(),
        };
        for (at, step) in program.steps.iter().enumerate() {
            let held = match order_of(step).filter(|_| moves[at]) {
                Some(order) => vec![pass.transposition(at, step, &order)?],
                None => pass.step(step)?,
            };
            pass.held.push(held);
        }
        for (source, port) in program.results.iter().zip(&program.outputs) {
            let held = pass.read(source, &port.desc, &port.name)?;
            let of = held.of;
            let mut source = pass.done(held, &port.name)?;
            // Each output has memory of its own, which a step writes.
            if !matches!(source, Source::Step { .. }) || pass.results.contains(&source) {
                let held = Held::plain(source, &port.desc);
                source = pass.copied(&held, &port.name, of)?;
            }
            pass.results.push(source);
        }
        Ok(pass)
    }

    fn group(&self, mut at: usize) -> usize {
        while self.groups[at] != at {
            at = self.groups[at];
        }
        at
    }

    fn together(&mut self, a: Option<usize>, b: Option<usize>) -> Option<usize> {
        if let (Some(a), Some(b)) = (a, b) {
            let (a, b) = (self.group(a), self.group(b));
            self.groups[a.max(b)] = a.min(b);
        }
        a.or(b)
    }

    /// What a step reads. It is transposed where it is read in another shape than it was made in.
    fn read(&mut self, source: &Source, desc: &TensorDesc, reader: &str) -> Result<Held> {
        let Source::Step { step, output } = source else { return Ok(Held::plain(source.clone(), desc)) };
        let made = self.held.get(*step).and_then(|outputs| outputs.get(*output)).cloned();
        let rule = "it must be an output of a step before";
        let held = made.ok_or_else(|| Error::parameter("program", "source", source, rule))?;
        match held.read() == desc.shape {
            true => Ok(held),
            false => Ok(Held::plain(self.done(held, reader)?, desc)),
        }
    }

    /// A value whose axes are in the order in which they are read.
    fn done(&mut self, held: Held, reader: &str) -> Result<Source> {
        let is_pending = held.is_pending();
        if let (Some(of), true) = (held.of, is_pending) {
            self.events.push(Event { of, meets: false, name: reader.to_owned() });
        }
        if let Source::Weight(weight) = &held.source {
            return weight_in(weight, &held, is_pending);
        }
        if !is_pending {
            return Ok(held.source);
        }
        let is_same = |there: &Held| {
            there.source == held.source && there.shape == held.shape && there.order == held.order
        };
        if let Some((there, source)) = self.transposed.iter().find(|(there, _)| is_same(there)) {
            let (of, source) = (there.of, source.clone());
            self.together(of, held.of);
            return Ok(source);
        }
        let name = held.of.map_or(reader, |of| &self.program.steps[of].name).to_owned();
        let source = self.copied(&held, &name, held.of)?;
        self.transposed.push((held, source.clone()));
        Ok(source)
    }

    /// Adds the step that transposes.
    fn copied(&mut self, held: &Held, name: &str, of: Option<usize>) -> Result<Source> {
        let op = Op::from(AsStrided::transpose(&held.shape, &held.order)?);
        let problem = Problem::new(&op, &[TensorDesc { shape: held.shape.clone(), dtype: held.dtype }])?;
        self.steps.push(Step::new(name, op, vec![held.source.clone()], problem));
        if let Some(of) = of {
            self.moved.push((of, held.bytes() as u64));
        }
        Ok(Source::step(self.steps.len() - 1))
    }

    /// A transposition of the step's input that is not done yet.
    fn transposition(&mut self, at: usize, step: &Step, order: &[usize]) -> Result<Held> {
        let held = self.read(&step.inputs[0], &step.input_descs()[0], &step.name)?;
        if let Some(of) = held.of {
            self.events.push(Event { of, meets: true, name: step.name.clone() });
            self.together(Some(of), Some(at));
        }
        Ok(Held { order: chosen(&held.order, order), of: Some(at), ..held })
    }

    fn step(&mut self, step: &Step) -> Result<Vec<Held>> {
        let mut inputs = Vec::with_capacity(step.inputs.len());
        for (source, desc) in step.inputs.iter().zip(step.input_descs()) {
            inputs.push(self.read(source, desc, &step.name)?);
        }
        if let Some(held) = self.before_transposition(step, &inputs)? {
            return Ok(vec![held]);
        }
        let mut sources = Vec::with_capacity(inputs.len());
        for input in inputs {
            sources.push(self.done(input, &step.name)?);
        }
        self.steps.push(Step { inputs: sources, ..step.clone() });
        let made = self.steps.len() - 1;
        let outputs = step.output_descs().iter().enumerate();
        Ok(outputs.map(|(output, desc)| Held::plain(Source::Step { step: made, output }, desc)).collect())
    }

    /// The step on what its inputs are before they are transposed, and the transposition of its output; none if it is about axes
    /// in their order, or more would be transposed the other way.
    fn before_transposition(&mut self, step: &Step, inputs: &[Held]) -> Result<Option<Held>> {
        let rank = inputs.iter().map(|input| input.shape.len()).max().unwrap_or(0);
        let is_whole = |input: &&Held| input.is_pending() && input.shape.len() == rank;
        let Some(most) = inputs.iter().filter(is_whole).max_by_key(|input| input.bytes()) else {
            return Ok(None);
        };
        let order = most.order.clone();
        let Some((op, out)) = step.op().and_then(|op| of_axes(op, &order)) else { return Ok(None) };
        let back = inverse(&order);
        // Each input in that order: axes that broadcasting adds are of one element.
        let laid = |input: &Held| {
            let added = rank - input.shape.len();
            let shape = [vec![1; added], input.shape.clone()].concat();
            let read: Vec<usize> = (0..added).chain(input.order.iter().map(|axis| axis + added)).collect();
            Held { shape, order: chosen(&read, &back), ..input.clone() }
        };
        let laid: Vec<Held> = inputs.iter().map(laid).collect();
        let runs = |input: &&Held| !matches!(input.source, Source::Weight(_));
        let other: usize = laid.iter().filter(runs).filter(|i| i.is_pending()).map(Held::bytes).sum();
        let own: usize = inputs.iter().filter(runs).filter(|i| i.is_pending()).map(Held::bytes).sum();
        let descs: Vec<TensorDesc> =
            (laid.iter()).map(|input| TensorDesc { shape: input.read(), dtype: input.dtype }).collect();
        let (Ok(problem), true) = (Problem::new(&op, &descs), other <= own) else { return Ok(None) };
        let ([made], [read]) = (problem.outputs.as_slice(), step.output_descs()) else {
            return Ok(None);
        };
        if made.dtype != read.dtype || chosen(&made.shape, &out) != read.shape {
            return Ok(None);
        }
        let shape = made.shape.clone();
        let (mut of, mut sources) = (None, Vec::with_capacity(laid.len()));
        for input in inputs {
            of = self.together(of, input.of.filter(|_| input.is_pending()));
        }
        for input in laid {
            let of = of.filter(|_| runs(&&input));
            sources.push(self.done(Held { of, ..input }, &step.name)?);
        }
        self.steps.push(Step::new(&step.name, op, sources, problem));
        let source = Source::step(self.steps.len() - 1);
        Ok(Some(Held { source, shape, dtype: read.dtype, order: out, of }))
    }
}

/// The operation on inputs whose axis `order[k]` is its axis `k`, and where each axis of its output then is.
fn of_axes(op: &Op, order: &[usize]) -> Option<(Op, Vec<usize>)> {
    let rank = order.len();
    let moved = |axis: isize| -> Option<isize> {
        let axis = if axis < 0 { axis.checked_add_unsigned(rank)? } else { axis };
        Some(*order.get(usize::try_from(axis).ok()?)? as isize)
    };
    let back = inverse(order);
    let at_axes = |list: &[isize]| (list.len() == rank).then(|| chosen(list, &back));
    let op = match op {
        Op::Elementwise(_) | Op::Activation(_) => op.clone(),
        Op::Concat(spec) => Op::from(Concat { axis: moved(spec.axis)? }),
        Op::Softmax(spec) => Op::from(Softmax { axis: moved(spec.axis)? }),
        Op::Pad(Pad { before, after, mode }) => {
            Op::from(Pad { before: at_axes(before)?, after: at_axes(after)?, mode: *mode })
        }
        Op::Resize(spec) => {
            let mut spec = spec.clone();
            spec.shape = (spec.shape.len() == rank).then(|| chosen(&spec.shape, &back))?;
            spec.scales = match spec.scales {
                Some(scales) if scales.len() != rank => return None,
                scales => scales.map(|scales| chosen(&scales, &back)),
            };
            Op::from(spec)
        }
        Op::Reduce(spec) => {
            let axes: Vec<isize> = spec.axes.iter().map(|&axis| moved(axis)).collect::<Option<_>>()?;
            let left: Vec<usize> = (order.iter().copied())
                .filter(|&axis| spec.keepdims || !axes.contains(&(axis as isize)))
                .collect();
            let place = |axis: &usize| left.iter().filter(|other| *other < axis).count();
            let out = left.iter().map(place).collect();
            return Some((Op::from(Reduce { axes, ..spec.clone() }), out));
        }
        _ => return None,
    };
    Some((op, order.to_vec()))
}
