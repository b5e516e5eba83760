//! Interpolation: rows of the input are blended, and along the last axis elements of these.

use super::element;
use super::output::{WORTH_SHARING, try_fill};
use crate::error::Result;
use crate::memory;
use crate::problem::{ResizeAxis, ResizeWork, Taps};
use crate::tensor::{Data, Tensor};

pub(super) fn resize(work: &ResizeWork, x: &Tensor) -> Result<Vec<Data>> {
    let x = &element::floats(x)?[..];
    let Some((last, outer)) = work.axes.split_last() else { return Ok(Vec::new()) };
    let table = |axis: &ResizeAxis| -> Result<Vec<Taps>> {
        memory::collected((0..if axis.changed { axis.length } else { 0 }).map(|i| axis.taps(work.mode, i)))
    };
    let outer = outer.iter().map(|axis| Ok((axis, table(axis)?))).collect::<Result<Vec<_>>>()?;
    let columns = table(last)?;
    let rows = outer.iter().map(|(axis, _)| axis.length).product::<usize>();
    let elements = rows * last.length;
    let batch = WORTH_SHARING.div_ceil(8 * last.length.max(last.input));
    let y = try_fill(elements, last.length, batch, |row, out: &mut [f32]| {
        // Where the rows lie that this one is made of, each with its weight.
        let (mut rest, mut taps) = (row, vec![(0, 1.0)]);
        for (axis, table) in outer.iter().rev() {
            let i = rest % axis.length;
            rest /= axis.length;
            match table.get(i) {
                None => taps.iter_mut().for_each(|(at, _)| *at += i * axis.stride),
                Some(along) => {
                    let with = |&(at, weight): &(usize, f64)| {
                        along.each().iter().map(move |(i, w)| (at + i * axis.stride, weight * w))
                    };
                    taps = taps.iter().flat_map(with).collect();
                }
            }
        }
        if let [(at, _)] = taps[..] {
            across(out, &x[at..][..last.input], &columns);
            return Ok(());
        }
        let mut blended = memory::filled(0f64, last.input)?;
        for (at, weight) in taps {
            blend(&mut blended, &x[at..][..last.input], weight);
        }
        across(out, &blended, &columns);
        Ok(())
    })?;
    Ok(vec![element::stored(work.dtype, y)?])
}

fn blend(sums: &mut [f64], x: &[f32], weight: f64) {
    wide!(|_| {
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum += weight * f64::from(x);
        }
    });
}

/// Elements of a row, by the taps of each if they lie elsewhere.
fn across<T: Copy + Into<f64>>(out: &mut [f32], row: &[T], columns: &[Taps]) {
    if columns.is_empty() {
        out.iter_mut().zip(row).for_each(|(out, &x)| *out = x.into() as f32);
        return;
    }
    for (out, taps) in out.iter_mut().zip(columns) {
        *out = match taps.each() {
            [(at, _)] => row[*at].into() as f32,
            taps => taps.iter().map(|&(at, weight)| weight * row[at].into()).sum::<f64>() as f32,
        };
    }
}
