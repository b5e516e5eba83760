//! How many digits a second, in the steady state.

use std::io::Write;
use std::time::{Duration, Instant};

use wgpool::model::Sequential;
use wgpool::{Backend, Result, Tensor};

use super::super::backends::{Kind, Opened, kind};
use super::super::terminal::{grouped, line, progress};
use crate::cli::batches;

/// Digits in one run, a column each.
const BATCHES: [usize; 3] = [1, 100, 1000];

/// Runs before the clock counts: shaders are compiled and caches filled.
const WARM_UP: usize = 3;

/// Runs that are timed at least, and how long they go on.
const RUNS: usize = 9;
const LONG_ENOUGH: Duration = Duration::from_millis(300);

/// Times the backend, and the host path beside it.
pub fn show(opened: &Opened, model: &Sequential, images: &Tensor, out: &mut dyn Write) -> Result<()> {
    line(out, "  median of repeated runs after a warm-up, input and output copied each time")?;
    let mut rows = vec![&opened.backend];
    if kind(&opened.backend) != Some(Kind::Host) {
        rows.push(&Backend::Host);
    }
    let width = rows.iter().map(|row| row.name().chars().count()).max().unwrap_or(0);
    let columns: String = BATCHES.iter().map(|batch| format!("{:>14}", format!("batch {batch}"))).collect();
    line(out, format_args!("  {:width$}{columns}", ""))?;
    let bar = progress(rows.len() * BATCHES.len(), "timing");
    let mut table = Vec::new();
    for row in rows {
        let mut text = format!("  {:width$}", row.name());
        for batch in BATCHES {
            let rate = batch as f64 / median(row, model, images, batch)?.as_secs_f64();
            text.push_str(&format!("{:>14}", grouped(rate.round() as u64)));
            bar.inc(1);
        }
        table.push(text);
    }
    bar.finish_and_clear();
    table.iter().try_for_each(|row| line(out, row))
}

/// The median time of one batch.
fn median(backend: &Backend, model: &Sequential, images: &Tensor, batch: usize) -> Result<Duration> {
    let input = batches::slice(images, 0, batch)?;
    let program = model.program(batch)?;
    for _ in 0..WARM_UP {
        program.run(backend, &input)?;
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < RUNS || begin.elapsed() < LONG_ENOUGH {
        let start = Instant::now();
        program.run(backend, &input)?;
        times.push(start.elapsed());
        // The reference takes seconds for a large batch: a few runs must do.
        if times.len() >= 3 && begin.elapsed() > 10 * LONG_ENOUGH {
            break;
        }
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
