//! In which buffer each value lies.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::program::{Lifetime, Program, Source, Step, lifetimes};
use super::views::{ALIGNMENT, Views};

/// Bytes that are kept free for a value beside others: kernels that read in pages read as many at least.
const LEAST: u64 = 1 << 16;

/// A buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Home {
    Input(usize),
    Output(usize),
    Scratch(usize),
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Spot {
    pub home: Home,
    /// The byte that it begins at.
    pub offset: u64,
}

impl Home {
    fn at(self, offset: u64) -> Spot {
        Spot { home: self, offset }
    }
}

/// Where all values lie. WebGPU refuses a dispatch that reads and writes one buffer, so that no step does.
#[derive(Clone, Debug)]
pub(in super::super) struct Homes {
    /// Of each output of each step that is no part of another.
    steps: Vec<Vec<Spot>>,
    views: Views,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
}

impl Homes {
    /// Values are parts of others where memory does not grow by it.
    pub fn new(program: &Program) -> Homes {
        let lifetimes = lifetimes(program);
        let mut homes = Homes::with(program, &lifetimes, Views::none(program));
        Views::find(program, |views| {
            let more = Homes::with(program, &lifetimes, views.clone());
            let pays = more.bytes() <= homes.bytes();
            if pays {
                homes = more;
            }
            pays
        });
        homes
    }

    /// Large values choose first; each takes the smallest buffer that has room as long as it is there.
    fn with(program: &Program, lifetimes: &[Vec<Lifetime>], views: Views) -> Homes {
        let outputs = |step: &Step| vec![Home::Output(0).at(0); step.output_descs().len()];
        let steps = program.steps.iter().map(outputs).collect();
        let mut homes = Homes { steps, views, scratch: Vec::new() };
        for (i, result) in program.results.iter().enumerate() {
            homes.set(result, Home::Output(i).at(0));
        }
        let values = values(program, lifetimes, &homes.views);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by_key(|&at| values.get(at).map(|value| Reverse(value.used.bytes)));
        let mut buffers: Vec<Buffer> = Vec::new();
        for (at, value) in order.into_iter().filter_map(|at| Some((at, values.get(at)?))) {
            let room =
                buffers.iter().enumerate().rev().find_map(|(i, buffer)| Some((i, buffer.room(value)?)));
            let (i, offset) = room.unwrap_or((buffers.len(), 0));
            if i == buffers.len() {
                buffers.push(Buffer { bytes: value.used.bytes, ..Buffer::default() });
            }
            if let Some(buffer) = buffers.get_mut(i) {
                buffer.hold(at, offset, value.used);
            }
            homes.set(&value.source, Home::Scratch(i).at(offset));
        }
        homes.scratch = buffers.iter().map(|buffer| buffer.bytes).collect();
        homes
    }

    fn set(&mut self, source: &Source, spot: Spot) {
        if let Source::Step { step, output } = source
            && let Some(place) = self.steps.get_mut(*step).and_then(|outputs| outputs.get_mut(*output))
        {
            *place = spot;
        }
    }

    /// Bytes of all scratch buffers.
    pub fn bytes(&self) -> u64 {
        self.scratch.iter().sum()
    }

    /// Whether a step is nothing to do: what it would move is where it belongs.
    pub fn is_in_place(&self, step: usize) -> bool {
        self.views.is_gone(step)
    }

    /// Where a value lies that is no weight.
    pub fn of(&self, source: &Source) -> Option<Spot> {
        let (whole, offset) = self.views.whole(source);
        let whole = match whole {
            Source::Input(input) => Home::Input(*input).at(0),
            Source::Step { step, output } => *self.steps.get(*step)?.get(*output)?,
            Source::Weight(_) => return None,
        };
        Some(whole.home.at(whole.offset + offset))
    }

    /// Where the outputs of a step lie.
    pub fn outputs(&self, step: usize) -> Vec<Spot> {
        let count = self.steps.get(step).map_or(0, Vec::len);
        (0..count).filter_map(|output| self.of(&Source::Step { step, output })).collect()
    }
}

/// A value between the steps that is no part of another.
struct Value {
    source: Source,
    /// From when its first part is made until its last is read.
    used: Lifetime,
    /// Values that some step binds too, where it writes one of both.
    apart: BTreeSet<usize>,
}

fn values(program: &Program, lifetimes: &[Vec<Lifetime>], views: &Views) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut numbers: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for lifetime in lifetimes.iter().flatten() {
        let part = Source::Step { step: lifetime.step, output: lifetime.output };
        let (source, _) = views.whole(&part);
        let Source::Step { step, output } = *source else { continue };
        let whole = lifetimes.get(step).and_then(|outputs| outputs.get(output));
        let Some(whole) = whole.filter(|whole| !whole.is_result) else { continue };
        let number = *numbers.entry((step, output)).or_insert(values.len());
        if number == values.len() {
            values.push(Value { source: source.clone(), used: *whole, apart: BTreeSet::new() });
        }
        if let Some(Value { used, .. }) = values.get_mut(number) {
            used.step = used.step.min(lifetime.step);
            used.last = used.last.max(lifetime.last);
        }
    }
    let number = |source: &Source| match views.whole(source).0 {
        Source::Step { step, output } => numbers.get(&(*step, *output)).copied(),
        _ => None,
    };
    for (at, step) in program.steps.iter().enumerate().filter(|&(at, _)| !views.is_gone(at)) {
        let outputs = (0..step.output_descs().len()).map(|output| Source::Step { step: at, output });
        let written: Vec<usize> = outputs.filter_map(|output| number(&output)).collect();
        let bound: Vec<usize> =
            step.inputs.iter().filter_map(number).chain(written.iter().copied()).collect();
        for (&one, &other) in written.iter().flat_map(|one| bound.iter().map(move |other| (one, other))) {
            for (value, apart) in [(one, other), (other, one)] {
                values.get_mut(value).map(|value| value.apart.insert(apart));
            }
        }
    }
    values
}

/// A scratch buffer.
#[derive(Default)]
struct Buffer {
    bytes: u64,
    /// What lies in it, by the step that makes it and the value's number: where, and until which step.
    held: BTreeMap<(usize, usize), (u64, Lifetime)>,
    /// Over how many steps the longest of them is there.
    longest: usize,
}

impl Buffer {
    fn hold(&mut self, value: usize, offset: u64, used: Lifetime) {
        self.longest = self.longest.max(used.last - used.step);
        self.held.insert((used.step, value), (offset, used));
    }

    /// The first byte from which on nothing else is there as long as a value is.
    fn room(&self, value: &Value) -> Option<u64> {
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let first = value.used.step.saturating_sub(self.longest);
        for (&(_, other), (offset, used)) in self.held.range((first, 0)..=(value.used.last, usize::MAX)) {
            if value.used.step <= used.last {
                if value.apart.contains(&other) {
                    return None;
                }
                taken.push((*offset, *offset + used.bytes));
            }
        }
        taken.sort_unstable();
        let mut from = 0;
        for (begin, end) in taken {
            if from + LEAST.max(value.used.bytes) <= begin {
                break;
            }
            from = from.max(end.next_multiple_of(ALIGNMENT));
        }
        let needed = if from == 0 { value.used.bytes } else { LEAST.max(value.used.bytes) };
        (from + needed <= self.bytes).then_some(from)
    }
}
