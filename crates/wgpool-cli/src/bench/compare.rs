//! `wgpool bench --compare A B`: two builds beside each other.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wgpool::text::escaped;
use wgpool::{Error, Result};
use wgpool_testing::bench::compare::{Comparison, Interval, Round, compare};

use crate::document;
use crate::files::read_bytes;
use crate::terminal::{aligned, line, number};

/// Status if a case is slower than it may be.
const SLOWER: u8 = 1;

/// Compares two files, or two folders of rounds; the status says whether a case lies wholly above `fail_above`.
pub fn run(sides: [&Path; 2], fail_above: Option<f64>, out: &mut dyn Write) -> Result<ExitCode> {
    let [a, b] = [rounds(sides[0])?, rounds(sides[1])?];
    let found = compare(&a, &b)?;
    for (name, side) in ["A", "B"].iter().zip(sides) {
        let rounds = if found.rounds == 1 { "1 round".into() } else { format!("{} rounds", found.rounds) };
        line(out, format_args!("{name}: {}, {rounds}", side.display()))?;
    }
    line(out, "")?;
    table(&found, out)?;
    let how = if found.rounds == 1 {
        "wall times; interval: 95 % by Welch's t on the logarithms of one run's measurements, too narrow to judge a build by"
    } else {
        "wall times; B/A: the median over the rounds; interval: 95 % by the sign test"
    };
    line(out, how)?;
    for note in &found.notes {
        line(out, format_args!("note: {note}"))?;
    }
    let mut status = ExitCode::SUCCESS;
    for row in found.rows.iter().filter(|row| fail_above.is_some_and(|most| row.ratio.low > most)) {
        let Interval { ratio, low, .. } = row.ratio;
        let (case, place) = (&row.case, row.place.name());
        let most = fail_above.unwrap_or_default();
        line(
            out,
            format_args!("FAILED {case}, {place}: {ratio:.3} times A, at least {low:.3}, above {most}"),
        )?;
        status = ExitCode::from(SLOWER);
    }
    Ok(status)
}

/// The rounds of a side: one file, or all `.json` files of a folder in the order of their names.
fn rounds(side: &Path) -> Result<Vec<Round>> {
    let files = if side.is_dir() { files_of(side)? } else { vec![side.to_owned()] };
    files.iter().map(|file| Round::read(&file.display().to_string(), &read_bytes(file)?)).collect()
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(document(folder, "the folder has no .json file, as `wgpool bench --json` writes them"));
    }
    files.sort();
    Ok(files)
}

fn table(found: &Comparison, out: &mut dyn Write) -> Result<()> {
    let mut rows = vec![["case", "where", "A ms", "B ms", "B/A", "interval", ""].map(String::from)];
    let shares =
        |Interval { ratio, low, high }: Interval| [format!("{ratio:.3}"), format!("{low:.3}-{high:.3}")];
    for row in &found.rows {
        let [a, b] = row.median_ms.map(number);
        let [ratio, interval] = shares(row.ratio);
        let (case, place) = (escaped(&row.case).into_owned(), row.place.name().into());
        rows.push([case, place, a, b, ratio, interval, row.ratio.verdict().name().into()]);
    }
    for mean in &found.means {
        let [ratio, interval] = shares(mean.ratio);
        let (name, place) = (format!("geometric mean of {}", mean.cases), mean.place.name().into());
        let verdict = mean.ratio.verdict().name().into();
        rows.push([name, place, String::new(), String::new(), ratio, interval, verdict]);
    }
    aligned(&rows, 2, out)
}
