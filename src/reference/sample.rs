//! A random sample of an output, where all of it would take too long.

use super::conv::Unfinite;
use super::{Exact, Mismatch, conv, pool, to_f64, tolerance};
use crate::error::{Error, Result};
use crate::geometry::{MAX_SPATIAL, Strides};
use crate::memory::room;
use crate::problem::{ConvPoolWork, ConvWork, Epilogue, PoolWork, Problem, Work};
use crate::spec::PoolKind;
use crate::tensor::{Tensor, TensorDesc};

/// Compares `count` elements of an implementation's first output, drawn by `seed`, with the reference; each may be
/// drawn twice. The positions in a [`Mismatch`] are those of the whole output.
///
/// Pooling, convolution and both together can be sampled; nothing of any other problem, nor of positions of maxima.
///
/// # Errors
/// If `inputs` are not what the problem was made for, or `got` has another shape or type.
///
/// ```
/// use wgpool::{Pool, Problem, Tensor, reference};
/// let x = Tensor::from_f32(&[1, 1, 4], vec![1., 2., 3., 4.])?;
/// let problem = Problem::new(&Pool::max([2]).into(), &[x.desc()])?;
/// let right = Tensor::from_f32(&[1, 1, 2], vec![2., 4.])?;
/// assert_eq!(reference::compare_sample(&problem, &[&x], &right, 10, 1)?, Some(None));
/// let wrong = Tensor::from_f32(&[1, 1, 2], vec![2., 3.])?;
/// assert!(matches!(reference::compare_sample(&problem, &[&x], &wrong, 10, 1)?, Some(Some(_))));
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn compare_sample(
    problem: &Problem,
    inputs: &[&Tensor],
    got: &Tensor,
    count: usize,
    seed: u64,
) -> Result<Option<Option<Mismatch>>> {
    problem.check(inputs)?;
    if !can_sample(problem) {
        return Ok(None);
    }
    let [desc] = problem.outputs.as_slice() else { return Ok(None) };
    tolerance::check_desc(desc, got)?;
    let x = inputs.iter().map(|t| to_f64(t)).collect::<Result<Vec<_>>>()?;
    let elements: Box<dyn Fn(Place) -> One> = match (&problem.work, x.as_slice()) {
        (Work::Pool(work), [x]) => Box::new(|at| pooled(work, x, at)),
        (Work::Conv(work), [x, w, rest @ ..]) => {
            let epilogue = Epilogue::of(work, rest);
            let unfinite = Unfinite::of(work, w)?;
            Box::new(move |at| convolved(work, [x, w], epilogue, &unfinite, at))
        }
        (Work::ConvPool(work), [x, w, rest @ ..]) => {
            let epilogue = Epilogue::of(&work.conv, rest);
            let unfinite = Unfinite::of(&work.conv, w)?;
            Box::new(move |at| both(work, [x, w], epilogue, &unfinite, at))
        }
        _ => return Ok(None),
    };
    let space = Space::of(&problem.work)?;
    let mut random = Random(seed);
    let count = if desc.elements() == 0 { 0 } else { count };
    let (mut values, mut bound, mut drawn) = (room(count)?, room(count)?, room(count)?);
    let (mut positions, mut or_nan, mut signed_zero) = (room(count)?, room(count)?, room(count)?);
    for _ in 0..count {
        let place = space.draw(&mut random);
        let at = space.strides.at(place.n, place.c, place.space);
        let one = elements(place);
        values.push(one.value);
        bound.push(one.bound);
        or_nan.push(one.or_nan);
        signed_zero.push(one.signed_zero);
        positions.push(at);
        drawn.push(got.data().get(at).unwrap_or(f64::NAN));
    }
    let desc = TensorDesc { shape: vec![count], dtype: desc.dtype };
    let mut exact = Exact { desc, values, bound, or_nan, signed_zero };
    tolerance::add_store_rounding(&mut exact);
    let worst = tolerance::worst(&exact, |i| drawn.get(i).copied().unwrap_or(f64::NAN));
    let named = |m: Mismatch| Mismatch { at: positions.get(m.at).copied().unwrap_or(m.at), ..m };
    Ok(Some(worst.map(named)))
}

