//! How well the network reads, and how closely the numbers agree with Keras and with the reference.

use std::io::Write;

use wgpool::{Backend, Result};
use wgpool_net::Model;

use super::super::backends::{Kind, Opened, kind};
use super::super::terminal::{grouped, line, progress};
use super::data::Digits;
use crate::batches;

/// Digits that are computed together.
const BATCH: usize = 100;

/// Classifies every digit and prints what came out.
pub fn show(opened: &Opened, model: &Model, digits: &Digits, out: &mut dyn Write) -> Result<()> {
    let count = digits.labels.len();
    let compute = |backend: &Backend, what: &str| -> Result<Vec<f32>> {
        let bar = progress(count, what);
        let result =
            batches::run(backend, model, &digits.images, BATCH, |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        Ok(result?.as_f32()?.to_vec())
    };
    let ours = compute(&opened.backend, "digits")?;
    let classes = classes(&ours);
    let right = agreement(&classes, &digits.labels);
    let same = agreement(&classes, &self::classes(&digits.probabilities));
    let (right_text, same, count_text) = (grouped(right as u64), grouped(same as u64), grouped(count as u64));
    let accuracy = right as f64 / count as f64;
    line(out, format_args!("  read correctly                 {accuracy:.3} ({right_text} of {count_text})"))?;
    line(out, format_args!("  same class as Keras            {same} of {count_text}"))?;
    line(out, "  probabilities differ at most")?;
    let far = largest_difference(&ours, &digits.probabilities);
    line(out, format_args!("    from those Keras computed    {}", small(far)))?;
    if kind(&opened.backend) != Some(Kind::Reference) {
        let exact = compute(&Backend::Reference, "the same on the reference")?;
        let far = largest_difference(&ours, &exact);
        line(out, format_args!("    from the 64-bit reference    {}", small(far)))?;
    }
    Ok(())
}

/// A small number: zero stands out.
fn small(number: f32) -> String {
    if number == 0.0 { "0".to_owned() } else { format!("{number:.1e}") }
}

/// The most probable class of each digit.
fn classes(probabilities: &[f32]) -> Vec<usize> {
    probabilities.chunks(10).map(batches::most_probable).collect()
}

/// How many elements are equal.
fn agreement(a: &[usize], b: &[usize]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}

/// The largest absolute difference, NaN if there is one.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    let far = |(a, b): (&f32, &f32)| (a - b).abs();
    a.iter().zip(b).map(far).fold(0.0, |most, d| if d.is_nan() || d > most { d } else { most })
}
