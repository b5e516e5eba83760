//! The time of each case on both devices.

use plotters::backend::DrawingBackend;
use wgpool_testing::bench::{CaseReport, Report, Spread, Timing};

use super::pen::{Anchor, Drawn, Pen};
use super::scale::Scale;
use super::{ALARM, GPU, HOST, INK, SOFT};
use crate::terminal::{number, shapes, short};

/// Half the height of the ends of a whisker.
const END: i32 = 4;

/// Characters of a case's name, and of what is below it.
const NAME: usize = 30;
const BELOW: usize = 38;

/// Draws within left, top, right and bottom; names are to the left of it, values to the right of their whiskers.
pub fn draw<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    report: &Report,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn<DB> {
    let timings = || report.cases.iter().flat_map(|case| case.host.iter().chain(&case.gpu));
    let x = scale(timings(), [left, right]);
    pen.bold((left, top - 16), "Milliseconds of a run, median (line: 10th to 90th percentile)", 17.0, INK)?;
    x.draw_below(pen, [top, bottom])?;
    let row = f64::from(bottom - top) / report.cases.len().max(1) as f64;
    for (i, case) in report.cases.iter().enumerate() {
        let middle = top + (row * (i as f64 + 0.5)) as i32;
        let [name, below] = labels(case);
        pen.text((left - 10, middle - 8), &name, 15.0, INK, Anchor::Right)?;
        pen.text((left - 10, middle + 9), &below, 12.0, SOFT, Anchor::Right)?;
        if !case.faults.is_empty() {
            pen.text((left + 8, middle), "wrong result, not timed", 15.0, ALARM, Anchor::Left)?;
            continue;
        }
        // One above the other, or a single one in the middle.
        let both = case.host.is_some() && case.gpu.is_some();
        let heights = if both { [middle - 8, middle + 8] } else { [middle; 2] };
        for (timing, y, is_host) in [(&case.host, heights[0], true), (&case.gpu, heights[1], false)] {
            let Some(timing) = timing else { continue };
            let color = if is_host { HOST } else { GPU };
            let Spread { median, p10, p90 } = time(timing);
            let [at, low, high] = [median, p10, p90].map(|seconds| x.at(seconds * 1e3));
            pen.line(&[(low, y), (high, y)], color, 2)?;
            for end in [low, high] {
                pen.line(&[(end, y - END), (end, y + END)], color, 2)?;
            }
            pen.mark((at, y), is_host, color)?;
            pen.text((high.max(at + 5) + 7, y), &number(median * 1e3), 13.0, color, Anchor::Left)?;
        }
    }
    pen.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1)?;
    let how = if timings().any(|t| t.device.is_some()) { "; of the adapter by timestamps" } else { "" };
    let text = format!("ms, on a logarithmic axis{how}");
    pen.text(((left + right) / 2, bottom + 40), &text, 15.0, INK, Anchor::Center)
}

/// An axis on which all whiskers lie.
fn scale<'a>(timings: impl Iterator<Item = &'a Timing>, pixels: [i32; 2]) -> Scale {
    let ends = timings.map(time).flat_map(|Spread { median, p10, p90 }| [median, p10, p90]);
    Scale::around(ends.map(|seconds| seconds * 1e3), [1.5, 1.5], pixels)
}

/// A case's name, and its shapes; of several kernels for one case, the kernel.
fn labels(case: &CaseReport) -> [String; 2] {
    let kernel = case.kernel.unwrap_or_default();
    let name = case.name.strip_suffix(kernel).unwrap_or(&case.name).trim_end();
    let below = match case.kernel {
        Some(kernel) => kernel.to_owned(),
        None => format!(
            "{} to {}",
            shapes(case.inputs.get(..1).unwrap_or_default()),
            shapes(case.outputs.get(..1).unwrap_or_default())
        ),
    };
    [short(name, NAME), short(&below, BELOW)]
}

/// What the rates are computed from too.
fn time(timing: &Timing) -> Spread {
    timing.device.unwrap_or(timing.wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiskers_lie_within_the_axis() {
        let spread = |median, p10, p90| Spread { median, p10, p90 };
        let timing = |wall| Timing { wall, device: None, runs: 1, samples: Vec::new() };
        // One reaches far below all medians, one far above.
        let all = [timing(spread(1e-3, 1e-5, 2e-3)), timing(spread(4e-3, 3e-3, 0.9))];
        let x = scale(all.iter(), [100, 500]);
        let inside = |ms: f64| (101..500).contains(&x.at(ms));
        assert!(inside(1e-2) && inside(900.0), "{x:?}");
    }
}
