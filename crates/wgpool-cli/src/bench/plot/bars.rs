//! The time of each case on both devices.

use plotters::backend::DrawingBackend;
use wgpool_testing::bench::{Report, Spread, Timing};

use super::pen::{Anchor, Drawn, Pen};
use super::scale::Scale;
use super::{ALARM, FAINT, GPU, HOST, INK};
use crate::bench::table::number;

/// Draws within left, top, right and bottom; names are to the left of it, values to the right of their bars.
pub fn draw<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    report: &Report,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn<DB> {
    let timings = || report.cases.iter().flat_map(|case| case.host.iter().chain(&case.gpu));
    let x = Scale::around(timings().map(|t| time(t).median * 1e3), [2.0, 1.6], [left, right]);
    pen.bold((left, top - 16), "Milliseconds of a run, median (line: 10th to 90th percentile)", 17.0, INK)?;
    for (value, label) in x.ticks() {
        let at = x.at(value);
        if let Some(label) = label {
            pen.line(&[(at, top), (at, bottom)], FAINT, 1)?;
            pen.text((at, bottom + 16), &label, 14.0, INK, Anchor::Center)?;
        }
        pen.line(&[(at, bottom), (at, bottom + 4)], INK, 1)?;
    }
    let row = f64::from(bottom - top) / report.cases.len().max(1) as f64;
    let thick = (row * 0.36).clamp(4.0, 16.0) as i32;
    for (i, case) in report.cases.iter().enumerate() {
        let middle = top + (row * (i as f64 + 0.5)) as i32;
        pen.text((left - 10, middle), &case.name, 15.0, INK, Anchor::Right)?;
        if !case.faults.is_empty() {
            pen.text((left + 8, middle), "wrong result, not timed", 15.0, ALARM, Anchor::Left)?;
            continue;
        }
        // One above the other, or a single one in the middle.
        let tops = if case.gpu.is_some() { [middle - thick, middle] } else { [middle - thick / 2; 2] };
        for (timing, top, color) in [(&case.host, tops[0], HOST), (&case.gpu, tops[1], GPU)] {
            let Some(timing) = timing else { continue };
            let Spread { median, p10, p90 } = time(timing);
            let [end, low, high] = [median, p10, p90].map(|seconds| x.at(seconds * 1e3));
            pen.bar([(left, top + 1), (end, top + thick - 1)], color)?;
            pen.line(&[(low, top + thick / 2), (high, top + thick / 2)], INK, 1)?;
            pen.text((high + 6, top + thick / 2), &number(median * 1e3), 13.0, color, Anchor::Left)?;
        }
    }
    pen.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1)?;
    let how = if timings().any(|t| t.device.is_some()) { "; of the adapter by timestamps" } else { "" };
    let text = format!("ms{how}");
    pen.text(((left + right) / 2, bottom + 40), &text, 15.0, INK, Anchor::Center)
}

/// What the rates are computed from too.
fn time(timing: &Timing) -> Spread {
    timing.device.unwrap_or(timing.wall)
}
