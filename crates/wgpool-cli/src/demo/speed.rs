//! How many digits a second, in the steady state.

use std::io::Write;
use std::time::{Duration, Instant};

use wgpool::{Backend, Result, Tensor};
use wgpool_net::{Model, Session};

use super::super::backends::{Kind, Opened, kind, short_name};
use super::super::terminal::{grouped, line, progress};
use crate::batches;

/// Digits in one run, a column each.
const BATCHES: [usize; 3] = [1, 32, 256];

/// Runs before the clock counts, in which shaders are compiled and caches filled, and runs that are timed.
const WARM_UP: usize = 3;
const RUNS: usize = 9;

/// How long each is repeated at least, and about how long at most.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const TOO_LONG: Duration = Duration::from_secs(3);

/// Times the backend, and the host path beside it.
pub fn show(opened: &Opened, model: &Model, images: &Tensor, out: &mut dyn Write) -> Result<()> {
    line(out, "  median of repeated runs after a warm-up, input and output copied each time")?;
    let mut rows = vec![&opened.backend];
    if kind(&opened.backend) != Some(Kind::Host) {
        rows.push(&Backend::Host);
    }
    let width = rows.iter().map(|row| short_name(row).chars().count()).max().unwrap_or(0);
    let columns: String = BATCHES.iter().map(|batch| format!("{:>11}", format!("batch {batch}"))).collect();
    line(out, format_args!("  {:width$}{columns}", ""))?;
    let bar = progress(rows.len() * BATCHES.len(), "timing");
    let mut table = Vec::new();
    for row in rows {
        let mut text = format!("  {:width$}", short_name(row));
        for batch in BATCHES {
            let rate = batch as f64 / median(row, model, images, batch)?.as_secs_f64();
            text.push_str(&format!("{:>11}", grouped(rate.round() as u64)));
            bar.inc(1);
        }
        table.push(text);
    }
    bar.finish_and_clear();
    table.iter().try_for_each(|row| line(out, row))
}

/// The median time of one batch.
fn median(backend: &Backend, model: &Model, images: &Tensor, batch: usize) -> Result<Duration> {
    let input = batches::slice(images, 0, batch)?;
    let session = Session::compile(backend, model.program(batch)?)?;
    let mut times = Vec::new();
    let begin = Instant::now();
    for _ in 0..WARM_UP {
        session.run(&input)?;
        // Slow backends, the reference above all, are warm after one run.
        if begin.elapsed() > LONG_ENOUGH {
            break;
        }
    }
    let begin = Instant::now();
    while times.len() < RUNS || begin.elapsed() < LONG_ENOUGH {
        let start = Instant::now();
        session.run(&input)?;
        times.push(start.elapsed());
        if times.len() >= 3 && begin.elapsed() > TOO_LONG {
            break;
        }
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
