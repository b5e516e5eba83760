//! Values of the forward pass that are computed again where the backward one needs them.

use std::collections::BTreeMap;

use super::settings::Recompute;
use crate::program::{Program, Source, Step, lifetimes, peak};
use wgpool::error::{Error, Result};

/// A step of training whose forward pass is computed again in segments. Operations are those of the program, which has been joined, so
/// that results have its bits.
pub(super) fn recomputed(program: Program, how: Recompute) -> Result<Program> {
    match how {
        Recompute::Nothing => Ok(program),
        Recompute::Segments(count) => Ok(in_segments(&program, count)),
        Recompute::Below(bytes) => {
            let mut least = peak(&program);
            if least <= bytes {
                return Ok(program);
            }
            for count in 2..=forward(&program).max(2) {
                let cut = in_segments(&program, count);
                let own = peak(&cut);
                if own <= bytes {
                    return Ok(cut);
                }
                least = least.min(own);
            }
            let rule = format!("segments make the values between operations {least} bytes at least");
            Err(Error::parameter("training", "recompute below", bytes, rule))
        }
    }
}

/// How many steps the forward pass has: those up to the loss, which is the first output.
fn forward(program: &Program) -> usize {
    match program.results.first() {
        Some(Source::Step { step, .. }) => step + 1,
        _ => 0,
    }
}

/// The segment of each step of the forward pass: of about as many bytes each.
fn segments(program: &Program, count: usize) -> Vec<usize> {
    let bytes =
        |step: &Step| step.output_descs().iter().map(|desc| u128::from(desc.buffer_size())).sum::<u128>();
    let sizes: Vec<u128> = program.steps.iter().take(forward(program)).map(bytes).collect();
    let all = sizes.iter().sum::<u128>().max(1);
    let mut before = 0;
    let of = |size: &u128| {
        // By the middle of what the step makes.
        let middle = before + size / 2;
        before += size;
        ((middle * count as u128 / all) as usize).min(count.saturating_sub(1))
    };
    sizes.iter().map(of).collect()
}

/// The forward pass cut into segments, which are computed again in front of the first step of the backward pass that reads them.
fn in_segments(program: &Program, count: usize) -> Program {
    let segments = segments(program, count);
    let Some(&last) = segments.last() else { return program.clone() };
    let segment = |source: &Source| match source {
        Source::Step { step, .. } => segments.get(*step).copied(),
        _ => None,
    };
    // What is there anyway: outputs, what other segments read, and the last segment.
    let mut kept: Vec<Vec<bool>> = lifetimes(program)
        .iter()
        .map(|outputs| outputs.iter().map(|lifetime| lifetime.is_result).collect())
        .collect();
    for (step, &own) in program.steps.iter().zip(&segments) {
        for source in &step.inputs {
            if let Source::Step { step, output } = source
                && segment(source) != Some(own)
                && let Some(kept) = kept.get_mut(*step).and_then(|outputs| outputs.get_mut(*output))
            {
                *kept = true;
            }
        }
    }
    let is_kept = |source: &Source| match source {
        Source::Step { step, output } => {
            kept.get(*step).and_then(|outputs| outputs.get(*output)).copied().unwrap_or(true)
        }
        _ => true,
    };
    // The segment from which a value is computed again; none where it is there.
    let again = |source: &Source| segment(source).filter(|&own| own != last && !is_kept(source));

    // Which steps make what the backward pass reads, and what that is made of.
    let mut is_needed = vec![false; segments.len()];
    let need = |is_needed: &mut Vec<bool>, source: &Source| {
        if let (Some(_), Source::Step { step, .. }) = (again(source), source)
            && let Some(needed) = is_needed.get_mut(*step)
        {
            *needed = true;
        }
    };
    for source in program.steps.iter().skip(segments.len()).flat_map(|step| &step.inputs) {
        need(&mut is_needed, source);
    }
    for (at, step) in program.steps.iter().enumerate().take(segments.len()).rev() {
        if is_needed.get(at) == Some(&true) {
            step.inputs.iter().for_each(|source| need(&mut is_needed, source));
        }
    }

    let mut steps: Vec<Step> = program.steps.iter().take(segments.len()).cloned().collect();
    // Where steps of the backward pass, and copies of those of the forward pass, are now.
    let mut places: Vec<usize> = (0..segments.len()).collect();
    let mut copies: BTreeMap<usize, usize> = BTreeMap::new();
    let mut is_there = vec![false; last + 1];
    for step in program.steps.iter().skip(segments.len()) {
        for own in step.inputs.iter().filter_map(again).collect::<Vec<_>>() {
            let Some(there) = is_there.get_mut(own).filter(|there| !**there) else { continue };
            *there = true;
            for (at, original) in program.steps.iter().enumerate().take(segments.len()) {
                if segments.get(at) != Some(&own) || is_needed.get(at) != Some(&true) {
                    continue;
                }
                let mut copy =
                    moved(original, |source| place(source, &places, again(source).map(|_| &copies)));
                copy.name = format!("{} again", original.name);
                copies.insert(at, steps.len());
                steps.push(copy);
            }
        }
        let step = moved(step, |source| place(source, &places, again(source).map(|_| &copies)));
        places.push(steps.len());
        steps.push(step);
    }
    let results = program.results.iter().map(|source| place(source, &places, None)).collect();
    Program { steps, results, ..program.clone() }
}

/// A step that reads its inputs elsewhere.
fn moved(step: &Step, place: impl Fn(&Source) -> Source) -> Step {
    Step { inputs: step.inputs.iter().map(place).collect(), ..step.clone() }
}

/// Where a value is now: in a copy, or where its step is.
fn place(source: &Source, places: &[usize], copies: Option<&BTreeMap<usize, usize>>) -> Source {
    match source {
        Source::Step { step, output } => {
            let found = copies.and_then(|copies| copies.get(step)).or(places.get(*step));
            Source::Step { step: found.copied().unwrap_or(*step), output: *output }
        }
        other => other.clone(),
    }
}