/// Whether [`compare_sample`] knows how.
pub fn can_sample(problem: &Problem) -> bool {
    let work = matches!(problem.work, Work::Pool(_) | Work::Conv(_) | Work::ConvPool(_));
    work && problem.outputs.len() == 1
}

/// An element of an output.
#[derive(Clone, Copy)]
struct Place {
    n: usize,
    c: usize,
    space: [usize; MAX_SPATIAL],
}

/// Where the elements of an output lie.
struct Space {
    batch: usize,
    channels: usize,
    lengths: [usize; MAX_SPATIAL],
    strides: Strides,
}

impl Space {
    fn of(work: &Work) -> Result<Space> {
        let (batch, channels, axes, strides) = match work {
            Work::Pool(w) => (w.batch, w.channels, w.axes, w.output),
            Work::ConvPool(w) => (w.pool.batch, w.pool.channels, w.pool.axes, w.pool.output),
            Work::Conv(w) => (w.batch, w.out_channels(), w.axes, w.output),
            _ => return Err(Error::arity("comparison", "pooling or convolution", 0)),
        };
        Ok(Space { batch, channels, lengths: axes.map(|a| a.output), strides })
    }

    fn draw(&self, random: &mut Random) -> Place {
        let (n, c) = (random.below(self.batch), random.below(self.channels));
        Place { n, c, space: self.lengths.map(|length| random.below(length)) }
    }
}

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * end as u128) >> 64) as usize
    }
}

/// What the reference says of one element: see [`Exact`].
struct One {
    value: f64,
    bound: f64,
    or_nan: bool,
    signed_zero: bool,
}

fn pooled(work: &PoolWork, x: &[f64], Place { n, c, space }: Place) -> One {
    let element = pool::element(work, |&p| x[work.input.at(n, c, p)], space);
    One { value: element.value, bound: element.bound, or_nan: false, signed_zero: element.signed_zero }
}

fn convolved(
    work: &ConvWork,
    xw: [&[f64]; 2],
    epilogue: Epilogue<f64>,
    unfinite: &Unfinite,
    at: Place,
) -> One {
    let (value, bound) = conv::element(work, xw, epilogue, (at.n, at.c), at.space);
    One { value, bound, or_nan: unfinite.meets_padding(work, at.c, at.space), signed_zero: false }
}

/// Pooling of the convolution's elements, and of their bounds as the whole reference carries them.
fn both(
    work: &ConvPoolWork,
    xw: [&[f64]; 2],
    epilogue: Epilogue<f64>,
    unfinite: &Unfinite,
    at: Place,
) -> One {
    let stored = |&space: &[usize; MAX_SPATIAL]| {
        let one = convolved(&work.conv, xw, epilogue, unfinite, Place { space, ..at });
        let desc = TensorDesc { shape: vec![1], dtype: work.between.dtype };
        let mut exact = Exact::of(desc, vec![one.value], vec![one.bound]);
        tolerance::add_store_rounding(&mut exact);
        One { bound: exact.bound.first().copied().unwrap_or(0.0), ..one }
    };
    let element = pool::element(&work.pool, |p| stored(p).value, at.space);
    let carried = pool::element(&work.pool, |p| stored(p).bound, at.space);
    let flags = PoolWork { kind: PoolKind::Max, ..work.pool };
    let any = || pool::element(&flags, |p| f64::from(u8::from(stored(p).or_nan)), at.space).value > 0.0;
    One {
        value: element.value,
        bound: element.bound + carried.value.max(0.0),
        or_nan: !unfinite.is_empty() && any(),
        signed_zero: false,
    }
}
