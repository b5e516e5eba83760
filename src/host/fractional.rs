//! Fractional max pooling.

use super::output::fill_two;
use crate::error::Result;
use crate::problem::FractionalWork;
use crate::tensor::Data;

pub(super) fn fractional(work: &FractionalWork, x: &[f32], samples: &[f32]) -> Result<Vec<Data>> {
    let pool = &work.pool;
    let [_, outputs_h, outputs_w] = work.axes.map(|a| a.output);
    // Chunks are rows of windows: of one channel where channels come first, else of all of them.
    let inner = pool.output.space[2];
    let row = outputs_w * inner;
    let rows = pool.output.n / row;
    let planes = pool.channels / inner;
    let (maxima, indices) = fill_two(pool.batch * pool.output.n, row, |i, out: &mut [f32], indices| {
        let (n, at) = (i / rows, i % rows);
        let (first, at) = (at / (rows / planes), at % (rows / planes));
        let (od, oh) = (at / outputs_h, at % outputs_h);
        for c in 0..inner {
            let channel = first + c;
            let plane = (n * pool.channels + channel) * work.samples;
            let [d, h, _] = work.starts([od, oh, 0], |i| samples[plane + i]);
            let sample = samples[plane + work.axes[2].sample];
            for ow in 0..outputs_w {
                let starts = [d, h, work.axes[2].start(ow, sample)];
                let (max, place) = maximum(work, x, n, channel, starts);
                out[ow * inner + c] = max;
                if let Some(numbering) = pool.indices {
                    // All indices fit 31 bits, as the problem has checked.
                    indices[ow * inner + c] = pool.index(numbering, n, channel, place) as i32;
                }
            }
        }
        Ok(())
    })?;
    let mut outputs = vec![Data::F32(maxima)];
    if pool.indices.is_some() {
        outputs.push(Data::I32(indices));
    }
    Ok(outputs)
}

/// The maximum of a window and its place: the first of equal ones, the last NaN if there is any.
fn maximum(work: &FractionalWork, x: &[f32], n: usize, c: usize, starts: [usize; 3]) -> (f32, [usize; 3]) {
    let strides = &work.pool.input;
    let [taps_d, taps_h, taps_w] = work.axes.map(|a| a.kernel);
    let [d, h, w] = starts;
    let (mut max, mut place) = (x[strides.at(n, c, starts)], starts);
    for d in d..d + taps_d {
        for h in h..h + taps_h {
            let row = &x[strides.at(n, c, [d, h, w])..];
            for (tap, &v) in row.iter().step_by(strides.space[2]).take(taps_w).enumerate() {
                if v > max || v.is_nan() {
                    (max, place) = (v, [d, h, w + tap]);
                }
            }
        }
    }
    (max, place)
}
