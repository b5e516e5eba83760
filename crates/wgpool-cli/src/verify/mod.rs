//! `wgpool verify`: a corpus of cases, or random ones, against the reference.

mod networks;
mod numbers;

use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use wgpool::Result;
use wgpool_testing::verify::{run_corpus, self_check};

use super::args::{Place, VerifyArgs};
use super::terminal::{block, line, progress};
use super::{backends, document};

/// Status if any case failed.
const FAILED: u8 = 1;

/// Runs the command; the status says whether any case failed. A corpus of which nothing could be checked is an error.
pub fn run(args: &VerifyArgs, place: &Place, out: &mut dyn Write) -> Result<ExitCode> {
    let backend = backends::open_with(place, &args.kernels)?;
    let bar = progress(0, "cases");
    let mut advance = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let report = match &args.dir {
        Some(dir) => match networks::read(dir)? {
            Some(networks) => Ok(networks.run(dir, &backend, &mut advance)),
            None => run_corpus(dir, &backend, &mut advance),
        },
        None => {
            let seed = args.seed.unwrap_or_else(seed_of_now);
            Ok(self_check(seed, args.count, &backend, &mut advance))
        }
    };
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        line(out, report.to_json())?;
    } else {
        block(out, &report)?;
    }
    if let (0, Some(dir)) = (report.checked(), &args.dir) {
        let reason = match report.total().unsupported {
            0 => "it has no cases".to_owned(),
            all => format!("none of its {all} cases is supported here"),
        };
        return Err(document(dir, format_args!("nothing was checked: {reason}")));
    }
    Ok(if report.total().failed > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// A seed short enough to be typed again.
fn seed_of_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ (since.as_secs() & 0xffff)
}
