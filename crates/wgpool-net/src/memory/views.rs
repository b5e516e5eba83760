//! Values that are parts of others, so that nothing is copied: pieces of a `Concat` that lie one behind the other are
//! written where they belong, and a slice whose elements are neighbours is read where it is.

use super::super::program::{Program, Source, Step};
use wgpool::spec::{AsStrided, Concat, Op};
use wgpool::tensor::TensorDesc;

/// What every device lets bindings begin at multiples of, in bytes: the most that `min_storage_buffer_offset_alignment` may be.
pub(super) const ALIGNMENT: u64 = 256;
/// Steps squared times operations that may go, of programs in which they are looked for: it takes as long.
const MOST: usize = 1 << 28;

/// Which outputs of steps are parts of other values.
#[derive(Clone, Debug)]
pub(super) struct Views {
    /// Of each output of each step the value that it is a part of, and the byte that it begins at.
    wholes: Vec<Vec<Option<(Source, u64)>>>,
    /// Which steps are not there: what they would make is there without them.
    gone: Vec<bool>,
}

impl Views {
    /// None at all.
    pub fn none(program: &Program) -> Views {
        let wholes = program.steps.iter().map(|step| vec![None; step.output_descs().len()]).collect();
        Views { wholes, gone: vec![false; program.steps.len()] }
    }

    /// Finds those that no kernel is in the way of and that `pays`, which is asked about what there is with one more.
    pub fn find(program: &Program, mut pays: impl FnMut(&Views) -> bool) {
        let mut views = Views::none(program);
        let moves = |step: &Step| matches!(step.op(), Some(Op::Concat(_) | Op::AsStrided(_)));
        let count = program.steps.iter().filter(|step| moves(step)).count();
        if count.saturating_mul(program.steps.len().saturating_pow(2)) > MOST {
            return;
        }
        // From the last on: where a concatenation lies inside another is known before where its own pieces lie.
        for (at, step) in program.steps.iter().enumerate().rev() {
            let more = views.with(program, at, step).filter(|more| more.can_be_bound(program));
            if let Some(more) = more.filter(&mut pays) {
                views = more;
            }
        }
    }

    /// The value that a source is a part of, or itself, and the byte of it that the source begins at.
    pub fn whole<'a>(&'a self, mut source: &'a Source) -> (&'a Source, u64) {
        let mut offset = 0;
        while let Some((whole, at)) = self.part(source) {
            source = whole;
            offset += at;
        }
        (source, offset)
    }

    /// Whether a step is not there.
    pub fn is_gone(&self, step: usize) -> bool {
        self.gone.get(step).copied().unwrap_or(false)
    }

    fn part(&self, source: &Source) -> Option<&(Source, u64)> {
        let Source::Step { step, output } = source else { return None };
        self.wholes.get(*step)?.get(*output)?.as_ref()
    }

    /// Makes one value part of another; none if it is part of one at another place, or the program gives it back, so that it
    /// has a buffer of its own.
    fn place(&mut self, program: &Program, part: &Source, whole: &Source, offset: u64) -> Option<()> {
        if self.part(part).is_some() {
            let (root, at) = self.whole(whole);
            return (self.whole(part) == (root, at + offset)).then_some(());
        }
        let Source::Step { step, output } = part else { return None };
        if program.results.contains(part) || !offset.is_multiple_of(ALIGNMENT) {
            return None;
        }
        *self.wholes.get_mut(*step)?.get_mut(*output)? = Some((whole.clone(), offset));
        Some(())
    }

    /// With a step gone, if it is one that moves tensors as wholes.
    fn with(&self, program: &Program, at: usize, step: &Step) -> Option<Views> {
        let [output] = step.output_descs() else { return None };
        // What has no elements takes a word all the same.
        if step.input_descs().iter().any(|desc| desc.bytes() == 0) {
            return None;
        }
        let mut views = self.clone();
        *views.gone.get_mut(at)? = true;
        match step.op()? {
            Op::Concat(concat) if is_outermost(concat, output) => {
                let pieces: Vec<(&Source, u64)> = offsets(step).collect();
                let own = Source::step(at);
                match self.in_one(&pieces) {
                    Some((whole, offset)) if self.part(&own).is_none() => {
                        views.place(program, &own, whole, offset)?;
                    }
                    _ => {
                        for (piece, offset) in pieces {
                            views.place(program, piece, &own, offset)?;
                        }
                    }
                }
            }
            Op::AsStrided(copy) if are_neighbours(copy) => {
                let source = step.inputs.first().filter(|source| !matches!(source, Source::Weight(_)))?;
                views.place(
                    program,
                    &Source::step(at),
                    source,
                    (copy.offset * output.dtype.size()) as u64,
                )?;
            }
            _ => return None,
        }
        Some(views)
    }

    /// Where pieces lie one behind the other already, as those of a concatenation that lie in a longer one too.
    fn in_one<'a>(&'a self, pieces: &[(&'a Source, u64)]) -> Option<(&'a Source, u64)> {
        let first = pieces.first().map(|(piece, _)| self.whole(piece))?;
        let mut all = pieces.iter();
        let follows = |&(piece, offset): &(&Source, u64)| {
            self.part(piece).is_some() && self.whole(piece) == (first.0, first.1 + offset)
        };
        all.all(follows).then_some(first)
    }

    /// Whether no step would write a buffer that it binds for another value too.
    fn can_be_bound(&self, program: &Program) -> bool {
        let steps = program.steps.iter().enumerate().filter(|&(at, _)| !self.is_gone(at));
        steps.into_iter().all(|(at, step)| {
            let outputs: Vec<Source> =
                (0..step.output_descs().len()).map(|output| Source::Step { step: at, output }).collect();
            let written: Vec<&Source> = outputs.iter().map(|output| self.whole(output).0).collect();
            let is_read = |whole: &&Source| step.inputs.iter().any(|input| self.whole(input).0 == *whole);
            let again = |i: usize, whole: &Source| written.iter().take(i).any(|before| *before == whole);
            !written.iter().enumerate().any(|(i, whole)| is_read(whole) || again(i, whole))
        })
    }
}

/// Whether nothing is outside of the axis, so that pieces lie one behind the other.
fn is_outermost(concat: &Concat, output: &TensorDesc) -> bool {
    let rank = output.shape.len();
    let axis = usize::try_from(concat.axis).ok().or_else(|| rank.checked_add_signed(concat.axis));
    axis.is_some_and(|axis| output.shape.iter().take(axis).all(|&length| length == 1))
}

/// The inputs of a concatenation with the byte that each begins at.
fn offsets(step: &Step) -> impl Iterator<Item = (&Source, u64)> {
    let mut next = 0;
    step.inputs.iter().zip(step.input_descs()).map(move |(source, desc)| {
        let at = next;
        next += desc.bytes() as u64;
        (source, at)
    })
}

/// Whether what is copied lies in its own order already, without gaps.
fn are_neighbours(copy: &AsStrided) -> bool {
    let mut expected = 1;
    let mut axes = copy.shape.iter().zip(&copy.strides).rev();
    let all = axes.all(|(&length, &stride)| {
        let follows = length == 1 || stride == expected;
        expected *= length as isize;
        follows
    });
    all && expected > 0
}
